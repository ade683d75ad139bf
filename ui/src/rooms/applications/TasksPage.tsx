import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { isEnded, personOf, type Operation } from '~/api/operate'
import { Button } from '~/kit/button'
import { VirtualList } from '~/kit/list'
import { Page, useTitle } from '~/kit/page'
import { Empty, Loaded } from '~/kit/state'
import { StatusIcon, wordOf } from '~/kit/status'
import { Ago, Took } from '~/kit/time'
import { pageLength, tasks } from './queries'
import { results, type TasksSearch } from './search'
import { TaskPane } from './TaskPane'
import css from './tasks.module.css'

const route = getRouteApi('/applications/$app/tasks')
const resultNames = { running: 'Running', failed: 'Failed', succeeded: 'Succeeded' } as const

export default function TasksPage() {
  const { app } = route.useParams()
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/applications/$app/tasks' })
  const change = (to: TasksSearch) => void navigate({ search: (s) => ({ ...s, ...to }), replace: true })
  const query = useQuery(tasks(app, search))
  const page = search.page ?? 1
  useTitle(`Tasks of ${app}`)
  return (
    <div className={css.split}>
      <div className={css.main}>
        <Page
          fill
          title="Tasks"
          sub="What was done besides pipelines: by people here, by the command line, and by other programs."
          actions={results.map((r) => (
            <Button key={r} small aria-pressed={search.result === r} className={css.result} onClick={() => change({ result: search.result === r ? undefined : r, page: undefined })}>
              {resultNames[r]}
            </Button>
          ))}
        >
          <Loaded query={query}>
            {(list) =>
              list.length === 0 ? (
                <Empty title={search.result || page > 1 ? 'No task is like this' : 'No tasks yet'} action={(search.result || page > 1) && <Button onClick={() => change({ result: undefined, page: undefined })}>Show all</Button>}>
                  A resize, a rollback or a save shows here, with its steps.
                </Empty>
              ) : (
                <div className={css.table}>
                  <VirtualList items={list} label={`Tasks of ${app}`} rowKey={(t) => t.id} height={() => 44} selected={search.id} onSelect={(t) => change({ id: t.id })} onOpen={(t) => change({ id: t.id })}>
                    {(t) => <TaskRow task={t} open={t.id === search.id} onOpen={() => change({ id: t.id === search.id ? undefined : t.id })} />}
                  </VirtualList>
                  {(page > 1 || list.length === pageLength) && (
                    <nav className={css.pages} aria-label="Pages">
                      <Button small disabled={page === 1} onClick={() => change({ page: page > 2 ? page - 1 : undefined })}>
                        Newer
                      </Button>
                      <span className="muted">Page {page}</span>
                      <Button small disabled={list.length < pageLength} onClick={() => change({ page: page + 1 })}>
                        Older
                      </Button>
                    </nav>
                  )}
                </div>
              )
            }
          </Loaded>
        </Page>
      </div>
      {search.id && <TaskPane key={search.id} id={search.id} onClose={() => change({ id: undefined })} />}
    </div>
  )
}

/** stepsDone says how far an operation is, while it runs. */
const stepsDone = (t: Operation) => (isEnded(t.status) ? wordOf(t.status) : `${t.steps.filter((s) => isEnded(s.status)).length} of ${t.steps.length} steps`)

function TaskRow({ task, open, onOpen }: { task: Operation; open: boolean; onOpen: () => void }) {
  return (
    <div className={css.row} data-open={open || undefined}>
      <StatusIcon status={task.status} />
      <button type="button" className={css.name} aria-expanded={open} onClick={onOpen}>
        {task.name}
      </button>
      <span className={css.optional}>{stepsDone(task)}</span>
      <span className={css.optional}>{personOf(task.execution.authentication?.user)}</span>
      <span className={css.optional}>
        <Took from={task.startTime} to={task.endTime} />
      </span>
      <span>
        <Ago at={task.startTime ?? task.buildTime} />
      </span>
    </div>
  )
}

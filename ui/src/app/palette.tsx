// The palette: whatever is known can be found by typing a part of it.
import * as Dialog from '@radix-ui/react-dialog'
import { useQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { Command as Cmdk } from 'cmdk'
import { lazy, Suspense, useDeferredValue, useEffect, useMemo, useState } from 'react'
import { api, must } from '~/api/client'
import { keys } from '~/api/live'
import { applications, serverGroups } from '~/api/queries'
import { useTexts } from '~/kit/local'
import { StatusIcon, wordOf } from '~/kit/status'
import { appPath, here, isExecutionID, offer, ofApplications, ofFound, ofPipelines, places, sought, type Command, type Found } from './commands'
import { saveTheme, themes } from './theme'
import css from './palette.module.css'

const KeySheet = lazy(() => import('./keysheet'))

/** valueOf names a line of the list. */
const valueOf = (c: Command) => `${c.group} ${c.id}`

/** How many commands are remembered. */
const remembered = 12
/** How many pipelines are known besides those of the application that one is in. */
const knownPipelines = 500
/** How long typing must rest before the fleet is searched, in milliseconds. */
const rest = 120

export default function Palette({ app, onClose }: { app: string | undefined; onClose: () => void }) {
  const router = useRouter()
  const [typed, setTyped] = useState('')
  const [keysheet, setKeysheet] = useState(false)
  const [recent, remember] = useTexts('gennaker.recent')
  const { commands, searching } = useCommands(useDeferredValue(typed), app)
  const offered = useMemo(() => offer(commands, typed, recent, app), [commands, typed, recent, app])
  const execution = useExecution(typed)
  const toExecution: Command | undefined = execution && { id: execution.id, group: 'Executions', label: execution.id, to: appPath(execution.application, `/executions/${execution.id}`) }
  // What is selected stays so while it is offered; else it is the first.
  const [value, setValue] = useState('')
  const listed = [...(toExecution ? [toExecution] : []), ...offered.flatMap((o) => o.commands)]
  const selected = listed.find((c) => valueOf(c) === value) ?? listed[0]

  const run = (c: Command) => {
    remember([c.id, ...recent.filter((id) => id !== c.id)].slice(0, remembered))
    if ('to' in c) {
      onClose()
      router.history.push(router.basepath + c.to)
      return
    }
    if (c.act === 'keys') return setKeysheet(true)
    const theme = themes.find((t) => c.act === `theme:${t}`)
    if (theme) saveTheme(theme)
    onClose()
  }

  if (keysheet)
    return (
      <Suspense>
        <KeySheet onClose={onClose} />
      </Suspense>
    )
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className={css.overlay} />
        <Dialog.Content className={css.palette} aria-describedby={undefined}>
          <Dialog.Title className="hidden">Command palette</Dialog.Title>
          <Cmdk
            shouldFilter={false}
            loop
            label="Command palette"
            value={selected ? valueOf(selected) : ''}
            onValueChange={setValue}
            // cmdk's own way to run a line does nothing while that has only just come.
            onKeyDown={(e) => {
              if (e.key !== 'Enter' || e.nativeEvent.isComposing) return
              e.preventDefault()
              if (selected) run(selected)
            }}
          >
            <Cmdk.Input
              className={css.input}
              placeholder="Search, start, roll back…"
              value={typed}
              onValueChange={(text) => {
                setTyped(text)
                setValue('')
              }}
            />
            <Cmdk.List className={css.list} label="Commands">
              {execution && toExecution && (
                <Cmdk.Item className={css.item} value={valueOf(toExecution)} onSelect={() => run(toExecution)}>
                  <StatusIcon status={execution.status} label="" />
                  <span className={css.label}>
                    {execution.name ?? execution.description ?? execution.id}, {wordOf(execution.status)}
                  </span>
                  <span className={css.hint}>{execution.application}</span>
                </Cmdk.Item>
              )}
              {offered.map(({ group, commands }) => (
                <Cmdk.Group key={group} heading={group === 'Here' ? app : group} className={css.group}>
                  {commands.map((c) => (
                    <Cmdk.Item key={c.id} value={valueOf(c)} className={css.item} onSelect={() => run(c)}>
                      <span className={css.label}>{c.label}</span>
                      {c.hint && <span className={css.hint}>{c.hint}</span>}
                    </Cmdk.Item>
                  ))}
                </Cmdk.Group>
              ))}
              {!execution && offered.length === 0 && <div className={css.nothing}>{searching ? 'Searching…' : 'Nothing is called that.'}</div>}
            </Cmdk.List>
          </Cmdk>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

/** useCommands collects what is known, and what the server finds for what was typed. */
function useCommands(typed: string, app: string | undefined): { commands: Command[]; searching: boolean } {
  const apps = useQuery(applications()).data
  const all = useQuery(pipelineRows(undefined)).data
  const own = useQuery({ ...pipelineRows(app), enabled: app !== undefined }).data
  const groups = useQuery({ ...serverGroups(app ?? ''), enabled: app !== undefined }).data
  const q = useRest(sought(typed))
  const found = useQuery({
    queryKey: ['search', q],
    queryFn: ({ signal }) => must(api.GET('/search', { params: { query: { q, type: ['clusters', 'serverGroups', 'instances'], pageSize: 100 } }, signal })),
    enabled: q.length >= 3 && !isExecutionID(q),
    staleTime: 5_000,
  })
  const commands = useMemo(
    () => [
      ...places(),
      ...(app ? here(app) : []),
      ...ofPipelines([...(app ? (own ?? []) : []), ...(all ?? [])]),
      ...ofApplications(apps ?? []),
      ...ofFound((groups ?? []).map((g) => ({ type: 'serverGroups', ...g }))),
      ...ofFound((found.data ?? []).flatMap((page) => page.results) as Found[]),
    ],
    [app, apps, all, own, groups, found.data],
  )
  return { commands, searching: found.isFetching || apps === undefined }
}

/** pipelineRows are the pipelines of an application, or the first of all. */
const pipelineRows = (application: string | undefined) => ({
  queryKey: application ? [...keys.documents(application), 'pipelineRows', 'palette'] : [...keys.applications, 'pipelineRows'],
  queryFn: async ({ signal }: { signal: AbortSignal }) => (await must(api.GET('/api/v1/pipelines', { params: { query: { application, limit: knownPipelines } }, signal }))).items,
  staleTime: 30_000,
})

/** useExecution asks for the execution whose ID was typed or pasted. */
function useExecution(typed: string) {
  const id = typed.trim().toUpperCase()
  return useQuery({
    queryKey: ['search', 'execution', id],
    queryFn: ({ signal }) => must(api.GET('/pipelines/{id}', { params: { path: { id } }, signal })),
    enabled: isExecutionID(id),
    retry: false,
  }).data
}

/** useRest returns a text once it has not changed for a moment. */
function useRest(text: string): string {
  const [rested, setRested] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), rest)
    return () => clearTimeout(timer)
  }, [text])
  return rested
}

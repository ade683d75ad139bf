// What a cluster of containers says happened to an object.
import { useQuery } from '@tanstack/react-query'
import { Empty, Loaded } from '~/kit/state'
import { StatusIcon } from '~/kit/status'
import { Ago } from '~/kit/time'
import type { Ref } from './model'
import css from './pane.module.css'
import { happened } from './queries'

export function Happened({ app, at }: { app: string; at: Ref }) {
  const query = useQuery(happened(app, at))
  return (
    <Loaded query={query}>
      {(all) =>
        all.length === 0 ? (
          <Empty title="Nothing happened lately">Clusters forget events after about an hour.</Empty>
        ) : (
          <ol className={css.list}>
            {all.map((e, i) => (
              <li key={i} className={css.entry}>
                <StatusIcon status={e.type === 'Normal' ? 'SUCCEEDED' : 'FAILED_CONTINUE'} label={e.type} size={13} />
                <div>
                  <b>{e.reason}</b> {e.count > 1 && <span className="muted">×{e.count}</span>}
                  <p>{e.message}</p>
                </div>
                <span className={css.when}>
                  <Ago at={e.lastTimestamp ? Date.parse(e.lastTimestamp) : undefined} />
                </span>
              </li>
            ))}
          </ol>
        )
      }
    </Loaded>
  )
}

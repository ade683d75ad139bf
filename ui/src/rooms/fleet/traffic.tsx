// Measured traffic, live: what the server tells once a second, as rates.
import { createContext, memo, useContext, useEffect, useMemo, useState, type ReactNode } from 'react'
import { useEvents, useLink } from '~/api/feed'
import { useNow } from '~/kit/time'
import { bare, versionOf, type Row } from './model'
import { backends, latency, percent, perSecond, rates, remember, split, together, type Backend, type History, type Rate, type Slice } from './rates'
import css from './traffic.module.css'

const Measured = createContext<ReadonlyMap<string, Rate>>(new Map())

/** TrafficProvider measures the traffic of an application for what is inside it. */
export function TrafficProvider({ app, children }: { app: string; children: ReactNode }) {
  const [history, setHistory] = useState<History>(new Map())
  const link = useLink()
  useEvents((e) => {
    if (e.type === 'traffic' && e.traffic && e.application?.toLowerCase() === app.toLowerCase()) setHistory((h) => remember(h, e.traffic ?? [], Date.now()))
  })
  // What was counted while nobody listened belongs to no second.
  useEffect(() => {
    if (link !== 'live') setHistory(new Map())
  }, [link, app])
  const now = useNow()
  const measured = useMemo(() => rates(history, now), [history, now])
  return <Measured value={measured}>{children}</Measured>
}

export const useMeasured = () => useContext(Measured)

/** shadeOf returns the colour of a version beside others: the newest is strongest. */
const shadeOf = (i: number, count: number) => `color-mix(in srgb, var(--accent) ${Math.round(100 - (70 * (count - 1 - i)) / Math.max(1, count - 1))}%, var(--surface))`

const figures = (r: Rate) => `${perSecond(r.requests)}, ${percent(r.requests > 0 ? r.errors / r.requests : 0)} errors, ${latency(r.latencyMs)}`

/** Ribbon shows how the traffic of a load balancer is divided among the versions of a cluster: measured above, wanted below. */
export const Ribbon = memo(function Ribbon({ behind, balancer, label }: { behind: Backend[]; balancer: string; label?: string }) {
  const measured = useMeasured()
  const { slices, total } = useMemo(() => split(behind, balancer, measured), [behind, balancer, measured])
  if (slices.length === 0) return null
  const said = slices.map((s) => `${versionOf(s.of)} ${percent(s.measured ?? s.desired)}${s.rate && s.measured ? `, ${figures(s.rate)}` : ''}`).join('; ')
  const wanted = slices.some((s) => s.desired > 0)
  return (
    <div className={css.ribbon}>
      <span className={css.name} title={`Load balancer ${balancer}`}>
        {label ?? bare(balancer)}
      </span>
      <div className={css.bars} role="img" aria-label={`${total ? 'Measured' : 'Wanted'} share of requests through ${balancer}: ${said}`}>
        <div className={css.bar} data-measured={total !== undefined || undefined}>
          {slices.map((s, i) => (
            <Part key={`${s.of.region} ${s.of.name}`} slice={s} shade={shadeOf(i, slices.length)} />
          ))}
        </div>
        <div className={css.wanted}>
          {slices.map((s) => (
            <span key={`${s.of.region} ${s.of.name}`} style={{ width: `${s.desired * 100}%` }} data-any={s.desired > 0 || undefined} title={`${versionOf(s.of)}: ${percent(s.desired)} wanted, after weights and instances`} />
          ))}
        </div>
      </div>
      <span className={css.total}>
        {total ? (
          <>
            <span>{perSecond(total.requests)}</span>
            <Errors rate={total} /> <span>{latency(total.latencyMs)}</span>
          </>
        ) : (
          <span className="muted">{wanted ? 'no requests measured: wanted share' : 'nothing in service'}</span>
        )}
      </span>
    </div>
  )
})

function Part({ slice, shade }: { slice: Slice; shade: string }) {
  const share = slice.measured ?? slice.desired
  const bad = slice.rate && slice.rate.requests > 0 ? slice.rate.errors / slice.rate.requests : 0
  return (
    <span className={css.part} style={{ width: `${share * 100}%`, background: shade }} title={`${bare(slice.of.name)}: ${percent(share)}${slice.rate && slice.measured ? `, ${figures(slice.rate)}` : ''}`}>
      <span className={css.label}>
        {versionOf(slice.of)} <b>{percent(share)}</b>
      </span>
      {bad > 0 && <span className={css.errors} style={{ width: `${Math.max(4, bad * 100)}%` }} />}
    </span>
  )
}

function Errors({ rate }: { rate: Rate }) {
  const share = rate.requests > 0 ? rate.errors / rate.requests : 0
  return (
    <span className={share > 0 ? css.bad : undefined} data-tone="bad">
      {percent(share)} errors
    </span>
  )
}

/** Flow is what one server group gets, in a cell: its share of its cluster in its region, requests, errors. */
export function Flow({ row, groups: all }: { row: Row; groups: Row[] }) {
  const measured = useMeasured()
  const groups = all.filter((g) => g.region === row.region)
  const rate = together(row, measured)
  if (!rate || row.loadBalancers.length === 0) return <span className="muted">–</span>
  const requests = groups.reduce((n, g) => n + (together(g, measured)?.requests ?? 0), 0)
  const share = requests > 0 ? rate.requests / requests : 0
  const behind = backends(groups, row.loadBalancers[0] ?? '')
  return (
    <span className={css.flow} title={figures(rate)}>
      <i style={{ background: shadeOf(behind.findIndex((b) => b.name === row.name), behind.length) }} />
      <b>{percent(share)}</b> <span>{perSecond(rate.requests)}</span> {rate.requests > 0 && rate.errors > 0 && <Errors rate={rate} />}
    </span>
  )
}

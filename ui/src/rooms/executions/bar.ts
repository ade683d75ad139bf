// The bar of an execution: its stages side by side, each as wide as it took. Pure.
import type { Execution, Stage } from '~/api/queries'
import { childrenOf, statusOfStage, steps, tookOf } from './stages'

export type Part = {
  /** The stage that the part stands for, the first of several. */
  stage: Stage
  status: string
  /** How much of the bar it takes, beside the others. */
  weight: number
  took?: number
  /** How many stages it stands for. */
  count: number
}

/** Parts that a bar shows at most; beyond, neighbours of the same status are drawn as one. */
const most = 60
/** What has not begun is as wide as this share of what has. */
const ahead = 0.06

/** bar returns the parts of an execution's bar at a time. */
export function bar(x: Execution, now: number): Part[] {
  const stages = steps(x.stages).map((s) => s.stage)
  const children = childrenOf(x.stages)
  const shown = new Set(stages)
  const times = stages.map((s) => tookOf(s, now, children.get(s.id)?.filter((c) => shown.has(c))))
  const total = times.reduce<number>((sum, t) => sum + (t ?? 0), 0)
  const parts = stages.map((stage, i): Part => ({ stage, status: statusOfStage(stage), took: times[i], weight: total === 0 ? 1 : Math.max((times[i] ?? total * ahead) / total, 0.01), count: 1 }))
  if (parts.length <= most) return parts
  const merged: Part[] = []
  for (const p of parts) {
    const last = merged.at(-1)
    if (last?.status === p.status) merged[merged.length - 1] = { ...last, weight: last.weight + p.weight, took: (last.took ?? 0) + (p.took ?? 0), count: last.count + 1 }
    else merged.push(p)
  }
  return merged
}

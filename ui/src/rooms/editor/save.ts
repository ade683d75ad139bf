// Saving: what was not seen is not overwritten.
import { api, asError, must, type ApiError } from '~/api/client'
import { edited, type Doc } from './document'

/** Base is the stored document that is edited; none of a new one. */
export type Base = { doc: Doc; updateTs?: string }

export const baseOf = (stored: Doc): Base => ({ doc: edited(stored), ...(stored.updateTs !== undefined && { updateTs: String(stored.updateTs) }) })

export type Saved = { stored: Doc; warnings: number }

/** load asks for a definition by its ID or name. */
export const load = async (app: string, nameOrId: string): Promise<Doc> =>
  (await must(api.GET('/applications/{app}/pipelineConfigs/{name}', { params: { path: { app, name: nameOrId } } }))) as Doc

/**
 * save stores a document in place of what has updateTs, or as a new one if it has
 * no ID. It throws an ApiError with 409 if somebody else saved meanwhile, and
 * with 400 and problems if it is no pipeline.
 */
export async function save(app: string, doc: Doc, updateTs: string | undefined): Promise<Saved> {
  if (typeof doc.id !== 'string' || updateTs === undefined) {
    const body = await api.POST('/pipelines', { body: doc, params: { query: { staleCheck: true } } })
    const warnings = Number(body.response.headers.get('X-Gennaker-Warnings') ?? 0)
    if (!body.response.ok) await must(Promise.resolve(body))
    return { stored: await load(app, String(typeof doc.id === 'string' ? doc.id : doc.name)), warnings }
  }
  const answer = await api.PUT('/pipelines/{id}', { params: { path: { id: doc.id } }, body: doc, headers: { 'If-Match': `"${updateTs}"` } })
  const warnings = Number(answer.response.headers.get('X-Gennaker-Warnings') ?? 0)
  return { stored: (await must(Promise.resolve(answer))) as Doc, warnings }
}

/** isStale reports whether a save was refused because of another one. */
export const isStale = (e: unknown): e is ApiError => asError(e).status === 409

/** fresh is a new pipeline, as a copy of another one if there is one. A copy starts by hand only, and has no name of its own yet. */
export function fresh(app: string, of?: Doc): Doc {
  if (!of) return { application: app, name: '', limitConcurrent: true, keepWaitingPipelines: false, parameterConfig: [], triggers: [], stages: [] }
  const { id: _, triggers, ...rest } = edited(of)
  const off = Array.isArray(triggers) ? triggers.map((t) => (typeof t === 'object' && t !== null && !Array.isArray(t) ? { ...t, enabled: false } : t)) : []
  return { ...rest, application: app, name: `${String(of.name ?? '')} (copy)`, triggers: off }
}

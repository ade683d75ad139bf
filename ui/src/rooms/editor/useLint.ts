import { useEffect, useState } from 'react'
import { api, must } from '~/api/client'
import type { Doc } from './document'
import { found, type Finding } from './problems'

/** How long one goes on typing until the server is asked, in milliseconds. */
const pause = 300

const none: Finding[] = []

/**
 * useLint asks what is wrong with a document whenever it changes. The latest
 * answer wins; until it is there, and while the server is away, the one before
 * stands.
 */
export function useLint(doc: Doc): { findings: Finding[]; asked: boolean } {
  const [of, setOf] = useState<{ doc: Doc; findings: Finding[] }>()
  useEffect(() => {
    const stop = new AbortController()
    const timer = setTimeout(() => {
      must(api.POST('/api/v1/pipelines/lint', { body: doc, signal: stop.signal })).then(
        (body) => setOf({ doc, findings: found(body.warnings) }),
        () => {},
      )
    }, pause)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [doc])
  return { findings: of?.findings ?? none, asked: of?.doc === doc }
}

// Operations that were begun: a dialog closes when the server has taken one, and
// the page tells how it ended.
import { createContext, useCallback, useContext, type ReactNode } from 'react'
import { useOperate } from '~/api/operate'
import { useSay } from '~/kit/toast'
import type { Operation } from './operations'

/** Begin resolves when the server has taken an operation, and rejects if it is refused; its end is told when it comes. */
type Begin = (operation: Operation, done: string) => Promise<void>

const Context = createContext<Begin>(() => Promise.reject(new Error('there is no BeginProvider')))

export function BeginProvider({ children }: { children: ReactNode }) {
  const operate = useOperate()
  const say = useSay()
  const begin = useCallback<Begin>(
    ({ application, description, job }, done) =>
      new Promise((taken, refused) => {
        let begun = false
        const start = () => {
          begun = true
          taken()
        }
        operate({ application, description, job: job as Record<string, unknown>[] }, start).then(
          () => say.done(done),
          (e: unknown) => (begun ? say.failed(e) : refused(e)),
        )
      }),
    [operate, say],
  )
  return <Context value={begin}>{children}</Context>
}

export const useBegin = () => useContext(Context)

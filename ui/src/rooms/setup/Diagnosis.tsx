import type { Schemas } from '~/api/client'
import { Facts } from '~/kit/page'
import { ErrorBox, Note } from '~/kit/state'
import { missingOf, sentence } from './account'
import css from './setup.module.css'

/** Diagnosis shows what was found when the credentials of an account were tried. */
export function Diagnosis({ found, error }: { found: Schemas['AccountDiagnosis'] | undefined; error?: unknown }) {
  if (error) return <ErrorBox error={error} />
  if (!found) return null
  return (
    <div className={css.stack} role="status">
      {found.ok ? (
        <Note tone="ok">It answers, and everything that is needed is allowed.</Note>
      ) : (
        <Note tone={found.usable ? 'wait' : 'bad'}>{found.usable ? 'It can be used, but not for everything.' : 'It cannot be used as it is.'}</Note>
      )}
      {found.server && (
        <Facts
          of={[
            ['Server', found.server],
            ['Version', found.version],
            ['User', found.user],
          ]}
        />
      )}
      {found.problems.map((p, i) => (
        <div key={i} className={css.problem}>
          <p>{sentence(p.message)}</p>
          {p.hint && <p className="muted">{sentence(p.hint)}</p>}
          {p.missing && (
            <div className={css.missing} tabIndex={0} role="region" aria-label="Missing permissions">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Resource</th>
                    <th scope="col">Verbs</th>
                    <th scope="col">In</th>
                  </tr>
                </thead>
                <tbody>
                  {missingOf(p.missing).map((m) => (
                    <tr key={`${m.resource} ${m.verbs}`}>
                      <td>{m.resource}</td>
                      <td>{m.verbs}</td>
                      <td>{m.where}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </div>
      ))}
    </div>
  )
}

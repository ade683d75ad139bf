import { Keys } from '~/kit/button'
import { Dialog } from '~/kit/dialog'
import { useKeyboard } from '~/kit/keys'
import css from './keysheet.module.css'

/** KeySheet lists what keys do on this page. */
export default function KeySheet({ onClose }: { onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} title="Keyboard shortcuts">
      {useKeyboard()
        .all()
        .map((scope, i) => (
          <section key={i}>
            <h3>{scope.title}</h3>
            <dl className={css.keys}>
              {Object.entries(scope.shortcuts).map(([keys, s]) => (
                <div key={keys}>
                  <dt>{s.does}</dt>
                  <dd>
                    <span className="hidden">{keys}</span>
                    <Keys of={keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
    </Dialog>
  )
}

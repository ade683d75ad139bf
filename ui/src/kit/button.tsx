import type { ButtonHTMLAttributes, Ref } from 'react'
import css from './button.module.css'

type Kind = 'primary' | 'plain' | 'quiet' | 'danger'

export type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { kind?: Kind; small?: boolean; busy?: boolean; ref?: Ref<HTMLButtonElement> }

/** Button is busy while what it began is under way: it keeps its place and takes no second click. */
export function Button({ kind = 'plain', small, busy, className, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      className={[css.button, css[kind], small && css.small, className].filter(Boolean).join(' ')}
    />
  )
}

/** IconButton has a picture for a face, and so needs a label. */
export function IconButton({ label, ...rest }: ButtonProps & { label: string }) {
  return <Button kind="quiet" aria-label={label} title={label} {...rest} className={[css.icon, rest.className].filter(Boolean).join(' ')} />
}

/** Keys shows a shortcut, as "mod+k" or "g f". */
export function Keys({ of }: { of: string }) {
  const mac = typeof navigator !== 'undefined' && /Mac|iP(hone|ad)/.test(navigator.platform)
  return (
    <span className={css.keys} aria-hidden>
      {of.split(' ').map((k) => (
        <kbd key={k}>{k.replace('mod', mac ? '⌘' : 'Ctrl').replace('shift+', '⇧').replace('+', ' ')}</kbd>
      ))}
    </span>
  )
}

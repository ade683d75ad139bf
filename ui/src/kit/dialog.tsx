// Dialogs and side panes: focus goes in and back out, Escape closes.
import * as Radix from '@radix-ui/react-dialog'
import { useState, type ReactNode } from 'react'
import { asError } from '~/api/client'
import { Button, IconButton } from './button'
import css from './dialog.module.css'
import { ErrorBox } from './state'

type Props = { open: boolean; onClose: () => void; title: ReactNode; children: ReactNode; footer?: ReactNode; wide?: boolean }

/** Dialog asks something in the middle of the page. */
export function Dialog({ open, onClose, title, children, footer, wide }: Props) {
  return (
    <Radix.Root open={open} onOpenChange={(o) => !o && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={css.overlay} />
        <Radix.Content className={css.dialog} data-wide={wide || undefined} aria-describedby={undefined}>
          <header className={css.header}>
            <Radix.Title className={css.title}>{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton small label="Close">
                ✕
              </IconButton>
            </Radix.Close>
          </header>
          <div className={css.body} tabIndex={-1}>{children}</div>
          {footer && <footer className={css.footer}>{footer}</footer>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

/** Pane shows details at the side of a page that stays usable; on a narrow screen it covers it. */
export function Pane({ onClose, title, actions, children }: { onClose: () => void; title: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <aside
      className={css.pane}
      aria-label="Details"
      onKeyDown={(e) => {
        if (e.key === 'Escape' && !e.defaultPrevented) onClose()
      }}
    >
      <header className={css.header}>
        <div className={css.title}>{title}</div>
        {actions}
        <IconButton small label="Close details" onClick={onClose}>
          ✕
        </IconButton>
      </header>
      <div className={css.paneBody}>{children}</div>
    </aside>
  )
}

type ConfirmProps = {
  open: boolean
  onClose: () => void
  title: ReactNode
  /** What will happen, and what would be left. */
  children?: ReactNode
  /** What the button says: the verb. */
  verb: string
  danger?: boolean
  disabled?: boolean
  /** A text that has to be typed first, for what cannot be undone. */
  typed?: string
  /** Does it; the dialog stays open with the error if it is refused. */
  onConfirm: () => Promise<unknown>
}

/** Confirm asks before something is done, and shows a refusal where it was asked. */
export function Confirm({ open, onClose, title, children, verb, danger, disabled, typed, onConfirm }: ConfirmProps) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const [text, setText] = useState('')
  const close = () => {
    setError(undefined)
    setText('')
    onClose()
  }
  const confirm = async () => {
    setBusy(true)
    setError(undefined)
    try {
      await onConfirm()
      close()
    } catch (e) {
      setError(e)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog
      open={open}
      onClose={close}
      title={title}
      footer={
        <>
          <Button onClick={close}>Keep as it is</Button>
          <Button kind={danger ? 'danger' : 'primary'} busy={busy} disabled={disabled || (typed !== undefined && text !== typed)} onClick={() => void confirm()}>
            {verb}
          </Button>
        </>
      }
    >
      {children}
      {typed !== undefined && (
        <label className={css.typed}>
          <span>
            Type <code>{typed}</code> to confirm
          </span>
          <input value={text} onChange={(e) => setText(e.target.value)} autoComplete="off" spellCheck={false} />
        </label>
      )}
      {error !== undefined && <ErrorBox error={asError(error)} />}
    </Dialog>
  )
}

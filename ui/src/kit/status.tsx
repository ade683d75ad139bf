// What has a status looks the same everywhere: a colour and a shape.
import css from './status.module.css'

/** Tone is what a status means to who looks. */
export type Tone = 'ok' | 'bad' | 'run' | 'wait' | 'stop' | 'idle'

const tones: Record<string, Tone> = {
  SUCCEEDED: 'ok',
  FAILED_CONTINUE: 'wait',
  TERMINAL: 'bad',
  STOPPED: 'stop',
  CANCELED: 'stop',
  RUNNING: 'run',
  PAUSED: 'wait',
  WAITING: 'wait',
  SUSPENDED: 'wait',
  BUFFERED: 'idle',
  NOT_STARTED: 'idle',
  SKIPPED: 'idle',
  REDIRECT: 'run',
  // of instances
  Up: 'ok',
  Succeeded: 'ok',
  Down: 'bad',
  Failed: 'bad',
  Starting: 'run',
  Draining: 'wait',
  OutOfService: 'idle',
  Unknown: 'stop',
  // of server groups
  up: 'ok',
  down: 'bad',
  starting: 'run',
  disabled: 'idle',
  empty: 'idle',
  destroying: 'wait',
  unknown: 'stop',
}

/** toneOf returns the tone of an execution's, stage's, task's, instance's or server group's status. */
export function toneOf(status: string): Tone {
  return tones[status] ?? 'stop'
}

const words: Record<string, string> = {
  NOT_STARTED: 'not started',
  TERMINAL: 'failed',
  FAILED_CONTINUE: 'failed, went on',
  BUFFERED: 'queued',
  OutOfService: 'out of service',
  WAITING: 'waiting for a person',
}

/** wordOf returns what people call a status. */
export function wordOf(status: string): string {
  return words[status] ?? status.toLowerCase().replaceAll('_', ' ')
}

/** Shapes are distinct in outline, so that they are told apart without colour. */
const shapes: Record<Tone, React.ReactNode> = {
  ok: (
    <>
      <circle cx="8" cy="8" r="7" className={css.fill} />
      <path d="M4.8 8.2l2.2 2.2 4.2-4.6" className={css.mark} />
    </>
  ),
  bad: (
    <>
      <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" className={css.fill} />
      <path d="M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8" className={css.mark} />
    </>
  ),
  run: (
    <>
      <circle cx="8" cy="8" r="6" className={css.line} />
      <path d="M8 2a6 6 0 0 1 6 6" className={css.turn} />
    </>
  ),
  wait: (
    <>
      <path d="M8 1l7 13.5H1z" className={css.fill} />
      <path d="M8 6v4M8 12v.4" className={css.mark} />
    </>
  ),
  stop: (
    <>
      <rect x="2" y="2" width="12" height="12" rx="2" className={css.fill} />
      <path d="M5 8h6" className={css.mark} />
    </>
  ),
  idle: <circle cx="8" cy="8" r="5.5" className={css.dash} />,
}

/** StatusIcon shows a status; its word is the accessible name unless label is "". */
export function StatusIcon({ status, size = 16, label }: { status: string; size?: number; label?: string }) {
  const name = label ?? wordOf(status)
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" className={css.icon} data-tone={toneOf(status)} {...(name ? { role: 'img', 'aria-label': name } : { 'aria-hidden': true })}>
      {shapes[toneOf(status)]}
    </svg>
  )
}

/** StatusBadge is the icon with its word. */
export function StatusBadge({ status, children }: { status: string; children?: React.ReactNode }) {
  return (
    <span className={css.badge} data-tone={toneOf(status)}>
      <StatusIcon status={status} size={13} label="" />
      {children ?? wordOf(status)}
    </span>
  )
}

/** toneClass colours text, or with soft its ground, after a status: data-tone is to be set beside it. */
export const toneClass = { text: css.text, soft: css.soft, solid: css.solid }

// Fields of forms: each has a label, and says what it is for and what is wrong.
import { useId, type ComponentProps, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes } from 'react'
import css from './field.module.css'

type FieldProps = { label: ReactNode; hint?: ReactNode; error?: ReactNode; required?: boolean; children: (props: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true; required?: boolean }) => ReactNode }

/** Field is a label with what it labels; the child gets the attributes that connect them. */
export function Field({ label, hint, error, required, children }: FieldProps) {
  const id = useId()
  const said = hint || error ? `${id}-said` : undefined
  return (
    <div className={css.field}>
      <label htmlFor={id}>
        {label}
        {required && (
          <span className={css.required} aria-hidden>
            {' '}
            *
          </span>
        )}
      </label>
      {children({ id, 'aria-describedby': said, 'aria-invalid': error ? true : undefined, required })}
      {said && (
        <div id={said} className={error ? css.wrong : css.hint}>
          {error || hint}
        </div>
      )}
    </div>
  )
}

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input autoComplete="off" {...rest} className={[css.input, className].filter(Boolean).join(' ')} />
}

export function TextArea({ className, ...rest }: TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return <textarea {...rest} className={[css.input, css.area, className].filter(Boolean).join(' ')} />
}

/** Select is the browser's own: it works with keys, screen readers and telephones. */
export function Select({ className, ...rest }: SelectHTMLAttributes<HTMLSelectElement>) {
  return <select {...rest} className={[css.input, css.select, className].filter(Boolean).join(' ')} />
}

export function Checkbox({ label, hint, ...rest }: InputHTMLAttributes<HTMLInputElement> & { label: ReactNode; hint?: ReactNode }) {
  return (
    <label className={css.check}>
      <input type="checkbox" {...rest} />
      <span>
        {label}
        {hint && <span className={css.hint}>{hint}</span>}
      </span>
    </label>
  )
}

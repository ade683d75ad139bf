// What the instances of a server group write, all of them or one.
import { Select } from '~/kit/field'
import LogView from '~/kit/log'
import { bare, type Ref } from './model'

type Props = { at: Ref; instance?: string; instances: string[]; onInstance: (name: string | undefined) => void }

/** How many instances one can choose from; more are opened from the strip. */
const mostChoices = 200

export default function Logs({ at, instance, instances, onInstance }: Props) {
  const query = new URLSearchParams({ follow: 'true', tail: String(256 << 10), ...(instance && { instance }) })
  return (
    <LogView url={`/api/v1/server-groups/${[at.account, at.region, at.name].map(encodeURIComponent).join('/')}/logs?${query}`}>
      <Select aria-label="Instance" value={instance ?? ''} onChange={(e) => onInstance(e.target.value || undefined)}>
        <option value="">All instances</option>
        {[...new Set([...(instance ? [instance] : []), ...instances.slice(0, mostChoices)])].map((name) => (
          <option key={name} value={name}>
            {bare(name)}
          </option>
        ))}
      </Select>
    </LogView>
  )
}

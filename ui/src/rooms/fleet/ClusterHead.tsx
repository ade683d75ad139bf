// The headings of the list: an account, and a cluster with its traffic.
import { useMemo } from 'react'
import { Ago } from '~/kit/time'
import { StatusBadge } from '~/kit/status'
import { balancersOf, bare, inService, type Cluster } from './model'
import { backends } from './rates'
import css from './rows.module.css'
import { Ribbon } from './traffic'

export function AccountHead({ account, asOf, clusters, reason }: { account: string; asOf: number; clusters: number; reason?: string }) {
  return (
    <div className={css.account}>
      <span className={css.accountName}>{account}</span>
      <span>
        {clusters} {clusters === 1 ? 'cluster' : 'clusters'}
      </span>
      {asOf > 0 && (
        <StatusBadge status="PAUSED">
          <span title={reason}>
            as it was <Ago at={asOf} />
          </span>
        </StatusBadge>
      )}
    </div>
  )
}

export function ClusterHead({ cluster }: { cluster: Cluster }) {
  const ribbons = useMemo(() => balancersOf(cluster).map(({ region, name }) => ({ region, name, behind: backends(cluster.groups.filter((g) => g.region === region), name) })), [cluster])
  const serving = cluster.groups.reduce((n, g) => n + inService(g), 0)
  const all = cluster.groups.reduce((n, g) => n + g.instances.length, 0)
  return (
    <div className={css.cluster}>
      <div className={css.clusterLine}>
        <h2>{bare(cluster.name)}</h2>
        <span className="muted">{cluster.regions.join(', ')}</span>
        <span className={css.counts}>
          {cluster.groups.length} {cluster.groups.length === 1 ? 'version' : 'versions'} · {serving} of {all} in service
        </span>
      </div>
      {ribbons.map(({ region, name, behind }) => (
        <Ribbon key={`${region} ${name}`} behind={behind} balancer={name} label={cluster.regions.length > 1 ? `${bare(name)}, ${region}` : undefined} />
      ))}
    </div>
  )
}

// Makes a load balancer of a local account, or changes where one listens.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Confirm } from '~/kit/dialog'
import { Field, Input, Select } from '~/kit/field'
import { useBegin } from './begin'
import { bare } from './model'
import { create, wrongAddress, type Balancer } from './network'
import { places } from './queries'

export function CreateBalancer({ app, lb, onClose }: { app: string; lb?: Balancer; onClose: () => void }) {
  const begin = useBegin()
  const query = useQuery(places())
  const local = (query.data ?? []).filter((a) => a.cloudProvider === 'local')
  const [name, setName] = useState(lb ? lb.name : app)
  const [listen, setListen] = useState(lb?.listen ?? '127.0.0.1:8080')
  const [chosen, setChosen] = useState(lb?.account)
  const account = local.find((a) => a.name === chosen) ?? local[0]
  const wrong = wrongAddress(listen)
  const confirm = async () => {
    if (!account) return
    const region = lb?.region ?? account.regions[0] ?? 'local'
    await begin(create({ application: lb?.application || app, account: account.name, region, cloudProvider: 'local', name: name.trim(), listen: listen.trim() }), `${bare(name)} listens on ${listen}.`)
  }
  return (
    <Confirm open onClose={onClose} title={lb ? `Change ${bare(lb.name)}` : 'Create a load balancer'} verb={lb ? 'Change' : 'Create'} disabled={!account || wrong !== undefined || name.trim() === ''} onConfirm={confirm}>
      {query.isSuccess && local.length === 0 && <p>There is no local account. In clusters of containers a Service is deployed by a pipeline instead.</p>}
      <Field label="Name" required>
        {(props) => <Input {...props} value={name} disabled={lb !== undefined} spellCheck={false} onChange={(e) => setName(e.target.value)} />}
      </Field>
      <Field label="Listens on" hint={lb ? 'Requests that are under way at the old address are finished.' : 'Host and port; deploy stages name the load balancer, not the address.'} error={listen ? wrong : undefined} required>
        {(props) => <Input {...props} value={listen} spellCheck={false} onChange={(e) => setListen(e.target.value)} />}
      </Field>
      {!lb && local.length > 1 && (
        <Field label="Account">
          {(props) => (
            <Select {...props} value={account?.name} onChange={(e) => setChosen(e.target.value)}>
              {local.map((a) => (
                <option key={a.name}>{a.name}</option>
              ))}
            </Select>
          )}
        </Field>
      )}
    </Confirm>
  )
}

// The form of a deployManifest stage: the objects as YAML, as Kubernetes users have them.
import { lazy, Suspense } from 'react'
import { Field, Select } from '~/kit/field'
import { Skeleton } from '~/kit/state'
import { useEditing, useValue } from '../editing'
import { get, set, type Json } from '../document'
import { AccountField } from './DeployForm'
import { Rows, type HandProps } from './HandForms'

const YamlInput = lazy(() => import('./YamlInput'))

export function ManifestForm({ base, fields }: HandProps) {
  const { doc, edit } = useEditing()
  const source = get(doc, [...base, 'source'])
  const key = get(doc, [...base, 'manifest']) !== undefined ? 'manifest' : 'manifests'
  const { value, change, within } = useValue([...base, key])
  // Several objects do not fit where one was.
  const write = (v: Json | undefined) => (key === 'manifest' && Array.isArray(v) ? edit((d) => set(set(d, [...base, 'manifest'], undefined), [...base, 'manifests'], v)) : change(v))
  return (
    <>
      <AccountField base={base} />
      <Rows base={base} fields={fields} keys={['namespaceOverride']} names={{ namespaceOverride: 'Namespace of all objects' }} />
      <Field label="Where the manifest is">
        {(p) => (
          <Select {...p} value={source === 'artifact' ? 'artifact' : 'text'} onChange={(e) => edit((d) => set(d, [...base, 'source'], e.target.value))}>
            <option value="text">In the pipeline</option>
            <option value="artifact">In an artifact</option>
          </Select>
        )}
      </Field>
      {source === 'artifact' ? (
        <Rows base={base} fields={fields} keys={['manifestArtifactId']} names={{ manifestArtifactId: 'Expected artifact' }} />
      ) : (
        <Field label="Manifests" hint="YAML; several objects are separated by ---." error={within.map((f) => f.message).join('. ') || undefined}>
          {(p) => (
            <Suspense fallback={<Skeleton rows={6} />}>
              <YamlInput value={value} onChange={write} attributes={p} />
            </Suspense>
          )}
        </Field>
      )}
      <Rows base={base} fields={fields} keys={['skipExpressionEvaluation', 'trafficManagement']} names={{ trafficManagement: 'Traffic' }} />
    </>
  )
}

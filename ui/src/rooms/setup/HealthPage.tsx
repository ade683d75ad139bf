import { Page } from '~/kit/page'

export default function HealthPage() {
  return <Page title="HealthPage">…</Page>
}

import { Page } from '~/kit/page'

export default function FleetPage() {
  return <Page title="FleetPage">…</Page>
}

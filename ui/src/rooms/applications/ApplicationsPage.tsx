import { Page } from '~/kit/page'

export default function ApplicationsPage() {
  return <Page title="ApplicationsPage">…</Page>
}

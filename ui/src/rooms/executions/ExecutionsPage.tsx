import { Page } from '~/kit/page'

export default function ExecutionsPage() {
  return <Page title="ExecutionsPage">…</Page>
}

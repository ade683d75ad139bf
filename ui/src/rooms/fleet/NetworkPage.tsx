import { Page } from '~/kit/page'

export default function NetworkPage() {
  return <Page title="NetworkPage">…</Page>
}

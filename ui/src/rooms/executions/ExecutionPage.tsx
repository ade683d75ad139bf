import { Page } from '~/kit/page'

export default function ExecutionPage() {
  return <Page title="ExecutionPage">…</Page>
}

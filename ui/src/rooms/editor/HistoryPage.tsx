import { Page } from '~/kit/page'

export default function HistoryPage() {
  return <Page title="HistoryPage">…</Page>
}

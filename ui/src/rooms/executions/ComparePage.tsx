import { Page } from '~/kit/page'

export default function ComparePage() {
  return <Page title="ComparePage">…</Page>
}

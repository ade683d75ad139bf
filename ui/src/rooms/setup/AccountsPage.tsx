import { Page } from '~/kit/page'

export default function AccountsPage() {
  return <Page title="AccountsPage">…</Page>
}

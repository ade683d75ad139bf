import { Page } from '~/kit/page'

export default function SettingsPage() {
  return <Page title="SettingsPage">…</Page>
}

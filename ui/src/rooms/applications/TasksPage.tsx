import { Page } from '~/kit/page'

export default function TasksPage() {
  return <Page title="TasksPage">…</Page>
}

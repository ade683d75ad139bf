import { Page } from '~/kit/page'

export default function EditorPage() {
  return <Page title="EditorPage">…</Page>
}

import { Page } from '~/kit/page'

export default function WelcomePage() {
  return <Page title="WelcomePage">…</Page>
}

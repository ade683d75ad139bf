import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { accounts, applications } from '~/api/queries'
import { Code } from '~/kit/code'
import { Card, Page, useTitle } from '~/kit/page'
import { ErrorBox, Note } from '~/kit/state'
import { StatusIcon } from '~/kit/status'
import { Demo } from './Demo'
import { FirstPipeline } from './FirstPipeline'
import { firstPipelines } from './queries'
import { demoName, progress, type Progress } from './steps'
import css from './welcome.module.css'

export default function WelcomePage() {
  const places = useQuery(accounts())
  const apps = useQuery(applications())
  const own = apps.data?.find((a) => a.saved && a.name !== demoName)?.name
  const pipelines = useQuery({ ...firstPipelines(own ?? ''), enabled: own !== undefined })
  const [account, application, pipeline] = progress({ accounts: places.data, applications: apps.data, pipelines: own ? pipelines.data : [] })
  const error = places.error ?? apps.error ?? pipelines.error
  useTitle('Getting started')
  return (
    <Page title="Getting started" sub="Three steps to the first deployment. Each ticks itself when it is done.">
      {error && <ErrorBox error={error} />}
      {own && account.done && application.done && pipeline.done && (
        <Note
          tone="ok"
          action={
            <Link to="/applications/$app" params={{ app: own }} className={css.action}>
              Its fleet
            </Link>
          }
        >
          That is all: {own} is deployed.
        </Note>
      )}
      <div className={css.columns}>
        <ol className={css.steps}>
          <Step
            n={1}
            title="A place to deploy to"
            progress={account}
            action={
              <Link to="/accounts" search={{ form: 'new' }} className={css.action}>
                Add a cluster
              </Link>
            }
          >
            <p>This machine is one already: it runs instances as processes, behind a load balancer of its own. A Kubernetes cluster is added with its kubeconfig.</p>
            <Code text="gennaker account add prod --kubeconfig /etc/gennaker/prod.yaml" label="Command that adds a cluster" />
          </Step>
          <Step
            n={2}
            title="An application"
            progress={application}
            action={
              <Link to="/" search={{ new: true }} className={css.action}>
                New application
              </Link>
            }
          >
            <p>It groups the pipelines, server groups and load balancers of one thing that you run.</p>
            <Code text={`gennaker app save ${own ?? 'hello'} email=you@example.com cloudProviders=local`} label="Command that makes an application" />
          </Step>
          <Step n={3} title="A pipeline, and a run of it" progress={pipeline}>
            <FirstPipeline app={own} existing={pipelines.data?.[0]} />
          </Step>
        </ol>
        <Card title="Or see it live first">
          <Demo />
        </Card>
      </div>
    </Page>
  )
}

function Step({ n, title, progress, action, children }: { n: number; title: string; progress: Progress; action?: ReactNode; children: ReactNode }) {
  return (
    <li className={css.step} data-done={progress.done || undefined}>
      <div className={css.mark}>{progress.done ? <StatusIcon status="SUCCEEDED" size={22} label="Done" /> : <span className={css.number}>{n}</span>}</div>
      <div className={css.body}>
        <header>
          <h2>{title}</h2>
          {action}
        </header>
        {progress.says && <p className={css.says}>{progress.says}</p>}
        {children}
      </div>
    </li>
  )
}

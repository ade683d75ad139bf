import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api, must, type Schemas } from '~/api/client'
import { keys } from '~/api/live'
import { Button } from '~/kit/button'
import { Code, Json } from '~/kit/code'
import { ErrorBox } from '~/kit/state'
import { firstPipeline } from './steps'
import css from './welcome.module.css'

/** FirstPipeline saves a pipeline to begin with, and leads to its start. */
export function FirstPipeline({ app, existing }: { app: string | undefined; existing: Schemas['PipelineRow'] | undefined }) {
  const client = useQueryClient()
  const name = app ?? 'hello'
  const definition = firstPipeline(name)
  const save = useMutation({
    mutationFn: () => must(api.POST('/pipelines', { body: definition })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.documents(name) }),
  })
  return (
    <>
      <p>It deploys two instances of an artifact, which is a directory, a .tar.gz or an executable that listens at the port in PORT. A new version takes over when it is healthy.</p>
      <div className={css.buttons}>
        {app && existing ? (
          <>
            <Link to="/applications/$app/pipelines" params={{ app }} search={{ start: existing.id }} className={css.action}>
              Start {existing.name}…
            </Link>
            <Link to="/applications/$app/pipelines/$pipeline" params={{ app, pipeline: existing.id }} className={css.action}>
              Edit it
            </Link>
          </>
        ) : (
          <Button small busy={save.isPending} disabled={!app} title={app ? undefined : 'It needs an application first'} onClick={() => save.mutate()}>
            Save this pipeline
          </Button>
        )}
      </div>
      {save.error && <ErrorBox error={save.error} />}
      <details className={css.details}>
        <summary>With the command line</summary>
        <p>Save this as deploy.json:</p>
        <Json value={definition} label="deploy.json" />
        <p>Then save it, and run it with your artifact:</p>
        <Code text={`gennaker pipeline save -f deploy.json\ngennaker pipeline run Deploy -a ${name} -p artifact=$PWD/build --follow`} label="Commands that save and run it" />
      </details>
    </>
  )
}

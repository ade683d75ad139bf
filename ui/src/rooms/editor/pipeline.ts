// The fields of a pipeline itself. Source: Spinnaker's pipeline definitions; they
// are not those of a stage, so no schema of the server has them.
import type { Schema } from './schema'

const text = (description: string): Schema => ({ type: 'string', description })
const flag = (description: string, standard?: boolean): Schema => ({ type: ['boolean', 'string'], description, ...(standard !== undefined && { default: standard }) })
const choice = (description: string, ...of: string[]): Schema => ({ description, anyOf: [{ enum: of }] })
const list = (description: string, items: Schema): Schema => ({ type: ['array', 'string'], description, items })
const object = (properties: Record<string, Schema>, description = ''): Schema => ({ type: ['object', 'string'], properties, description })
const anything: Schema = {}

const artifact = object({
  type: text('as docker/image or embedded/base64'),
  name: text('may be a regular expression in a matchArtifact'),
  reference: text('where it is'),
  version: text(''),
  location: text(''),
  artifactAccount: text('whose credentials fetch it'),
})

/** schemas of what a pipeline has beside its stages. */
export const schemas = {
  parameter: object({
    name: text('what expressions call it, as ${parameters.name}'),
    label: text('for people'),
    description: text(''),
    default: { description: 'what it is if nothing is given' },
    required: flag('whether it must be given'),
    hasOptions: flag('whether it is one of the options'),
    options: list('what may be chosen', object({ value: text('') })),
    pinned: flag('whether it is always shown'),
    constraint: choice('of what is typed', 'date'),
    conditional: object({ parameter: text('the other parameter'), comparator: choice('', '=', '!=', '>', '<', '>=', '<='), comparatorValue: text('') }, 'when it is asked for'),
  }),
  trigger: object({
    type: choice('what starts the pipeline', 'cron', 'git', 'webhook', 'pipeline', 'docker', 'artifactory', 'helm', 'jenkins', 'manual', 'pubsub', 'plugin'),
    enabled: flag('false switches it off', true),
    source: text('webhook: last part of its URL; git: where the repository is'),
    cronExpression: text('cron: seconds, minutes, hours, day of the month, month, day of the week'),
    application: text('pipeline: the other one’s application'),
    pipeline: text('pipeline: ID of the other one'),
    status: list('pipeline: how it must have ended', choice('', 'successful', 'failed', 'canceled')),
    project: text('git: owner'),
    slug: text('git: repository'),
    branch: text('git: a regular expression'),
    payloadConstraints: { type: 'object', description: 'what must stand in the body', additionalProperties: { type: 'string' } },
    expectedArtifactIds: list('artifacts that must come with it', { type: 'string' }),
    parameters: { type: 'object', description: 'what it gives to the pipeline', additionalProperties: anything },
    runAsUser: text('as whom the pipeline runs'),
  }),
  notification: object({
    type: choice('by what', 'email', 'slack', 'webhook', 'pagerduty', 'googlechat', 'microsoftteams'),
    address: text('to whom'),
    level: text('pipeline'),
    when: list('of what', choice('', 'pipeline.starting', 'pipeline.complete', 'pipeline.failed')),
    message: { type: 'object', description: 'a text for each of them', additionalProperties: anything },
  }),
  expectedArtifact: object({
    id: text('by which stages and triggers name it'),
    displayName: text('for people'),
    matchArtifact: artifact,
    usePriorArtifact: flag('take the one of the last execution if none came'),
    useDefaultArtifact: flag('take the default if none came'),
    defaultArtifact: artifact,
  }),
} as const

/** A section of the form: a list of the pipeline whose entries a schema describes. */
export const sections = [
  { key: 'parameterConfig', title: 'Parameters', one: 'parameter', schema: schemas.parameter, fresh: { name: '', label: '', description: '', default: '', required: false } },
  { key: 'triggers', title: 'Triggers', one: 'trigger', schema: schemas.trigger, fresh: { type: 'cron', enabled: true } },
  { key: 'expectedArtifacts', title: 'Expected artifacts', one: 'artifact', schema: schemas.expectedArtifact, fresh: { matchArtifact: {}, usePriorArtifact: false, useDefaultArtifact: false } },
  { key: 'notifications', title: 'Notifications', one: 'notification', schema: schemas.notification, fresh: { type: 'email', level: 'pipeline', when: ['pipeline.failed'] } },
] as const

/** settings are the single fields that the form shows. */
export const settings: Schema = object({
  description: text('what it is for, for people'),
  disabled: flag('true lets nobody start it, but by hand'),
  limitConcurrent: flag('one execution at a time; others wait', true),
  keepWaitingPipelines: flag('true keeps all that wait, false the newest only'),
  maxConcurrentExecutions: { type: ['integer', 'string'], description: 'at most so many at a time, if they are not limited to one; 0 is any' },
  spelEvaluator: choice('version of the language of expressions', 'v3', 'v4'),
})

/** What a pipeline has, and no section of the form shows as unknown. */
export const known = ['id', 'name', 'application', 'stages', 'index', 'schema', 'template', 'variables', 'type', ...sections.map((s) => s.key)] as const

/** isTemplated reports whether a pipeline's stages come from a template. */
export const isTemplated = (doc: Record<string, unknown>) => doc.type === 'templatedPipeline' || (doc.schema === 'v2' && doc.template !== undefined && doc.template !== null)

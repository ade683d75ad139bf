package scenario

import (
	"encoding/base64"
	"maps"
	"slices"
	"testing"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker"
)

// TestStages runs every type of stage about manifests.
func TestStages(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.server.Configure(w.object(`{job: {preconfigured: {kubernetes: [` + migrateTo + `]}}}`))
	w.parallel(map[string]func(*world){
		"versions": versions,
		"history":  history,
		"artifact": fromArtifact,
		"rollout":  rollout,
		"patch":    patch,
		"targets":  targets,
		"find":     find,
		"job":      job,
		"failing":  failingJob,
		"own":      ownJob,
		"switch":   enableAndDisable,
		"groups":   serverGroups,
		"kinds":    kinds,
		"custom":   custom,
		"methods":  methods,
		"selected": selected,
	})
}

// bound is a ReplicaSet that has its configuration from a ConfigMap and a Secret.
const bound = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue}
---
apiVersion: v1
kind: Secret
metadata: {name: password}
stringData: {password: swordfish}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: hello:1
        envFrom: [{configMapRef: {name: settings}}]
        env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: password, key: password}}}]
`

// versions: an object that others name gets a new version only when it changes,
// and they name that version.
func versions(w *world) {
	x := w.run(w.deploy(bound))
	var created []gennaker.Artifact
	w.output(w.stageOf(x, "deployManifest"), "outputs.createdArtifacts", &created)
	var references []string
	for _, a := range created {
		references = append(references, a.Type+" "+a.Reference)
	}
	slices.Sort(references)
	equals(w, "created artifacts", references, "kubernetes/configMap settings-v000", "kubernetes/replicaSet web-v000", "kubernetes/secret password-v000")
	names := func(name string) []string {
		c := w.replicaSet(name).Spec.Template.Spec.Containers[0]
		return []string{c.EnvFrom[0].ConfigMapRef.Name, c.Env[0].ValueFrom.SecretKeyRef.Name}
	}
	equals(w, "what web-v000 names", names("web-v000"), "settings-v000", "password-v000")
	set := w.replicaSet("web-v000")
	for key, want := range map[string]string{
		"moniker.spinnaker.io/application": w.app, "moniker.spinnaker.io/cluster": "replicaSet web", "moniker.spinnaker.io/sequence": "0",
		"artifact.spinnaker.io/name": "web", "artifact.spinnaker.io/version": "v000", "artifact.spinnaker.io/type": "kubernetes/replicaSet",
		"artifact.spinnaker.io/location": w.namespace,
	} {
		equal(w, "annotation "+key, set.Annotations[key], want)
	}
	for key, want := range map[string]string{
		"app.kubernetes.io/name": w.app, "app.kubernetes.io/managed-by": "spinnaker", "moniker.spinnaker.io/sequence": "0",
	} {
		equal(w, "label "+key, set.Labels[key], want)
		equal(w, "pods' label "+key, set.Spec.Template.Labels[key], want)
	}
	changed := w.manifests(bound)
	changed[0].(object)["data"] = object{"color": "green"}
	w.run(w.deploy(bound, object{"manifests": changed}))
	equals(w, "what web-v001 names", names("web-v001"), "settings-v001", "password-v000")
	equals(w, "what web-v000 names", names("web-v000"), "settings-v000", "password-v000")
}

// history: no more versions than wanted are kept.
func history(w *world) {
	for _, color := range []string{"red", "green", "blue"} {
		w.run(w.deploy(`
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, annotations: {strategy.spinnaker.io/max-version-history: "2"}}
data: {color: ` + color + `}
`))
	}
	list := must[*core.ConfigMapList](w)(w.lab.Client.CoreV1().ConfigMaps(w.namespace).List(w.Context(), meta.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=spinnaker"}))
	var names []string
	for _, c := range list.Items {
		names = append(names, c.Name)
	}
	equals(w, "config maps", names, "settings-v001", "settings-v002")
}

// web is a Deployment.
const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {tier: front}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "hello:${ execution.name == 'p1' ? 1 : 2 }"}]}
`

// fromArtifact: manifests are the content of an artifact, and its expressions are
// evaluated unless that is not wanted.
func fromArtifact(w *world) {
	embedded := func(text string) object {
		return object{
			"source": "artifact", "manifests": nil,
			"manifestArtifact": object{"type": "embedded/base64", "name": "web", "reference": base64.StdEncoding.EncodeToString([]byte(text))},
		}
	}
	const settings = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, annotations: {strategy.spinnaker.io/versioned: "false"}}
data: {who: "${execution.application}"}
`
	who := func() string {
		return must[*core.ConfigMap](w)(w.lab.Client.CoreV1().ConfigMaps(w.namespace).Get(w.Context(), "settings", meta.GetOptions{})).Data["who"]
	}
	w.run(w.deploy(settings, embedded(settings)))
	equal(w, "evaluated", who(), w.app)
	w.run(w.deploy(settings, embedded(settings), object{"skipExpressionEvaluation": true}))
	equal(w, "not evaluated", who(), "${execution.application}")
}

// rollout takes a Deployment through its life.
func rollout(w *world) {
	target := object{"manifestName": "deployment web"}
	image := func() string { return w.deployment("web").Spec.Template.Spec.Containers[0].Image }
	w.run(w.deploy(web))
	equal(w, "the first image", image(), "hello:1")
	w.run(w.deploy(web))
	equal(w, "the second image", image(), "hello:2")
	equal(w, "replica sets", len(w.replicaSets()), 2)
	w.run(w.stage("undoRolloutManifest", `{numRevisionsBack: 1}`, target))
	equal(w, "the image after undo", image(), "hello:1")
	w.run(w.stage("pauseRolloutManifest", `{}`, target))
	equal(w, "paused", w.deployment("web").Spec.Paused, true)
	w.run(w.stage("resumeRolloutManifest", `{}`, target))
	equal(w, "paused after resume", w.deployment("web").Spec.Paused, false)
	w.run(w.stage("rollingRestartManifest", `{}`, target))
	if w.deployment("web").Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"] == "" {
		w.Error("the pods were not restarted")
	}
	w.run(w.stage("scaleManifest", `{replicas: "5"}`, target))
	equal(w, "ready replicas", w.deployment("web").Status.ReadyReplicas, 5)
	w.run(w.stage("deleteManifest", `{options: {cascading: true}}`, target))
	_, err := w.lab.Client.AppsV1().Deployments(w.namespace).Get(w.Context(), "web", meta.GetOptions{})
	equal(w, "deleted", apierrors.IsNotFound(err), true)
	w.run(w.stage("deleteManifest", `{}`, target)) // what is not there is deleted
	f := w.fails(w.stage("scaleManifest", `{replicas: 1}`, target))
	w.says(f, "there is no Deployment web in $N")
}

// patch changes a Deployment in each of three ways.
func patch(w *world) {
	target := object{"manifestName": "deployment web", "source": "text"}
	w.run(w.deploy(web))
	w.run(w.stage("patchManifest", `
options: {mergeStrategy: strategic}
patchBody: [{spec: {template: {spec: {containers: [{name: side, image: "side:1"}]}}}}]
`, target))
	equal(w, "containers", len(w.deployment("web").Spec.Template.Spec.Containers), 2)
	w.run(w.stage("patchManifest", `
options: {mergeStrategy: merge}
patchBody: [{metadata: {labels: {tier: null, color: blue}}}]
`, target))
	labels := w.deployment("web").Labels
	equal(w, "label that is set", labels["color"], "blue")
	equal(w, "label that is removed", labels["tier"], "")
	w.run(w.stage("patchManifest", `
options: {mergeStrategy: json}
patchBody: [{op: replace, path: /spec/replicas, value: 3}, {op: remove, path: /metadata/labels/color}]
`, target))
	equal(w, "replicas", *w.deployment("web").Spec.Replicas, 3)
	f := w.fails(w.stage("patchManifest", `{options: {mergeStrategy: json}, patchBody: [{op: remove, path: /metadata/labels/none}]}`, target))
	w.says(f, "operation 0 of the patch is to remove /metadata/labels/none, which Deployment web in $N does not have")
}

// one is a ReplicaSet with as many pods as $R.
const one = `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web, labels: {tier: front}}
spec:
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "hello:1"}]}
`

// targets finds objects by what they are: newest, largest, by labels.
func targets(w *world) {
	for _, n := range []int{2, 3, 1, 2} {
		w.run(w.deploy(sprintf(one, n)))
	}
	equals(w, "versions", w.replicaSets(), "web-v000", "web-v001", "web-v002", "web-v003")
	remove := func(criteria string) object {
		return w.stage("deleteManifest", `{mode: dynamic, kind: replicaSet, cluster: replicaSet web, app: $A, criteria: `+criteria+`}`)
	}
	w.run(remove("second_newest"))
	equals(w, "without the second newest", w.replicaSets(), "web-v000", "web-v001", "web-v003")
	w.run(remove("largest"))
	equals(w, "without the largest", w.replicaSets(), "web-v000", "web-v003")
	w.run(remove("oldest"))
	equals(w, "without the oldest", w.replicaSets(), "web-v003")
	w.says(w.fails(remove("second_newest")), "second newest")
	w.run(w.deploy(sprintf(one, 1)))
	w.run(remove("newest"))
	equals(w, "without the newest", w.replicaSets(), "web-v003")
	w.run(w.deploy(`
apiVersion: v1
kind: ConfigMap
metadata: {name: kept, labels: {tier: back}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: gone, labels: {tier: front}}
`))
	w.run(w.stage("deleteManifest", `
mode: label
kinds: [replicaSet, configMap]
labelSelectors: {selectors: [{key: tier, kind: EQUALS, values: [front]}]}
`))
	equals(w, "with another label", w.replicaSets())
	left := must[*core.ConfigMapList](w)(w.lab.Client.CoreV1().ConfigMaps(w.namespace).List(w.Context(), meta.ListOptions{LabelSelector: "tier"}))
	equal(w, "config maps", len(left.Items), 1)
}

// find returns what a Deployment runs, which the next stage uses.
func find(w *world) {
	w.run(w.deploy(web))
	x := w.run(w.stage("findArtifactsFromResource", `{manifestName: deployment web}`))
	var found []gennaker.Artifact
	w.output(w.stageOf(x, "findArtifactsFromResource"), "artifacts", &found)
	if !slices.ContainsFunc(found, func(a gennaker.Artifact) bool { return a.Type == "docker/image" && a.Reference == "hello:1" }) {
		w.Errorf("no image hello:1 in %v", found)
	}
}

const migrate = `
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: %s}
    spec: {restartPolicy: Never, containers: [{name: migrate, image: "hello:1"}]}
`

// job runs a Job twice, and uses what it wrote.
func job(w *world) {
	text := sprintf(migrate, `{kubelab/run-for: 100ms, kubelab/log: "starting\nSPINNAKER_PROPERTY_SCHEMA=7=x\nSPINNAKER_CONFIG_JSON={\"tables\":[\"a\"]}\ndone"}`)
	s := w.stage("runJobManifest", `{source: text, application: $A, namespaceOverride: $N, propertyFile: migrate}`, object{"manifest": w.object(text)})
	check := w.stage("checkPreconditions", `
preconditions: [{type: expression, failPipeline: true, context: {expression: "${ #stage('runJobManifest').outputs.schema == '7=x' && #stage('runJobManifest').outputs.tables[0] == 'a' }"}}]
`)
	first := w.run(s, check)
	uid := func() string {
		return string(must[*batch.Job](w)(w.lab.Client.BatchV1().Jobs(w.namespace).Get(w.Context(), "migrate", meta.GetOptions{})).UID)
	}
	one := uid()
	status, _ := w.stageOf(first, "runJobManifest").Context["jobStatus"].(object)
	equal(w, "state", status["jobState"], any("Succeeded"))
	w.run(s, check)
	if uid() == one {
		w.Error("the job was not run again")
	}
}

func failingJob(w *world) {
	text := sprintf(migrate, `{kubelab/run-for: 10ms, kubelab/exit-code: "3", kubelab/log: "no such table"}`)
	f := w.fails(w.stage("runJobManifest", `{source: text, application: $A, namespaceOverride: $N}`, object{"manifest": w.object(text)}))
	w.says(f, "Job: 'migrate' failed", "no such table")
	status, _ := w.stageOf(f.execution, "runJobManifest").Context["jobStatus"].(object)
	equal(w, "state", status["jobState"], any("Failed"))
}

// migrateTo is a stage type of the configuration: a Job of which pipelines say
// where it runs and what it migrates to.
const migrateTo = `{
  type: migrateTo, label: Migrate, account: ` + name + `, propertyFile: migrate,
  parameters: [
    {name: where, mapping: manifest.metadata.namespace},
    {name: version, mapping: manifest.spec.template.metadata.annotations.kubelab/log, defaultValue: "SPINNAKER_PROPERTY_SCHEMA=1"},
    {name: tries, mapping: manifest.spec.backoffLimit, defaultValue: 0},
  ],
  manifest: {
    apiVersion: batch/v1, kind: Job, metadata: {name: migrate},
    spec: {template: {metadata: {annotations: {kubelab/run-for: 10ms}}, spec: {restartPolicy: Never, containers: [{name: migrate, image: "hello:1"}]}}},
  },
}`

// ownJob runs a Job that the configuration describes; a pipeline gives only the
// parameters.
func ownJob(w *world) {
	s := func(parameters string) object {
		return w.object(`{type: migrateTo, name: Migrate, namespaceOverride: elsewhere, manifest: {kind: Pod}, parameters: ` + parameters + `}`)
	}
	for want, parameters := range map[string]string{
		"7": `{where: $N, version: "SPINNAKER_PROPERTY_SCHEMA=${ 3 + 4 }"}`,
		"1": `{where: "${ '$N' }"}`,
	} {
		x := w.run(s(parameters))
		equal(w, "schema", w.stageOf(x, "migrateTo").Outputs["schema"], any(want))
	}
	w.says(w.fails(s(`{where: $N, tries: many}`)), "backoffLimit")
}

// enableAndDisable moves a ReplicaSet behind its Service and away.
func enableAndDisable(w *world) {
	w.run(w.deploy(service))
	w.run(w.deploy(dark, w.object(`{trafficManagement: {enabled: true, options: {enableTraffic: false, services: [service web]}}}`)))
	equals(w, "at first", w.serving("web"))
	target := object{"manifestName": "replicaSet web-v000"}
	w.run(w.stage("enableManifest", `{}`, target))
	equals(w, "enabled", w.serving("web"), "web-v000")
	w.run(w.stage("disableManifest", `{}`, target))
	equals(w, "disabled", w.serving("web"))
	equal(w, "pods", len(w.pods("app=web")), 2)
}

const service = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {traffic: web}, ports: [{port: 80, targetPort: 8080}]}
`

const dark = `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "hello:1", ports: [{containerPort: 8080}]}]}
`

// kinds deploys what else there is, each stable in its way.
func kinds(w *world) {
	x := w.run(w.deploy(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec: {replicas: 2, serviceName: db, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: "hello:1"}]}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: c, image: "hello:1"}]}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec: {schedule: "0 3 * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "hello:1"}]}}}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 2, maxReplicas: 4}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
`+web[1:], object{"includeEvents": true}))
	c := w.lab.Client
	db := must[*apps.StatefulSet](w)(c.AppsV1().StatefulSets(w.namespace).Get(w.Context(), "db", meta.GetOptions{}))
	equal(w, "ready pods of the StatefulSet", db.Status.ReadyReplicas, 2)
	agent := must[*apps.DaemonSet](w)(c.AppsV1().DaemonSets(w.namespace).Get(w.Context(), "agent", meta.GetOptions{}))
	equal(w, "ready pods of the DaemonSet", agent.Status.NumberReady, 5)
	must[*batch.CronJob](w)(c.BatchV1().CronJobs(w.namespace).Get(w.Context(), "nightly", meta.GetOptions{}))
	must[*autoscaling.HorizontalPodAutoscaler](w)(c.AutoscalingV2().HorizontalPodAutoscalers(w.namespace).Get(w.Context(), "web", meta.GetOptions{}))
	var names map[string][]string
	w.output(w.stageOf(x, "deployManifest"), "outputs.manifestNamesByNamespace", &names)
	slices.Sort(names[w.namespace])
	equals(w, "namespaces", slices.Collect(maps.Keys(names)), w.namespace)
	equals(w, "names", names[w.namespace], "cronJob nightly", "daemonSet agent", "deployment web", "horizontalPodAutoscaler web", "service web", "statefulSet db")
}

// methods: an annotation says how an object is changed.
func methods(w *world) {
	settings := func(how, data string) string {
		return `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, annotations: {strategy.spinnaker.io/versioned: "false", strategy.spinnaker.io/` + how + `: "true"}}
data: ` + data
	}
	get := func() *core.ConfigMap {
		return must[*core.ConfigMap](w)(w.lab.Client.CoreV1().ConfigMaps(w.namespace).Get(w.Context(), "settings", meta.GetOptions{}))
	}
	w.run(w.deploy(settings("server-side-apply", "{a: one, b: two}")))
	first := get()
	w.run(w.deploy(settings("server-side-apply", "{a: three}")))
	equal(w, "applied", get().Data["a"]+get().Data["b"], "three")
	w.run(w.deploy(settings("replace", "{c: four}")))
	equal(w, "replaced", get().Data["a"]+get().Data["c"], "four")
	equal(w, "the object is the same", get().UID, first.UID)
	w.run(w.deploy(settings("recreate", "{d: five}")))
	if get().UID == first.UID {
		w.Error("the object was not made anew")
	}
}

// selected deploys only what its labels select.
func selected(w *world) {
	const two = `
apiVersion: v1
kind: ConfigMap
metadata: {name: front, labels: {tier: front}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: back, labels: {tier: back}}
`
	w.run(w.deploy(two, w.object(`{labelSelectors: {selectors: [{key: tier, kind: NOT_EQUALS, values: [back]}]}}`)))
	list := must[*core.ConfigMapList](w)(w.lab.Client.CoreV1().ConfigMaps(w.namespace).List(w.Context(), meta.ListOptions{LabelSelector: "tier"}))
	equal(w, "config maps", len(list.Items), 1)
	w.run(w.deploy(two, w.object(`{allowNothingSelected: true, labelSelectors: {selectors: [{key: tier, kind: EQUALS, values: [none]}]}}`)))
}

package scenario

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	gatewayapi "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/gateway"
	"github.com/gennaker/gennaker/e2e/lab"
)

// misfortune is how a new version may fail, and what is then said.
type misfortune struct {
	behaviour string // annotations of its pods
	words     []string
}

// misfortunes by name.
var misfortunes = map[string]misfortune{
	"never ready": {`{kubelab/behaviour: never-ready, kubelab/message: "Readiness probe failed: HTTP probe failed with statuscode: 503"}`, []string{"replicaSet web-v001 is not stable", "readiness probe fails: HTTP status 503"}},
	"crash loop":  {`{kubelab/behaviour: crash-loop, kubelab/exit-code: "7", kubelab/message: "no database"}`, []string{"replicaSet web-v001 is not stable", "7", "no database"}},
	"image":       {`{kubelab/behaviour: image-pull-backoff}`, []string{"replicaSet web-v001 is not stable", "hello:1", "pull"}},
}

// TestStrategies deploys a second version by each strategy, and one that fails in
// each way.
func TestStrategies(t *testing.T) {
	t.Parallel()
	w := start(t)
	scenarios := map[string]func(*world){}
	for _, strategy := range []string{"none", "redblack", "bluegreen", "highlander", "rollingredblack", "canary"} {
		scenarios[strategy] = func(w *world) { w.replaces(strategy) }
		for name, m := range misfortunes {
			scenarios[strategy+" "+name] = func(w *world) { w.survives(strategy, m) }
		}
	}
	scenarios["dark"] = dark2
	scenarios["validation"] = validation
	scenarios["destroyed"] = destroyed
	w.parallel(scenarios)
}

// behaving is a version of web whose pods behave as the annotations say.
func behaving(annotations string) string {
	return strings.Replace(dark, "metadata: {labels: {app: web}}", "metadata: {labels: {app: web}, annotations: "+annotations+"}", 1)
}

// weighted reports whether a strategy moves traffic by weights.
func weighted(strategy string) bool { return strategy == "rollingredblack" || strategy == "canary" }

// managed is the traffic management of a strategy.
func (w *world) managed(strategy string, more ...string) object {
	w.Helper()
	options := w.object(`{enableTraffic: true, services: [service web], targetPercentages: [50]}`)
	options["strategy"] = strategy
	if weighted(strategy) {
		options["route"] = "httpRoute web"
	} else {
		delete(options, "targetPercentages")
	}
	for _, m := range more {
		maps.Copy(options, w.object(m))
	}
	return object{"stableManifestTimeoutMinutes": 1.5, "trafficManagement": object{"enabled": true, "options": options}}
}

// hurried is the same with little patience, for versions that fail.
func (w *world) hurried(strategy string, more ...string) object {
	w.Helper()
	m := w.managed(strategy, more...)
	m["stableManifestTimeoutMinutes"] = 0.05
	return m
}

const route = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: edge}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
`

// front deploys what is before the versions of web, and the first of them.
func (w *world) front(strategy string) {
	w.Helper()
	if weighted(strategy) {
		if _, err := gateway.Start(w.Context(), gateway.Config{REST: w.lab.Config, Namespace: w.namespace, Name: "edge"}); err != nil {
			w.Fatal(err)
		}
		w.run(w.deploy(service + "---" + route))
	} else {
		w.run(w.deploy(service))
	}
	w.run(w.deploy(dark, w.managed(strategy)))
	equal(w, "traffic of the first version", w.traffic(strategy), "web-v000 100")
}

// traffic returns who gets requests now: by the weights of the route, or evenly
// if there is none.
func (w *world) traffic(strategy string) string {
	w.Helper()
	if !weighted(strategy) {
		var out []string
		for _, name := range w.serving("web") {
			out = append(out, name+" 100")
		}
		return strings.Join(out, ", ")
	}
	client, err := dynamic.NewForConfig(w.lab.Config)
	if err != nil {
		w.Fatal(err)
	}
	found, err := client.Resource(gatewayapi.SchemeGroupVersion.WithResource("httproutes")).Namespace(w.namespace).Get(w.Context(), "web", meta.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	var out []string
	rules, _ := found.Object["spec"].(object)["rules"].([]any)
	backends, _ := rules[0].(object)["backendRefs"].([]any)
	for _, b := range backends {
		b, _ := b.(object)
		weight := b["weight"]
		if weight == int64(0) {
			continue
		}
		for _, set := range w.serving(fmt.Sprint(b["name"])) {
			out = append(out, fmt.Sprintf("%s %v", set, weight))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// replaces: the new version has the traffic at the end, and the old one is what
// the strategy leaves of it.
func (w *world) replaces(strategy string) {
	w.front(strategy)
	w.run(w.deploy(dark, w.managed(strategy)))
	want, left := "web-v001 100", []string{"web-v000", "web-v001"}
	switch strategy {
	case "none":
		want = "web-v000 100, web-v001 100"
	case "highlander":
		left = left[1:]
	}
	equal(w, "traffic", w.traffic(strategy), want)
	equals(w, "versions", w.replicaSets(), left...)
	for _, name := range left {
		equal(w, "pods of "+name, w.replicaSet(name).Status.ReadyReplicas, 2)
	}
}

// survives: a version that fails is out of traffic at the end, the old one is as
// it was, and the failure says why.
func (w *world) survives(strategy string, m misfortune) {
	w.front(strategy)
	before := w.replicaSet("web-v000")
	w.says(w.fails(w.deploy(behaving(m.behaviour), w.hurried(strategy))), m.words...)
	equal(w, "traffic", w.traffic(strategy), "web-v000 100")
	after := w.replicaSet("web-v000")
	equal(w, "the old version's specification", after.Generation, before.Generation)
	equal(w, "the old version's pods", after.Status.ReadyReplicas, 2)
	if strategy == "none" {
		return // which says nothing of the new one
	}
	lab.Eventually(w, "no endpoint of the new version is left", func(context.Context) (bool, error) {
		return !slices.Contains(w.serving("web"), "web-v001"), nil
	})
	for _, p := range w.pods("traffic=web") {
		if strings.HasPrefix(p.Name, "web-v001") {
			w.Errorf("pod %s would get requests", p.Name)
		}
	}
}

// dark2: a version that comes without traffic has it only when it is stable.
func dark2(w *world) {
	w.front("bluegreen")
	off := w.managed("bluegreen", `{enableTraffic: false}`)
	hurried := w.hurried("bluegreen", `{enableTraffic: false}`)
	w.says(w.fails(w.deploy(behaving(misfortunes["never ready"].behaviour), hurried)), "web-v001")
	equal(w, "traffic", w.traffic("bluegreen"), "web-v000 100")
	w.run(w.deploy(dark, off))
	equal(w, "traffic", w.traffic("bluegreen"), "web-v002 100")
}

// validation: a pipeline that judges a share refuses it, and the old version has
// all again.
func validation(w *world) {
	w.front("canary")
	w.server.Save(w.app, "judge", w.stage("checkPreconditions", `
preconditions: [{type: expression, failPipeline: true, context: {expression: "${parameters.percentageComplete.toString() != '50'}"}}]
`))
	p, err := w.server.Pipeline(w.Context(), w.app, "judge")
	if err != nil {
		w.Fatal(err)
	}
	x := w.fails(w.deploy(dark, w.managed("canary", `{targetPercentages: [10, 50], pipelineBeforeCleanup: {application: $A, pipelineId: `+p.ID+`}}`))).execution
	steps := map[gennaker.Status]int{}
	for _, s := range x.Stages {
		if s.Type == "pipeline" {
			steps[s.Status]++
		}
	}
	equal(w, "judgments in favor", steps[gennaker.Succeeded], 1)
	equal(w, "judgments against", steps[gennaker.Terminal], 1)
	equal(w, "traffic", w.traffic("canary"), "web-v000 100")
}

// destroyed: what failed is deleted, if that is wanted.
func destroyed(w *world) {
	w.front("bluegreen")
	m := misfortunes["crash loop"]
	w.says(w.fails(w.deploy(behaving(m.behaviour), w.hurried("bluegreen", `{rollback: {onFailure: true, destroyLatest: true}}`))), m.words...)
	lab.Eventually(w, "the new version is gone", func(ctx context.Context) (bool, error) {
		_, err := w.lab.Client.AppsV1().ReplicaSets(w.namespace).Get(ctx, "web-v001", meta.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
	equal(w, "traffic", w.traffic("bluegreen"), "web-v000 100")
}

package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/e2e/product"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) { product.Main(m, &binary) }

// object is open JSON.
type object = map[string]any

// world is a place to deploy to: a namespace, and a server with an account for
// it. Tests that run in parallel share a server.
type world struct {
	*testing.T
	lab            *lab.Lab
	server         *product.Server
	account        string
	namespace, app string
	pipelines      *atomic.Int32
}

// name is that of the account which tests share.
const name = "lab"

// account is the configuration of an account that reaches a cluster by a
// kubeconfig. Proxies of the lab follow at once.
func account(kubeconfig string) object {
	return object{"name": name, "kubeconfigFile": kubeconfig, "settleSeconds": 1}
}

// within makes an account one for this namespace only, so that servers of many
// tests do not all watch everything.
func within(a object, namespace string) object {
	a["namespaces"] = []string{namespace}
	return a
}

// start starts a server for the tests that follow.
func start(t *testing.T) *world {
	t.Helper()
	l := lab.Cluster(t)
	return &world{T: t, lab: l, account: name, server: product.Start(t, binary, account(l.Kubeconfig))}
}

// alone starts a server for one test, which reaches the control plane through a
// proxy.
func alone(t *testing.T) (*world, *lab.Proxy) {
	t.Helper()
	l := lab.Cluster(t)
	w := &world{T: t, lab: l, account: name}
	p := l.Proxy(t)
	w.place()
	w.server = product.Start(t, binary, within(account(p.Kubeconfig), w.namespace))
	w.server.Application(w.app)
	return w, p
}

// place makes the namespace and names the application.
func (w *world) place() {
	w.Helper()
	w.namespace = w.lab.Namespace(w)
	w.app, w.pipelines = strings.ReplaceAll(w.namespace, "-", ""), &atomic.Int32{}
}

// in returns the world of a test that shares the server.
func (w *world) in(t *testing.T) *world {
	t.Helper()
	n := &world{T: t, lab: w.lab, account: w.account, server: w.server.On(t)}
	n.place()
	n.server.Application(n.app)
	return n
}

// parallel runs scenarios that share a server.
func (w *world) parallel(scenarios map[string]func(*world)) {
	w.Helper()
	for name, run := range scenarios {
		w.Run(name, func(t *testing.T) {
			t.Parallel()
			run(w.in(t))
		})
	}
}

// stage returns a stage of this world, as YAML describes it beyond its type.
func (w *world) stage(kind, text string, more ...object) object {
	w.Helper()
	s := object{"type": kind, "name": kind, "account": w.account, "credentials": w.account, "cloudProvider": "kubernetes", "location": w.namespace}
	maps.Copy(s, w.object(text))
	for _, m := range more {
		maps.Copy(s, m)
	}
	return s
}

// object reads YAML in which $N is the namespace and $A the application.
func (w *world) object(text string) (out object) {
	w.Helper()
	if err := yaml.Unmarshal([]byte(w.expand(text)), &out); err != nil {
		w.Fatalf("%v in\n%s", err, text)
	}
	return out
}

func (w *world) expand(text string) string {
	return strings.NewReplacer("$N", w.namespace, "$A", w.app).Replace(text)
}

// manifests reads YAML with several documents.
func (w *world) manifests(text string) (out []any) {
	w.Helper()
	for part := range strings.SplitSeq(text, "\n---\n") {
		out = append(out, w.object(part))
	}
	return out
}

// deploy returns a deployManifest stage.
func (w *world) deploy(manifests string, more ...object) object {
	w.Helper()
	return w.stage("deployManifest", `{source: text, moniker: {app: $A}, namespaceOverride: $N}`,
		append([]object{{"manifests": w.manifests(manifests)}}, more...)...)
}

// begin saves a pipeline of these stages, one after the other, and starts it.
func (w *world) begin(stages ...object) (id string) {
	w.Helper()
	pipeline := fmt.Sprintf("p%d", w.pipelines.Add(1))
	w.server.Save(w.app, pipeline, stages...)
	return w.server.Begin(w.app, pipeline, nil)
}

// patience is how long an execution may take. It is no measure of anything: a
// deployment that hangs fails its test before the package's time is over.
const patience = 2 * time.Minute

func (w *world) await(id string) gennaker.Execution {
	w.Helper()
	ctx, cancel := context.WithTimeoutCause(w.Context(), patience, fmt.Errorf("not within %s", patience))
	defer cancel()
	defer func() {
		if ctx.Err() == nil {
			return
		}
		if x, err := w.server.Execution(context.Background(), id); err == nil { //nolint:contextcheck // the test's is over
			for _, s := range x.Stages {
				if s.Status == gennaker.Running {
					w.Logf("%s (%s) runs still: %v", s.Name, s.Type, s.Context["messages"])
				}
			}
		}
	}()
	return w.server.Await(ctx, id)
}

// run runs stages, and must succeed.
func (w *world) run(stages ...object) gennaker.Execution {
	w.Helper()
	return w.succeeded(w.begin(stages...))
}

func (w *world) succeeded(id string) gennaker.Execution {
	w.Helper()
	x := w.await(id)
	if x.Status != gennaker.Succeeded {
		w.Fatal(product.Explain(x))
	}
	return x
}

// fails runs stages, which must end TERMINAL, and returns what the stage that
// failed says.
func (w *world) fails(stages ...object) failure {
	w.Helper()
	return w.failed(w.begin(stages...))
}

// failure is the exception of a stage.
type failure struct {
	execution gennaker.Execution
	error     string
	hint      string
}

func (w *world) failed(id string) failure {
	w.Helper()
	x := w.await(id)
	if x.Status != gennaker.Terminal {
		w.Fatalf("want TERMINAL, got %s", product.Explain(x))
	}
	for _, s := range x.Stages {
		if text, hint := exception(s); s.Status == gennaker.Terminal && text != "" {
			return failure{x, text, hint}
		}
	}
	w.Fatalf("no stage says why: %s", product.Explain(x))
	return failure{}
}

// exception returns what the context of a stage says of its failure.
func exception(s gennaker.Stage) (text, hint string) {
	e, _ := s.Context["exception"].(map[string]any)
	details, _ := e["details"].(map[string]any)
	list, _ := details["errors"].([]any)
	var errors []string
	for _, e := range list {
		errors = append(errors, fmt.Sprint(e))
	}
	hint, _ = details["hint"].(string)
	return strings.Join(errors, "\n"), hint
}

// says demands that what failed is told in these words.
func (w *world) says(f failure, words ...string) {
	w.Helper()
	for _, word := range words {
		if word = w.expand(word); !strings.Contains(f.error+"\n"+f.hint, word) {
			w.Errorf("want %q in the failure, which is\n%s\nhint: %s", word, f.error, f.hint)
		}
	}
}

// stageOf returns the first stage of a type.
func (w *world) stageOf(x gennaker.Execution, kind string) gennaker.Stage {
	w.Helper()
	i := slices.IndexFunc(x.Stages, func(s gennaker.Stage) bool { return s.Type == kind })
	if i < 0 {
		w.Fatalf("no stage of type %s in %s", kind, product.Explain(x))
	}
	return x.Stages[i]
}

// output returns an output of a stage, as JSON has it.
func (w *world) output(s gennaker.Stage, key string, into any) {
	w.Helper()
	text, err := json.Marshal(s.Outputs[key])
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil || s.Outputs[key] == nil {
		w.Fatalf("output %s of %s is %s: %v", key, s.Name, text, err)
	}
}

// must ends the test unless err is nil.
func must[T any](w *world) func(T, error) T {
	return func(v T, err error) T {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
		return v
	}
}

func (w *world) deployment(name string) *apps.Deployment {
	w.Helper()
	return must[*apps.Deployment](w)(w.lab.Client.AppsV1().Deployments(w.namespace).Get(w.Context(), name, meta.GetOptions{}))
}

func (w *world) replicaSets() (out []string) {
	w.Helper()
	list := must[*apps.ReplicaSetList](w)(w.lab.Client.AppsV1().ReplicaSets(w.namespace).List(w.Context(), meta.ListOptions{}))
	for _, r := range list.Items {
		out = append(out, r.Name)
	}
	slices.Sort(out)
	return out
}

func (w *world) replicaSet(name string) *apps.ReplicaSet {
	w.Helper()
	return must[*apps.ReplicaSet](w)(w.lab.Client.AppsV1().ReplicaSets(w.namespace).Get(w.Context(), name, meta.GetOptions{}))
}

func (w *world) pods(selector string) []core.Pod {
	w.Helper()
	return must[*core.PodList](w)(w.lab.Client.CoreV1().Pods(w.namespace).List(w.Context(), meta.ListOptions{LabelSelector: selector})).Items
}

// serving returns the ReplicaSets whose pods are the ready endpoints of a
// Service now.
func (w *world) serving(service string) []string {
	w.Helper()
	slicesOf, err := w.lab.Client.DiscoveryV1().EndpointSlices(w.namespace).List(w.Context(), meta.ListOptions{LabelSelector: "kubernetes.io/service-name=" + service})
	if err != nil {
		w.Fatal(err)
	}
	var out []string
	for _, s := range slicesOf.Items {
		for _, e := range s.Endpoints {
			if e.TargetRef == nil || e.Conditions.Ready != nil && !*e.Conditions.Ready {
				continue
			}
			owner := e.TargetRef.Name[:strings.LastIndex(e.TargetRef.Name, "-")]
			if !slices.Contains(out, owner) {
				out = append(out, owner)
			}
		}
	}
	slices.Sort(out)
	return out
}

// equal demands that two things are the same.
func equal[T comparable](w *world, what string, got, want T) {
	w.Helper()
	if got != want {
		w.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// equals is equal for lists.
func equals[T comparable](w *world, what string, got []T, want ...T) {
	w.Helper()
	if !slices.Equal(got, want) {
		w.Errorf("%s: got %v, want %v", what, got, want)
	}
}

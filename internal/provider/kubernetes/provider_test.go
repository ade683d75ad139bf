package kubernetes_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// settle is how long proxies may take in the tests, in which there are none.
const settle = 300 * time.Millisecond

// scene is a provider on a namespace of a real control plane, with a proxy
// between that counts and does harm.
type scene struct {
	*testing.T
	lab   *lab.Lab
	space string
	proxy *lab.Proxy
	*kubernetes.Provider
	keys int
}

func open(t *testing.T) *scene {
	t.Helper()
	t.Parallel()
	return begin(t)
}

func begin(t *testing.T) *scene {
	t.Helper()
	s := &scene{T: t, lab: lab.Cluster(t)}
	s.space, s.proxy = s.lab.Namespace(t), s.lab.Proxy(t)
	s.Provider = s.provider(s.proxy.Kubeconfig)
	s.run(s.Provider)
	return s
}

// provider returns one that does not run.
func (s *scene) provider(kubeconfig string, custom ...manifest.Kind) *kubernetes.Provider {
	s.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		s.Fatal(err)
	}
	p, err := kubernetes.New(kubernetes.Config{
		Account: gennaker.Account{Name: "lab", Type: "kubernetes", CloudProvider: "kubernetes"},
		REST:    config, Version: "test", Namespaces: []string{s.space}, Settle: settle, Custom: custom,
	})
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func (s *scene) run(p *kubernetes.Provider) {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); p.Run(ctx) }()
	s.Cleanup(func() { cancel(); <-ended })
	waiting, stop := context.WithTimeout(s.Context(), time.Minute)
	defer stop()
	if err := p.Inventory().WaitSynced(waiting); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) key() string {
	s.keys++
	return fmt.Sprintf("%s/%d", s.Name(), s.keys)
}

func (s *scene) parse(text string) []gennaker.Manifest {
	s.Helper()
	docs, err := manifest.Parse([]byte(text))
	if err != nil {
		s.Fatal(err)
	}
	return docs.Manifests
}

func (s *scene) deployment(text string) provider.ManifestDeploy {
	s.Helper()
	return provider.ManifestDeploy{Application: "shop", Namespace: s.space, Manifests: s.parse(text)}
}

func (s *scene) deploy(text string) provider.Deployed {
	s.Helper()
	out, err := s.Deploy(s.Context(), s.key(), s.deployment(text))
	s.must(err)
	return out
}

func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("%v (%s)", err, gennaker.HintOf(err))
	}
}

// refused checks the kind of an error, and words of it and its hint.
func (s *scene) refused(err error, kind gennaker.Kind, words ...string) {
	s.Helper()
	if err == nil || gennaker.KindOf(err) != kind {
		s.Fatalf("error %v, want one of kind %s", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error()+"\n"+gennaker.HintOf(err), w) {
			s.Errorf("error %q (%s) does not say %q", err, gennaker.HintOf(err), w)
		}
	}
}

func (s *scene) ref(name string) gennaker.ManifestRef {
	s.Helper()
	kind, name, err := gennaker.ParseManifestName(name)
	s.must(err)
	return gennaker.ManifestRef{Account: "lab", Location: s.space, Kind: kind, Name: name}
}

func (s *scene) group(name string) gennaker.ServerGroupRef {
	return gennaker.ServerGroupRef{Account: "lab", Region: s.space, Name: name}
}

func (s *scene) view(name string) gennaker.ManifestView {
	s.Helper()
	v, err := s.Manifest(s.Context(), s.ref(name))
	s.must(err)
	return v
}

// until waits until an object is as so says; so returns what is missing.
func (s *scene) until(name string, so func(gennaker.ManifestView) string) gennaker.ManifestView {
	s.Helper()
	var view gennaker.ManifestView
	missing := ""
	defer func() {
		if missing != "" {
			s.Logf("%s: %s", name, missing)
		}
	}()
	lab.Eventually(s.T, name, func(context.Context) (bool, error) {
		view = s.view(name)
		missing = so(view)
		return missing == "", nil
	})
	return view
}

func stable(v gennaker.ManifestView) string {
	if v.Status.Stable.State {
		return ""
	}
	return "unstable: " + v.Status.Stable.Message
}

func (s *scene) untilGone(name string) {
	s.Helper()
	lab.Eventually(s.T, name+" is gone", func(ctx context.Context) (bool, error) {
		_, err := s.Manifest(ctx, s.ref(name))
		return err != nil && gennaker.KindOf(err) == gennaker.NotFound, nil
	})
}

// count returns how many requests there were, but for those of the inventory,
// which lists and watches.
func (s *scene) count(verb, resource string) int {
	return s.proxy.Count(lab.Request{Verb: verb, Resource: resource, Namespace: s.space})
}

func annotation(v gennaker.ManifestView, name string) string {
	return manifest.Annotations(v.Manifest)[name]
}

func field(m map[string]any, path ...string) any {
	var v any = m
	for _, k := range path {
		inner, _ := v.(map[string]any)
		v = inner[k]
	}
	return v
}

const replicaSet = `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web, annotations: {strategy.spinnaker.io/max-version-history: "3"}}
spec:
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: "example.com/web:1"}]}
`

const service = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {front: web}, ports: [{port: 80, targetPort: 8080}]}
`

const deploymentText = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: main, image: "example.com/api:1"}]}
`

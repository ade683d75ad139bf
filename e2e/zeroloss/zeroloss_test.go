package zeroloss

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/gateway"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/e2e/product"
	"github.com/gennaker/gennaker/internal/demo/load"
)

var (
	switches = flag.Int("zeroloss.switches", 100, "how many blue/green switches")
	aborted  = flag.Int("zeroloss.aborted", 20, "how many deployments of a version that never becomes ready")
	rolling  = flag.Int("zeroloss.rolling", 20, "how many rolling deployments by weights")
	manual   = flag.Int("zeroloss.manual", 10, "how many switches as a script does them with kubectl, for comparison")
	rate     = flag.Float64("zeroloss.rate", 1000, "requests per second")
	report   = flag.String("zeroloss.report", "", "file to write the report to")
)

// lag is how long the gateway of the test goes on as before after a change.
const lag = 300 * time.Millisecond

// application is whose versions are deployed.
const application = "shop"

// binary is the program under test.
var binary string

func TestMain(m *testing.M) { product.Main(m, &binary) }

// world is a node with a server, and what the report says of it.
type world struct {
	*testing.T
	lab       *lab.Lab
	server    *product.Server
	namespace string
	rows      []string
}

func TestReal(t *testing.T) {
	l := lab.Real(t)
	w := &world{T: t, lab: l, namespace: l.Namespace(t)}
	w.server = product.Start(t, binary, map[string]any{"name": "node", "kubeconfigFile": l.Kubeconfig})
	w.server.Application(application)
	w.blueGreen()
	w.weights()
	w.byHand()
	w.write()
}

// replicaSet is a version of a workload behind a Service; the parameters say
// which, and whether it ever becomes ready.
func (w *world) replicaSet(name string) map[string]any {
	return map[string]any{
		"apiVersion": "apps/v1", "kind": "ReplicaSet",
		"metadata": map[string]any{"name": name, "namespace": w.namespace},
		"spec": map[string]any{
			"replicas": 2, "minReadySeconds": 5,
			"selector": map[string]any{"matchLabels": map[string]any{"app": name}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": map[string]any{"app": name}},
				"spec": map[string]any{
					"terminationGracePeriodSeconds": 10,
					"containers": []any{map[string]any{
						"name": "hello", "image": "lab.local/hello:${parameters.version}", "imagePullPolicy": "IfNotPresent",
						"env":            []any{map[string]any{"name": "RUN", "value": "${execution.id}"}, map[string]any{"name": "STOP_DELAY", "value": "3s"}},
						"ports":          []any{map[string]any{"containerPort": 8080}},
						"readinessProbe": map[string]any{"httpGet": map[string]any{"path": "/healthz", "port": 8080}, "periodSeconds": 1},
					}},
				},
			},
		},
	}
}

// service makes a Service and returns its address, which this machine reaches.
func (w *world) service(name string, selector map[string]string) string {
	w.Helper()
	s, err := w.lab.Client.CoreV1().Services(w.namespace).Create(w.Context(), &core.Service{
		ObjectMeta: meta.ObjectMeta{Name: name},
		Spec:       core.ServiceSpec{Selector: selector, Ports: []core.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}},
	}, meta.CreateOptions{})
	if err != nil {
		w.Fatal(err)
	}
	return "http://" + net.JoinHostPort(s.Spec.ClusterIP, "80")
}

// pipeline saves one that deploys a version with these options.
func (w *world) pipeline(name, workload string, options map[string]any) {
	w.Helper()
	w.server.Save(application, name, map[string]any{
		"type": "deployManifest", "name": "Deploy", "account": "node", "cloudProvider": "kubernetes", "source": "text",
		"moniker":                      map[string]any{"app": application},
		"manifests":                    []any{w.replicaSet(workload)},
		"stableManifestTimeoutMinutes": 0.15,
		"trafficManagement":            map[string]any{"enabled": true, "options": options},
	})
}

// under sends requests to a URL while f runs, and notes a row of the report.
func (w *world) under(what, url string, f func() (did string)) load.Snapshot {
	w.Helper()
	ctx, stop := context.WithCancel(w.Context())
	defer stop()
	l, err := load.Run(ctx, load.Config{URL: url, Rate: *rate, Timeout: 10 * time.Second})
	if err != nil {
		w.Fatal(err)
	}
	began := time.Now()
	did := f()
	stop()
	s := l.Wait()
	row := fmt.Sprintf("| %s | %s | %d | **%d** | %.1f ms | %.1f ms | %s |", what, did, s.Done, s.Lost,
		ms(s.Latency.P50), ms(s.Latency.P99), time.Since(began).Round(time.Second))
	w.rows = append(w.rows, row)
	w.Log(row)
	for _, lost := range s.Samples {
		w.Logf("lost: %s", lost)
	}
	return s
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// deploy runs a pipeline, which must end with a status.
func (w *world) deploy(pipeline, version string, want gennaker.Status) {
	w.Helper()
	x := w.server.Run(application, pipeline, map[string]any{"version": version})
	if x.Status != want {
		w.Fatalf("deploy %s: want %s, got %s", version, want, product.Explain(x))
	}
}

// other returns the version that follows.
func other(i int) string { return fmt.Sprintf("v%d", i%2+1) }

func (w *world) blueGreen() {
	url := w.service("web", map[string]string{"traffic": "web"})
	w.pipeline("blue/green", "web", map[string]any{
		"strategy": "bluegreen", "services": []string{"service web"}, "enableTraffic": true, "scaleDown": true,
	})
	w.deploy("blue/green", "v1", gennaker.Succeeded)
	w.none(w.under("blue/green, Service selector", url, func() string {
		for i := range *switches {
			w.deploy("blue/green", other(i+1), gennaker.Succeeded)
		}
		return fmt.Sprintf("%d switches", *switches)
	}))
	w.none(w.under("the same, new version fails", url, func() string {
		for range *aborted {
			w.deploy("blue/green", "v3", gennaker.Terminal)
		}
		return fmt.Sprintf("%d aborted", *aborted)
	}))
}

func (w *world) weights() {
	w.service("api", map[string]string{"traffic": "api"})
	g, err := gateway.Start(w.Context(), gateway.Config{REST: w.lab.Config, Namespace: w.namespace, Name: "edge", Lag: lag})
	if err != nil {
		w.Fatal(err)
	}
	w.server.Save(application, "route", map[string]any{
		"type": "deployManifest", "name": "Route", "account": "node", "cloudProvider": "kubernetes", "source": "text",
		"moniker": map[string]any{"app": application},
		"manifests": []any{map[string]any{
			"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
			"metadata": map[string]any{"name": "api", "namespace": w.namespace},
			"spec": map[string]any{
				"parentRefs": []any{map[string]any{"name": "edge"}},
				"rules":      []any{map[string]any{"backendRefs": []any{map[string]any{"name": "api", "port": 80}}}},
			},
		}},
	})
	if x := w.server.Run(application, "route", nil); x.Status != gennaker.Succeeded {
		w.Fatal(product.Explain(x))
	}
	w.pipeline("rolling", "api", map[string]any{
		"strategy": "rollingredblack", "services": []string{"service api"}, "route": "httpRoute api",
		"enableTraffic": true, "targetPercentages": []int{10, 50, 100}, "scaleDown": true,
	})
	w.deploy("rolling", "v1", gennaker.Succeeded)
	w.none(w.under("rolling red/black, weights of an HTTPRoute", g.URL(), func() string {
		for i := range *rolling {
			w.deploy("rolling", other(i+1), gennaker.Succeeded)
		}
		return fmt.Sprintf("%d rollouts of 10, 50, 100 %%", *rolling)
	}))
}

// byHand switches as scripts do: the new version is ready, the selector of the
// Service is patched, the old version is deleted.
func (w *world) byHand() {
	url := w.service("plain", map[string]string{"app": "plain", "version": "0"})
	kubectl := lab.Program(w, "kubectl")
	w.switchByHand(kubectl, 0)
	w.under("the same by a script: kubectl patch service, kubectl delete", url, func() string {
		for i := range *manual {
			w.switchByHand(kubectl, i+1)
		}
		return fmt.Sprintf("%d switches", *manual)
	})
}

func (w *world) none(s load.Snapshot) {
	w.Helper()
	if s.Lost != 0 || s.Done == 0 {
		w.Errorf("%d requests done, %d lost", s.Done, s.Lost)
	}
}

// write writes the report.
func (w *world) write() {
	if *report == "" || w.Failed() {
		return
	}
	text := fmt.Sprintf(head, *rate) + strings.Join(w.rows, "\n") + "\n"
	if err := os.WriteFile(*report, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

const head = `# No request lost

What the tests of e2e/zeroloss measured on a real node (containerd, kubelet, kube-proxy with nftables) of one machine, with
%.0f requests per second, half of them on connections of their own, a fifth of them POSTs. A request is lost if it gets no
answer, or one that is not 2xx. The service that is deployed ends its connections politely: see
[traffic on Kubernetes](../explanation/kubernetes-traffic.md#connections-that-stay-open).

To repeat it, as root on Linux with what the test names if it is missing:

    GENNAKER_E2E_NODE=1 go test -count=1 -timeout 60m -v -run Real ./e2e/zeroloss -zeroloss.report=$PWD/docs/reference/zero-loss.md

Flags say how often: -zeroloss.switches (100 if absent), -zeroloss.aborted (20), -zeroloss.rolling (20).

| what | how often | requests | lost | median | 99th percentile | took |
| --- | --- | ---: | ---: | ---: | ---: | ---: |
`

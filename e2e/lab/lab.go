// Package lab gives tests a real Kubernetes: a control plane with simulated
// nodes, with faults between it and its clients. The program is in
// e2e/kubelab, a module of its own; its pods.yaml names the annotations that
// say how pods behave.
//
// Tests of one process share a control plane, each in a namespace of its own.
// It ends with the process, however that ends.
package lab

import (
	"context"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// A Lab is a control plane with simulated nodes and the resources of the
// Gateway API. Its methods end the test when something goes wrong, and may be
// called by tests that run in parallel.
type Lab struct {
	Kubeconfig string       // file; of an administrator
	Config     *rest.Config // the same; without client-side throttling
	Client     kubernetes.Interface

	alone   bool
	process *process
}

// An Option makes the control plane different from the shared one.
type Option func(*config)

type config struct {
	nodes     int
	apiServer []string
}

// Alone changes nothing: the control plane is the test's own because there is an
// option.
func Alone() Option { return func(*config) {} }

// Nodes simulates n nodes; there are 5 otherwise. Each takes 256 pods.
func Nodes(n int) Option { return func(c *config) { c.nodes = n } }

// APIServer adds flags of kube-apiserver, as "--watch-cache=false".
func APIServer(flags ...string) Option {
	return func(c *config) { c.apiServer = append(c.apiServer, flags...) }
}

// shared is the control plane of all tests of this process that want no other.
var shared = sync.OnceValues(func() (*Lab, error) { return open(config{nodes: 5}) })

// Cluster returns a control plane that is ready: without options the one that
// the tests of this process share, with options one of the test's own, which
// ends with it. The first test on a machine builds it, which takes minutes;
// `make kubelab` does that before.
func Cluster(t testing.TB, opts ...Option) *Lab {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skipf("the control plane of the tests runs on Linux; this is %s", runtime.GOOS)
	}
	if testing.Short() {
		t.Skip("-short leaves out what wants a control plane")
	}
	if len(opts) == 0 {
		l, err := shared()
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	c := config{nodes: 5}
	for _, o := range opts {
		o(&c)
	}
	l, err := open(c)
	if err != nil {
		t.Fatal(err)
	}
	l.alone = true
	t.Cleanup(l.end(t))
	return l
}

// end returns what ends a control plane of the test's own.
func (l *Lab) end(t testing.TB) func() {
	t.Helper()
	return func() {
		if err := l.process.stop(); err != nil {
			t.Errorf("stop the control plane: %v", err)
		}
	}
}

// open builds and starts a control plane, and waits until it is ready.
func open(c config) (*Lab, error) {
	ctx := context.Background()
	program, err := binary(ctx, "kubelab")
	if err != nil {
		return nil, err
	}
	return run(ctx, &process{program: program, args: c.args()})
}

// run starts a process in a directory of its own.
func run(ctx context.Context, p *process) (*Lab, error) {
	var err error
	if p.dir, err = os.MkdirTemp("", "kubelab-"); err != nil {
		return nil, err
	}
	if err := p.start(); err != nil {
		os.RemoveAll(p.dir)
		return nil, err
	}
	l, err := connect(p)
	if err == nil {
		err = l.installGateway(ctx)
	}
	if err != nil {
		p.stop() //nolint:errcheck // the first error says more
		return nil, err
	}
	return l, nil
}

func connect(p *process) (*Lab, error) {
	l := &Lab{Kubeconfig: p.path("kubeconfig"), process: p}
	var err error
	if l.Config, err = clientcmd.BuildConfigFromFlags("", l.Kubeconfig); err != nil {
		return nil, err
	}
	l.Config.QPS = -1
	l.Client, err = kubernetes.NewForConfig(l.Config)
	return l, err
}

// Restart kills the control plane without warning, and starts it again at the
// same address with its data. Only one of the test's own can be restarted.
func (l *Lab) Restart(t testing.TB) {
	t.Helper()
	if !l.alone {
		t.Fatal("other tests share this control plane: restart one of your own, lab.Cluster(t, lab.Alone())")
	}
	if err := l.process.restart(); err != nil {
		t.Fatalf("restart the control plane: %v", err)
	}
}

// Compact makes etcd forget every revision but the present one, which it
// returns. The API server's cache of recent changes is not etcd's: a watch is
// told that it expired only if that cache is off (APIServer("--watch-cache=false"))
// or new (Restart).
func (l *Lab) Compact(t testing.TB) string {
	t.Helper()
	revision, err := l.process.command("compact", "COMPACTED ")
	if err != nil {
		t.Fatalf("compact etcd: %v", err)
	}
	return revision
}

// within is how long anything may take that the lab itself does.
const within = 2 * time.Minute

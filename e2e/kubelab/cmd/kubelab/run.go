package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	readyTimeout = 3 * time.Minute
	stopTimeout  = 3 * time.Second
)

// plane is a control plane that is being started, runs, or is being stopped.
type plane struct {
	options
	step   func(string)
	ca     *authority
	etcd   *database
	client kubernetes.Interface
	failed chan error
}

// run starts everything in its order, serves the commands until the context
// ends or a component fails, and stops everything in the reverse order.
func run(ctx context.Context, o options, commands <-chan string) error {
	l, err := net.Listen("tcp", net.JoinHostPort(o.address, fmt.Sprint(o.port)))
	if err != nil {
		return err
	}
	o.port = l.Addr().(*net.TCPAddr).Port
	p := &plane{options: o, step: steps(), failed: make(chan error, 8)}
	if p.ca, err = openAuthority(o); err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	p.step("certificates")
	if p.etcd, err = openDatabase(ctx, o.dir); err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	defer p.etcd.close()
	p.step("etcd")
	components, err := newComponents(o, p.ca, p.etcd.endpoint, l)
	if err != nil {
		return err
	}
	if p.client, err = p.connect(); err != nil {
		return err
	}
	// The API server outlives the others, which say good-bye to it.
	stopAPI := p.start("kube-apiserver", components.runAPIServer)
	defer stopAPI()
	if err := p.until(ctx, "kube-apiserver", p.answers); err != nil {
		return err
	}
	defer p.start("kube-controller-manager", components.runControllerManager)()
	defer p.start("kube-scheduler", components.runScheduler)()
	if o.nodes > 0 {
		defer p.start("nodes", p.simulate)()
	}
	if err := p.until(ctx, "service accounts", p.hasAccounts); err != nil {
		return err
	}
	if err := p.until(ctx, "simulated nodes", p.hasNodes); err != nil {
		return err
	}
	if err := p.ca.kubeconfig(filepath.Join(o.dir, "kubeconfig"), "admin"); err != nil {
		return err
	}
	fmt.Println("READY", p.ca.server)
	return p.serve(ctx, commands)
}

// start runs a component, and returns what stops it.
func (p *plane) start(name string, component func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := component(ctx); err != nil && ctx.Err() == nil {
			p.failed <- fmt.Errorf("%s: %w", name, err)
		}
	}()
	return func() {
		cancel()
		select {
		case <-done:
		case <-time.After(stopTimeout):
		}
	}
}

// serve obeys commands.
func (p *plane) serve(ctx context.Context, commands <-chan string) error {
	for {
		select {
		case err := <-p.failed:
			return err
		case <-ctx.Done():
			return nil
		case c := <-commands:
			if c != "compact" {
				return fmt.Errorf("there is no command %q", c)
			}
			revision, err := p.etcd.compact(ctx)
			if err != nil {
				return fmt.Errorf("compact: %w", err)
			}
			fmt.Println("COMPACTED", revision)
		}
	}
}

// until asks again and again until something is so.
func (p *plane) until(ctx context.Context, what string, so func(context.Context) bool) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(readyTimeout)
	for !so(ctx) {
		select {
		case err := <-p.failed:
			return err
		case <-ctx.Done():
			return fmt.Errorf("stopped while waiting for %s", what)
		case <-late:
			return fmt.Errorf("no %s after %s", what, readyTimeout)
		case <-tick.C:
		}
	}
	p.step(what)
	return nil
}

func (p *plane) connect() (kubernetes.Interface, error) {
	c, err := clientcmd.BuildConfigFromFlags("", p.ca.kubeconfigPath("admin"))
	if err != nil {
		return nil, err
	}
	c.QPS = -1
	return kubernetes.NewForConfig(c)
}

func (p *plane) answers(ctx context.Context) bool {
	b, err := p.client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
	return err == nil && string(b) == "ok"
}

func (p *plane) hasAccounts(ctx context.Context) bool {
	_, err := p.client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
	return err == nil
}

// hasNodes returns whether all simulated nodes take pods.
func (p *plane) hasNodes(ctx context.Context) bool {
	list, err := p.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: simulatedNodes})
	if err != nil {
		return false
	}
	n := 0
	for i := range list.Items {
		if takesPods(&list.Items[i]) {
			n++
		}
	}
	return n >= p.nodes
}

func takesPods(n *corev1.Node) bool {
	for _, t := range n.Spec.Taints {
		if t.Key != simulatedTaint {
			return false
		}
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// Command kubelab runs a real Kubernetes control plane in one process, for
// tests: etcd, API server, controllers, scheduler, and KWOK, which simulates
// nodes and the pods on them. Annotations of a pod say how it behaves: see
// pods.yaml.
//
// Standard output has a line for each step, and "READY https://..." once the
// kubeconfig is written, the API answers and the simulated nodes take pods.
//
// With -held, a parent says on standard input what to do, a line for each:
// "compact" compacts etcd to its present revision, and is answered with
// "COMPACTED <revision>". When standard input ends, so does kubelab: nothing is
// left of it when a test is killed.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

type options struct {
	dir         string
	keep        bool
	remove      bool
	held        bool
	address     string
	port        int
	nodes       int
	serviceCIDR string
	advertise   bool
	realNode    string

	apiServer         list
	controllerManager list
	scheduler         list
}

type list []string

func (l *list) String() string { return strings.Join(*l, " ") }

func (l *list) Set(s string) error {
	*l = append(*l, s)
	return nil
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "directory of the state, the logs and the kubeconfig")
	flag.BoolVar(&o.keep, "keep", false, "go on with the certificates and the data in -dir, instead of wiping it")
	flag.BoolVar(&o.remove, "remove", false, "remove -dir at the end")
	flag.BoolVar(&o.held, "held", false, "take commands from standard input, and end with it")
	flag.StringVar(&o.address, "address", "127.0.0.1", "`IP` on which the API server listens")
	flag.IntVar(&o.port, "port", 0, "port of the API server; 0 is a free one")
	flag.IntVar(&o.nodes, "nodes", 5, "how many nodes to simulate")
	flag.StringVar(&o.serviceCIDR, "service-cidr", "10.96.0.0/16", "addresses of Services")
	flag.BoolVar(&o.advertise, "advertise", false, "make -address, which must not be loopback, the endpoint of Service default/kubernetes")
	flag.StringVar(&o.realNode, "real-node", "", "`NAME=IP` of a real node, for which DIR/pki gets kubelet-NAME.kubeconfig and kube-proxy.kubeconfig")
	flag.Var(&o.apiServer, "apiserver", "a `flag` of kube-apiserver (repeatable)")
	flag.Var(&o.controllerManager, "controller-manager", "a `flag` of kube-controller-manager (repeatable)")
	flag.Var(&o.scheduler, "scheduler", "a `flag` of kube-scheduler (repeatable)")
	flag.Parse()
	if err := start(o); err != nil {
		fmt.Println("kubelab:", err)
		os.Exit(1)
	}
}

// start runs the control plane until a signal, or the end of standard input.
func start(o options) error {
	if !filepath.IsAbs(o.dir) {
		return fmt.Errorf("-dir is %q: it must be an absolute path", o.dir)
	}
	if err := prepare(o); err != nil {
		return fmt.Errorf("prepare the directory: %w", err)
	}
	if o.remove {
		defer os.RemoveAll(o.dir)
	}
	// When the parent is gone, writing to its pipe must not end us uncleanly.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	commands := make(chan string)
	if o.held {
		go func() {
			defer stop()
			read(ctx, os.Stdin, commands)
		}()
	}
	return run(ctx, o, commands)
}

// read passes lines on until there are no more.
func read(ctx context.Context, r io.Reader, lines chan<- string) {
	for s := bufio.NewScanner(r); s.Scan(); {
		select {
		case lines <- s.Text():
		case <-ctx.Done():
			return
		}
	}
}

// prepare wipes the directory unless its data is to be kept, and sends what the
// components and their libraries write on standard error to a file in it.
func prepare(o options) error {
	if !o.keep {
		for _, name := range []string{"etcd", "pki", "kubeconfig"} {
			if err := os.RemoveAll(filepath.Join(o.dir, name)); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(o.dir, "kubelab.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	return syscall.Dup3(int(f.Fd()), int(os.Stderr.Fd()), 0)
}

// steps tells how long each step took.
func steps() func(what string) {
	begin := time.Now()
	return func(what string) { fmt.Printf("%6.2fs %s\n", time.Since(begin).Seconds(), what) }
}

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const readyTimeout = 2 * time.Minute

// node is the first process of the node's namespaces: with its end the kernel
// ends all others.
func node(o options) error {
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return fmt.Errorf("wait for the network: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	if err := prepare(ctx, o.dir); err != nil {
		return err
	}
	s := services{dir: o.dir, running: map[int]string{}}
	url, err := s.controlPlane(o)
	if err != nil {
		return err
	}
	if err := s.runtime(ctx); err != nil {
		return err
	}
	server, ok := <-url
	if !ok {
		return errors.New("the control plane ended")
	}
	if err := s.agents(o.kubenode); err != nil {
		return err
	}
	if err := awaitNode(ctx, o.dir, server); err != nil {
		return err
	}
	fmt.Println("READY", server)
	return s.reap()
}

// services are the programs of the node; none of them may end.
type services struct {
	dir     string
	running map[int]string // by process
}

func (s *services) path(name string) string { return filepath.Join(s.dir, name) }

// begin starts a program, whose output goes to a log.
func (s *services) begin(name string, c *exec.Cmd) error {
	log, err := os.Create(s.path("logs/" + name))
	if err != nil {
		return err
	}
	defer log.Close()
	if c.Stderr = log; c.Stdout == nil {
		c.Stdout = log
	}
	if err := c.Start(); err != nil {
		return err
	}
	s.running[c.Process.Pid] = name
	return nil
}

// controlPlane starts kubelab, and returns where its address will be said.
func (s *services) controlPlane(o options) (<-chan string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	c := exec.Command(o.kubelab, "-dir", s.dir, "-address", nodeAddress, "-port", "6443", "-advertise",
		"-nodes", fmt.Sprint(o.nodes), "-service-cidr", serviceCIDR, "-real-node", nodeName+"="+nodeAddress)
	c.Stdout = w
	if err := s.begin("kubelab", c); err != nil {
		return nil, err
	}
	url := make(chan string, 1)
	go func() {
		defer close(url)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			fmt.Println("kubelab:", lines.Text())
			if server, ok := strings.CutPrefix(lines.Text(), "READY "); ok {
				url <- server
			}
		}
	}()
	return url, nil
}

// runtime starts containerd and gives it the images.
func (s *services) runtime(ctx context.Context) error {
	if err := write(s.dir, runtimeFiles); err != nil {
		return err
	}
	if err := s.begin("containerd", exec.Command("containerd", "-c", s.path("containerd.toml"))); err != nil {
		return err
	}
	socket := s.path("containerd.sock")
	if err := until(ctx, "containerd", func() bool {
		c, err := net.Dial("unix", socket)
		if err == nil {
			c.Close()
		}
		return err == nil
	}); err != nil {
		return err
	}
	images, err := filepath.Glob(s.path("images/*.tar"))
	if err != nil {
		return err
	}
	for _, file := range images {
		if err := command(ctx, "ctr -a "+socket+" -n k8s.io images import "+file); err != nil {
			return err
		}
	}
	return nil
}

// agents starts kubelet and kube-proxy; the API server is there.
func (s *services) agents(kubenode string) error {
	if err := write(s.dir, agentFiles); err != nil {
		return err
	}
	kubelet := exec.Command(kubenode, "kubelet",
		"--config="+s.path("kubelet.yaml"),
		"--kubeconfig="+s.path("pki/kubelet-"+nodeName+".kubeconfig"),
		"--hostname-override="+nodeName,
		"--node-ip="+nodeAddress,
		"--root-dir=/var/lib/kubelet",
		"--cert-dir="+s.path("lib/kubelet/pki"),
		"--v=2")
	if err := s.begin("kubelet", kubelet); err != nil {
		return err
	}
	return s.begin("kube-proxy", exec.Command(kubenode, "kube-proxy", "--config="+s.path("kube-proxy.yaml"), "--v=2"))
}

// reap waits for the ends of processes, among them those that lost their
// parent, until one of the services ends.
func (s *services) reap() error {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if name, ok := s.running[pid]; ok {
			return fmt.Errorf("%s ended with status %d", name, status.ExitStatus())
		}
	}
}

// awaitNode asks the API server until the node takes pods.
func awaitNode(ctx context.Context, dir, server string) error {
	cert, err := tls.LoadX509KeyPair(dir+"/pki/admin.crt", dir+"/pki/admin.key")
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(dir + "/pki/ca.crt")
	if err != nil {
		return err
	}
	ca := x509.NewCertPool()
	ca.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: ca}}}
	return until(ctx, "node that is ready", func() bool {
		r, err := client.Get(server + "/api/v1/nodes/" + nodeName)
		if err != nil {
			return false
		}
		defer r.Body.Close()
		var n struct {
			Spec   struct{ Taints []any }
			Status struct {
				Conditions []struct{ Type, Status string }
			}
		}
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&n); err != nil || len(n.Spec.Taints) > 0 {
			return false
		}
		for _, c := range n.Status.Conditions {
			if c.Type == "Ready" {
				return c.Status == "True"
			}
		}
		return false
	})
}

// until asks again and again until something is so.
func until(ctx context.Context, what string, so func() bool) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("no %s after %s", what, readyTimeout)
		case <-tick.C:
		}
	}
	return nil
}

// Command labnode runs a real node, for tests, and kubelab as its control
// plane: containerd, kubelet and kube-proxy, in namespaces for processes, mounts
// and network that vanish when it ends. The host sees a network device and two
// routes, through which it reaches pods and Services, and a parent for cgroups.
// It needs root, and the Debian packages containerd, runc,
// containernetworking-plugins, nftables and iproute2. Its names and addresses
// are fixed: a machine has one at a time, and a second one waits.
//
// Like kubelab it prints "READY https://...", here once the node takes pods, and
// ends with its standard input.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gennaker/gennaker/e2e/kubelab/image"
)

type options struct {
	dir      string
	kubelab  string
	kubenode string
	nodes    int
	images   images
}

// images are given as REFERENCE=PROGRAM,VARIABLE=VALUE,...
type images []image.Image

func (l *images) String() string { return fmt.Sprint(len(*l), " images") }

func (l *images) Set(s string) error {
	reference, rest, ok := strings.Cut(s, "=")
	if !ok {
		return fmt.Errorf("%q is not REFERENCE=PROGRAM", s)
	}
	parts := strings.Split(rest, ",")
	*l = append(*l, image.Image{Reference: reference, Program: parts[0], Env: parts[1:]})
	return nil
}

// inside is the argument that makes this program the first process of the node.
const inside = "inside"

func main() {
	var o options
	first := len(os.Args) > 1 && os.Args[1] == inside
	if first {
		os.Args = append(os.Args[:1], os.Args[2:]...)
	}
	flag.StringVar(&o.dir, "dir", "", "directory of the state, the logs and the kubeconfig; it is removed at the end")
	flag.StringVar(&o.kubelab, "kubelab", "", "the control plane's `program`")
	flag.StringVar(&o.kubenode, "kubenode", "", "the `program` that is kubelet and kube-proxy")
	flag.IntVar(&o.nodes, "nodes", 0, "how many nodes to simulate beside the real one")
	flag.Var(&o.images, "image", "`REFERENCE=PROGRAM[,VARIABLE=VALUE]...`: an image of a program that the node has (repeatable)")
	flag.Parse()
	run := outside
	if first {
		run = node
	}
	if err := run(o); err != nil {
		fmt.Println("labnode:", err)
		os.Exit(1)
	}
}

// outside makes the namespaces, connects them with the host, and cleans up when
// what is inside has ended.
func outside(o options) error {
	signal.Ignore(syscall.SIGPIPE)
	unlock, err := lock(filepath.Join(os.TempDir(), "gennaker-labnode.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	cleanUp() // after one that was killed
	defer os.RemoveAll(o.dir)
	defer cleanUp()
	for _, name := range []string{"images", "logs"} {
		if err := os.MkdirAll(filepath.Join(o.dir, name), 0o700); err != nil {
			return err
		}
	}
	if err := writeImages(o); err != nil {
		return fmt.Errorf("write images: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent has gone
		stop()
	}()
	c := exec.CommandContext(ctx, "/proc/self/exe", append([]string{inside}, os.Args[1:]...)...)
	c.Stdout, c.Stderr = os.Stdout, os.Stdout
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
		Setsid:     true,
	}
	begin, err := c.StdinPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return fmt.Errorf("make namespaces: %w", err)
	}
	if err := attach(ctx, c.Process.Pid); err != nil {
		stop()
		_ = c.Wait()
		return fmt.Errorf("connect the node's network: %w", err)
	}
	if _, err := io.WriteString(begin, "begin\n"); err != nil {
		return err
	}
	if err := c.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("the node ended: %w\n%s", err, logs(o.dir))
	}
	return nil
}

func writeImages(o options) error {
	for i, img := range o.images {
		f, err := os.Create(filepath.Join(o.dir, "images", fmt.Sprintf("%d.tar", i)))
		if err != nil {
			return err
		}
		if err := image.Write(f, img); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// lock waits until no other node is on this machine, and says so now and then.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for i := 0; ; i++ {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, err
		}
		if i%100 == 0 {
			if _, err := fmt.Println("labnode: another test has the node of this machine"); err != nil {
				f.Close()
				return nil, err // who waits has gone
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// logs returns the last lines of every log.
func logs(dir string) string {
	var b strings.Builder
	files, _ := filepath.Glob(filepath.Join(dir, "logs", "*"))
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		var last []string
		for s := bufio.NewScanner(f); s.Scan(); {
			if last = append(last, s.Text()); len(last) > 10 {
				last = last[1:]
			}
		}
		f.Close()
		fmt.Fprintf(&b, "--- %s\n%s\n", filepath.Base(name), strings.Join(last, "\n"))
	}
	return b.String()
}

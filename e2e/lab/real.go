package lab

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// nodeVariable is what `make e2e-node` sets, so that a machine that lacks
// something fails instead of skipping.
const nodeVariable = "GENNAKER_E2E_NODE"

// An Image is one that the real node has: a statically linked Linux program,
// started without arguments.
type Image struct {
	Reference string   // as "lab.local/hello:v1"; pods say imagePullPolicy: IfNotPresent
	Program   string   // file
	Env       []string // as "VERSION=v1"
}

// Real returns a control plane with a real node, where pods run and Services
// work, also from this machine. It is the test's own, and a machine has one at
// a time: others wait. The node has the images that are given, and
// lab.local/hello:v1, v2, and v3, which exits after a second; hello listens on
// port 8080 and is described in e2e/kubelab/images/hello. There is no DNS.
//
// Only `make e2e-node` runs such tests, and only those with Real in their names;
// it needs root and some packages of Debian, which it names.
func Real(t testing.TB, images ...Image) *Lab {
	t.Helper()
	if os.Getenv(nodeVariable) == "" {
		t.Skip("`make e2e-node` runs what wants a real node")
	}
	if missing := missing(); missing != "" {
		t.Fatal(missing)
	}
	hello := Program(t, "hello")
	images = append(images,
		Image{"lab.local/pause:1", Program(t, "pause"), nil},
		Image{"lab.local/hello:v1", hello, []string{"VERSION=v1"}},
		Image{"lab.local/hello:v2", hello, []string{"VERSION=v2"}},
		Image{"lab.local/hello:v3", hello, []string{"VERSION=v3", "EXIT_AFTER=1s"}})
	args := []string{"-kubelab", Program(t, "kubelab"), "-kubenode", Program(t, "kubenode")}
	for _, i := range images {
		args = append(args, "-image", strings.Join(append([]string{i.Reference + "=" + i.Program}, i.Env...), ","))
	}
	l, err := run(t.Context(), &process{program: Program(t, "labnode"), args: args})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.end(t))
	return l
}

// Program builds kubectl or another program of e2e/kubelab, unless the user's
// cache has it, and returns its file.
func Program(t testing.TB, name string) string {
	t.Helper()
	file, err := binary(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// missing says what keeps this machine from having a real node.
func missing() string {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return "a real node needs Linux and root"
	}
	var lacks []string
	for _, program := range []string{"containerd", "ctr", "runc", "nft", "ip", "/usr/lib/cni/bridge"} {
		if _, err := exec.LookPath(program); err != nil {
			lacks = append(lacks, program)
		}
	}
	if lacks == nil {
		return ""
	}
	return "a real node needs " + strings.Join(lacks, ", ") + ": apt-get install containerd runc containernetworking-plugins nftables iproute2"
}

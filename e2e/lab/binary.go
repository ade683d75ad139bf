package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// unused is after how long a binary of other sources is removed.
const unused = 7 * 24 * time.Hour

// program is what the module e2e/kubelab can build.
type program struct {
	pkg     string   // below the module
	sources []string // other packages of the module that it imports
	static  bool     // it runs in images that have nothing else
}

var programs = map[string]program{
	"kubelab":  {pkg: "cmd/kubelab"},
	"kubenode": {pkg: "cmd/kubenode"},
	"kubectl":  {pkg: "cmd/kubectl"},
	"labnode":  {pkg: "cmd/labnode", sources: []string{"image"}},
	"hello":    {pkg: "images/hello", static: true},
	"pause":    {pkg: "images/pause", static: true},
}

// binary returns a program of e2e/kubelab from the user's cache, and builds it
// if it isn't there. Processes that want it at the same time build it once.
func binary(ctx context.Context, name string) (string, error) {
	module, err := moduleDir(ctx)
	if err != nil {
		return "", err
	}
	sum, err := fingerprint(ctx, module, name)
	if err != nil {
		return "", fmt.Errorf("read the sources of %s: %w", name, err)
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(cache, name+"-"+sum)
	unlock, err := lock(filepath.Join(cache, name+".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(file); err != nil {
		if err := build(ctx, module, name, file); err != nil {
			return "", err
		}
		removeUnused(cache, name)
	}
	now := time.Now()
	return file, os.Chtimes(file, now, now)
}

// moduleDir returns the directory of the module e2e/kubelab.
func moduleDir(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), "e2e", "kubelab"), nil
}

func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "gennaker", "kubelab")
	return dir, os.MkdirAll(dir, 0o700)
}

// fingerprint is the digest of all that makes the program what it is.
func fingerprint(ctx context.Context, module, name string) (string, error) {
	h := sha256.New()
	toolchain, err := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH", "CGO_ENABLED").Output()
	if err != nil {
		return "", err
	}
	h.Write(toolchain)
	p := programs[name]
	for _, root := range append([]string{"go.mod", "go.sum", p.pkg}, p.sources...) {
		err := filepath.WalkDir(filepath.Join(module, root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			fmt.Fprintf(h, "%s %d\n%s", d.Name(), len(content), content)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// lock waits until no other process has the lock.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

// build compiles with the flags of the product's own tests, so that what both
// import is compiled once.
func build(ctx context.Context, module, name, file string) error {
	flags, err := versionFlags(module)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "lab: building %s\n", name)
	begin := time.Now()
	c := exec.CommandContext(ctx, "go", "build", "-ldflags", flags, "-o", file+".new", "./"+programs[name].pkg)
	c.Dir = module
	if programs[name].static {
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	var output bytes.Buffer
	c.Stdout, c.Stderr = &output, &output
	if err := c.Run(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", name, err, tail(output.Bytes()))
	}
	fmt.Fprintf(os.Stderr, "lab: built %s in %s\n", name, time.Since(begin).Round(time.Second))
	return os.Rename(file+".new", file)
}

// version is that of Kubernetes, which its programs otherwise know from the
// scripts that release them.
var version = regexp.MustCompile(`(?m)^\tk8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)`)

func versionFlags(module string) (string, error) {
	text, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return "", err
	}
	m := version.FindSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("%s/go.mod requires no k8s.io/kubernetes", module)
	}
	var flags strings.Builder
	flags.WriteString("-s -w")
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		fmt.Fprintf(&flags, " -X %s.gitVersion=%s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s -X %[1]s.gitTreeState=clean -X %[1]s.gitCommit=module", pkg, m[1], m[2], m[3])
	}
	return flags.String(), nil
}

// removeUnused removes builds of other sources, which are large.
func removeUnused(cache, name string) {
	files, _ := filepath.Glob(filepath.Join(cache, name+"-*"))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && time.Since(info.ModTime()) > unused {
			os.Remove(f)
		}
	}
}

// tail returns the end of an output.
func tail(b []byte) []byte {
	const most = 8 << 10
	return b[max(0, len(b)-most):]
}

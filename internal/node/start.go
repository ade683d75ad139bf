package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/health"
	"github.com/gennaker/gennaker/internal/node/state"
)

// Variables that mark the processes of a node. The first two are documented for
// the instances' own use.
const (
	markInstance = "GENNAKER_INSTANCE"
	markGroup    = "GENNAKER_SERVER_GROUP"
	markNode     = "GENNAKER_NODE"
	markAttempt  = "GENNAKER_ATTEMPT"
	markCheck    = "GENNAKER_CHECK" // set for health commands
	markPort     = "PORT"
)

// Bounds of what a server group may ask for.
const (
	maxBalancers = 100
	maxSeconds   = 24 * 60 * 60
)

// mark is what all processes of this node have in their environment.
func (n *node) mark() string { return markNode + "=" + n.id }

// environment is everything that an instance of g gets.
func (g *group) environment(instance string, attempt, port int) []string {
	env := []string{
		g.n.mark(), markInstance + "=" + instance, markGroup + "=" + g.name,
		markAttempt + "=" + strconv.Itoa(attempt), markPort + "=" + strconv.Itoa(port),
	}
	return append(env, inherited(g.spec.Env)...)
}

// inherited returns the declared variables and, of the node's own, those that
// every program needs.
func inherited(declared map[string]string) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "LANG", "TMPDIR"} {
		if _, set := declared[name]; set {
			continue
		}
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	for name, v := range declared {
		env = append(env, name+"="+v)
	}
	return env
}

// executable finds what to run: the command, of the artifact if it is there,
// else of this machine; by default the artifact's only executable.
//
// Errors: Invalid.
func executable(command []string, a state.Artifact) (path string, args []string, err error) {
	if len(command) == 0 {
		if a.Executable == "" {
			return "", nil, gennaker.Errorf(gennaker.Invalid, "the artifact does not have exactly one executable").
				WithHint("say which one to run: set command")
		}
		return a.Executable, []string{a.Executable}, nil
	}
	name := command[0]
	path = name
	if !filepath.IsAbs(name) {
		if a.Dir == "" && strings.Contains(name, "/") {
			return "", nil, gennaker.Errorf(gennaker.Invalid, "the command %q is relative, and there is no artifact", name).
				WithHint("give an absolute path, a name in PATH, or an artifact")
		}
		path = filepath.Join(a.Dir, name)
		if _, err := os.Stat(path); (err != nil || a.Dir == "") && !strings.Contains(name, "/") {
			if path, err = exec.LookPath(name); err != nil {
				return "", nil, gennaker.Errorf(gennaker.Invalid, "the command %q is neither in the artifact nor in PATH", name)
			}
		}
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", nil, gennaker.Errorf(gennaker.Invalid, "the command %q is not in the artifact", name)
	case info.IsDir() || info.Mode().Perm()&0o111 == 0:
		return "", nil, gennaker.Errorf(gennaker.Invalid, "the command %q is not executable", name).
			WithHint("set its execute permission before packing the artifact")
	}
	return path, append([]string{path}, command[1:]...), nil
}

// validate reports what can never run, whatever the artifact holds.
//
// Errors: Invalid.
func validate(s gennaker.ServerGroupSpec) (gennaker.Moniker, error) {
	m, err := gennaker.NewMoniker(s.Application, s.Stack, s.Detail)
	if err != nil {
		return m, err
	}
	if s.Region != Region && s.Region != "" {
		return m, gennaker.Errorf(gennaker.Invalid, "there is no region %q", s.Region).WithHint("the region is %s", Region)
	}
	if err := s.Capacity.Check(); err != nil {
		return m, err
	}
	if err := health.Validate(s.HealthCheck); err != nil {
		return m, err
	}
	for what, n := range map[string]int{"drainSeconds": s.DrainSeconds, "stopSeconds": s.StopSeconds, "weight": s.Weight} {
		if n < 0 || n > maxSeconds {
			return m, gennaker.Errorf(gennaker.Invalid, "%s must be in 0..%d, got %d", what, maxSeconds, n)
		}
	}
	if len(s.LoadBalancers) > maxBalancers {
		return m, gennaker.Errorf(gennaker.Invalid, "at most %d load balancers are allowed", maxBalancers)
	}
	if _, ok := s.Env[markPort]; ok {
		return m, gennaker.Errorf(gennaker.Invalid, "the environment variable %s is set by the node", markPort).
			WithHint("remove it from env")
	}
	return m, gennaker.CheckProcess(s.Command, s.Env)
}

// logDir returns where the logs of a server group are. Names longer than a
// directory's are not possible: both end at 255 bytes.
func (n *node) logDir(group string) string { return filepath.Join(n.Dir, "logs", group) }

// made returns the server group that the operation with key made, if it did.
func (n *node) made(key string) (name string, ok bool) {
	if key == "" {
		return "", false
	}
	for _, g := range n.list() {
		g.mu.Lock()
		hit := g.rec.Key == key
		g.mu.Unlock()
		if hit {
			return g.name, true
		}
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, c := range n.clusters {
		for _, d := range c.Destroyed {
			if d.Key == key {
				return d.Name, true
			}
		}
	}
	return "", false
}

// missing reports the first load balancer that does not exist.
//
// Errors: Invalid.
func (n *node) missing(names []string) error {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, name := range names {
		if n.balancers[name] == nil {
			return gennaker.Errorf(gennaker.Invalid, "there is no load balancer %q", name).
				WithHint("make it first, or leave it out of loadBalancers")
		}
	}
	return nil
}

// describeRef is a short form of what runs, for people.
func describeRef(a gennaker.RunArtifact) string {
	if a.Digest == "" {
		return a.Reference
	}
	return fmt.Sprintf("%s@%s", a.Reference, a.Digest)
}

package node_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
)

func TestInstanceSurroundings(t *testing.T) {
	h := newHarness(t)
	spec := h.spec(1, "")
	spec.Env["HOME"] = "/declared"
	ref := h.create(spec)
	i := h.untilState(ref, gennaker.Up, 1).Instances[0]
	body, err := get(t.Context(), i.Address, "/env")
	if err != nil {
		t.Fatal(err)
	}
	var got seen
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if got.PID != i.PID || got.Session != i.PID {
		t.Errorf("process %d in session %d, want both %d", got.PID, got.Session, i.PID)
	}
	if !strings.HasPrefix(got.Dir, filepath.Join(h.dir, "artifacts")) {
		t.Errorf("it runs in %s", got.Dir)
	}
	_, port, _ := strings.Cut(i.Address, ":")
	for _, want := range []string{
		"PORT=" + port, "GENNAKER_INSTANCE=" + i.Name, "GENNAKER_SERVER_GROUP=" + ref.Name, "HOME=/declared", "VERSION=v1",
	} {
		if !slices.Contains(got.Env, want) {
			t.Errorf("environment lacks %s: %v", want, got.Env)
		}
	}
	var names []string
	for _, v := range got.Env {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	allowed := []string{
		"GENNAKER_ATTEMPT", "GENNAKER_INSTANCE", "GENNAKER_NODE", "GENNAKER_SERVER_GROUP", "HOME", "LANG", "MODE", "PATH", "PORT", "TMPDIR", "VERSION",
	}
	for _, name := range names {
		if !slices.Contains(allowed, name) {
			t.Errorf("variable %s leaks into the instance", name)
		}
	}
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("variables are set twice: %v", names)
	}
}

func TestReasons(t *testing.T) {
	tests := map[string]struct {
		mode   string
		change func(*gennaker.ServerGroupSpec)
		want   string
		state  gennaker.HealthState
	}{
		"exits": {
			mode: "exit", want: "times; it must stay in the foreground",
		},
		"does not listen": {
			mode: "deaf", state: gennaker.Starting, want: "does not listen on port ",
		},
		"never answers": {
			mode: "", state: gennaker.Down, want: "GET /hang was not answered in 200 ms",
			change: func(s *gennaker.ServerGroupSpec) {
				s.HealthCheck = gennaker.HealthCheck{Path: "/hang", IntervalMS: 50, TimeoutMS: 200, GraceSeconds: 1}
			},
		},
		"health command hangs": {
			mode: "check", state: gennaker.Down, want: " was not answered in 300 ms",
			change: func(s *gennaker.ServerGroupSpec) {
				s.HealthCheck = gennaker.HealthCheck{
					Type: "command", Command: []string{h0(s), "hang"}, IntervalMS: 50, TimeoutMS: 300, GraceSeconds: 1,
				}
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			spec := h.spec(1, tt.mode)
			if tt.change != nil {
				tt.change(&spec)
			}
			ref := h.create(spec)
			h.until(func() string {
				i := h.group(ref).Instances[0]
				if !strings.Contains(i.Reason, tt.want) || tt.state != "" && i.HealthState != tt.state {
					return fmt.Sprintf("%s: %q", i.HealthState, i.Reason)
				}
				return ""
			})
		})
	}
}

func h0(s *gennaker.ServerGroupSpec) string { return s.Artifact.Reference }

func TestHealthCommand(t *testing.T) {
	h := newHarness(t)
	spec := h.spec(1, "check")
	spec.HealthCheck = gennaker.HealthCheck{Type: "command", Command: []string{h.binary, "well"}, IntervalMS: 100, TimeoutMS: 20_000}
	h.untilState(h.create(spec), gennaker.Up, 1)
}

func TestKilledInstanceStartsAgain(t *testing.T) {
	h := newHarness(t)
	ref := h.create(h.spec(1, "deaf"))
	i := h.untilReason(ref, "does not listen")
	if err := syscall.Kill(i.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	next := h.untilReason(ref, "killed by signal 9")
	h.until(func() string {
		next = h.group(ref).Instances[0]
		if next.Restarts != 1 || next.PID == 0 || next.PID == i.PID {
			return fmt.Sprintf("%d restarts, pid %d", next.Restarts, next.PID)
		}
		return ""
	})
	if next.Name != i.Name {
		t.Errorf("%s became %s", i.Name, next.Name)
	}
}

// TestForkedAway: what leaves the process group does not outlive the instance.
func TestForkedAway(t *testing.T) {
	h := newHarness(t)
	ref := h.create(h.spec(1, "fork"))
	i := h.untilReason(ref, "2 times; it must stay in the foreground")
	left := regexp.MustCompile(`left (\d+) behind`).FindAllStringSubmatch(h.log(ref, i.Name, -1), -1)
	if len(left) < 2 {
		t.Fatalf("log: %s", h.log(ref, i.Name, -1))
	}
	h.until(func() string {
		if n := len(h.processes()); n > 2 { // the newest and what it leaves behind
			return fmt.Sprintf("%d processes of one instance", n)
		}
		return ""
	})
	if err := h.Destroy(t.Context(), h.key(), ref); err != nil {
		t.Fatal(err)
	}
	h.untilGone(ref)
	if left := h.processes(); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
}

func TestIgnoresTerm(t *testing.T) {
	h := newHarness(t)
	spec := h.spec(1, "stubborn")
	spec.StopSeconds = 1
	ref := h.create(spec)
	h.untilState(ref, gennaker.Up, 1)
	if err := h.Destroy(t.Context(), h.key(), ref); err != nil {
		t.Fatal(err)
	}
	h.untilGone(ref)
	if left := h.processes(); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
}

// TestDisableDrains: an instance is Draining until its requests are done, and
// then OutOfService; it goes on with them when it is enabled again.
func TestDisableDrains(t *testing.T) {
	h := newHarness(t)
	address := h.balancer("lb")
	ref := h.create(h.spec(1, "", "lb"))
	i := h.untilState(ref, gennaker.Up, 1).Instances[0]
	held := make(chan error, 1)
	go func() {
		_, err := get(t.Context(), address, "/hold")
		held <- err
	}()
	h.until(func() string {
		if g := h.group(ref); g.Traffic.InFlight != 1 {
			return fmt.Sprintf("traffic is %+v", g.Traffic)
		}
		return ""
	})
	for range 2 {
		if err := h.Disable(t.Context(), h.key(), ref, 100); err != nil {
			t.Fatal(err)
		}
		if got := h.group(ref).Instances[0]; got.HealthState != gennaker.Draining || got.PID != i.PID {
			t.Errorf("with a request in flight it is %+v", got)
		}
		if err := h.Enable(t.Context(), h.key(), ref); err != nil {
			t.Fatal(err)
		}
		if got := h.group(ref).Instances[0]; got.HealthState != gennaker.Up {
			t.Errorf("enabled it is %+v", got)
		}
	}
	if err := h.Disable(t.Context(), h.key(), ref, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t.Context(), i.Address, "/release"); err != nil {
		t.Fatal(err)
	}
	h.untilState(ref, gennaker.OutOfService, 1)
	if err := <-held; err != nil {
		t.Error(err)
	}
}

// TestDestroyDrains: a request in flight is answered in full.
func TestDestroyDrains(t *testing.T) {
	h := newHarness(t)
	address := h.balancer("lb")
	ref := h.create(h.spec(1, "", "lb"))
	i := h.untilState(ref, gennaker.Up, 1).Instances[0]
	type answer struct {
		body string
		err  error
	}
	held := make(chan answer, 1)
	go func() {
		body, err := get(t.Context(), address, "/hold")
		held <- answer{body, err}
	}()
	h.until(func() string {
		if g := h.group(ref); g.Traffic.InFlight != 1 {
			return fmt.Sprintf("traffic is %+v", g.Traffic)
		}
		return ""
	})
	if err := h.Disable(t.Context(), h.key(), ref, 100); err != nil {
		t.Fatal(err)
	}
	h.untilState(ref, gennaker.Draining, 1)
	if err := h.Destroy(t.Context(), h.key(), ref); err != nil {
		t.Fatal(err)
	}
	h.untilState(ref, gennaker.Draining, 1)
	if g := h.group(ref); !g.Destroying || !g.Disabled {
		t.Errorf("destroying %v, disabled %v", g.Destroying, g.Disabled)
	}
	if err := h.Enable(t.Context(), h.key(), ref); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("enable what is being destroyed: %v", err)
	}
	if err := h.Destroy(t.Context(), h.key(), ref); err != nil {
		t.Errorf("destroy again: %v", err)
	}
	if body, err := get(t.Context(), address, "/"); err == nil {
		t.Errorf("a new request was answered: %s", body)
	}
	if _, err := get(t.Context(), i.Address, "/release"); err != nil {
		t.Fatal(err)
	}
	if got := <-held; got.err != nil || got.body != "held" {
		t.Errorf("the request in flight got %q, %v", got.body, got.err)
	}
	h.untilGone(ref)
}

func TestLogOfALongLine(t *testing.T) {
	h := newHarness(t)
	ref := h.create(h.spec(1, "line"))
	i := h.untilState(ref, gennaker.Up, 1).Instances[0]
	text := h.log(ref, i.Name, -1)
	if want := strings.Repeat("x", 10<<20) + "\nend of line\nserving\n"; text != want {
		t.Errorf("got %d bytes, want %d", len(text), len(want))
	}
	mixed := h.log(ref, "", -1)
	if n := strings.Count(mixed, "x"); n != 10<<20 || !strings.Contains(mixed, i.Name+" end of line\n") {
		t.Errorf("got %d of the long line, and at the end %q", n, mixed[len(mixed)-100:])
	}
}

func TestLogIsBounded(t *testing.T) {
	h := newHarness(t)
	if err := h.Stop(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	h.cmd = nil
	run := inProcess(t, h, nodeConfig{logBytes: 64 << 10})
	ref := h.create(h.spec(1, "talk"))
	i := h.untilState(ref, gennaker.Up, 1).Instances[0]
	path := filepath.Join(h.dir, "logs", ref.Name, "0001.log")
	h.until(func() string {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		s, ok := info.Sys().(*syscall.Stat_t)
		if !ok || s.Blocks*512 > 100<<10 {
			return fmt.Sprintf("the log takes %d bytes", s.Blocks*512)
		}
		return ""
	})
	text := h.log(ref, i.Name, -1)
	if !strings.HasSuffix(text, "yyy\nserving\n") || len(text) < 60<<10 || strings.Contains(text, "\x00") {
		t.Errorf("got %d bytes that end in %q", len(text), text[max(0, len(text)-20):])
	}
	run.stop(false)
}

func TestCreateRefuses(t *testing.T) {
	h := newHarness(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notes"), []byte("not a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change func(*gennaker.ServerGroupSpec)
		want   string
	}{
		"artifact missing": {func(s *gennaker.ServerGroupSpec) { s.Artifact.Reference = "/nonexistent" }, "/nonexistent"},
		"wrong digest":     {func(s *gennaker.ServerGroupSpec) { s.Artifact.Digest = "sha256:" + strings.Repeat("a", 64) }, "digest"},
		"port declared":    {func(s *gennaker.ServerGroupSpec) { s.Env["PORT"] = "1" }, "PORT"},
		"mark declared":    {func(s *gennaker.ServerGroupSpec) { s.Env["GENNAKER_INSTANCE"] = "x" }, "GENNAKER_INSTANCE"},
		"bad variable":     {func(s *gennaker.ServerGroupSpec) { s.Env["A=B"] = "x" }, "A=B"},
		"large env":        {func(s *gennaker.ServerGroupSpec) { s.Env["A"] = strings.Repeat("x", 1<<20) }, "env"},
		"no command":       {func(s *gennaker.ServerGroupSpec) { s.Command = []string{"./no-such"} }, "no-such"},
		"not in path":      {func(s *gennaker.ServerGroupSpec) { s.Command = []string{"no-such-program"} }, "no-such-program"},
		"not executable": {func(s *gennaker.ServerGroupSpec) {
			s.Artifact.Reference, s.Command = dir, []string{"notes"}
		}, "not executable"},
		"nothing executable": {func(s *gennaker.ServerGroupSpec) { s.Artifact.Reference = dir }, "executable"},
		"health type":        {func(s *gennaker.ServerGroupSpec) { s.HealthCheck.Type = "magic" }, "magic"},
		"negative drain":     {func(s *gennaker.ServerGroupSpec) { s.DrainSeconds = -1 }, "drainSeconds"},
		"name":               {func(s *gennaker.ServerGroupSpec) { s.Application = "a/b" }, "application"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			spec := h.spec(1, "")
			tt.change(&spec)
			_, err := h.Create(t.Context(), name, spec)
			if gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(fmt.Sprint(err), tt.want) {
				t.Errorf("got %v (%s), want Invalid with %q", err, gennaker.KindOf(err), tt.want)
			}
		})
	}
	all, err := h.ServerGroups(t.Context(), "")
	if diff := cmp.Diff([]gennaker.ServerGroup{}, all); diff != "" || err != nil {
		t.Errorf("server groups after refusals: %v\n%s", err, diff)
	}
}

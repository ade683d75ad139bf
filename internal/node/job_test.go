package node_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/durable"
	"github.com/gennaker/gennaker/internal/node/state"
)

// script returns the spec of a job that is a shell script.
func script(text string, files ...string) gennaker.JobSpec {
	return gennaker.JobSpec{Account: "local", Application: "demo", Name: "test", Script: text, OutputFiles: files, StopSeconds: 20}
}

func (h *harness) runJob(spec gennaker.JobSpec) (name string) {
	h.Helper()
	name, err := h.RunJob(h.Context(), h.key(), spec)
	if err != nil {
		h.Fatalf("run a job: %v, %s", err, gennaker.HintOf(err))
	}
	return name
}

// ended waits until a job has ended.
func (h *harness) ended(name string) (j gennaker.Job) {
	h.Helper()
	h.until(func() string {
		var err error
		if j, err = h.Job(h.Context(), name); err != nil {
			return err.Error()
		}
		if !j.Ended() {
			return fmt.Sprintf("the job is %+v", j)
		}
		return ""
	})
	return j
}

// untilFile waits until there is a file.
func (h *harness) untilFile(path string) (content string) {
	h.Helper()
	h.until(func() string {
		b, err := os.ReadFile(path)
		if err != nil {
			return err.Error()
		}
		content = string(b)
		return ""
	})
	return content
}

func (h *harness) jobLog(name string, tail int64, follow bool) string {
	h.Helper()
	r, err := h.JobLogs(h.Context(), name, tail, follow)
	if err != nil {
		h.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		h.Fatal(err)
	}
	return string(b)
}

// awaitShell is a function of the shell that returns when a path exists.
const awaitShell = `await() { while [ ! -e "$1" ]; do sleep 0.02; done; }
`

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestJob(t *testing.T) {
	h := newHarness(t)
	artifact := t.TempDir()
	if err := os.WriteFile(filepath.Join(artifact, "data.txt"), []byte("from the artifact"), 0o600); err != nil {
		t.Fatal(err)
	}
	spec := script(`echo out; echo err >&2; cat "$GENNAKER_ARTIFACT/data.txt"; pwd; mkdir sub
env > env; echo a=1 > sub/out.properties; cut -d' ' -f5-6 /proc/self/stat`, "sub/out.properties", "env")
	spec.Artifact = gennaker.RunArtifact{Reference: artifact}
	spec.Env = map[string]string{"COLOR": "red", "HOME": "/declared"}
	name := h.runJob(spec)
	j := h.ended(name)
	if j.State != gennaker.JobSucceeded || j.ExitCode == nil || *j.ExitCode != 0 || j.Signal != 0 || j.Reason != "" || j.Canceled {
		t.Errorf("the job is %+v", j)
	}
	if j.Account != "local" || j.Location != "local" || j.CloudProvider != "local" || j.Application != "demo" || j.Name != name {
		t.Errorf("the job is %+v", j)
	}
	if j.CreatedTime.IsZero() || j.StartTime.IsZero() || j.CompletedTime.Before(j.StartTime.Time) {
		t.Errorf("its times are %v %v %v", j.CreatedTime, j.StartTime, j.CompletedTime)
	}
	if len(j.Files) != 2 || j.Files[0] != (gennaker.JobFile{Name: "sub/out.properties", Content: "a=1\n"}) {
		t.Fatalf("its files are %+v", j.Files)
	}
	env := strings.Split(j.Files[1].Content, "\n")
	for _, want := range []string{"COLOR=red", "HOME=/declared", "GENNAKER_JOB=" + name} {
		if !slices.Contains(env, want) {
			t.Errorf("its environment lacks %s", want)
		}
	}
	for _, v := range env {
		if strings.HasPrefix(v, "SECRET=") || strings.HasPrefix(v, "GENNAKER_SHIM=") || strings.HasPrefix(v, nodeDir+"=") {
			t.Errorf("its environment holds %s", v)
		}
	}
	log := h.jobLog(name, -1, true)
	lines := strings.Split(strings.TrimSpace(log), "\n")
	want := []string{"out", "err", "from the artifact" + filepath.Join(h.dir, "jobs", name, "work")}
	if len(lines) != 4 || !cmp.Equal(want, lines[:3]) {
		t.Errorf("its log is %q, want %q", lines, want)
	}
	h.until(func() string {
		if _, err := os.Stat(filepath.Join(h.dir, "jobs", name, "work")); err == nil {
			return "its working directory is there"
		}
		return ""
	})
	if got := h.jobLog(name, 5, false); got != log[len(log)-5:] {
		t.Errorf("the end of its log is %q", got)
	}
}

func TestJobEnds(t *testing.T) {
	h := newHarness(t)
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("\x7fELF but no more"), 0o700); err != nil {
		t.Fatal(err)
	}
	slow := script("trap 'exit 9' TERM; sleep 1000 & wait")
	slow.TimeoutSeconds = 1
	deaf := script("trap '' TERM; while :; do sleep 0.1; done")
	deaf.TimeoutSeconds, deaf.StopSeconds = 1, 1
	inDir := script("pwd > where", "where")
	inDir.Dir = "a/b"
	elsewhere := script("pwd > where", "where")
	elsewhere.Dir = dir
	tests := map[string]struct {
		spec   gennaker.JobSpec
		state  gennaker.JobState
		exit   int // -1 is none
		signal int
		reason string
		file   string
	}{
		"well":                 {spec: script("true"), state: gennaker.JobSucceeded},
		"with a status":        {spec: script("exit 3"), state: gennaker.JobFailed, exit: 3, reason: "it exited with status 3"},
		"at the first failure": {spec: script("false; echo more > f", "f"), state: gennaker.JobFailed, exit: 1, reason: "it exited with status 1"},
		"at an unset variable": {spec: script("echo $NO_SUCH"), state: gennaker.JobFailed, exit: 2, reason: "it exited with status 2"},
		"killed":               {spec: script("kill -9 $$"), state: gennaker.JobFailed, exit: -1, signal: 9, reason: "it was killed by signal 9, perhaps because memory ran out"},
		"terminated":           {spec: script("kill $$"), state: gennaker.JobFailed, exit: -1, signal: 15, reason: "it was killed by signal 15 (terminated)"},
		"too late":             {spec: slow, state: gennaker.JobFailed, exit: 9, reason: "it ran longer than 1s, and was stopped"},
		"deaf and too late":    {spec: deaf, state: gennaker.JobFailed, exit: -1, signal: 9, reason: "it ran longer than 1s, and was stopped"},
		"a command": {
			spec: gennaker.JobSpec{Application: "demo", Command: []string{"sh", "-c", "exit $1", "sh", "4"}}, state: gennaker.JobFailed, exit: 4, reason: "it exited with status 4",
		},
		"no program": {
			spec: gennaker.JobSpec{Application: "demo", Command: []string{broken}}, state: gennaker.JobFailed, exit: -1, reason: "fork/exec " + broken + ": exec format error",
		},
		"below its directory": {spec: inDir, state: gennaker.JobSucceeded, file: "/work/a/b\n"},
		"in another":          {spec: elsewhere, state: gennaker.JobSucceeded, file: dir + "\n"},
	}
	names := map[string]string{}
	for what, tt := range tests { // all at once
		names[what] = h.runJob(tt.spec)
	}
	for what, tt := range tests {
		j := h.ended(names[what])
		exit := -1
		if j.ExitCode != nil {
			exit = *j.ExitCode
		}
		if j.State != tt.state || exit != tt.exit || j.Signal != tt.signal || j.Reason != tt.reason || j.Canceled {
			t.Errorf("%s: %+v, exit code %d", what, j, exit)
		}
		if tt.file != "" && (len(j.Files) != 1 || !strings.HasSuffix(j.Files[0].Content, tt.file)) {
			t.Errorf("%s: files %+v, want %q", what, j.Files, tt.file)
		}
	}
}

func TestJobRefused(t *testing.T) {
	h := newHarness(t)
	change := func(do func(*gennaker.JobSpec)) gennaker.JobSpec {
		spec := script("true")
		do(&spec)
		return spec
	}
	for what, spec := range map[string]gennaker.JobSpec{
		"missing command":    {Application: "demo", Command: []string{"no-such-command"}},
		"relative command":   {Application: "demo", Command: []string{"./run"}},
		"missing artifact":   {Application: "demo", Artifact: gennaker.RunArtifact{Reference: "/no/such"}, Script: "true"},
		"missing directory":  change(func(s *gennaker.JobSpec) { s.Dir = "/no/such" }),
		"escaping directory": change(func(s *gennaker.JobSpec) { s.Dir = "../x" }),
		"escaping file":      change(func(s *gennaker.JobSpec) { s.OutputFiles = []string{"../x"} }),
		"our variable":       change(func(s *gennaker.JobSpec) { s.Env = map[string]string{"GENNAKER_JOB": "x"} }),
		"two things":         change(func(s *gennaker.JobSpec) { s.Command = []string{"true"} }),
		"nothing":            {Application: "demo"},
		"no application":     change(func(s *gennaker.JobSpec) { s.Application = "" }),
		"a slash":            change(func(s *gennaker.JobSpec) { s.Name = "a/b" }),
		"a long name":        change(func(s *gennaker.JobSpec) { s.Name = strings.Repeat("x", 300) }),
		"a long script":      change(func(s *gennaker.JobSpec) { s.Script = strings.Repeat("x", gennaker.MaxJobScript+1) }),
		"a long time":        change(func(s *gennaker.JobSpec) { s.TimeoutSeconds = gennaker.MaxJobSeconds + 1 }),
	} {
		if _, err := h.RunJob(t.Context(), h.key(), spec); gennaker.KindOf(err) != gennaker.Invalid || err == nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := h.RunJob(t.Context(), "", script("true")); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("no key: %v", err)
	}
	for _, name := range []string{"", ".", "..", "demo", "demo-x", "../../x-y-0123456789abcdef"} {
		if err := h.CancelJob(t.Context(), name); gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("cancel of %q: %v", name, err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(h.dir, "state", "jobs")); err != nil || len(left) > 0 {
		t.Errorf("records are left: %v, %v", left, err)
	}
}

// TestJobFiles: what a job calls an output may be anything.
func TestJobFiles(t *testing.T) {
	h := newHarness(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := h.ended(h.runJob(script(`
printf 'a=b' > good
printf '\377\376' > binary
head -c 1048576 /dev/zero | tr '\0' x > largest
head -c 1048577 /dev/zero | tr '\0' x > large
mkdir dir; mkfifo fifo
ln -s good inside
ln -s `+secret+` outside`,
		"good", "binary", "largest", "large", "dir", "fifo", "inside", "outside")))
	got := map[string]string{}
	for _, f := range j.Files {
		got[f.Name] = f.Content + "|" + f.Problem
		if f.Name == "largest" {
			got[f.Name] = fmt.Sprint(len(f.Content)) + "|" + f.Problem
		}
	}
	want := map[string]string{
		"good": "a=b|", "inside": "a=b|", "largest": "1048576|", "binary": "|it is not UTF-8 text",
		"large": "|it is larger than 1048576 bytes", "dir": "|it is not a file", "fifo": "|it is not a file",
		"outside": "|it cannot be read, or is not in the working directory",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	name := h.runJob(script("echo x > left; exit 1", "never"))
	j = h.ended(name)
	h.untilFile(filepath.Join(h.dir, "jobs", name, "work", "left"))
	if len(j.Files) != 1 || j.Files[0].Problem != "the job did not write it" {
		t.Errorf("files are %+v", j.Files)
	}
}

// TestJobOutlivesNode: how a job ends is known though the node was killed, and
// away when it did.
func TestJobOutlivesNode(t *testing.T) {
	h := newHarness(t)
	dir := t.TempDir()
	wait := awaitShell + `touch "$DIR/$1.began"; await "$DIR/$1.go"; echo k=v > out; touch "$DIR/$1.over"; exit 7`
	names := map[string]string{}
	for _, which := range []string{"while away", "after"} {
		spec := gennaker.JobSpec{
			Application: "demo", Command: []string{"/bin/sh", "-euc", wait, "sh", which},
			Env: map[string]string{"DIR": dir}, OutputFiles: []string{"out"},
		}
		names[which] = h.runJob(spec)
		h.untilFile(filepath.Join(dir, which+".began"))
	}
	h.kill()
	touch(t, filepath.Join(dir, "while away.go"))
	h.untilFile(filepath.Join(dir, "while away.over"))
	h.untilFile(filepath.Join(h.dir, "jobs", names["while away"], "result.json"))
	h.run()
	if j, err := h.Job(t.Context(), names["after"]); err != nil || j.State != gennaker.JobRunning || j.StartTime.IsZero() {
		t.Errorf("after a restart the job is %+v, %v", j, err)
	}
	h.kill()
	h.run()
	touch(t, filepath.Join(dir, "after.go"))
	for which, name := range names {
		j := h.ended(name)
		if j.ExitCode == nil || *j.ExitCode != 7 || len(j.Files) != 1 || j.Files[0].Content != "k=v\n" {
			t.Errorf("%s: %+v", which, j)
		}
	}
}

// TestJobLost: a job whose shim was killed has failed, nothing of it is left,
// and it is not run again.
func TestJobLost(t *testing.T) {
	h := newHarness(t)
	for _, nodeToo := range []bool{false, true} {
		dir := t.TempDir()
		spec := script(`echo x >> "$DIR/count"; echo $PPID > "$DIR/tmp"; mv "$DIR/tmp" "$DIR/shim"; sleep 1000`)
		spec.Env = map[string]string{"DIR": dir}
		key := h.key()
		name, err := h.RunJob(t.Context(), key, spec)
		if err != nil {
			t.Fatal(err)
		}
		var pid int
		if _, err := fmt.Sscan(h.untilFile(filepath.Join(dir, "shim")), &pid); err != nil {
			t.Fatal(err)
		}
		if nodeToo {
			h.kill()
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if nodeToo {
			h.run()
		}
		j := h.ended(name)
		if j.State != gennaker.JobFailed || !strings.Contains(j.Reason, "not known how it ended") || j.ExitCode != nil || j.Canceled {
			t.Errorf("the job is %+v", j)
		}
		if again, err := h.RunJob(t.Context(), key, spec); err != nil || again != name {
			t.Errorf("once more: %q, %v", again, err)
		}
		if got := h.untilFile(filepath.Join(dir, "count")); got != "x\n" {
			t.Errorf("it was run %d times", len(got)/2)
		}
		if left := h.processes(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
}

// TestJobLeavesNothing: what a job forked away ends with it.
func TestJobLeavesNothing(t *testing.T) {
	h := newHarness(t)
	name := h.runJob(script(`sleep 1000 & setsid sleep 1000 & echo going`))
	if j := h.ended(name); j.State != gennaker.JobSucceeded {
		t.Errorf("the job is %+v", j)
	}
	if left := h.processes(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestJobCancel(t *testing.T) {
	h := newHarness(t)
	dir := t.TempDir()
	polite := script(`trap 'echo bye; exit 0' TERM; touch "$DIR/polite"; while :; do sleep 0.05; done`)
	deaf := script(`trap '' TERM; touch "$DIR/deaf"; while :; do sleep 0.05; done`)
	deaf.StopSeconds = 1
	for what, spec := range map[string]gennaker.JobSpec{"polite": polite, "deaf": deaf} {
		spec.Env = map[string]string{"DIR": dir}
		name := h.runJob(spec)
		h.untilFile(filepath.Join(dir, what))
		for range 2 {
			if err := h.CancelJob(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		j := h.ended(name)
		if j.State != gennaker.JobFailed || !j.Canceled || j.Reason != "it was canceled" || (j.Signal == 9) != (what == "deaf") {
			t.Errorf("%s: %+v", what, j)
		}
		if log := h.jobLog(name, -1, false); (what == "polite") != strings.Contains(log, "bye") {
			t.Errorf("%s: its log is %q", what, log)
		}
	}
	name := h.runJob(script("true"))
	h.ended(name)
	if err := h.CancelJob(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if j := h.ended(name); j.State != gennaker.JobSucceeded || j.Canceled {
		t.Errorf("canceled after its end: %+v", j)
	}

	early := gennaker.JobName("demo", "test", "early")
	if err := h.CancelJob(t.Context(), early); err != nil {
		t.Fatal(err)
	}
	h.kill()
	h.run()
	spec := script(`touch "$DIR/early"`)
	spec.Env = map[string]string{"DIR": dir}
	if name, err := h.RunJob(t.Context(), "early", spec); err != nil || name != early {
		t.Fatalf("%q, %v", name, err)
	}
	if j := h.ended(early); j.State != gennaker.JobFailed || !j.Canceled || j.Reason != "it was canceled before it began" || j.Application != "demo" {
		t.Errorf("canceled before its begin: %+v", j)
	}
	if log := h.jobLog(early, -1, true); log != "" {
		t.Errorf("its log is %q", log)
	}
	if _, err := os.Stat(filepath.Join(dir, "early")); err == nil {
		t.Error("it was run")
	}
}

// TestJobNodeStops: a node that is told to stop all stops its jobs too.
func TestJobNodeStops(t *testing.T) {
	h := newHarness(t)
	name := h.runJob(script("sleep 1000"))
	if err := h.Stop(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	h.run()
	j, err := h.Job(t.Context(), name)
	if err != nil || j.State != gennaker.JobFailed || !j.Canceled {
		t.Errorf("the job is %+v, %v", j, err)
	}
}

// TestJobLogBounded: a log is bounded while it is written.
func TestJobLogBounded(t *testing.T) {
	h := newHarness(t)
	h.down()
	r := inProcess(t, h, nodeConfig{logBytes: 64 << 10, shim: []string{shimArg}})
	defer func() {
		r.stop(true)
		h.run()
	}()
	name := h.runJob(script(awaitShell + `head -c 4000000 /dev/zero | tr '\0' '\n'; await go; echo the end`))
	path := filepath.Join(h.dir, "jobs", name, "log")
	used := func() int64 {
		var s syscall.Stat_t
		if err := syscall.Stat(path, &s); err != nil || s.Size < 4_000_000 {
			return 1 << 40
		}
		return s.Blocks * 512
	}
	h.until(func() string {
		if n := used(); n > 128<<10 {
			return fmt.Sprintf("the log takes %d bytes", n)
		}
		return ""
	})
	touch(t, filepath.Join(h.dir, "jobs", name, "work", "go"))
	if log := h.jobLog(name, -1, true); !strings.HasSuffix(log, "the end\n") || len(log) > 128<<10 {
		t.Errorf("its log has %d bytes and ends with %q", len(log), log[max(0, len(log)-20):])
	}
	h.ended(name)
}

// TestJobRetention: of old jobs only how they ended is kept, and that a key was
// used.
func TestJobRetention(t *testing.T) {
	h := newHarness(t)
	h.down()
	r := inProcess(t, h, nodeConfig{keepJobs: 2, shim: []string{shimArg}})
	defer func() {
		r.stop(true)
		h.run()
	}()
	var names []string
	for i := range 4 {
		name, err := h.RunJob(t.Context(), fmt.Sprint(i), script("mkdir d; echo x > d/f; chmod 500 d; echo hello", "d/f"))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
		h.ended(name)
	}
	for i, name := range names {
		swept := i < 2
		h.until(func() string {
			if _, err := os.Stat(filepath.Join(h.dir, "jobs", name)); (err != nil) != swept {
				return fmt.Sprintf("directory of job %d: %v", i, err)
			}
			return ""
		})
		j := h.ended(name)
		if j.State != gennaker.JobSucceeded || (len(j.Files) == 0) != swept {
			t.Errorf("job %d: %+v", i, j)
		}
		if log := h.jobLog(name, -1, false); (log == "") != swept {
			t.Errorf("log of job %d: %q", i, log)
		}
	}
	if again, err := h.RunJob(t.Context(), "0", script("touch again")); err != nil || again != names[0] {
		t.Errorf("the key of an old job gives %q, %v", again, err)
	}
	if j := h.ended(names[0]); j.ExitCode == nil || len(j.Files) > 0 {
		t.Errorf("it is %+v", j)
	}
}

// TestJobAges: a job is forgotten after a month, what it put out after a week,
// and the directory of one that nobody knows at once.
func TestJobAges(t *testing.T) {
	h := newHarness(t)
	h.down()
	store, _, err := state.Open(filepath.Join(h.dir, "state"), nil)
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	names := map[string]string{}
	for what, age := range map[string]time.Duration{"young": day, "old": 8 * day, "ancient": 31 * day, "unknown": 0} {
		name := gennaker.JobName("demo", what, "")
		names[what] = name
		if err := os.MkdirAll(filepath.Join(h.dir, "jobs", name, "work"), 0o700); err != nil {
			t.Fatal(err)
		}
		if what == "unknown" {
			continue
		}
		if err := store.SaveJob(state.Job{
			Name: name, Spec: script("echo a secret"), State: gennaker.JobSucceeded, ExitCode: new(0), Ended: gennaker.At(time.Now().Add(-age)),
		}); err != nil {
			t.Fatal(err)
		}
	}
	h.run()
	for what, want := range map[string]struct{ dir, known bool }{"young": {true, true}, "old": {false, true}, "ancient": {}, "unknown": {}} {
		h.until(func() string {
			_, dir := os.Stat(filepath.Join(h.dir, "jobs", names[what]))
			j, known := h.Job(t.Context(), names[what])
			if (dir == nil) != want.dir || (known == nil) != want.known || known == nil && j.State != gennaker.JobSucceeded {
				return fmt.Sprintf("%s: directory %v, job %+v %v", what, dir, j, known)
			}
			return ""
		})
	}
	b, err := os.ReadFile(filepath.Join(h.dir, "state", "jobs", names["old"]+".json"))
	if err != nil || strings.Contains(string(b), "secret") {
		t.Errorf("of an old job is kept: %s, %v", b, err)
	}
}

// TestJobNoShim: a job whose shim does not do its work has failed, and did not
// run; a node without one refuses jobs.
func TestJobNoShim(t *testing.T) {
	h := newHarness(t)
	h.down()
	r := inProcess(t, h, nodeConfig{shim: []string{brokenArg}})
	name := h.runJob(script("true"))
	if j := h.ended(name); j.State != gennaker.JobFailed || !strings.Contains(j.Reason, "cannot be started") {
		t.Errorf("the job is %+v", j)
	}
	r.stop(false)
	r = inProcess(t, h, nodeConfig{})
	if _, err := h.RunJob(t.Context(), "k", script("true")); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("without a shim: %v", err)
	}
	r.stop(true)
	h.run()
}

// TestJobCorrupt: a job whose record is broken is left alone and reported, and
// its key does not run it again.
func TestJobCorrupt(t *testing.T) {
	h := newHarness(t)
	dir := t.TempDir()
	spec := script(awaitShell + `echo x >> "$DIR/count"; await "$DIR/go"`)
	spec.Env = map[string]string{"DIR": dir}
	name, err := h.RunJob(t.Context(), "k", spec)
	if err != nil {
		t.Fatal(err)
	}
	h.untilFile(filepath.Join(dir, "count"))
	h.kill()
	if err := os.WriteFile(filepath.Join(h.dir, "state", "jobs", name+".json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.run()
	if s, err := h.Ping(t.Context()); err != nil || len(s.Problems) < 2 || !strings.Contains(strings.Join(s.Problems, "\n"), name) {
		t.Errorf("problems are %q, %v", s.Problems, err)
	}
	if len(h.processes()) == 0 {
		t.Error("its processes were killed")
	}
	if again, err := h.RunJob(t.Context(), "k", spec); err != nil || again != name {
		t.Fatalf("%q, %v", again, err)
	}
	touch(t, filepath.Join(dir, "go"))
	if j := h.ended(name); j.State != gennaker.JobSucceeded {
		t.Errorf("it is %+v", j)
	}
	if got := h.untilFile(filepath.Join(dir, "count")); got != "x\n" {
		t.Errorf("it was run %d times", len(got)/2)
	}
}

// TestJobStorm kills the node at any moment while jobs are asked for. Each runs
// exactly once, since no shim is killed, and how it ended is known.
func TestJobStorm(t *testing.T) {
	h := newHarness(t)
	dir := t.TempDir()
	const rounds, each = 6, 4
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	names := map[string]int{}
	var mu sync.Mutex
	ask := func(n int) {
		spec := script(fmt.Sprintf(`echo x >> "$DIR/%d"; echo n=%d > out; exit %d`, n, n, n), "out")
		spec.Env = map[string]string{"DIR": dir}
		for {
			name, err := h.RunJob(t.Context(), fmt.Sprint("job-", n), spec)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				names[name] = n
				return
			}
			if gennaker.KindOf(err) != gennaker.Unavailable || h.Wait(t.Context()) != nil {
				t.Errorf("job %d: %v", n, err)
				return
			}
		}
	}
	for round := range rounds {
		var asking sync.WaitGroup
		for i := range each {
			asking.Go(func() { ask(round*each + i) })
		}
		<-time.After(time.Duration(rnd.IntN(60)) * time.Millisecond)
		h.kill()
		h.run()
		asking.Wait()
	}
	if len(names) != rounds*each {
		t.Errorf("there are %d jobs", len(names))
	}
	for name, n := range names {
		j := h.ended(name)
		if j.ExitCode == nil || *j.ExitCode != n || len(j.Files) != 1 || j.Files[0].Content != fmt.Sprintf("n=%d\n", n) {
			t.Errorf("job %d: %+v", n, j)
		}
		if got := h.untilFile(filepath.Join(dir, fmt.Sprint(n))); got != "x\n" {
			t.Errorf("job %d was run %d times", n, len(got)/2)
		}
	}
}

// TestJobDiskFull: a job whose record cannot be saved does not run; one whose
// end cannot be saved goes on being Running until it can.
func TestJobDiskFull(t *testing.T) {
	h := newHarness(t)
	h.down()
	var mu sync.Mutex
	full := true
	write := func(path string, data []byte) error {
		mu.Lock()
		defer mu.Unlock()
		if full {
			return syscall.ENOSPC
		}
		return durable.WriteFile(path, data)
	}
	fill := func(f bool) {
		mu.Lock()
		defer mu.Unlock()
		full = f
	}
	r := inProcess(t, h, nodeConfig{writeFile: write, shim: []string{shimArg}})
	if _, err := h.RunJob(t.Context(), "k", script("true")); gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("run with a full disk: %v", err)
	}
	fill(false)
	name, err := h.RunJob(t.Context(), "k", script(awaitShell+"await go"))
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(h.dir, "jobs", name, "work")
	h.untilFile(filepath.Join(h.dir, "jobs", name, "claimed"))
	fill(true)
	h.until(func() string {
		if _, err := os.Stat(work); err != nil {
			return err.Error()
		}
		return ""
	})
	touch(t, filepath.Join(work, "go"))
	h.untilFile(filepath.Join(h.dir, "jobs", name, "result.json"))
	if j, err := h.Job(t.Context(), name); err != nil || j.Ended() {
		t.Errorf("the job is %+v, %v", j, err)
	}
	fill(false)
	if j := h.ended(name); j.State != gennaker.JobSucceeded {
		t.Errorf("the job is %+v", j)
	}
	r.stop(true)
	h.run()
}

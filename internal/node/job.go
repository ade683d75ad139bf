package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact"
	"github.com/gennaker/gennaker/internal/node/logfile"
	"github.com/gennaker/gennaker/internal/node/process"
	"github.com/gennaker/gennaker/internal/node/shim"
	"github.com/gennaker/gennaker/internal/node/state"
)

// Marks of the processes of jobs. The first and the last are documented for the
// jobs' own use.
const (
	markJob      = "GENNAKER_JOB"
	markShim     = "GENNAKER_SHIM" // set for the process that stays with a job
	varArtifact  = "GENNAKER_ARTIFACT"
	shell        = "/bin/sh"
	maxJobs      = 256 // at the same time
	maxJobStarts = 6   // how often it is tried to start one
)

// job is a job: its record, and one goroutine that sees it through.
type job struct {
	n      *node
	name   string
	stop   chan struct{} // closed when its end was asked for
	ended  chan struct{} // closed when the record says how it ended
	change sync.Mutex    // held from reading the record to saving the changed one; before mu

	mu  sync.Mutex // before the locks of the node
	rec state.Job  // durable
}

func newJob(n *node, rec state.Job) *job {
	j := &job{n: n, name: rec.Name, rec: rec, stop: make(chan struct{}), ended: make(chan struct{})}
	if rec.Canceled != "" {
		close(j.stop)
	}
	if rec.Over() {
		close(j.ended)
	}
	return j
}

// jobDir is where everything of a job is but its record.
func (n *node) jobDir(name string) string { return filepath.Join(n.Dir, "jobs", name) }

func (j *job) dir() string      { return j.n.jobDir(j.name) }
func (j *job) logPath() string  { return filepath.Join(j.dir(), "log") }
func (j *job) filePath() string { return filepath.Join(j.dir(), "files.json") }

// workDir is the working directory of a job.
func (j *job) workDir(spec gennaker.JobSpec) string {
	if filepath.IsAbs(spec.Dir) {
		return spec.Dir
	}
	return filepath.Join(j.dir(), "work", spec.Dir)
}

// record returns the record as it is. What it points to does not change.
func (j *job) record() state.Job {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.rec
}

// update changes the record and makes that durable. Errors: those of do, or
// Unavailable; then nothing was changed.
func (j *job) update(do func(*state.Job) error) error {
	j.change.Lock()
	defer j.change.Unlock()
	next := j.record()
	if err := do(&next); err != nil {
		return err
	}
	if err := j.n.store.SaveJob(next); err != nil {
		return err
	}
	j.mu.Lock()
	j.rec = next
	j.mu.Unlock()
	return nil
}

// findJob returns a job. Errors: NotFound.
func (n *node) findJob(name string) (*job, error) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if j, ok := n.jobs[name]; ok {
		return j, nil
	}
	return nil, gennaker.Errorf(gennaker.NotFound, "there is no job %.300q on this node", name)
}

// allJobs returns the jobs, in no order.
func (n *node) allJobs() []*job {
	n.mu.RLock()
	defer n.mu.RUnlock()
	all := make([]*job, 0, len(n.jobs))
	for _, j := range n.jobs {
		all = append(all, j)
	}
	return all
}

var errNoJobs = gennaker.Errorf(gennaker.Invalid, "this node cannot run jobs")

// runJob makes a job, unless there is one of its name, and returns its name.
//
// Errors: Invalid for what can never run; Unavailable if too many run, or if it
// could not be made durable.
func (n *node) runJob(ctx context.Context, key string, spec gennaker.JobSpec) (string, error) {
	switch {
	case n.Shim == nil:
		return "", errNoJobs
	case key == "":
		return "", gennaker.Errorf(gennaker.Invalid, "the job has no key")
	}
	if err := spec.Check(); err != nil {
		return "", err
	}
	name := gennaker.JobName(spec.Application, spec.Name, key)
	if _, err := n.findJob(name); err == nil {
		return name, nil
	}
	if info, err := os.Stat(spec.Dir); filepath.IsAbs(spec.Dir) && (err != nil || !info.IsDir()) {
		return "", gennaker.Errorf(gennaker.Invalid, "there is no directory %s to work in", spec.Dir)
	}
	n.unpacking.RLock() // until the record says that the files are in use
	defer n.unpacking.RUnlock()
	var files state.Artifact
	if spec.Artifact.Reference != "" {
		var err error
		if files, err = n.unpack(ctx, spec.Artifact); err != nil {
			return "", err
		}
	}
	if _, _, err := program(spec, files); err != nil {
		return "", err
	}
	return name, n.addJob(ctx, state.Job{
		Name: name, Spec: spec, Artifact: files, Created: gennaker.At(time.Now()), State: gennaker.JobRunning,
	})
}

// unpack makes the files of an artifact available. Errors: Invalid, Unavailable.
func (n *node) unpack(ctx context.Context, ref gennaker.RunArtifact) (state.Artifact, error) {
	u, err := artifact.Unpack(ctx, ref, n.artifactDir())
	if gennaker.KindOf(err) == gennaker.NotFound {
		return state.Artifact{}, gennaker.Errorf(gennaker.Invalid, "%w", err).WithHint("%s", gennaker.HintOf(err))
	}
	if err != nil {
		return state.Artifact{}, err
	}
	files := state.Artifact{Dir: u.Dir, Digest: u.Digest, Executable: u.Executable}
	if files.Executable != "" && !filepath.IsAbs(files.Executable) {
		files.Executable = filepath.Join(u.Dir, files.Executable)
	}
	return files, nil
}

// program finds what a job runs. Errors: Invalid.
func program(spec gennaker.JobSpec, files state.Artifact) (path string, args []string, err error) {
	if spec.Script != "" {
		return shell, []string{"sh", "-eu", "-c", spec.Script}, nil
	}
	return executable(spec.Command, files)
}

// runningJobs counts those that did not end.
func (n *node) runningJobs() (running int) {
	for _, j := range n.allJobs() {
		if r := j.record(); !r.Over() {
			running++
		}
	}
	return running
}

// addJob makes a job durable, and begins it.
func (n *node) addJob(ctx context.Context, rec state.Job) error {
	n.creating.Lock()
	defer n.creating.Unlock()
	if _, err := n.findJob(rec.Name); err == nil { // by another call meanwhile
		return nil
	}
	running := n.runningJobs()
	switch {
	case ctx.Err() != nil:
		return gennaker.Errorf(gennaker.Unavailable, "the request to run a job was given up: %w", context.Cause(ctx))
	case n.halting():
		return gennaker.Errorf(gennaker.Unavailable, "the node is stopping")
	case running >= maxJobs && !rec.Over():
		return gennaker.Errorf(gennaker.Unavailable, "%d jobs run on this node, which is as many as it may run", running)
	}
	if err := n.store.SaveJob(rec); err != nil {
		_ = n.store.DeleteJob(rec.Name) // it may be there without being durable
		return err
	}
	j := newJob(n, rec)
	n.mu.Lock()
	n.jobs[rec.Name] = j
	n.mu.Unlock()
	j.begin()
	j.changed()
	return nil
}

// begin starts the goroutine of a job that did not end.
func (j *job) begin() {
	if r := j.record(); !r.Over() && j.n.ctx.Err() == nil {
		j.n.Log.Info("running a job", "job", j.name)
		j.n.work.Go(j.attend)
	}
}

func (j *job) changed() {
	application, _ := gennaker.JobApplication(j.name)
	j.n.hub.publish(application, "")
}

// cancelJob asks a job to end. One that is not known is noted, so that it never
// runs. Errors: Invalid, Unavailable.
func (n *node) cancelJob(ctx context.Context, name string) error {
	application, ok := gennaker.JobApplication(name)
	if !ok {
		return gennaker.Errorf(gennaker.Invalid, "%.300q cannot be the name of a job", name)
	}
	if _, err := n.findJob(name); err != nil {
		now := gennaker.At(time.Now())
		err := n.addJob(ctx, state.Job{
			Name: name, Spec: gennaker.JobSpec{Application: application}, Created: now, Ended: now,
			State: gennaker.JobFailed, Canceled: canceled, Reason: neverBegan,
		})
		if err != nil {
			return err
		}
	}
	j, err := n.findJob(name)
	if err != nil {
		return nil // forgotten meanwhile: it had ended
	}
	return j.cancel(canceled)
}

// Reasons of ends that were asked for.
const (
	canceled   = "it was canceled"
	neverBegan = "it was canceled before it began"
	nodeStops  = "it was stopped with the node"
)

// cancel notes durably why a job must end, and begins to end it.
func (j *job) cancel(why string) error {
	err := j.update(func(rec *state.Job) error {
		if rec.Over() || rec.Canceled != "" {
			return errDone
		}
		rec.Canceled = why
		return nil
	})
	if errors.Is(err, errDone) {
		return nil
	}
	if err == nil {
		close(j.stop)
	}
	return err
}

// attend sees the job through until its end is recorded, or the node ends and
// leaves it to its shim.
func (j *job) attend() {
	ctx := j.n.ctx
	starts := 0
	wait := firstBackoff
	for ctx.Err() == nil {
		over, err := j.step(ctx, &starts)
		if over {
			return
		}
		if err == nil {
			continue
		}
		j.n.Log.Warn("a job cannot go on", "job", j.name, "error", err)
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
		wait = min(2*wait, maxBackoff)
	}
}

// step looks where the job stands and does what is next: wait for its shim,
// record its end, or start it. Whatever a crash left behind, nothing else is
// needed to go on.
func (j *job) step(ctx context.Context, starts *int) (over bool, err error) {
	at, err := shim.Look(j.dir())
	if err != nil {
		return false, err
	}
	if at.Result != nil {
		return j.finish(*at.Result)
	}
	p, err := j.find()
	switch {
	case err != nil:
		return false, err
	case p != nil:
	case !at.Claimed.IsZero(): // its shim is gone, so that what it left is all
		if at, err = shim.Look(j.dir()); err != nil {
			return false, err
		}
		if at.Result == nil {
			at.Result = &shim.Result{Started: gennaker.At(at.Claimed), Problem: lost}
		}
		return j.finish(*at.Result)
	case j.canceled():
		return j.withdraw(shim.Result{Stopped: true})
	default:
		*starts++
		p, err = j.start()
		if err != nil && *starts >= maxJobStarts {
			return j.withdraw(shim.Result{Problem: "it cannot be started: " + err.Error()})
		}
		if err != nil {
			return false, err
		}
	}
	j.wait(ctx, p)
	if at, err := shim.Look(j.dir()); err != nil || !at.Claimed.IsZero() || j.canceled() || ctx.Err() != nil {
		return false, err
	}
	if *starts >= maxJobStarts {
		return j.withdraw(shim.Result{Problem: "it cannot be started: the program that watches jobs ends at once; the log of the job may tell why"})
	}
	return false, errors.New("the shim of a job ended before the job began")
}

// lost is said of a job whose shim is gone without a result.
const lost = "it is not known how it ended: the process that watched it is gone, as after a restart of the machine; it is not run again"

func (j *job) canceled() bool {
	select {
	case <-j.stop:
		return true
	default:
		return false
	}
}

// withdraw makes sure that no shim, though it be on its way, runs the job, and
// records r as its end.
func (j *job) withdraw(r shim.Result) (over bool, err error) {
	if err := os.MkdirAll(j.dir(), 0o700); err != nil {
		return false, fmt.Errorf("make the directory of a job: %w", err)
	}
	if err := shim.Claim(j.dir()); err != nil { // then it has begun after all
		return false, err
	}
	return j.finish(r)
}

// wait returns when the shim ended or the node does. It hands on the wish that
// the job ends.
func (j *job) wait(ctx context.Context, p *process.Process) {
	stop := j.stop
	for {
		select {
		case <-p.Done():
			return
		case <-ctx.Done():
			p.Release()
			return
		case <-stop:
			p.Signal(syscall.SIGTERM)
			stop = nil
		}
	}
}

// marks are what all processes of the job have in their environment.
func (j *job) marks() []string { return []string{j.n.mark(), markJob + "=" + j.name} }

// find returns the shim of the job, or nil.
func (j *job) find() (*process.Process, error) {
	found, err := process.Find(append(j.marks(), markShim+"=1"))
	if err != nil {
		return nil, fmt.Errorf("look for the shim of a job: %w", err)
	}
	for _, f := range found {
		if p, err := process.Adopt(f.ID); f.Leader && err == nil {
			return p, nil
		}
	}
	return nil, nil
}

// start starts a shim.
func (j *job) start() (*process.Process, error) {
	if j.n.Shim == nil {
		return nil, errNoJobs
	}
	rec := j.record()
	path, args, err := program(rec.Spec, rec.Artifact)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(j.dir(), 0o700); err != nil {
		return nil, fmt.Errorf("make its directory: %w", err)
	}
	err = shim.Prepare(j.dir(), shim.Plan{
		Path: path, Args: args, Dir: j.workDir(rec.Spec), Env: j.environment(rec),
		Timeout: rec.Spec.Timeout(), Grace: rec.Spec.StopTime(),
	})
	if err != nil {
		return nil, err
	}
	log, err := logfile.Open(j.logPath())
	if err != nil {
		return nil, fmt.Errorf("open its log: %w", err)
	}
	defer log.Close()
	return process.Start(process.Spec{
		Path: "/proc/self/exe", Args: slices.Concat([]string{"gennaker"}, j.n.Shim, []string{j.dir()}),
		Dir: j.dir(), Env: append(j.marks(), markShim+"=1"), Log: log,
	})
}

// environment is everything that the process of a job gets.
func (j *job) environment(rec state.Job) []string {
	env := j.marks()
	if rec.Artifact.Dir != "" {
		env = append(env, varArtifact+"="+rec.Artifact.Dir)
	}
	return append(env, inherited(rec.Spec.Env)...)
}

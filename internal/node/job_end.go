package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/durable"
	"github.com/gennaker/gennaker/internal/node/logfile"
	"github.com/gennaker/gennaker/internal/node/process"
	"github.com/gennaker/gennaker/internal/node/shim"
	"github.com/gennaker/gennaker/internal/node/state"
)

// How long jobs that ended are remembered, and how many; what they put out goes
// before, and the working directory of one that succeeded at once.
const (
	keepJobs       = 5000
	keepJobsFor    = 30 * 24 * time.Hour
	keepOutputs    = 100
	keepOutputsFor = 7 * 24 * time.Hour
)

// finish kills what the job left behind, keeps its files, and records its end.
// It can be repeated.
func (j *job) finish(r shim.Result) (over bool, err error) {
	if _, err := process.KillMarked(j.marks()...); err != nil {
		j.n.Log.Warn("what a job left behind could not be killed", "job", j.name, "error", err)
	}
	rec := j.record()
	if err := logfile.Trim(j.logPath(), j.n.LogBytes); err != nil && !errors.Is(err, fs.ErrNotExist) {
		j.n.Log.Warn("the log of a job could not be bounded", "job", j.name, "error", err)
	}
	if len(rec.Spec.OutputFiles) > 0 && !r.Started.IsZero() {
		b, err := json.Marshal(collect(j.workDir(rec.Spec), rec.Spec.OutputFiles))
		if err == nil {
			err = durable.WriteFile(j.filePath(), b)
		}
		if err != nil {
			return false, fmt.Errorf("keep the output files: %w", err)
		}
	}
	err = j.update(func(rec *state.Job) error {
		judge(rec, r, time.Now())
		return nil
	})
	if err != nil {
		return false, err
	}
	rec = j.record()
	j.n.Log.Info("a job ended", "job", j.name, "state", rec.State, "reason", rec.Reason)
	close(j.ended)
	j.changed()
	if rec.State == gennaker.JobSucceeded { // after a failure somebody may want to look
		if err := removeTree(filepath.Join(j.dir(), "work")); err != nil {
			j.n.Log.Warn("the working directory of a job could not be deleted", "job", j.name, "error", err)
		}
	}
	j.n.pruneJobs(time.Now())
	return true, nil
}

// judge writes into the record what a result says.
func judge(rec *state.Job, r shim.Result, now time.Time) {
	rec.State = gennaker.JobFailed
	rec.Started, rec.Ended, rec.Signal = r.Started, r.Ended, r.Signal
	if rec.Ended.IsZero() {
		rec.Ended = gennaker.At(now)
	}
	if r.Signal == 0 && r.Problem == "" && !r.Started.IsZero() {
		rec.ExitCode = &r.Status
	}
	if !r.Stopped && r.Problem != lost {
		rec.Canceled = "" // it ended by itself before
	}
	switch {
	case r.Stopped && r.Started.IsZero():
		rec.Reason = neverBegan
	case r.Stopped && rec.Canceled != "":
		rec.Reason = rec.Canceled
	case r.Stopped:
		rec.Reason = "somebody stopped the process that watched it"
	case r.TimedOut:
		rec.Reason = fmt.Sprintf("it ran longer than %s, and was stopped", rec.Spec.Timeout())
	case r.Problem != "":
		rec.Reason = r.Problem
	case r.Signal == int(syscall.SIGKILL):
		rec.Reason = "it was killed by signal 9, perhaps because memory ran out"
	case r.Signal != 0:
		rec.Reason = fmt.Sprintf("it was killed by signal %d (%s)", r.Signal, syscall.Signal(r.Signal))
	case r.Status != 0:
		rec.Reason = fmt.Sprintf("it exited with status %d", r.Status)
	default:
		rec.State = gennaker.JobSucceeded
	}
}

// collect reads the output files of a job, which may be anything.
func collect(dir string, names []string) []gennaker.JobFile {
	files := make([]gennaker.JobFile, len(names))
	root, err := os.OpenRoot(dir)
	for i, name := range names {
		files[i].Name = name
		if err != nil {
			files[i].Problem = "the working directory cannot be read"
			continue
		}
		files[i].Content, files[i].Problem = readOutput(root, name)
	}
	if err == nil {
		root.Close()
	}
	return files
}

func readOutput(root *os.Root, name string) (content, problem string) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a fifo has nobody at its other end
	if errors.Is(err, fs.ErrNotExist) {
		return "", "the job did not write it"
	}
	if err != nil {
		return "", "it cannot be read, or is not in the working directory"
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return "", "it is not a file"
	}
	b, err := io.ReadAll(io.LimitReader(f, gennaker.MaxOutputFile+1))
	switch {
	case err != nil:
		return "", "it cannot be read"
	case len(b) > gennaker.MaxOutputFile:
		return "", fmt.Sprintf("it is larger than %d bytes", gennaker.MaxOutputFile)
	case !utf8.Valid(b):
		return "", "it is not UTF-8 text"
	}
	return string(b), ""
}

// view returns what others see of the job.
func (j *job) view() gennaker.Job {
	rec := j.record()
	application, _ := gennaker.JobApplication(j.name)
	v := gennaker.Job{
		Name: j.name, Location: Region, CloudProvider: CloudProvider, Application: application,
		State: rec.State, CreatedTime: rec.Created, StartTime: rec.Started, CompletedTime: rec.Ended,
		ExitCode: rec.ExitCode, Signal: rec.Signal, Reason: rec.Reason, Canceled: rec.Over() && rec.Canceled != "",
	}
	if !rec.Over() {
		if at, err := shim.Look(j.dir()); err == nil {
			v.StartTime = gennaker.At(at.Claimed)
		}
		return v
	}
	if b, err := os.ReadFile(j.filePath()); err == nil {
		_ = json.Unmarshal(b, &v.Files)
	}
	return v
}

// getJobLogs answers GET /jobs/{name}/logs?tail=&follow=, as getLogs does.
func (n *node) getJobLogs(w http.ResponseWriter, r *http.Request) {
	follow := r.URL.Query().Get("follow") == "true"
	tail, err := queryInt(r, "tail", -1)
	var j *job
	if err == nil {
		j, err = n.findJob(r.PathValue("name"))
	}
	if err != nil {
		writeError(w, err)
		return
	}
	ended := j.ended
	if !follow {
		ended = make(chan struct{})
		close(ended)
	}
	if rec := j.record(); !rec.Over() && os.MkdirAll(j.dir(), 0o700) == nil { // it may not have begun
		if f, err := logfile.Open(j.logPath()); err == nil {
			f.Close()
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out := flushing{w, http.NewResponseController(w)}
	_ = out.rc.Flush()
	err = logfile.Follow(r.Context(), out, j.logPath(), tail, ended)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && r.Context().Err() == nil {
		n.Log.WarnContext(r.Context(), "a log could not be read", "job", j.name, "error", err)
		panic(http.ErrAbortHandler) // the client must see that it did not get all
	}
}

// trimJobs bounds the logs of the jobs that run.
func (n *node) trimJobs() {
	for _, j := range n.allJobs() {
		if rec := j.record(); rec.Over() {
			continue
		}
		if err := logfile.Trim(j.logPath(), n.LogBytes); err != nil && !errors.Is(err, fs.ErrNotExist) {
			n.Log.Warn("the log of a job could not be bounded", "job", j.name, "error", err)
		}
	}
}

// pruneJobs forgets jobs that ended: first what they put out, then that they
// were.
func (n *node) pruneJobs(now time.Time) {
	n.pruning.Lock()
	defer n.pruning.Unlock()
	type old struct {
		*job
		rec state.Job
	}
	var over []old
	for _, j := range n.allJobs() {
		if rec := j.record(); rec.Over() {
			over = append(over, old{j, rec})
		}
	}
	slices.SortFunc(over, func(a, b old) int { return b.rec.Ended.Compare(a.rec.Ended.Time) })
	for i, o := range over {
		age := now.Sub(o.rec.Ended.Time)
		if !o.rec.Swept && (i >= n.KeepJobs || age > keepOutputsFor) {
			n.sweepJob(o.job)
		}
		if i >= keepJobs || age > keepJobsFor {
			n.forgetJob(o.job)
		}
	}
}

// sweepJob deletes everything of a job but how it ended.
func (n *node) sweepJob(j *job) {
	err := removeTree(j.dir())
	if err == nil {
		err = j.update(func(rec *state.Job) error {
			rec.Spec, rec.Artifact = gennaker.JobSpec{Application: rec.Spec.Application, Name: rec.Spec.Name}, state.Artifact{}
			rec.Swept = true
			return nil
		})
	}
	if err != nil {
		n.Log.Warn("what an old job put out could not be deleted", "job", j.name, "error", err)
	}
}

// forgetJob deletes the record of a job.
func (n *node) forgetJob(j *job) {
	if err := n.store.DeleteJob(j.name); err != nil {
		n.Log.Warn("an old job could not be forgotten", "job", j.name, "error", err)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.jobs, j.name)
}

// pruneJobDirs deletes directories of jobs that are not known, which a crash
// left. As long as a record waits to be mended it may be of any of them.
func (n *node) pruneJobDirs() {
	entries, err := os.ReadDir(filepath.Join(n.Dir, "jobs"))
	if err != nil || n.store.HasCorrupt() {
		return // none ran yet
	}
	for _, e := range entries {
		if _, err := n.findJob(e.Name()); err == nil {
			continue
		}
		if err := removeTree(n.jobDir(e.Name())); err != nil {
			n.Log.Warn("the directory of a job that is not known could not be deleted", "job", e.Name(), "error", err)
		}
	}
}

// removeTree is os.RemoveAll for directories that a job may have made read-only.
func removeTree(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o700)
		}
		return err
	})
	return os.RemoveAll(dir)
}

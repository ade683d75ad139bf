package providertest

import (
	"context"
	"io"
	"strings"
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
)

// runs reports whether the provider runs jobs; one that does not has nil.
func (w *world) runs() bool {
	if w.Job == nil && w.Provider.Jobs != nil {
		w.Error("the provider runs jobs, but its harness has none")
	}
	return w.Job != nil
}

func (w *world) runJob(spec gennaker.JobSpec) string {
	w.Helper()
	name, err := w.Provider.RunJob(w.Context(), w.key(), spec)
	w.must(err)
	return name
}

func (w *world) job(name string) gennaker.Job {
	w.Helper()
	j, err := w.Provider.Jobs.Job(w.Context(), name)
	w.must(err)
	return j
}

// untilEnded waits until a job has ended.
func (w *world) untilEnded(name string) (j gennaker.Job) {
	w.Helper()
	w.until(func() string {
		if j = w.job(name); !j.Ended() {
			return "job " + name + " should end"
		}
		return ""
	})
	return j
}

func (w *world) jobLog(name string, tail int64) string {
	w.Helper()
	r, err := w.Provider.JobLogs(w.Context(), name, tail, false)
	w.must(err)
	defer r.Close()
	text, err := io.ReadAll(r)
	w.must(err)
	return string(text)
}

func jobs(w *world) {
	if !w.runs() {
		return
	}
	spec := w.Job(GoodJob)
	spec.Name = "first-try"
	key := w.key()
	name, err := w.Provider.RunJob(w.Context(), key, spec)
	w.must(err)
	if want := gennaker.JobName(w.Application, "first-try", key); name != want {
		w.Errorf("the job is called %s, want %s", name, want)
	}
	if j := w.job(name); j.State == gennaker.JobRunning && !j.CompletedTime.IsZero() {
		w.Errorf("a running job completed: %+v", j)
	}
	j := w.untilEnded(name)
	j.CreatedTime, j.StartTime, j.CompletedTime = gennaker.Time{}, gennaker.Time{}, gennaker.Time{}
	want := gennaker.Job{
		Name: name, Account: w.Provider.Account.Name, Location: w.Region, CloudProvider: w.Provider.Account.CloudProvider,
		Application: w.Application, State: gennaker.JobSucceeded, ExitCode: new(0),
		Files: []gennaker.JobFile{{Name: "out.properties", Content: "greeting=hello"}},
	}
	if diff := cmp.Diff(want, j); diff != "" {
		w.Errorf("the job (-want +got):\n%s", diff)
	}
	if text := w.jobLog(name, wholeLog); !strings.Contains(text, w.Output) {
		w.Errorf("its log is %q, want %q in it", text, w.Output)
	}
	if text := w.jobLog(name, 3); len(text) != 3 {
		w.Errorf("the last 3 bytes of its log are %q", text)
	}
}

func jobFails(w *world) {
	if !w.runs() {
		return
	}
	spec := w.Job(BadJob)
	spec.OutputFiles = []string{"missing"}
	j := w.untilEnded(w.runJob(spec))
	if j.State != gennaker.JobFailed || j.ExitCode == nil || *j.ExitCode != 3 || j.Reason == "" || j.Canceled {
		w.Errorf("the job is %+v", j)
	}
	if len(j.Files) != 1 || j.Files[0].Name != "missing" || j.Files[0].Problem == "" {
		w.Errorf("its files are %+v", j.Files)
	}
}

func jobInvalid(w *world) {
	if !w.runs() {
		return
	}
	for what, change := range map[string]func(*gennaker.JobSpec){
		"no application":   func(s *gennaker.JobSpec) { s.Application = "" },
		"bad name":         func(s *gennaker.JobSpec) { s.Name = "a/b" },
		"nothing to run":   func(s *gennaker.JobSpec) { s.Script, s.Command, s.Artifact = "", nil, gennaker.RunArtifact{} },
		"missing artifact": func(s *gennaker.JobSpec) { s.Artifact.Reference = "/no/such/artifact" },
		"bad variable":     func(s *gennaker.JobSpec) { s.Env = map[string]string{"A=B": "c"} },
		"escaping file":    func(s *gennaker.JobSpec) { s.OutputFiles = []string{"../secret"} },
		"negative timeout": func(s *gennaker.JobSpec) { s.TimeoutSeconds = -1 },
	} {
		spec := w.Job(GoodJob)
		change(&spec)
		_, err := w.Provider.RunJob(w.Context(), w.key(), spec)
		w.wantKind(what, err, gennaker.Invalid)
	}
	_, err := w.Provider.RunJob(w.Context(), "", w.Job(GoodJob))
	w.wantKind("no key", err, gennaker.Invalid)
}

// jobKeys: one key is one job, however often and by how many it is asked for.
func jobKeys(w *world) {
	if !w.runs() {
		return
	}
	key, other := w.key(), w.key()
	var calls sync.WaitGroup
	for range 5 {
		calls.Go(func() {
			if _, err := w.Provider.RunJob(w.Context(), key, w.Job(GoodJob)); err != nil {
				w.Errorf("RunJob: %v", err)
			}
		})
	}
	calls.Wait()
	name, err := w.Provider.RunJob(w.Context(), key, w.Job(GoodJob))
	w.must(err)
	before := w.untilEnded(name)
	again, err := w.Provider.RunJob(w.Context(), key, w.Job(GoodJob))
	w.must(err)
	if again != name {
		w.Errorf("the same key gave %s and %s", name, again)
	}
	if diff := cmp.Diff(before, w.job(name)); diff != "" {
		w.Errorf("it ran again (-before +after):\n%s", diff)
	}
	if text := w.jobLog(name, wholeLog); strings.Count(text, w.Output) != 1 {
		w.Errorf("it ran more than once: its log is %q", text)
	}
	second, err := w.Provider.RunJob(w.Context(), other, w.Job(GoodJob))
	w.must(err)
	if second == name {
		w.Error("two keys gave one job")
	}
	w.untilEnded(second)
}

func jobCanceled(w *world) {
	if !w.runs() {
		return
	}
	ctx := w.Context()
	name := w.runJob(w.Job(EndlessJob))
	if j := w.job(name); j.State != gennaker.JobRunning {
		w.Errorf("the job is %+v", j)
	}
	w.must(w.Provider.CancelJob(ctx, name))
	w.must(w.Provider.CancelJob(ctx, name))
	j := w.untilEnded(name)
	if j.State != gennaker.JobFailed || !j.Canceled || j.Reason == "" {
		w.Errorf("the job is %+v", j)
	}
	w.must(w.Provider.CancelJob(ctx, name))

	good := w.runJob(w.Job(GoodJob))
	w.untilEnded(good)
	w.must(w.Provider.CancelJob(ctx, good))
	if j := w.job(good); j.State != gennaker.JobSucceeded || j.Canceled {
		w.Errorf("a job that was canceled after its end is %+v", j)
	}
}

// jobCanceledBefore: a cancel that overtakes its job wins.
func jobCanceledBefore(w *world) {
	if !w.runs() {
		return
	}
	spec, key := w.Job(GoodJob), w.key()
	name := gennaker.JobName(spec.Application, spec.Name, key)
	w.must(w.Provider.CancelJob(w.Context(), name))
	again, err := w.Provider.RunJob(w.Context(), key, spec)
	w.must(err)
	if j := w.untilEnded(again); again != name || j.State != gennaker.JobFailed || !j.Canceled || !j.StartTime.IsZero() {
		w.Errorf("the job is %+v", j)
	}
	if text := w.jobLog(name, wholeLog); text != "" {
		w.Errorf("it ran: its log is %q", text)
	}
}

func jobNotFound(w *world) {
	if !w.runs() {
		return
	}
	ctx := w.Context()
	for _, name := range []string{"", "no-such", gennaker.JobName(w.Application, "", "never")} {
		_, err := w.Provider.Jobs.Job(ctx, name)
		w.wantKind("Job", err, gennaker.NotFound)
		_, err = w.Provider.JobLogs(ctx, name, 10, true)
		w.wantKind("JobLogs", err, gennaker.NotFound)
	}
	w.wantKind("CancelJob of what is no job", w.Provider.CancelJob(ctx, "no-such"), gennaker.Invalid)
}

// jobFollow: a log that is followed ends with its job, and before when its
// reader is closed or its context ends.
func jobFollow(w *world) {
	if !w.runs() {
		return
	}
	ctx, cancel := context.WithTimeout(w.Context(), deadline)
	defer cancel()
	name := w.runJob(w.Job(EndlessJob))
	r, err := w.Provider.JobLogs(ctx, name, wholeLog, true)
	w.must(err)
	defer r.Close()
	w.must(find(r, w.Output))

	for _, end := range []string{"ctx", "close"} {
		short, stop := context.WithCancel(ctx)
		other, err := w.Provider.JobLogs(short, name, wholeLog, true)
		w.must(err)
		w.must(find(other, w.Output))
		if end == "ctx" {
			stop()
		} else {
			_ = other.Close()
		}
		_, _ = io.Copy(io.Discard, other) // it ends, or the case runs out of time
		stop()
		_ = other.Close()
	}
	if ctx.Err() != nil {
		w.Fatal("a reader did not end")
	}
	w.must(w.Provider.CancelJob(ctx, name))
	if _, err := io.Copy(io.Discard, r); err != nil || ctx.Err() != nil {
		w.Errorf("the log of a job that ended: %v", err)
	}
	w.untilEnded(name)
}

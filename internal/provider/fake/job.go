package fake

import (
	"context"
	"io"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

// JobScript is how a job behaves.
type JobScript struct {
	Pace     Pace              // until it ends
	ExitCode int               // what it exits with, unless Signal
	Signal   int               // what kills it
	Reason   string            // why it failed; default says its exit code or signal
	Files    map[string]string // what it writes into its output files
	Output   string            // what it writes at its start
}

type job struct {
	spec     gennaker.JobSpec
	name     string
	script   JobScript
	pace     Pace
	state    gennaker.JobState
	canceled bool
	began    bool
	created  gennaker.Time
	ended    gennaker.Time
	log      []byte
}

// RunJob implements provider.Jobs.
func (p *Provider) RunJob(ctx context.Context, key string, spec gennaker.JobSpec) (string, error) {
	name := gennaker.JobName(spec.Application, spec.Name, key)
	return p.act(ctx, RunJob, key, name, func() (string, error) {
		if err := p.checkJob(spec); err != nil {
			return "", err
		}
		if p.jobs[name] != nil { // canceled before
			return name, nil
		}
		j := &job{spec: spec, name: name, state: gennaker.JobRunning, began: true, created: p.time()}
		if p.config.Job != nil {
			j.script = p.config.Job(spec)
		}
		j.pace, j.log = j.script.Pace, []byte(j.script.Output)
		p.jobs[name] = j
		p.settleJob(j, Pace.still)
		p.changedJob(j)
		return name, nil
	})
}

func (p *Provider) checkJob(spec gennaker.JobSpec) error {
	if err := spec.Check(); err != nil {
		return err
	}
	if spec.Account != "" && spec.Account != p.config.Account.Name {
		return gennaker.Errorf(gennaker.Invalid, "account %q is not %q", spec.Account, p.config.Account.Name)
	}
	if spec.Artifact.Reference == "" {
		return nil
	}
	return p.checkArtifact(spec.Artifact)
}

func (p *Provider) time() gennaker.Time {
	if p.config.Now == nil {
		return gennaker.Time{}
	}
	return gennaker.At(p.config.Now())
}

// Job implements provider.Jobs.
func (p *Provider) Job(ctx context.Context, name string) (gennaker.Job, error) {
	if _, err := p.enter(ctx, Read); err != nil {
		return gennaker.Job{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.jobs[name]
	if j == nil {
		return gennaker.Job{}, gennaker.Errorf(gennaker.NotFound, "there is no job %q", name)
	}
	if j.state == gennaker.JobRunning && j.pace.looks > 0 {
		p.settleJob(j, Pace.look)
		p.changedJob(j)
	}
	return p.viewJob(j), nil
}

// CancelJob implements provider.Jobs. The job ends at once.
func (p *Provider) CancelJob(ctx context.Context, name string) error {
	lose, err := p.enter(ctx, CancelJob)
	if err != nil {
		return err
	}
	application, ok := gennaker.JobApplication(name)
	if !ok {
		return gennaker.Errorf(gennaker.Invalid, "%q cannot be the name of a job", name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.jobs[name]
	if j == nil {
		j = &job{name: name, spec: gennaker.JobSpec{Application: application}, state: gennaker.JobRunning, created: p.time()}
		p.jobs[name] = j
	}
	if j.state == gennaker.JobRunning {
		j.canceled = true
		p.endJob(j)
		p.changedJob(j)
		p.effects = append(p.effects, Effect{Op: CancelJob, Target: name})
	}
	return lost(lose, CancelJob, name)
}

// FinishJob ends a job that waits for it, unless it is scripted never to end.
func (p *Provider) FinishJob(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j := p.jobs[name]; j != nil && j.state == gennaker.JobRunning {
		p.settleJob(j, Pace.command)
		p.changedJob(j)
	}
}

// WriteJob adds to what a job wrote. It panics if there is no such job.
func (p *Provider) WriteJob(name, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.jobs[name]
	if j == nil {
		panic("fake: there is no job " + name)
	}
	j.log = append(j.log, text...)
	p.wrote()
}

// ForgetJob makes a job unknown, as its retention does.
func (p *Provider) ForgetJob(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.jobs, name)
}

func (p *Provider) settleJob(j *job, step func(Pace) Pace) {
	if j.pace = step(j.pace); j.pace.complete() {
		p.endJob(j)
	}
}

func (p *Provider) endJob(j *job) {
	j.state, j.ended = gennaker.JobFailed, p.time()
	if !j.canceled && j.script.ExitCode == 0 && j.script.Signal == 0 {
		j.state = gennaker.JobSucceeded
	}
	p.wrote() // who follows its log sees that it ended
}

func (p *Provider) changedJob(j *job) { p.notify(provider.Change{Application: j.spec.Application}) }

func (p *Provider) viewJob(j *job) gennaker.Job {
	v := gennaker.Job{
		Name: j.name, Account: p.config.Account.Name, Location: p.config.Account.Regions[0],
		CloudProvider: p.config.Account.CloudProvider, Application: j.spec.Application,
		State: j.state, CreatedTime: j.created, Canceled: j.canceled,
	}
	if j.began {
		v.StartTime = j.created
	}
	if !v.Ended() {
		return v
	}
	v.CompletedTime = j.ended
	switch {
	case !j.began:
		v.Reason = "it was canceled before it began"
		return v
	case j.canceled:
		v.Reason, v.Signal = "it was canceled", 15
	case j.script.Signal != 0:
		v.Reason, v.Signal = "it was killed, as scripted", j.script.Signal
	default:
		v.ExitCode = new(j.script.ExitCode)
		if j.script.ExitCode != 0 {
			v.Reason = "it exited with another status than 0, as scripted"
		}
	}
	if j.script.Reason != "" && v.State == gennaker.JobFailed && !j.canceled {
		v.Reason = j.script.Reason
	}
	for _, name := range j.spec.OutputFiles {
		f := gennaker.JobFile{Name: name}
		var ok bool
		if f.Content, ok = j.script.Files[name]; !ok {
			f.Problem = "the job did not write it"
		}
		v.Files = append(v.Files, f)
	}
	return v
}

// JobLogs implements provider.Jobs.
func (p *Provider) JobLogs(ctx context.Context, name string, tail int64, follow bool) (io.ReadCloser, error) {
	if tail < 0 {
		return nil, gennaker.Errorf(gennaker.Invalid, "a tail of %d bytes is negative", tail)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.jobs[name]
	if j == nil {
		return nil, gennaker.Errorf(gennaker.NotFound, "there is no job %q", name)
	}
	ctx, cancel := context.WithCancel(ctx)
	return &jobReader{p: p, j: j, ctx: ctx, cancel: cancel, follow: follow, at: max(0, len(j.log)-int(min(tail, 1<<30)))}, nil
}

// jobReader gives out what a job writes.
type jobReader struct {
	p      *Provider
	j      *job
	ctx    context.Context //nolint:containedctx // a reader lives as long as its call's context
	cancel func()
	follow bool
	at     int // read so far
}

// Read implements io.Reader.
func (r *jobReader) Read(b []byte) (int, error) {
	for {
		r.p.mu.Lock()
		n := copy(b, r.j.log[r.at:])
		r.at += n
		more := r.follow && r.j.state == gennaker.JobRunning
		written := r.p.written
		r.p.mu.Unlock()
		switch {
		case n > 0 || len(b) == 0:
			return n, nil
		case !more:
			return 0, io.EOF
		}
		select {
		case <-written:
		case <-r.ctx.Done():
			return 0, io.EOF
		}
	}
}

// Close implements io.Closer.
func (r *jobReader) Close() error {
	r.cancel()
	return nil
}

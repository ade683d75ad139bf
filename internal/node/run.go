package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/health"
	"github.com/gennaker/gennaker/internal/node/logfile"
	"github.com/gennaker/gennaker/internal/node/process"
	"github.com/gennaker/gennaker/internal/node/state"
)

// How long to wait before an instance is started again: firstBackoff, doubled
// with every end up to maxBackoff, until one lived for goodLife.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 30 * time.Second
	goodLife     = time.Minute
)

// run is what runs of an instance. One goroutine, supervise, drives it.
type run struct {
	g      *group
	suffix int
	name   string
	leave  chan struct{} // closed when it must drain and stop
	done   chan struct{} // closed when supervise returned

	// Guarded by g.mu; written by supervise, but for the first four.
	begun    bool
	leaving  bool // leave is closed
	halt     bool // it stops because the node does, and is not forgotten
	known    health.Verdict
	proc     *process.Process // nil while none runs
	port     int
	launched time.Time
	attempts int // made by this node
	verdict  health.Verdict
	reason   string // why it is not healthy
	ends     int    // since it last lived well
	end      string // why it ended last
}

func newRun(g *group, in state.Instance) *run {
	return &run{
		g: g, suffix: in.Suffix, name: g.rec.InstanceName(in.Suffix),
		leave: make(chan struct{}), done: make(chan struct{}),
		known: health.Pending, verdict: health.Pending,
	}
}

// adopted takes over a process. One that was healthy counts as healthy until it
// was asked. g.mu is held.
func (r *run) adopted(p *process.Process, port int, in state.Instance) {
	r.proc, r.port, r.launched = p, port, in.Launched.Time
	if r.launched.IsZero() {
		r.launched = time.Now()
	}
	if in.Healthy {
		r.known, r.verdict = health.Healthy, health.Healthy
	}
	r.g.n.ports.hold(port)
}

// serves reports whether requests may go to the instance. g.mu is held.
func (r *run) serves(in state.Instance) bool {
	return r.proc != nil && r.verdict == health.Healthy && !in.OutOfService && !in.Leaving && !r.leaving
}

func (r *run) address() string { return fmt.Sprintf("127.0.0.1:%d", r.port) }

// supervise keeps one process running until the instance leaves, or the node
// ends and leaves it alone.
func (r *run) supervise() {
	defer close(r.done)
	ctx := r.g.n.ctx
	wait := time.Duration(0)
	for {
		if !r.pause(ctx, wait) {
			break
		}
		r.g.mu.Lock()
		p := r.proc
		r.g.mu.Unlock()
		if p == nil {
			var err error
			if p, err = r.start(ctx); err != nil {
				wait = r.failed(err)
				continue
			}
		}
		r.attend(ctx, p)
		select {
		case <-p.Done():
			wait = r.ended(p)
		default:
			wait = 0
		}
	}
	if ctx.Err() != nil {
		r.letGo()
		return
	}
	r.finish(ctx)
}

// pause waits and reports whether the instance is to go on.
func (r *run) pause(ctx context.Context, wait time.Duration) bool {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-r.leave:
	case <-t.C:
	}
	select {
	case <-ctx.Done():
		return false
	case <-r.leave:
		return false
	default:
		return true
	}
}

// start starts a process. That it may run is durable before.
func (r *run) start(ctx context.Context) (*process.Process, error) {
	g := r.g
	attempt, err := r.intend()
	if err != nil {
		return nil, err
	}
	port, err := g.n.ports.take(ctx)
	if err != nil {
		return nil, err
	}
	p, err := r.launch(attempt, port)
	if err != nil {
		g.n.ports.giveBack(port)
		return nil, err
	}
	g.mu.Lock()
	r.proc, r.port, r.launched = p, port, time.Now()
	r.known, r.verdict, r.reason = health.Pending, health.Pending, ""
	g.mu.Unlock()
	g.save() // until that succeeds it would be found by its marks
	return p, nil
}

// intend notes durably that a process is about to be started, and returns the
// number of the attempt. The making of the instance is the note for the first.
func (r *run) intend() (attempt int, err error) {
	r.attempts++
	r.g.mu.Lock()
	in := r.g.rec.Find(r.suffix)
	fresh := in != nil && r.attempts == 1 && in.PID == 0
	if fresh {
		attempt = in.Attempt
	}
	r.g.mu.Unlock()
	if fresh {
		return attempt, nil
	}
	err = r.g.update(func(rec *state.Group) error {
		if in := rec.Find(r.suffix); in != nil {
			in.Attempt++
			in.Restarts++
			in.PID, in.StartTicks, in.Healthy = 0, 0, false
			attempt = in.Attempt
		}
		return nil
	})
	return attempt, err
}

// launch forks.
func (r *run) launch(attempt, port int) (*process.Process, error) {
	g := r.g
	path, args, err := executable(g.spec.Command, g.files)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(g.n.logDir(g.name), 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of its log: %w", err)
	}
	log, err := logfile.Open(g.n.logPath(g.name, r.suffix))
	if err != nil {
		return nil, fmt.Errorf("open its log: %w", err)
	}
	defer log.Close()
	return process.Start(process.Spec{
		Path: path, Args: args, Dir: g.files.Dir, Log: log,
		Env: g.environment(r.name, attempt, port),
	})
}

// attend asks for the health of the instance until its process ends, it must
// leave, or the node ends.
func (r *run) attend(parent context.Context, p *process.Process) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	go func() {
		select {
		case <-p.Done():
		case <-r.leave:
		case <-ctx.Done():
		}
		cancel()
	}()
	g := r.g
	g.mu.Lock()
	hc := health.WithDefaults(g.spec.HealthCheck)
	tracker := health.NewTracker(hc, r.launched, r.known)
	target := health.Target{Port: r.port, Dir: g.files.Dir, Env: append(g.environment(r.name, 0, r.port), markCheck+"=1")}
	g.mu.Unlock()
	for {
		answer := health.Check(ctx, hc, target)
		if ctx.Err() != nil {
			return
		}
		verdict, reason := tracker.Observe(answer, time.Now())
		r.judged(verdict, reason)
		if hc.Type == health.None {
			<-ctx.Done()
			return
		}
		t := time.NewTimer(tracker.Next(time.Now()))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// judged notes a verdict.
func (r *run) judged(verdict health.Verdict, reason string) {
	g := r.g
	g.mu.Lock()
	same := r.verdict == verdict && r.reason == reason
	turned := r.verdict != verdict
	r.verdict, r.reason = verdict, reason
	g.mu.Unlock()
	if same {
		return
	}
	g.refresh()
	if turned {
		g.n.Log.Info("the health of an instance changed", "instance", r.name, "health", verdict, "reason", reason)
		g.save()
	}
}

// failed notes that no process could be started and returns how long to wait.
func (r *run) failed(err error) time.Duration {
	r.g.mu.Lock()
	r.ends++
	n := r.ends
	r.end = "cannot start: " + err.Error()
	r.g.mu.Unlock()
	r.g.n.Log.Warn("an instance could not be started", "instance", r.name, "error", err)
	r.g.refresh()
	return backoff(n)
}

// ended notes how the process ended, kills what it left behind, and returns how
// long to wait before the next.
func (r *run) ended(p *process.Process) time.Duration {
	g := r.g
	exit := p.Exit()
	g.mu.Lock()
	life := exit.At.Sub(r.launched)
	if life >= goodLife {
		r.ends = 0
	}
	r.ends++
	n := r.ends
	r.end = describe(exit, life, n)
	r.proc, r.known, r.verdict, r.reason = nil, health.Pending, health.Pending, ""
	port := r.port
	g.mu.Unlock()
	g.refresh()
	g.n.ports.giveBack(port)
	g.n.Log.Info("an instance ended", "instance", r.name, "reason", describe(exit, life, n))
	r.sweep()
	return backoff(n)
}

// sweep kills what forked away from the instance, and bounds its log.
func (r *run) sweep() {
	_ = logfile.Trim(r.g.n.logPath(r.g.name, r.suffix), r.g.n.LogBytes)
	if _, err := process.KillMarked(r.g.n.mark(), markInstance+"="+r.name); err != nil {
		r.g.n.Log.Warn("what an instance left behind could not be killed", "instance", r.name, "error", err)
	}
}

func backoff(ends int) time.Duration {
	return min(maxBackoff, firstBackoff<<min(max(ends-1, 0), 20))
}

// describe says in a sentence how a process ended, for the n-th time.
func describe(e process.Exit, life time.Duration, n int) string {
	unit := time.Millisecond
	if life >= 10*time.Second {
		unit = time.Second
	}
	after := " after " + life.Round(unit).String()
	if life < 10*time.Second {
		after = fmt.Sprintf(" after %d ms", life.Milliseconds())
	}
	times := ""
	if n > 1 {
		times = fmt.Sprintf(", %d times", n)
	}
	switch {
	case !e.Known:
		return "ended" + after + times + "; how is not known, for the node was restarted meanwhile"
	case e.Signal == syscall.SIGKILL:
		return "killed by signal 9" + after + times + " (perhaps because memory ran out)"
	case e.Signal != 0:
		return fmt.Sprintf("killed by signal %d (%s)", e.Signal, e.Signal) + after + times
	case e.Status == 0:
		return "exited with status 0" + after + times + "; it must stay in the foreground"
	}
	return fmt.Sprintf("exited with status %d", e.Status) + after + times + "; its log may tell why"
}

// letGo leaves the process running, for the next node to adopt.
func (r *run) letGo() {
	r.g.mu.Lock()
	p := r.proc
	r.g.mu.Unlock()
	if p != nil {
		p.Release()
	}
}

// finish drains and stops the instance, and forgets it.
func (r *run) finish(ctx context.Context) {
	g := r.g
	g.mu.Lock()
	p, halt := r.proc, r.halt
	stop := g.rec.StopTime()
	g.mu.Unlock()
	g.refresh()
	if p != nil {
		draining, cancel := context.WithTimeout(ctx, g.drainTime)
		go func() {
			select {
			case <-p.Done():
				cancel()
			case <-draining.Done():
			}
		}()
		if err := g.n.bal.Drained(draining, r.name); errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			g.n.Log.WarnContext(ctx, "requests were cut off", "instance", r.name, "in_flight", g.n.bal.InFlight(r.name))
		}
		cancel()
		g.changed()
		if ctx.Err() == nil {
			p.Stop(ctx, stop)
		}
		if ctx.Err() != nil {
			r.letGo()
			return
		}
		g.mu.Lock()
		r.proc = nil
		g.mu.Unlock()
		g.n.ports.giveBack(r.port)
	}
	r.sweep()
	if halt {
		return
	}
	for wait := firstBackoff; ; wait = min(2*wait, maxBackoff) {
		err := g.forget(r.suffix)
		if err == nil || gennaker.KindOf(err) == gennaker.NotFound {
			return
		}
		g.n.Log.WarnContext(ctx, "an instance that is gone could not be forgotten", "instance", r.name, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// logPath returns the log of an instance.
func (n *node) logPath(group string, suffix int) string {
	return filepath.Join(n.logDir(group), fmt.Sprintf("%04d.log", suffix))
}

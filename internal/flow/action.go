package flow

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
)

// cancel ends the execution: at once if nothing runs, else when the running
// tasks were told.
//
// Source: execution model, section 6.
func (s *State) cancel(by, reason string) {
	if s.stopping() {
		return
	}
	s.Cancel = &Cancellation{By: by, Reason: reason, At: gennaker.At(s.now)}
	s.fx.Head = true
	s.unpause(by)
	if !slices.ContainsFunc(s.Stages, (*Stage).active) {
		s.end(gennaker.Canceled)
		return
	}
	s.stopAll()
}

// stopAll cancels the running tasks, and ends stages that have none.
func (s *State) stopAll() {
	for _, st := range slices.Backward(slices.Clone(s.Stages)) {
		i := st.running()
		if i < 0 {
			s.stop(st)
			continue
		}
		if t := &st.Tasks[i]; t.Status == gennaker.Paused {
			t.Status = gennaker.Running
			s.touch(st)
		}
		s.command(Command{Kind: DoCancel, Stage: st.ID, Run: st.Run, Task: i})
	}
}

// pause keeps everything from starting. A task that is being run is not
// interrupted; its result counts.
func (s *State) pause(by string) {
	if s.Status != gennaker.Running || s.stopping() {
		return
	}
	s.Status = gennaker.Paused
	s.Pauses = append(s.Pauses, gennaker.Pause{PausedBy: by, PauseTime: gennaker.At(s.now)})
	s.fx.Head = true
	for _, st := range s.Stages {
		i := st.running()
		if i < 0 {
			continue
		}
		st.Tasks[i].Status = gennaker.Paused
		for p := st; p != nil; p = s.byID[p.Parent] {
			p.Status = gennaker.Paused
			s.touch(p)
		}
	}
}

// unpause takes the marks of a pause away.
func (s *State) unpause(by string) {
	if s.Status != gennaker.Paused {
		return
	}
	s.Status = gennaker.Running
	last := &s.Pauses[len(s.Pauses)-1]
	last.ResumedBy, last.ResumeTime = by, gennaker.At(s.now)
	s.fx.Head = true
	for _, st := range s.Stages {
		if st.Status == gennaker.Paused {
			st.Status = gennaker.Running
			s.touch(st)
		}
		for i := range st.Tasks {
			if st.Tasks[i].Status == gennaker.Paused {
				st.Tasks[i].Status = gennaker.Running
			}
		}
	}
}

// resume goes on where a pause stopped.
func (s *State) resume(by string) {
	if s.Status != gennaker.Paused {
		return
	}
	s.unpause(by)
	for _, st := range slices.Clone(s.Stages) {
		if s.stopping() {
			return // one of them ended the execution
		}
		switch i := st.running(); {
		case st.Status == gennaker.NotStarted && (st.Parent == "" || s.byID[st.Parent] == nil):
			s.tryStart(st)
		case st.Status != gennaker.Running || !st.Planned:
		case i >= 0 && st.Tasks[i].Expired:
			s.command(Command{Kind: DoExpire, Stage: st.ID, Run: st.Run, Task: i})
		case i >= 0:
			s.run(st, i)
		default:
			s.advance(st) // may repeat a Plan command that is under way
		}
	}
	if !slices.ContainsFunc(s.Stages, (*Stage).active) {
		s.completeExecution()
	}
}

// skip ends a stage by hand: it, and what has not succeeded or failed in it,
// becomes SKIPPED.
//
// Source: execution model, section 6, manual skip.
func (s *State) skip(st *Stage) {
	if st.Status.Complete() {
		return
	}
	for _, k := range s.kids[st.ID] {
		if k.Status != gennaker.Succeeded && k.Status != gennaker.Terminal && k.Status != gennaker.FailedContinue {
			s.skip(k)
		}
	}
	if i := st.running(); i >= 0 {
		s.command(Command{Kind: DoDrop, Stage: st.ID, Run: st.Run, Task: i})
		s.endTask(st, &st.Tasks[i], gennaker.Skipped)
	}
	st.Status, st.End = gennaker.Skipped, gennaker.At(s.now)
	s.touch(st)
}

// CanRestart reports whether a stage may be restarted now: a top-level stage
// that is not active and has nothing active behind it, in an execution that
// runs or is settled.
func (s *State) CanRestart(id string) bool {
	st := s.byID[id]
	if st == nil || st.Parent != "" || !s.Settled() && (s.Status != gennaker.Running || s.stopping()) {
		return false
	}
	return !slices.ContainsFunc(s.behind(st), (*Stage).active)
}

// behind returns a stage and all that come behind it.
func (s *State) behind(st *Stage) []*Stage {
	seen, out := map[*Stage]bool{st: true}, []*Stage{st}
	for i := 0; i < len(out); i++ {
		for _, d := range s.below[out[i].Ref] {
			if !seen[d] {
				seen[d] = true
				out = append(out, d)
			}
		}
	}
	return out
}

// restart resets a stage and all stages behind it. A complete execution then
// waits for Begin; a running one goes on with the stage at once.
//
// Source: execution model, section 6, restart.
func (s *State) restart(st *Stage) {
	if !s.CanRestart(st.ID) {
		return
	}
	for _, d := range s.behind(st) {
		s.reset(d)
	}
	if s.Status == gennaker.Running {
		s.tryStart(st)
		return
	}
	s.Status, s.End, s.Cancel = gennaker.NotStarted, gennaker.Time{}, nil
	s.fx.Head = true
}

func (s *State) reset(st *Stage) {
	for _, k := range slices.Clone(s.kids[st.ID]) {
		s.remove(k)
	}
	*st = Stage{
		ID: st.ID, Seq: st.Seq, Ref: st.Ref, Type: st.Type, Name: st.Name, Requires: st.Requires, Expiry: st.Expiry,
		Status: gennaker.NotStarted, Run: st.Run + 1,
	}
	s.touch(st)
}

// tick runs what is due and expires what is past its deadline.
func (s *State) tick() {
	if s.Status != gennaker.Running || s.stopping() {
		return
	}
	for _, st := range s.Stages {
		i := st.running()
		if i < 0 || st.Tasks[i].Expired {
			continue
		}
		t := &st.Tasks[i]
		if d := s.Deadline(st, i); !d.IsZero() && !s.now.Before(d) {
			t.Expired = true
			s.touch(st)
			s.command(Command{Kind: DoExpire, Stage: st.ID, Run: st.Run, Task: i})
			continue
		}
		if !t.wake.IsZero() && !s.now.Before(t.wake) {
			s.run(st, i)
		}
	}
}

// NextWake returns when the next Tick has something to do; zero if never.
func (s *State) NextWake() time.Time {
	var next time.Time
	if s.Status != gennaker.Running || s.stopping() {
		return next
	}
	for _, st := range s.Stages {
		i := st.running()
		if i < 0 || st.Tasks[i].Expired {
			continue
		}
		for _, at := range []time.Time{st.Tasks[i].wake, s.Deadline(st, i)} {
			if !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	return next
}

// Deadline returns when a running task times out; zero if never. The nearest
// stageTimeoutMs on the way up bounds the time since that stage's start; without
// one the task's own timeout counts from the task's start. Neither time paused
// counts nor time that a stage waits for its execution window.
//
// Source: execution model, section 7.
func (s *State) Deadline(st *Stage, task int) time.Time {
	for p := st; p != nil && !p.isWindow(); p = s.byID[p.Parent] {
		if p.Policy.TimeoutMS > 0 {
			return s.after(s.began(p), p.Policy.TimeoutMS)
		}
	}
	if t := st.Tasks[task]; t.TimeoutMS > 0 {
		return s.after(t.Start, t.TimeoutMS)
	}
	return time.Time{}
}

// began returns since when a stage's timeout counts: its start, or the end of
// its execution window.
func (s *State) began(st *Stage) gennaker.Time {
	if w := s.byRef[st.Ref+windowMark]; w != nil && !w.End.IsZero() {
		return w.End
	}
	return st.Start
}

// windowMark ends the ref of the stage that waits for an execution window.
const windowMark = "<0"

func (st *Stage) isWindow() bool { return strings.HasSuffix(st.Ref, windowMark) }

// after returns the instant ms milliseconds after start, not counting pauses;
// zero if that is further than a time.Duration reaches.
func (s *State) after(start gennaker.Time, ms int64) time.Time {
	if ms > math.MaxInt64/int64(time.Millisecond) {
		return time.Time{}
	}
	at := start.Add(time.Duration(ms) * time.Millisecond)
	for _, p := range s.Pauses {
		if !p.PauseTime.Before(start.Time) && !p.ResumeTime.IsZero() {
			at = at.Add(p.ResumeTime.Sub(p.PauseTime.Time))
		}
	}
	return at
}

// Outstanding returns every command that has no answer yet. After a crash these
// are to be carried out, and nothing else.
func (s *State) Outstanding() []Command {
	var out []Command
	for _, st := range s.Stages {
		if !st.active() {
			continue
		}
		i := st.running()
		switch {
		case s.stopping() && i >= 0:
			out = append(out, Command{Kind: DoCancel, Stage: st.ID, Run: st.Run, Task: i})
		case s.stopping():
		case i >= 0 && st.Tasks[i].Status == gennaker.Paused:
		case i >= 0 && st.Tasks[i].Expired:
			out = append(out, Command{Kind: DoExpire, Stage: st.ID, Run: st.Run, Task: i})
		case i >= 0:
			out = append(out, Command{Kind: DoRun, Stage: st.ID, Run: st.Run, Task: i, Attempt: st.Tasks[i].attempt + 1})
		default:
			if p := s.awaits(st); p != "" {
				out = append(out, Command{Kind: DoPlan, Stage: st.ID, Run: st.Run, Phase: p})
			}
		}
	}
	return out
}

// TimedOutAfter returns the bound that a task's Deadline comes from.
func (s *State) TimedOutAfter(st *Stage, task int) time.Duration {
	for p := st; p != nil && !p.isWindow(); p = s.byID[p.Parent] {
		if p.Policy.TimeoutMS > 0 {
			return time.Duration(p.Policy.TimeoutMS) * time.Millisecond
		}
	}
	return time.Duration(st.Tasks[task].TimeoutMS) * time.Millisecond
}

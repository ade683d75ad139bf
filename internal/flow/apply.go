package flow

import (
	"slices"
	"time"

	"github.com/gennaker/gennaker"
)

// Reasons that users see.
const (
	refusedBy     = "system"
	expiredBy     = "spinnaker"
	expiredReason = "Could not begin execution before start time expiry"
)

// Apply folds one event into the state and returns what changed and what to do.
func (s *State) Apply(e Event) Effects {
	s.now, s.fx = e.At, Effects{}
	switch e.Kind {
	case Begin:
		s.begin()
	case Refuse:
		s.refuse(e.Reason)
	case CancelAll:
		s.cancel(e.By, e.Reason)
	case PauseAll:
		s.pause(e.By)
	case ResumeAll:
		s.resume(e.By)
	case Tick:
		s.tick()
	case Restart:
		if st := s.byID[e.Stage]; st != nil {
			s.restart(st)
		}
	case SkipStage:
		if st := s.byID[e.Stage]; st != nil && st.active() && !s.stopping() {
			s.skip(st)
			s.next(st)
		}
	case Planned, TaskEnded, TaskExpired, TaskCanceled, TaskWaits, TaskUnsure, Woken:
		if s.Answers(e) {
			s.answer(s.byID[e.Stage], e)
		}
	}
	fx := s.fx
	s.fx = Effects{}
	return fx
}

// Answers reports whether e is the answer to a command that is outstanding, or
// wakes a task that waits. Apply ignores answers that are not.
func (s *State) Answers(e Event) bool {
	st := s.byID[e.Stage]
	switch {
	case st == nil || !st.active() || e.Kind != Woken && e.Run != st.Run:
		return false
	case e.Kind == Planned:
		return !s.stopping() && s.awaits(st) == e.Plan.Phase
	case e.Task < 0 || e.Task >= len(st.Tasks) || e.Task != st.running():
		return false
	case e.Kind == TaskCanceled:
		return s.stopping()
	case e.Kind == TaskExpired:
		return !s.stopping() && st.Tasks[e.Task].Expired
	case e.Kind == Woken:
		return !s.stopping() && !st.Tasks[e.Task].Expired && st.Tasks[e.Task].Status == gennaker.Running
	}
	return !s.stopping() && !st.Tasks[e.Task].Expired
}

func (s *State) answer(st *Stage, e Event) {
	if e.Kind == Planned {
		s.planned(st, e.Plan)
		return
	}
	t := &st.Tasks[e.Task]
	switch e.Kind {
	case TaskEnded:
		st.Unresolved = e.Unresolved
		s.taskEnded(st, t, e.Status)
	case TaskExpired:
		if st.Policy.SucceedOnTimeout {
			e.Status = gennaker.Succeeded
		}
		s.taskEnded(st, t, e.Status)
	case TaskCanceled:
		s.endTask(st, t, gennaker.Canceled)
		s.advance(st)
	case TaskWaits:
		t.wake, t.attempt = e.Until, 0
	case TaskUnsure:
		t.attempt++
		t.wake = s.now.Add(backoff(t.attempt))
	case Woken:
		s.run(st, e.Task)
	default:
	}
}

// backoff is how long to wait after so many errors in a row.
func backoff(attempt int) time.Duration {
	return min(100*time.Millisecond<<min(attempt-1, 10), 30*time.Second)
}

// begin starts an execution, or goes on with a restarted one.
//
// Source: execution model, section 5, StartExecution.
func (s *State) begin() {
	if s.Status != gennaker.NotStarted {
		return
	}
	if !s.StartTimeExpiry.IsZero() && s.now.After(s.StartTimeExpiry.Time) {
		s.cancel(expiredBy, expiredReason)
		return
	}
	s.Status, s.Start, s.End, s.Cancel = gennaker.Running, gennaker.At(s.now), gennaker.Time{}, nil
	s.fx.Head = true
	for _, st := range s.TopLevel() {
		s.tryStart(st)
	}
	if !slices.ContainsFunc(s.Stages, (*Stage).active) {
		s.completeExecution()
	}
	if !s.Status.Complete() && !slices.ContainsFunc(s.Stages, (*Stage).active) {
		s.end(gennaker.Terminal) // no initial stages
	}
}

// refuse ends an execution that cannot start, and says why.
//
// Source: execution model, section 3.
func (s *State) refuse(reason string) {
	if s.Status != gennaker.NotStarted {
		return
	}
	s.Cancel = &Cancellation{By: refusedBy, Reason: reason, At: gennaker.At(s.now)}
	s.end(gennaker.Terminal)
}

// stopping reports whether no stage may begin any more and running ones end.
func (s *State) stopping() bool { return s.Cancel != nil || s.Status.Complete() }

// tryStart starts a stage if it may start now.
//
// Source: execution model, section 5, StartStage.
func (s *State) tryStart(st *Stage) {
	if s.Status != gennaker.Running || s.stopping() || st.Status != gennaker.NotStarted {
		return
	}
	for _, ref := range st.Requires {
		if up := s.byRef[ref]; up == nil || !up.Status.Continues() {
			return
		}
	}
	if !st.Expiry.IsZero() && s.now.After(st.Expiry.Time) {
		s.finish(st, gennaker.Skipped)
		return
	}
	st.Status, st.Start = gennaker.Running, gennaker.At(s.now)
	s.touch(st)
	s.plan(st, PlanStart)
}

func (s *State) touch(st *Stage) {
	if !slices.Contains(s.fx.Changed, st) {
		s.fx.Changed = append(s.fx.Changed, st)
	}
}

func (s *State) command(c Command) { s.fx.Commands = append(s.fx.Commands, c) }

func (s *State) plan(st *Stage, p Phase) {
	s.command(Command{Kind: DoPlan, Stage: st.ID, Run: st.Run, Phase: p})
}

func (s *State) run(st *Stage, i int) {
	t := &st.Tasks[i]
	t.wake = time.Time{}
	s.command(Command{Kind: DoRun, Stage: st.ID, Run: st.Run, Task: i, Attempt: t.attempt + 1})
}

// planned takes the answer to a Plan command.
func (s *State) planned(st *Stage, p Plan) {
	s.touch(st)
	switch p.Phase {
	case PlanStart:
		st.Planned, st.Policy, st.PlanFailed = true, p.Policy, p.Failed
		st.HasAfter, st.HasFailure, st.Unresolved = p.After && !p.Failed, p.Failure, p.Unresolved
		for _, t := range p.Tasks {
			t.Status = gennaker.NotStarted
			st.Tasks = append(st.Tasks, t)
		}
		if p.Skip {
			s.finish(st, gennaker.Skipped)
			return
		}
		s.addChildren(st, Before, p.Children, p.Windowed)
	case PlanAfter:
		st.PlannedAfter, st.PlanFailed = true, p.Failed
		s.addChildren(st, After, p.Children, false)
	case PlanFailure:
		st.PlannedFailure = true
		s.removeNotStarted(st)
		s.addChildren(st, OnFailure, s.notYetDone(st, p.Children), false)
	}
	s.advance(st)
}

// awaits returns the phase of planning that a running stage is in, or "". It
// follows from the state, so that a crash does not lose it.
func (s *State) awaits(st *Stage) Phase {
	if !st.Planned {
		return PlanStart
	}
	switch phase, _ := s.ending(st); phase {
	case wantsAfter:
		return PlanAfter
	case wantsFailure:
		return PlanFailure
	case goesOn, waits, startsAfter, startsFailure, ends:
	}
	return ""
}

// addChildren adds stages around st. The first is windowed if it waits for the
// execution window; it has the number 0.
func (s *State) addChildren(st *Stage, side Side, children []Child, windowed bool) {
	mark := "<"
	if side != Before {
		mark = ">"
	}
	base := st.Ref + mark
	offset := 0
	for _, k := range s.kids[st.ID] {
		if (k.Side == Before) == (side == Before) {
			offset++
		}
	}
	if windowed {
		offset--
	}
	refs := map[string]string{}
	for i, c := range children {
		refs[c.Ref] = base + itoa(offset+i+1)
	}
	for i, c := range children {
		k := &Stage{ID: c.ID, Ref: refs[c.Ref], Type: c.Type, Name: c.Name, Parent: st.ID, Side: side, Expiry: c.Expiry}
		for _, r := range c.Requires {
			k.Requires = append(k.Requires, refs[r])
		}
		if side == OnFailure { // forced linear
			k.Requires = nil
			if i > 0 {
				k.Requires = []string{refs[children[i-1].Ref]}
			}
		}
		s.add(k)
		s.touch(k)
	}
	if len(children) > 0 {
		s.fx.Head = true // NextSeq
	}
}

// notYetDone leaves out children that completed as after-stages before.
func (s *State) notYetDone(st *Stage, children []Child) []Child {
	return slices.DeleteFunc(slices.Clone(children), func(c Child) bool {
		return slices.ContainsFunc(s.Children(st.ID, After), func(k *Stage) bool { return k.Name == c.Name && k.Status.Complete() })
	})
}

func (s *State) removeNotStarted(st *Stage) {
	for _, k := range slices.Clone(s.kids[st.ID]) {
		if k.Status == gennaker.NotStarted {
			s.remove(k)
		}
	}
}

// remove forgets a stage and everything below it.
func (s *State) remove(st *Stage) {
	for _, k := range slices.Clone(s.kids[st.ID]) {
		s.remove(k)
	}
	is := func(o *Stage) bool { return o == st }
	s.Stages = slices.DeleteFunc(s.Stages, is)
	s.kids[st.Parent] = slices.DeleteFunc(s.kids[st.Parent], is)
	for _, ref := range st.Requires {
		s.below[ref] = slices.DeleteFunc(s.below[ref], is)
	}
	delete(s.byID, st.ID)
	delete(s.byRef, st.Ref)
	s.fx.Changed = slices.DeleteFunc(s.fx.Changed, is)
	s.fx.Removed = append(s.fx.Removed, st.ID)
}

// taskEnded takes a task's result.
//
// Source: execution model, section 5, RunTask and CompleteTask.
func (s *State) taskEnded(st *Stage, t *Task, result gennaker.Status) {
	switch result {
	case gennaker.Redirect:
		s.loop(st, t)
	case gennaker.Terminal, gennaker.Canceled:
		s.endTask(st, t, st.Policy.failure(result))
	case gennaker.Succeeded, gennaker.Skipped, gennaker.FailedContinue, gennaker.Stopped:
		s.endTask(st, t, result)
	case gennaker.NotStarted, gennaker.Running, gennaker.Paused, gennaker.Suspended, gennaker.Buffered:
		s.endTask(st, t, st.Policy.failure(gennaker.Terminal)) // no result at all
	}
	s.advance(st)
}

func (s *State) endTask(st *Stage, t *Task, status gennaker.Status) {
	t.Status, t.End = status, gennaker.At(s.now)
	t.wake, t.attempt = time.Time{}, 0
	s.touch(st)
}

// loop resets the tasks of a loop.
func (s *State) loop(st *Stage, t *Task) {
	from := slices.IndexFunc(st.Tasks, func(t Task) bool { return t.LoopStart })
	to := -1
	for i := range st.Tasks {
		if st.Tasks[i].LoopEnd {
			to = i
		}
	}
	if from < 0 || to < from {
		s.endTask(st, t, st.Policy.failure(gennaker.Terminal))
		return
	}
	for i := from; i <= to; i++ {
		r := &st.Tasks[i]
		*r = Task{Name: r.Name, Status: gennaker.NotStarted, TimeoutMS: r.TimeoutMS, LoopStart: r.LoopStart, LoopEnd: r.LoopEnd, Round: r.Round + 1}
	}
	s.touch(st)
}

// advance takes a running stage as far as it goes now.
func (s *State) advance(st *Stage) {
	if s.stopping() {
		s.stop(st)
		return
	}
	if st.Status != gennaker.Running || s.Status != gennaker.Running || !st.Planned {
		return
	}
	switch phase, status := s.ending(st); phase {
	case goesOn:
		s.goOn(st)
	case wantsAfter:
		s.plan(st, PlanAfter)
	case wantsFailure:
		s.plan(st, PlanFailure)
	case startsAfter:
		s.startChildren(st, After)
	case startsFailure:
		s.startChildren(st, OnFailure)
	case ends:
		s.finish(st, status)
	case waits:
	}
}

// stop ends a stage of an execution that is canceled or over, once nothing
// below it runs: as CANCELED, unless it was at its end anyway or lacks a value.
func (s *State) stop(st *Stage) {
	if !st.active() || st.running() >= 0 || slices.ContainsFunc(s.kids[st.ID], (*Stage).active) {
		return
	}
	status := gennaker.Canceled
	if st.Planned {
		if st.lacksValue() {
			status = gennaker.Terminal
		} else if phase, its := s.ending(st); phase == ends {
			status = its
		}
	}
	s.finish(st, status)
}

// goOn starts before-stages, then tasks.
func (s *State) goOn(st *Stage) {
	for _, k := range s.Children(st.ID, Before) {
		if !k.Status.Continues() {
			s.startChildren(st, Before)
			return
		}
	}
	for i := range st.Tasks {
		t := &st.Tasks[i]
		if t.Status == gennaker.NotStarted {
			t.Status, t.Start = gennaker.Running, gennaker.At(s.now)
			s.touch(st)
			s.run(st, i)
			return
		}
		if !t.Status.Complete() {
			return
		}
	}
}

func (s *State) startChildren(st *Stage, side Side) {
	for _, k := range s.Children(st.ID, side) {
		s.tryStart(k)
	}
}

// finish ends a stage and starts what comes behind it.
func (s *State) finish(st *Stage, status gennaker.Status) {
	st.Status, st.End = status, gennaker.At(s.now)
	s.touch(st)
	s.next(st)
}

// next goes on behind a stage that ended. It is for those behind it to end the
// execution: one that was restarted may hold stages that failed before.
//
// Source: execution model, section 5, CompleteStage.
func (s *State) next(st *Stage) {
	goesOn := false
	if st.Status.Continues() {
		for _, d := range s.below[st.Ref] {
			if d.Parent == "" {
				s.tryStart(d)
				goesOn = goesOn || d.active()
			}
		}
	}
	switch {
	case st.Parent != "":
		s.advance(s.byID[st.Parent])
	case !goesOn:
		s.completeExecution()
	}
}

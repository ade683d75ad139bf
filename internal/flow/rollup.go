package flow

import (
	"slices"
	"strconv"

	"github.com/gennaker/gennaker"
)

func itoa(n int) string { return strconv.Itoa(n) }

// step is where a running, planned stage stands.
type step int

const (
	goesOn        step = iota // before-stages or tasks are left
	waits                     // a child that it cannot end before still runs
	wantsAfter                // after-stages are to be planned
	startsAfter               // after-stages are left
	wantsFailure              // on-failure stages are to be planned
	startsFailure             // on-failure stages are left
	ends                      // with the status beside it
)

// ending decides where a planned stage stands, from the statuses of its tasks
// and children alone.
//
// Source: execution model, section 5, CompleteStage.
func (s *State) ending(st *Stage) (step, gennaker.Status) {
	if !s.interrupted(st) && s.partsLeft(st) {
		return goesOn, ""
	}
	status := s.rollUp(st)
	if st.lacksValue() {
		status = gennaker.Terminal
	}
	active := slices.ContainsFunc(s.kids[st.ID], func(k *Stage) bool { return k.active() && k.Side != OnFailure })
	switch status {
	case gennaker.Terminal, gennaker.Stopped:
		switch {
		case active && (st.HasFailure || status == gennaker.Stopped || st.Parent != ""):
			return waits, ""
		case st.HasFailure && !st.PlannedFailure:
			return wantsFailure, ""
		case s.left(st, OnFailure):
			return startsFailure, ""
		}
		return ends, status
	case gennaker.Canceled:
		if active {
			return waits, ""
		}
		return ends, status
	default:
	}
	if slices.ContainsFunc(s.Children(st.ID, Before), (*Stage).active) {
		return waits, ""
	}
	if st.HasAfter && !st.PlannedAfter {
		return wantsAfter, ""
	}
	if s.left(st, After) {
		return startsAfter, ""
	}
	if slices.ContainsFunc(s.Children(st.ID, After), (*Stage).active) {
		return waits, ""
	}
	if status == gennaker.NotStarted { // nothing to do at all
		status = gennaker.Skipped
	}
	return ends, status
}

// lacksValue reports whether a stage fails, whatever its tasks did and however
// its failures are handled, for an expression without a value.
func (st *Stage) lacksValue() bool { return st.Unresolved && st.Policy.FailUnresolved }

// interrupted reports whether a failure keeps the tasks and before-stages that
// are left from running.
func (s *State) interrupted(st *Stage) bool {
	if st.PlanFailed {
		return true
	}
	halted := slices.ContainsFunc(st.Tasks, func(t Task) bool { return t.Status.Halt() })
	return halted || slices.ContainsFunc(s.Children(st.ID, Before), blocks)
}

// blocks reports whether a child's end keeps its siblings from starting.
func blocks(k *Stage) bool {
	return k.Status.Halt() || k.Status == gennaker.FailedContinue && !k.Policy.AllowSiblings
}

// partsLeft reports whether before-stages or tasks are not complete.
func (s *State) partsLeft(st *Stage) bool {
	return slices.ContainsFunc(s.Children(st.ID, Before), func(k *Stage) bool { return !k.Status.Complete() }) ||
		slices.ContainsFunc(st.Tasks, func(t Task) bool { return !t.Status.Complete() })
}

// left reports whether children on that side are yet to run and may, or run.
func (s *State) left(st *Stage, side Side) bool {
	kids := s.Children(st.ID, side)
	if slices.ContainsFunc(kids, blocks) {
		return side == OnFailure && slices.ContainsFunc(kids, (*Stage).active)
	}
	return slices.ContainsFunc(kids, func(k *Stage) bool { return !k.Status.Complete() })
}

// rollUp is the status of a stage as its tasks and children have it.
//
// Source: execution model, section 5, determineStatus; the order is its own.
func (s *State) rollUp(st *Stage) gennaker.Status {
	var all []gennaker.Status
	for _, t := range st.Tasks {
		all = append(all, t.Status)
	}
	for _, k := range s.kids[st.ID] {
		all = append(all, k.Status)
	}
	if st.PlanFailed {
		all = append(all, gennaker.Terminal)
	}
	status := RollUp(all)
	if status == gennaker.Terminal {
		return st.Policy.failure(gennaker.Terminal)
	}
	return status
}

// RollUp returns the status of a stage whose tasks and synthetic stages have
// the given statuses: NOT_STARTED for none, RUNNING while some are not complete
// and nothing is wrong.
func RollUp(all []gennaker.Status) gennaker.Status {
	has := func(s gennaker.Status) bool { return slices.Contains(all, s) }
	switch {
	case len(all) == 0:
		return gennaker.NotStarted
	case has(gennaker.Terminal):
		return gennaker.Terminal
	case has(gennaker.Stopped):
		return gennaker.Stopped
	case has(gennaker.Canceled):
		return gennaker.Canceled
	case has(gennaker.FailedContinue):
		return gennaker.FailedContinue
	case has(gennaker.NotStarted), has(gennaker.Running), has(gennaker.Paused):
		return gennaker.Running
	}
	return gennaker.Succeeded
}

// completeExecution ends the execution if its top-level stages say so.
//
// Source: execution model, section 5, CompleteExecution.
func (s *State) completeExecution() {
	if s.Status.Complete() || s.Status == gennaker.NotStarted {
		return
	}
	count := map[gennaker.Status]int{}
	open, failAtEnd := false, false
	for _, st := range s.TopLevel() {
		count[st.Status]++
		open = open || st.active() || st.Status == gennaker.NotStarted && s.ready(st)
		failAtEnd = failAtEnd || st.Status == gennaker.Stopped && st.Policy.FailAtEnd
	}
	switch {
	case count[gennaker.Succeeded]+count[gennaker.Skipped]+count[gennaker.FailedContinue] == len(s.TopLevel()):
		if len(s.TopLevel()) > 0 {
			s.end(gennaker.Succeeded)
		}
	case count[gennaker.Terminal] > 0:
		s.end(gennaker.Terminal)
	case count[gennaker.Canceled] > 0, s.Cancel != nil && !slices.ContainsFunc(s.TopLevel(), (*Stage).active):
		s.end(gennaker.Canceled)
	case count[gennaker.Stopped] > 0 && !open && failAtEnd:
		s.end(gennaker.Terminal)
	case count[gennaker.Stopped] > 0 && !open:
		s.end(gennaker.Succeeded)
	}
}

// ready reports whether everything that a stage requires lets it start.
func (s *State) ready(st *Stage) bool {
	return !slices.ContainsFunc(st.Requires, func(ref string) bool {
		up := s.byRef[ref]
		return up == nil || !up.Status.Continues()
	})
}

// end completes the execution; what still runs is canceled. One that never
// began has no end, as it has no start.
func (s *State) end(status gennaker.Status) {
	s.Status = status
	if !s.Start.IsZero() {
		s.End = gennaker.At(s.now)
	}
	s.fx.Head, s.fx.Finished = true, true
	s.stopAll()
}

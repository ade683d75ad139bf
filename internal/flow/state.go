package flow

import (
	"slices"
	"time"

	"github.com/gennaker/gennaker"
)

// State is the skeleton of an execution. It is not safe for concurrent use.
//
// Shape: marshals to JSON; Stages are stored one by one, so they are left out.
type State struct {
	ID              string                 `json:"id"`
	Type            gennaker.ExecutionType `json:"type"`
	Application     string                 `json:"application"`
	ConfigID        string                 `json:"configId,omitzero"`
	Limits          Limits                 `json:"limits,omitzero"`
	StartTimeExpiry gennaker.Time          `json:"startTimeExpiry,omitzero"`

	Status  gennaker.Status  `json:"status"`
	Start   gennaker.Time    `json:"start,omitzero"`
	End     gennaker.Time    `json:"end,omitzero"`
	Cancel  *Cancellation    `json:"cancel,omitzero"`
	Pauses  []gennaker.Pause `json:"pauses,omitzero"` // the last one is open while PAUSED
	NextSeq int              `json:"nextSeq"`

	Stages []*Stage `json:"-"` // by Seq

	byID  map[string]*Stage
	byRef map[string]*Stage
	kids  map[string][]*Stage // parent ID → children, by Seq
	below map[string][]*Stage // ref → stages that require it

	now time.Time
	fx  Effects
}

// Cancellation is who canceled an execution, and why.
type Cancellation struct {
	By     string        `json:"by"`
	Reason string        `json:"reason,omitzero"`
	At     gennaker.Time `json:"at"`
}

// Stage is the skeleton of a stage.
type Stage struct {
	ID       string          `json:"id"`
	Seq      int             `json:"seq"` // in order of creation
	Ref      string          `json:"ref"`
	Type     string          `json:"type"`
	Name     string          `json:"name"`
	Requires []string        `json:"requires,omitzero"`
	Parent   string          `json:"parent,omitzero"` // ID; set on synthetic stages
	Side     Side            `json:"side,omitzero"`   // of the parent
	Expiry   gennaker.Time   `json:"expiry,omitzero"` // not started by then, it is skipped
	Status   gennaker.Status `json:"status"`
	Start    gennaker.Time   `json:"start,omitzero"`
	End      gennaker.Time   `json:"end,omitzero"`
	Run      int             `json:"run,omitzero"` // counts restarts
	Policy   Policy          `json:"policy,omitzero"`
	Tasks    []Task          `json:"tasks,omitzero"`

	Planned        bool `json:"planned,omitzero"`
	PlanFailed     bool `json:"planFailed,omitzero"`
	HasAfter       bool `json:"hasAfter,omitzero"`   // after-stages are to be planned
	HasFailure     bool `json:"hasFailure,omitzero"` // on-failure stages are to be planned
	PlannedAfter   bool `json:"plannedAfter,omitzero"`
	PlannedFailure bool `json:"plannedFailure,omitzero"`
	Unresolved     bool `json:"unresolved,omitzero"` // an expression in its context has no value
}

// Side is where a synthetic stage runs, seen from its parent.
type Side string

// The sides.
const (
	Before    Side = "before"
	After     Side = "after"
	OnFailure Side = "failure"
)

// Task is the skeleton of a task.
type Task struct {
	Name      string          `json:"name"`
	Status    gennaker.Status `json:"status"`
	Start     gennaker.Time   `json:"start,omitzero"`
	End       gennaker.Time   `json:"end,omitzero"`
	TimeoutMS int64           `json:"timeoutMs,omitzero"`
	LoopStart bool            `json:"loopStart,omitzero"`
	LoopEnd   bool            `json:"loopEnd,omitzero"`
	Expired   bool            `json:"expired,omitzero"` // past its deadline, and the runtime was told
	Round     int             `json:"round,omitzero"`   // counts the repetitions of its loop

	// Not stored: after a crash the task is simply run again.
	wake    time.Time
	attempt int
}

// Policy is what a stage's configuration says about its end.
//
// Source: execution model, "If stage fails" and section 7.
type Policy struct {
	Continue         bool  `json:"continue,omitzero"`      // continuePipeline
	StopBranch       bool  `json:"stopBranch,omitzero"`    // failPipeline: false
	FailAtEnd        bool  `json:"failAtEnd,omitzero"`     // completeOtherBranchesThenFail
	AllowSiblings    bool  `json:"allowSiblings,omitzero"` // allowSiblingStagesToContinueOnFailure
	SucceedOnTimeout bool  `json:"succeedOnTimeout,omitzero"`
	FailUnresolved   bool  `json:"failUnresolved,omitzero"` // failOnFailedExpressions
	TimeoutMS        int64 `json:"timeoutMs,omitzero"`      // stageTimeoutMs; 0 is none
}

// failure is the status of a failed task or stage whose failure would be status.
func (p Policy) failure(status gennaker.Status) gennaker.Status {
	switch {
	case p.Continue:
		return gennaker.FailedContinue
	case p.StopBranch:
		return gennaker.Stopped
	}
	return status
}

// Limits says how many executions of one pipeline may run at a time.
type Limits struct {
	One         bool `json:"one,omitzero"` // limitConcurrent
	Max         int  `json:"max,omitzero"` // maxConcurrentExecutions; 0 is unlimited
	KeepWaiting bool `json:"keepWaiting,omitzero"`
}

// Admits reports whether another execution may run beside running others.
//
// Source: execution model, section 4.
func (l Limits) Admits(running int) bool {
	if l.One {
		return running == 0
	}
	return l.Max <= 0 || running < l.Max
}

// Release says what becomes of the executions that wait, oldest first, when
// there is room for one: it starts, and those it supersedes are canceled.
//
// Source: execution model, section 4.
func (l Limits) Release(waiting []string) (start string, supersede []string) {
	switch {
	case len(waiting) == 0:
		return "", nil
	case l.KeepWaiting:
		return waiting[0], nil
	}
	last := len(waiting) - 1
	return waiting[last], waiting[:last]
}

// New returns the state of an execution that has not started.
func New(x gennaker.Execution) *State {
	s := &State{
		ID: x.ID, Type: x.Type, Application: x.Application, ConfigID: x.PipelineConfigID,
		Limits: Limits{One: x.LimitConcurrent, Max: x.MaxConcurrent, KeepWaiting: x.KeepWaiting},
		Status: gennaker.NotStarted, StartTimeExpiry: x.StartTimeExpiry,
	}
	s.Restore(nil)
	for _, st := range x.Stages {
		s.add(&Stage{ID: st.ID, Ref: st.RefID, Type: st.Type, Name: st.Name, Requires: st.Requires, Expiry: st.StartTimeExpiry})
	}
	return s
}

// Restore gives a stored state its stages back, in any order.
func (s *State) Restore(stages []*Stage) {
	s.Stages = nil
	s.byID, s.byRef = map[string]*Stage{}, map[string]*Stage{}
	s.kids, s.below = map[string][]*Stage{}, map[string][]*Stage{}
	slices.SortFunc(stages, func(a, b *Stage) int { return a.Seq - b.Seq })
	for _, st := range stages {
		s.index(st)
	}
}

// add appends a new stage.
func (s *State) add(st *Stage) {
	st.Seq, st.Status = s.NextSeq, gennaker.NotStarted
	s.NextSeq++
	s.index(st)
}

func (s *State) index(st *Stage) {
	s.Stages = append(s.Stages, st)
	s.byID[st.ID], s.byRef[st.Ref] = st, st
	s.kids[st.Parent] = append(s.kids[st.Parent], st)
	for _, ref := range st.Requires {
		s.below[ref] = append(s.below[ref], st)
	}
}

// Stage returns the stage with that ID, or nil.
func (s *State) Stage(id string) *Stage { return s.byID[id] }

// Top returns the top-level stage that a stage is, or is part of; or nil.
func (s *State) Top(id string) *Stage {
	st := s.byID[id]
	for st != nil && st.Parent != "" {
		st = s.byID[st.Parent]
	}
	return st
}

// ByRef returns the stage with that refId, or nil.
func (s *State) ByRef(ref string) *Stage { return s.byRef[ref] }

// Children returns the stages around a stage on one side, in order of creation.
func (s *State) Children(parent string, side Side) []*Stage {
	var out []*Stage
	for _, st := range s.kids[parent] {
		if st.Side == side {
			out = append(out, st)
		}
	}
	return out
}

// Around returns all synthetic stages of a stage, in order of creation.
func (s *State) Around(id string) []*Stage { return s.kids[id] }

// TopLevel returns the stages that the pipeline declares, in its order.
func (s *State) TopLevel() []*Stage { return s.kids[""] }

// Settled reports whether nothing more happens without a restart.
func (s *State) Settled() bool {
	return s.Status.Complete() && !slices.ContainsFunc(s.Stages, (*Stage).active)
}

func (st *Stage) active() bool { return st.Status == gennaker.Running || st.Status == gennaker.Paused }

// running returns the index of the task that is under way, or -1.
func (st *Stage) running() int {
	return slices.IndexFunc(st.Tasks, func(t Task) bool { return t.Status == gennaker.Running || t.Status == gennaker.Paused })
}

// Ancestors returns the stages whose outputs a stage sees, nearest first,
// without itself: those that it requires, their direct children, then theirs;
// for a synthetic stage without requisites, what stands before its parent's
// tasks, the parent, and the parent's ancestors.
//
// Source: Orca StageExecution.ancestors; execution model, section 8.
func (s *State) Ancestors(id string) []*Stage {
	seen := map[*Stage]bool{}
	var out []*Stage
	add := func(st *Stage) bool {
		if st == nil || seen[st] {
			return false
		}
		seen[st] = true
		out = append(out, st)
		return true
	}
	var walk func(st *Stage)
	walk = func(st *Stage) {
		var fresh []*Stage
		for _, ref := range st.Requires {
			if up := s.byRef[ref]; add(up) {
				fresh = append(fresh, up)
			}
		}
		for _, up := range fresh {
			for _, k := range s.kids[up.ID] {
				add(k)
			}
		}
		for _, up := range fresh {
			walk(up)
		}
		if parent := s.byID[st.Parent]; parent != nil && len(st.Requires) == 0 {
			if st.Side != Before {
				for _, k := range s.Children(parent.ID, Before) {
					add(k)
				}
			}
			if add(parent) {
				walk(parent)
			}
		}
	}
	if st := s.byID[id]; st != nil {
		seen[st] = true
		walk(st)
	}
	return out
}

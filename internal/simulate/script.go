package simulate

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// Script says how stages end, by their names or refIds. A stage that runs more
// than once, as after a restart, ends as its list says, and then as its last
// entry does.
type Script map[string][]Ending

// Ending is how a stage ends instead of doing its work.
type Ending struct {
	Type    string          // of the stage, if it is one that only the script knows
	Status  gennaker.Status // SUCCEEDED if empty; RUNNING is never
	Reason  string          // of a failure
	After   time.Duration
	Context map[string]any
	Outputs map[string]any
}

// player plays a script.
type player struct {
	script Script
	runs   map[string]map[string]int // stage ID → its run → how many were before
}

// ending returns how a stage is to end.
func (p *player) ending(in stage.Input) (Ending, bool) {
	list, ok := p.script[in.Stage.Name]
	if !ok {
		list, ok = p.script[in.Stage.RefID]
	}
	if !ok || len(list) == 0 {
		return Ending{}, false
	}
	return list[min(p.run(in), len(list)-1)], true
}

// run returns how often the stage ran before.
func (p *player) run(in stage.Input) int {
	runs := p.runs[in.Stage.ID]
	if runs == nil {
		runs = map[string]int{}
		p.runs[in.Stage.ID] = runs
	}
	key := strings.SplitN(in.Key, "/", 4) // execution, stage, run, task
	run := key[min(2, len(key)-1)]
	if _, ok := runs[run]; !ok {
		runs[run] = len(runs)
	}
	return runs[run]
}

// types returns the types of stages that only the script knows.
func (p *player) types() []string {
	found := map[string]bool{}
	for _, list := range p.script {
		for _, e := range list {
			if e.Type != "" {
				found[e.Type] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// scriptedStep is the step of stages that have none of their own.
const scriptedStep = "scripted"

// scripted returns a definition whose stages end as the script says, if it says
// anything of them.
func (p *player) scripted(d stage.Definition) stage.Definition {
	plan := func(f func(context.Context, stage.Input) ([]gennaker.StageConfig, error)) func(context.Context, stage.Input) ([]gennaker.StageConfig, error) {
		if f == nil {
			return nil
		}
		return func(ctx context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
			if _, ok := p.ending(in); ok {
				return nil, nil
			}
			return f(ctx, in)
		}
	}
	d.Before, d.After, d.OnFailure = plan(d.Before), plan(d.After), plan(d.OnFailure)
	steps := slices.Clone(d.Steps)
	for i := range steps {
		when := steps[i].If
		steps[i].If = func(in stage.Input) bool {
			_, ok := p.ending(in)
			return !ok && (when == nil || when(in))
		}
	}
	d.Steps = append(steps, stage.Step{
		Name: scriptedStep, Task: stage.TaskFunc(p.play),
		If: func(in stage.Input) bool { _, ok := p.ending(in); return ok },
	})
	return d
}

// play ends a stage as the script says.
func (p *player) play(_ context.Context, in stage.Input) (stage.Outcome, error) {
	e, _ := p.ending(in)
	if due := in.TaskStart.Add(e.After); in.Now.Before(due) {
		return stage.Wait(due), nil
	}
	var out stage.Outcome
	switch e.Status {
	case "", gennaker.Succeeded:
		out = stage.Done()
	case gennaker.Skipped:
		out = stage.Skip()
	case gennaker.Canceled:
		out = stage.Cancel("%s", e.Reason)
	case gennaker.Running:
		return stage.Wait(time.Time{}).WithContext(e.Context), nil
	default:
		reason := e.Reason
		if reason == "" {
			reason = "the script lets it fail"
		}
		out = stage.Fail("%s", reason)
	}
	return out.WithContext(e.Context).WithOutputs(e.Outputs), nil
}

// assumed returns a definition whose stages succeed without doing anything: all
// that is outside the simulation.
func assumed(d stage.Definition) stage.Definition {
	d.Before, d.After, d.OnFailure = nil, nil, nil
	steps := make([]stage.Step, len(d.Steps))
	for i, s := range d.Steps {
		steps[i] = stage.Step{Name: s.Name, If: s.If, Task: stage.TaskFunc(func(context.Context, stage.Input) (stage.Outcome, error) {
			return stage.Done(), nil
		})}
	}
	d.Steps = steps
	return d
}

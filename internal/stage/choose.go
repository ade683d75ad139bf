package stage

import (
	"cmp"
	"context"
	"slices"

	"github.com/gennaker/gennaker"
)

// Choose returns a definition of the type and aliases of a whose stages are
// those of b where a stage's context says so, and of a otherwise. Steps of one
// name are one step, of which the tasks differ; it has the longer Timeout (if both
// have one), and a's loops. The answer of second must not change while a stage runs.
func Choose(a, b Definition, second func(context map[string]any) bool) Definition {
	of := func(in Input) Definition {
		if second(in.Stage.Context) {
			return b
		}
		return a
	}
	out := a
	out.Internal = a.Internal && b.Internal
	out.Steps = nil
	for _, s := range slices.Concat(a.Steps, b.Steps) {
		if !slices.ContainsFunc(out.Steps, func(o Step) bool { return o.Name == s.Name }) {
			out.Steps = append(out.Steps, either(a.Step(s.Name), b.Step(s.Name), second))
		}
	}
	plan := func(pick func(Definition) func(context.Context, Input) ([]gennaker.StageConfig, error)) func(context.Context, Input) ([]gennaker.StageConfig, error) {
		if pick(a) == nil && pick(b) == nil {
			return nil
		}
		return func(ctx context.Context, in Input) ([]gennaker.StageConfig, error) {
			if f := pick(of(in)); f != nil {
				return f(ctx, in)
			}
			return nil, nil
		}
	}
	out.Before = plan(func(d Definition) func(context.Context, Input) ([]gennaker.StageConfig, error) { return d.Before })
	out.After = plan(func(d Definition) func(context.Context, Input) ([]gennaker.StageConfig, error) { return d.After })
	out.OnFailure = plan(func(d Definition) func(context.Context, Input) ([]gennaker.StageConfig, error) { return d.OnFailure })
	out.Restart = func(c map[string]any) {
		for _, d := range []Definition{a, b} {
			if d.Restart != nil {
				d.Restart(c)
			}
		}
	}
	out.Start = func(c map[string]any) map[string]any {
		if f := of(Input{Stage: gennaker.Stage{Context: c}}).Start; f != nil {
			return f(c)
		}
		return c
	}
	if a.Start == nil && b.Start == nil {
		out.Start = nil
	}
	out.Verbatim = func(in Input) []string {
		if f := of(in).Verbatim; f != nil {
			return f(in)
		}
		return nil
	}
	out.ManualSkip = func(c map[string]any) bool {
		f := of(Input{Stage: gennaker.Stage{Context: c}}).ManualSkip
		return f != nil && f(c)
	}
	out.RunsDry = func(in Input) bool {
		f := of(in).RunsDry
		return f != nil && f(in)
	}
	return out
}

// either is a step of a, of b, or of both; which is nil is not there.
func either(a, b *Step, second func(context map[string]any) bool) Step {
	of := func(in Input) *Step {
		if second(in.Stage.Context) {
			return b
		}
		return a
	}
	out := *cmp.Or(a, b)
	if a != nil && b != nil && min(a.Timeout, b.Timeout) > 0 {
		out.Timeout = max(a.Timeout, b.Timeout)
	}
	out.If = func(in Input) bool {
		s := of(in)
		return s != nil && (s.If == nil || s.If(in))
	}
	out.Task = chosen{of}
	return out
}

// chosen is the task of a step that two definitions have.
type chosen struct{ of func(in Input) *Step }

// Run implements Task.
func (c chosen) Run(ctx context.Context, in Input) (Outcome, error) {
	return c.of(in).Task.Run(ctx, in)
}

// Cancel implements Canceler: of a task that has nothing to undo it is success.
func (c chosen) Cancel(ctx context.Context, in Input) (Outcome, error) {
	if t, ok := c.of(in).Task.(Canceler); ok {
		return t.Cancel(ctx, in)
	}
	return Done(), nil
}

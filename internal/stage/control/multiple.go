package control

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// multipleConfig is the configuration of a runMultiplePipelines stage.
type multipleConfig struct {
	YAML              []any  `json:"yamlConfig"`          // an object, or a YAML text of one, with bundle_web: child_pipeline, arguments and depends_on by name
	CheckDuplicated   *bool  `json:"checkDuplicated"`     // refuse two that run the same with the same arguments; default true
	IgnoreUncompleted bool   `json:"ignoreUncompleted"`   // go on with those behind one that failed
	Application       string `json:"pipelineApplication"` // whose pipelines run; default the stage's own application
}

// plannedChild is one of the pipelines to run.
type plannedChild struct {
	Name      string         `json:"yamlIdentifier"`
	Pipeline  string         `json:"child_pipeline"`
	Arguments map[string]any `json:"arguments"`
	DependsOn []string       `json:"depends_on"`
}

// multipleState is how far a runMultiplePipelines stage is.
type multipleState struct {
	Order       [][]plannedChild `json:"orderOfExecutions"`
	Level       int              `json:"levelNumber"` // of Order, that runs now
	Running     []string         `json:"executionIds"`
	NotStarted  []any            `json:"executionsNotStarted"`
	Results     []any            `json:"runMultiplePipelinesOutputs"`
	Application string           `json:"pipelineApplication"`
	Ignore      bool             `json:"ignoreUncompleted"`
}

const (
	orderKey      = "orderOfExecutions"
	levelKey      = "levelNumber"
	runningKey    = "executionIds"
	notStartedKey = "executionsNotStarted"
	resultsKey    = "runMultiplePipelinesOutputs"

	// multipleTimeout is Spinnaker's.
	multipleTimeout = 24 * time.Hour
	// maxChildren bounds the pipelines of one stage.
	maxChildren = 200
)

// runMultiplePipelines runs pipelines beside each other, and those that depend
// on others behind them, level by level.
//
// A pipeline that cannot be started counts as one that failed. Rollbacks, which
// Spinnaker's user interface offers for this stage, are not part of it.
//
// Source: Spinnaker orca RunMultiplePipelinesStage, given by Armory.
func runMultiplePipelines(p Pipelines) stage.Definition {
	return stage.Definition{
		Type: "runMultiplePipelines",
		Steps: []stage.Step{
			{Name: "parsePipelinesYamlTask", Task: stage.TaskFunc(parseChildren)},
			{Name: "runMultiplePipelines", Task: startChildren{p}, LoopStart: true},
			{Name: "monitorMultiplePipelinesTask", Task: monitorChildren{p}, LoopEnd: true, Timeout: multipleTimeout},
			{Name: "saveOutputsForDetailsTask", Task: stage.TaskFunc(saveResults)},
		},
		Restart: func(context map[string]any) {
			for _, key := range []string{orderKey, levelKey, runningKey, notStartedKey, resultsKey} {
				delete(context, key)
			}
		},
	}
}

// parseChildren puts the pipelines to run in order.
func parseChildren(_ context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[multipleConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	bundle, err := bundle(in, c)
	if err != nil {
		return stage.Outcome{}, err
	}
	var all []plannedChild
	for _, name := range slices.Sorted(maps.Keys(bundle)) {
		if name == "rollback_onfailure" {
			continue
		}
		m, _ := bundle[name].(map[string]any)
		child, err := stage.Decode[plannedChild](m)
		if err != nil {
			return stage.Outcome{}, fmt.Errorf("bundle_web.%s: %w", name, err)
		}
		if child.Name = name; child.Pipeline == "" {
			return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "bundle_web.%s: child_pipeline is missing", name).
				WithHint("set it to the name of the pipeline to run")
		}
		all = append(all, child)
	}
	if len(all) == 0 || len(all) > maxChildren {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "bundle_web has %d pipelines to run, instead of 1 to %d", len(all), maxChildren)
	}
	if c.CheckDuplicated == nil || *c.CheckDuplicated {
		for i, a := range all {
			for _, b := range all[:i] {
				if a.Pipeline == b.Pipeline && sameArguments(a.Arguments, b.Arguments) {
					return stage.Fail("Detected two or more duplicated arguments and calling the same child_pipeline. You would have the same execution").
						WithHint("change %s or %s, or set checkDuplicated to false", b.Name, a.Name), nil
				}
			}
		}
	}
	order, err := levels(all)
	if err != nil {
		return stage.Outcome{}, err
	}
	return stage.Done().WithContext(map[string]any{orderKey: wire(order), levelKey: 0.0, resultsKey: []any{}}), nil
}

func sameArguments(a, b map[string]any) bool { return len(a)+len(b) == 0 || reflect.DeepEqual(a, b) }

// bundle returns the pipelines to run by their name.
func bundle(in stage.Input, c multipleConfig) (map[string]any, error) {
	var first any
	if len(c.YAML) > 0 {
		first = c.YAML[0]
	}
	if s, ok := first.(string); ok {
		first, _ = in.Eval("${#readYaml(yamlText)}", map[string]any{"yamlText": s})
	}
	m, _ := first.(map[string]any)
	if b, ok := m["bundle_web"].(map[string]any); ok {
		return b, nil
	}
	return nil, gennaker.Errorf(gennaker.Invalid, "yamlConfig has no bundle_web").
		WithHint("write bundle_web: with a name for each run, and child_pipeline: and arguments: below it")
}

// levels puts each child into the first level behind all that it depends on.
func levels(all []plannedChild) ([][]plannedChild, error) {
	known := map[string]bool{}
	for _, c := range all {
		known[c.Name] = true
	}
	done := map[string]bool{}
	var out [][]plannedChild
	for len(all) > 0 {
		var now, later []plannedChild
		for _, c := range all {
			blocked := false
			for _, d := range c.DependsOn {
				if !known[d] {
					return nil, gennaker.Errorf(gennaker.Invalid, "bundle_web.%s depends on %q, which is not in the bundle", c.Name, d)
				}
				blocked = blocked || !done[d]
			}
			if blocked {
				later = append(later, c)
			} else {
				now = append(now, c)
			}
		}
		if len(now) == 0 {
			return nil, gennaker.Errorf(gennaker.Invalid, "bundle_web: %s depends on itself, by way of depends_on", later[0].Name)
		}
		for _, c := range now {
			done[c.Name] = true
		}
		out, all = append(out, now), later
	}
	return out, nil
}

// wire returns levels as they stand in a context.
func wire(order [][]plannedChild) []any {
	var out []any
	for _, level := range order {
		list := []any{}
		for _, c := range level {
			m := map[string]any{"yamlIdentifier": c.Name, "child_pipeline": c.Pipeline, "arguments": map[string]any{}}
			if c.Arguments != nil {
				m["arguments"] = c.Arguments
			}
			list = append(list, m)
		}
		out = append(out, list)
	}
	return out
}

// level returns the children of the level that runs now.
func (s multipleState) level() []plannedChild {
	if s.Level < 0 || s.Level >= len(s.Order) {
		return nil
	}
	return s.Order[s.Level]
}

func childKey(in stage.Input, c plannedChild) string { return in.Key + "#" + c.Name }

type startChildren struct{ pipelines Pipelines }

// Run starts the pipelines of a level.
func (t startChildren) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, err := stage.Decode[multipleState](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	running, notStarted := []any{}, []any{}
	var first error
	for _, c := range s.level() {
		trigger, err := childTrigger(in, c.Arguments)
		if err != nil {
			return stage.Outcome{}, err
		}
		if parent, ok := trigger.Other["parentExecution"].(map[string]any); ok {
			if above, ok := parent["trigger"].(map[string]any); ok {
				above["executionIdentifier"] = c.Name
			}
		}
		id, err := start(ctx, t.pipelines, in, StartRequest{
			Key: childKey(in, c), Application: s.Application, Pipeline: c.Pipeline, Trigger: trigger,
		})
		switch kind := gennaker.KindOf(err); {
		case err == nil:
			running = append(running, id)
		case kind == gennaker.Unavailable || kind == gennaker.Internal:
			return stage.Outcome{}, err
		default:
			if first == nil {
				first = err
			}
			notStarted = append(notStarted, map[string]any{
				"executionIdentifier": c.Name, "status": string(gennaker.Terminal), "failureMessage": err.Error(),
			})
		}
	}
	if len(running) == 0 {
		return stage.Fail("Child Pipelines were not executed: %v", first).WithHint("%s", gennaker.HintOf(first)), nil
	}
	return stage.Done().WithContext(map[string]any{runningKey: running, notStartedKey: notStarted}), nil
}

// Cancel cancels those that were started, if their answer was lost.
func (t startChildren) Cancel(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, err := stage.Decode[multipleState](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	for _, c := range s.level() {
		id, err := t.pipelines.Started(ctx, childKey(in, c))
		if err == nil {
			err = cancel(ctx, t.pipelines, in, id)
		}
		if err != nil && gennaker.KindOf(err) != gennaker.NotFound {
			return stage.Outcome{}, fmt.Errorf("cancel %s: %w", c.Name, err)
		}
	}
	return stage.Done(), nil
}

type monitorChildren struct{ pipelines Pipelines }

// Run waits until the pipelines of a level ended, and goes on with the next.
func (t monitorChildren) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, err := stage.Decode[multipleState](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	children, err := executions(ctx, t.pipelines, s.Running)
	if err != nil {
		return stage.Outcome{}, err
	}
	out := verdict(children, false)
	if !out.Final() {
		return out, nil
	}
	if len(s.NotStarted) > 0 && out.Status() != gennaker.Terminal {
		out = stage.Fail("%s", notStarted(s.NotStarted))
	}
	results := slices.Clone(s.Results)
	for _, x := range children {
		results = append(results, result(x))
	}
	results = append(results, s.NotStarted...)
	more := s.Level+1 < len(s.Order)
	if more && (out.Status() == gennaker.Succeeded || s.Ignore) {
		return stage.Redirect().WithContext(map[string]any{
			levelKey: float64(s.Level + 1), runningKey: []any{}, notStartedKey: []any{}, resultsKey: results,
		}), nil
	}
	if out.Status() != gennaker.Succeeded {
		out = out.WithOutputs(map[string]any{"executionsList": results})
	}
	return out.WithContext(map[string]any{resultsKey: results}), nil
}

// Cancel cancels the pipelines that run.
func (t monitorChildren) Cancel(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, err := stage.Decode[multipleState](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	for _, id := range s.Running {
		if err := cancel(ctx, t.pipelines, in, id); err != nil {
			return stage.Outcome{}, err
		}
	}
	return stage.Done(), nil
}

func notStarted(list []any) string {
	var all []string
	for _, v := range list {
		m, _ := v.(map[string]any)
		all = append(all, fmt.Sprintf("%v was not started: %v", m["executionIdentifier"], m["failureMessage"]))
	}
	return strings.Join(all, "; ")
}

// result is what a stage shows of a pipeline that it ran.
func result(x gennaker.Execution) map[string]any {
	out := map[string]any{"id": x.ID, "status": string(x.Status)}
	parent, _ := x.Trigger.Other["parentExecution"].(map[string]any)
	if above, ok := parent["trigger"].(map[string]any); ok {
		out["executionIdentifier"] = above["executionIdentifier"]
	}
	for key, at := range map[string]gennaker.Time{"startTime": x.StartTime, "endTime": x.EndTime} {
		if !at.IsZero() {
			out[key] = float64(at.UnixMilli())
		}
	}
	return out
}

// saveResults shows what ran to the stages behind.
func saveResults(_ context.Context, in stage.Input) (stage.Outcome, error) {
	s, err := stage.Decode[multipleState](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	return stage.Done().WithOutputs(map[string]any{"executionsList": s.Results}), nil
}

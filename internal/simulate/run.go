package simulate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// Result is what became of a case.
type Result struct {
	File     string
	Line     int // where the case begins
	Name     string
	Failures []string // why it failed; none if it passed
	Took     time.Duration
}

// monday is when cases begin unless they say otherwise.
func monday() time.Time { return time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC) }

// longest is how much time may pass in a case.
const longest = 60 * 24 * time.Hour

// Run runs the cases of a file whose names select accepts, nil for all. types
// are those that pipelines may hold besides the simulated ones.
//
// Errors: Invalid for pipelines that cannot be read.
func (f File) Run(ctx context.Context, types *stage.Registry, chosen func(name string) bool) ([]Result, error) {
	p, err := f.pipeline(f.Pipeline)
	if err != nil {
		return nil, err
	}
	var others []gennaker.Pipeline
	for _, s := range f.Pipelines {
		other, err := f.pipeline(s)
		if err != nil {
			return nil, err
		}
		others = append(others, other)
	}
	var out []Result
	for _, c := range f.Cases {
		if chosen != nil && !chosen(c.Name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return out, err
		}
		r := Result{File: f.path, Line: c.line, Name: c.Name}
		began := time.Now()
		r.Failures = f.run(ctx, p, others, types, c)
		r.Took = time.Since(began)
		out = append(out, r)
	}
	return out, nil
}

// trial is a case that runs.
type trial struct {
	*Simulation
	c        Case
	id       string
	refusal  error
	failures []string
}

func (f File) run(ctx context.Context, p gennaker.Pipeline, others []gennaker.Pipeline, types *stage.Registry, c Case) []string {
	var err error
	if c.Pipeline.node != nil {
		if p, err = f.pipeline(c.Pipeline); err != nil {
			return []string{err.Error()}
		}
	}
	others = slices.Clone(others)
	for _, s := range c.Pipelines {
		other, err := f.pipeline(s)
		if err != nil {
			return []string{err.Error()}
		}
		others = append(others, other)
	}
	fleet := f.Fleet
	if c.Fleet != nil {
		fleet = *c.Fleet
	}
	w := World{Registry: types, Pipelines: others, Script: Script{}, Now: monday(), Unhealthy: fleet.Unhealthy}
	for _, m := range []Moment{f.Now, c.Now} {
		if !m.IsZero() {
			w.Now = m.Time
		}
	}
	for name, endings := range c.Stages {
		w.Script[name] = endings
	}
	fleet.into(&w)
	s, err := New(w)
	if err != nil {
		return []string{err.Error()}
	}
	trigger, err := c.trigger()
	if err != nil {
		return []string{err.Error()}
	}
	s.Answers = c.Judge
	t := &trial{Simulation: s, c: c}
	t.id, t.refusal = s.Start(ctx, p, trigger)
	for _, step := range c.Steps {
		if err := t.step(ctx, step); err != nil {
			t.fail(step.line, "%v", err)
			return t.failures
		}
	}
	s.Run(longest)
	t.check(ctx, c.Expect, c.line)
	return t.failures
}

func (fl Fleet) into(w *World) {
	w.Objects = fl.Manifests
	for _, g := range fl.ServerGroups {
		account, region := cmp.Or(g.Account, "local"), cmp.Or(g.Region, "local")
		w.Groups = append(w.Groups, gennaker.ServerGroup{
			Name: g.Name, Account: account, Region: region, Disabled: g.Disabled, LoadBalancers: g.LoadBalancers,
			Capacity: gennaker.Capacity{Min: g.Instances, Desired: g.Instances, Max: g.Instances},
		})
		for _, name := range g.LoadBalancers {
			if !slices.ContainsFunc(w.Balancers, func(lb gennaker.LoadBalancer) bool { return lb.Name == name && lb.Account == account }) {
				w.Balancers = append(w.Balancers, gennaker.LoadBalancer{
					Name: name, Account: account, Region: region, Listen: "127.0.0.1:" + strconv.Itoa(firstPort+len(w.Balancers)),
				})
			}
		}
	}
}

// trigger returns the trigger of a case.
func (c Case) trigger() (gennaker.Trigger, error) {
	var t gennaker.Trigger
	text, err := json.Marshal(c.Trigger)
	if err == nil && c.Trigger != nil {
		err = json.Unmarshal(text, &t)
	}
	if err != nil {
		return t, gennaker.Errorf(gennaker.Invalid, "read the trigger: %w", err)
	}
	if t.Parameters == nil {
		t.Parameters = map[string]any{}
	}
	maps.Copy(t.Parameters, c.Parameters)
	return t, nil
}

func (t *trial) fail(line int, format string, args ...any) {
	t.failures = append(t.failures, fmt.Sprintf("line %d: %s", line, fmt.Sprintf(format, args...)))
}

// step lets one thing happen.
func (t *trial) step(ctx context.Context, s Step) error {
	const user = "tester"
	var err error
	switch {
	case s.Wait != nil:
		t.Pass(*s.Wait)
	case s.Judge != nil:
		for name, j := range s.Judge {
			if err := t.patch(ctx, name, cmp.Or(j.By, user), j.values()); err != nil {
				return err
			}
		}
	case s.Patch != "":
		err = t.patch(ctx, s.Patch, user, s.Context)
	case s.Skip != "":
		err = t.skip(ctx, s.Skip, user)
	case s.Restart != "":
		var st gennaker.Stage
		if st, err = t.stage(ctx, s.Restart); err == nil {
			err = t.Restart(ctx, t.id, st.ID, user, nil)
		}
	case s.Cancel != nil:
		err = t.Cancel(ctx, t.id, user, *s.Cancel)
	case s.Pause:
		err = t.Pause(ctx, t.id, user)
	case s.Resume:
		err = t.Resume(ctx, t.id, user)
	}
	t.look()
	if s.Expect != nil {
		t.check(ctx, *s.Expect, s.line)
	}
	return err
}

func (j Judgment) values() map[string]any {
	out := map[string]any{"judgmentStatus": j.With}
	if j.Input != "" {
		out["judgmentInput"] = j.Input
	}
	return out
}

// skip skips the rest of a wait or of a window, or else the stage.
func (t *trial) skip(ctx context.Context, name, user string) error {
	st, err := t.stage(ctx, name)
	if err != nil {
		return err
	}
	x, err := t.Execution(ctx, t.id)
	if err != nil {
		return err
	}
	for _, w := range x.Stages {
		if w.ParentStageID == st.ID && w.Type == stage.WindowType && !w.Status.Complete() {
			return t.Simulation.Patch(ctx, t.id, w.ID, user, map[string]any{"skipRemainingWait": true})
		}
	}
	if st.Type == "wait" || st.Type == stage.WindowType {
		return t.Simulation.Patch(ctx, t.id, st.ID, user, map[string]any{"skipRemainingWait": true})
	}
	return t.Simulation.Patch(ctx, t.id, st.ID, user, map[string]any{"manualSkip": true})
}

func (t *trial) patch(ctx context.Context, name, user string, values map[string]any) error {
	st, err := t.stage(ctx, name)
	if err != nil {
		return err
	}
	return t.Simulation.Patch(ctx, t.id, st.ID, user, values)
}

// stage returns the stage of that name or refId.
func (t *trial) stage(ctx context.Context, name string) (gennaker.Stage, error) {
	if t.refusal != nil {
		return gennaker.Stage{}, fmt.Errorf("it did not start: %w", t.refusal)
	}
	x, err := t.Execution(ctx, t.id)
	if err != nil {
		return gennaker.Stage{}, err
	}
	return find(x, name)
}

func find(x gennaker.Execution, name string) (gennaker.Stage, error) {
	var names []string
	for _, fits := range []func(gennaker.Stage) bool{
		func(s gennaker.Stage) bool { return s.Name == name },
		func(s gennaker.Stage) bool { return s.RefID == name },
	} {
		for _, s := range x.Stages {
			if fits(s) {
				return s, nil
			}
			names = append(names, strconv.Quote(s.Name))
		}
	}
	return gennaker.Stage{}, fmt.Errorf("there is no stage %q; there are %s", name, strings.Join(names[:len(x.Stages)], ", "))
}

// check compares what is with what must be.
func (t *trial) check(ctx context.Context, e Expectation, line int) {
	if e.Refused != "" {
		if t.refusal == nil || !strings.Contains(t.refusal.Error(), e.Refused) {
			t.fail(line, "the start was answered with %v, not refused with %q", t.refusal, e.Refused)
		}
		return
	}
	if t.refusal != nil {
		t.fail(line, "it did not start: %v", t.refusal)
		return
	}
	x, err := t.Execution(ctx, t.id)
	if err != nil {
		t.fail(line, "%v", err)
		return
	}
	if e.Status != "" && x.Status != e.Status {
		t.fail(line, "it is %s, not %s%s", x.Status, e.Status, because(x))
	}
	if !strings.Contains(x.CancelReason, e.Reason) {
		t.fail(line, "it was canceled because %q, not %q", x.CancelReason, e.Reason)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Stages)) {
		t.checkStage(x, name, e.Stages[name], line)
	}
	t.checkOrder(x, e.Order, line)
	if e.Moves != nil && !slices.Equal(*e.Moves, t.Moves()) {
		t.fail(line, "the moves are\n    %s\n  not\n    %s", strings.Join(t.Moves(), "\n    "), strings.Join(*e.Moves, "\n    "))
	}
	if took := x.EndTime.Sub(x.StartTime.Time); e.Within > 0 && (x.EndTime.IsZero() || took > e.Within) {
		t.fail(line, "it took %s, more than %s", took, e.Within)
	}
}

// because says which stages failed, and why.
func because(x gennaker.Execution) string {
	var b strings.Builder
	if x.CancelReason != "" {
		fmt.Fprintf(&b, "; it was canceled: %s", x.CancelReason)
	}
	for _, s := range x.Stages {
		if s.Status.Complete() && !s.Status.Continues() || s.Status == gennaker.FailedContinue {
			fmt.Fprintf(&b, "; %q is %s", s.Name, s.Status)
			if why := reason(s); why != "" {
				fmt.Fprintf(&b, ": %s", why)
			}
		}
	}
	return b.String()
}

// reason is why a stage failed or was skipped.
func reason(s gennaker.Stage) string {
	if why, ok := s.Context["skipReason"].(string); ok {
		return why
	}
	exception, _ := s.Context["exception"].(map[string]any)
	details, _ := exception["details"].(map[string]any)
	errs, _ := details["errors"].([]any)
	out := make([]string, len(errs))
	for i, e := range errs {
		out[i] = fmt.Sprint(e)
	}
	return strings.Join(out, "; ")
}

func (t *trial) checkStage(x gennaker.Execution, name string, want StageState, line int) {
	s, err := find(x, name)
	if err != nil {
		t.fail(line, "%v", err)
		return
	}
	if want.Status != "" && s.Status != want.Status {
		t.fail(line, "stage %q is %s, not %s: %s", name, s.Status, want.Status, cmp.Or(reason(s), "it gives no reason"))
	}
	if why := reason(s); !strings.Contains(why, want.Reason) {
		t.fail(line, "stage %q says %q, not %q", name, why, want.Reason)
	}
	if began := s.StartTime.Sub(x.StartTime.Time); want.After > 0 && (s.StartTime.IsZero() || began < want.After) {
		t.fail(line, "stage %q began after %s, not after %s", name, began, want.After)
	}
	for part, values := range map[string]map[string]any{"context": want.Context, "outputs": want.Outputs} {
		have := s.Context
		if part == "outputs" {
			have = s.Outputs
		}
		for _, path := range slices.Sorted(maps.Keys(values)) {
			got := at(have, path)
			if !equal(got, values[path]) {
				t.fail(line, "%s of stage %q: %s is %s, not %s", part, name, path, show(got), show(values[path]))
			}
		}
	}
}

// checkOrder demands that stages started, one not before the other.
func (t *trial) checkOrder(x gennaker.Execution, names []string, line int) {
	var last gennaker.Stage
	for _, name := range names {
		s, err := find(x, name)
		switch {
		case err != nil:
			t.fail(line, "%v", err)
			return
		case s.StartTime.IsZero():
			t.fail(line, "stage %q never started", name)
		case s.StartTime.Before(last.StartTime.Time):
			t.fail(line, "stage %q started before %q", name, last.Name)
		}
		last = s
	}
}

// at returns what is at a path in open JSON, as a.b[0].c; a key with dots in it
// is found first.
func at(v any, path string) any {
	if m, ok := v.(map[string]any); ok {
		if x, ok := m[path]; ok {
			return x
		}
	}
	for path != "" {
		var key string
		key, path = cut(path)
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// cut takes the first key off a path.
func cut(path string) (key, rest string) {
	path = strings.TrimPrefix(path, ".")
	if strings.HasPrefix(path, "[") {
		key, rest, _ = strings.Cut(path[1:], "]")
		return key, rest
	}
	i := strings.IndexAny(path, ".[")
	if i < 0 {
		return path, ""
	}
	return path[:i], path[i:]
}

// equal compares values as JSON does.
func equal(a, b any) bool { return reflect.DeepEqual(open(a), open(b)) }

// open returns v as decoding its JSON gives it.
func open(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		return v
	}
	return out
}

func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// withNames adds a name and an application to a pipeline without them: many
// definitions are kept in files that say so.
func withNames(text []byte) []byte {
	doc, err := gennaker.ParseDocument(text)
	if err != nil {
		return text
	}
	for key, value := range map[string]string{"name": "pipeline", "application": "test"} {
		if s, _ := doc.Value[key].(string); s == "" {
			doc.Value[key] = value
		}
	}
	out, err := json.Marshal(doc.Value)
	if err != nil {
		return text
	}
	return out
}

package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/flow"
	"github.com/gennaker/gennaker/internal/stage"
)

// memory is an engine.Store that keeps JSON, so that what comes out is what a
// disk would give back.
type memory struct {
	mu     sync.Mutex
	heads  map[string][]byte
	create map[string][]byte
	stages map[string]map[string][]byte
	docs   map[string]map[string]engine.Doc
	open   map[string]bool
	broken error // what Commit answers
}

func newMemory() *memory {
	return &memory{
		heads: map[string][]byte{}, create: map[string][]byte{}, stages: map[string]map[string][]byte{},
		docs: map[string]map[string]engine.Doc{}, open: map[string]bool{},
	}
}

func (m *memory) Commit(_ context.Context, deltas []engine.Delta) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	for _, d := range deltas {
		if d.Head != nil && d.Create == nil && m.create[d.ID] == nil {
			return gennaker.Errorf(gennaker.NotFound, "no execution %s", d.ID)
		}
	}
	for _, d := range deltas {
		if err := m.commit(d); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) commit(d engine.Delta) (err error) {
	if d.Deleted {
		delete(m.create, d.ID)
		return nil
	}
	if d.Create != nil {
		m.stages[d.ID], m.docs[d.ID] = map[string][]byte{}, map[string]engine.Doc{}
		if m.create[d.ID], err = json.Marshal(d.Create); err != nil {
			return err
		}
	}
	if d.Head != nil {
		m.open[d.ID] = !d.Settled
		if m.heads[d.ID], err = json.Marshal(d.Head); err != nil {
			return err
		}
	}
	for _, s := range d.Stages {
		m.stages[d.ID][s.ID] = s.State
	}
	for _, r := range d.Docs {
		if d.Create != nil && string(r.Context) == "{}" && string(r.Outputs) == "{}" {
			continue // nothing stands for it, as in the real store
		}
		old := m.docs[d.ID][r.ID]
		if r.Context != nil {
			old.Context = r.Context
		}
		if r.Outputs != nil {
			old.Outputs = r.Outputs
		}
		if r.LastModified != nil {
			old.LastModified = r.LastModified
		}
		m.docs[d.ID][r.ID] = old
	}
	for _, id := range d.Removed {
		delete(m.stages[d.ID], id)
		delete(m.docs[d.ID], id)
	}
	return nil
}

func (m *memory) Open(ctx context.Context, each func(engine.Stored) error) error {
	m.mu.Lock()
	ids := slices.Sorted(maps.Keys(m.create))
	m.mu.Unlock()
	for _, id := range ids {
		if s, err := m.Load(ctx, id); err != nil {
			return err
		} else if m.open[id] {
			if err := each(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *memory) Load(_ context.Context, id string) (engine.Stored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := engine.Stored{State: &flow.State{}, Docs: map[string]engine.Doc{}}
	if m.create[id] == nil {
		return s, gennaker.Errorf(gennaker.NotFound, "no execution %s", id)
	}
	if err := json.Unmarshal(m.create[id], &s.Execution); err != nil {
		return s, err
	}
	if err := json.Unmarshal(m.heads[id], s.State); err != nil {
		return s, err
	}
	var stages []*flow.Stage
	for _, b := range m.stages[id] {
		st := &flow.Stage{}
		if err := json.Unmarshal(b, st); err != nil {
			return s, err
		}
		stages = append(stages, st)
	}
	s.State.Restore(stages)
	maps.Copy(s.Docs, m.docs[id])
	return s, nil
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

// world is an engine with a few stage types.
type world struct {
	t     *testing.T
	store *memory
	*engine.Engine
	reg *stage.Registry

	mu      sync.Mutex
	effects map[string]int // by key
	events  chan gennaker.Event
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: newMemory(), effects: map[string]int{}, events: make(chan gennaker.Event, 100_000)}
	w.register()
	w.start()
	return w
}

func (w *world) start() {
	w.t.Helper()
	e, err := engine.New(w.t.Context(), engine.Config{
		Store: w.store, Registry: w.reg, Log: slog.New(slog.DiscardHandler),
		Publish: func(ev gennaker.Event) { w.events <- ev },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Engine = e
	w.t.Cleanup(func() { w.stop(e) })
}

func (w *world) stop(e *engine.Engine) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := e.Close(ctx); err != nil {
		w.t.Error(err)
	}
}

func (w *world) effect(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.effects[key]++
}

func (w *world) count(part string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for k, c := range w.effects {
		if strings.Contains(k, part) {
			n += c
		}
	}
	return n
}

func (w *world) register() {
	w.reg = &stage.Registry{}
	task := func(f stage.TaskFunc) []stage.Step { return []stage.Step{{Name: "do", Task: f}} }
	stage.Add[struct{}](w.reg, stage.Definition{Type: "work", Steps: task(func(_ context.Context, in stage.Input) (stage.Outcome, error) {
		w.effect(in.Key)
		return stage.Done().WithOutputs(map[string]any{"from": in.Stage.RefID, "got": in.Get("from")}), nil
	})})
	stage.Add[struct{}](w.reg, stage.Definition{Type: "judge", Steps: task(func(_ context.Context, in stage.Input) (stage.Outcome, error) {
		if in.Stage.Context["verdict"] == nil {
			return stage.Wait(time.Time{}), nil
		}
		return stage.Done(), nil
	})})
	stage.Add[struct{}](w.reg, stage.Definition{Type: "topic", Steps: task(func(_ context.Context, in stage.Input) (stage.Outcome, error) {
		w.effect("looked")
		if w.count("ready") == 0 {
			return stage.Wait(time.Time{}, "weather"), nil
		}
		return stage.Done(), nil
	})})
	stage.Add[struct{}](w.reg, stage.Definition{Type: "fail", Steps: task(func(context.Context, stage.Input) (stage.Outcome, error) {
		return stage.Fail("it is broken").WithHint("mend it"), nil
	})})
	stage.Add[struct{}](w.reg, stage.Definition{Type: "everything", Steps: task(func(_ context.Context, in stage.Input) (stage.Outcome, error) {
		if w.count("looked") > 0 {
			return stage.Done(), nil
		}
		w.effect("looked")
		w.SignalAll() // behind its look, and before it waits
		return stage.Wait(time.Time{}, "weather"), nil
	})})
	stage.Add[struct{}](w.reg, stage.Definition{Type: "panic", Steps: task(func(context.Context, stage.Input) (stage.Outcome, error) { panic("oh") })})
	stage.Add[struct{}](w.reg, stage.Definition{Type: "flaky", Steps: task(func(_ context.Context, in stage.Input) (stage.Outcome, error) {
		w.effect("try")
		if in.Attempt < 4 {
			return stage.Outcome{}, gennaker.Errorf(gennaker.Unavailable, "not now")
		}
		return stage.Done(), nil
	})})
	stage.Add[struct{}](w.reg, stage.Definition{Type: "slow", Steps: []stage.Step{{Name: "do", Task: slow{w}, Timeout: time.Minute}}})
	stage.Add[struct{}](w.reg, stage.Definition{
		Type: "around", Steps: task(func(context.Context, stage.Input) (stage.Outcome, error) { return stage.Done(), nil }),
		Start: func(c map[string]any) map[string]any { return map[string]any{"flat": c["nested"]} },
		Before: func(_ context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
			return stage.Linear(gennaker.StageConfig{Type: "work", Name: fmt.Sprint("before ", in.Stage.Context["flat"])}), nil
		},
		After: func(context.Context, stage.Input) ([]gennaker.StageConfig, error) {
			return stage.Linear(gennaker.StageConfig{Type: "work"}, gennaker.StageConfig{Type: "work"}), nil
		},
	})
}

// slow runs until it is interrupted, and undoes itself.
type slow struct{ w *world }

func (s slow) Run(ctx context.Context, _ stage.Input) (stage.Outcome, error) {
	s.w.effect("slow runs")
	<-ctx.Done()
	return stage.Outcome{}, context.Cause(ctx)
}

func (s slow) Cancel(context.Context, stage.Input) (stage.Outcome, error) {
	s.w.effect("slow undone")
	return stage.Fail("the cloud is slow").WithContext(map[string]any{"undone": true}), nil
}

// chain is an execution of stages one behind the other.
func chain(types ...string) gennaker.Execution {
	x := gennaker.Execution{Type: gennaker.TypePipeline, Application: "app", Name: "p", Trigger: gennaker.Trigger{Type: "manual"}}
	for i, typ := range types {
		st := gennaker.Stage{RefID: fmt.Sprint(i), Type: typ, Name: typ, Context: map[string]any{"n": i}}
		if i > 0 {
			st.Requires = []string{fmt.Sprint(i - 1)}
		}
		x.Stages = append(x.Stages, st)
	}
	return x
}

func (w *world) submit(x gennaker.Execution) string {
	w.t.Helper()
	id, err := w.Submit(w.t.Context(), x)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) view(id string) gennaker.Execution {
	w.t.Helper()
	s, err := w.store.Load(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	x, err := s.View(true)
	if err != nil {
		w.t.Fatal(err)
	}
	return x
}

// until waits for an execution to satisfy ok, woken by the engine's events.
func (w *world) until(id string, ok func(gennaker.Execution) bool) gennaker.Execution {
	w.t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		if x := w.view(id); ok(x) {
			return x
		}
		select {
		case <-w.events:
		case <-time.After(20 * time.Millisecond): // another waiter may have taken the event
		case <-deadline:
			w.t.Fatalf("execution %s stays %s", id, dump(w.view(id)))
		}
	}
}

func (w *world) end(id string) gennaker.Execution {
	w.t.Helper()
	return w.until(id, func(x gennaker.Execution) bool { return x.Status.Complete() })
}

func dump(x gennaker.Execution) string {
	var b strings.Builder
	fmt.Fprint(&b, x.Status)
	for _, s := range x.Stages {
		fmt.Fprintf(&b, " %s:%s", s.RefID, s.Status)
	}
	return b.String()
}

func running(ref string) func(gennaker.Execution) bool {
	return func(x gennaker.Execution) bool {
		return slices.ContainsFunc(x.Stages, func(s gennaker.Stage) bool {
			return s.RefID == ref && len(s.Tasks) > 0 && s.Tasks[0].Status == gennaker.Running
		})
	}
}

func TestOutputsReachTheStagesBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.end(w.submit(chain("work", "around", "work")))
	if got, want := dump(x), "SUCCEEDED 0:SUCCEEDED 1<1:SUCCEEDED 1:SUCCEEDED 1>1:SUCCEEDED 1>2:SUCCEEDED 2:SUCCEEDED"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var got []any
	for _, s := range x.Stages {
		got = append(got, s.Outputs["got"])
	}
	if diff := cmp.Diff([]any{nil, "0", nil, "1<1", "1>1", "1<1"}, got); diff != "" {
		t.Errorf("what each stage saw of the nearest one (-want +got):\n%s", diff)
	}
	if x.Stages[2].Context["flat"] != nil || x.Stages[2].Context["n"] != nil {
		t.Errorf("Start replaces the context, got %v", x.Stages[2].Context)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		typ, want string
		tries     int
	}{
		"a failure is explained":  {"fail", "it is broken", 0},
		"a panic is a failure":    {"panic", "panicked: oh", 0},
		"an unknown type is":      {"nonsense", `no stage type "nonsense"`, 0},
		"an error is tried again": {"flaky", "", 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			x := w.end(w.submit(chain(tt.typ)))
			if tt.want == "" {
				if x.Status != gennaker.Succeeded || w.count("try") != tt.tries {
					t.Errorf("got %s after %d tries", dump(x), w.count("try"))
				}
				return
			}
			b, err := json.Marshal(x.Stages[0].Context["exception"])
			if err != nil {
				t.Fatal(err)
			}
			if x.Status != gennaker.Terminal || !strings.Contains(strings.ReplaceAll(string(b), `\"`, `"`), tt.want) {
				t.Errorf("got %s with %s", dump(x), b)
			}
		})
	}
}

func TestSignalIsNotLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submit(chain("topic"))
	w.until(id, running("0"))
	w.Signal("rain")
	w.effect("ready")
	w.Signal("weather")
	if x := w.end(id); x.Status != gennaker.Succeeded {
		t.Error(dump(x))
	}
}

// TestSignalOfAllIsNotLost: what may have happened is looked at again by a task
// that looked before, and only then waits.
func TestSignalOfAllIsNotLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if x := w.end(w.submit(chain("everything"))); x.Status != gennaker.Succeeded {
		t.Error(dump(x))
	}
}

func TestJudgment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submit(chain("judge", "work"))
	x := w.until(id, running("0"))
	if err := w.Patch(t.Context(), id, x.Stages[0].ID, "jo", map[string]any{"verdict": "yes"}); err != nil {
		t.Fatal(err)
	}
	x = w.end(id)
	if x.Status != gennaker.Succeeded || x.Stages[0].LastModified == nil || x.Stages[0].LastModified.User != "jo" || x.Stages[0].Context["lastModifiedBy"] != "jo" {
		t.Errorf("%s %+v", dump(x), x.Stages[0])
	}
	if err := w.Patch(t.Context(), id, x.Stages[0].ID, "jo", nil); gennaker.KindOf(err) != gennaker.Conflict {
		t.Errorf("a change of a complete execution: %v", err)
	}
}

// A stage without configuration has nothing stored of its open JSON.
func TestStageWithoutConfigurationIsLoaded(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*world){
		"after it was parked": func(*world) {},
		"after a restart":     func(w *world) { w.stop(w.Engine); w.start() },
	}
	for name, between := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			x := chain("judge")
			x.Stages[0].Context = nil
			id := w.submit(x)
			st := w.until(id, running("0")).Stages[0]
			between(w)
			if err := w.Patch(t.Context(), id, st.ID, "jo", map[string]any{"verdict": "yes"}); err != nil {
				t.Fatal(err)
			}
			if x := w.end(id); x.Status != gennaker.Succeeded {
				t.Error(dump(x))
			}
		})
	}
}

func TestCancelInterruptsAndUndoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submit(chain("slow", "work"))
	w.until(id, func(gennaker.Execution) bool { return w.count("slow runs") > 0 })
	if err := w.Cancel(t.Context(), id, "jo", "too slow"); err != nil {
		t.Fatal(err)
	}
	x := w.until(id, func(x gennaker.Execution) bool { return x.Stages[0].Status.Complete() })
	if x.Status != gennaker.Canceled || !x.Canceled || x.CanceledBy != "jo" || x.CancelReason != "too slow" || x.Stages[0].Context["undone"] != true || w.count("slow undone") != 1 {
		t.Errorf("%s %+v", dump(x), x.Stages[0].Context)
	}
	if err := w.Cancel(t.Context(), id, "jo", ""); err != nil {
		t.Errorf("a second cancel: %v", err)
	}
	if err := w.Cancel(t.Context(), "nobody", "jo", ""); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("an unknown execution: %v", err)
	}
}

func TestTimeoutIsExplained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.submit(chain("slow"))
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if x := w.view(id); x.Status != gennaker.Running {
			t.Fatalf("before the deadline: %s", dump(x))
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		x := w.view(id)
		b, err := json.Marshal(x.Stages[0].Context["exception"])
		if err != nil {
			t.Fatal(err)
		}
		if x.Status != gennaker.Terminal || !strings.Contains(string(b), "do of stage slow timed out after 1m0s: the cloud is slow") {
			t.Errorf("%s %s", dump(x), b)
		}
		w.stop(w.Engine)
	})
}

func TestPauseResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submit(chain("judge", "work"))
	x := w.until(id, running("0"))
	if err := w.Pause(t.Context(), id, "jo"); err != nil {
		t.Fatal(err)
	}
	if err := w.Pause(t.Context(), id, "jo"); gennaker.KindOf(err) != gennaker.Conflict {
		t.Errorf("a second pause: %v", err)
	}
	if err := w.Patch(t.Context(), id, x.Stages[0].ID, "jo", map[string]any{"verdict": 1}); err != nil {
		t.Fatal(err)
	}
	if got := dump(w.view(id)); got != "PAUSED 0:PAUSED 1:NOT_STARTED" {
		t.Error(got)
	}
	if err := w.Resume(t.Context(), id, "jo"); err != nil {
		t.Fatal(err)
	}
	if x := w.end(id); x.Status != gennaker.Succeeded || x.Paused == nil || x.Paused.ResumedBy != "jo" {
		t.Error(dump(x))
	}
}

func TestRestartHasNewKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submit(chain("work", "fail", "work"))
	x := w.end(id)
	if err := w.Restart(t.Context(), id, x.Stages[0].ID, "jo", nil); err != nil {
		t.Fatal(err)
	}
	x = w.until(id, func(x gennaker.Execution) bool { return w.count("") == 2 && x.Status.Complete() })
	if x.Status != gennaker.Terminal || len(w.effects) != 2 {
		t.Errorf("%s %v", dump(x), w.effects)
	}
	details, _ := x.Stages[0].Context["restartDetails"].(map[string]any)
	if details["restartedBy"] != "jo" {
		t.Errorf("restartDetails %v", details)
	}
}

func limited(keep bool) gennaker.Execution {
	x := chain("judge")
	x.PipelineConfigID, x.LimitConcurrent, x.KeepWaiting = "config", true, keep
	return x
}

func TestConcurrencyLimits(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]bool{"only the newest runs": false, "all run in turn": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first := w.submit(limited(keep))
			second, third := w.submit(limited(keep)), w.submit(limited(keep))
			w.until(first, running("0"))
			for _, id := range []string{second, third} {
				if x := w.view(id); x.Status != gennaker.NotStarted {
					t.Fatalf("%s beside the first", dump(x))
				}
			}
			w.judge(first)
			if !keep {
				if x := w.end(second); x.Status != gennaker.Canceled || !strings.Contains(x.CancelReason, "superceded") {
					t.Errorf("second: %s %q", dump(x), x.CancelReason)
				}
			} else {
				w.until(second, running("0"))
				w.judge(second)
			}
			w.until(third, running("0"))
			w.judge(third)
		})
	}
}

func (w *world) judge(id string) {
	w.t.Helper()
	if err := w.Patch(w.t.Context(), id, w.view(id).Stages[0].ID, "jo", map[string]any{"verdict": 1}); err != nil {
		w.t.Fatal(err)
	}
	if x := w.end(id); x.Status != gennaker.Succeeded {
		w.t.Errorf("judged: %s", dump(x))
	}
}

func TestSubmitOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := chain("judge")
	x.ID = engine.NewID()
	a, b := w.submit(x), w.submit(x)
	if a != x.ID || b != x.ID {
		t.Errorf("by ID: %s, %s", a, b)
	}
	y := chain("judge")
	y.Trigger.CorrelationID = "build 7"
	c, d := w.submit(y), w.submit(y)
	if c != d {
		t.Errorf("by correlation ID: %s, %s", c, d)
	}
	w.until(c, running("0"))
	w.judge(c)
	if e := w.submit(y); e == c {
		t.Error("the correlation ID of a complete execution still counts")
	}
}

// TestStorageFails: a new execution is refused with the reason, and what runs
// goes on when the storage works again.
func TestStorageFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submit(chain("topic", "work"))
	w.until(id, running("0"))
	w.store.fail(gennaker.Errorf(gennaker.Unavailable, "the disk is full"))
	if _, err := w.Submit(t.Context(), chain("work")); err == nil || err.Error() != "the disk is full" {
		t.Fatalf("a submission: %v", err)
	}
	if w.Health() == nil {
		t.Error("the engine says that it is well")
	}
	w.effect("ready")
	w.Signal("weather")
	w.store.fail(nil)
	if x := w.end(id); x.Status != gennaker.Succeeded {
		t.Error(dump(x))
	}
	if x := w.end(w.submit(chain("work"))); x.Status != gennaker.Succeeded {
		t.Error(dump(x))
	}
}

// TestNextProcessGoesOn: what was outstanding is done by the next engine, and
// what was done is not done again under another key.
func TestNextProcessGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submit(chain("work", "judge", "around", "slow"))
	x := w.until(id, running("1"))
	w.stop(w.Engine)
	if _, err := w.Submit(t.Context(), chain("work")); gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("a closed engine: %v", err)
	}
	w.start()
	if err := w.Patch(t.Context(), id, x.Stages[1].ID, "jo", map[string]any{"verdict": 1}); err != nil {
		t.Fatal(err)
	}
	w.until(id, func(gennaker.Execution) bool { return w.count("slow runs") > 0 })
	w.stop(w.Engine)
	w.start()
	w.until(id, func(gennaker.Execution) bool { return w.count("slow runs") > 1 })
	if err := w.Cancel(t.Context(), id, "jo", ""); err != nil {
		t.Fatal(err)
	}
	w.end(id)
	for key, n := range w.effects {
		if strings.Contains(key, "/") && n != 1 {
			t.Errorf("%s was done %d times", key, n)
		}
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submit(chain("judge"))
	w.until(id, running("0"))
	if err := w.Delete(t.Context(), id); gennaker.KindOf(err) != gennaker.Conflict {
		t.Errorf("while it runs: %v", err)
	}
	w.judge(id)
	if err := w.Delete(t.Context(), id); err != nil {
		t.Error(err)
	}
	for ev := range w.events {
		if ev.Execution == id && ev.Stage == "" && ev.Status == "" {
			break // everybody is told
		}
	}
	if err := w.Delete(t.Context(), id); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("again: %v", err)
	}
}

// TestWaitingHoldsNoGoroutine: a thousand executions that wait cost state only.
func TestWaitingHoldsNoGoroutine(t *testing.T) {
	w := newWorld(t)
	before := runtime.NumGoroutine()
	var ids []string
	for range 1000 {
		ids = append(ids, w.submit(chain("judge")))
	}
	for _, id := range ids {
		w.until(id, running("0"))
	}
	w.Signal("nothing") // folded behind the answers of all tasks
	if err := w.Pause(t.Context(), ids[0], "jo"); err != nil {
		t.Fatal(err)
	}
	if n := runtime.NumGoroutine() - before; n > 150 {
		t.Errorf("%d goroutines more with 1,000 executions that wait", n)
	}
}

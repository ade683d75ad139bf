package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/flow"
	"github.com/gennaker/gennaker/internal/store"
)

func list(t *testing.T, db *store.DB, q gennaker.ExecutionQuery) []string {
	t.Helper()
	xs, err := db.Executions(t.Context(), q)
	if err != nil {
		t.Fatalf("Executions(%+v): %v", q, err)
	}
	ids := make([]string, len(xs))
	for i, x := range xs {
		ids[i] = x.ID
	}
	return ids
}

func TestExecutionsSelect(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	commit(
		t, db,
		run{id: "1", config: "p", built: 1, status: gennaker.Succeeded, settled: true}.delta(),
		run{id: "2", config: "p", built: 2, status: gennaker.Terminal, settled: true}.delta(),
		run{id: "3", config: "q", built: 3, application: "Demo"}.delta(),
		run{id: "4", config: "q", built: 3}.delta(),
		run{id: "5", config: "r", built: 5, application: "other"}.delta(),
		run{id: "6", built: 6, typ: gennaker.TypeOrchestration}.delta(),
	)
	tests := map[string]struct {
		q    gennaker.ExecutionQuery
		want []string
	}{
		"everything":             {gennaker.ExecutionQuery{}, []string{"6", "5", "4", "3", "2", "1"}},
		"type":                   {gennaker.ExecutionQuery{Type: gennaker.TypePipeline}, []string{"5", "4", "3", "2", "1"}},
		"application, any case":  {gennaker.ExecutionQuery{Application: "DEMO"}, []string{"6", "4", "3", "2", "1"}},
		"pipelines":              {gennaker.ExecutionQuery{PipelineConfigIDs: []string{"p", "r", "p", "x"}}, []string{"5", "2", "1"}},
		"pipelines of another":   {gennaker.ExecutionQuery{Application: "other", PipelineConfigIDs: []string{"p", "r"}}, []string{"5"}},
		"ids":                    {gennaker.ExecutionQuery{IDs: []string{"1", "6", "nope", "1"}}, []string{"6", "1"}},
		"ids and the rest":       {gennaker.ExecutionQuery{IDs: []string{"1", "2", "3", "5", "6"}, Type: gennaker.TypePipeline, Application: "demo", Statuses: []gennaker.Status{gennaker.Terminal, gennaker.Running}}, []string{"3", "2"}},
		"statuses":               {gennaker.ExecutionQuery{Statuses: []gennaker.Status{gennaker.Succeeded, gennaker.Terminal}}, []string{"2", "1"}},
		"limit":                  {gennaker.ExecutionQuery{Limit: 2}, []string{"6", "5"}},
		"per pipeline":           {gennaker.ExecutionQuery{PerPipeline: true, Limit: 1}, []string{"5", "4", "2"}},
		"per pipeline of an app": {gennaker.ExecutionQuery{Application: "demo", PerPipeline: true, Limit: 1}, []string{"4", "2"}},
		"per pipeline of ids":    {gennaker.ExecutionQuery{IDs: []string{"1", "2", "3", "6"}, PerPipeline: true, Limit: 1}, []string{"3", "2"}},
		"before":                 {gennaker.ExecutionQuery{Before: "4", Limit: 2}, []string{"3", "2"}},
		"before of another":      {gennaker.ExecutionQuery{Application: "demo", Before: "5"}, []string{"4", "3", "2", "1"}},
		"before and ids":         {gennaker.ExecutionQuery{IDs: []string{"1", "4", "6"}, Before: "4"}, []string{"1"}},
		"oldest first":           {gennaker.ExecutionQuery{OldestFirst: true, Before: "1", Limit: 2}, []string{"2", "3"}},
		"built between":          {gennaker.ExecutionQuery{BuiltFrom: gennaker.Millis(1_700_000_000_002), BuiltTo: gennaker.Millis(1_700_000_000_003)}, []string{"4", "3", "2"}},
		"nothing":                {gennaker.ExecutionQuery{Application: "none"}, []string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, list(t, db, tt.q)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, err := db.Executions(t.Context(), gennaker.ExecutionQuery{Before: "nope"}); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("Before an unknown execution = %v, want NotFound", err)
	}
}

// Any query answers what a filter over all executions would.
func TestExecutionsLikeAFilter(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	var all []run
	for i := range 60 {
		r := run{
			id: fmt.Sprintf("%02d", i), built: int64(i / 3 * 7 % 11), config: []string{"", "p", "q", "r"}[i%4],
			application: []string{"one", "two"}[i%4/2], typ: gennaker.TypePipeline,
			status: []gennaker.Status{gennaker.Running, gennaker.Succeeded, gennaker.Terminal}[i%3],
		}
		if r.config == "" {
			r.typ = gennaker.TypeOrchestration
		}
		all = append(all, r)
		commit(t, db, r.delta())
	}
	slices.SortFunc(all, func(a, b run) int {
		if a.built != b.built {
			return int(b.built - a.built)
		}
		return int(b.id[0])*256 + int(b.id[1]) - int(a.id[0])*256 - int(a.id[1])
	})
	rapid.Check(t, func(rt *rapid.T) {
		q := gennaker.ExecutionQuery{
			Type:              rapid.SampledFrom([]gennaker.ExecutionType{"", "", gennaker.TypePipeline, gennaker.TypeOrchestration}).Draw(rt, "type"),
			Application:       rapid.SampledFrom([]string{"", "one", "two"}).Draw(rt, "application"),
			PipelineConfigIDs: rapid.SliceOfN(rapid.SampledFrom([]string{"p", "q", "r", "x"}), 0, 2).Draw(rt, "configs"),
			Statuses:          rapid.SliceOfN(rapid.SampledFrom([]gennaker.Status{gennaker.Running, gennaker.Succeeded, gennaker.Paused}), 0, 2).Draw(rt, "statuses"),
			Limit:             rapid.IntRange(0, 12).Draw(rt, "limit"),
			PerPipeline:       rapid.Bool().Draw(rt, "per pipeline"),
		}
		q.OldestFirst = rapid.Bool().Draw(rt, "oldest first")
		if rapid.Bool().Draw(rt, "from") {
			q.BuiltFrom = gennaker.Millis(1_700_000_000_000 + rapid.Int64Range(-1, 12).Draw(rt, "built from"))
		}
		if rapid.Bool().Draw(rt, "to") {
			q.BuiltTo = gennaker.Millis(1_700_000_000_000 + rapid.Int64Range(-1, 12).Draw(rt, "built to"))
		}
		if rapid.Bool().Draw(rt, "paged") {
			q.Before = rapid.SampledFrom(all).Draw(rt, "before").id
		}
		if rapid.Bool().Draw(rt, "named") {
			for _, r := range rapid.SliceOfN(rapid.SampledFrom(all), 1, 30).Draw(rt, "ids") {
				q.IDs = append(q.IDs, r.id)
			}
		}
		if diff := cmp.Diff(filter(all, q), list(t, db, q)); diff != "" {
			rt.Fatalf("%+v (-want +got):\n%s", q, diff)
		}
	})
}

// filter is what a listing means.
func filter(all []run, q gennaker.ExecutionQuery) []string {
	out := []string{}
	taken := map[string]int{}
	passed := q.Before == ""
	if q.OldestFirst {
		all = slices.Clone(all)
		slices.Reverse(all)
	}
	for _, r := range all {
		built := gennaker.Millis(1_700_000_000_000 + r.built)
		selected := passed
		passed = passed || r.id == q.Before
		switch {
		case !selected,
			q.Type != "" && r.typ != q.Type,
			q.Application != "" && r.application != q.Application,
			len(q.PipelineConfigIDs) > 0 && !slices.Contains(q.PipelineConfigIDs, r.config),
			len(q.IDs) > 0 && !slices.Contains(q.IDs, r.id),
			len(q.Statuses) > 0 && !slices.Contains(q.Statuses, r.status),
			!q.BuiltFrom.IsZero() && built.Before(q.BuiltFrom.Time),
			!q.BuiltTo.IsZero() && built.After(q.BuiltTo.Time),
			q.PerPipeline && r.config == "":
			continue
		}
		of := ""
		if q.PerPipeline {
			of = r.config
		}
		if taken[of]++; q.Limit == 0 || taken[of] <= q.Limit {
			out = append(out, r.id)
		}
	}
	return out
}

func TestExecutionsExpand(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	d := run{id: "A", stages: 4}.delta()
	for i, context := range []string{`{"group":"g","n":1}`, `{"group":null}`, `{"note":"the \"group\""}`} {
		d.Docs[i].Context = json.RawMessage(context)
	}
	d.Docs[3].LastModified = json.RawMessage(`{"user":"ann","lastModifiedTime":5}`)
	st := &flow.Stage{}
	if err := json.Unmarshal(d.Stages[0].State, st); err != nil {
		t.Fatal(err)
	}
	st.Tasks = []flow.Task{{Name: "wait"}}
	d.Stages[0].State, _ = json.Marshal(st)
	d.Docs[0].Outputs = json.RawMessage(`{"o":1}`)
	commit(t, db, d)

	full, err := db.Execution(t.Context(), "A")
	if err != nil {
		t.Fatal(err)
	}
	if s := full.Stages[0]; len(s.Tasks) != 1 || len(s.Context) != 2 || len(s.Outputs) != 1 {
		t.Errorf("Execution is not expanded: %+v", s)
	}
	for _, expand := range []bool{true, false} {
		xs, err := db.Executions(t.Context(), gennaker.ExecutionQuery{Expand: expand})
		if err != nil || len(xs) != 1 {
			t.Fatalf("Executions = %v, %v", xs, err)
		}
		want := full
		if !expand {
			want = full.Unexpanded()
		}
		if diff := cmp.Diff(want, xs[0]); diff != "" {
			t.Errorf("expand %t (-want +got):\n%s", expand, diff)
		}
	}
	xs, err := db.Executions(t.Context(), gennaker.ExecutionQuery{NoStages: true})
	if err != nil || len(xs) != 1 {
		t.Fatalf("Executions = %v, %v", xs, err)
	}
	want := full
	want.Stages = []gennaker.Stage{}
	if diff := cmp.Diff(want, xs[0]); diff != "" {
		t.Errorf("no stages (-want +got):\n%s", diff)
	}
	if _, err := db.Execution(t.Context(), "nope"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("Execution of an unknown ID = %v, want NotFound", err)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	var deltas []engine.Delta
	for i := range 250 { // more than two batches
		deltas = append(deltas, run{id: fmt.Sprintf("p%03d", i), config: "p", built: int64(i), status: gennaker.Succeeded, settled: true, stages: 1}.delta())
	}
	for i := range 3 {
		deltas = append(deltas, run{id: fmt.Sprintf("q%d", i), config: "q", built: int64(i), status: gennaker.Terminal, settled: true}.delta())
		deltas = append(deltas, run{id: fmt.Sprintf("t%d", i), built: int64(i), typ: gennaker.TypeOrchestration, status: gennaker.Succeeded, settled: true}.delta())
	}
	deltas = append(deltas, run{id: "open", built: 0}.delta(), run{id: "winding down", built: 0, status: gennaker.Canceled}.delta())
	commit(t, db, deltas...)

	n, err := db.Prune(t.Context(), gennaker.Millis(1_700_000_000_000+240).Time, 2)
	if err != nil || n != 240+1+3 {
		t.Fatalf("Prune = %d, %v, want 244", n, err)
	}
	want := []string{
		"p249", "p248", "p247", "p246", "p245", "p244", "p243", "p242", "p241", "p240", "q2", "q1", "winding down", "open",
	}
	if diff := cmp.Diff(want, list(t, db, gennaker.ExecutionQuery{})); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if n, err := db.Prune(t.Context(), gennaker.Millis(1_700_000_000_000+1000).Time, 4); err != nil || n != 6 {
		t.Errorf("Prune = %d, %v, want 6", n, err)
	}
	if diff := cmp.Diff([]string{"p249", "p248", "p247", "p246", "q2", "q1", "winding down", "open"}, list(t, db, gennaker.ExecutionQuery{})); diff != "" {
		t.Errorf("left by count (-want +got):\n%s", diff)
	}
}

package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/flow"
)

// The shape of the figure to reach: executions of 10 stages × 3 tasks with
// contexts of 4 KB, every task durable before the next.
const (
	benchStages  = 10
	benchTasks   = 3
	benchContext = 4 << 10
	benchBatch   = 200 // executions that go on at a time, a delta each
)

// benchDeltas returns what the engine stores of one execution, in order.
func benchDeltas(id string) []engine.Delta {
	x := gennaker.Execution{
		ID: id, Type: gennaker.TypePipeline, Application: "bench", Name: "bench", PipelineConfigID: "config",
		BuildTime: gennaker.Millis(1_700_000_000_000), Status: gennaker.NotStarted,
	}
	head := flow.New(x)
	context, _ := json.Marshal(map[string]string{"text": strings.Repeat("x", benchContext)})
	stages := make([]*flow.Stage, benchStages)
	row := func(i int) engine.StageRow {
		b, _ := json.Marshal(stages[i])
		return engine.StageRow{ID: stages[i].ID, State: b}
	}
	create := engine.Delta{ID: id, Create: &x, Head: head}
	for i := range stages {
		stages[i] = &flow.Stage{
			ID: fmt.Sprintf("01HZZZZZZZZZZZZZZZZZZZ%04d", i), Seq: i, Ref: fmt.Sprint(i),
			Type: "wait", Name: "Wait a little", Status: gennaker.NotStarted,
		}
		create.Stages = append(create.Stages, row(i))
		create.Docs = append(create.Docs, engine.DocRow{ID: stages[i].ID, Doc: engine.Doc{Context: context}})
	}
	running := *head
	running.Status, running.Start = gennaker.Running, gennaker.Millis(1_700_000_000_001)
	out := []engine.Delta{create, {ID: id, Head: &running}}
	for i, st := range stages {
		st.Status, st.Start, st.Planned = gennaker.Running, gennaker.Millis(1_700_000_000_001), true
		for range benchTasks {
			st.Tasks = append(st.Tasks, flow.Task{Name: "taskOfTheStage", Status: gennaker.NotStarted, TimeoutMS: 3_600_000})
		}
		out = append(out, engine.Delta{ID: id, Stages: []engine.StageRow{row(i)}})
		for j := range st.Tasks {
			st.Tasks[j].Status, st.Tasks[j].Start, st.Tasks[j].End = gennaker.Succeeded, st.Start, gennaker.Millis(1_700_000_000_999)
			out = append(out, engine.Delta{ID: id, Stages: []engine.StageRow{row(i)}})
		}
		last := &out[len(out)-1]
		last.Docs = []engine.DocRow{{ID: st.ID, Doc: engine.Doc{Outputs: json.RawMessage(`{"answer":42}`)}}}
	}
	done := running
	done.Status, done.End = gennaker.Succeeded, gennaker.Millis(1_700_000_000_999)
	return append(out, engine.Delta{ID: id, Head: &done, Settled: true})
}

// benchBatches returns the deltas of one round: benchBatch executions side by
// side, step by step.
func benchBatches(round int) (batches [][]engine.Delta, rows int) {
	for i := range benchBatch {
		for step, d := range benchDeltas(fmt.Sprintf("01HX%010d%012d", round, i)) {
			if step == len(batches) {
				batches = append(batches, nil)
			}
			batches[step] = append(batches[step], d)
			rows += len(d.Stages)
		}
	}
	return batches, rows
}

func BenchmarkCommit(b *testing.B) {
	db, err := Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	benchRounds(b, func(batch []engine.Delta) error { return db.Commit(b.Context(), batch) })
}

// BenchmarkBare is the floor: the same rows in the same batches, with nothing
// around the statements.
func BenchmarkBare(b *testing.B) {
	db, err := Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	ctx := b.Context()
	conn, err := db.w.Conn(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	prepare := func(text string) *sql.Stmt {
		st, err := conn.PrepareContext(ctx, text)
		if err != nil {
			b.Fatal(err)
		}
		return st
	}
	begin, commit := prepare("BEGIN IMMEDIATE"), prepare("COMMIT")
	insert, put, doc := prepare(sqlInsertExecution), prepare(sqlPutStage), prepare(sqlPutDoc)
	must := func(_ sql.Result, err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	benchRounds(b, func(batch []engine.Delta) error {
		must(begin.Exec())
		for _, d := range batch {
			if d.Create != nil {
				must(insert.Exec(d.ID, "PIPELINE", "bench", "config", "bench", "RUNNING", 1, 1, 1, 1, "{}", "{}"))
			}
			for _, s := range d.Stages {
				must(put.Exec(d.ID, s.ID, string(s.State)))
			}
			for _, s := range d.Docs {
				for part, text := range parts(&s.Doc) {
					if *text != nil {
						must(doc.Exec(d.ID, s.ID, part, "", string(*text)))
					}
				}
			}
		}
		must(commit.Exec())
		return nil
	})
}

func benchRounds(b *testing.B, commit func([]engine.Delta) error) {
	var rows int
	var spent time.Duration
	for round := 0; b.Loop(); round++ {
		b.StopTimer()
		batches, n := benchBatches(round)
		rows += n
		b.StartTimer()
		began := time.Now()
		for _, batch := range batches {
			if err := commit(batch); err != nil {
				b.Fatal(err)
			}
		}
		spent += time.Since(began)
	}
	b.ReportMetric(float64(rows)/spent.Seconds(), "stage-rows/s")
	b.ReportMetric(float64(b.N*benchBatch)/spent.Seconds(), "executions/s")
}

// BenchmarkExecutions lists pages from histories of different lengths; the cost
// must not grow with them.
func BenchmarkExecutions(b *testing.B) {
	for _, history := range []int{500, 5_000} {
		db, err := Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { db.Close() })
		var deltas []engine.Delta
		for i := range history {
			d := benchDeltas(fmt.Sprintf("01HX%022d", i))[0]
			d.Create.Application, d.Create.PipelineConfigID = fmt.Sprint("app", i%10), fmt.Sprint("config", i%50)
			d.Create.BuildTime = gennaker.Millis(int64(i + 1))
			d.Settled = i%100 > 0
			if deltas = append(deltas, d); len(deltas) == 500 {
				if err := db.Commit(b.Context(), deltas); err != nil {
					b.Fatal(err)
				}
				deltas = deltas[:0]
			}
		}
		for name, q := range map[string]gennaker.ExecutionQuery{
			"page":        {Application: "app7", Limit: 25},
			"perPipeline": {Application: "app7", Limit: 2, PerPipeline: true},
			"noneRunning": {Application: "app7", Statuses: []gennaker.Status{gennaker.Running}},
		} {
			b.Run(fmt.Sprintf("%s/history=%d", name, history), func(b *testing.B) {
				for b.Loop() {
					if _, err := db.Executions(b.Context(), q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

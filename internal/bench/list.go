package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/flow"
	"github.com/gennaker/gennaker/internal/store"
)

// history is how much is stored: executions, evenly over applications, each with
// two pipelines.
type history struct{ executions, applications int }

// measureList measures how long a page of an application's executions takes over
// HTTP, with a long history and, as the reference, with a short one.
func measureList(ctx context.Context, o options) ([]figure, error) {
	long := pick(o, history{100_000, 1_000}, history{400, 10})
	short := pick(o, history{1_000, 10}, history{100, 5})
	var measured [2]quantiles
	for i, h := range []history{long, short} {
		err := inDir(o, func(dir string) error {
			if err := h.write(ctx, dir); err != nil {
				return fmt.Errorf("write the history: %w", err)
			}
			s, err := newServer(ctx, dir)
			if err != nil {
				return err
			}
			for range o.runs {
				v, err := h.pages(ctx, s.client, pick(o, 200, 10))
				if err != nil {
					return err
				}
				measured[i].add(v)
			}
			return s.close()
		})
		if err != nil {
			return nil, err
		}
	}
	what := fmt.Sprintf("page of executions, %d stored in %d applications, ", long.executions, long.applications)
	against := fmt.Sprintf("with %d stored in %d", short.executions, short.applications)
	return []figure{
		{what: what + "p50", unit: seconds, measured: measured[0].p50, reference: measured[1].p50, against: against},
		{
			what: what + "p95", unit: seconds, measured: measured[0].p95, reference: measured[1].p95, against: against,
			target: "< 50ms, < 2", met: func(v, ratio float64) bool { return v < 0.050 && ratio < 2 },
		},
	}, nil
}

// pages reads n pages, each of another application.
func (h history) pages(ctx context.Context, c *client.Client, n int) ([]float64, error) {
	out := make([]float64, n)
	for i := range out {
		began := time.Now()
		page, err := c.Executions(ctx, client.ExecutionQuery{Application: name(i * 7 % h.applications), Limit: 25})
		if err != nil {
			return nil, err
		}
		out[i] = time.Since(began).Seconds()
		if len(page) == 0 {
			return nil, fmt.Errorf("page %d is empty", i)
		}
	}
	return out, nil
}

func name(application int) string { return "app" + strconv.Itoa(application) }

// write stores the history in the database of a data directory.
func (h history) write(ctx context.Context, dir string) error {
	db, err := store.Open(ctx, filepath.Join(dir, "gennaker.db"), quiet())
	if err != nil {
		return err
	}
	for i := range h.applications {
		if err := saveApplication(ctx, db, name(i)); err != nil {
			return err
		}
	}
	var batch []engine.Delta
	now := time.Now()
	for i := range h.executions {
		d, err := h.execution(i, now)
		if err != nil {
			return err
		}
		if batch = append(batch, d); len(batch) < 1000 && i < h.executions-1 {
			continue
		}
		if err := db.Commit(ctx, batch); err != nil {
			return err
		}
		batch = batch[:0]
	}
	return db.Close()
}

// saveApplication stores an application with its pipelines.
func saveApplication(ctx context.Context, db *store.DB, app string) error {
	err := db.SaveApplication(ctx, gennaker.Application{Name: app, Email: "bench@example.com"}, "bench")
	for i := range 2 {
		var p gennaker.Pipeline
		if err == nil {
			p, err = gennaker.ParsePipeline(fmt.Appendf(nil, `{"id":%q,"application":%q,"name":"pipeline %d","stages":[]}`, pipelineID(app, i), app, i))
		}
		if err == nil {
			_, err = db.SavePipeline(ctx, p, "bench", false)
		}
	}
	return err
}

func pipelineID(app string, i int) string { return fmt.Sprint(app, "-", i) }

// execution returns the execution with that number: three stages that succeeded.
func (h history) execution(i int, now time.Time) (engine.Delta, error) {
	x := chain(typeWork, 3, nil)
	app := i % h.applications
	x.ID, x.Application = fmt.Sprintf("01HX%022d", i), name(app)
	x.BuildTime = gennaker.At(now.Add(time.Duration(i-h.executions) * time.Second))
	x.PipelineConfigID = pipelineID(x.Application, i/h.applications%2)
	x.Status, x.StartTime, x.EndTime = gennaker.Succeeded, x.BuildTime, x.BuildTime
	for j := range x.Stages {
		x.Stages[j].ID = fmt.Sprintf("01HY%018d%04d", i, j)
	}
	state := flow.New(x)
	state.Status, state.Start, state.End = x.Status, x.BuildTime, x.BuildTime
	d := engine.Delta{ID: x.ID, Create: &x, Head: state, Settled: true}
	values, err := json.Marshal(map[string]any{"group": "deploys", "comments": "a context of some text"})
	if err != nil {
		return d, fmt.Errorf("encode a context: %w", err)
	}
	for _, st := range state.Stages {
		st.Status, st.Start, st.End, st.Planned = x.Status, x.BuildTime, x.BuildTime, true
		for range workTasks {
			st.Tasks = append(st.Tasks, flow.Task{Name: "step", Status: x.Status, Start: x.BuildTime, End: x.BuildTime})
		}
		row, err := json.Marshal(st)
		if err != nil {
			return d, fmt.Errorf("encode a stage: %w", err)
		}
		d.Stages = append(d.Stages, engine.StageRow{ID: st.ID, State: row})
		d.Docs = append(d.Docs, engine.DocRow{ID: st.ID, Doc: engine.Doc{Context: values}})
	}
	return d, nil
}

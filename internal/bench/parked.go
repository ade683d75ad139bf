package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
)

// parkedRun is what one run of measureParked found.
type parkedRun struct {
	memory, again, goroutines, cpu, restart, crash, finish float64
}

// measureParked measures a server that holds many executions which wait for a
// judgment: everything goes over HTTP, as users do it.
func measureParked(ctx context.Context, o options) ([]figure, error) {
	n := pick(o, 10_000, 40)
	var runs []parkedRun
	for range min(o.runs, 3) {
		err := inDir(o, func(dir string) error {
			run, err := parked(ctx, o, dir, n)
			runs = append(runs, run)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	values := func(of func(parkedRun) float64) (out []float64) {
		for _, r := range runs {
			out = append(out, of(r))
		}
		return out
	}
	of := fmt.Sprintf("%d parked: ", n)
	return []figure{
		{what: of + "resident memory", unit: megabytes, measured: values(func(r parkedRun) float64 { return r.memory }), target: "< 150 MB", met: below(150)},
		{what: of + "the same after a restart", unit: megabytes, measured: values(func(r parkedRun) float64 { return r.again }), target: "< 150 MB", met: below(150)},
		{what: of + "goroutines of the process", unit: count, measured: values(func(r parkedRun) float64 { return r.goroutines }), target: "< 100", met: below(100)},
		{what: of + "processor time in 10 s", unit: seconds, measured: values(func(r parkedRun) float64 { return r.cpu }), target: "< 50ms", met: below(0.050)},
		{what: of + "restart, process start to healthy", unit: seconds, measured: values(func(r parkedRun) float64 { return r.restart }), target: "< 1s", met: below(1)},
		{what: of + "the same after kill -9", unit: seconds, measured: values(func(r parkedRun) float64 { return r.crash }), target: "< 1s", met: below(1)},
		{what: of + "all judged and finished in", unit: seconds, measured: values(func(r parkedRun) float64 { return r.finish })},
	}, nil
}

func parked(ctx context.Context, o options, dir string, n int) (run parkedRun, err error) {
	p, err := startSelf(ctx, dir)
	if err != nil {
		return run, err
	}
	defer func() { _ = p.kill() }() // the last one
	ids, err := park(ctx, p, n)
	if err != nil {
		return run, err
	}
	s, err := p.stats(true)
	if err != nil {
		return run, err
	}
	run.goroutines = float64(s.Goroutines)
	if run.memory, err = settled(ctx, p.cmd.Process.Pid, pick(o, 2*time.Second, 10*time.Millisecond)); err != nil {
		return run, err
	}
	if run.cpu, err = idle(ctx, p, pick(o, 10*time.Second, 100*time.Millisecond)); err != nil {
		return run, err
	}
	for _, end := range []struct {
		how  func() error
		took *float64
	}{{p.kill, &run.crash}, {nil, &run.restart}} {
		if end.how == nil {
			end.how = p.stop
		}
		if err := end.how(); err != nil {
			return run, fmt.Errorf("end the server: %w", err)
		}
		if p, err = startSelf(ctx, dir); err != nil {
			return run, err
		}
		*end.took = p.start
	}
	if _, err := p.stats(true); err != nil {
		return run, err
	}
	if run.again, err = settled(ctx, p.cmd.Process.Pid, pick(o, 2*time.Second, 10*time.Millisecond)); err != nil {
		return run, err
	}
	run.finish, err = judgeAll(ctx, p, ids)
	return run, err
}

// waiting names an execution's judgment.
type waiting struct{ execution, stage string }

// park starts n executions and waits until all of them wait for a judgment.
func park(ctx context.Context, p *process, n int) ([]waiting, error) {
	if err := savePipeline(ctx, p.client, "parked", typeClock, "manualJudgment", typeClock); err != nil {
		return nil, err
	}
	out := make([]waiting, n)
	err := each(ctx, n, submitters, func(ctx context.Context, i int) error {
		var err error
		out[i].execution, err = p.client.StartPipeline(ctx, application, "parked", client.Start{})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("start executions: %w", err)
	}
	err = each(ctx, n, submitters/4, func(ctx context.Context, i int) error {
		return poll(ctx, 10*time.Millisecond, func() (bool, error) {
			x, err := p.client.Execution(ctx, out[i].execution)
			var waits bool
			out[i].stage, waits = judgment(x)
			return waits, err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("wait for the judgments: %w", err)
	}
	_, err = idle(ctx, p, 500*time.Millisecond) // what was begun comes to rest
	return out, err
}

// idle returns how much processor time a server uses in a while of waiting.
func idle(ctx context.Context, p *process, wait time.Duration) (float64, error) {
	before, err := p.stats(false)
	if err != nil {
		return 0, err
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	after, err := p.stats(false)
	return after.CPU - before.CPU, err
}

// judgeAll judges all of them, and returns how long it took until none ran.
func judgeAll(ctx context.Context, p *process, ids []waiting) (float64, error) {
	began := time.Now()
	err := each(ctx, len(ids), submitters, func(ctx context.Context, i int) error {
		_, err := p.client.Judge(ctx, ids[i].execution, ids[i].stage, client.Judgment{Continue: true})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("judge: %w", err)
	}
	err = poll(ctx, 10*time.Millisecond, func() (bool, error) {
		running, err := p.client.Executions(ctx, client.ExecutionQuery{
			Application: application, Limit: 1, Statuses: []gennaker.Status{gennaker.Running},
		})
		return len(running) == 0, err
	})
	took := time.Since(began).Seconds()
	if err != nil {
		return 0, fmt.Errorf("wait for the end: %w", err)
	}
	s, err := p.stats(false)
	if err == nil && s.Tasks != len(ids) {
		err = fmt.Errorf("%d of %d executions went on behind their judgment", s.Tasks, len(ids))
	}
	return took, err
}

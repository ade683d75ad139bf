package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gennaker/gennaker/client"
)

// measureJudgment measures how long it takes from posting a judgment over HTTP
// until the next stage's task runs.
func measureJudgment(ctx context.Context, o options) ([]figure, error) {
	var q quantiles
	for range o.runs {
		err := inDir(o, func(dir string) error {
			s, err := newServer(ctx, dir)
			if err != nil {
				return err
			}
			v, err := judgments(ctx, s, pick(o, 60, 3))
			if err != nil {
				return err
			}
			q.add(v)
			return s.close()
		})
		if err != nil {
			return nil, err
		}
	}
	return []figure{
		{what: "judgment posted → next task runs, p50", unit: seconds, measured: q.p50},
		{what: "judgment posted → next task runs, p99", unit: seconds, measured: q.p99, target: "< 50ms", met: below(0.050)},
	}, nil
}

// judgments runs n executions, one after the other.
func judgments(ctx context.Context, s *server, n int) ([]float64, error) {
	began := make(chan time.Time, 1)
	s.clock.began = func(_ string, at time.Time) { began <- at }
	if err := savePipeline(ctx, s.client, "judged", "manualJudgment", typeClock); err != nil {
		return nil, err
	}
	var out []float64
	for range n {
		id, err := s.client.StartPipeline(ctx, application, "judged", client.Start{})
		if err != nil {
			return nil, err
		}
		var stage string
		err = poll(ctx, time.Millisecond, func() (bool, error) {
			x, err := s.client.Execution(ctx, id)
			var waits bool
			stage, waits = judgment(x)
			return waits, err
		})
		if err != nil {
			return nil, fmt.Errorf("wait for the judgment: %w", err)
		}
		posted := time.Now()
		if _, err := s.client.Judge(ctx, id, stage, client.Judgment{Continue: true}); err != nil {
			return nil, err
		}
		select {
		case at := <-began:
			out = append(out, at.Sub(posted).Seconds())
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return out, nil
}

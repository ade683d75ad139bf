package app

import (
	"context"
	"fmt"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/observe"
)

// observed makes what counts and traces, from what a becomes.
func (a *App) observed(ctx context.Context) (*observe.Metrics, error) {
	headers := map[string]string{}
	for name, secret := range a.cfg.Settings.Telemetry.OTLP.Headers {
		text, err := secret.Resolve()
		if err != nil {
			return nil, fmt.Errorf("telemetry.otlp.headers.%s: %w", name, err)
		}
		headers[name] = text
	}
	var err error
	a.traces, err = observe.NewTraces(ctx, observe.TraceConfig{
		Endpoint: a.cfg.Settings.Telemetry.OTLP.Endpoint, Headers: headers, Version: a.cfg.Version, Log: a.log, Execution: a.db.Execution,
	})
	if err != nil {
		return nil, err
	}
	return observe.NewMetrics(observe.Sources{
		Version: a.cfg.Version, Traces: a.traces, Ages: a.ages,
		Ready:   func() int { return a.engine.Ready() },
		Streams: func() int { return a.api.OpenStreams() },
	}), nil
}

// ages returns how old what is shown of accounts may be, of those of which
// anything is.
func (a *App) ages() map[string]time.Duration {
	out := map[string]time.Duration{}
	for _, p := range a.fleet.All() {
		state := gennaker.AccountState{Connected: true}
		if p.State != nil {
			state = p.State()
		}
		switch {
		case state.Connected:
			out[p.Account.Name] = 0
		case !state.SeenAt.IsZero():
			out[p.Account.Name] = time.Since(state.SeenAt.Time)
		}
	}
	return out
}

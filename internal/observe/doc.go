// Package observe tells operators how the server does: [Metrics] count, for
// Prometheus; [Traces] tell every execution that ended, for OpenTelemetry.
//
//	m := observe.NewMetrics(observe.Sources{…})
//	t, err := observe.NewTraces(observe.TraceConfig{…}) // nil if nobody listens
//	engine.Config{Observer: observe.Executions{Metrics: m, Traces: t}}
//
// Both are told by those who do the work. Nothing asks the database but a trace,
// once, when its execution has ended: until then it holds nothing.
package observe

package observe

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/gennaker/gennaker"
)

// TraceConfig says where traces go. What it leaves out, the OTEL_ variables of
// the environment say: of OTEL_EXPORTER_OTLP_ endpoint, headers, timeout,
// compression and certificates; OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
// OTEL_TRACES_SAMPLER, OTEL_SDK_DISABLED.
type TraceConfig struct {
	Endpoint string            // URL of a collector, to which /v1/traces is added
	Headers  map[string]string // of every request; none are those of the environment
	Version  string            // of the server
	Log      *slog.Logger
	// Execution reads an execution that ended, with everything.
	Execution func(ctx context.Context, id string) (gennaker.Execution, error)
}

// enabled reports whether traces go anywhere.
func (c TraceConfig) enabled() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return c.Endpoint != "" || os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// Bounds of traces.
const (
	maxEnded  = 4096 // executions whose trace waits to be sent
	maxSpans  = 512  // in one request, roughly
	flushTime = 3 * time.Second
)

// Traces sends a trace of every execution that ended: itself, its stages, their
// tasks. What cannot be sent in time is lost, and counted.
type Traces struct {
	cfg      TraceConfig
	exporter sdk.SpanExporter
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	spans    *spans
	ids      chan string

	sent, lost atomic.Int64
}

// NewTraces returns what sends traces, once it runs; nil if nobody is named that
// takes them.
//
// Errors: Invalid for an endpoint that is no URL.
func NewTraces(ctx context.Context, c TraceConfig) (*Traces, error) {
	if !c.enabled() {
		return nil, nil //nolint:nilnil // nobody listens, and that is no error
	}
	options := []otlptracehttp.Option{otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
		Enabled: true, InitialInterval: 500 * time.Millisecond, MaxInterval: 5 * time.Second, MaxElapsedTime: 30 * time.Second,
	})}
	if c.Endpoint != "" {
		at, err := tracesURL(c.Endpoint)
		if err != nil {
			return nil, err
		}
		options = append(options, otlptracehttp.WithEndpointURL(at))
	}
	if len(c.Headers) > 0 {
		options = append(options, otlptracehttp.WithHeaders(c.Headers))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("make the exporter of traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "gennaker"), attribute.String("service.version", c.Version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describe this server: %w", err)
	}
	t := &Traces{cfg: c, exporter: exporter, spans: &spans{}, ids: make(chan string, maxEnded)}
	t.provider = sdk.NewTracerProvider(sdk.WithResource(about), sdk.WithIDGenerator(given{}), sdk.WithSpanProcessor(t.spans))
	t.tracer = t.provider.Tracer("github.com/gennaker/gennaker", trace.WithInstrumentationVersion(c.Version))
	return t, nil
}

// tracesURL returns where traces are sent of a collector at an endpoint.
func tracesURL(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", gennaker.Errorf(gennaker.Invalid, "telemetry.otlp.endpoint is no URL of a collector: %.200q", endpoint).
			WithHint("write it as http://collector:4318")
	}
	return u.JoinPath("v1", "traces").String(), nil
}

// Sent returns how many executions' traces were taken.
func (t *Traces) Sent() int { return int(t.sent.Load()) }

// Lost returns how many executions' traces were lost.
func (t *Traces) Lost() int { return int(t.lost.Load()) }

// ended notes an execution whose trace is to be sent. It does not block: if too
// many wait, it is lost.
func (t *Traces) ended(id string) {
	select {
	case t.ids <- id:
	default:
		t.lost.Add(1)
	}
}

// Run sends traces until ctx ends, and then those that wait, for a few seconds.
func (t *Traces) Run(ctx context.Context) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(flushTime, cancel) })()
	for ctx.Err() == nil {
		select {
		case id := <-t.ids:
			t.send(sending, id)
		case <-ctx.Done():
		}
	}
	for sending.Err() == nil && len(t.ids) > 0 {
		t.send(sending, <-t.ids)
	}
	if err := t.exporter.Shutdown(sending); err != nil {
		t.cfg.Log.WarnContext(ctx, "end the exporter of traces", "error", err)
	}
}

// send sends the trace of an execution, and of those behind it that fit into the
// same request.
func (t *Traces) send(ctx context.Context, id string) {
	n := int64(0)
	for more := true; more; {
		x, err := t.cfg.Execution(ctx, id)
		switch {
		case err == nil:
			t.tell(x)
			n++
		case gennaker.KindOf(err) != gennaker.NotFound: // else somebody deleted it
			t.lost.Add(1)
			t.cfg.Log.WarnContext(ctx, "read an execution for its trace", "execution", id, "error", err)
		}
		more = false
		if len(t.spans.ended) < maxSpans {
			select {
			case id = <-t.ids:
				more = true
			default:
			}
		}
	}
	all := t.spans.take()
	if len(all) == 0 {
		return
	}
	if err := t.exporter.ExportSpans(ctx, all); err != nil {
		t.lost.Add(n)
		t.cfg.Log.WarnContext(ctx, "send traces", "executions", n, "error", err)
		return
	}
	t.sent.Add(n)
}

// spans is the span processor that keeps what ended, until it is taken. It is
// used by one goroutine.
type spans struct{ ended []sdk.ReadOnlySpan }

func (s *spans) take() []sdk.ReadOnlySpan {
	all := s.ended
	s.ended = nil
	return all
}

// OnStart does nothing: sdk.SpanProcessor.
func (*spans) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd keeps s, if it is sampled: sdk.SpanProcessor.
func (s *spans) OnEnd(span sdk.ReadOnlySpan) {
	if span.SpanContext().IsSampled() {
		s.ended = append(s.ended, span)
	}
}

// Shutdown does nothing: sdk.SpanProcessor.
func (*spans) Shutdown(context.Context) error { return nil }

// ForceFlush does nothing: sdk.SpanProcessor.
func (*spans) ForceFlush(context.Context) error { return nil }

package observe_test

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	wire "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/observe"
)

// receiver is a collector of OpenTelemetry.
type receiver struct {
	*httptest.Server
	requests chan *collector.ExportTraceServiceRequest
	headers  chan http.Header
	refuse   chan int // statuses to answer first
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{
		requests: make(chan *collector.ExportTraceServiceRequest, 100), headers: make(chan http.Header, 100), refuse: make(chan int, 100),
	}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		select {
		case status := <-r.refuse:
			w.WriteHeader(status)
			return
		default:
		}
		body := io.Reader(hr.Body)
		if hr.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(body)
		}
		text, err := io.ReadAll(body)
		var req collector.ExportTraceServiceRequest
		if err != nil || hr.URL.Path != "/base/v1/traces" || proto.Unmarshal(text, &req) != nil {
			t.Errorf("%s %s: %v, %d bytes", hr.Method, hr.URL, err, len(text))
			return
		}
		r.headers <- hr.Header.Clone()
		r.requests <- &req
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(r.Close)
	return r
}

// history is executions that ended.
type history struct {
	mu  sync.Mutex
	all map[string]gennaker.Execution
}

func (h *history) execution(_ context.Context, id string) (gennaker.Execution, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	x, ok := h.all[id]
	if !ok {
		return x, gennaker.Errorf(gennaker.NotFound, "there is no execution %s", id)
	}
	return x, nil
}

// tracing runs what sends traces until the returned function is called.
func tracing(t *testing.T, endpoint string, h *history) (observe.Executions, func()) {
	t.Helper()
	c := observe.TraceConfig{Endpoint: endpoint, Version: "1.2.3", Log: slog.New(slog.DiscardHandler), Execution: h.execution}
	if endpoint != "" {
		c.Headers = map[string]string{"Authorization": "Bearer x"}
	}
	traces, err := observe.NewTraces(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s := sources()
	s.Traces = traces
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); traces.Run(ctx) }()
	stop := sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return observe.Executions{Metrics: observe.NewMetrics(s), Traces: traces}, stop
}

const (
	parentID = "01KAR6T0Q4Y2Y5M8W3C9X7Z1AB"
	childID  = "01KAR6T0Q4Y2Y5M8W3C9X7Z1AC"
)

func at(seconds int64) gennaker.Time { return gennaker.Millis(1_767_323_000_000 + 1000*seconds) }

// parent is an execution with everything that a trace shows.
func parent() gennaker.Execution {
	failed := map[string]any{"account": "prod", "exception": map[string]any{"details": map[string]any{"errors": []any{"the image cannot be pulled"}}}}
	return gennaker.Execution{
		Type: gennaker.TypePipeline, ID: parentID, Application: "shop", Name: "deploy", PipelineConfigID: "p1", Status: gennaker.Terminal,
		StartTime: at(0), EndTime: at(60), Trigger: gennaker.Trigger{Type: "manual"},
		Stages: []gennaker.Stage{
			{ID: "S0", RefID: "1<1", Type: "wait", Name: "window", Status: gennaker.Succeeded, StartTime: at(2), EndTime: at(4), ParentStageID: "S1", Owner: gennaker.Before},
			{ID: "S1", RefID: "1", Type: "deployManifest", Name: "Deploy", Status: gennaker.Terminal, StartTime: at(1), EndTime: at(59), Context: failed, Tasks: []gennaker.Task{
				{ID: "1", Name: "deploy", Status: gennaker.Succeeded, StartTime: at(4), EndTime: at(9)},
				{ID: "2", Name: "wait for stable", Status: gennaker.Terminal, StartTime: at(9), EndTime: at(59), ExceptionDetails: map[string]any{"exception": failed["exception"]}},
				{ID: "3", Name: "never", Status: gennaker.NotStarted},
			}},
			{ID: "S2", RefID: "2", Type: "pipeline", Name: "Run child", Status: gennaker.Canceled, StartTime: at(1), Context: map[string]any{"clusters": []any{map[string]any{"account": "test"}}}},
			{ID: "S3", RefID: "3", Type: "wait", Name: "never", Status: gennaker.NotStarted},
		},
	}
}

// line writes a span for people: where it is, how long, how it ended, with what.
func line(s *wire.Span, names map[string]string) string {
	parts := []string{s.GetName(), "in", names[hex.EncodeToString(s.GetParentSpanId())]}
	parts = append(parts, time.Duration(s.GetEndTimeUnixNano()-s.GetStartTimeUnixNano()).String())
	if c := s.GetStatus().GetCode(); c != wire.Status_STATUS_CODE_UNSET {
		parts = append(parts, strings.TrimPrefix(c.String(), "STATUS_CODE_"), s.GetStatus().GetMessage())
	}
	var attrs []string
	for _, a := range s.GetAttributes() {
		attrs = append(attrs, a.GetKey()+"="+a.GetValue().GetStringValue())
	}
	slices.Sort(attrs)
	return strings.TrimSpace(strings.Join(parts, " ")) + " {" + strings.Join(attrs, ", ") + "}"
}

// spansOf returns the spans of a request.
func spansOf(req *collector.ExportTraceServiceRequest) (out []*wire.Span, resource []*common.KeyValue) {
	for _, r := range req.GetResourceSpans() {
		resource = r.GetResource().GetAttributes()
		for _, scope := range r.GetScopeSpans() {
			out = append(out, scope.GetSpans()...)
		}
	}
	return out, resource
}

func TestTraceOfAnExecution(t *testing.T) {
	t.Parallel()
	r, h := newReceiver(t), &history{all: map[string]gennaker.Execution{parentID: parent()}}
	x, _ := tracing(t, r.URL+"/base", h)
	x.ExecutionEnded("shop", parentID, gennaker.Terminal)
	spans, resource := spansOf(<-r.requests)
	if got := (<-r.headers).Get("Authorization"); got != "Bearer x" {
		t.Errorf("sent with authorization %q", got)
	}
	names := map[string]string{"": "nothing"}
	for _, s := range spans {
		names[hex.EncodeToString(s.GetSpanId())] = s.GetName()
		if got := hex.EncodeToString(s.GetTraceId()); got != traceID(t, parentID) {
			t.Errorf("%s is in the trace %s", s.GetName(), got)
		}
	}
	var got []string
	for _, s := range spans {
		got = append(got, line(s, names))
	}
	slices.Sort(got)
	want := []string{
		"Deploy in deploy 58s ERROR the image cannot be pulled {cicd.pipeline.task.name=Deploy, cicd.pipeline.task.run.id=S1, cicd.pipeline.task.run.result=failure, gennaker.account=prod, gennaker.stage.ref_id=1, gennaker.stage.type=deployManifest, gennaker.status=TERMINAL}",
		"Run child in deploy 59s {cicd.pipeline.task.name=Run child, cicd.pipeline.task.run.id=S2, cicd.pipeline.task.run.result=cancellation, gennaker.account=test, gennaker.stage.ref_id=2, gennaker.stage.type=pipeline, gennaker.status=CANCELED}",
		"deploy in Deploy 5s OK {gennaker.status=SUCCEEDED}",
		"deploy in nothing 1m0s ERROR Deploy: the image cannot be pulled {cicd.pipeline.name=deploy, cicd.pipeline.result=failure, cicd.pipeline.run.id=" + parentID + ", gennaker.application=shop, gennaker.execution.type=PIPELINE, gennaker.pipeline.id=p1, gennaker.status=TERMINAL, gennaker.trigger.type=manual}",
		"wait for stable in Deploy 50s ERROR the image cannot be pulled {gennaker.status=TERMINAL}",
		"window in Deploy 2s OK {cicd.pipeline.task.name=window, cicd.pipeline.task.run.id=S0, cicd.pipeline.task.run.result=success, gennaker.stage.ref_id=1<1, gennaker.stage.type=wait, gennaker.status=SUCCEEDED}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{"service.name": "gennaker", "service.version": "1.2.3"} {
		if i := slices.IndexFunc(resource, func(a *common.KeyValue) bool { return a.GetKey() == name }); i < 0 || resource[i].GetValue().GetStringValue() != want {
			t.Errorf("the resource has no %s=%s: %v", name, want, resource)
		}
	}
}

// traceID returns the 16 bytes of a ULID, by the definition of its alphabet.
func traceID(t *testing.T, id string) string {
	t.Helper()
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var bits []byte
	for i, c := range id {
		v := strings.IndexRune(alphabet, c)
		for b := 4; b >= 0; b-- {
			if i > 0 || b < 3 { // 26 characters of 5 bits are two too many
				bits = append(bits, byte(v>>b&1))
			}
		}
	}
	out := make([]byte, 16)
	for i, b := range bits {
		out[i/8] |= b << (7 - i%8)
	}
	return hex.EncodeToString(out)
}

// TestTraceOfAChild: it is linked to the stage that started it, in whatever
// process and order they were sent.
func TestTraceOfAChild(t *testing.T) {
	t.Parallel()
	child := gennaker.Execution{
		Type: gennaker.TypePipeline, ID: childID, Application: "shop", Name: "child", Status: gennaker.Succeeded, StartTime: at(2), EndTime: at(3),
		Trigger: gennaker.Trigger{Type: "pipeline", Other: map[string]any{"parentExecution": map[string]any{"id": parentID}, "parentPipelineStageId": "S2"}},
	}
	h := &history{all: map[string]gennaker.Execution{parentID: parent(), childID: child}}
	r := newReceiver(t)
	one, stop := tracing(t, r.URL+"/base/", h)
	one.ExecutionEnded("shop", childID, gennaker.Succeeded)
	spans, _ := spansOf(<-r.requests)
	if len(spans) != 1 || len(spans[0].GetLinks()) != 1 {
		t.Fatalf("got %v", spans)
	}
	link := spans[0].GetLinks()[0]
	stop()
	another, _ := tracing(t, r.URL+"/base/", h) // the server was started again
	another.ExecutionEnded("shop", parentID, gennaker.Terminal)
	spans, _ = spansOf(<-r.requests)
	found := slices.ContainsFunc(spans, func(s *wire.Span) bool {
		return s.GetName() == "Run child" && slices.Equal(s.GetSpanId(), link.GetSpanId()) && slices.Equal(s.GetTraceId(), link.GetTraceId())
	})
	if !found {
		t.Errorf("the link %v leads to none of %v", link, spans)
	}
}

// TestCollectorThatRefuses: what it does not take is counted, what it takes the
// second time is not lost, and nobody waits for it.
func TestCollectorThatRefuses(t *testing.T) {
	t.Parallel()
	r, h := newReceiver(t), &history{all: map[string]gennaker.Execution{parentID: parent()}}
	r.refuse <- http.StatusBadRequest
	x, stop := tracing(t, r.URL+"/base", h)
	x.ExecutionEnded("shop", parentID, gennaker.Terminal)
	for x.Traces.Lost() == 0 {
		<-time.After(time.Millisecond)
	}
	r.refuse <- http.StatusServiceUnavailable
	x.ExecutionEnded("shop", parentID, gennaker.Terminal)
	<-r.requests
	stop()
	text, err := x.Metrics.Text()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "\ntraces_lost_total 1\n") || !strings.Contains(text, "\ntraces_sent_total 1\n") {
		t.Errorf("sent %d, lost %d", x.Traces.Sent(), x.Traces.Lost())
	}
}

// TestTracesThatWaitAreSentAtTheEnd, of executions that are still there.
func TestTracesThatWaitAreSentAtTheEnd(t *testing.T) {
	t.Parallel()
	r, h := newReceiver(t), &history{all: map[string]gennaker.Execution{parentID: parent()}}
	c := observe.TraceConfig{Endpoint: r.URL + "/base", Log: slog.New(slog.DiscardHandler), Execution: h.execution}
	traces, err := observe.NewTraces(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	x := observe.Executions{Metrics: observe.NewMetrics(sources()), Traces: traces}
	x.ExecutionEnded("shop", "01GONE", gennaker.Succeeded)
	for range 200 { // more than one request holds
		x.ExecutionEnded("shop", parentID, gennaker.Succeeded)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	traces.Run(ctx)
	if sent, lost := traces.Sent(), traces.Lost(); sent != 200 || lost != 0 {
		t.Errorf("%d were sent, %d lost", sent, lost)
	}
}

// TestWhoEndsWaitsForNoTrace: too many are lost, and counted.
func TestWhoEndsWaitsForNoTrace(t *testing.T) {
	t.Parallel()
	traces, err := observe.NewTraces(t.Context(), observe.TraceConfig{Endpoint: "http://127.0.0.1:1"}) // which does not run
	if err != nil {
		t.Fatal(err)
	}
	x := observe.Executions{Metrics: observe.NewMetrics(sources()), Traces: traces}
	for range 5_000 {
		x.ExecutionEnded("shop", parentID, gennaker.Succeeded)
	}
	if got := traces.Lost(); got != 5_000-4_096 {
		t.Errorf("%d are lost", got)
	}
}

func TestWhereTracesGo(t *testing.T) {
	for name, tt := range map[string]struct {
		env      map[string]string
		endpoint string
		some     bool
	}{
		"nowhere":              {nil, "", false},
		"configured":           {nil, "http://127.0.0.1:1", true},
		"environment":          {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, "", true},
		"of traces":            {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/x"}, "", true},
		"disabled":             {map[string]string{"OTEL_SDK_DISABLED": "true"}, "http://127.0.0.1:1", false},
		"exporter is none":     {map[string]string{"OTEL_TRACES_EXPORTER": "none"}, "http://127.0.0.1:1", false},
		"exporter is ours too": {map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, "http://127.0.0.1:1", true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER"} {
				t.Setenv(v, tt.env[v])
			}
			traces, err := observe.NewTraces(t.Context(), observe.TraceConfig{Endpoint: tt.endpoint})
			if err != nil || (traces != nil) != tt.some {
				t.Errorf("got %v, %v", traces, err)
			}
		})
	}
	for _, endpoint := range []string{"collector:4318", "grpc://collector:4317", "http://", "http://c/?x=y", ":"} {
		if _, err := observe.NewTraces(t.Context(), observe.TraceConfig{Endpoint: endpoint}); gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

// TestEnvironmentSaysWhere: the variables that every program of OpenTelemetry
// knows are enough.
func TestEnvironmentSaysWhere(t *testing.T) {
	r, h := newReceiver(t), &history{all: map[string]gennaker.Execution{parentID: parent()}}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.URL+"/base")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=shop")
	t.Setenv("OTEL_SERVICE_NAME", "deployer")
	x, _ := tracing(t, "", h)
	x.ExecutionEnded("shop", parentID, gennaker.Terminal)
	_, resource := spansOf(<-r.requests)
	if !slices.ContainsFunc(resource, func(a *common.KeyValue) bool {
		return a.GetKey() == "service.name" && a.GetValue().GetStringValue() == "deployer"
	}) {
		t.Errorf("the resource is %v", resource)
	}
	if got := (<-r.headers).Get("X-Team"); got != "shop" {
		t.Errorf("the header is %q", got)
	}
}

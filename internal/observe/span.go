package observe

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/gennaker/gennaker"
)

// maxMessage bounds why something failed, in bytes.
const maxMessage = 1000

// traceOf returns the trace of an execution: the bytes of its ULID. So a trace is
// found by its execution, in whatever process parts of it were made; an ID that
// is no ULID is hashed.
func traceOf(execution string) (id trace.TraceID) {
	if u, err := ulid.ParseStrict(execution); err == nil {
		return trace.TraceID(u)
	}
	sum := sha256.Sum256([]byte(execution))
	copy(id[:], sum[:])
	return id
}

// spanOf returns the span of an execution or a stage by its ID, or of a task by
// its stage's and its own.
func spanOf(id string) (out trace.SpanID) {
	sum := sha256.Sum256([]byte(id))
	copy(out[:], sum[:])
	return out
}

// names is what the context of a span to be started holds.
type names struct {
	trace trace.TraceID
	span  trace.SpanID
}

type namesKey struct{}

// given is the ID generator that gives what the context holds.
type given struct{}

// NewIDs returns the IDs of the context: sdk.IDGenerator.
func (given) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	n, _ := ctx.Value(namesKey{}).(names)
	return n.trace, n.span
}

// NewSpanID returns the ID of the context: sdk.IDGenerator.
func (given) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	n, _ := ctx.Value(namesKey{}).(names)
	return n.span
}

// teller makes the spans of one execution.
type teller struct {
	tracer trace.Tracer
	x      gennaker.Execution
	end    time.Time                   // of the execution
	stages map[string][]gennaker.Stage // by the stage that they are around; "" is none
}

// tell makes the spans of an execution that ended: one for itself, in it one for
// each stage that began, in that those around it and its tasks.
func (t *Traces) tell(x gennaker.Execution) {
	begin := cmp.Or(x.StartTime, x.BuildTime).Time
	l := teller{t.tracer, x, later(x.EndTime.Time, begin), map[string][]gennaker.Stage{}}
	for _, st := range x.Stages {
		l.stages[st.ParentStageID] = append(l.stages[st.ParentStageID], st)
	}
	ctx, span := l.start(context.Background(), x.ID, cmp.Or(x.Name, x.Description, string(x.Type)), begin, l.links(), l.attributes()...)
	for _, st := range l.stages[""] {
		l.stage(ctx, st)
	}
	end(span, l.end, x.Status, cmp.Or(x.CancelReason, l.cause()))
}

// start starts a span with the ID that follows from id.
func (l teller) start(ctx context.Context, id, name string, at time.Time, links []trace.Link, attrs ...attribute.KeyValue) (context.Context, trace.Span) {
	ctx = context.WithValue(ctx, namesKey{}, names{traceOf(l.x.ID), spanOf(id)})
	return l.tracer.Start(ctx, name, trace.WithTimestamp(at), trace.WithAttributes(attrs...), trace.WithLinks(links...))
}

// end ends a span with what became of it.
func end(span trace.Span, at time.Time, s gennaker.Status, why string) {
	span.SetAttributes(attribute.String("gennaker.status", string(s)))
	switch {
	case s == gennaker.Terminal || s == gennaker.Stopped || s == gennaker.FailedContinue:
		span.SetStatus(codes.Error, clip(why))
	case s.Successful():
		span.SetStatus(codes.Ok, "")
	}
	span.End(trace.WithTimestamp(at))
}

func (l teller) attributes() []attribute.KeyValue {
	x := l.x
	out := []attribute.KeyValue{
		attribute.String("cicd.pipeline.name", cmp.Or(x.Name, x.Description)),
		attribute.String("cicd.pipeline.run.id", x.ID),
		attribute.String("cicd.pipeline.result", result(x.Status)),
		attribute.String("gennaker.application", x.Application),
		attribute.String("gennaker.execution.type", string(x.Type)),
		attribute.String("gennaker.trigger.type", x.Trigger.Type),
	}
	if x.PipelineConfigID != "" {
		out = append(out, attribute.String("gennaker.pipeline.id", x.PipelineConfigID))
	}
	return out
}

// links returns the link to the stage that started the execution, if one did.
func (l teller) links() []trace.Link {
	parent, _ := l.x.Trigger.Other["parentExecution"].(map[string]any)
	execution, _ := parent["id"].(string)
	if execution == "" {
		return nil
	}
	stage, _ := l.x.Trigger.Other["parentPipelineStageId"].(string)
	at := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceOf(execution), SpanID: spanOf(cmp.Or(stage, execution)), TraceFlags: trace.FlagsSampled, Remote: true,
	})
	return []trace.Link{{SpanContext: at, Attributes: []attribute.KeyValue{attribute.String("cicd.pipeline.run.id", execution)}}}
}

// stage makes the spans of a stage that began, of those around it, and of its
// tasks.
func (l teller) stage(ctx context.Context, st gennaker.Stage) {
	if st.StartTime.IsZero() {
		return
	}
	attrs := []attribute.KeyValue{
		attribute.String("cicd.pipeline.task.name", st.Name),
		attribute.String("cicd.pipeline.task.run.id", st.ID),
		attribute.String("cicd.pipeline.task.run.result", result(st.Status)),
		attribute.String("gennaker.stage.type", st.Type),
		attribute.String("gennaker.stage.ref_id", st.RefID),
	}
	if account := accountOf(st.Context); account != "" {
		attrs = append(attrs, attribute.String("gennaker.account", account))
	}
	ctx, span := l.start(ctx, st.ID, cmp.Or(st.Name, st.Type), st.StartTime.Time, nil, attrs...)
	for _, around := range l.stages[st.ID] {
		l.stage(ctx, around)
	}
	for _, task := range st.Tasks {
		if task.StartTime.IsZero() {
			continue
		}
		_, span := l.start(ctx, st.ID+"/"+task.ID, task.Name, task.StartTime.Time, nil)
		why := ""
		if len(task.ExceptionDetails) > 0 {
			why = cause(st)
		}
		end(span, l.until(task.EndTime, task.StartTime), task.Status, why)
	}
	end(span, l.until(st.EndTime, st.StartTime), st.Status, cause(st))
}

// until returns when something ended: with the execution, if it has no end.
func (l teller) until(end, start gennaker.Time) time.Time {
	if end.IsZero() {
		return later(l.end, start.Time)
	}
	return later(end.Time, start.Time)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// cause returns why the first stage failed that did.
func (l teller) cause() string {
	for _, st := range l.x.Stages {
		if why := cause(st); st.Status.Halt() && why != "" {
			return fmt.Sprintf("%s: %s", cmp.Or(st.Name, st.Type), why)
		}
	}
	return ""
}

// cause returns why a stage failed, in a sentence, from its exception.
func cause(st gennaker.Stage) string {
	exception, _ := st.Context["exception"].(map[string]any)
	details, _ := exception["details"].(map[string]any)
	if errs, _ := details["errors"].([]any); len(errs) > 0 {
		if first, ok := errs[0].(string); ok {
			return first
		}
	}
	said, _ := details["error"].(string)
	return said
}

// accountOf returns the account that a stage acts on: its own, or that of the
// first cluster that it deploys.
func accountOf(context map[string]any) string {
	for _, key := range []string{"account", "credentials"} {
		if account, _ := context[key].(string); account != "" {
			return account
		}
	}
	clusters, _ := context["clusters"].([]any)
	if len(clusters) == 0 {
		return ""
	}
	first, _ := clusters[0].(map[string]any)
	account, _ := first["account"].(string)
	return account
}

// result is a status in the words of OpenTelemetry's conventions for pipelines.
func result(s gennaker.Status) string {
	switch s {
	case gennaker.Succeeded:
		return "success"
	case gennaker.Skipped:
		return "skip"
	case gennaker.Canceled:
		return "cancellation"
	default:
		return "failure"
	}
}

func clip(s string) string {
	if len(s) > maxMessage {
		return s[:maxMessage] + "…"
	}
	return s
}

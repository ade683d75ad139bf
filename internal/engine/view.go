package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/flow"
)

// View returns the execution as the API shows it. With expand its stages have
// their tasks, contexts and outputs; without, only the context's "group".
//
// Shape: stages before a stage stand before it, those after it and on its
// failure behind it, each with what is around them; numbers of contexts and
// outputs are json.Number. The result shares no stage with s.
// Source: execution model, section 1.
func (s Stored) View(expand bool) (gennaker.Execution, error) {
	x := s.Execution
	x.Status, x.StartTime, x.EndTime = s.State.Status, s.State.Start, s.State.End
	if c := s.State.Cancel; c != nil {
		x.Canceled, x.CanceledBy, x.CancelReason = true, c.By, c.Reason
	}
	if n := len(s.State.Pauses); n > 0 {
		last := s.State.Pauses[n-1]
		x.Paused = &last
	}
	x.Stages = make([]gennaker.Stage, 0, len(s.State.Stages))
	for _, st := range s.State.TopLevel() {
		if err := s.appendStage(&x.Stages, st); err != nil {
			return gennaker.Execution{}, fmt.Errorf("compose execution %s: %w", x.ID, err)
		}
	}
	if !expand {
		x = x.Unexpanded()
	}
	return x, nil
}

// appendStage appends a stage and those around it, in the order of listings.
func (s Stored) appendStage(out *[]gennaker.Stage, st *flow.Stage) error {
	for _, child := range s.State.Children(st.ID, flow.Before) {
		if err := s.appendStage(out, child); err != nil {
			return err
		}
	}
	v, err := stageView(st, s.Docs[st.ID])
	if err != nil {
		return fmt.Errorf("stage %s: %w", st.ID, err)
	}
	*out = append(*out, v)
	for _, side := range []flow.Side{flow.After, flow.OnFailure} {
		for _, child := range s.State.Children(st.ID, side) {
			if err := s.appendStage(out, child); err != nil {
				return err
			}
		}
	}
	return nil
}

func stageView(st *flow.Stage, doc Doc) (gennaker.Stage, error) {
	v := gennaker.Stage{
		ID: st.ID, RefID: st.Ref, Type: st.Type, Name: st.Name, Requires: append([]string{}, st.Requires...),
		Status: st.Status, StartTime: st.Start, EndTime: st.End, StartTimeExpiry: st.Expiry, ParentStageID: st.Parent,
	}
	switch st.Side {
	case flow.Before:
		v.Owner = gennaker.Before
	case flow.After, flow.OnFailure:
		v.Owner = gennaker.After
	}
	var err error
	if v.Context, err = decodeObject(doc.Context); err != nil {
		return v, fmt.Errorf("decode its context: %w", err)
	}
	if v.Outputs, err = decodeObject(doc.Outputs); err != nil {
		return v, fmt.Errorf("decode its outputs: %w", err)
	}
	if len(doc.LastModified) > 0 {
		if err := json.Unmarshal(doc.LastModified, &v.LastModified); err != nil {
			return v, fmt.Errorf("decode who changed it last: %w", err)
		}
	}
	if st.Status.Complete() {
		foldFindings(v.Context)
	}
	v.Tasks = tasksView(st.Tasks, v.Context["exception"])
	return v, nil
}

// tasksView returns the tasks of a stage; that which failed shows the exception.
func tasksView(tasks []flow.Task, exception any) []gennaker.Task {
	fields, _ := exception.(map[string]any)
	operation, _ := fields["operation"].(string)
	out := make([]gennaker.Task, len(tasks))
	for i, t := range tasks {
		out[i] = gennaker.Task{
			ID: strconv.Itoa(i + 1), Name: t.Name, ImplementingClass: t.Name,
			Status: t.Status, StartTime: t.Start, EndTime: t.End,
			StageStart: i == 0, StageEnd: i == len(tasks)-1, LoopStart: t.LoopStart, LoopEnd: t.LoopEnd,
		}
		// Of tasks with the same name those that did not fail keep clean.
		if fields != nil && operation == t.Name && t.Status.Complete() && t.Status != gennaker.Succeeded {
			out[i].ExceptionDetails = map[string]any{"exception": exception}
		}
	}
	return out
}

// decodeObject reads an object, an empty one from nil; numbers stay as they
// were written.
func decodeObject(b json.RawMessage) (map[string]any, error) {
	out := map[string]any{}
	if len(b) == 0 {
		return out, nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		return nil, err
	}
	if out == nil { // the text is null
		out = map[string]any{}
	}
	return out, nil
}

// foldFindings adds what the expressions of a stage that ended could not find to
// the errors of its exception.
//
// Source: execution model, section 5, CompleteStage.
func foldFindings(context map[string]any) {
	summary, _ := context["expressionEvaluationSummary"].(map[string]any)
	var said []any
	for _, text := range slices.Sorted(maps.Keys(summary)) {
		entries, _ := summary[text].([]any)
		for _, e := range entries {
			if m, ok := e.(map[string]any); ok {
				said = append(said, m["description"])
			}
		}
	}
	if len(said) == 0 {
		return
	}
	exception, _ := context["exception"].(map[string]any)
	exception = maps.Clone(exception)
	if exception == nil {
		exception = map[string]any{}
	}
	details, _ := exception["details"].(map[string]any)
	details = maps.Clone(details)
	if details == nil {
		details = map[string]any{}
	}
	errs, _ := details["errors"].([]any)
	details["errors"] = append(slices.Clone(errs), said...)
	exception["details"], context["exception"] = details, exception
}

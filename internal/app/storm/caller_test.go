package storm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
)

const application = "storm"

// expectation is what is known of an execution that was accepted.
type expectation struct {
	what   string
	status gennaker.Status
}

func (w *world) expect(id, what string, status gennaker.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected[id] = expectation{what, status}
}

// retry calls f until the server is there to answer.
func (w *world) retry(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil || gennaker.KindOf(err) != gennaker.Unavailable {
			return err
		}
		select {
		case <-w.failed:
			return err
		default:
		}
		if !pause(ctx, 10*time.Millisecond) {
			return fmt.Errorf("%w, and then: %w", err, ctx.Err())
		}
	}
}

// post sends JSON.
func (w *world) post(ctx context.Context, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.client.URL()+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := w.http.Do(req)
	if err != nil {
		return gennaker.Errorf(gennaker.Unavailable, "%w", err)
	}
	defer res.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(res.Body); err != nil {
		return gennaker.Errorf(gennaker.Unavailable, "%w", err)
	}
	switch {
	case res.StatusCode == http.StatusServiceUnavailable:
		return gennaker.Errorf(gennaker.Unavailable, "%s", answer.String())
	case res.StatusCode >= 300:
		return gennaker.Errorf(gennaker.Invalid, "POST %s: %s %s", path, res.Status, answer.String())
	}
	return nil
}

// start starts a pipeline once, and notes how it must end.
func (w *world) start(ctx context.Context, pipeline string, parameters map[string]any, want gennaker.Status) (string, error) {
	id := ulid.Make().String()
	err := w.retry(ctx, func() error {
		return w.post(ctx, "/pipelines/"+application+"/"+strings.ReplaceAll(pipeline, " ", "%20"), map[string]any{
			"type": "manual", "parameters": parameters, "executionId": id,
		})
	})
	if err != nil {
		return "", fmt.Errorf("start %s: %w", pipeline, err)
	}
	w.expect(id, pipeline, want)
	return id, nil
}

// run runs a pipeline to its end. each sees it whenever it changed; may be nil.
func (w *world) run(ctx context.Context, pipeline string, parameters map[string]any, want gennaker.Status, each func(gennaker.Execution) error) (gennaker.Execution, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	id, err := w.start(ctx, pipeline, parameters, want)
	if err != nil {
		return gennaker.Execution{}, err
	}
	return ended(want)(w.follow(ctx, id, each))
}

// ended checks how an execution ended.
func ended(want gennaker.Status) func(gennaker.Execution, error) (gennaker.Execution, error) {
	return func(x gennaker.Execution, err error) (gennaker.Execution, error) {
		if err == nil && x.Status != want {
			err = fmt.Errorf("it ended as %s, not %s", x.Status, want)
		}
		if err != nil {
			err = fmt.Errorf("%s%s (%s): %w\n%s", x.Name, x.Description, x.ID, err, describe(x))
		}
		return x, err
	}
}

// follow watches an execution until it is complete.
func (w *world) follow(ctx context.Context, id string, each func(gennaker.Execution) error) (last gennaker.Execution, err error) {
	err = w.retry(ctx, func() error {
		for x, err := range w.client.Watch(ctx, id) {
			if err != nil {
				return err
			}
			last = x
			if each == nil {
				continue
			}
			if err := each(x); err != nil {
				return err
			}
		}
		return nil
	})
	return last, err
}

// task runs an ad-hoc operation to its end, once. A task has no ID before it is
// accepted, so when the answer is lost it is looked for by its description.
func (w *world) task(ctx context.Context, what string, want gennaker.Status, job map[string]any) (gennaker.Execution, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	op := client.Operation{Application: application, Description: what + " " + ulid.Make().String(), Job: []map[string]any{job}}
	var id string
	tried := false
	err := w.retry(ctx, func() (err error) {
		if tried {
			tasks, err := w.client.Tasks(ctx, application, 50)
			if err != nil {
				return err
			}
			if i := slices.IndexFunc(tasks, func(t client.Task) bool { return t.Name == op.Description }); i >= 0 {
				id = tasks[i].ID
				return nil
			}
		}
		tried = true
		id, err = w.client.Submit(ctx, op)
		return err
	})
	if err != nil {
		return gennaker.Execution{}, fmt.Errorf("submit %s: %w", what, err)
	}
	w.expect(id, what, want)
	var last client.Task
	err = w.retry(ctx, func() error {
		for t, err := range w.client.WatchTask(ctx, id) {
			if err != nil {
				return err
			}
			last = t
		}
		return nil
	})
	return ended(want)(last.Execution, err)
}

// judge answers the judgments of a child pipeline, and follows it to its end.
func (w *world) judge(ctx context.Context, id string, yes bool) error {
	_, err := w.follow(ctx, id, func(x gennaker.Execution) error {
		for _, st := range x.Stages {
			if st.Type != "manualJudgment" || st.Status != gennaker.Running || st.Context["judgmentStatus"] != nil {
				continue
			}
			err := w.retry(ctx, func() error {
				_, err := w.client.Judge(ctx, x.ID, st.ID, client.Judgment{Continue: yes})
				return err
			})
			if err != nil && gennaker.KindOf(err) != gennaker.Conflict { // which is our first attempt, accepted
				return fmt.Errorf("judge %s: %w", x.ID, err)
			}
		}
		return nil
	})
	return err
}

// groups returns the server groups of a cluster by name, as the server sees them.
func (w *world) groups(ctx context.Context, stack string) (map[string]gennaker.ServerGroup, error) {
	out := map[string]gennaker.ServerGroup{}
	err := w.retry(ctx, func() error {
		all, err := w.client.ServerGroups(ctx, application)
		for _, g := range all {
			if g.Moniker.Stack == stack {
				out[g.Name] = g
			}
		}
		return err
	})
	return out, err
}

// created returns the server groups that an execution created, as its stages
// say.
func created(x gennaker.Execution) []string {
	var out []string
	for _, st := range x.Stages {
		if st.Type != "createServerGroup" && st.Type != "cloneServerGroup" {
			continue
		}
		groups, _ := st.Outputs["deploy.server.groups"].(map[string]any)
		for _, region := range slices.Sorted(maps.Keys(groups)) {
			list, _ := groups[region].([]any)
			for _, name := range list {
				out = append(out, fmt.Sprint(name))
			}
		}
	}
	return out
}

// describe shows where an execution is.
func describe(x gennaker.Execution) string {
	var b strings.Builder
	for _, st := range x.Stages {
		fmt.Fprintf(&b, "  %s %q (%s): %s", st.RefID, st.Name, st.Type, st.Status)
		for _, t := range st.Tasks {
			fmt.Fprintf(&b, " %s=%s", t.Name, t.Status)
		}
		for _, key := range []string{"exception", "lastCapacityCheck"} {
			if v := st.Context[key]; v != nil {
				text, _ := json.Marshal(v)
				fmt.Fprintf(&b, "\n    %s: %s", key, text)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

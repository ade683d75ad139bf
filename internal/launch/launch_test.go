package launch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/launch"
	"github.com/gennaker/gennaker/internal/stage"
)

type object = map[string]any

var noon = time.Date(2024, 5, 6, 12, 0, 0, 0, time.UTC)

func pipeline(t *testing.T, text string) gennaker.Pipeline {
	t.Helper()
	p, err := gennaker.ParsePipeline([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p.ID = "id"
	return p
}

// launcher is one whose stages have no configuration, without any execution.
func launcher(resolve launch.Resolve) *launch.Launcher {
	r := &stage.Registry{}
	stage.Add[struct{}](r, stage.Definition{Type: "wait"})
	stage.Add[struct{}](r, stage.Definition{Type: "deployManifest", Verbatim: func(in stage.Input) []string {
		if in.Stage.Context["source"] == "artifact" {
			return nil
		}
		return []string{"manifests"}
	}})
	return &launch.Launcher{
		Registry: r, Resolve: resolve, Now: func() time.Time { return noon },
		Env: func(context.Context) expr.Env { return expr.Env{Now: noon} },
	}
}

// TestResolve: an ordinary pipeline runs as it is written, another one as it is
// planned.
func TestResolve(t *testing.T) {
	t.Parallel()
	const written = `{"application":"a","name":"p","stages":[{"refId":"1","type":"wait","name":"Written","waitTime":9007199254740993}]}`
	planned := object{"application": "a", "name": "p", "stages": []any{object{"refId": "1", "type": "wait", "name": "Planned"}}}
	for name, tt := range map[string]struct {
		resolve func(trigger object) (object, error)
		want    string
		err     string
	}{
		"no templates":         {want: "Written"},
		"an ordinary pipeline": {resolve: func(object) (object, error) { return nil, nil }, want: "Written"},
		"one from a template":  {resolve: func(object) (object, error) { return planned, nil }, want: "Planned"},
		"it sees the trigger": {
			resolve: func(trigger object) (object, error) {
				name, _ := trigger["parameters"].(object)["name"].(string)
				return object{"application": "a", "name": "p", "stages": []any{object{"refId": "1", "type": "wait", "name": name}}}, nil
			},
			want: "given",
		},
		"it is refused": {
			resolve: func(object) (object, error) { return nil, errors.New("there is no template t") },
			err:     "plan pipeline p from its template: there is no template t",
		},
		"it makes no pipeline": {
			resolve: func(object) (object, error) { return object{"stages": 1}, nil },
			err:     "read the pipeline that p and its template make: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var resolve launch.Resolve
			if tt.resolve != nil {
				resolve = func(_ context.Context, _ map[string]any, trigger func() (map[string]any, error)) (map[string]any, error) {
					open, err := trigger()
					if err != nil {
						return nil, err
					}
					return tt.resolve(open)
				}
			}
			x, err := launcher(resolve).Execution(t.Context(), pipeline(t, written), gennaker.Trigger{Parameters: object{"name": "given"}})
			if tt.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
					t.Errorf("error is %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(x.Stages) != 1 || x.Stages[0].Name != tt.want || x.PipelineConfigID != "id" {
				t.Errorf("stages %+v of pipeline %s, want the stage %s of pipeline id", x.Stages, x.PipelineConfigID, tt.want)
			}
		})
	}
}

// TestStrict: what expressions of artifacts and of stages see at a start.
func TestStrict(t *testing.T) {
	t.Parallel()
	p := pipeline(t, `{"application":"a","name":"p","spelEvaluator":"v3","templateVariables":{"v":"tv"},
		"expectedArtifacts":[{"id":"e","matchArtifact":{"type":"docker/image","name":"shop"},"useDefaultArtifact":true,
			"defaultArtifact":{"type":"docker/image","name":"shop","version":"${ parameters.tag }","reference":"shop:${ parameters.tag }"}}],
		"stages":[{"refId":"1","type":"wait","name":"W","a":"${ trigger.artifacts[0].version } ${ templateVariables.v }","b":"${ later }"}]}`)
	x, err := launcher(nil).Execution(t.Context(), p, gennaker.Trigger{Parameters: object{"tag": "7"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []object{{"type": "docker/image", "name": "shop", "version": "7", "reference": "shop:7"}}
	if diff := cmp.Diff(want, x.Trigger.Artifacts); diff != "" {
		t.Errorf("artifacts of the trigger (-want +got):\n%s", diff)
	}
	if got := x.Stages[0].Context["a"]; got != "7 tv" {
		t.Errorf("an expression about the trigger and a variable is %v", got)
	}
	if got := x.Stages[0].Context["b"]; got != "${ later }" {
		t.Errorf("an expression about what is not there yet is %v", got)
	}
}

// TestVerbatim: what a task evaluates itself is as it is written until then, so
// that no secret in it is stored.
func TestVerbatim(t *testing.T) {
	t.Parallel()
	const written = `{"application":"a","name":"p",%s"stages":[
		{"refId":"1","type":"deployManifest","name":"n${1+1}","manifests":["${1+1}"],"account":"${1+1}"},
		{"refId":"2","type":"deployManifest","name":"x","source":"artifact","manifests":["${1+1}"]}]}`
	for name, tt := range map[string]struct {
		evaluator string
		want      []any
	}{
		"v3": {"", []any{[]any{"${1+1}"}, []any{json.Number("2")}}},
		"v4": {`"spelEvaluator":"v4",`, []any{[]any{"${1+1}"}, []any{"${1+1}"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pipeline(t, fmt.Sprintf(written, tt.evaluator))
			x, err := launcher(nil).Execution(t.Context(), p, gennaker.Trigger{})
			if err != nil {
				t.Fatal(err)
			}
			var got []any
			for _, s := range x.Stages {
				got = append(got, s.Context["manifests"])
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("manifests (-want +got):\n%s", diff)
			}
			if x.Stages[0].Name != "n2" {
				t.Errorf("the name is %q", x.Stages[0].Name)
			}
		})
	}
}

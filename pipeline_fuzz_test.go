package gennaker_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
)

// FuzzParsePipeline holds that no text breaks the reader of pipelines, that
// every problem has a place in the text, and that what is read is kept.
func FuzzParsePipeline(f *testing.F) {
	for _, text := range []string{
		`{"application":"a","name":"n","stages":[{"refId":"1","type":"wait","waitTime":3},{"refId":2,"type":"x","requisiteStageRefIds":["1"]}]}`,
		`{"application":"a","name":"n","stages":[{"type":"wait"},{"type":"wait","failPipeline":"${x}"}],"parameterConfig":[{"name":"p","default":null}]}`,
		`{"application":"a","name":"n","stages":[{"refId":"1","type":"t","requisiteStageRefIds":["2"]},{"refId":"2","type":"t","requisiteStageRefIds":["1"]}]}`,
		`{"schema":"v2","application":"a","name":"n","template":{"reference":"spinnaker://t"},"stages":[{"refId":"x","type":"wait","inject":{"first":true}}]}`,
		`{"maxConcurrentExecutions":"3","limitConcurrent":"true","stages":[[]],"name":7}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := gennaker.ParsePipeline(text)
		if e, ok := errors.AsType[*gennaker.Error](err); ok {
			for _, problem := range e.Problems {
				if problem.Line < 1 || problem.Column < 1 {
					t.Errorf("a problem has no place: %v", problem)
				}
			}
		}
		if err != nil {
			return
		}
		again, err := json.Marshal(p.Doc.Value)
		if err != nil {
			t.Fatal(err)
		}
		q, err := gennaker.ParsePipeline(again)
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v\n%s", err, again)
		}
		if diff := cmp.Diff(p.Stages, q.Stages); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
}

// What Deck leaves behind when a field is emptied, or begun, can be saved.
func TestParsePipelineAcceptsWhatDeckLeaves(t *testing.T) {
	t.Parallel()
	p, err := gennaker.ParsePipeline([]byte(`{"application":"a","name":"n","maxConcurrentExecutions":"","parameterConfig":[{"name":""},{"name":"x"}],"stages":[]}`))
	if err != nil || p.MaxConcurrent != 0 || len(p.Parameters) != 1 || p.Parameters[0].Name != "x" {
		t.Errorf("got %d, %v, %v", p.MaxConcurrent, p.Parameters, err)
	}
}

package gennaker_test

import (
	"fmt"
	"testing"

	"github.com/gennaker/gennaker"
)

func TestParsePipelineStageTimeout(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		value string
		ok    bool
	}{
		"thirty days":  {"2592000000", true},
		"for ever":     {"9007199254740991", true},
		"text":         {`"2592000000"`, true},
		"expression":   {`"${ parameters.limit }"`, true},
		"negative":     {"-1", false},
		"not a number": {`"soon"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := fmt.Sprintf(`{"application": "demo", "name": "p", "stages": [{"type": "wait", "refId": "1", "stageTimeoutMs": %s}]}`, tt.value)
			if _, err := gennaker.ParsePipeline([]byte(text)); (err == nil) != tt.ok {
				t.Errorf("stageTimeoutMs %s: %v", tt.value, err)
			}
		})
	}
}

// The stages of a pipeline that uses a template may wait for stages of the
// template, and say where they go; the document stays as it is.
func TestParsePipelineOfTemplate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		more, stages string
		ok           bool
	}{
		"requisite of the template": {`"schema":"v2","template":{"reference":"spinnaker://t"}`, `{"type":"wait","refId":"a","requisiteStageRefIds":["t1"]}`, true},
		"rule":                      {`"schema":"v2","template":{"reference":"spinnaker://t"}`, `{"type":"wait","refId":"a","inject":{"before":["t1"]}}`, true},
		"no stages":                 {`"schema":"v2","template":{"reference":"spinnaker://t"}`, ``, true},
		"no template":               {`"schema":"v2"`, `{"type":"wait","refId":"a","requisiteStageRefIds":["t1"]}`, false},
		"a circle of its own": {
			`"schema":"v2","template":{"reference":"spinnaker://t"}`,
			`{"type":"wait","refId":"a","requisiteStageRefIds":["t1","b"]},{"type":"wait","refId":"b","requisiteStageRefIds":["a"]}`, false,
		},
		"one refId twice": {`"schema":"v2","template":{"reference":"spinnaker://t"}`, `{"type":"wait","refId":"a"},{"type":"wait","refId":"a"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := fmt.Sprintf(`{"application":"demo","name":"p","variables":{"x":1},%s,"stages":[%s]}`, tt.more, tt.stages)
			p, err := gennaker.ParsePipeline([]byte(text))
			if (err == nil) != tt.ok {
				t.Fatalf("%v", err)
			}
			if v, _ := p.Doc.Value["variables"].(map[string]any); len(v) != 1 {
				t.Errorf("variables are %v", v)
			}
		})
	}
}

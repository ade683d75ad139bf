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

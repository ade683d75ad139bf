package gennaker_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
)

// TestPauseJSON: the derived fields are Orca's, and reading drops them.
func TestPauseJSON(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pause gennaker.Pause
		want  string
	}{
		"lasts": {
			gennaker.Pause{PausedBy: "ann", PauseTime: gennaker.Millis(1000)},
			`{"pausedBy":"ann","pauseTime":1000,"paused":true,"pausedMs":0}`,
		},
		"over": {
			gennaker.Pause{PausedBy: "ann", PauseTime: gennaker.Millis(1000), ResumedBy: "bob", ResumeTime: gennaker.Millis(3500)},
			`{"pausedBy":"ann","pauseTime":1000,"resumedBy":"bob","resumeTime":3500,"paused":false,"pausedMs":2500}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := json.Marshal(tt.pause)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var back gennaker.Pause
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.pause, back); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

package flow_test

import (
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/flow"
)

// TestEndOnlyAfterStart: an execution that is canceled while it waits has no
// end, as in Orca.
func TestEndOnlyAfterStart(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1e12)
	for name, begun := range map[string]bool{"waits": false, "runs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := flow.New(gennaker.Execution{ID: "x", Stages: []gennaker.Stage{{ID: "1", RefID: "1"}}})
			if begun {
				s.Apply(flow.Event{Kind: flow.Begin, At: at})
			}
			s.Apply(flow.Event{Kind: flow.CancelAll, At: at.Add(time.Second)})
			if s.Status != gennaker.Canceled || s.End.IsZero() == begun {
				t.Errorf("%s, ended at %v", s.Status, s.End)
			}
		})
	}
}

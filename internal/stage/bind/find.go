package bind

import (
	"context"
	"fmt"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/match"
	"github.com/gennaker/gennaker/internal/stage"
)

// findConfig is the configuration of a findArtifactFromExecution stage.
type findConfig struct {
	Application string           `json:"application"`       // that of the pipeline; for the editor
	Pipeline    string           `json:"pipeline"`          // ID of the pipeline
	Options     *options         `json:"executionOptions"`  // which executions count; default the successful ones
	Expected    []map[string]any `json:"expectedArtifacts"` // the artifacts
	One         map[string]any   `json:"expectedArtifact"`  // older form: one artifact
}

// options says which executions count; if none is true, all do.
type options struct {
	Successful bool `json:"successful"` // those that are SUCCEEDED
	Succeeded  bool `json:"succeeded"`  // the same
	Terminal   bool `json:"terminal"`   // those that are TERMINAL
	Running    bool `json:"running"`    // those that are RUNNING
}

func (o *options) statuses() (out []gennaker.Status) {
	if o == nil || o.Successful || o.Succeeded {
		out = append(out, gennaker.Succeeded)
	}
	if o != nil && o.Terminal {
		out = append(out, gennaker.Terminal)
	}
	if o != nil && o.Running {
		out = append(out, gennaker.Running)
	}
	return out
}

// findArtifactFromExecution finds artifacts of another execution.
//
// Source: Spinnaker orca FindArtifactFromExecutionStage.
func findArtifactFromExecution(h History) stage.Definition {
	return stage.Definition{
		Type:    "findArtifactFromExecution",
		Steps:   []stage.Step{{Name: "findArtifactFromExecution", Task: find{h}}},
		Restart: Restart,
	}
}

type find struct{ history History }

// Run looks in the execution that began last. In the stage's own pipeline that
// is never its own execution, and what the stage itself found there before does
// not count.
func (t find) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[findConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	if c.Pipeline == "" {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "pipeline is missing").
			WithHint("set pipeline to the ID of the pipeline in whose executions to look")
	}
	var wanted any = in.Stage.Context[expectedKey]
	if wanted == nil && c.One != nil {
		wanted = c.One
	}
	expected, err := match.Expected(wanted)
	if err != nil {
		return stage.Outcome{}, err
	}
	statuses := c.Options.statuses()
	x, ok, err := latest(ctx, t.history, c.Pipeline, statuses, in.Execution.ID)
	if err != nil {
		return stage.Outcome{}, err
	}
	r := match.Request{Expected: expected}
	looked := "pipeline " + c.Pipeline + " has no other execution" + which(statuses) + "; is pipeline an ID, and not a name?"
	if ok {
		except := ""
		if in.Execution.PipelineConfigID == c.Pipeline {
			except = in.Stage.RefID
		}
		r.Candidates = match.All(x, except)
		looked = fmt.Sprintf("execution %s of pipeline %s was looked at", x.ID, c.Pipeline)
	}
	found, err := match.Resolve(r)
	if err != nil {
		return stage.Outcome{}, gennaker.Errorf(gennaker.KindOf(err), "%w", err).WithHint("%s; %s", looked, gennaker.HintOf(err))
	}
	return bound(found), nil
}

// which says in words what statuses select.
func which(statuses []gennaker.Status) string {
	var words []string
	for _, s := range statuses {
		words = append(words, string(s))
	}
	if words == nil {
		return ""
	}
	return " that is " + strings.Join(words, " or ")
}

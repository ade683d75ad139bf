package execution

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

const (
	maxFailed = 1000 // stages that one request may ask for
	maxRuns   = 1000 // executions that one request looks at
)

// FailedStageBody is a stage that failed by itself, and not because a pipeline
// that it started did.
//
// Source: Spinnaker orca's FailedStageExecution.
type FailedStageBody struct {
	ParentPipelineExecutionID   string `json:"parentPipelineExecutionId,omitzero"` // of what started it; absent if no pipeline did
	ParentPipelineExecutionName string `json:"parentPipelineExecutionName,omitzero"`
	ParentPipelineApplication   string `json:"parentPipelineApplication,omitzero"`

	PipelineExecutionID   string `json:"pipelineExecutionId"`
	PipelineExecutionName string `json:"pipelineExecutionName"`
	PipelineApplication   string `json:"pipelineApplication"`
	PipelineExecutionURL  string `json:"pipelineExecutionUrl"` // of Deck

	StageID        string          `json:"stageId"`
	StageName      string          `json:"stageName"`
	StageType      string          `json:"stageType"`
	StageStatus    gennaker.Status `json:"stageStatus"`
	StageException string          `json:"stageException"` // why, in a sentence
}

// failedStages finds the stages that made an execution fail, also in those that
// it started.
func (h handlers) failedStages(r *api.Request) ([]FailedStageBody, error) {
	id := r.Query("executionId")
	if id == "" {
		return nil, api.ErrQuery("executionId", "is missing")
	}
	limit, err := number(r, "limit", 1, 1)
	if err != nil {
		return nil, err
	}
	out := []FailedStageBody{}
	seen := map[string]bool{id: true}
	for queue := []string{id}; len(queue) > 0 && len(seen) <= maxRuns; queue = queue[1:] {
		x, err := h.History.Execution(r.Context(), queue[0])
		if gennaker.KindOf(err) == gennaker.NotFound {
			continue
		} else if err != nil {
			return nil, err
		}
		for i, st := range deckOrder(x.Stages) {
			if !st.Status.Failed() {
				continue
			}
			if child, _ := st.Context["executionId"].(string); st.Type == "pipeline" && child != "" {
				if !seen[child] {
					seen[child] = true
					queue = append(queue, child)
				}
				continue
			}
			if out = append(out, failedStage(x, st, i, strings.TrimSpace(r.Query("deckOrigin")))); len(out) == int(min(limit, maxFailed)) {
				return out, nil
			}
		}
	}
	return out, nil
}

// deckOrder returns stages in the order in which Deck numbers them: each behind
// those that it waits for.
func deckOrder(stages []gennaker.Stage) []gennaker.Stage {
	var out []gennaker.Stage
	placed := map[string]bool{}
	for len(out) < len(stages) {
		before := len(out)
		for _, st := range stages {
			ready := !slices.ContainsFunc(st.Requires, func(ref string) bool { return !placed[ref] })
			if ready && !placed[st.RefID] {
				placed[st.RefID] = true
				out = append(out, st)
			}
		}
		if len(out) == before { // what waits for a stage that is not there, or a second one of a name
			break
		}
	}
	return out
}

func failedStage(x gennaker.Execution, st gennaker.Stage, i int, deck string) FailedStageBody {
	config := "runJobConfig"
	if st.Type == "pipeline" {
		config = "pipelineConfig"
	}
	b := FailedStageBody{
		PipelineExecutionID: x.ID, PipelineExecutionName: x.Name, PipelineApplication: x.Application,
		PipelineExecutionURL: fmt.Sprintf("%s/#/applications/%s/executions/details/%s?stage=%d&step=0&details=%s", deck, x.Application, x.ID, i, config),
		StageID:              st.ID, StageName: st.Name, StageType: st.Type, StageStatus: st.Status, StageException: cause(st),
	}
	if parent, ok := x.Trigger.Other["parentExecution"].(map[string]any); ok {
		b.ParentPipelineExecutionID, _ = parent["id"].(string)
		b.ParentPipelineExecutionName, _ = parent["name"].(string)
		b.ParentPipelineApplication, _ = parent["application"].(string)
	}
	return b
}

// cause returns why a stage failed, "" if it does not say.
func cause(st gennaker.Stage) string {
	exception, _ := st.Context["exception"].(map[string]any)
	details, _ := exception["details"].(map[string]any)
	errors, _ := details["errors"].([]any)
	for _, e := range errors {
		if text, ok := e.(string); ok && text != "" {
			return text
		}
	}
	text, _ := details["error"].(string)
	return text
}

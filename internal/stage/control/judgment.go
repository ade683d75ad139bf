package control

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/gennaker/gennaker/internal/stage"
)

// judgmentConfig is the configuration of a manualJudgment stage, and what is
// put there by who judges.
type judgmentConfig struct {
	Instructions   string           `json:"instructions"`                   // HTML or Markdown
	JudgmentInputs []judgmentInput  `json:"judgmentInputs"`                 // answers that are offered
	Roles          []string         `json:"requiredJudgmentRoles"`          // who may judge; kept, there is no authentication yet
	SelectedRoles  []string         `json:"selectedStageRoles"`             // another name of requiredJudgmentRoles
	Propagate      bool             `json:"propagateAuthenticationContext"` // the stages behind run as who judged; kept, there is no authentication yet
	SendNotify     bool             `json:"sendNotifications"`              // kept; nothing is sent yet
	Notifications  []map[string]any `json:"notifications"`                  // kept; nothing is sent yet

	judgment
}

// judgmentInput is an answer that is offered.
type judgmentInput struct {
	Value string `json:"value"` // the answer
}

// judgment is what is put into the stage's context by who judges. An input
// that was not offered is kept, as in Spinnaker.
type judgment struct {
	Status string `json:"judgmentStatus"` // "continue", "stop", without case; anything else is no judgment
	Input  string `json:"judgmentInput"`  // the answer that was chosen
}

// judgmentTimeout is Spinnaker's.
const judgmentTimeout = 3 * 24 * time.Hour

// manualJudgment waits until somebody says whether to go on.
//
// Source: Spinnaker orca ManualJudgmentStage.
func manualJudgment() stage.Definition {
	return stage.Definition{
		Type: "manualJudgment",
		Steps: []stage.Step{{
			Name: "waitForJudgment", Task: stage.TaskFunc(waitForJudgment), Timeout: judgmentTimeout,
		}},
		Restart: func(context map[string]any) {
			delete(context, "judgmentStatus")
			delete(context, "lastModifiedBy")
		},
		RunsDry: always,
	}
}

func waitForJudgment(_ context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[judgment](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	switch strings.ToLower(c.Status) {
	case "continue":
		return stage.Done(), nil
	case "stop":
		by := "somebody"
		if m := in.Stage.LastModified; m != nil {
			by = cmp.Or(m.User, by)
		}
		if c.Input != "" {
			return stage.Fail("%s judged to stop, with %q", by, c.Input), nil
		}
		return stage.Fail("%s judged to stop", by), nil
	}
	// A change of the context by hand wakes it.
	return stage.Wait(time.Time{}), nil
}

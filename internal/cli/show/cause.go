package show

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gennaker/gennaker"
)

// Cause returns why an execution did not succeed, in a sentence, and what to do
// about it; "" for one that did.
func Cause(e gennaker.Execution) (cause, hint string) {
	if e.Status.Successful() {
		return "", ""
	}
	if e.Canceled || e.Status == gennaker.Canceled {
		cause := "the execution was canceled"
		if e.CanceledBy != "" {
			cause += " by " + e.CanceledBy
		}
		if e.CancelReason != "" {
			cause += ": " + e.CancelReason
		}
		return cause, ""
	}
	s := culprit(e)
	if s == nil {
		return fmt.Sprintf("the execution ended as %s", e.Status), ""
	}
	cause, hint = reason(*s)
	if e.Type == gennaker.TypeOrchestration && cause != silent {
		return cause, hint // a task is one stage to those who started it
	}
	return fmt.Sprintf("stage %q failed: %s", s.Name, cause), hint
}

// culprit returns the stage that made the execution fail: one that failed and
// says why, rather one that other stages were made of, or else any that failed.
func culprit(e gennaker.Execution) *gennaker.Stage {
	var found *gennaker.Stage
	best := -1
	for i, s := range e.Stages {
		if !s.Status.Failed() {
			continue
		}
		score := 0
		if s.Context["exception"] != nil {
			score += 2
		}
		if s.Status != gennaker.FailedContinue {
			score += 4
		}
		if s.ParentStageID != "" {
			score++
		}
		if score > best {
			best, found = score, &e.Stages[i]
		}
	}
	return found
}

const silent = "it does not say why"

// reason reads why a stage failed from its context.
func reason(s gennaker.Stage) (cause, hint string) {
	var x gennaker.Exception
	if text, err := json.Marshal(s.Context["exception"]); err == nil {
		_ = json.Unmarshal(text, &x) // what has another shape has nothing to say
	}
	cause = strings.Join(x.Details.Errors, "; ")
	if cause == "" {
		cause = x.Details.Error
	}
	if cause == "" && s.Context["judgmentStatus"] != nil {
		cause = fmt.Sprintf("it was judged to %v", s.Context["judgmentStatus"])
	}
	if cause == "" {
		cause = silent
	}
	return cause, x.Details.Hint
}

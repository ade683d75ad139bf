package flow

import "github.com/gennaker/gennaker"

// Subject is a kind of thing that has a status.
type Subject string

// The subjects.
const (
	OfExecution Subject = "execution"
	OfStage     Subject = "stage"
	OfTask      Subject = "task"
)

// Transition is a change of status that one event may cause. Why says when, for
// the reference page.
type Transition struct {
	Of       Subject
	From, To gennaker.Status
	Why      string
}

// Transitions returns every legal change of status, as it is seen from outside:
// before and after one event. The tests hold that no other one happens, and
// that each of these does.
func Transitions() []Transition {
	var out []Transition
	for _, row := range []struct {
		of   Subject
		from []gennaker.Status
		to   gennaker.Status
		why  string
	}{
		{OfExecution, list(gennaker.NotStarted), gennaker.Running, "it begins; with a limit of concurrent executions, when there is room"},
		{OfExecution, list(gennaker.NotStarted), gennaker.Canceled, "it is canceled or superseded while it waits, or its start expires"},
		{OfExecution, list(gennaker.NotStarted), gennaker.Terminal, "it has no stage that can begin, or its start failed"},
		{OfExecution, list(gennaker.NotStarted), gennaker.Succeeded, "every stage is past its expiry, and skipped"},
		{OfExecution, list(gennaker.Running), gennaker.Paused, "a user pauses it"},
		{OfExecution, list(gennaker.Paused), gennaker.Running, "a user resumes or cancels it"},
		{OfExecution, list(gennaker.Running, gennaker.Paused), gennaker.Succeeded, "its stages ended, none of them badly, or only branches that may stop"},
		{OfExecution, list(gennaker.Running, gennaker.Paused), gennaker.Terminal, "a stage failed, or a branch stopped that fails the execution at its end"},
		{OfExecution, list(gennaker.Running, gennaker.Paused), gennaker.Canceled, "a user canceled it, or a task ended as canceled, and nothing runs any more"},
		{OfExecution, list(gennaker.Succeeded, gennaker.Terminal, gennaker.Canceled), gennaker.NotStarted, "a stage is restarted; the execution waits to begin again"},

		{OfStage, list(gennaker.NotStarted), gennaker.Running, "all that it requires ended well"},
		{OfStage, list(gennaker.NotStarted), gennaker.Skipped, "its time to start expired, or its parent is skipped by hand"},
		{OfStage, list(gennaker.NotStarted), gennaker.Canceled, "it began as another stage ended the execution, in one event"},
		{OfStage, list(gennaker.Running), gennaker.Paused, "the execution is paused while a task of it, or of a stage below it, is being run"},
		{OfStage, list(gennaker.Paused), gennaker.Running, "the execution is resumed or canceled"},
		{OfStage, list(gennaker.Running, gennaker.Paused), gennaker.Succeeded, "its tasks and its synthetic stages ended well"},
		{OfStage, list(gennaker.Running, gennaker.Paused), gennaker.FailedContinue, "it failed, and its policy is to go on"},
		{OfStage, list(gennaker.Running, gennaker.Paused), gennaker.Terminal, "it failed, and its policy is to fail the execution"},
		{OfStage, list(gennaker.Running, gennaker.Paused), gennaker.Stopped, "it failed, and its policy is to stop this branch only"},
		{OfStage, list(gennaker.Running, gennaker.Paused), gennaker.Canceled, "the execution was canceled or failed elsewhere, or a task ended as canceled"},
		{OfStage, list(gennaker.Running, gennaker.Paused), gennaker.Skipped, "it is not to run, has nothing to do, or is skipped by hand"},
		{OfStage, list(gennaker.Succeeded, gennaker.FailedContinue, gennaker.Stopped, gennaker.Skipped), gennaker.Running, "it is restarted while the execution runs"},
		{OfStage, list(gennaker.Succeeded, gennaker.FailedContinue, gennaker.Stopped, gennaker.Skipped, gennaker.Terminal, gennaker.Canceled), gennaker.NotStarted, "it, or a stage that it requires, is restarted"},

		{OfTask, list(gennaker.NotStarted), gennaker.Running, "the task before it ended, and the stages before them"},
		{OfTask, list(gennaker.Running), gennaker.Paused, "the execution is paused"},
		{OfTask, list(gennaker.Paused), gennaker.Running, "the execution is resumed or canceled"},
		{OfTask, list(gennaker.Running, gennaker.Paused), gennaker.Succeeded, "its result"},
		{OfTask, list(gennaker.Running, gennaker.Paused), gennaker.Skipped, "its result, or the stage is skipped by hand"},
		{OfTask, list(gennaker.Running, gennaker.Paused), gennaker.FailedContinue, "its result, or it failed or timed out and the stage's policy is to go on"},
		{OfTask, list(gennaker.Running, gennaker.Paused), gennaker.Terminal, "it failed or timed out"},
		{OfTask, list(gennaker.Running, gennaker.Paused), gennaker.Stopped, "its result, or it failed or timed out and the stage's policy is to stop this branch"},
		{OfTask, list(gennaker.Running, gennaker.Paused), gennaker.Canceled, "its result, or the execution was canceled or failed elsewhere"},
		{OfTask, list(gennaker.Succeeded, gennaker.Skipped, gennaker.FailedContinue), gennaker.Running, "its loop begins again, with it"},
		{OfTask, list(gennaker.Running, gennaker.Paused, gennaker.Succeeded, gennaker.Skipped, gennaker.FailedContinue), gennaker.NotStarted, "its loop begins again"},
	} {
		for _, from := range row.from {
			out = append(out, Transition{Of: row.of, From: from, To: row.to, Why: row.why})
		}
	}
	return out
}

func list(s ...gennaker.Status) []gennaker.Status { return s }

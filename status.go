package gennaker

// Status is the state of an execution, a stage or a task.
//
// Source: Spinnaker orca ExecutionStatus; the values are part of the REST API.
type Status string

// The statuses. SUSPENDED and BUFFERED are never produced here; they are known
// so that recorded executions can be read.
const (
	NotStarted     Status = "NOT_STARTED"
	Running        Status = "RUNNING"
	Paused         Status = "PAUSED"
	Suspended      Status = "SUSPENDED"
	Succeeded      Status = "SUCCEEDED"
	FailedContinue Status = "FAILED_CONTINUE" // failed, and the failure is ignored
	Terminal       Status = "TERMINAL"        // failed
	Canceled       Status = "CANCELED"
	Redirect       Status = "REDIRECT" // a task's result only: jump back to the loop start
	Stopped        Status = "STOPPED"  // failed; only this branch stops
	Skipped        Status = "SKIPPED"
	Buffered       Status = "BUFFERED"
)

// Statuses returns all statuses, in the order of the reference page.
func Statuses() []Status {
	return []Status{
		NotStarted, Running, Paused, Suspended, Succeeded, FailedContinue,
		Terminal, Canceled, Redirect, Stopped, Skipped, Buffered,
	}
}

// Complete reports whether s is an end state: nothing changes it but a restart.
func (s Status) Complete() bool {
	switch s {
	case Succeeded, FailedContinue, Terminal, Canceled, Stopped, Skipped:
		return true
	case NotStarted, Running, Paused, Suspended, Redirect, Buffered:
		return false
	}
	return false
}

// Halt reports whether s ends the branch that it is on.
func (s Status) Halt() bool { return s == Terminal || s == Canceled || s == Stopped }

// Continues reports whether a stage that ended with s lets the stages after it
// start.
func (s Status) Continues() bool { return s == Succeeded || s == FailedContinue || s == Skipped }

// Successful reports whether s counts as success. STOPPED does, as in Spinnaker.
func (s Status) Successful() bool { return s == Succeeded || s == Stopped || s == Skipped }

// Failed reports whether s counts as a failure. STOPPED does too.
func (s Status) Failed() bool { return s == Terminal || s == Stopped || s == FailedContinue }

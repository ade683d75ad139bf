package state

import (
	"fmt"

	"github.com/gennaker/gennaker"
)

// Job is the record of a job: what was asked for, and how it ended. How far a
// job is that did not end is not written here: its directory tells (package
// shim).
type Job struct {
	Format   int               `json:"format"`
	Name     string            `json:"name"`
	Spec     gennaker.JobSpec  `json:"spec"`
	Artifact Artifact          `json:"artifact,omitzero"`
	Created  gennaker.Time     `json:"created"`
	Canceled string            `json:"canceled,omitzero"` // why its end was asked for
	State    gennaker.JobState `json:"state"`
	Started  gennaker.Time     `json:"started,omitzero"`
	Ended    gennaker.Time     `json:"ended,omitzero"`
	ExitCode *int              `json:"exitCode,omitzero"`
	Signal   int               `json:"signal,omitzero"`
	Reason   string            `json:"reason,omitzero"`
	Swept    bool              `json:"swept,omitzero"` // its directory is gone, and most of Spec
}

// Over reports whether j is in a final state.
func (j *Job) Over() bool { return j.State != gennaker.JobRunning }

// check reports what a record read from a file must satisfy for the rest of
// the node to rely on it.
func (j *Job) check() error {
	if _, ok := gennaker.JobApplication(j.Name); !ok {
		return fmt.Errorf("job %q is not possible", j.Name)
	}
	switch j.State {
	case gennaker.JobRunning, gennaker.JobSucceeded, gennaker.JobFailed:
		return nil
	}
	return fmt.Errorf("a job is not in state %q", j.State)
}

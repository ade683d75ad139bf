package gennaker

import "slices"

// Run is an execution of a pipeline where there is little room.
type Run struct {
	ID        string `json:"id"`
	Name      string `json:"name"` // of the pipeline, then
	Status    Status `json:"status"`
	BuildTime Time   `json:"buildTime"`
	StartTime Time   `json:"startTime,omitzero"`
	EndTime   Time   `json:"endTime,omitzero"`
}

// Activity is what the pipelines of an application do and did.
type Activity struct {
	Runs           []Run // the newest, oldest first
	Running        int   // executions with that status
	Waiting        int   // of the newest running ones, as many as Runs may hold, those that wait for a judgment
	LastDeployment Time  // when the last of the newest that succeeded, and deployed something, ended; zero is none
}

// Deploys reports whether stages of a type bring a version into service.
func Deploys(stageType string) bool {
	return slices.Contains([]string{
		"deploy", "cloneServerGroup", "rollbackServerGroup", "rollbackCluster",
		"deployManifest", "patchManifest", "undoRolloutManifest",
	}, stageType)
}

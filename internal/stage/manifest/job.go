package manifest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/properties"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
)

// jobConfig is what authors write in runJobManifest.
type jobConfig struct {
	source
	Account       string           `json:"account"`                                            // where to run, if credentials is not given
	Credentials   string           `json:"credentials"`                                        // where to run: the name of an account
	CloudProvider string           `json:"cloudProvider"`                                      // not needed: the account knows it
	Application   string           `json:"application"`                                        // whose job it is; default the pipeline's
	Namespace     string           `json:"namespaceOverride"`                                  // of the job
	Wait          *bool            `json:"waitForCompletion"`                                  // false ends the stage as soon as the job is there; default true
	Container     string           `json:"propertyFile"`                                       // container whose log holds properties: each becomes an output
	Consume       string           `json:"consumeArtifactSource" enum:"propertyFile|artifact"` // propertyFile, or artifact: an artifact whose content holds outputs
	ConsumeID     string           `json:"consumeArtifactId"`                                  // of that artifact
	ConsumeOf     string           `json:"consumeArtifactAccount"`                             // whose credentials fetch it
	NoOutput      bool             `json:"noOutput"`                                           // keep the job's manifest out of context and outputs
	Expected      []map[string]any `json:"expectedArtifacts"`                                  // artifacts that the job must have made
}

// Bounds of what is read of a job's log: for properties, and to say why it
// failed.
const (
	maxLog     = 1 << 20
	maxDetails = 2000
)

// jobsKey names the job of a stage, by location; Spinnaker's.
const jobsKey = "deploy.jobs"

// job is the definition of runJobManifest.
//
// Source: Spinnaker's RunJobStage, KubernetesRunJobOperation and
// WaitOnJobCompletion.
func (m *maker) job() stage.Definition {
	waits := func(in stage.Input) bool {
		c, err := readJob(in)
		return err != nil || c.Wait == nil || *c.Wait
	}
	consumes := func(in stage.Input) bool {
		c, err := readJob(in)
		return err == nil && strings.EqualFold(c.Consume, "artifact")
	}
	return stage.Definition{
		Type: "runJobManifest", Verbatim: sourceKeys,
		Restart: func(c object) {
			restart(c)
			drop(c, jobsKey, "jobStatus", "completionDetails", "propertyFileContents")
		},
		Steps: append(m.bound(
			stage.Step{Name: "runJob", Task: undoable{m.runJob, m.cancelJob}, Timeout: operationTimeout},
			stage.Step{Name: "waitOnJobCompletion", Task: undoable{m.waitJob, m.cancelJob}, Timeout: jobTimeout, If: waits},
		), stage.Step{Name: "consumeArtifact", Task: stage.TaskFunc(m.consume), Timeout: operationTimeout, If: consumes}),
	}
}

func readJob(in stage.Input) (jobConfig, error) {
	c, err := stage.Decode[jobConfig](in.Stage.Context)
	c.Account = cmp.Or(c.Credentials, c.Account)
	c.Application = cmp.Or(c.Application, in.Execution.Application)
	return c, err
}

// jobManifest returns the one Job that a stage runs. Errors: Invalid.
func (m *maker) jobManifest(ctx context.Context, in stage.Input, c jobConfig) (gennaker.Manifest, object, error) {
	all, findings, _, err := m.read(ctx, in, c.source)
	if err != nil {
		return nil, findings, err
	}
	if len(all) != 1 || text(all[0], "kind") != "Job" {
		return nil, findings, gennaker.Errorf(gennaker.Invalid, "the stage runs one Job, and its manifests are another thing").
			WithHint("deploy other objects in a deployManifest stage")
	}
	return all[0], findings, nil
}

// runJob makes the job, anew if there is one of its name.
func (m *maker) runJob(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := readJob(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	p, err := m.provider(c.Account)
	if err != nil {
		return stage.Outcome{}, err
	}
	job, findings, err := m.jobManifest(ctx, in, c)
	if err != nil {
		return failed(err)
	}
	required, optional, err := m.artifacts(in, c.source)
	if err != nil {
		return stage.Outcome{}, err
	}
	done, err := p.Deploy(ctx, in.Key, provider.ManifestDeploy{
		Application: c.Application, Manifests: []gennaker.Manifest{job}, Namespace: c.Namespace, Required: required, Optional: optional, Recreate: true,
	})
	if err != nil {
		return failed(err)
	}
	o := deployConfig{Account: c.Account, NoOutput: c.NoOutput, Moniker: gennaker.Moniker{App: c.Application}}.report(stage.Done(), done)
	jobs := object{}
	for _, j := range done.Manifests {
		jobs[text(j, "metadata", "namespace")] = []any{refOf(c.Account, j).ManifestName()}
	}
	if len(findings) > 0 {
		o = o.WithContext(object{summaryKey: findings})
	}
	return o.WithContext(object{jobsKey: jobs}).WithOutputs(object{jobsKey: jobs}), nil
}

// jobRef returns the job that a stage runs. Errors: Invalid.
func jobRef(in stage.Input, account string) (gennaker.ManifestRef, error) {
	c, err := stage.Decode[struct {
		Jobs map[string][]string `json:"deploy.jobs"`
	}](in.Stage.Context)
	if err != nil {
		return gennaker.ManifestRef{}, err
	}
	for location, names := range c.Jobs {
		if len(names) > 0 {
			kind, name, err := gennaker.ParseManifestName(names[0])
			return gennaker.ManifestRef{Account: account, Location: location, Kind: kind, Name: name}, err
		}
	}
	return gennaker.ManifestRef{}, gennaker.Errorf(gennaker.Invalid, "the stage has run no job (deploy.jobs)")
}

// waitJob waits for the end of the job, and takes what it put out.
func (m *maker) waitJob(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := readJob(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	p, err := m.provider(c.Account)
	if err != nil {
		return stage.Outcome{}, err
	}
	ref, err := jobRef(in, c.Account)
	if err != nil {
		return stage.Outcome{}, err
	}
	v, err := p.Manifest(ctx, ref)
	if err != nil && gennaker.KindOf(err) == gennaker.NotFound {
		return stage.Fail("Job: '%s' failed. Reason: it was deleted.", ref.Name).WithHint("restart the stage to run it anew"), nil
	}
	if err != nil {
		return failed(err)
	}
	status := jobStatus(ref, c, v)
	addPods(ctx, p, ref, status)
	switch {
	case v.Status.Failed.State:
		return m.jobFailed(ctx, p, ref, c, v, status)
	case !v.Status.Stable.State:
		return waiting(in, c.Account, time.Time{}, cmp.Or(v.Moniker.App, c.Application)).WithContext(object{"jobStatus": status}), nil
	}
	values := object{"jobStatus": status, "completionDetails": object{}}
	outputs := object{}
	if c.Container != "" {
		found, err := m.properties(ctx, p, ref, c)
		if err != nil {
			if gennaker.KindOf(err) == gennaker.Unavailable {
				return stage.Outcome{}, err
			}
			return stage.Fail("Job: '%s' succeeded, but what it put out cannot be used: %v", ref.Name, err).WithContext(values).
				WithHint("let the container %s write its properties as the stage expects them, or remove propertyFile", c.Container), nil
		}
		values["propertyFileContents"] = found
		maps.Copy(outputs, found)
	}
	maps.Copy(outputs, values)
	return stage.Done().WithContext(values).WithOutputs(outputs), nil
}

// properties returns what the job wrote to the log of a container.
func (m *maker) properties(ctx context.Context, p provider.Provider, ref gennaker.ManifestRef, c jobConfig) (object, error) {
	log, err := p.Output(ctx, ref, c.Container, maxLog)
	if err != nil {
		return nil, fmt.Errorf("read the log of container %s: %w", c.Container, err)
	}
	found, err := properties.FromLog(log)
	if found == nil && err == nil {
		found = object{}
	}
	return found, err
}

func (m *maker) jobFailed(
	ctx context.Context, p provider.Provider, ref gennaker.ManifestRef, c jobConfig, v gennaker.ManifestView, status object,
) (stage.Outcome, error) {
	reason := cmp.Or(v.Reason, v.Status.Failed.Message, "it is not known why")
	values := object{"jobStatus": status, "completionDetails": object{"message": v.Status.Failed.Message, "reason": reason}}
	words := fmt.Sprintf("Job: '%s' failed. Reason: %s.", ref.Name, strings.TrimSuffix(reason, "."))
	log, err := p.Output(ctx, ref, c.Container, maxDetails)
	if log = strings.TrimRight(log, "\r\n\t "); err == nil && log != "" {
		words += " Details: " + log
	}
	return stage.Fail("%s", words).WithContext(values).WithOutputs(values).
		WithHint("%s", cmp.Or(v.Hint, "mend what its log tells of, and restart the stage: the job is not run again by itself")), nil
}

// jobStatus is the state of a job as it stands in the context.
func jobStatus(ref gennaker.ManifestRef, c jobConfig, v gennaker.ManifestView) object {
	state := gennaker.JobRunning
	switch {
	case v.Status.Failed.State:
		state = gennaker.JobFailed
	case v.Status.Stable.State:
		state = gennaker.JobSucceeded
	}
	s := object{
		"jobState": string(state), "name": ref.Name, "id": ref.ManifestName(), "account": ref.Account, "location": ref.Location,
		"provider": "kubernetes", "application": c.Application,
	}
	if state == gennaker.JobFailed {
		s["message"], s["reason"] = v.Status.Failed.Message, v.Reason
	} else if v.Reason != "" {
		s["reason"] = v.Reason
	}
	return s
}

// addPods adds the pods of the job, oldest first, to its state, as far as they are
// known: Deck shows their logs.
func addPods(ctx context.Context, p provider.Provider, ref gennaker.ManifestRef, status object) {
	g, err := p.ServerGroup(ctx, ref.Location, ref.ManifestName())
	if err != nil {
		return // the job goes on without
	}
	pods := []any{}
	for _, in := range g.Instances {
		name := strings.TrimPrefix(in.Name, "pod ")
		pods = append(pods, object{"name": name, "status": object{"startTime": in.LaunchTime.UTC().Format(time.RFC3339)}})
		status["mostRecentPodName"] = name
	}
	status["pods"] = pods
}

// cancelJob deletes the job, though nobody may have been told that it is there.
func (m *maker) cancelJob(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := readJob(in)
	if err != nil {
		return stage.Done(), nil //nolint:nilerr // it was never asked for
	}
	p, err := m.provider(c.Account)
	if err != nil {
		return stage.Done(), nil //nolint:nilerr // it was never asked for
	}
	ref, err := jobRef(in, c.Account)
	if err != nil {
		job, _, err := m.jobManifest(ctx, in, c)
		if err != nil || text(job, "metadata", "name") == "" {
			return stage.Done(), nil //nolint:nilerr // it was never asked for, or has no name that is known
		}
		ref = refOf(c.Account, job)
		ref.Location = cmp.Or(c.Namespace, ref.Location, "default")
	}
	return stage.Done(), p.DeleteManifest(ctx, in.Key+"/cancel", ref, provider.ManifestDelete{})
}

// consume makes outputs of the content of an artifact: a JSON object.
func (m *maker) consume(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := readJob(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	content, err := m.fetch(ctx, in, source{ArtifactID: c.ConsumeID, ArtifactAccount: c.ConsumeOf})
	if err != nil {
		return failed(err)
	}
	found := object{}
	if err := json.Unmarshal(content, &found); err != nil {
		return stage.Fail("the artifact that holds the job's outputs is not a JSON object: %v", err), nil
	}
	return stage.Done().WithOutputs(found), nil
}

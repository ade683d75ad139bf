package fleet

import (
	"cmp"
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/provider"
)

// JobBody is how a job goes.
//
// Source: Spinnaker clouddriver KubernetesJobStatus.
type JobBody struct {
	Name          string             `json:"name"`
	ID            string             `json:"id"`
	Account       string             `json:"account"`
	Location      string             `json:"location"`
	Provider      string             `json:"provider"`
	State         gennaker.JobState  `json:"jobState"`
	CreatedTime   gennaker.Time      `json:"createdTime,omitzero"`
	CompletedTime gennaker.Time      `json:"completedTime,omitzero"`
	Message       string             `json:"message,omitzero"`
	Reason        string             `json:"reason,omitzero"`
	Failure       string             `json:"failureDetails,omitzero"`
	ExitCode      *int               `json:"exitCode,omitzero"`
	Signal        int                `json:"signal,omitzero"`
	Completion    map[string]string  `json:"completionDetails"`
	Pods          []JobPod           `json:"pods"`
	NewestPod     string             `json:"mostRecentPodName,omitzero"`
	Files         []gennaker.JobFile `json:"files,omitzero"`
}

// JobPod is a pod of a job, oldest first.
type JobPod struct {
	Name   string       `json:"name"`
	Status JobPodStatus `json:"status"`
}

// JobPodStatus is the part of a pod's status that clients read.
type JobPodStatus struct {
	Phase     string `json:"phase"`
	StartTime string `json:"startTime,omitzero"` // RFC 3339
	Node      string `json:"nodeName,omitzero"`
	PodIP     string `json:"podIP,omitzero"`
	Message   string `json:"message,omitzero"`
}

// job shows how a job goes.
func (h handlers) job(r *api.Request) (*JobBody, error) {
	p, err := h.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	missing := func(err error) error {
		return api.OrNotFound(err, "Job not found (account: %s, location: %s, id: %s)", p.Account.Name, r.PathValue("location"), name)
	}
	if p.Resources == nil {
		if p.Jobs == nil {
			return nil, missing(gennaker.Errorf(gennaker.NotFound, "there are no jobs"))
		}
		j, err := p.Job(r.Context(), name)
		if err == nil && !strings.EqualFold(j.Application, r.PathValue("app")) {
			err = gennaker.Errorf(gennaker.NotFound, "it belongs to another application")
		}
		if err != nil {
			return nil, missing(err)
		}
		return new(localJob(j)), nil
	}
	ref := clusterJobRef(r, p)
	v, err := p.Manifest(r.Context(), ref)
	if err == nil && !strings.EqualFold(v.Moniker.App, r.PathValue("app")) {
		err = gennaker.Errorf(gennaker.NotFound, "it belongs to another application")
	}
	if err != nil {
		return nil, missing(err)
	}
	out := clusterJob(ref, v)
	g, err := p.ServerGroup(r.Context(), ref.Location, ref.ManifestName())
	if err != nil && gennaker.KindOf(err) != gennaker.NotFound {
		return nil, err
	}
	out.addPods(g.Instances)
	aged(r, p)
	return &out, nil
}

// jobLogs streams what a job wrote and writes. Of a cluster that is all its pods.
func (h handlers) jobLogs(r *api.Request) (*api.Stream, error) {
	p, err := h.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	if p.Resources != nil {
		job := clusterJobRef(r, p)
		ref := gennaker.ServerGroupRef{Account: job.Account, Region: job.Location, Name: job.ManifestName()}
		return written(r, func(ctx context.Context, tail int64, follow bool) (io.ReadCloser, error) {
			return p.Logs.Logs(ctx, ref, "", tail, follow)
		})
	}
	if p.Jobs == nil {
		return nil, gennaker.Errorf(gennaker.NotFound, "account %s runs no jobs", p.Account.Name)
	}
	return written(r, func(ctx context.Context, tail int64, follow bool) (io.ReadCloser, error) {
		return p.JobLogs(ctx, r.PathValue("name"), tail, follow)
	})
}

// clusterJobRef names the Job of a cluster that a path names, with its kind or
// without.
func clusterJobRef(r *api.Request, p provider.Provider) gennaker.ManifestRef {
	return gennaker.ManifestRef{Account: p.Account.Name, Location: location(r), Kind: "Job", Name: strings.TrimPrefix(r.PathValue("name"), "job ")}
}

func localJob(j gennaker.Job) JobBody {
	out := JobBody{
		Name: j.Name, ID: j.Name, Account: j.Account, Location: j.Location, Provider: j.CloudProvider, State: j.State,
		CreatedTime: j.CreatedTime, CompletedTime: j.CompletedTime, Reason: j.Reason, ExitCode: j.ExitCode, Signal: j.Signal,
		Pods: []JobPod{}, Files: j.Files,
	}
	if j.State == gennaker.JobFailed {
		out.Failure = j.Reason
	}
	out.complete()
	return out
}

func clusterJob(ref gennaker.ManifestRef, v gennaker.ManifestView) JobBody {
	out := JobBody{
		Name: ref.Name, ID: ref.ManifestName(), Account: ref.Account, Location: ref.Location, Provider: "kubernetes", State: gennaker.JobRunning,
		CreatedTime: moment(v.Manifest, "metadata", "creationTimestamp"), Pods: []JobPod{},
	}
	switch {
	case v.Status.Failed.State:
		out.State, out.Message, out.Failure = gennaker.JobFailed, v.Status.Failed.Message, cmp.Or(v.Reason, v.Status.Failed.Message)
		out.Reason = v.Reason
	case v.Status.Stable.State:
		out.State, out.CompletedTime = gennaker.JobSucceeded, moment(v.Manifest, "status", "completionTime")
	default:
		out.Reason = v.Reason
	}
	return out
}

// moment returns a time of an object; zero if it has none.
func moment(m gennaker.Manifest, section, field string) gennaker.Time {
	part, _ := m[section].(map[string]any)
	text, _ := part[field].(string)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return gennaker.Time{}
	}
	return gennaker.At(t)
}

// phases are those of pods, by what we say of them.
var phases = map[gennaker.HealthState]string{
	gennaker.Starting: "Pending", gennaker.Done: "Succeeded", gennaker.Failed: "Failed", gennaker.Unknown: "Unknown",
}

// addPods adds what is known of the pods, and how the newest one ended.
func (j *JobBody) addPods(pods []gennaker.Instance) {
	for _, in := range pods {
		_, name, err := gennaker.ParseManifestName(in.Name)
		if err != nil {
			name = in.Name
		}
		status := JobPodStatus{Phase: cmp.Or(phases[in.HealthState], "Running"), Node: in.Node, PodIP: in.Address, Message: in.Reason}
		if !in.LaunchTime.IsZero() {
			status.StartTime = in.LaunchTime.UTC().Format(time.RFC3339)
		}
		j.Pods = append(j.Pods, JobPod{name, status})
		j.NewestPod = name
		for _, c := range in.Containers {
			if c.State == gennaker.ContainerTerminated && !c.Init {
				j.ExitCode = c.ExitCode
			}
		}
	}
	j.complete()
}

// complete fills in the details that are repeated as text.
func (j *JobBody) complete() {
	j.Completion = map[string]string{"exitCode": "", "signal": "", "message": j.Message, "reason": j.Reason}
	if j.ExitCode != nil {
		j.Completion["exitCode"] = strconv.Itoa(*j.ExitCode)
	}
	if j.Signal != 0 {
		j.Completion["signal"] = strconv.Itoa(j.Signal)
	}
}

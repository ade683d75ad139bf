package job

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// Bounds of what is read of a log: for properties, and to say why a job failed.
const (
	maxLog     = 1 << 20
	maxDetails = 2000
	maxLines   = 20
)

// run asks for the job.
func (r runner) run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	req, err := r.read(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	name, err := req.provider.RunJob(ctx, in.Key, req.spec)
	if err != nil {
		return stage.Outcome{}, err
	}
	return stage.Done().WithContext(req.deployed(name)), nil
}

// deployed says which job a stage runs.
//
// Source: Spinnaker's deploy.jobs: lists of names, by location.
func (q request) deployed(name string) map[string]any {
	location := q.provider.Account.Name
	if regions := q.provider.Account.Regions; len(regions) > 0 {
		location = regions[0]
	}
	return map[string]any{"deploy.jobs": map[string]any{location: []any{name}}}
}

// cancelRun stops the job, though nobody may have been told that it was
// accepted.
func (r runner) cancelRun(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	req, err := r.read(in)
	if err != nil {
		return stage.Done(), nil // it was never asked for
	}
	name := gennaker.JobName(req.spec.Application, req.spec.Name, in.Key)
	if err := req.provider.CancelJob(ctx, name); err != nil {
		return stage.Outcome{}, err
	}
	return stage.Done().WithContext(req.deployed(name)), nil
}

// asked returns the name of the job that the stage runs.
func asked(in stage.Input) (string, error) {
	c, err := stage.Decode[struct {
		Jobs map[string][]string `json:"deploy.jobs"`
	}](in.Stage.Context)
	if err != nil {
		return "", err
	}
	for _, names := range c.Jobs {
		if len(names) > 0 {
			return names[0], nil
		}
	}
	return "", gennaker.Errorf(gennaker.Invalid, "the stage has run no job (deploy.jobs)")
}

// wait waits for the end of the job and takes what it put out.
func (r runner) wait(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	req, err := r.read(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	name, err := asked(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	j, err := req.provider.Job(ctx, name)
	if err != nil && gennaker.KindOf(err) == gennaker.NotFound {
		return stage.Fail("Job: '%s' failed. Reason: account %s does not know it any more.", name, req.provider.Account.Name).
			WithHint("restart the stage to run it anew"), nil
	}
	if err != nil {
		return stage.Outcome{}, err
	}
	if !j.Ended() {
		return stage.Wait(time.Time{}, stage.FleetTopic(req.provider.Account.Name, req.spec.Application)).
			WithContext(map[string]any{"jobStatus": status(j)}), nil
	}
	log, err := req.log(ctx, name)
	if err != nil {
		return stage.Outcome{}, err
	}
	found, problem := put(j, req.propertyFile, log)
	values := map[string]any{"jobStatus": status(j), "completionDetails": details(j)}
	if found != nil {
		values["propertyFileContents"] = found
	}
	outputs := map[string]any{}
	maps.Copy(outputs, found)
	maps.Copy(outputs, values)
	switch {
	case j.State == gennaker.JobFailed:
		return stage.Fail("%s", failure(j, log)).WithContext(values).WithOutputs(outputs).
			WithHint("mend what its log tells of, and restart the stage: the job is not run again by itself"), nil
	case problem != "":
		return stage.Fail("Job: '%s' succeeded, but %s.", name, problem).WithContext(values).WithOutputs(outputs).
			WithHint("let the job write its properties as the stage expects them, or remove propertyFile"), nil
	}
	return stage.Done().WithContext(values).WithOutputs(outputs), nil
}

// cancelWait stops the job.
func (r runner) cancelWait(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	req, err := r.read(in)
	if err != nil {
		return stage.Done(), nil
	}
	name, err := asked(in)
	if err != nil {
		return stage.Done(), nil
	}
	if err := req.provider.CancelJob(ctx, name); err != nil {
		return stage.Outcome{}, err
	}
	j, err := req.provider.Job(ctx, name)
	if err != nil {
		return stage.Done(), nil // it is canceled; how it is would only be nice to know
	}
	return stage.Done().WithContext(map[string]any{"jobStatus": status(j)}), nil
}

// log returns the end of what the job wrote.
func (q request) log(ctx context.Context, name string) (string, error) {
	r, err := q.provider.JobLogs(ctx, name, maxLog, false)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxLog))
	if err != nil {
		return "", gennaker.Errorf(gennaker.Unavailable, "read the log of job %s: %w", name, err)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), nil
}

// status is the state of a job as it stands in the context.
func status(j gennaker.Job) map[string]any {
	s := map[string]any{
		"jobState": string(j.State), "name": j.Name, "id": j.Name, "account": j.Account, "location": j.Location, "provider": j.CloudProvider,
		"application": j.Application, "createdTime": j.CreatedTime.Epoch(),
	}
	for name, t := range map[string]gennaker.Time{"startTime": j.StartTime, "completedTime": j.CompletedTime} {
		if !t.IsZero() {
			s[name] = t.Epoch()
		}
	}
	if j.Ended() {
		maps.Copy(s, details(j))
	}
	return s
}

// details is how a job ended.
func details(j gennaker.Job) map[string]any {
	d := map[string]any{}
	if j.ExitCode != nil {
		d["exitCode"] = *j.ExitCode
	}
	if j.Signal != 0 {
		d["signal"] = j.Signal
	}
	if j.Reason != "" {
		d["reason"], d["message"] = j.Reason, j.Reason
	}
	if j.Canceled {
		d["canceled"] = true
	}
	return d
}

// failure says why a job failed, with the end of its log.
func failure(j gennaker.Job, log string) string {
	text := fmt.Sprintf("Job: '%s' failed. Reason: %s.", j.Name, strings.TrimSuffix(j.Reason, "."))
	log = strings.TrimRight(log, "\r\n\t ")
	if log == "" {
		return text
	}
	if len(log) > maxDetails {
		log = log[len(log)-maxDetails:]
		for !utf8.RuneStart(log[0]) {
			log = log[1:]
		}
		if _, rest, ok := strings.Cut(log, "\n"); ok { // whole lines, unless there is but one
			log = rest
		}
	}
	lines := strings.Split(log, "\n")
	return text + " Details: " + strings.Join(lines[max(0, len(lines)-maxLines):], "\n")
}

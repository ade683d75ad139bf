package job_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/job"
)

// object is open JSON.
type object = map[string]any

// runner runs one stage as the contract in package stage says, with a context
// that goes through JSON between its tasks.
type runner struct {
	t        *testing.T
	registry stage.Registry
	fleet    *provider.Fleet
	stage    gennaker.Stage
	key      string        // begins the keys of the steps
	last     stage.Outcome // of the task that ran last
	err      error
	canceled string              // at this step the stage is canceled instead
	waiting  func(stage.Outcome) // called when a task waits
	twice    bool                // each task that ends is run again, as after a crash
}

func newRunner(t *testing.T, fleet *provider.Fleet, cfg job.Config) *runner {
	t.Helper()
	r := &runner{t: t, fleet: fleet, key: "E1", waiting: func(stage.Outcome) { t.Error("a task waits for ever") }}
	job.Register(&r.registry, fleet, cfg)
	return r
}

// reread is a value after it was stored and read.
func reread(t *testing.T, v object) object {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	out := object{}
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// run runs a stage to its end and returns its tasks, in order.
func (r *runner) run(kind string, c object) (tasks []string) {
	r.t.Helper()
	d, err := r.registry.Find(kind)
	if err != nil {
		r.t.Fatal(err)
	}
	r.stage = gennaker.Stage{Type: kind, Name: "Migrate the DB!", Context: reread(r.t, c), Outputs: object{}}
	if d.Start != nil {
		r.stage.Context = reread(r.t, d.Start(r.stage.Context))
	}
	for _, s := range d.Steps {
		if s.If != nil && !s.If(r.input(s.Name)) {
			continue
		}
		tasks = append(tasks, s.Name)
		if !r.step(s) {
			break
		}
	}
	return tasks
}

func (r *runner) input(task string) stage.Input {
	return stage.Input{
		Execution: gennaker.Execution{ID: "E", Application: "demo"}, Stage: r.stage, Task: task, Key: r.key + "/" + task,
		Now: time.Unix(1_000_000, 0),
	}
}

func (r *runner) step(s stage.Step) (goOn bool) {
	r.t.Helper()
	again := r.twice
	for {
		r.last, r.err = s.Task.Run(r.t.Context(), r.input(s.Name))
		if r.err != nil {
			return false
		}
		if s.Name == r.canceled {
			out, err := s.Task.(stage.Canceler).Cancel(r.t.Context(), r.input(s.Name))
			r.take(out)
			r.err = err
			return false
		}
		r.take(r.last)
		switch {
		case !r.last.Final():
			r.waiting(r.last)
			if r.t.Failed() {
				return false
			}
		case again:
			again = false
		default:
			return r.last.Status() == gennaker.Succeeded
		}
	}
}

// take stores what a task found.
func (r *runner) take(o stage.Outcome) {
	maps.Copy(r.stage.Context, reread(r.t, o.Context()))
	maps.Copy(r.stage.Outputs, reread(r.t, o.Outputs()))
}

// reason returns why the stage failed.
func (r *runner) reason() string {
	if r.err != nil {
		return r.err.Error()
	}
	reason, _, _ := r.last.Reason()
	return reason
}

// jobs is a fleet of one account that runs jobs as scripted.
func jobs(script func(gennaker.JobSpec) fake.JobScript) (*fake.Provider, *provider.Fleet) {
	p := fake.New(fake.Config{Account: gennaker.Account{Name: "local", CloudProvider: "local"}, Job: script})
	return p, provider.NewFleet(p.Provider())
}

// always scripts all jobs alike.
func always(s fake.JobScript) func(gennaker.JobSpec) fake.JobScript {
	return func(gennaker.JobSpec) fake.JobScript { return s }
}

// name is what the job of the stage is called.
func (r *runner) name(task string) string {
	return gennaker.JobName("demo", "migrate-the-db", r.key+"/"+task)
}

func TestRunJob(t *testing.T) {
	t.Parallel()
	var spec gennaker.JobSpec
	_, fleet := jobs(func(s gennaker.JobSpec) fake.JobScript {
		spec = s
		return fake.JobScript{
			Pace: fake.AfterLooks(3), Files: map[string]string{"out/p.properties": "Version=1.2\n"},
			Output: "hello\nSPINNAKER_PROPERTY_Image_ID=a=b\nSPINNAKER_CONFIG_JSON={\"n\": 1, \"list\": [true]}\n SPINNAKER_PROPERTY_NO=1\nSPINNAKER_PROPERTY_=1\n",
		}
	})
	r := newRunner(t, fleet, job.Config{})
	r.twice = true
	topics := map[string]int{}
	r.waiting = func(o stage.Outcome) {
		if !o.Due(time.Now()).IsZero() || len(o.Topics()) != 1 {
			t.Errorf("it waits until %v for %v", o.Due(time.Now()), o.Topics())
		}
		topics[o.Topics()[0]]++
		if s := r.stage.Context["jobStatus"].(object); s["jobState"] != "Running" {
			t.Errorf("meanwhile jobStatus is %v", s)
		}
	}
	tasks := r.run("runJob", object{
		"account": "local", "cloudProvider": "local", "command": []any{"migrate", "--to", 3}, "env": object{"A": "b", "N": 1},
		"propertyFile": "out/p.properties", "stageTimeoutMs": "90500", "workingDirectory": "w", "stopSeconds": 7,
	})
	if diff := cmp.Diff([]string{"runJob", "waitOnJobCompletion"}, tasks); diff != "" || r.last.Status() != gennaker.Succeeded {
		t.Fatalf("tasks %s, it is %s: %s", diff, r.last.Status(), r.reason())
	}
	want := gennaker.JobSpec{
		Account: "local", Application: "demo", Name: "migrate-the-db", Command: []string{"migrate", "--to", "3"}, Env: map[string]string{"A": "b", "N": "1"},
		Dir: "w", TimeoutSeconds: 91, StopSeconds: 7, OutputFiles: []string{"out/p.properties"},
	}
	if diff := cmp.Diff(want, spec); diff != "" {
		t.Errorf("the spec (-want +got):\n%s", diff)
	}
	if topics["fleet/local/demo"] != 2 || len(topics) != 1 {
		t.Errorf("it waited for %v", topics)
	}
	name := r.name("runJob")
	props := object{"Version": "1.2", "image_id": "a=b", "n": 1.0, "list": []any{true}}
	status := object{
		"jobState": "Succeeded", "name": name, "id": name, "account": "local", "location": "local", "provider": "local",
		"application": "demo", "createdTime": 0.0, "exitCode": 0.0,
	}
	outputs := object{"jobStatus": status, "completionDetails": object{"exitCode": 0.0}, "propertyFileContents": props}
	inContext := maps.Clone(outputs)
	inContext["deploy.jobs"] = object{"local": []any{name}}
	maps.Copy(outputs, props)
	if diff := cmp.Diff(outputs, r.stage.Outputs); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	for k, v := range inContext {
		if diff := cmp.Diff(v, r.stage.Context[k]); diff != "" {
			t.Errorf("context %s (-want +got):\n%s", k, diff)
		}
	}
}

func TestRunJobProperties(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file, content, log string
		exit               int
		want               object // propertyFileContents; nil is none
		fails              string
	}{
		"nothing":            {},
		"a JSON file":        {file: "p.json", content: `{"a": {"b": [1, null]}, "t": true}`, want: object{"a": object{"b": []any{1.0, nil}}, "t": true}},
		"an upper-case one":  {file: "P.JSON", content: `{}`, want: object{}},
		"properties":         {file: "out", content: "a=1\nb: x y\n", want: object{"a": "1", "b": "x y"}},
		"empty properties":   {file: "out", want: object{}},
		"the file wins":      {file: "out", content: "a=1", log: "SPINNAKER_PROPERTY_A=2\nSPINNAKER_PROPERTY_B=3", want: object{"a": "1", "b": "3"}},
		"only a log":         {log: "SPINNAKER_PROPERTY_A=\r\n", want: object{"a": ""}},
		"an empty JSON":      {file: "p.json", fails: `its property file "p.json" cannot be used: it is empty`},
		"a JSON list":        {file: "p.json", content: "[]", fails: "it is not a JSON object"},
		"a JSON null":        {file: "p.json", content: "null", fails: "it is null"},
		"two JSON":           {file: "p.json", content: "{} {}", fails: "there is more behind"},
		"broken properties":  {file: "out", content: `a=\u12`, fails: "line 1"},
		"a missing file":     {file: "missing", fails: "the job did not write it"},
		"bad JSON in a log":  {log: "SPINNAKER_CONFIG_JSON={", fails: "a line of its log that begins with SPINNAKER_CONFIG_JSON= cannot be used"},
		"too many":           {log: "SPINNAKER_PROPERTY_A=1\n" + many(1000), fails: "1001 properties"},
		"of a job that fell": {file: "out", content: "why=disk", exit: 1, want: object{"why": "disk"}, fails: "failed. Reason"},
		"none of one":        {file: "missing", exit: 1, fails: "failed. Reason"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{tt.file: tt.content}
			delete(files, "missing")
			_, fleet := jobs(always(fake.JobScript{Files: files, Output: tt.log, ExitCode: tt.exit}))
			r := newRunner(t, fleet, job.Config{})
			r.run("runJob", object{"credentials": "local", "command": "make", "propertyFile": tt.file})
			if (r.last.Status() == gennaker.Terminal) != (tt.fails != "") || !strings.Contains(r.reason(), tt.fails) {
				t.Errorf("it is %s: %s", r.last.Status(), r.reason())
			}
			got, ok := r.stage.Outputs["propertyFileContents"].(object)
			if ok != (tt.want != nil) || ok && !cmp.Equal(tt.want, got) {
				t.Errorf("properties are %v, want %v", got, tt.want)
			}
			for k, v := range tt.want {
				if !cmp.Equal(v, r.stage.Outputs[k]) {
					t.Errorf("output %s is %v", k, r.stage.Outputs[k])
				}
			}
		})
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("SPINNAKER_PROPERTY_" + strings.Repeat("x", i/100+1) + string(rune('a'+i%10)) + string(rune('a'+i/10%10)) + "=1\n")
	}
	return b.String()
}

// TestOwnOutputs: a job cannot say that it was another.
func TestOwnOutputs(t *testing.T) {
	t.Parallel()
	_, fleet := jobs(always(fake.JobScript{Output: `SPINNAKER_CONFIG_JSON={"jobStatus": "odd", "propertyFileContents": 1}`}))
	r := newRunner(t, fleet, job.Config{})
	r.run("runJob", object{"account": "local", "script": "true"})
	if s, ok := r.stage.Outputs["jobStatus"].(object); !ok || s["jobState"] != "Succeeded" {
		t.Errorf("jobStatus is %v", r.stage.Outputs["jobStatus"])
	}
	if _, ok := r.stage.Outputs["propertyFileContents"].(object); !ok {
		t.Errorf("propertyFileContents is %v", r.stage.Outputs["propertyFileContents"])
	}
}

func TestRunJobFails(t *testing.T) {
	t.Parallel()
	name := gennaker.JobName("demo", "migrate-the-db", "E1/runJob")
	for what, tt := range map[string]struct {
		script fake.JobScript
		want   string
	}{
		"says why": {
			fake.JobScript{ExitCode: 3, Reason: "it exited with status 3", Output: "first\nlast\n\n"},
			"Job: '" + name + "' failed. Reason: it exited with status 3. Details: first\nlast",
		},
		"silent": {fake.JobScript{Signal: 9, Reason: "it was killed."}, "Job: '" + name + "' failed. Reason: it was killed."},
		"many lines": {
			fake.JobScript{ExitCode: 1, Reason: "x", Output: strings.Repeat("line\n", 100)},
			"Job: '" + name + "' failed. Reason: x. Details: " + strings.TrimSpace(strings.Repeat("line\n", 20)),
		},
		"a long line": {
			fake.JobScript{ExitCode: 1, Reason: "x", Output: "a" + strings.Repeat("é", 5000)},
			"Job: '" + name + "' failed. Reason: x. Details: " + strings.Repeat("é", 1000),
		},
	} {
		_, fleet := jobs(always(tt.script))
		r := newRunner(t, fleet, job.Config{})
		r.run("runJob", object{"account": "local", "script": "x"})
		reason, hint, _ := r.last.Reason()
		if r.last.Status() != gennaker.Terminal || reason != tt.want || hint == "" {
			t.Errorf("%s: it is %s: %q", what, r.last.Status(), reason)
		}
		if d := r.stage.Outputs["completionDetails"].(object); d["message"] == "" || d["exitCode"] == nil && d["signal"] == nil {
			t.Errorf("%s: completionDetails are %v", what, d)
		}
	}
}

func TestRunJobRefuses(t *testing.T) {
	t.Parallel()
	_, fleet := jobs(nil)
	nojobs, err := fleet.For("local")
	if err != nil {
		t.Fatal(err)
	}
	nojobs.Account.Name, nojobs.Jobs = "nojobs", nil
	fleet.Put(nojobs)
	for what, tt := range map[string]struct {
		kind    string
		context object
		want    string
	}{
		"no account":       {"runJob", object{"script": "x"}, "the account (credentials or account) is missing"},
		"unknown account":  {"runJob", object{"account": "other", "script": "x"}, `there is no account "other"`},
		"no jobs there":    {"runJob", object{"account": "nojobs", "script": "x"}, "account nojobs cannot run jobs"},
		"of Kubernetes":    {"runJob", object{"account": "k8s", "manifest": object{"kind": "Job"}}, "a job of another platform (manifest)"},
		"nothing to run":   {"runJob", object{"account": "local"}, "nothing to run"},
		"two things":       {"runJob", object{"account": "local", "script": "x", "command": "y"}, "both a command and a script"},
		"and as a list":    {"runJob", object{"account": "local", "script": "x", "command": []any{"y"}}, "both a command and a script"},
		"odd word":         {"runJob", object{"account": "local", "command": []any{"a", object{}}}, "command[1] is not a text"},
		"odd command":      {"runJob", object{"account": "local", "command": object{}}, "command must be a list"},
		"YAML":             {"runJob", object{"account": "local", "script": "x", "propertyFile": "a.YML"}, "is YAML"},
		"an escaping file": {"runJob", object{"account": "local", "script": "x", "propertyFile": "../a"}, "not in the working directory"},
		"a repository":     {"script", object{"account": "local", "command": "x", "repoUrl": "https://x"}, "checks out no repository"},
		"no command":       {"script", object{"account": "local"}, "has no command"},
		"relative path":    {"script", object{"account": "local", "command": "x", "scriptPath": "bin"}, "relative"},
	} {
		r := newRunner(t, fleet, job.Config{})
		tasks := r.run(tt.kind, tt.context)
		if gennaker.KindOf(r.err) != gennaker.Invalid || !strings.Contains(r.reason(), tt.want) || len(tasks) != 1 {
			t.Errorf("%s: %v after %v", what, r.err, tasks)
		}
	}
}

// TestLost: a job whose acceptance was not heard of is not run again, and one
// that is not known any more is a failure.
func TestLost(t *testing.T) {
	t.Parallel()
	p, fleet := jobs(nil)
	p.Lose(fake.RunJob, 1)
	r := newRunner(t, fleet, job.Config{})
	c := object{"account": "local", "script": "x"}
	r.run("runJob", c)
	if gennaker.KindOf(r.err) != gennaker.Unavailable {
		t.Fatalf("got %v", r.err)
	}
	r.run("runJob", c)
	if r.last.Status() != gennaker.Succeeded || len(p.Effects()) != 1 {
		t.Errorf("it is %s: %s, after %v", r.last.Status(), r.reason(), p.Effects())
	}

	p, fleet = jobs(always(fake.JobScript{Pace: fake.OnCommand()}))
	r = newRunner(t, fleet, job.Config{})
	r.waiting = func(stage.Outcome) { p.ForgetJob(r.name("runJob")) }
	r.run("runJob", c)
	if r.last.Status() != gennaker.Terminal || !strings.Contains(r.reason(), "does not know it any more") {
		t.Errorf("it is %s: %s", r.last.Status(), r.reason())
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"runJob", "waitOnJobCompletion"} {
		p, fleet := jobs(always(fake.JobScript{Pace: fake.OnCommand()}))
		r := newRunner(t, fleet, job.Config{})
		r.canceled = step
		r.run("runJob", object{"account": "local", "script": "x"})
		if r.err != nil {
			t.Errorf("%s: %v", step, r.err)
		}
		j, err := p.Job(t.Context(), r.name("runJob"))
		if err != nil || !j.Canceled || j.State != gennaker.JobFailed {
			t.Errorf("%s: the job is %+v, %v", step, j, err)
		}
	}
	// One that was never heard of does not begin later.
	p, fleet := jobs(nil)
	p.Fail(fake.RunJob, 1, gennaker.Unavailable)
	r := newRunner(t, fleet, job.Config{})
	r.run("runJob", object{"account": "local", "script": "x"})
	d, err := r.registry.Find("runJob")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Steps[0].Task.(stage.Canceler).Cancel(t.Context(), r.input("runJob")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.RunJob(t.Context(), "E1/runJob", gennaker.JobSpec{Application: "demo", Name: "migrate-the-db", Script: "x"}); err != nil {
		t.Fatal(err)
	}
	if j, err := p.Job(t.Context(), r.name("runJob")); err != nil || !j.Canceled || !j.StartTime.IsZero() {
		t.Errorf("the job is %+v, %v", j, err)
	}
	// A stage that cannot be read has nothing to cancel.
	for _, s := range d.Steps {
		if _, err := s.Task.(stage.Canceler).Cancel(t.Context(), stage.Input{}); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}

func TestNotWaiting(t *testing.T) {
	t.Parallel()
	_, fleet := jobs(always(fake.JobScript{Pace: fake.OnCommand()}))
	bound := 0
	bind := stage.Step{Name: "bindProducedArtifacts", Task: stage.TaskFunc(func(context.Context, stage.Input) (stage.Outcome, error) {
		bound++
		return stage.Done(), nil
	})}
	r := newRunner(t, fleet, job.Config{BindProduced: bind})
	tasks := r.run("runJob", object{"account": "local", "script": "x", "waitForCompletion": "false"})
	if diff := cmp.Diff([]string{"runJob", "bindProducedArtifacts"}, tasks); diff != "" || bound != 1 || len(r.stage.Outputs) > 0 {
		t.Errorf("tasks (-want +got):\n%s outputs %v", diff, r.stage.Outputs)
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	p, fleet := jobs(always(fake.JobScript{Output: "SPINNAKER_PROPERTY_A=1"}))
	r := newRunner(t, fleet, job.Config{})
	r.run("runJob", object{"account": "local", "script": "x"})
	d, err := r.registry.Find("runJob")
	if err != nil {
		t.Fatal(err)
	}
	before := maps.Clone(r.stage.Context)
	r.stage.Context["restartDetails"] = object{"restartedBy": "me"}
	d.Restart(r.stage.Context)
	details := r.stage.Context["restartDetails"].(object)
	for _, k := range []string{"jobStatus", "completionDetails", "propertyFileContents", "deploy.jobs"} {
		if _, ok := r.stage.Context[k]; ok || !cmp.Equal(before[k], details[k]) {
			t.Errorf("%s is in the context: %t, in restartDetails: %v", k, ok, details[k])
		}
	}
	if details["restartedBy"] != "me" {
		t.Errorf("restartDetails are %v", details)
	}
	r.key = "E2"
	r.run("runJob", r.stage.Context)
	if len(p.Effects()) != 2 || r.last.Status() != gennaker.Succeeded {
		t.Errorf("after a restart: %s, %v", r.last.Status(), p.Effects())
	}
	clean := object{"script": "x"}
	d.Restart(clean)
	if diff := cmp.Diff(object{"script": "x"}, clean); diff != "" {
		t.Errorf("a stage that did not run (-want +got):\n%s", diff)
	}
}

func TestScript(t *testing.T) {
	t.Parallel()
	for what, tt := range map[string]struct {
		context object
		script  string
		env     map[string]string
	}{
		"command": {object{"account": "local", "command": "ls -l"}, "ls -l", map[string]string{"ENV_PARAM": "local", "COMMAND": "ls -l"}},
		"path": {
			object{"account": "prod", "command": "run.py --x", "scriptPath": "/opt/bin", "image": "i", "region": "r", "cluster": "c", "cmc": "m", "user": "u", "env": object{"CMC": "mine"}},
			"export PATH=\"$SCRIPT_PATH:$PATH\"\nrun.py --x",
			map[string]string{
				"ENV_PARAM": "prod", "COMMAND": "run.py --x", "SCRIPT_PATH": "/opt/bin", "IMAGE_ID": "i", "REGION_PARAM": "r", "CLUSTER_PARAM": "c", "CMC": "mine",
			},
		},
		"path in an artifact": {
			object{"scriptPath": "bin", "command": "x", "artifact": object{"reference": "/a"}}, "export PATH=\"$GENNAKER_ARTIFACT/$SCRIPT_PATH:$PATH\"\nx",
			map[string]string{"COMMAND": "x", "SCRIPT_PATH": "bin"},
		},
		"only a path": {object{"credentials": "local", "scriptPath": "/a/b"}, `exec "$SCRIPT_PATH"`, map[string]string{"SCRIPT_PATH": "/a/b"}},
	} {
		var spec gennaker.JobSpec
		_, fleet := jobs(func(s gennaker.JobSpec) fake.JobScript { spec = s; return fake.JobScript{} })
		r := newRunner(t, fleet, job.Config{})
		tasks := r.run("script", tt.context)
		if diff := cmp.Diff([]string{"startScript", "monitorScript"}, tasks); diff != "" || r.last.Status() != gennaker.Succeeded {
			t.Errorf("%s: tasks %s, %s", what, diff, r.reason())
		}
		if diff := cmp.Diff(tt.env, spec.Env); diff != "" || spec.Script != tt.script {
			t.Errorf("%s: script %q, env (-want +got):\n%s", what, spec.Script, diff)
		}
	}
}

// FuzzPropertiesOfLog: whatever a job writes, its stage comes to an end.
func FuzzPropertiesOfLog(f *testing.F) {
	f.Add("SPINNAKER_PROPERTY_A=1\nSPINNAKER_CONFIG_JSON={\"a\":[1]}", `{"a":1}`, true)
	f.Add("", "a=\\u00e9\\\n b", false)
	f.Fuzz(func(t *testing.T, log, content string, isJSON bool) {
		file := map[bool]string{true: "p.json", false: "p"}[isJSON]
		_, fleet := jobs(always(fake.JobScript{Output: log, Files: map[string]string{file: content}}))
		r := newRunner(t, fleet, job.Config{})
		r.run("runJob", object{"account": "local", "script": "x", "propertyFile": file})
		if r.err != nil || r.last.Status() != gennaker.Succeeded && r.last.Status() != gennaker.Terminal {
			t.Errorf("it is %s: %v", r.last.Status(), r.err)
		}
	})
}

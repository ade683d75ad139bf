package job_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/job"
)

// configured reads a job as the server's configuration has it.
func configured(t *testing.T, text string) (p job.Preconfigured) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

const migrate = `{
	"type": "migrateDatabase", "label": "Migrate", "description": "Migrates the database", "account": "local", "producesArtifacts": true,
	"command": ["migrate", "--verbose"], "env": {"MODE": "safe"}, "propertyFile": "out.json", "overridableFields": ["workingDirectory", "propertyFile"],
	"parameters": [
		{"name": "to", "label": "Version", "mapping": "command[2]", "type": "string", "order": 1},
		{"name": "from", "mapping": "command[3]", "defaultValue": "0"},
		{"name": "database", "mapping": "env.DATABASE", "defaultValue": "main"},
		{"name": "seconds", "mapping": "jobTimeoutSeconds"}
	]}`

func TestPreconfigured(t *testing.T) {
	t.Parallel()
	for what, tt := range map[string]struct {
		context object
		want    gennaker.JobSpec
	}{
		"values": {
			object{"parameters": object{"to": "7", "from": 3, "database": "", "seconds": "30", "odd": "x"}},
			gennaker.JobSpec{
				Command: []string{"migrate", "--verbose", "7", "3"}, Env: map[string]string{"MODE": "safe", "DATABASE": "main"},
				TimeoutSeconds: 30, OutputFiles: []string{"out.json"},
			},
		},
		"no values": {
			object{},
			gennaker.JobSpec{Command: []string{"migrate", "--verbose", "", "0"}, Env: map[string]string{"MODE": "safe", "DATABASE": "main"}, OutputFiles: []string{"out.json"}},
		},
		"only what may be replaced is": {
			object{"command": "rm -rf /", "script": "true", "env": object{"MODE": "wild"}, "workingDirectory": "w", "propertyFile": "mine.json", "stopSeconds": 3, "parameters": object{"to": "7"}},
			gennaker.JobSpec{
				Command: []string{"migrate", "--verbose", "7", "0"}, Env: map[string]string{"MODE": "safe", "DATABASE": "main"}, Dir: "w", OutputFiles: []string{"mine.json"},
			},
		},
	} {
		var spec gennaker.JobSpec
		_, fleet := jobs(func(s gennaker.JobSpec) fake.JobScript {
			spec = s
			return fake.JobScript{Files: map[string]string{"out.json": `{"at": 7}`, "mine.json": `{"at": 7}`}}
		})
		r := newRunner(t, fleet, job.Config{
			Preconfigured: []job.Preconfigured{configured(t, migrate), configured(t, `{"type": "off", "enabled": false, "script": "x"}`)},
			BindProduced:  stage.Step{Name: "bindProducedArtifacts", Task: stage.TaskFunc(nothing)},
		})
		for range 2 { // a second time, as after a restart, nothing is different
			tasks := r.run("migrateDatabase", tt.context)
			if diff := cmp.Diff([]string{"runJob", "waitOnJobCompletion", "bindProducedArtifacts"}, tasks); diff != "" {
				t.Errorf("%s: tasks (-want +got):\n%s%s", what, diff, r.reason())
			}
			want := tt.want
			want.Account, want.Application, want.Name = "local", "demo", "migrate-the-db"
			if diff := cmp.Diff(want, spec); diff != "" {
				t.Errorf("%s: the spec (-want +got):\n%s", what, diff)
			}
			if r.stage.Outputs["at"] != 7.0 {
				t.Errorf("%s: outputs %v", what, r.stage.Outputs)
			}
			tt.context, r.key = r.stage.Context, "E2"
		}
		if _, err := r.registry.Find("off"); err == nil {
			t.Error("a job that is not enabled can be run")
		}
	}
}

// TestPreconfiguredManifest: a Job gets the values of its parameters, and nothing
// else of the pipeline but what may be replaced.
func TestPreconfiguredManifest(t *testing.T) {
	t.Parallel()
	p := configured(t, `{
		"type": "migrateTo", "account": "cluster", "propertyFile": "main", "overridableFields": ["propertyFile"],
		"manifest": {"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {"spec": {"containers": [{"name": "main", "args": ["--to"]}]}}}},
		"parameters": [{"name": "to", "mapping": "manifest.spec.template.spec.containers[0].args[1]", "defaultValue": "1"}]}`)
	seen := stage.TaskFunc(func(_ context.Context, in stage.Input) (stage.Outcome, error) {
		return stage.Done().WithOutputs(in.Stage.Context), nil
	})
	manifest := stage.Definition{Type: "runJobManifest", Steps: []stage.Step{{Name: "runJob", Task: seen}}}
	for what, c := range map[string]struct {
		context   object
		to, where string
	}{
		"a value": {object{"parameters": object{"to": "7"}, "propertyFile": "side"}, "7", "side"},
		"no value": {
			object{"manifest": object{"kind": "Pod"}, "manifests": []any{object{}}, "manifestArtifactId": "a", "source": "artifact", "account": "mine", "namespaceOverride": "x"},
			"1", "main",
		},
	} {
		r := newRunner(t, nil, job.Config{Preconfigured: []job.Preconfigured{p}, Manifest: &manifest})
		if diff := cmp.Diff([]string{"runJob"}, r.run("migrateTo", c.context)); diff != "" {
			t.Errorf("%s: tasks (-want +got):\n%s%s", what, diff, r.reason())
		}
		want := object{"source": "text", "cloudProvider": "kubernetes", "account": "cluster", "propertyFile": c.where, "manifest": object{
			"apiVersion": "batch/v1", "kind": "Job",
			"spec": object{"template": object{"spec": object{"containers": []any{object{"name": "main", "args": []any{"--to", c.to}}}}}},
		}}
		if v, ok := c.context["parameters"]; ok {
			want["parameters"] = v
		}
		if diff := cmp.Diff(want, r.stage.Outputs); diff != "" {
			t.Errorf("%s: the stage (-want +got):\n%s", what, diff)
		}
	}
}

// TestPreconfiguredAccount: a job that names no account runs in the only one that
// runs jobs, and stays there when another one comes.
func TestPreconfiguredAccount(t *testing.T) {
	t.Parallel()
	p := configured(t, `{"type": "report", "command": ["report"], "parameters": [{"name": "where", "mapping": "account"}]}`)
	other := fake.New(fake.Config{Account: gennaker.Account{Name: "other", CloudProvider: "local"}}).Provider()
	nojobs := other
	nojobs.Account.Name, nojobs.Jobs = "nojobs", nil

	_, fleet := jobs(always(fake.JobScript{Pace: fake.OnCommand()}))
	fleet.Put(nojobs)
	r := newRunner(t, fleet, job.Config{Preconfigured: []job.Preconfigured{p}})
	r.canceled = "waitOnJobCompletion"
	d, err := r.registry.Find("report")
	if err != nil {
		t.Fatal(err)
	}
	r.stage = gennaker.Stage{Type: "report", Name: "Report", Context: d.Start(object{}), Outputs: object{}}
	fleet.Put(other)
	for _, s := range d.Steps {
		if r.step(s); r.err != nil {
			t.Fatalf("%s: %v", s.Name, r.err)
		}
	}
	if status, _ := r.stage.Context["jobStatus"].(object); status["account"] != "local" || status["canceled"] != true {
		t.Errorf("the job is %v", r.stage.Context["jobStatus"])
	}

	for what, tt := range map[string]struct {
		accounts     []provider.Provider
		context      object
		reason, hint string
	}{
		"none runs jobs": {[]provider.Provider{nojobs}, object{}, "account (credentials or account) is missing", "no account of this server runs jobs"},
		"several do":     {[]provider.Provider{other, nojobs}, object{}, "account (credentials or account) is missing", "the accounts that run jobs are local, other"},
		"the one named does not": {
			[]provider.Provider{other, nojobs}, object{"parameters": object{"where": "nojobs"}}, "account nojobs cannot run jobs", "the accounts that run jobs are local, other",
		},
	} {
		_, fleet := jobs(nil)
		if what == "none runs jobs" {
			fleet.Remove("local")
		}
		for _, p := range tt.accounts {
			fleet.Put(p)
		}
		r := newRunner(t, fleet, job.Config{Preconfigured: []job.Preconfigured{p}})
		r.run("report", tt.context)
		if !strings.Contains(r.reason(), tt.reason) || gennaker.HintOf(r.err) != tt.hint {
			t.Errorf("%s: %v, hint %q", what, r.err, gennaker.HintOf(r.err))
		}
	}
}

func TestPreconfiguredCheck(t *testing.T) {
	t.Parallel()
	if err := configured(t, migrate).Check(); err != nil {
		t.Errorf("a good one: %v", err)
	}
	for what, tt := range map[string]struct{ text, want string }{
		"no type":            {`{"script": "x"}`, "type is missing"},
		"nothing to run":     {`{"type": "a"}`, "nothing to run"},
		"YAML":               {`{"type": "a", "script": "x", "propertyFile": "a.yaml"}`, "is YAML"},
		"no name":            {`{"type": "a", "script": "x", "parameters": [{"mapping": "env.A"}]}`, "parameters[0]"},
		"the same name":      {`{"type": "a", "script": "x", "parameters": [{"name": "p", "mapping": "env.A"}, {"name": "p", "mapping": "env.B"}]}`, "parameters[1]"},
		"no mapping":         {`{"type": "a", "script": "x", "parameters": [{"name": "p"}]}`, "not of the form"},
		"odd mapping":        {`{"type": "a", "script": "x", "parameters": [{"name": "p", "mapping": "env.[0]"}]}`, "not of the form"},
		"another's mapping":  {`{"type": "a", "script": "x", "parameters": [{"name": "p", "mapping": "manifest.spec"}]}`, "no field of a job"},
		"a gap":              {`{"type": "a", "command": ["x"], "parameters": [{"name": "p", "mapping": "command[2]"}]}`, "does not fit"},
		"no list":            {`{"type": "a", "script": "x", "parameters": [{"name": "p", "mapping": "env[0]"}], "env": {"A": "b"}}`, "does not fit"},
		"no object":          {`{"type": "a", "script": "x", "parameters": [{"name": "p", "mapping": "script.x"}]}`, "does not fit"},
		"a manifest, too":    {`{"type": "a", "account": "c", "manifest": {"kind": "Job"}, "command": ["x"]}`, "command is no field"},
		"another manifest":   {`{"type": "a", "account": "c", "manifest": {"kind": "Pod"}}`, "no Job, but Pod"},
		"no account":         {`{"type": "a", "manifest": {"kind": "Job"}}`, "in which account"},
		"past the manifest":  {`{"type": "a", "account": "c", "manifest": {"kind": "Job"}, "parameters": [{"name": "p", "mapping": "env.A"}]}`, "no field of a job"},
		"an object in words": {`{"type": "a", "command": ["x"], "parameters": [{"name": "p", "mapping": "command[0].x"}]}`, "does not fit"},
	} {
		err := configured(t, tt.text).Check()
		if gennaker.KindOf(err) != gennaker.Invalid || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a job that is not possible is registered")
		}
	}()
	job.Register(&stage.Registry{}, nil, job.Config{Preconfigured: []job.Preconfigured{{Type: "a"}}})
}

// FuzzMapping: a mapping that Check accepts puts its value where it says.
func FuzzMapping(f *testing.F) {
	for _, m := range []string{"env.A", "command[0]", "command[1]", "script", "artifact.reference", "a..b", "env.A[0][1]"} {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, mapping string) {
		p := job.Preconfigured{Type: "a", Script: "x", Command: []string{"x"}, Parameters: []job.Parameter{{Name: "p", Mapping: mapping}}}
		if p.Check() != nil {
			return
		}
		_, fleet := jobs(nil)
		r := newRunner(t, fleet, job.Config{Preconfigured: []job.Preconfigured{p}})
		r.run("a", object{"account": "local", "parameters": object{"p": "the value"}})
		if text, err := json.Marshal(r.stage.Context); err != nil || strings.Count(string(text), "the value") != 2 {
			t.Errorf("%q: the context is %s, %v", mapping, text, err)
		}
	})
}

func nothing(context.Context, stage.Input) (stage.Outcome, error) { return stage.Done(), nil }

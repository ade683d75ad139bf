package manifest_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/fake"
)

// work is a Job.
func work(image string) object {
	return object{
		"apiVersion": "batch/v1", "kind": "Job", "metadata": object{"name": "work", "namespace": "prod"},
		"spec": object{"template": object{"spec": object{"restartPolicy": "Never", "containers": []any{object{"name": "main", "image": image}}}}},
	}
}

// jobs behave as their images say.
func jobs(m gennaker.Manifest) fake.ManifestScript {
	s := fake.ManifestScript{Ready: fake.AfterLooks(3)}
	switch image(m) {
	case "good":
		s.Output = "hello\nSPINNAKER_PROPERTY_Greeting=hi=there\nSPINNAKER_CONFIG_JSON={\"n\": 3, \"list\": [1]}\n"
	case "odd":
		s.Output = "SPINNAKER_CONFIG_JSON=[1]\n"
	case "bad":
		s.Fails, s.Output = "Job has reached the specified backoff limit", "no such table\n"
	case "endless":
		s.Ready = fake.Never()
	}
	return s
}

func TestRunJob(t *testing.T) { // stage types, section 4
	t.Parallel()
	tests := map[string]struct {
		image   string
		config  object
		log     string
		reason  string
		outputs object
		left    []string // the jobs
	}{
		"good": {
			"good", object{"propertyFile": "main"}, "runJob waitOnJobCompletion", "",
			object{"greeting": "hi=there", "n": json.Number("3"), "propertyFileContents": object{"greeting": "hi=there", "n": json.Number("3"), "list": []any{json.Number("1")}}},
			[]string{"work"},
		},
		"no properties are asked for": {"good", nil, "runJob waitOnJobCompletion", "", object{"greeting": nil, "propertyFileContents": nil}, []string{"work"}},
		"it writes none":              {"silent", object{"propertyFile": "main"}, "runJob waitOnJobCompletion", "", object{"propertyFileContents": object{}}, []string{"work"}},
		"odd properties":              {"odd", object{"propertyFile": "main"}, "runJob waitOnJobCompletion", "what it put out cannot be used", nil, []string{"work"}},
		"it fails": {
			"bad", object{"propertyFile": "main"}, "runJob waitOnJobCompletion",
			"Job: 'work' failed. Reason: Job has reached the specified backoff limit. Details: no such table", nil, []string{"work"},
		},
		"not waited for": {"bad", object{"waitForCompletion": "false"}, "runJob", "", object{"propertyFileContents": nil}, []string{"work"}},
		"too long":       {"endless", nil, "runJob waitOnJobCompletion", "timed out", nil, []string{}},
		"an artifact holds its outputs": {
			"good", object{"consumeArtifactSource": "artifact", "consumeArtifactId": "out"}, "runJob waitOnJobCompletion consumeArtifact", "", object{"from": "there"}, []string{"work"},
		},
		"no job": {
			"good", object{"manifest": deployment("1")}, "runJob", "the stage runs one Job, and its manifests are another thing", nil, []string{},
		},
	}
	for name, tt := range tests {
		for _, twice := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRunner(t, jobs)
				r.patience, r.twice = 10, twice
				r.artifacts, r.content = []gennaker.Artifact{{Type: "http/file", Name: "out", Reference: "out"}}, map[string]string{"out": `{"from": "there"}`}
				c := object{"account": "k8s", "cloudProvider": "kubernetes", "alias": "runJob", "source": "text", "manifest": work(tt.image)}
				maps.Copy(c, tt.config)
				n := r.run("runJobManifest", c)
				if (n.Status == gennaker.Succeeded) != (tt.reason == "") || !strings.Contains(r.why(), tt.reason) {
					t.Fatalf("it ended %s, and says %q, want %q", n.Status, r.why(), tt.reason)
				}
				check(t, "tasks", tt.log, tasks(r.log))
				for k, want := range tt.outputs {
					check(t, k, want, n.Outputs[k])
				}
				check(t, "jobs", tt.left, r.fake.Objects("prod", "job"))
				if tt.reason == "" {
					check(t, "deploy.jobs", any([]any{"job work"}), n.Outputs["deploy.jobs"].(object)["prod"])
				}
			})
		}
	}
}

// Each stage runs the job anew.
func TestJobIsMadeAnew(t *testing.T) {
	t.Parallel()
	r := newRunner(t, jobs)
	c := object{"account": "k8s", "manifest": work("good")}
	var seen []any
	for range 2 {
		n := r.run("runJobManifest", c)
		check(t, "status", gennaker.Succeeded, n.Status)
		seen = append(seen, n.Context["outputs.manifests"].([]any)[0].(object)["metadata"].(object)["uid"])
	}
	if seen[0] == seen[1] {
		t.Errorf("both stages had the job %v", seen[0])
	}
}

// A job that was asked for, and of which nobody was told, is stopped too.
func TestCanceledJobIsDeleted(t *testing.T) {
	t.Parallel()
	r := newRunner(t, jobs)
	r.fake.Lose(fake.Deploy, 1)
	r.fake.Fail(fake.Deploy, 100, gennaker.Unavailable)
	n := r.run("runJobManifest", object{"account": "k8s", "manifest": work("endless")})
	check(t, "status", gennaker.Terminal, n.Status)
	check(t, "jobs", []string{}, r.fake.Objects("prod", "job"))
}

package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/fake"
)

// web is a ReplicaSet of a version.
func web(tag string) object {
	return object{
		"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": object{"name": "web", "namespace": "prod"},
		"spec": object{
			"replicas": 2, "selector": object{"matchLabels": object{"app": "web"}},
			"template": object{
				"metadata": object{"labels": object{"app": "web"}},
				"spec":     object{"containers": []any{object{"name": "web", "image": "shop/web:" + tag}}},
			},
		},
	}
}

// cluster puts the Service web, and a route to it, into the fake account.
func (w *world) cluster() {
	w.t.Helper()
	_, err := w.fake.Deploy(w.ctx, "there", provider.ManifestDeploy{Application: "demo", Manifests: []gennaker.Manifest{
		{
			"apiVersion": "v1", "kind": "Service", "metadata": object{"name": "web", "namespace": "prod"},
			"spec": object{"selector": object{"traffic": "web"}, "ports": []any{object{"port": 80}}},
		},
		{
			"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": object{"name": "web", "namespace": "prod"},
			"spec": object{"rules": []any{object{"backendRefs": []any{object{"name": "web", "port": 80}}}}},
		},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// rollOut is a deployManifest stage that moves traffic.
func rollOut(tag, strategy string, more ...object) object {
	manifests := []any{web(tag)}
	for _, m := range more {
		manifests = append(manifests, m)
	}
	return object{
		"account": "fake", "cloudProvider": "kubernetes", "moniker": object{"app": "demo"}, "manifests": manifests,
		"trafficManagement": object{"enabled": true, "options": object{
			"enableTraffic": true, "services": []any{"service web"}, "strategy": strategy, "route": "httpRoute web",
		}},
	}
}

// traffic is what was done to ReplicaSets and routes.
func (w *world) traffic() []string {
	out := []string{}
	for _, e := range w.fake.Effects() {
		if strings.Contains(e.Target, "replicaSet") {
			out = append(out, string(e.Op)+" "+e.Target)
		}
	}
	return out
}

// TestManifestsMoveTraffic: every strategy on a whole server, one version after
// the other.
func TestManifestsMoveTraffic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cluster()
	for i, strategy := range []string{"bluegreen", "highlander", "rollingredblack", "canary"} {
		name := "with " + strategy
		w.save(name, nil, stage(1, "deployManifest", rollOut(string(rune('a'+i)), strategy)))
		w.ended(w.begin(name, nil), gennaker.Succeeded)
		serving := w.fake.Serving("prod", "web")
		if len(serving) != 1 {
			t.Errorf("after %s the Service has %v", strategy, serving)
		}
	}
	want := []string{
		"deploy replicaSet web-v000", "attach replicaSet web-v000",
		"deploy replicaSet web-v001", "attach replicaSet web-v001", "detach replicaSet web-v000", "delete replicaSet web-v000",
		"deploy replicaSet web-v002",
		"shift httpRoute web to 50 % replicaSet web-v001, 50 % replicaSet web-v002", "shift httpRoute web to 100 % replicaSet web-v002",
		"attach replicaSet web-v002", "detach replicaSet web-v001",
		"deploy replicaSet web-v003",
		"shift httpRoute web to 90 % replicaSet web-v002, 10 % replicaSet web-v003", "shift httpRoute web to 100 % replicaSet web-v003",
		"attach replicaSet web-v003", "detach replicaSet web-v002", "detach replicaSet web-v001",
	}
	if got := w.traffic(); !slices.Equal(got, want) {
		t.Errorf("the moves are %q, want %q", got, want)
	}
}

// TestDeploymentsOfOneClusterTakeTurns: the second one waits for the first, also
// over a restart of the server.
func TestDeploymentsOfOneClusterTakeTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cluster()
	for _, n := range []string{"first", "second"} {
		w.save(n, nil, stage(1, "deployManifest", rollOut(n, "highlander")))
	}
	entered, release := w.fake.Block(fake.Attach)
	first := w.begin("first", nil)
	<-entered
	second := w.begin("second", nil)
	waits := func(x gennaker.Execution) bool {
		list, _ := x.Stages[0].Context["messages"].([]any)
		return len(list) == 1 && strings.Contains(list[0].(string), first)
	}
	w.look(second, waits)
	if got := w.traffic(); !slices.Equal(got, []string{"deploy replicaSet web-v000"}) {
		t.Errorf("while it waits the moves are %q", got)
	}
	w.end()
	w.start()
	w.look(second, waits)
	release()
	for _, id := range []string{first, second} {
		w.ended(id, gennaker.Succeeded)
	}
	want := []string{
		"deploy replicaSet web-v000", "attach replicaSet web-v000",
		"deploy replicaSet web-v001", "attach replicaSet web-v001", "detach replicaSet web-v000", "delete replicaSet web-v000",
	}
	if got := w.traffic(); !slices.Equal(got, want) {
		t.Errorf("the moves are %q, want %q", got, want)
	}
}

// TestSecretsStayOutOfExecutions: an expression in a Secret is evaluated for the
// cluster only.
func TestSecretsStayOutOfExecutions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := object{
		"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "key", "namespace": "prod"},
		"stringData": object{"password": "${ 'hush'.concat('-').concat('hush') }"},
	}
	w.save("secret", object{"spelEvaluator": "v4"}, stage(1, "deployManifest", object{"account": "fake", "manifests": []any{secret}}))
	w.ended(w.begin("secret", nil), gennaker.Succeeded)
	w.end()
	files, err := filepath.Glob(filepath.Join(w.data, "gennaker.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no data: %v", err)
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte("hush-hush")) {
			t.Errorf("%s has the secret", filepath.Base(f))
		}
	}
}

// TestRunJobOfACluster: runJob is one type for both kinds of jobs.
func TestRunJobOfACluster(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := object{
		"apiVersion": "batch/v1", "kind": "Job", "metadata": object{"name": "work", "namespace": "prod"},
		"spec": object{"template": object{"spec": object{"containers": []any{object{"name": "main", "image": "a"}}}}},
	}
	w.save("jobs", nil,
		stage(1, "runJob", object{"account": "fake", "cloudProvider": "kubernetes", "manifest": job}),
		stage(2, "runJob", object{"account": "fake", "command": []any{"true"}}),
		stage(3, "runJobManifest", object{"account": "fake", "alias": "runJob", "manifest": job}),
	)
	x := w.ended(w.begin("jobs", nil), gennaker.Succeeded)
	if got := len(w.fake.Objects("prod", "job")); got != 1 {
		t.Errorf("there are %d jobs", got)
	}
	for _, i := range []int{0, 2} {
		status, _ := x.Stages[i].Context["jobStatus"].(object)
		if status["name"] != "work" || status["jobState"] != "Succeeded" {
			t.Errorf("stage %d ran %v", i+1, status)
		}
	}
}

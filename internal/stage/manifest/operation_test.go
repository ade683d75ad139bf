package manifest_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/fake"
)

// about is a stage about one object.
func about(name string, more object) object {
	c := object{"account": "k8s", "cloudProvider": "kubernetes", "location": "prod", "mode": "static", "manifestName": name}
	maps.Copy(c, more)
	return c
}

func TestOperations(t *testing.T) { // stage types, section 4
	t.Parallel()
	tests := map[string]struct {
		kind   string
		config object
		log    string // the tasks
		moves  []string
		reason string
	}{
		"scale": {
			"scaleManifest", about("deployment web", object{"replicas": "5"}), "resolveTargetManifest scaleManifest waitForManifestToStabilize",
			[]string{"rollout deployment web scale to 5"}, "",
		},
		"scale to what":     {"scaleManifest", about("deployment web", nil), "resolveTargetManifest scaleManifest", []string{}, "does not say how many replicas"},
		"scale to negative": {"scaleManifest", about("deployment web", object{"replicas": -1}), "resolveTargetManifest scaleManifest", []string{}, "must not be negative"},
		"scale a service":   {"scaleManifest", about("service web", object{"replicas": 1}), "resolveTargetManifest scaleManifest", []string{}, "scale"},
		"not there":         {"scaleManifest", about("deployment nobody", object{"replicas": 1}), "resolveTargetManifest scaleManifest", []string{}, "there is no deployment nobody"},
		"no name":           {"scaleManifest", about("web", object{"replicas": 1}), "resolveTargetManifest", []string{}, `"web" does not name an object`},
		"undo": {
			"undoRolloutManifest", about("deployment web", object{"numRevisionsBack": 1}), "resolveTargetManifest undoRolloutManifest waitForManifestToStabilize",
			[]string{"rollout deployment web undo 1"}, "",
		},
		"undo to": {
			"undoRolloutManifest", about("deployment web", object{"revision": "1"}), "resolveTargetManifest undoRolloutManifest waitForManifestToStabilize",
			[]string{"rollout deployment web undo to 1"}, "",
		},
		"undo too far": {
			"undoRolloutManifest", about("deployment web", object{"numRevisionsBack": 7}), "resolveTargetManifest undoRolloutManifest", []string{}, "revision",
		},
		"restart": {
			"rollingRestartManifest", about("deployment web", nil), "resolveTargetManifest rollingRestartManifest", []string{"rollout deployment web restart"}, "",
		},
		"pause": {
			"pauseRolloutManifest", about("deployment web", nil), "resolveTargetManifest pauseRolloutManifest", []string{"rollout deployment web pause"}, "",
		},
		"resume": {
			"resumeRolloutManifest", about("deployment web", nil), "resolveTargetManifest resumeRolloutManifest waitForManifestToStabilize",
			[]string{"rollout deployment web resume"}, "",
		},
		"patch": {
			"patchManifest", about("deployment web", object{"patchBody": []any{object{"metadata": object{"labels": object{"a": "${ b }"}}}}}),
			"resolveTargetManifest resolvePatchSourceManifest patchManifest waitForManifestToStabilize", []string{"patch deployment web"}, "",
		},
		"patch by operations": {
			"patchManifest", about("deployment web", object{
				"patchBody": []any{object{"op": "replace", "path": "/spec/replicas", "value": 3}, object{"op": "test", "path": "/spec/replicas", "value": 3}},
				"options":   object{"mergeStrategy": "json"},
			}), "resolveTargetManifest resolvePatchSourceManifest patchManifest waitForManifestToStabilize", []string{"patch deployment web"}, "",
		},
		"patch of two": {
			"patchManifest", about("deployment web", object{"patchBody": []any{object{}, object{}}}), "resolveTargetManifest resolvePatchSourceManifest", []string{}, "a patch is one object, and there are 2",
		},
		"patch by magic": {
			"patchManifest", about("deployment web", object{"patchBody": []any{object{}}, "options": object{"mergeStrategy": "magic"}}),
			"resolveTargetManifest resolvePatchSourceManifest", []string{}, `there is no mergeStrategy "magic"`,
		},
		"delete": {
			"deleteManifest", about("deployment web", object{"options": object{"cascading": true, "gracePeriodSeconds": "5"}}),
			"resolveTargetManifest deleteManifest monitorDelete", []string{"delete deployment web"}, "",
		},
		"delete what is not there": {
			"deleteManifest", about("deployment nobody", nil), "resolveTargetManifest deleteManifest monitorDelete", []string{}, "",
		},
		"delete soon": {
			"deleteManifest", about("deployment web", object{"options": object{"gracePeriodSeconds": "soon"}}), "resolveTargetManifest deleteManifest", []string{}, "gracePeriodSeconds",
		},
		"delete by label": {
			"deleteManifest", object{
				"account": "k8s", "location": "prod", "mode": "label", "kinds": []any{"replicaSet", "service"},
				"labelSelectors": object{"selectors": []any{object{"key": "app.kubernetes.io/name", "kind": "EQUALS", "values": []any{"shop"}}}},
			}, "resolveTargetManifest deleteManifest monitorDelete", []string{"delete service web", "delete replicaSet web-v000", "delete replicaSet web-v001"}, "",
		},
		"delete by label without a mode": {
			"deleteManifest", object{
				"account": "k8s", "location": "prod", "kinds": []any{"service"},
				"labelSelectors": object{"selectors": []any{object{"key": "app.kubernetes.io/name", "kind": "EQUALS", "values": []any{"shop"}}}},
			}, "resolveTargetManifest deleteManifest monitorDelete", []string{"delete service web"}, "",
		},
		"delete by nothing": {
			"deleteManifest", object{"account": "k8s", "location": "prod", "kinds": []any{}}, "resolveTargetManifest", []string{}, "does not name an object",
		},
		"delete everything": {
			"deleteManifest", object{"account": "k8s", "location": "prod", "mode": "label"}, "resolveTargetManifest deleteManifest", []string{}, "which kinds and labels",
		},
		"dynamic": {
			"deleteManifest", object{"account": "k8s", "location": "prod", "mode": "dynamic", "cluster": "replicaSet web", "kind": "replicaSet", "criteria": "oldest", "app": "shop"},
			"resolveTargetManifest deleteManifest monitorDelete", []string{"delete replicaSet web-v000"}, "",
		},
		"disable": {
			"disableManifest", about("replicaSet web-v001", nil), "resolveTargetManifest disableManifest monitorDisable waitForManifestToStabilize",
			[]string{"detach replicaSet web-v001"}, "",
		},
		"enable": {
			"enableManifest", about("replicaSet web-v001", nil), "resolveTargetManifest enableManifest monitorEnable waitForManifestToStabilize",
			[]string{"attach replicaSet web-v001"}, "",
		},
		"enable behind a given service": {
			"enableManifest", about("replicaSet web-v001", object{"loadBalancers": []any{"service web"}}), "resolveTargetManifest enableManifest monitorEnable waitForManifestToStabilize",
			[]string{"attach replicaSet web-v001"}, "",
		},
		"enable behind nobody": {
			"enableManifest", about("replicaSet web-v001", object{"loadBalancers": []any{"service nobody"}}), "resolveTargetManifest enableManifest", []string{}, "there is no service nobody",
		},
		"find": {
			"findArtifactsFromResource", about("deployment web", object{"expectedArtifacts": []any{object{"id": "i", "matchArtifact": object{"type": "docker/image", "name": "shop/web"}}}}),
			"resolveTargetManifest findArtifactsFromResource bindProducedArtifacts", []string{}, "",
		},
	}
	for name, tt := range tests {
		for _, mode := range []string{"once", "twice", "lost answers"} {
			t.Run(name+" "+mode, func(t *testing.T) {
				t.Parallel()
				r := newRunner(t, slow)
				r.patience = 20
				r.root = object{"b": "c"}
				r.there(service("web"))
				for _, tag := range []string{"1", "2"} {
					r.there(deployment(tag))
					if n := r.run("deployManifest", traffic(tag, object{"strategy": "none"})); n.Status != gennaker.Succeeded {
						t.Fatal(r.why())
					}
				}
				r.twice = mode == "twice"
				if mode == "lost answers" {
					for _, op := range []fake.Op{fake.Attach, fake.Detach, fake.DeleteManifest, fake.Rollout, fake.Patch} {
						r.fake.Lose(op, 2)
					}
				}
				before, lines := len(r.fake.Effects()), len(r.log)
				n := r.run(tt.kind, tt.config)
				if (n.Status == gennaker.Succeeded) != (tt.reason == "") || !strings.Contains(r.why(), tt.reason) {
					t.Fatalf("it ended %s, and says %q, want %q", n.Status, r.why(), tt.reason)
				}
				check(t, "tasks", tt.log, tasks(r.log[lines:]))
				check(t, "moves", tt.moves, r.moves(before))
			})
		}
	}
}

// tasks are those in a log that began.
func tasks(log []string) string {
	var out []string
	for _, line := range log {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "- "), ":"); ok && strings.HasPrefix(line, "- ") {
			out = append(out, name)
		}
	}
	return strings.Join(out, " ")
}

func TestDynamicTargets(t *testing.T) { // B7
	t.Parallel()
	r := newRunner(t, nil)
	r.there(service("web"))
	for _, tag := range []string{"1", "2", "3"} {
		r.run("deployManifest", traffic(tag, object{"strategy": "none"}))
	}
	r.run("scaleManifest", about("replicaSet web-v001", object{"replicas": 9}))
	r.run("scaleManifest", about("replicaSet web-v002", object{"replicas": 1}))
	for criteria, want := range map[string]string{
		"newest": "web-v002", "": "web-v002", "second_newest": "web-v001", "oldest": "web-v000", "largest": "web-v001", "smallest": "web-v002",
	} {
		n := r.run("findArtifactsFromResource", object{
			"account": "k8s", "location": "prod", "mode": "dynamic", "cluster": "replicaSet web", "kind": "replicaSet", "criteria": criteria, "manifestName": " ",
		})
		check(t, criteria, any("replicaSet "+want), n.Context["manifestName"])
		check(t, "its artifacts", 1, len(n.Outputs["artifacts"].([]any)))
		check(t, "the object", any("ReplicaSet"), n.Outputs["manifest"].(object)["kind"])
	}
	for _, c := range []object{
		{"cluster": "replicaSet web", "kind": "replicaSet", "criteria": "greenest"},
		{"cluster": "replicaSet nobody", "kind": "replicaSet", "criteria": "newest"},
		{"kind": "replicaSet", "criteria": "newest"},
	} {
		maps.Copy(c, object{"account": "k8s", "location": "prod", "mode": "dynamic"})
		check(t, "status", gennaker.Terminal, r.run("findArtifactsFromResource", c).Status)
	}
}

// What is deleted is stored before: an object of that name that comes later
// stays.
func TestDeleteLeavesWhatComesLater(t *testing.T) {
	t.Parallel()
	r := newRunner(t, nil)
	r.there(deployment("1"))
	deletes := 0
	r.before = func(_ *node, task string) {
		if task == "deleteManifest" {
			if deletes++; deletes == 2 {
				d := deployment("2")
				d["metadata"].(object)["annotations"] = object{"strategy.spinnaker.io/recreate": "true"}
				r.there(d)
			}
		}
	}
	n := r.run("deleteManifest", about("deployment web", nil))
	check(t, "status", gennaker.Succeeded, n.Status)
	check(t, "what is there", []string{"web"}, r.fake.Objects("prod", "deployment"))
}

func TestStability(t *testing.T) { // B6
	t.Parallel()
	fails := func(m gennaker.Manifest) fake.ManifestScript {
		switch {
		case strings.HasSuffix(image(m), ":bad") && m["kind"] == "Deployment":
			return fake.ManifestScript{Fails: "Deployment exceeded its progress deadline", Hint: "look at its pods"}
		case strings.HasSuffix(image(m), ":slow"):
			return fake.ManifestScript{Ready: fake.AfterLooks(5)}
		}
		return badImage(m)
	}
	other := func(tag string) object {
		m := deployment(tag)
		m["metadata"] = object{"name": "other", "namespace": "prod"}
		return m
	}
	for name, tt := range map[string]struct {
		manifests []any
		more      object
		patience  int
		reason    string
		looks     int // at least
		most      int
	}{
		"one has failed":             {[]any{deployment("bad")}, nil, 6, "deployment web failed: Deployment exceeded its progress deadline", 1, 3},
		"all come to an end":         {[]any{deployment("bad"), other("slow")}, nil, 20, "deployment web failed: Deployment exceeded its progress deadline", 5, 99},
		"failFast does not wait":     {[]any{deployment("bad"), other("slow")}, object{"failFast": true}, 20, "deployment web failed", 1, 3},
		"never, within half an hour": {[]any{replicaSet("bad")}, nil, 100, "replicaSet web-v000 is not stable: the image shop/web:bad cannot be pulled after 30m0s", 59, 99},
		"never, within its minutes":  {[]any{replicaSet("bad")}, object{"stableManifestTimeoutMinutes": "2"}, 100, "cannot be pulled after 2m0s", 3, 10},
		"more minutes than usual":    {[]any{replicaSet("bad")}, object{"stableManifestTimeoutMinutes": 45}, 200, "cannot be pulled after 45m0s", 89, 99},
		"the runtime's time is over": {[]any{replicaSet("bad")}, object{"stageTimeoutMs": 1000}, 5, "replicaSet web-v000 is not stable: the image shop/web:bad cannot be pulled", 2, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, fails)
			r.patience = tt.patience
			looks := 0
			r.before = func(_ *node, task string) {
				if task == "waitForManifestToStabilize" {
					looks++
				}
			}
			c := deployed(object{"manifests": tt.manifests, "includeEvents": true})
			maps.Copy(c, tt.more)
			n := r.run("deployManifest", c)
			check(t, "status", gennaker.Terminal, n.Status)
			if !strings.Contains(r.why(), tt.reason) || looks < tt.looks || looks > tt.most {
				t.Errorf("it failed with %q after %d looks, want %q after %d to %d", r.why(), looks, tt.reason, tt.looks, tt.most)
			}
			if n.Context["events"] == nil {
				t.Error("the events are not kept")
			}
		})
	}
}

// Versions that are too many go when no request reaches them.
func TestObsoleteVersionsAreDrained(t *testing.T) {
	t.Parallel()
	r := newRunner(t, slow)
	r.patience = 20
	r.there(service("web"))
	r.before = r.alwaysServes()
	for _, tag := range []string{"1", "2", "3"} {
		m := annotated(replicaSet(tag), "strategy.spinnaker.io/max-version-history", "1")
		c := traffic(tag, object{"strategy": "none"})
		c["manifests"] = []any{m}
		if n := r.run("deployManifest", c); n.Status != gennaker.Succeeded {
			t.Fatalf("it ended %s: %s, %q", n.Status, r.why(), r.said)
		}
	}
	for range 3 { // looks let what is deleted go
		r.state()
	}
	check(t, "the cluster", []string{"web-v002 2 behind web"}, r.state())
	moves := r.moves(0)
	for _, m := range []string{"detach replicaSet web-v000", "delete replicaSet web-v000", "detach replicaSet web-v001", "delete replicaSet web-v001"} {
		if !has(moves, m) {
			t.Errorf("the moves %q lack %q", moves, m)
		}
	}
}

// A Service that selects by what the workload selects by cannot be left: what is
// left of the traffic that can be is waited for, and then its proxies.
func TestDisableLeavesOtherServicesAlone(t *testing.T) {
	t.Parallel()
	r := newRunner(t, nil)
	metrics := service("metrics")
	metrics["spec"] = object{"selector": object{"app": "web"}, "ports": []any{object{"port": 9090}}}
	r.there(service("web"), metrics)
	r.run("deployManifest", traffic("1", object{"strategy": "bluegreen"}))
	began := r.now
	n := r.run("disableManifest", about("replicaSet web-v000", nil))
	check(t, "status "+r.why(), gennaker.Succeeded, n.Status)
	check(t, "the cluster", []string{"web-v000 2 behind metrics"}, r.state())
	if took := r.now.Sub(began); took < 15*time.Second {
		t.Errorf("proxies were given %s", took)
	}
	check(t, "deployed again", gennaker.Succeeded, r.run("deployManifest", traffic("2", object{"strategy": "highlander"})).Status)
	check(t, "the cluster", []string{"web-v001 2 behind metrics, web"}, r.state())
}

func TestNothingIsDeletedThatServes(t *testing.T) {
	t.Parallel()
	r := newRunner(t, nil)
	r.there(service("web"))
	r.run("deployManifest", traffic("1", object{"strategy": "bluegreen"}))
	n := r.run("deleteManifest", about("replicaSet web-v000", object{"onlyDrained": true}))
	check(t, "status", gennaker.Terminal, n.Status)
	check(t, "why", "replicaSet web-v000 is not deleted, since requests still reach it by web", r.why())
	check(t, "the cluster", []string{"web-v000 2 behind web"}, r.state())
}

func TestGatewayThatDoesNotFollow(t *testing.T) {
	t.Parallel()
	r := newRunner(t, func(m gennaker.Manifest) fake.ManifestScript {
		if m["kind"] == "HTTPRoute" {
			return fake.ManifestScript{Ready: fake.Never()}
		}
		return fake.ManifestScript{}
	})
	r.there(service("web"), route("web", "web"))
	n := r.run("deployManifest", traffic("1", object{"strategy": "canary", "route": "httpRoute web"}))
	check(t, "status", gennaker.Terminal, n.Status)
	if want := "a gateway does not follow httpRoute web yet: the gateway has not accepted it yet"; !strings.Contains(r.why(), want) {
		t.Errorf("it says %q, want %q", r.why(), want)
	}
}

func TestSomebodyElseShifts(t *testing.T) {
	t.Parallel()
	r := newRunner(t, nil)
	r.there(service("web"), route("web", "web"))
	r.run("deployManifest", traffic("1", object{"strategy": "none"}))
	r.before = func(n *node, task string) {
		if task == "waitForTrafficShift" && strings.Contains(n.Name, "50 %") {
			r.fake.Reset("prod", "web")
		}
	}
	n := r.run("deployManifest", traffic("2", object{"strategy": "rollingredblack", "route": "httpRoute web"}))
	check(t, "status", gennaker.Terminal, n.Status)
	check(t, "why", true, strings.Contains(r.why(), "somebody else changed the weights of httpRoute web"))
}

func TestPipelineCanBeRegistered(t *testing.T) {
	t.Parallel()
	r := newRunner(t, nil)
	kinds := r.registry.Types()
	for _, kind := range []string{
		"deployManifest", "patchManifest", "scaleManifest", "deleteManifest", "undoRolloutManifest", "rollingRestartManifest", "pauseRolloutManifest",
		"resumeRolloutManifest", "enableManifest", "disableManifest", "findArtifactsFromResource", "runJobManifest",
	} {
		if !has(kinds, kind) {
			t.Errorf("pipelines cannot have %s", kind)
		}
	}
	if has(kinds, "shiftTraffic") {
		t.Error("pipelines can have shiftTraffic, which strategies make")
	}
}

package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/stage"
)

func TestFailedVersionLeavesTraffic(t *testing.T) {
	t.Parallel()
	weighted := func(strategy string) object {
		return object{"strategy": strategy, "route": "httpRoute web", "targetPercentages": []any{20, 60}}
	}
	validated := func(options object) object {
		options["pipelineBeforeCleanup"] = object{"application": "shop", "pipelineId": "42"}
		return options
	}
	breaks := func(r *runner, tasks ...string) { // the new version, when a task runs
		r.before = func(n *node, task string) {
			for _, want := range tasks {
				if task == want && n.parent != nil {
					r.fake.SetReady(ref("replicaSet web-v001"), "its pods crash")
				}
			}
		}
	}
	tests := map[string]struct {
		options object
		tag     string
		prepare func(*runner)
		want    []string // after a good version and this one
		moves   []string // of the second
		reason  string
	}{
		"none says nothing about the old one": {
			options: object{"strategy": "none"}, tag: "bad", want: []string{"web-v000 2 behind web", "web-v001 2"},
			moves: []string{"deploy replicaSet web-v001"}, reason: "replicaSet web-v001 is not stable: the image shop/web:bad cannot be pulled",
		},
		"never ready": {
			options: object{"strategy": "redblack"}, tag: "bad", want: []string{"web-v000 2 behind web", "web-v001 2"},
			moves: []string{"deploy replicaSet web-v001", "detach replicaSet web-v001"}, reason: "replicaSet web-v001 is not stable: the image shop/web:bad cannot be pulled",
		},
		"destroyed": {
			options: object{"strategy": "highlander", "rollback": object{"destroyLatest": true}}, tag: "bad", want: []string{"web-v000 2 behind web"},
			moves:  []string{"deploy replicaSet web-v001", "detach replicaSet web-v001", "delete replicaSet web-v001"},
			reason: "replicaSet web-v001 is not stable",
		},
		"left alone": {
			options: object{"strategy": "redblack", "rollback": object{"onFailure": false}}, tag: "bad", want: []string{"web-v000 2 behind web", "web-v001 2"},
			moves: []string{"deploy replicaSet web-v001"}, reason: "replicaSet web-v001 is not stable",
		},
		"canary never ready": {
			options: weighted("canary"), tag: "bad", want: []string{"web-v000 2 behind web", "web-v001 2"},
			moves:  []string{"deploy replicaSet web-v001", "detach replicaSet web-v001", "attach replicaSet web-v000", "detach replicaSet web-v001"},
			reason: "replicaSet web-v001 is not stable",
		},
		"the validation of a canary fails": {
			options: validated(weighted("canary")), tag: "2", prepare: func(r *runner) { r.pipeline = stage.Fail("too many errors") },
			want: []string{"web-v000 2 behind web, web-v000", "web-v001 2"},
			moves: []string{
				"deploy replicaSet web-v001", "shift httpRoute web to 80 % replicaSet web-v000, 20 % replicaSet web-v001",
				"attach replicaSet web-v000", "shift httpRoute web to 100 % replicaSet web-v000", "detach replicaSet web-v001",
			},
		},
		"the validation of blue/green fails": {
			options: validated(object{"strategy": "bluegreen"}), tag: "2", prepare: func(r *runner) { r.pipeline = stage.Fail("too many errors") },
			want: []string{"web-v000 2 behind web", "web-v001 2"}, moves: []string{"deploy replicaSet web-v001", "attach replicaSet web-v001", "detach replicaSet web-v001"},
		},
		"it breaks before the old one is disabled": {
			options: object{"strategy": "redblack"}, tag: "2", prepare: func(r *runner) { breaks(r, "disableManifest") },
			want: []string{"web-v000 2 behind web", "web-v001 2"}, moves: []string{"deploy replicaSet web-v001", "attach replicaSet web-v001", "detach replicaSet web-v001"},
			reason: "replicaSet web-v000 keeps its traffic until another version is behind web",
		},
		"it breaks before a shift": {
			options: weighted("rollingredblack"), tag: "2", prepare: func(r *runner) { breaks(r, "shiftTraffic") },
			want:  []string{"web-v000 2 behind web", "web-v001 2"},
			moves: []string{"deploy replicaSet web-v001", "attach replicaSet web-v000", "detach replicaSet web-v001"},
		},
		"the drain of the old one fails": {
			options: object{"strategy": "highlander"}, tag: "2", prepare: func(r *runner) {
				r.before = func(n *node, task string) {
					if task == "monitorDisable" && n.Name == "Disable replicaSet web-v000" {
						n := 1
						if r.twice {
							n = 2
						}
						r.fake.Fail(fake.Read, n, gennaker.Denied)
					}
				}
			},
			want: []string{"web-v000 2 behind web", "web-v001 2"},
			moves: []string{
				"deploy replicaSet web-v001", "attach replicaSet web-v001", "detach replicaSet web-v000", "attach replicaSet web-v000", "detach replicaSet web-v001",
			},
		},
		"canceled while it starts": {
			options: object{"strategy": "redblack"}, tag: "bad", prepare: func(r *runner) { r.canceled = "waitForManifestToStabilize" },
			want:  []string{"web-v000 2 behind web", "web-v001 2"},
			moves: []string{"deploy replicaSet web-v001", "detach replicaSet web-v001"},
		},
	}
	for name, tt := range tests {
		for _, twice := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " twice ", twice), func(t *testing.T) {
				t.Parallel()
				r := newRunner(t, badImage)
				r.there(service("web"), route("web", "web"))
				if n := r.run("deployManifest", traffic("1", object{"strategy": "none"})); n.Status != gennaker.Succeeded {
					t.Fatalf("the first deployment ended %s: %v", n.Status, n.Context["exception"])
				}
				r.twice = twice
				r.before = r.alwaysServes()
				if tt.prepare != nil {
					tt.prepare(r)
				}
				before := len(r.fake.Effects())
				n := r.run("deployManifest", traffic(tt.tag, tt.options))
				if n.Status.Successful() {
					t.Errorf("the deployment ended %s: %s", n.Status, strings.Join(r.log, "\n"))
				}
				check(t, "the cluster", tt.want, r.state())
				check(t, "the moves", tt.moves, r.moves(before))
				if why := r.why(); !strings.Contains(why, tt.reason) {
					t.Errorf("it failed with %q, want %q", why, tt.reason)
				}
			})
		}
	}
}

// why is what the stages of a run say about their failures.
func (r *runner) why() string {
	var out []string
	for _, n := range r.nodes {
		if e, ok := n.Context["exception"]; ok {
			out = append(out, fmt.Sprint(e))
		}
	}
	return strings.Join(out, "; ")
}

func TestFirstVersionThatFailsKeepsItsTraffic(t *testing.T) {
	t.Parallel()
	r := newRunner(t, badImage)
	r.there(service("web"))
	n := r.run("deployManifest", traffic("bad", object{"strategy": "redblack"}))
	check(t, "status", gennaker.Terminal, n.Status)
	check(t, "stages", []string{}, r.names(n))
}

// What the runtime makes of a failure that is ignored: the way back stands where
// the strategy would.
func TestIgnoredFailureIsTakenBack(t *testing.T) {
	t.Parallel()
	r := newRunner(t, badImage)
	r.there(service("web"))
	r.run("deployManifest", traffic("1", object{"strategy": "redblack"}))
	c := traffic("bad", object{"strategy": "redblack"})
	c["continuePipeline"] = true
	n := r.run("deployManifest", c)
	check(t, "status", gennaker.FailedContinue, n.Status)
	check(t, "the cluster", []string{"web-v000 2 behind web", "web-v001 2"}, r.state())
	check(t, "stages", []string{"Disable replicaSet web-v001"}, r.names(n))
}

// A crash between Deploy and its answer, and then a cancel: what was made is
// found, and leaves traffic.
func TestAbandonedDeploymentLeavesTraffic(t *testing.T) {
	t.Parallel()
	r := newRunner(t, badImage)
	r.there(service("web"))
	r.run("deployManifest", traffic("1", object{"strategy": "redblack"}))
	r.fake.Lose(fake.Deploy, 1)
	r.fake.Fail(fake.Deploy, 100, gennaker.Unavailable)
	n := r.run("deployManifest", traffic("2", object{"strategy": "redblack"}))
	check(t, "status", gennaker.Terminal, n.Status)
	check(t, "the cluster", []string{"web-v000 2 behind web", "web-v001 2"}, r.state())
}

// A way back that fails half way: what it could not do is said, and nothing is
// deleted that serves.
func TestWayBackThatFails(t *testing.T) {
	t.Parallel()
	r := newRunner(t, nil)
	r.there(service("web"), route("web", "web"))
	options := object{"strategy": "canary", "route": "httpRoute web"}
	r.run("deployManifest", traffic("1", options))
	options["pipelineBeforeCleanup"] = object{"application": "shop", "pipelineId": "42"}
	options["rollback"] = object{"destroyLatest": true}
	r.pipeline = stage.Fail("too many errors")
	r.before = func(n *node, task string) {
		if n.side == "failure" && task == "shiftTraffic" {
			r.fake.Fail(fake.Shift, 1, gennaker.Denied) // the new version keeps its share
		}
	}
	n := r.run("deployManifest", traffic("2", options))
	check(t, "status", gennaker.Terminal, n.Status)
	check(t, "the cluster", []string{"web-v000 2 behind web, web-v000", "web-v001 2 behind web-v001"}, r.state())
	if strings.Contains(r.why(), "somebody else") || !strings.Contains(r.why(), "replicaSet web-v001 is not deleted, since requests still reach it by web-v001") {
		t.Errorf("it says %q", r.why())
	}
}

// The way back is planned also while the cluster cannot be asked, and what may
// have been done is done again.
func TestWayBackIsPlannedBlindly(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{"redblack", "canary"} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, badImage)
			r.there(service("web"), route("web", "web"))
			options := object{"strategy": strategy, "route": "httpRoute web"}
			r.run("deployManifest", traffic("1", options))
			d, err := r.registry.Find("deployManifest")
			if err != nil {
				t.Fatal(err)
			}
			n := r.run("deployManifest", traffic("bad", options))
			r.fake.Fail(fake.Read, 1, gennaker.Unavailable)
			planned, err := d.OnFailure(t.Context(), r.input(n, ""))
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, s := range planned {
				names = append(names, s.Name)
			}
			want := []string{"Enable replicaSet web-v000", "Disable replicaSet web-v001"}
			if strategy == "canary" {
				want = []string{"Enable replicaSet web-v000", "Shift Traffic to 100 % replicaSet web-v000", "Disable replicaSet web-v001"}
			}
			check(t, "stages", want, names)
		})
	}
}

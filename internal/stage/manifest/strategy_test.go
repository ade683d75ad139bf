package manifest_test

import (
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/fake"
)

func TestStrategies(t *testing.T) { // B5, and ours, from beginning to end
	t.Parallel()
	tests := map[string]struct {
		options object
		want    []string // after three deployments
		moves   []string // of the last one
	}{
		"B5 none": {
			object{"strategy": "none"}, []string{"web-v000 2 behind web", "web-v001 2 behind web", "web-v002 2 behind web"}, []string{"deploy replicaSet web-v002"},
		},
		"B5 dark": {
			object{"enableTraffic": false}, []string{"web-v000 2", "web-v001 2", "web-v002 2"}, []string{"deploy replicaSet web-v002"},
		},
		"B5 redblack": {
			object{"strategy": "redblack"}, []string{"web-v000 2", "web-v001 2", "web-v002 2 behind web"},
			[]string{"deploy replicaSet web-v002", "attach replicaSet web-v002", "detach replicaSet web-v001", "detach replicaSet web-v000"},
		},
		"B5 bluegreen": {
			object{"strategy": "BlueGreen", "delayBeforeCleanup": 5}, []string{"web-v000 2", "web-v001 2", "web-v002 2 behind web"},
			[]string{"deploy replicaSet web-v002", "attach replicaSet web-v002", "detach replicaSet web-v001", "detach replicaSet web-v000"},
		},
		"bluegreen from the dark": {
			object{"strategy": "bluegreen", "enableTraffic": false}, []string{"web-v000 2", "web-v001 2", "web-v002 2 behind web"},
			[]string{"deploy replicaSet web-v002", "attach replicaSet web-v002", "detach replicaSet web-v001", "detach replicaSet web-v000"},
		},
		"bluegreen and scale down": {
			object{"strategy": "bluegreen", "scaleDown": true}, []string{"web-v000 0", "web-v001 0", "web-v002 2 behind web"},
			[]string{"deploy replicaSet web-v002", "attach replicaSet web-v002", "detach replicaSet web-v001", "detach replicaSet web-v000", "rollout replicaSet web-v001 scale to 0"},
		},
		"B5 highlander": {
			object{"strategy": "highlander"}, []string{"web-v002 2 behind web"},
			[]string{"deploy replicaSet web-v002", "attach replicaSet web-v002", "detach replicaSet web-v001", "delete replicaSet web-v001"},
		},
		"rollingredblack": {
			object{"strategy": "rollingredblack", "route": "httpRoute web"}, []string{"web-v000 2", "web-v001 2", "web-v002 2 behind web, web-v002"},
			[]string{
				"deploy replicaSet web-v002",
				"shift httpRoute web to 50 % replicaSet web-v001, 50 % replicaSet web-v002",
				"shift httpRoute web to 100 % replicaSet web-v002",
				"attach replicaSet web-v002", "detach replicaSet web-v001", "detach replicaSet web-v000",
			},
		},
		"canary": {
			object{"strategy": "canary", "route": "httpRoute web", "targetPercentages": []any{5, 25}, "scaleDown": true},
			[]string{"web-v000 0", "web-v001 0", "web-v002 2 behind web, web-v002"},
			[]string{
				"deploy replicaSet web-v002",
				"shift httpRoute web to 95 % replicaSet web-v001, 5 % replicaSet web-v002",
				"shift httpRoute web to 75 % replicaSet web-v001, 25 % replicaSet web-v002",
				"shift httpRoute web to 100 % replicaSet web-v002",
				"attach replicaSet web-v002", "detach replicaSet web-v001", "detach replicaSet web-v000", "rollout replicaSet web-v001 scale to 0",
			},
		},
	}
	for name, tt := range tests {
		for mode, prepare := range map[string]func(*runner){
			"at once": func(*runner) {},
			"twice":   func(r *runner) { r.twice = true },
			"lost answers": func(r *runner) {
				for _, op := range []fake.Op{fake.Deploy, fake.Attach, fake.Detach, fake.DeleteManifest, fake.Rollout, fake.Shift} {
					r.fake.Lose(op, 2)
				}
			},
		} {
			t.Run(name+" "+mode, func(t *testing.T) {
				t.Parallel()
				r := newRunner(t, slow)
				r.patience = 20
				r.there(service("web"), route("web", "web"))
				prepare(r)
				r.before = r.alwaysServes()
				var n int
				for _, tag := range []string{"1", "2", "3"} {
					n = len(r.fake.Effects())
					if n := r.run("deployManifest", traffic(tag, tt.options)); n.Status != gennaker.Succeeded {
						t.Fatalf("the deployment ended %s, %v: %s", n.Status, n.Context["exception"], strings.Join(r.log, "\n"))
					}
				}
				check(t, "the cluster", tt.want, r.state())
				check(t, "the moves", tt.moves, r.moves(n))
				check(t, "the effects have different keys", len(r.fake.Effects()), keys(r.fake.Effects()))
			})
		}
	}
}

// alwaysServes fails the test if a service that had a workload behind it is
// without one when a task runs.
func (r *runner) alwaysServes() func(*node, string) {
	served := false
	return func(n *node, task string) {
		now := len(r.fake.Serving("prod", "web")) > 0
		if served && !now {
			r.t.Errorf("nothing serves when %s of %s runs", task, n.Name)
		}
		served = served || now
	}
}

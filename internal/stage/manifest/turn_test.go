package manifest_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
)

// rival is an execution with a stage that deploys a cluster.
func rival(status gennaker.Status, change func(*gennaker.Stage)) gennaker.Execution {
	st := gennaker.Stage{
		ID: "R1", Type: "deployManifest", Name: "Other", Status: status, StartTime: gennaker.At(gennaker.Time{}.AddDate(2, 0, 0)),
		Context: object{
			"account": "k8s", "deploy.account.name": "k8s", "trafficManagement": object{"enabled": true, "options": object{"strategy": "redblack"}},
			"trafficClusters": []any{object{"location": "prod", "app": "shop", "cluster": "replicaSet web"}},
		},
	}
	if change != nil {
		change(&st)
	}
	return gennaker.Execution{ID: "R", Application: "shop", Status: gennaker.Running, Stages: []gennaker.Stage{st}}
}

func TestOneDeploymentOfAClusterAtATime(t *testing.T) {
	t.Parallel()
	later := func(st *gennaker.Stage) { st.StartTime = gennaker.At(st.StartTime.AddDate(5000, 0, 0)) }
	set := func(key string, v any) func(*gennaker.Stage) {
		return func(st *gennaker.Stage) { st.Context[key] = v }
	}
	tests := map[string]struct {
		other   gennaker.Execution
		options object
		parent  bool
		waits   bool
		reason  string
	}{
		"it began before":         {rival(gennaker.Running, nil), nil, false, true, "waiting until the stage"},
		"its execution is paused": {rival(gennaker.Paused, nil), nil, false, true, "waiting until the stage"},
		"it began later":          {rival(gennaker.Running, later), nil, false, false, ""},
		"it began later, but has its turn": {
			rival(gennaker.Running, func(st *gennaker.Stage) { later(st); set("trafficTurn", true)(st) }), nil, false, true, "waiting until the stage",
		},
		"it has ended":          {rival(gennaker.Succeeded, nil), nil, false, false, ""},
		"it failed":             {rival(gennaker.Terminal, set("trafficTurn", true)), nil, false, false, ""},
		"it has not begun":      {rival(gennaker.NotStarted, func(st *gennaker.Stage) { st.StartTime = gennaker.Time{} }), nil, false, false, ""},
		"it is another type":    {rival(gennaker.Running, func(st *gennaker.Stage) { st.Type = "wait" }), nil, false, false, ""},
		"another account":       {rival(gennaker.Running, set("deploy.account.name", "other")), nil, false, false, ""},
		"another cluster":       {rival(gennaker.Running, set("trafficClusters", []any{object{"location": "prod", "cluster": "replicaSet api"}})), nil, false, false, ""},
		"another namespace":     {rival(gennaker.Running, set("trafficClusters", []any{object{"location": "test", "cluster": "replicaSet web"}})), nil, false, false, ""},
		"it moves no traffic":   {rival(gennaker.Running, set("trafficManagement", object{"enabled": false})), nil, false, false, ""},
		"it does not know yet":  {rival(gennaker.Running, set("trafficClusters", nil)), nil, false, true, ""},
		"refused":               {rival(gennaker.Running, nil), object{"concurrent": "refuse"}, false, false, "deploys replicaSet web at this moment"},
		"it waits for this one": {rival(gennaker.Running, nil), nil, true, false, "waits for this stage"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, nil)
			r.there(service("web"))
			r.running = []gennaker.Execution{tt.other}
			if tt.parent {
				r.exec.Trigger.Other = object{"parentExecution": object{"id": "X", "trigger": object{"parentExecution": object{"id": "R"}}}}
			}
			options := object{"strategy": "redblack"}
			maps.Copy(options, tt.options)
			looks := 0
			r.before = func(_ *node, task string) {
				if task == "prepareTraffic" {
					if looks++; looks == 3 {
						r.running = nil // it ended
					}
				}
			}
			n := r.run("deployManifest", traffic("1", options))
			said := r.why() + " " + strings.Join(r.said, "; ")
			if !strings.Contains(said, tt.reason) {
				t.Errorf("it said %q, want %q", said, tt.reason)
			}
			if failed := tt.reason != "" && !tt.waits; (n.Status != gennaker.Succeeded) != failed {
				t.Errorf("it ended %s: %s", n.Status, said)
			}
			if (looks > 2) != tt.waits {
				t.Errorf("it looked %d times, want waiting %v", looks, tt.waits)
			}
		})
	}
}

package deploy_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/deploy"
)

// three returns a runner with server groups v000 to v002 of two instances, all
// in service.
func three(t *testing.T, config deploy.Config, script func(gennaker.ServerGroupSpec) fake.Script) *runner {
	t.Helper()
	r := newRunner(t, config, script)
	r.patience = 20
	for range 3 {
		r.deploy(cluster("none", 2, nil))
	}
	return r
}

// about is a stage's configuration that names the cluster.
func about(more object) object {
	c := object{"credentials": "local", "regions": []any{"east"}, "cluster": "demo-prod"}
	maps.Copy(c, more)
	return c
}

// on is a stage's configuration that names a server group.
func on(name string, more object) object {
	c := object{"credentials": "local", "region": "east", "serverGroupName": name}
	maps.Copy(c, more)
	return c
}

func exception(n *node) string { return fmt.Sprint(n.Context["exception"]) }

func TestClusterStages(t *testing.T) { // A10
	t.Parallel()
	off := func(names ...string) func(*runner) {
		return func(r *runner) {
			for _, name := range names {
				r.run("disableServerGroup", on(name, nil))
			}
		}
	}
	tests := map[string]struct {
		prepare func(*runner)
		kind    string
		context object
		want    []string
	}{
		"shrink destroys inactive ones": {off("demo-prod-v000", "demo-prod-v001"), "shrinkCluster", object{"shrinkToSize": 2}, []string{"demo-prod-v001 0/2 disabled", "demo-prod-v002 2/2"}},
		"shrink leaves active ones":     {off(), "shrinkCluster", nil, []string{"demo-prod-v000 2/2", "demo-prod-v001 2/2", "demo-prod-v002 2/2"}},
		"shrink disables first":         {off(), "shrinkCluster", object{"allowDeleteActive": true}, []string{"demo-prod-v002 2/2"}},
		"shrink without disable":        {off(), "shrinkCluster", object{"allowDeleteActive": true, "runDisableClusterStep": false}, []string{"demo-prod-v002 2/2"}},
		"disable":                       {off(), "disableCluster", nil, []string{"demo-prod-v000 0/2 disabled", "demo-prod-v001 0/2 disabled", "demo-prod-v002 2/2"}},
		"disable all but two":           {off(), "disableCluster", object{"remainingEnabledServerGroups": 2}, []string{"demo-prod-v000 0/2 disabled", "demo-prod-v001 2/2", "demo-prod-v002 2/2"}},
		"disable half":                  {off(), "disableCluster", object{"desiredPercentage": 50}, []string{"demo-prod-v000 1/2", "demo-prod-v001 1/2", "demo-prod-v002 2/2"}},
		"disable everything":            {off(), "disableCluster", object{"remainingEnabledServerGroups": 0}, []string{"demo-prod-v000 0/2 disabled", "demo-prod-v001 0/2 disabled", "demo-prod-v002 0/2 disabled"}},
		"scale down inactive ones":      {off("demo-prod-v000"), "scaleDownCluster", nil, []string{"demo-prod-v000 0/0 disabled", "demo-prod-v001 2/2", "demo-prod-v002 2/2"}},
		"scale down active ones":        {off(), "scaleDownCluster", object{"allowScaleDownActive": true}, []string{"demo-prod-v000 0/0", "demo-prod-v001 0/0", "demo-prod-v002 2/2"}},
		"shrink to nothing":             {off(), "shrinkCluster", object{"shrinkToSize": 0, "allowDeleteActive": true}, []string{}},
	}
	for name, tt := range tests {
		for _, twice := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", twice), func(t *testing.T) {
				t.Parallel()
				r := three(t, deploy.Config{}, slow)
				tt.prepare(r)
				r.twice = twice
				if n := r.run(tt.kind, about(tt.context)); n.Status != gennaker.Succeeded {
					t.Fatalf("ended %s: %s", n.Status, exception(n))
				}
				check(t, "fleet", tt.want, r.state("east"))
			})
		}
	}
}

func TestClusterStageBehindDeploy(t *testing.T) { // A10: what was just deployed is not touched
	t.Parallel()
	r := three(t, deploy.Config{}, nil)
	n := r.deploy(cluster("none", 1, nil))
	n.ID = "deployed"
	r.deploy(cluster("none", 5, nil)) // by another pipeline, later
	r.runBehind("shrinkCluster", about(object{"allowDeleteActive": true, "retainLargerOverNewer": true}), n)
	check(t, "fleet", []string{"demo-prod-v003 1/1", "demo-prod-v004 5/5"}, r.state("east"))
}

func TestMissingCluster(t *testing.T) { // A10
	t.Parallel()
	r := newRunner(t, deploy.Config{}, nil)
	n := r.run("disableCluster", about(nil))
	check(t, "status", gennaker.Terminal, n.Status)
	if !strings.Contains(exception(n), "there is no cluster demo-prod") {
		t.Errorf("the failure is %q", exception(n))
	}
	check(t, "continue", gennaker.Succeeded, r.run("disableCluster", about(object{"continueIfClusterNotFound": true})).Status)
	check(t, "shrink to 0", gennaker.Succeeded, r.run("shrinkCluster", about(object{"shrinkToSize": 0})).Status)
}

func TestClusterStageKeepsServing(t *testing.T) {
	t.Parallel()
	r := newRunner(t, deploy.Config{}, never)
	r.deploy(cluster("none", 2, nil))
	r.run("createServerGroup", cluster("none", 1, object{"artifact": object{"reference": "bad"}}))
	for kind, c := range map[string]object{
		"disableCluster": nil, "shrinkCluster": {"allowDeleteActive": true}, "scaleDownCluster": {"allowScaleDownActive": true},
	} {
		n := r.run(kind, about(c))
		check(t, kind, gennaker.Terminal, n.Status)
		for _, k := range n.kids {
			n = k
		}
		if !strings.Contains(exception(n), "no healthy instance would be left") {
			t.Errorf("%s: the failure is %q", kind, exception(n))
		}
	}
	check(t, "fleet", []string{"demo-prod-v000 2/2", "demo-prod-v001 0/1"}, r.state("east"))
}

func TestDisableWaitsForStartingInstances(t *testing.T) {
	t.Parallel()
	r := newRunner(t, deploy.Config{}, func(s gennaker.ServerGroupSpec) fake.Script {
		if s.Artifact.Reference == "slow" {
			return fake.Script{Start: fake.OnCommand()}
		}
		return fake.Script{}
	})
	r.deploy(cluster("none", 1, nil))
	waited := false
	r.before = func(n *node, task string) {
		if check, ok := n.Context["lastCapacityCheck"].(object); ok && task == "disableCluster" {
			waited = strings.Contains(fmt.Sprint(check["reason"]), "until another instance is healthy")
			r.fake.Finish("demo-prod-v001")
		}
	}
	n := r.deploy(cluster("redblack", 1, object{"artifact": object{"reference": "slow"}, "interestingHealthProviderNames": []any{}}))
	if !waited || n.Status != gennaker.Succeeded {
		t.Errorf("ended %s, waited: %v; %s", n.Status, waited, strings.Join(r.log, "\n"))
	}
	check(t, "fleet", []string{"demo-prod-v000 0/1 disabled", "demo-prod-v001 1/1"}, r.state("east"))
}

func TestMinDisable(t *testing.T) { // A10: at least so long since the stage's start
	t.Parallel()
	r := three(t, deploy.Config{MinDisable: 90 * time.Second}, nil)
	start := r.now
	n := r.run("disableCluster", about(nil))
	if r.now.Sub(start) < 90*time.Second || n.Status != gennaker.Succeeded {
		t.Errorf("ended %s after %s", n.Status, r.now.Sub(start))
	}
	start = r.now
	if r.run("disableCluster", about(nil)); r.now.Sub(start) > time.Minute {
		t.Errorf("waited %s although nothing was disabled", r.now.Sub(start))
	}
}

func TestTargets(t *testing.T) { // A11
	t.Parallel()
	tests := map[string]struct {
		kind, target string
		want         []string
	}{
		"disable the newest":    {"disableServerGroup", "current_asg_dynamic", []string{"demo-prod-v000 2/2", "demo-prod-v001 2/2", "demo-prod-v002 0/2 disabled"}},
		"disable the ancestor":  {"disableServerGroup", "ancestor_asg_dynamic", []string{"demo-prod-v000 2/2", "demo-prod-v001 0/2 disabled", "demo-prod-v002 2/2"}},
		"destroy the oldest":    {"destroyServerGroup", "oldest_asg_dynamic", []string{"demo-prod-v001 2/2", "demo-prod-v002 2/2"}},
		"destroy, static":       {"destroyServerGroup", "ancestor_asg", []string{"demo-prod-v000 2/2", "demo-prod-v002 2/2"}},
		"disable, static":       {"disableServerGroup", "current_asg", []string{"demo-prod-v000 2/2", "demo-prod-v001 2/2", "demo-prod-v002 0/2 disabled"}},
		"resize, old type name": {"resizeAsg", "oldest_asg_dynamic", []string{"demo-prod-v000 1/1", "demo-prod-v001 2/2", "demo-prod-v002 2/2"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := three(t, deploy.Config{}, slow)
			n := r.run(tt.kind, about(object{"target": tt.target, "capacity": object{"min": 1, "max": 1, "desired": 1}}))
			if n.Status != gennaker.Succeeded || len(n.kids) == 0 {
				t.Fatalf("ended %s with %d children: %s", n.Status, len(n.kids), strings.Join(r.log, "\n"))
			}
			check(t, "fleet", tt.want, r.state("east"))
			if determined := n.kids[0].Type == "determineTargetServerGroup"; determined != strings.HasSuffix(tt.target, "_dynamic") {
				t.Errorf("the first child is a %s", n.kids[0].Type)
			}
		})
	}
}

func TestTargetsInRegions(t *testing.T) { // A11: one child for each location
	t.Parallel()
	r := newRunner(t, deploy.Config{}, nil)
	for _, region := range []string{"east", "west"} {
		r.deploy(cluster("none", 1, object{"region": region}))
	}
	n := r.run("disableServerGroup", about(object{"regions": []any{"east", "west"}, "target": "current_asg_dynamic"}))
	check(t, "children", 3, len(n.kids))
	check(t, "east", []string{"demo-prod-v000 0/1 disabled"}, r.state("east"))
	check(t, "west", []string{"demo-prod-v000 0/1 disabled"}, r.state("west"))
	n = r.run("enableServerGroup", about(object{"regions": []any{"east", "west"}, "serverGroupName": "demo-prod-v000"}))
	check(t, "status", gennaker.Succeeded, n.Status)
	check(t, "west again", []string{"demo-prod-v000 1/1"}, r.state("west"))
	for name, c := range map[string]object{"no target": about(nil), "no such target": about(object{"target": "newest"})} {
		if n := r.run("disableServerGroup", c); n.Status != gennaker.Terminal {
			t.Errorf("%s: ended %s", name, n.Status)
		}
	}
}

func TestServerGroupStages(t *testing.T) { // A11, stages section 6
	t.Parallel()
	r := three(t, deploy.Config{}, slow)
	tests := []struct {
		kind    string
		context object
		want    string
		status  gennaker.Status
	}{
		{"disableServerGroup", on("demo-prod-v000", object{"desiredPercentage": 50}), "demo-prod-v000 1/2", gennaker.Succeeded},
		{"disableServerGroup", on("demo-prod-v000", nil), "demo-prod-v000 0/2 disabled", gennaker.Succeeded},
		{"resizeServerGroup", on("demo-prod-v000", object{"action": "scale_up", "scalePct": 50}), "demo-prod-v000 0/3 disabled", gennaker.Succeeded},
		{"enableServerGroup", on("demo-prod-v000", nil), "demo-prod-v000 3/3", gennaker.Succeeded},
		{"resizeServerGroup", on("demo-prod-v000", object{"action": "scale_to_cluster"}), "demo-prod-v000 3/3", gennaker.Succeeded},
		{"resizeServerGroup", on("demo-prod-v000", object{"action": "scale_down", "scaleNum": "2"}), "demo-prod-v000 1/1", gennaker.Succeeded},
		{"resizeServerGroup", on("demo-prod-v000", object{"action": "scale_to_server_group", "source": object{"asgName": "demo-prod-v001"}}), "demo-prod-v000 2/2", gennaker.Succeeded},
		{"resizeServerGroup", on("demo-prod-v000", object{"action": "shrink"}), "demo-prod-v000 2/2", gennaker.Terminal},
		{"resizeServerGroup", on("demo-prod-v000", object{"capacity": object{"min": 0, "max": 0, "desired": 0}}), "demo-prod-v000 0/0", gennaker.Succeeded},
		{"enableServerGroup", on("demo-prod-v009", nil), "demo-prod-v000 0/0", gennaker.Terminal},
		{"destroyServerGroup", on("demo-prod-v000", nil), "demo-prod-v001 2/2", gennaker.Succeeded},
		{"destroyServerGroup", on("demo-prod-v000", nil), "demo-prod-v001 2/2", gennaker.Succeeded},
		{"destroyServerGroup", on("demo-prod-v001", object{"skipDisableBeforeDestroy": true}), "demo-prod-v002 2/2", gennaker.Succeeded},
	}
	r.twice = true
	for _, tt := range tests {
		n := r.run(tt.kind, tt.context)
		if n.Status != tt.status || r.state("east")[0] != tt.want {
			t.Errorf("%s %v: ended %s with %q, want %s with %q: %s", tt.kind, tt.context, n.Status, r.state("east")[0], tt.status, tt.want, exception(n))
		}
	}
}

func TestDisableWaitsForRequestsInFlight(t *testing.T) { // A13 waitForDown
	t.Parallel()
	r := newRunner(t, deploy.Config{}, func(gennaker.ServerGroupSpec) fake.Script { return fake.Script{Drain: fake.OnCommand()} })
	r.deploy(cluster("none", 1, nil))
	n := r.run("disableServerGroup", on("demo-prod-v000", nil))
	check(t, "status", gennaker.Terminal, n.Status)
	if !strings.Contains(exception(n), "is Draining") {
		t.Errorf("the failure is %q", exception(n))
	}
	check(t, "no providers", gennaker.Succeeded, r.run("disableServerGroup", on("demo-prod-v000", object{"interestingHealthProviderNames": []any{}})).Status)
}

func TestRollbackCluster(t *testing.T) { // A14
	t.Parallel()
	r := newRunner(t, deploy.Config{}, slow)
	r.patience = 20
	r.deploy(cluster("none", 1, nil))
	r.deploy(cluster("redblack", 3, object{"capacity": object{"min": 2, "max": 4, "desired": 3}}))
	check(t, "before", []string{"demo-prod-v000 0/1 disabled", "demo-prod-v001 3/3"}, r.state("east"))
	r.twice = true
	n := r.run("rollbackCluster", about(object{"delayBeforeDisableSeconds": 5, "regions": []any{"east", "west"}}))
	if n.Status != gennaker.Succeeded {
		t.Fatalf("ended %s: %s", n.Status, strings.Join(r.log, "\n"))
	}
	check(t, "after", []string{"demo-prod-v000 3/3", "demo-prod-v001 0/3 disabled"}, r.state("east"))
	check(t, "types", any(object{"east": "EXPLICIT"}), n.Outputs["rollbackTypes"])
	g, err := r.fake.ServerGroup(t.Context(), "east", "demo-prod-v000")
	if err != nil {
		t.Fatal(err)
	}
	check(t, "capacity", gennaker.Capacity{Min: 2, Max: 4, Desired: 3}, g.Capacity)
	var order []string
	for _, k := range n.kids[0].kids {
		order = append(order, k.Name)
	}
	check(t, "order", []string{
		"Enable demo-prod-v000", "Resize demo-prod-v000", "Wait Before Disable", "Disable 100% of Traffic on demo-prod-v001", "Unpin demo-prod-v000",
	}, order)
	check(t, "nothing to roll back", 0, len(r.run("rollbackCluster", about(object{"regions": []any{"west"}})).kids))
	if n := r.run("rollbackServerGroup", on("", object{"rollbackType": "PREVIOUS_IMAGE"})); n.Status != gennaker.Terminal {
		t.Errorf("a rollback to an image ended %s", n.Status)
	}
}

func TestRollbackNeedsHealthyInstances(t *testing.T) { // A14: enable, wait, only then disable
	t.Parallel()
	r := newRunner(t, deploy.Config{}, never)
	r.run("createServerGroup", cluster("none", 2, object{"artifact": object{"reference": "bad"}}))
	r.deploy(cluster("none", 2, nil))
	check(t, "status", gennaker.Terminal, r.run("rollbackCluster", about(nil)).Status)
	check(t, "fleet", []string{"demo-prod-v000 0/2", "demo-prod-v001 2/2"}, r.state("east"))
}

func TestFailedRollbackIsTakenBack(t *testing.T) {
	t.Parallel()
	r := newRunner(t, deploy.Config{}, never)
	r.run("createServerGroup", cluster("none", 2, object{"artifact": object{"reference": "bad"}}))
	r.deploy(cluster("redblack", 2, nil))
	check(t, "before", []string{"demo-prod-v000 0/2 disabled", "demo-prod-v001 2/2"}, r.state("east"))
	check(t, "status", gennaker.Terminal, r.run("rollbackCluster", about(nil)).Status)
	check(t, "after", []string{"demo-prod-v000 0/2 disabled", "demo-prod-v001 2/2"}, r.state("east"))
}

func TestTrafficGuards(t *testing.T) { // A10 traffic guards
	t.Parallel()
	guards := []any{object{"account": "local", "location": "*", "stack": "prod", "detail": ""}}
	config := func(attribute any) deploy.Config {
		return deploy.Config{Application: func(_ context.Context, name string) (gennaker.Application, error) {
			return gennaker.Application{Name: name, Attrs: object{"trafficGuards": attribute}}, nil
		}}
	}
	stages := map[string]object{
		"disableServerGroup": on("demo-prod-v000", nil),
		"destroyServerGroup": on("demo-prod-v000", object{"skipDisableBeforeDestroy": true}),
		"resizeServerGroup":  on("demo-prod-v000", object{"capacity": object{"min": 0, "max": 0, "desired": 0}}),
		"disableCluster":     about(object{"remainingEnabledServerGroups": 0}),
		"terminateInstances": {"credentials": "local", "instanceIds": []any{"demo-prod-v000-i1"}},
	}
	for kind, c := range stages {
		for name, attribute := range map[string]any{"guarded": guards, "not readable": "nonsense", "not guarded": []any{}} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				r := newRunner(t, config(attribute), nil)
				r.deploy(cluster("none", 1, nil))
				n := r.run(kind, c)
				if want := name != "not guarded"; (n.Status == gennaker.Terminal && strings.Contains(exception(n), "traffic guard")) != want {
					t.Errorf("ended %s: %s", n.Status, exception(n))
				}
			})
		}
	}
	t.Run("a part is not guarded", func(t *testing.T) {
		t.Parallel()
		r := newRunner(t, config(guards), nil)
		r.deploy(cluster("none", 1, nil))
		check(t, "status", gennaker.Succeeded, r.run("disableServerGroup", on("demo-prod-v000", object{"desiredPercentage": 50})).Status)
	})
	t.Run("no application", func(t *testing.T) {
		t.Parallel()
		r := newRunner(t, deploy.Config{Application: func(context.Context, string) (gennaker.Application, error) {
			return gennaker.Application{}, gennaker.Errorf(gennaker.NotFound, "there is no application")
		}}, nil)
		r.deploy(cluster("none", 1, nil))
		check(t, "status", gennaker.Succeeded, r.run("disableServerGroup", on("demo-prod-v000", nil)).Status)
	})
}

func TestTerminateInstances(t *testing.T) {
	t.Parallel()
	r := newRunner(t, deploy.Config{}, slow)
	r.patience = 20
	r.deploy(cluster("none", 2, nil))
	groups, err := r.fake.ServerGroups(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	victim := groups[0].Instances[0].Name
	r.twice = true
	n := r.run("terminateInstances", object{"credentials": "local", "region": "east", "instanceIds": []any{victim, "nobody"}})
	check(t, "status", gennaker.Succeeded, n.Status)
	if groups, err = r.fake.ServerGroups(t.Context(), "demo"); err != nil {
		t.Fatal(err)
	}
	for _, i := range groups[0].Instances {
		if i.Name == victim {
			t.Errorf("%s is still there", victim)
		}
	}
	check(t, "size", 2, len(groups[0].Instances))
	check(t, "no instances", gennaker.Terminal, r.run("terminateInstances", object{"credentials": "local"}).Status)
}

func TestLoadBalancerStages(t *testing.T) {
	t.Parallel()
	r := newRunner(t, deploy.Config{}, nil)
	upsert := object{"account": "local", "region": "east", "name": "demo", "listen": "127.0.0.1:8080", "application": "demo"}
	remove := object{"credentials": "local", "regions": []any{"east"}, "loadBalancerName": "demo"}
	check(t, "upsert", gennaker.Succeeded, r.run("upsertLoadBalancer", upsert).Status)
	lbs, err := r.fake.LoadBalancers(t.Context())
	if err != nil || len(lbs) != 1 {
		t.Fatalf("load balancers are %v, %v", lbs, err)
	}
	check(t, "load balancer", "demo east 127.0.0.1:8080 demo", strings.Join([]string{lbs[0].Name, lbs[0].Region, lbs[0].Listen, lbs[0].Application}, " "))
	r.deploy(cluster("none", 1, object{"loadBalancers": []any{"demo"}}))
	check(t, "delete in use", gennaker.Terminal, r.run("deleteLoadBalancer", remove).Status)
	r.run("destroyServerGroup", on("demo-prod-v000", nil))
	check(t, "delete", gennaker.Succeeded, r.run("deleteLoadBalancer", remove).Status)
	check(t, "no name", gennaker.Terminal, r.run("upsertLoadBalancer", object{"account": "local", "region": "east"}).Status)
}

// crashing is an inventory where instances end again and again.
type crashing struct {
	provider.Inventory
	restarts int
}

func (c crashing) ServerGroup(ctx context.Context, region, name string) (gennaker.ServerGroup, error) {
	g, err := c.Inventory.ServerGroup(ctx, region, name)
	for i := range g.Instances {
		g.Instances[i].Restarts, g.Instances[i].HealthState = c.restarts, gennaker.Down
		g.Instances[i].Reason = "exited with status 1"
		g.Instances[i].Health = []gennaker.Health{{Type: "Process", Class: gennaker.PlatformClass, State: gennaker.Down}}
	}
	return g, err
}

func TestFailFast(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		restarts int
		context  object
		fast     bool
	}{
		"five times": {5, nil, true}, "four times": {4, nil, false}, "switched off": {5, object{"failFast": false}, false},
	} {
		r := newRunner(t, deploy.Config{}, nil)
		r.registry = stage.Registry{}
		p := r.fake.Provider()
		p.Inventory = crashing{p.Inventory, tt.restarts}
		deploy.Register(&r.registry, provider.NewFleet(p), deploy.Config{})
		r.run("createServerGroup", cluster("redblack", 2, tt.context))
		got := exception(r.find("createServerGroup"))
		if fast := strings.Contains(got, "all 2 instances of demo-prod-v000 end again and again"); fast != tt.fast || !strings.Contains(got, "exited with status 1") {
			t.Errorf("%s: the failure is %q", name, got)
		}
	}
}

func TestCancelTakesTheNewVersionOut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		old     bool
		context object
		want    string
	}{
		"old one serves":    {true, nil, "demo-prod-v001 0/2 disabled"},
		"nothing before":    {false, nil, "demo-prod-v000 1/2"},
		"told not to":       {true, object{"rollback": object{"onFailure": false}}, "demo-prod-v001 1/2"},
		"strategy none":     {true, object{"strategy": "none"}, "demo-prod-v001 1/2"},
		"old one is broken": {true, object{"old": "bad"}, "demo-prod-v001 1/2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, deploy.Config{}, func(s gennaker.ServerGroupSpec) fake.Script {
				if s.Artifact.Reference == "slow" {
					return fake.Script{Start: fake.OnCommand()}
				}
				return never(s)
			})
			if tt.old {
				reference := "v1"
				if tt.context["old"] != nil {
					reference = "bad"
				}
				r.run("createServerGroup", cluster("none", 2, object{"artifact": object{"reference": reference}}))
			}
			def, err := r.registry.Find("createServerGroup")
			if err != nil {
				t.Fatal(err)
			}
			c := cluster("redblack", 2, object{"artifact": object{"reference": "slow"}})
			maps.Copy(c, tt.context)
			n := r.add(nil, "", gennaker.StageConfig{Type: "createServerGroup", Context: c})
			for _, s := range def.Steps[:4] {
				r.task(n, s)
			}
			newest := r.state("east")[len(r.state("east"))-1]
			name, _, _ := strings.Cut(newest, " ")
			r.fake.Finish(name)
			g, err := r.fake.ServerGroup(t.Context(), "east", name)
			if err != nil {
				t.Fatal(err)
			}
			r.fake.SetHealth(g.Instances[0].Name, gennaker.Down, "it is sick")
			for range 2 { // it may be called again
				out, err := def.Step("waitForUpInstances").Task.(stage.Canceler).Cancel(t.Context(), r.input(n, "waitForUpInstances"))
				if reason, _, _ := out.Reason(); err != nil || !strings.Contains(reason, "it is sick") {
					t.Errorf("cancel says %q, %v", reason, err)
				}
			}
			state := r.state("east")
			check(t, "newest", tt.want, state[len(state)-1])
		})
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	r := newRunner(t, deploy.Config{}, nil)
	r.run("createServerGroup", cluster("none", 2, nil))
	for _, kind := range []string{"rollingredblack", "redblack"} {
		c := cluster(kind, 2, nil)
		n := r.run("createServerGroup", c)
		def, err := r.registry.Find(n.Type)
		if err != nil {
			t.Fatal(err)
		}
		def.Restart(n.Context)
		delete(n.Context, "useSourceCapacity")
		if d := cmp.Diff(reread(t, c), n.Context); d != "" {
			t.Errorf("%s after a restart (-want +got):\n%s", kind, d)
		}
	}
}

// Two deployments to one cluster that overlap in every way leave one version in
// service, and never none.
func TestOverlappingDeployments(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"redblack", "highlander", "rollingredblack"} {
		for at := range 12 {
			t.Run(fmt.Sprint(kind, " ", at), func(t *testing.T) {
				t.Parallel()
				r := newRunner(t, deploy.Config{}, nil)
				r.patience = 20
				r.deploy(cluster("none", 2, nil))
				steps, nested := 0, false
				r.before = func(*node, string) {
					groups, err := r.fake.ServerGroups(t.Context(), "")
					if err != nil {
						t.Fatal(err)
					}
					up := 0
					for _, g := range groups {
						up += g.InstanceCounts.Up
					}
					if up == 0 {
						t.Fatalf("nothing serves: %s", strings.Join(r.log, "\n"))
					}
					if steps++; steps == at && !nested {
						nested = true
						r.deploy(cluster(kind, 2, nil))
					}
				}
				r.deploy(cluster(kind, 2, nil))
				serving := 0
				for _, s := range r.state("east") {
					if strings.Contains(s, " 2/2") && !strings.Contains(s, "disabled") {
						serving++
					}
				}
				if serving == 0 {
					t.Errorf("the fleet is %v: %s", r.state("east"), strings.Join(r.log, "\n"))
				}
			})
		}
	}
}

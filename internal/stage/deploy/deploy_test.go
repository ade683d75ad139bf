package deploy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/deploy"
)

// never makes the instances of server groups that run artifact "bad" never
// healthy.
func never(spec gennaker.ServerGroupSpec) fake.Script {
	if spec.Artifact.Reference == "bad" {
		return fake.Script{Start: fake.Never()}
	}
	return fake.Script{}
}

func slow(gennaker.ServerGroupSpec) fake.Script {
	return fake.Script{Start: fake.AfterLooks(3), Drain: fake.AfterLooks(2), Stop: fake.AfterLooks(2)}
}

func check(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestStrategies(t *testing.T) { // A4 to A7, from beginning to end
	t.Parallel()
	tests := map[string]struct {
		cluster object
		want    []string // after three deployments of v1, v2, v3
	}{
		"A4 none":     {cluster("none", 2, nil), []string{"demo-prod-v000 2/2", "demo-prod-v001 2/2", "demo-prod-v002 2/2"}},
		"A4 unknown":  {cluster("", 1, nil), []string{"demo-prod-v000 1/1", "demo-prod-v001 1/1", "demo-prod-v002 1/1"}},
		"A4 dark":     {cluster("", 1, object{"suspendedProcesses": []any{"AddToLoadBalancer"}}), []string{"demo-prod-v000 0/1 disabled", "demo-prod-v001 0/1 disabled", "demo-prod-v002 0/1 disabled"}},
		"A5":          {cluster("highlander", 2, nil), []string{"demo-prod-v002 2/2"}},
		"A6":          {cluster("redBlack", 2, nil), []string{"demo-prod-v000 0/2 disabled", "demo-prod-v001 0/2 disabled", "demo-prod-v002 2/2"}},
		"A6 shrink":   {cluster("redblack", 2, object{"maxRemainingAsgs": 2}), []string{"demo-prod-v001 0/2 disabled", "demo-prod-v002 2/2"}},
		"A6 scale":    {cluster("redblack", 2, object{"scaleDown": true}), []string{"demo-prod-v000 0/0 disabled", "demo-prod-v001 0/0 disabled", "demo-prod-v002 2/2"}},
		"A7":          {cluster("rollingRedBlack", 3, object{"targetPercentages": []any{50, 100}}), []string{"demo-prod-v000 0/3 disabled", "demo-prod-v001 0/3 disabled", "demo-prod-v002 3/3"}},
		"A7 scale":    {cluster("rollingredblack", 3, object{"scaleDown": true}), []string{"demo-prod-v000 0/0 disabled", "demo-prod-v001 0/0 disabled", "demo-prod-v002 3/3"}},
		"A7 one":      {cluster("rollingredblack", 1, object{"targetPercentages": []any{10, 50}}), []string{"demo-prod-v000 0/1 disabled", "demo-prod-v001 0/1 disabled", "demo-prod-v002 1/1"}},
		"A3 as text":  {cluster("redblack", 2, object{"scaleDown": "true", "maxRemainingAsgs": "2", "delayBeforeDisableSec": "1"}), []string{"demo-prod-v001 0/0 disabled", "demo-prod-v002 2/2"}},
		"A13 no wait": {cluster("redblack", 2, object{"interestingHealthProviderNames": []any{}}), []string{"demo-prod-v000 0/2 disabled", "demo-prod-v001 0/2 disabled", "demo-prod-v002 2/2"}},
	}
	for name, tt := range tests {
		for mode, prepare := range map[string]func(*runner){
			"at once": func(*runner) {},
			"twice":   func(r *runner) { r.twice = true },
			"lost answers": func(r *runner) {
				for _, op := range []fake.Op{fake.Create, fake.Resize, fake.Disable, fake.Enable, fake.Destroy} {
					r.fake.Lose(op, 2)
				}
			},
		} {
			t.Run(name+" "+mode, func(t *testing.T) {
				t.Parallel()
				r := newRunner(t, deploy.Config{}, slow)
				r.patience = 20
				prepare(r)
				for range 3 {
					if n := r.deploy(tt.cluster); n.Status != gennaker.Succeeded {
						t.Fatalf("the deployment ended %s: %s", n.Status, strings.Join(r.log, "\n"))
					}
				}
				check(t, "fleet", tt.want, r.state("east"))
				check(t, "the effects have different keys", len(r.fake.Effects()), keys(r.fake.Effects()))
			})
		}
	}
}

func keys(effects []fake.Effect) int {
	seen := map[string]bool{}
	for _, e := range effects {
		seen[string(e.Op)+e.Key] = true
	}
	return len(seen)
}

// redBlackLog is a deployment with all that redblack can do.
const redBlackLog = `
deploy
  Deploy in east
  - determineSourceServerGroup: SUCCEEDED
  - determineHealthProviders: SUCCEEDED
  - createServerGroup: SUCCEEDED
  - monitorDeploy: SUCCEEDED
  - waitForUpInstances: SUCCEEDED
    shrinkCluster
    - determineHealthProviders: SUCCEEDED
    - shrinkCluster: SUCCEEDED
    - waitForShrinkCluster: SUCCEEDED
    shrinkCluster: SUCCEEDED
    Wait Before Disable
    - wait: SUCCEEDED
    Wait Before Disable: SUCCEEDED
    disableCluster
    - determineHealthProviders: SUCCEEDED
    - disableCluster: SUCCEEDED
    - waitForDisableCluster: SUCCEEDED
    disableCluster: SUCCEEDED
    Wait Before Scale Down
    - wait: SUCCEEDED
    Wait Before Scale Down: SUCCEEDED
    scaleDownCluster
    - determineHealthProviders: SUCCEEDED
    - scaleDownCluster: SUCCEEDED
    - waitForScaleDownCluster: SUCCEEDED
    scaleDownCluster: SUCCEEDED
  Deploy in east: SUCCEEDED
- completeParallelDeploy: SUCCEEDED
deploy: SUCCEEDED`

func TestStagesOfStrategies(t *testing.T) { // A2, A5 to A7: names and order on the wire
	t.Parallel()
	tests := map[string]struct {
		cluster object
		want    string
	}{
		"redblack": {
			cluster("redblack", 2, object{"scaleDown": true, "maxRemainingAsgs": 3, "delayBeforeCleanup": 5, "delayBeforeScaleDownSec": 6}), redBlackLog,
		},
		"rollingredblack": {
			cluster("rollingredblack", 2, object{
				"targetPercentages": []any{50}, "pipelineBeforeCleanup": object{"application": "demo", "pipelineId": "42", "pipelineParameters": object{"a": "b"}},
			}), `
Deploy in east
Determine Deployed Server Group
Pin demo-prod-v000
Grow to 50% of Desired Size
Run Validation Pipeline
Disable 50% of Traffic on demo-prod-v000
Grow to 100% of Desired Size
Run Validation Pipeline
Disable 100% of Traffic on demo-prod-v000
Unpin demo-prod-v000`,
		},
		"highlander": {cluster("highlander", 2, nil), `
Deploy in east
shrinkCluster
disableCluster`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, deploy.Config{}, nil)
			r.deploy(cluster("none", 2, nil))
			r.log, r.nodes = nil, nil
			r.exec.ID = "F" // other keys
			r.deploy(tt.cluster)
			got := strings.Join(r.log, "\n")
			if name != "redblack" {
				var stages []string
				for _, n := range r.nodes[1:] {
					stages = append(stages, n.Name)
				}
				got = strings.Join(stages, "\n")
			}
			check(t, "stages", strings.TrimPrefix(tt.want, "\n"), got)
			if name == "rollingredblack" {
				validation := r.find("Run Validation Pipeline").Context
				check(t, "pipeline", "demo 42", fmt.Sprint(validation["application"], " ", validation["pipeline"]))
				parameters := validation["pipelineParameters"].(object)
				check(t, "deployed", "demo-prod-v001", parameters["deployedServerGroup"].(object)["serverGroupName"])
				check(t, "source", "demo-prod-v000", parameters["sourceServerGroup"].(object)["serverGroupName"])
				check(t, "percent", "50 b", fmt.Sprint(parameters["percentageComplete"], " ", parameters["a"]))
			}
		})
	}
}

func TestDeployInParallel(t *testing.T) { // A1
	t.Parallel()
	r := newRunner(t, deploy.Config{}, nil)
	n := r.run("deploy", object{"clusters": []any{cluster("", 1, nil), cluster("", 2, object{
		"region": nil, "availabilityZones": object{"west": []any{"a"}}, "account": nil, "credentials": "local",
	})}})
	check(t, "status", gennaker.Succeeded, n.Status)
	check(t, "east", []string{"demo-prod-v000 1/1"}, r.state("east"))
	check(t, "west", []string{"demo-prod-v000 2/2"}, r.state("west"))
	for _, k := range n.kids {
		if len(k.Requires) > 0 {
			t.Errorf("%s waits for %v", k.Name, k.Requires)
		}
	}
	check(t, "names", []string{"Deploy in east", "Deploy in west"}, []string{n.kids[0].Name, n.kids[1].Name})
	check(t, "outputs", any(object{"east": []any{"demo-prod-v000"}, "west": []any{"demo-prod-v000"}}), n.Outputs["deploy.server.groups"])
	if details := n.Outputs["deploymentDetails"].([]any); len(details) != 2 {
		t.Errorf("deploymentDetails are %v", details)
	}
}

// Source: Spinnaker orca ParallelDeployStage, and the pipelines that older
// versions of Deck wrote.
func TestDeployOfOneCluster(t *testing.T) {
	t.Parallel()
	r := newRunner(t, deploy.Config{}, nil)
	one := cluster("", 2, object{"region": nil, "availabilityZones": object{"west": []any{"a"}}})
	delete(one, "account")
	n := r.run("deploy", object{"account": "local", "cluster": one})
	check(t, "status", gennaker.Succeeded, n.Status)
	check(t, "west", []string{"demo-prod-v000 2/2"}, r.state("west"))
	check(t, "outputs", any(object{"west": []any{"demo-prod-v000"}}), n.Outputs["deploy.server.groups"])
	n = r.run("deploy", object{"credentials": "local", "cluster": one, "clusters": []any{cluster("", 1, nil)}})
	check(t, "both", []string{"Deploy in west", "Deploy in east"}, []string{n.kids[0].Name, n.kids[1].Name})
	check(t, "status of both", gennaker.Succeeded, n.Status)
}

func TestDeployClones(t *testing.T) { // A1, A2 cloneServerGroup
	t.Parallel()
	r := newRunner(t, deploy.Config{}, nil)
	r.deploy(cluster("", 3, object{"env": object{"A": "1"}}))
	r.exec.Trigger.Parameters["clone"] = true
	n := r.run("deploy", object{"clusters": []any{object{
		"account": "local", "region": "east", "application": "demo", "stack": "prod", "strategy": "redblack", "env": object{"B": "2"},
	}}})
	check(t, "status", gennaker.Succeeded, n.Status)
	check(t, "kind", "cloneServerGroup Clone in east", n.kids[0].Type+" "+n.kids[0].Name)
	check(t, "fleet", []string{"demo-prod-v000 0/3 disabled", "demo-prod-v001 3/3"}, r.state("east"))
	g, err := r.fake.ServerGroup(t.Context(), "east", "demo-prod-v001")
	if err != nil {
		t.Fatal(err)
	}
	check(t, "artifact", "v1", g.LaunchConfig.Artifact.Reference)
	check(t, "env", map[string]string{"B": "2"}, g.LaunchConfig.Env)
	delete(r.exec.Trigger.Parameters, "clone")
	if n := r.run("cloneServerGroup", object{"account": "local", "region": "west", "application": "demo", "stack": "prod"}); n.Status != gennaker.Terminal {
		t.Errorf("a clone of nothing ended %s", n.Status)
	}
}

func TestSource(t *testing.T) { // A2
	t.Parallel()
	r := newRunner(t, deploy.Config{}, nil)
	if n := r.deploy(cluster("", 2, object{"useSourceCapacity": true})); n.Status != gennaker.Terminal || !strings.Contains(fmt.Sprint(n.kids[0].Context["exception"]), "explicit capacity") &&
		!strings.Contains(fmt.Sprint(n.kids[0].Context["exception"]), "no server group") {
		t.Errorf("useSourceCapacity without a source ended %s, %v", n.Status, n.kids[0].Context["exception"])
	}
	r.deploy(cluster("", 2, object{"useSourceCapacity": true, "preferSourceCapacity": true}))
	check(t, "source", any(object{}), r.nodes[len(r.nodes)-1].Context["source"])
	r.deploy(cluster("", 3, nil))
	r.deploy(cluster("", 1, object{"useSourceCapacity": "true"}))
	check(t, "fleet", []string{"demo-prod-v000 2/2", "demo-prod-v001 3/3", "demo-prod-v002 3/3"}, r.state("east"))
	source := r.nodes[len(r.nodes)-1].Context["source"].(object)
	check(t, "source", "demo-prod-v001", source["serverGroupName"].(string))
	r.deploy(cluster("", 1, object{"useSourceCapacity": true, "source": object{"serverGroupName": "demo-prod-v000", "region": "east"}}))
	check(t, "newest", "demo-prod-v003 2/2", r.state("east")[3])
}

func TestRunningContext(t *testing.T) { // A13
	t.Parallel()
	r := newRunner(t, deploy.Config{}, slow)
	var seen []object
	r.before = func(n *node, task string) {
		if task == "waitForUpInstances" && n.Context["lastCapacityCheck"] != nil {
			seen = append(seen, n.Context)
		}
	}
	r.deploy(cluster("", 2, object{"targetHealthyDeployPercentage": 50}))
	if len(seen) == 0 {
		t.Fatal("the wait kept nothing in the context")
	}
	c := r.find("Deploy in east").Context
	check(t, "snapshot", fmt.Sprint(object{"minSize": 2, "desiredCapacity": 2, "maxSize": 2}), fmt.Sprint(c["capacitySnapshot"]))
	check(t, "target", "1", fmt.Sprint(c["targetDesiredSize"]))
	check(t, "check", "2", fmt.Sprint(c["lastCapacityCheck"].(object)["up"]))
	check(t, "deployed", fmt.Sprint(object{"east": []any{"demo-prod-v000"}}), fmt.Sprint(c["deploy.server.groups"]))
	check(t, "account", "local", c["deploy.account.name"].(string))
}

func TestFailedDeployments(t *testing.T) { // A14 on deploy failure, A7 on failure
	t.Parallel()
	bad := func(strategy string, more object) object {
		c := cluster(strategy, 2, object{"artifact": object{"reference": "bad"}})
		maps.Copy(c, more)
		return c
	}
	rollback := func(onFailure, destroy bool) object {
		return object{"rollback": object{"onFailure": onFailure, "destroyLatest": destroy}}
	}
	old, gone := "demo-prod-v000 2/2", []string{"demo-prod-v000 2/2", "demo-prod-v001 0/2 disabled"}
	left := []string{old, "demo-prod-v001 0/2"}
	tests := map[string]struct {
		cluster object
		want    []string
	}{
		"none leaves it":                  {bad("none", nil), left},
		"none destroys the latest":        {bad("none", rollback(true, true)), []string{old}},
		"redblack":                        {bad("redblack", nil), gone},
		"redblack with rollback":          {bad("redblack", rollback(true, false)), gone},
		"redblack told not to":            {bad("redblack", rollback(false, false)), left},
		"redblack destroys the latest":    {bad("redblack", rollback(true, true)), []string{old}},
		"highlander":                      {bad("highlander", nil), gone},
		"highlander destroys the latest":  {bad("highlander", rollback(true, true)), []string{old}},
		"rollingredblack":                 {bad("rollingredblack", nil), gone},
		"rollingredblack with rollback":   {bad("rollingredblack", rollback(true, false)), gone},
		"rollingredblack in steps":        {bad("rollingredblack", object{"targetPercentages": []any{50}}), []string{old, "demo-prod-v001 0/1 disabled"}},
		"rollingredblack told not to":     {bad("rollingredblack", rollback(false, false)), left},
		"rollingredblack destroys latest": {bad("rollingredblack", rollback(true, true)), []string{old}},
		"ignored failure, redblack":       {bad("redblack", object{"continuePipeline": true}), gone},
	}
	for name, tt := range tests {
		for _, twice := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", twice), func(t *testing.T) {
				t.Parallel()
				r := newRunner(t, deploy.Config{}, never)
				r.deploy(cluster("none", 2, nil))
				r.twice = twice
				n := r.deploy(tt.cluster)
				if n.Status != gennaker.Terminal && n.Status != gennaker.FailedContinue {
					t.Errorf("the deployment ended %s", n.Status)
				}
				check(t, "fleet", tt.want, r.state("east"))
				g, err := r.fake.ServerGroup(t.Context(), "east", "demo-prod-v000")
				if err != nil {
					t.Fatal(err)
				}
				check(t, "capacity of the old one", gennaker.Capacity{Min: 2, Max: 2, Desired: 2}, g.Capacity)
				if t.Failed() {
					t.Log(strings.Join(r.log, "\n"))
				}
			})
		}
	}
}

func TestRollingFailsHalfWay(t *testing.T) { // A7 on failure, A14
	t.Parallel()
	r := newRunner(t, deploy.Config{}, nil)
	r.deploy(cluster("none", 4, object{"capacity": object{"min": 1, "max": 6, "desired": 4}}))
	r.pipeline = stage.Fail("the canary died")
	n := r.deploy(cluster("rollingredblack", 4, object{
		"targetPercentages": []any{50, 100}, "pipelineBeforeCleanup": object{"application": "demo", "pipelineId": "42"},
	}))
	check(t, "status", gennaker.Terminal, n.Status)
	check(t, "fleet", []string{"demo-prod-v000 4/4", "demo-prod-v001 0/2 disabled"}, r.state("east"))
	g, err := r.fake.ServerGroup(t.Context(), "east", "demo-prod-v000")
	if err != nil {
		t.Fatal(err)
	}
	check(t, "capacity", gennaker.Capacity{Min: 1, Max: 6, Desired: 4}, g.Capacity)
	r.find("Unpin demo-prod-v000")
}

func TestIgnoredFailureKeepsTheOldVersion(t *testing.T) { // continuePipeline on the stage itself
	t.Parallel()
	for _, kind := range []string{"redblack", "highlander", "rollingredblack"} {
		r := newRunner(t, deploy.Config{}, never)
		r.deploy(cluster("none", 2, nil))
		c := cluster(kind, 2, object{"artifact": object{"reference": "bad"}, "continuePipeline": true})
		if n := r.run("createServerGroup", c); n.Status != gennaker.FailedContinue && kind != "rollingredblack" {
			t.Errorf("%s ended %s", kind, n.Status)
		}
		check(t, kind, "demo-prod-v000 2/2", r.state("east")[0])
		if strings.Contains(strings.Join(r.log, "\n"), "Cluster") && kind != "rollingredblack" {
			t.Errorf("%s went on: %s", kind, strings.Join(r.log, "\n"))
		}
	}
}

func TestWayBackGoesOnAfterFailures(t *testing.T) { // each of the on-failure stages is tried
	t.Parallel()
	r := newRunner(t, deploy.Config{}, never)
	r.deploy(cluster("none", 2, object{"capacity": object{"min": 1, "max": 3, "desired": 2}}))
	r.fake.Fail(fake.Enable, 1, gennaker.Conflict)
	n := r.deploy(cluster("rollingredblack", 2, object{"artifact": object{"reference": "bad"}}))
	check(t, "status", gennaker.Terminal, n.Status)
	check(t, "rollback", gennaker.FailedContinue, r.find("rollbackCluster").Status)
	check(t, "unpin", gennaker.Succeeded, r.find("Unpin demo-prod-v000").Status)
	g, err := r.fake.ServerGroup(t.Context(), "east", "demo-prod-v000")
	if err != nil {
		t.Fatal(err)
	}
	check(t, "capacity", gennaker.Capacity{Min: 1, Max: 3, Desired: 2}, g.Capacity)
}

func TestExplainedFailures(t *testing.T) {
	t.Parallel()
	r := newRunner(t, deploy.Config{}, never)
	r.deploy(cluster("redblack", 2, object{"artifact": object{"reference": "bad"}}))
	got := fmt.Sprint(r.find("Deploy in east").Context["exception"])
	for _, want := range []string{"2 of 2 instances of demo-prod-v000 did not become healthy within 20s: ", "it is scripted never to be healthy"} {
		if !strings.Contains(got, want) {
			t.Errorf("the failure is %q, without %q", got, want)
		}
	}
	reason := fmt.Sprint(r.find("Deploy in east").Context["lastCapacityCheck"].(object)["reason"])
	if !strings.Contains(reason, "2 of 2 instances of demo-prod-v000 are not healthy") {
		t.Errorf("lastCapacityCheck.reason is %q", reason)
	}
}

func TestInvalidDeployments(t *testing.T) { // A3
	t.Parallel()
	r := newRunner(t, deploy.Config{}, nil)
	for name, c := range map[string]object{
		"account":    cluster("", 1, object{"account": "elsewhere"}),
		"no account": cluster("", 1, object{"account": ""}),
		"no region":  cluster("", 1, object{"region": ""}),
		"region":     cluster("", 1, object{"region": "north"}),
		"strategy":   cluster("monitored", 1, nil),
		"percentage": cluster("rollingredblack", 1, object{"targetPercentages": []any{120}}),
		"health":     cluster("", 1, object{"targetHealthyDeployPercentage": 101}),
		"capacity":   cluster("", 1, object{"capacity": object{"min": 2, "max": 1, "desired": 1}}),
	} {
		if n := r.deploy(c); n.Status != gennaker.Terminal {
			t.Errorf("%s: ended %s", name, n.Status)
		}
	}
	if n := r.run("deploy", object{}); n.Status != gennaker.Terminal {
		t.Errorf("no clusters: ended %s", n.Status)
	}
	check(t, "fleet", []string{}, r.state("east"))
	if i := slices.Index(r.registry.Types(), "deploy"); i < 0 {
		t.Error("deploy is not a type that pipelines may hold")
	}
}

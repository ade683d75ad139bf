package manifest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/strategy"
)

// cluster is one of the clusters of workloads that a stage moves traffic of.
type cluster struct {
	Location string `json:"location"`
	App      string `json:"app"`
	Cluster  string `json:"cluster"`
}

// version is a version of a cluster that was there when a deployment began.
type version struct {
	Name     string `json:"manifestName"`
	Location string `json:"location"`
	Serving  bool   `json:"serving"`
}

// prepared is what a stage remembers of traffic.
type prepared struct {
	Account  string    `json:"deploy.account.name"`
	Clusters []cluster `json:"trafficClusters"`
	Sources  []version `json:"trafficSources"`
	Turn     bool      `json:"trafficTurn"`
}

// prepareTraffic waits until no other stage deploys one of the clusters, and
// remembers what serves.
func (m *maker) prepareTraffic(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := readDeploy(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	mine, err := stage.Decode[prepared](in.Stage.Context)
	if err != nil || mine.Turn {
		return stage.Done(), err
	}
	other, err := m.ahead(ctx, in, mine)
	if err != nil {
		return stage.Outcome{}, err
	}
	if other != nil {
		return other.outcome(in, c), nil
	}
	p, err := m.provider(c.Account)
	if err != nil {
		return stage.Outcome{}, err
	}
	sources := []any{}
	for _, k := range mine.Clusters {
		found, err := m.versions(ctx, p, c, k, nil)
		if err != nil {
			return failed(err)
		}
		for _, w := range found {
			sources = append(sources, object{"manifestName": w.Ref.Name, "location": w.Ref.Region, "serving": w.Serving})
		}
	}
	return stage.Done().WithContext(object{turnKey: true, sourcesKey: sources, messagesKey: []any{}}), nil
}

// rival is a stage that deploys the same cluster, and has begun before.
type rival struct {
	execution gennaker.Execution
	stage     gennaker.Stage
	cluster   string
	above     bool // it waits for this stage
	unknown   bool // it does not know yet what it will deploy
}

func (o rival) outcome(in stage.Input, c deployConfig) stage.Outcome {
	who := fmt.Sprintf("the stage %q of execution %s of %s", o.stage.Name, o.execution.ID, o.execution.Application)
	switch {
	case o.above:
		return stage.Fail("%s deploys %s, and waits for this stage", who, o.cluster).
			WithHint("deploy another cluster here, or after that stage")
	case o.unknown:
		return waiting(in, c.Account, in.Now.Add(time.Second), c.Moniker.App)
	case c.Traffic.Options.Concurrent == "refuse":
		return stage.Fail("%s deploys %s at this moment", who, o.cluster).
			WithHint("start again when it has ended, or set trafficManagement.options.concurrent to wait")
	}
	next := in.Now.Add(lookEvery)
	return stage.Wait(next, stage.ExecutionTopic(o.execution.ID), stage.FleetTopic(c.Account, c.Moniker.App)).
		WithContext(object{messagesKey: []any{"waiting until " + who + " has deployed " + o.cluster}})
}

// deploys reports whether a stage deploys manifests at this moment.
func deploys(st gennaker.Stage) bool {
	return st.Type == "deployManifest" && !st.StartTime.IsZero() && !st.Status.Complete()
}

// deploying returns the executions that deploy manifests at this moment, with
// the contexts of their stages.
func (m *maker) deploying(ctx context.Context) (out []gennaker.Execution, err error) {
	q := gennaker.ExecutionQuery{Statuses: slices.DeleteFunc(gennaker.Statuses(), func(s gennaker.Status) bool {
		return s.Complete() || s == gennaker.NotStarted || s == gennaker.Buffered
	})}
	for {
		page, err := m.config.History.Executions(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("look for other deployments: %w", err)
		}
		for _, x := range page {
			if !slices.ContainsFunc(x.Stages, deploys) {
				continue
			}
			if x, err = m.config.History.Execution(ctx, x.ID); err != nil && gennaker.KindOf(err) != gennaker.NotFound {
				return nil, fmt.Errorf("look for other deployments: %w", err)
			}
			out = append(out, x)
		}
		if len(page) < gennaker.MaxExecutionQuery {
			return out, nil
		}
		q.Before = page[len(page)-1].ID
	}
}

// ahead returns a stage that deploys one of the same clusters and comes first:
// it has its turn, or began earlier. What runs is asked anew each time, so that
// nothing is held by what has ended.
func (m *maker) ahead(ctx context.Context, in stage.Input, mine prepared) (*rival, error) {
	if m.config.History == nil || len(mine.Clusters) == 0 {
		return nil, nil
	}
	running, err := m.deploying(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range running {
		for _, st := range x.Stages {
			same := x.ID == in.Execution.ID && st.ID == in.Stage.ID
			if same || !deploys(st) {
				continue
			}
			o, err := mine.rival(in, x, st)
			if err != nil || o != nil {
				return o, err
			}
		}
	}
	return nil, nil
}

// rival returns the stage of another deployment if it comes before this one.
func (mine prepared) rival(in stage.Input, x gennaker.Execution, st gennaker.Stage) (*rival, error) {
	c, err := stage.Decode[deployConfig](st.Context)
	if err != nil || !c.Traffic.Enabled {
		return nil, nil //nolint:nilerr // what cannot be read moves no traffic
	}
	theirs, err := stage.Decode[prepared](st.Context)
	if err != nil || !theirs.Turn && !first(st, in.Stage) {
		return nil, err
	}
	o := rival{execution: x, stage: st, above: slices.Contains(parents(in.Execution.Trigger), x.ID)}
	if st.Context[clustersKey] == nil {
		o.unknown = true
		return &o, nil
	}
	for _, k := range theirs.Clusters {
		if slices.ContainsFunc(mine.Clusters, func(own cluster) bool {
			return theirs.Account == mine.Account && k.Location == own.Location && strings.EqualFold(k.Cluster, own.Cluster)
		}) {
			o.cluster = k.Cluster
			return &o, nil
		}
	}
	return nil, nil
}

// first reports whether a began before b. It is a total order.
func first(a, b gennaker.Stage) bool {
	if n := a.StartTime.Compare(b.StartTime.Time); n != 0 {
		return n < 0
	}
	return a.ID < b.ID
}

// parents returns the executions that wait for the one which t started.
func parents(t gennaker.Trigger) []string {
	const most = 100
	var out []string
	parent, ok := t.Other["parentExecution"].(map[string]any)
	for ok && len(out) < most {
		out = append(out, text(parent, "id"))
		parent, ok = at(parent, "trigger", "parentExecution").(map[string]any)
	}
	return out
}

// versions returns the versions of a cluster, newest first, but for those that
// were just created.
func (m *maker) versions(ctx context.Context, p provider.Provider, c deployConfig, k cluster, created []gennaker.ManifestRef) ([]strategy.Workload, error) {
	found, err := p.FindManifests(ctx, provider.ManifestQuery{
		Location: k.Location, Kinds: []string{"replicaSet"}, Application: k.App, Cluster: k.Cluster,
	})
	if err != nil {
		return nil, fmt.Errorf("look for the versions of %s: %w", k.Cluster, err)
	}
	weights, err := m.weights(ctx, p, c, k.Location)
	if err != nil {
		return nil, err
	}
	var out []strategy.Workload
	for _, o := range slices.Backward(found) {
		ref := refOf(p.Account.Name, o)
		if at(o, "metadata", "deletionTimestamp") != nil || slices.ContainsFunc(created, func(r gennaker.ManifestRef) bool { return r.ManifestName() == ref.ManifestName() }) {
			continue
		}
		w, ok, err := observe(ctx, p, ref, weights)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, w)
		}
	}
	return out, nil
}

// observe looks at one version; it may be gone.
func observe(ctx context.Context, p provider.Provider, ref gennaker.ManifestRef, weights map[string]int) (w strategy.Workload, there bool, err error) {
	v, err := p.Manifest(ctx, ref)
	if err != nil && gennaker.KindOf(err) == gennaker.NotFound {
		return w, false, nil
	}
	if err != nil {
		return w, false, err
	}
	if err := known(v); err != nil {
		return w, false, err
	}
	weight := weights[ref.ManifestName()]
	return strategy.Workload{
		Ref: group(ref), Serving: len(v.Serving.Services) > 0 || weight > 0, Weight: weight, Hopeless: hopeless(v), Empty: replicas(v.Manifest) == 0,
	}, true, nil
}

// hopeless: strategies, B5.
func hopeless(v gennaker.ManifestView) bool {
	return !v.Status.Stable.State && !v.Status.Failed.State &&
		number(v.Manifest, "status", "readyReplicas")+number(v.Manifest, "status", "availableReplicas") == 0
}

// group is an object as package strategy names it.
func group(ref gennaker.ManifestRef) gennaker.ServerGroupRef {
	return gennaker.ServerGroupRef{Account: ref.Account, Region: ref.Location, Name: ref.ManifestName()}
}

// weights returns the shares of the route of a stage, by workload; none if the
// strategy has no route.
func (m *maker) weights(ctx context.Context, p provider.Provider, c deployConfig, location string) (map[string]int, error) {
	if !c.Traffic.Options.Weighted() {
		return nil, nil
	}
	route, err := routeOf(p, c.Traffic.Options.Route, location)
	if err != nil {
		return nil, err
	}
	state, err := p.Route(ctx, route)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, s := range state.Shares {
		out[s.Workload] = s.Weight
	}
	return out, nil
}

// routeOf returns the route that a stage names. Errors: Invalid.
func routeOf(p provider.Provider, name, location string) (gennaker.ManifestRef, error) {
	if p.Routes == nil {
		return gennaker.ManifestRef{}, gennaker.Errorf(gennaker.Invalid, "account %s has no routes with weights", p.Account.Name).
			WithHint("install the Gateway API and a gateway in the cluster, or use the strategy bluegreen")
	}
	kind, name, err := gennaker.ParseManifestName(name)
	return gennaker.ManifestRef{Account: p.Account.Name, Location: location, Kind: kind, Name: name}, err
}

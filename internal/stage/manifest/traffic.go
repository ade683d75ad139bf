package manifest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/strategy"
)

// switchConfig is what authors write in enableManifest and disableManifest.
type switchConfig struct {
	where
	Services    []string `json:"loadBalancers"` // services to join or to leave; default those of the object's annotation
	KeepServing bool     `json:"keepServing"`   // disableManifest, ours: only when another version of it is behind the same services
}

// shiftConfig is what a shiftTraffic stage is told.
type shiftConfig struct {
	Account  string           `json:"account"`  // where the route is
	App      string           `json:"app"`      // whose workloads they are
	Location string           `json:"location"` // namespace
	Route    string           `json:"route"`    // "httpRoute web"
	Service  string           `json:"service"`  // "service web": what the route sends requests to, but for its shares
	Shares   []provider.Share `json:"shares"`   // each workload, and its weight
}

// What a stage that waits for the end of traffic says of it in its context, in
// milliseconds since 1970: when it was, and since when proxies follow.
const (
	drainedKey = "drainedAt"
	leftKey    = "leftServicesAt"
)

func (m *maker) registerTraffic(r *stage.Registry) {
	stage.Add[switchConfig](r, stage.Definition{
		Type: "enableManifest", Restart: restart,
		Steps: []stage.Step{
			task("resolveTargetManifest", m.resolveTarget),
			task("enableManifest", m.enable),
			{Name: "monitorEnable", Task: explained(m.enabled), Timeout: trafficTimeout},
			{Name: "waitForManifestToStabilize", Task: undoable{m.stabilize, m.giveUp}},
		},
	})
	stage.Add[switchConfig](r, stage.Definition{
		Type: "disableManifest", Restart: restart,
		Steps: []stage.Step{
			task("resolveTargetManifest", m.resolveTarget),
			{Name: "disableManifest", Task: explained(m.disable), Timeout: trafficTimeout},
			{Name: "monitorDisable", Task: explained(m.disabled), Timeout: trafficTimeout},
			{Name: "waitForManifestToStabilize", Task: undoable{m.stabilize, m.giveUp}, If: alone},
		},
	})
	stage.Add[shiftConfig](r, stage.Definition{
		Type: "shiftTraffic", Internal: true,
		Steps: []stage.Step{
			task("shiftTraffic", m.shift),
			{Name: "waitForTrafficShift", Task: explained(m.shifted), Timeout: trafficTimeout},
		},
	})
}

// alone reports whether a stage is no part of another: then its object must be
// stable at the end. A version that a strategy takes out of traffic need not be.
func alone(in stage.Input) bool { return in.Stage.ParentStageID == "" }

func (m *maker) readSwitch(in stage.Input) (c switchConfig, p provider.Provider, ref gennaker.ManifestRef, err error) {
	if c, err = stage.Decode[switchConfig](in.Stage.Context); err != nil {
		return c, p, ref, err
	}
	p, ref, err = m.target(in)
	return c, p, ref, err
}

// enable puts a workload behind its Services.
func (m *maker) enable(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, p, ref, err := m.readSwitch(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	if err := p.Attach(ctx, in.Key, ref, c.Services, true); err != nil {
		return failed(err)
	}
	return stage.Done(), nil
}

// enabled waits until the Services send requests to all pods of a workload.
func (m *maker) enabled(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, p, ref, err := m.readSwitch(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	v, err := p.Manifest(ctx, ref)
	if err != nil {
		return failed(err)
	}
	services := c.Services
	if len(services) == 0 {
		services = annotated(v.Manifest)
	}
	want := replicas(v.Manifest)
	missing := slices.DeleteFunc(slices.Clone(services), func(s string) bool { return v.Serving.Pods[plain(s)] >= want })
	if len(missing) == 0 {
		return stage.Done().WithContext(object{messagesKey: []any{}}), nil
	}
	why := sentence(fmt.Sprintf("%s does not send requests to all %d pods of %s yet", strings.Join(missing, ", "), want, ref.ManifestName()), v.Reason)
	return waiting(in, ref.Account, time.Time{}, v.Moniker.App).WithContext(object{messagesKey: []any{why}}), nil
}

// annotated returns the Services of a workload's annotation.
func annotated(m gennaker.Manifest) (out []string) {
	if json.Unmarshal([]byte(text(m, "metadata", "annotations", "traffic.spinnaker.io/load-balancers")), &out) != nil {
		return nil
	}
	return out
}

// plain is the name of a Service without its kind.
func plain(s string) string { return s[strings.LastIndex(s, " ")+1:] }

// disable takes a workload away from its Services. As a part of a strategy it
// waits for the version that takes its place, and one that is gone is disabled.
func (m *maker) disable(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, p, ref, err := m.readSwitch(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	v, err := p.Manifest(ctx, ref)
	if err != nil {
		return gone(in, err)
	}
	if c.KeepServing {
		wait, err := others(ctx, p, ref, v)
		if err != nil {
			return failed(err)
		}
		if wait != "" {
			return waiting(in, ref.Account, time.Time{}, v.Moniker.App).WithContext(object{messagesKey: []any{wait}}), nil
		}
	}
	if err := p.Attach(ctx, in.Key, ref, c.Services, false); err != nil {
		return gone(in, err)
	}
	return stage.Done(), nil
}

// gone is success for a part of a strategy whose object is no more.
func gone(in stage.Input, err error) (stage.Outcome, error) {
	if gennaker.KindOf(err) == gennaker.NotFound && !alone(in) {
		return stage.Done(), nil
	}
	return failed(err)
}

// disabled waits until no request can reach a workload any more by what it left.
func (m *maker) disabled(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, p, ref, err := m.readSwitch(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	v, err := p.Manifest(ctx, ref)
	if err != nil {
		return gone(in, err)
	}
	wait := left(v, c.Services, in.Now, time.UnixMilli(int64(number(in.Stage.Context, leftKey))))
	if wait.reason == "" {
		values := object{messagesKey: []any{}}
		if t := v.Serving.DrainedAt; !t.IsZero() {
			values[drainedKey] = t.Epoch()
		}
		return stage.Done().WithContext(values), nil
	}
	values := object{messagesKey: []any{wait.reason}}
	if wait.begun {
		values[leftKey] = in.Now.UnixMilli()
	}
	return waiting(in, ref.Account, wait.until, v.Moniker.App).WithContext(values), nil
}

// followTime is how long proxies get to follow if a workload is still behind a
// Service that it cannot leave: then the provider does not say when it is
// drained.
const followTime = 15 * time.Second

// drain is why requests may still reach a workload, and when that ends if it is
// known; the zero drain is that none can.
type drain struct {
	reason string
	until  time.Time
	begun  bool // proxies follow from now on
}

// behind returns by which ways requests reach a workload that can be taken away:
// the services, by default those of its annotation, and its share of a route.
func behind(v gennaker.ManifestView, services []string) []string {
	if len(services) == 0 {
		services = annotated(v.Manifest)
	}
	var out []string
	for _, s := range v.Serving.Services {
		if s == text(v.Manifest, "metadata", "name") || slices.ContainsFunc(services, func(name string) bool { return plain(name) == s }) {
			out = append(out, s)
		}
	}
	return out
}

// known is no error if it is known how requests reach a workload. It is not while
// the account has not been read since the server began: then everything drains,
// and nobody says until when.
//
// Errors: Unavailable.
func known(v gennaker.ManifestView) error {
	if v.Serving.Draining && v.Serving.DrainedAt.IsZero() {
		return gennaker.Errorf(gennaker.Unavailable, "it is not known yet how requests reach %s", v.Name)
	}
	return nil
}

// left says why requests may still reach a workload by services that it left;
// since is when that was seen first, if it is behind others still.
func left(v gennaker.ManifestView, services []string, now, since time.Time) drain {
	still := behind(v, services)
	const follow = " has no endpoints any more, and proxies are given time to follow"
	switch s := v.Serving; {
	case len(still) > 0:
		return drain{reason: fmt.Sprintf("%s is still among the endpoints of %s", v.Name, strings.Join(still, ", "))}
	case s.Draining:
		return drain{reason: v.Name + follow, until: s.DrainedAt.Time}
	case len(s.Services) == 0:
		return drain{}
	case since.Unix() <= 0:
		return drain{reason: v.Name + follow, until: now.Add(followTime), begun: true}
	case now.Before(since.Add(followTime)):
		return drain{reason: v.Name + follow, until: since.Add(followTime)}
	}
	return drain{}
}

// others says which Service would be without endpoints if a workload were taken
// away; "" if each has those of another version.
func others(ctx context.Context, p provider.Provider, ref gennaker.ManifestRef, v gennaker.ManifestView) (wait string, err error) {
	missing := behind(v, nil)
	if err := known(v); err != nil || len(missing) == 0 {
		return "", err
	}
	found, err := p.FindManifests(ctx, provider.ManifestQuery{
		Location: ref.Location, Kinds: []string{ref.Kind}, Application: v.Moniker.App, Cluster: v.Moniker.Cluster,
	})
	if err != nil {
		return "", err
	}
	for _, o := range slices.Backward(found) {
		other := refOf(ref.Account, o)
		if other.Name == ref.Name || len(missing) == 0 {
			continue
		}
		o, err := p.Manifest(ctx, other)
		if err != nil && gennaker.KindOf(err) == gennaker.NotFound {
			continue
		}
		if err != nil {
			return "", err
		}
		missing = slices.DeleteFunc(missing, func(s string) bool { return slices.Contains(o.Serving.Services, s) })
	}
	if len(missing) == 0 {
		return "", nil
	}
	return fmt.Sprintf("%s keeps its traffic until another version is behind %s", ref.ManifestName(), strings.Join(missing, ", ")), nil
}

// shift sets the shares of a route.
func (m *maker) shift(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, p, route, err := m.readShift(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	if err := p.Shift(ctx, in.Key, route, c.Service, c.Shares); err != nil {
		return failed(err)
	}
	return stage.Done(), nil
}

func (m *maker) readShift(in stage.Input) (c shiftConfig, p provider.Provider, route gennaker.ManifestRef, err error) {
	if c, err = stage.Decode[shiftConfig](in.Stage.Context); err != nil {
		return c, p, route, err
	}
	if p, err = m.provider(c.Account); err != nil {
		return c, p, route, err
	}
	route, err = routeOf(p, c.Route, c.Location)
	return c, p, route, err
}

// shifted waits until every gateway follows the shares.
func (m *maker) shifted(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, p, route, err := m.readShift(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	state, err := p.Route(ctx, route)
	if err != nil {
		return failed(err)
	}
	if !maps.Equal(weighted(c.Shares), weighted(state.Shares)) {
		return stage.Fail("somebody else changed the weights of %s", route.ManifestName()).
			WithHint("let only one pipeline shift its traffic, and look who else writes it"), nil
	}
	settled := state.Since.Add(state.Settle)
	switch {
	case !state.Programmed:
		why := sentence("a gateway does not follow "+route.ManifestName()+" yet", state.Reason)
		return waiting(in, c.Account, time.Time{}, c.App).WithContext(object{messagesKey: []any{why}}), nil
	case in.Now.Before(settled):
		return waiting(in, c.Account, settled, c.App), nil
	}
	return stage.Done().WithContext(object{messagesKey: []any{}}), nil
}

func weighted(shares []provider.Share) map[string]int {
	out := map[string]int{}
	for _, s := range shares {
		if s.Weight > 0 {
			out[s.Workload] = s.Weight
		}
	}
	return out
}

// afterDeploy plans the strategy, or, if it was ignored that the new version did
// not become stable, the way back.
func (m *maker) afterDeploy(ctx context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	c, d, p, err := m.readManaged(in)
	if err != nil || !c.Traffic.Enabled {
		return nil, err
	}
	if !d.Stable {
		return m.onDeployFailure(ctx, in)
	}
	if name, err := c.Traffic.Options.Name(); err != nil || name == strategy.None {
		return nil, err
	}
	var children []gennaker.StageConfig
	for _, ref := range d.refs() {
		if !workload(ref) {
			continue
		}
		v, err := p.Manifest(ctx, ref)
		if err != nil {
			return nil, err
		}
		k := cluster{ref.Location, v.Moniker.App, v.Moniker.Cluster}
		old, err := m.versions(ctx, p, c, k, d.refs())
		if err != nil {
			return nil, err
		}
		children = append(children, stages(in, c, k, c.Traffic.Options.After(group(ref), old))...)
	}
	return stage.Linear(children...), nil
}

func (m *maker) readManaged(in stage.Input) (c deployConfig, d deployed, p provider.Provider, err error) {
	if c, err = readDeploy(in); err != nil || !c.Traffic.Enabled {
		return c, d, p, err
	}
	if d, err = readDeployed(in); err != nil {
		return c, d, p, err
	}
	p, err = m.provider(c.Account)
	return c, d, p, err
}

// onDeployFailure plans the way back. Each of its stages runs whatever becomes
// of the others, and has time of its own.
func (m *maker) onDeployFailure(ctx context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	c, d, p, err := m.readManaged(in)
	if err != nil || !c.Traffic.Enabled {
		return nil, nil //nolint:nilerr // what cannot be read has deployed nothing
	}
	x, err := m.failure(ctx, in, p, c, d.refs())
	if err != nil {
		if x, err = blind(in, c, d.refs()); err != nil {
			return nil, err
		}
	}
	x.Stable = d.Stable
	k := cluster{App: c.Moniker.App}
	if mine, err := stage.Decode[prepared](in.Stage.Context); err == nil && len(mine.Clusters) > 0 {
		k = mine.Clusters[0]
	}
	children := stages(in, c, k, c.Traffic.Options.OnFailure(x))
	for _, s := range children {
		s.Context["continuePipeline"], s.Context["allowSiblingStagesToContinueOnFailure"] = true, true
		s.Context["stageTimeoutMs"] = trafficTimeout.Milliseconds()
	}
	return stage.Linear(children...), nil
}

// blind is failure without looking at the cluster, which cannot be asked at this
// moment: as if nothing of what served did any more. The stages of the way back
// have time until it can be asked, and take nothing away that nobody replaces.
func blind(in stage.Input, c deployConfig, created []gennaker.ManifestRef) (x strategy.TrafficFailure, err error) {
	mine, err := stage.Decode[prepared](in.Stage.Context)
	if err != nil {
		return x, err
	}
	was := map[string]bool{}
	for _, s := range mine.Sources {
		if was[s.Name] = true; s.Serving {
			ref := gennaker.ServerGroupRef{Account: c.Account, Region: s.Location, Name: s.Name}
			x.Before = append(x.Before, strategy.Workload{Ref: ref})
		}
	}
	for _, ref := range created {
		if workload(ref) && !was[ref.ManifestName()] {
			x.Created = append(x.Created, strategy.Workload{Ref: group(ref), Serving: true, Weight: 1})
		}
	}
	return x, nil
}

// failure says what is left of a deployment that failed.
func (m *maker) failure(ctx context.Context, in stage.Input, p provider.Provider, c deployConfig, created []gennaker.ManifestRef) (x strategy.TrafficFailure, err error) {
	mine, err := stage.Decode[prepared](in.Stage.Context)
	if err != nil || len(mine.Clusters) == 0 {
		return x, err
	}
	weights, err := m.weights(ctx, p, c, mine.Clusters[0].Location)
	if err != nil {
		return x, err
	}
	was := map[string]bool{}
	for _, s := range mine.Sources {
		w := where{Account: c.Account, Location: s.Location, Name: s.Name}
		ref, err := w.ref()
		if err != nil {
			return x, err
		}
		was[ref.ManifestName()] = true
		if !s.Serving || slices.Contains(created, ref) {
			continue
		}
		now, there, err := observe(ctx, p, ref, weights)
		if err != nil {
			return x, err
		}
		if !there || now.Empty {
			x.Gone++
			continue
		}
		x.Before = append(x.Before, now)
	}
	for _, ref := range created {
		if !workload(ref) || was[ref.ManifestName()] {
			continue
		}
		now, there, err := observe(ctx, p, ref, weights)
		if err != nil {
			return x, err
		}
		if there {
			x.Created = append(x.Created, now)
		}
	}
	return x, nil
}

// abandon takes out of traffic what a deployment made whose answer is not known.
func (m *maker) abandon(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, _, p, err := m.readManaged(in)
	if err != nil || !c.Traffic.Enabled {
		return stage.Done(), nil //nolint:nilerr // what cannot be read has deployed nothing
	}
	mine, err := stage.Decode[prepared](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	var created []gennaker.ManifestRef
	for _, k := range mine.Clusters {
		found, err := m.versions(ctx, p, c, k, nil)
		if err != nil {
			return stage.Outcome{}, err
		}
		for _, w := range found {
			kind, name, err := gennaker.ParseManifestName(w.Ref.Name)
			if err == nil {
				created = append(created, gennaker.ManifestRef{Account: c.Account, Location: w.Ref.Region, Kind: kind, Name: name})
			}
		}
	}
	created = slices.DeleteFunc(created, func(ref gennaker.ManifestRef) bool {
		return slices.ContainsFunc(mine.Sources, func(s version) bool { return s.Name == ref.ManifestName() && s.Location == ref.Location })
	})
	return stage.Done(), m.detach(ctx, in, created)
}

// detach takes new versions out of traffic at once, if a failure would.
func (m *maker) detach(ctx context.Context, in stage.Input, created []gennaker.ManifestRef) error {
	c, _, p, err := m.readManaged(in)
	if err != nil || !c.Traffic.Enabled {
		return err
	}
	x, err := m.failure(ctx, in, p, c, created)
	if err != nil {
		return err
	}
	for _, move := range c.Traffic.Options.OnFailure(x) {
		off, ok := move.(strategy.DisableManifest)
		if !ok {
			continue
		}
		kind, name, err := gennaker.ParseManifestName(off.Workload.Name)
		if err != nil {
			return err
		}
		ref := gennaker.ManifestRef{Account: c.Account, Location: off.Workload.Region, Kind: kind, Name: name}
		if err := p.Attach(ctx, in.Key+"/undo/"+ref.String(), ref, nil, false); err != nil && gennaker.KindOf(err) != gennaker.NotFound {
			return err
		}
	}
	return nil
}

// stages returns the stages that carry out moves, one for each, in order.
//
// Source: strategies, B5, for their contexts.
func stages(in stage.Input, c deployConfig, k cluster, moves []strategy.Move) []gennaker.StageConfig {
	about := func(ref gennaker.ServerGroupRef, more object) object {
		out := object{"account": c.Account, "app": k.App, "cloudProvider": "kubernetes", "manifestName": ref.Name, "location": ref.Region}
		maps.Copy(out, more)
		return out
	}
	var out []gennaker.StageConfig
	for _, m := range moves {
		var s gennaker.StageConfig
		switch m := m.(type) {
		case strategy.Wait:
			s = gennaker.StageConfig{Type: "wait", Name: m.Name, Context: object{"waitTime": m.Seconds}}
		case strategy.EnableManifest:
			s = gennaker.StageConfig{Type: "enableManifest", Name: "Enable " + m.Workload.Name, Context: about(m.Workload, nil)}
		case strategy.DisableManifest:
			s = gennaker.StageConfig{Type: "disableManifest", Name: "Disable " + m.Workload.Name, Context: about(m.Workload, nil)}
			if m.KeepServing {
				s.Context["keepServing"] = true
			}
		case strategy.DeleteManifest:
			s = gennaker.StageConfig{Type: "deleteManifest", Name: "Delete " + m.Workload.Name, Context: about(m.Workload, object{"onlyDrained": true})}
		case strategy.ScaleManifest:
			s = gennaker.StageConfig{Type: "scaleManifest", Name: "Scale Down " + m.Workload.Name, Context: about(m.Workload, object{"replicas": m.Replicas})}
		case strategy.ShiftTraffic:
			s = shiftStage(c, k, m)
		case strategy.Validate:
			s = gennaker.StageConfig{Type: "pipeline", Name: "Run Validation Pipeline", Context: validation(in, m)}
		default:
			panic(fmt.Sprintf("manifest: no stage for a move of type %T", m))
		}
		out = append(out, s)
	}
	return out
}

func shiftStage(c deployConfig, k cluster, m strategy.ShiftTraffic) gennaker.StageConfig {
	shares := []any{}
	for _, s := range m.Shares {
		shares = append(shares, object{"workload": s.Workload.Name, "weight": s.Weight})
	}
	return gennaker.StageConfig{
		Type: "shiftTraffic", Name: "Shift Traffic to " + m.String(),
		Context: object{
			"account": c.Account, "app": k.App, "cloudProvider": "kubernetes", "location": k.Location,
			"route": c.Traffic.Options.Route, "service": c.Traffic.Options.Services[0], "shares": shares,
		},
	}
}

// validation passes on what was deployed, under names that a pipeline's
// expressions can read.
func validation(in stage.Input, m strategy.Validate) object {
	describe := func(ref gennaker.ServerGroupRef) object {
		return object{"serverGroupName": ref.Name, "manifestName": ref.Name, "region": ref.Region, "location": ref.Region, "account": ref.Account}
	}
	parameters := maps.Clone(m.Pipeline.Parameters)
	if parameters == nil {
		parameters = object{}
	}
	parameters["deployedServerGroup"], parameters["percentageComplete"] = describe(m.Deployed), m.Percent
	if m.Source != nil {
		parameters["sourceServerGroup"] = describe(*m.Source)
	}
	return object{"application": cmp.Or(m.Pipeline.Application, in.Execution.Application), "pipeline": m.Pipeline.ID, "pipelineParameters": parameters}
}

package fake

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// ManifestScript is how an object behaves after it was deployed or changed.
type ManifestScript struct {
	Ready  Pace   // until it is stable and its pods are ready
	Drain  Pace   // until no request reaches it, once it has no endpoints
	Gone   Pace   // until it is gone, once deleted
	Fails  string // why it fails in place of becoming ready: Deployments and Jobs
	Reason string // why it is not ready yet
	Hint   string
	Output string // what its pod wrote
}

// thing is an object of the fake's cluster, and what is under way in it.
type thing struct {
	manifest   gennaker.Manifest // without status
	script     ManifestScript
	place      int // in the order of creation
	ready      Pace
	drain      Pace
	gone       Pace
	deleting   bool
	serving    bool // when it was last looked at
	draining   bool
	drained    gennaker.Time
	broken     string // why it is not ready any more
	generation int64
	revisions  []gennaker.Manifest // pod templates of a Deployment, oldest first
	revision   int                 // of the last
	shares     []provider.Share    // of a route
	shifted    gennaker.Time
}

// name identifies an object within an account.
func name(location string, kind manifest.Kind, object string) string {
	return location + "/" + strings.ToLower(kind.Qualified()) + "/" + object
}

func nameOf(m gennaker.Manifest) string {
	return name(manifest.Namespace(m), manifest.KindOf(m), manifest.Name(m))
}

// named returns the key of the object that ref means.
func (p *Provider) named(ref gennaker.ManifestRef) (string, error) {
	kind, known := manifest.LookupKind(ref.Kind)
	if ref.Account != p.config.Account.Name {
		return "", gennaker.Errorf(gennaker.NotFound, "%s is in another account", ref)
	}
	if !known && !slices.ContainsFunc(p.config.Kinds, func(k string) bool { return k == "*" || strings.EqualFold(k, ref.Kind) }) {
		return "", gennaker.Errorf(gennaker.Invalid, "the cluster has no kind %q", ref.Kind)
	}
	if kind.Cluster {
		return name("", kind, ref.Name), nil
	}
	return name(ref.Location, kind, ref.Name), nil
}

// object returns the object that ref means. Errors: NotFound, Invalid.
func (p *Provider) object(ref gennaker.ManifestRef) (*thing, error) {
	key, err := p.named(ref)
	if err != nil {
		return nil, err
	}
	o := p.objects[key]
	if o == nil {
		return nil, gennaker.Errorf(gennaker.NotFound, "there is no %s in %q of account %s", ref.ManifestName(), ref.Location, ref.Account)
	}
	return o, nil
}

// Deploy implements provider.Manifests.
func (p *Provider) Deploy(ctx context.Context, key string, d provider.ManifestDeploy) (provider.Deployed, error) {
	names := []string{}
	for _, m := range d.Manifests {
		names = append(names, fmt.Sprintf("%v %s", m["kind"], manifest.Name(m)))
	}
	_, err := p.act(ctx, Deploy, key, strings.Join(names, ", "), func() (string, error) {
		x := deployment{Provider: p, ManifestDeploy: d, key: key, after: map[string]*thing{}}
		if err := x.run(); err != nil {
			return "", err
		}
		p.deployed[key] = x.done
		for k, o := range x.after {
			if old := p.objects[k]; old != nil && !x.Recreate {
				o.drained = old.drained
			}
			p.objects[k] = o
			p.notify(provider.Change{Application: manifest.MonikerOf(o.manifest).App})
		}
		var made []string
		for _, m := range x.done.Manifests {
			made = append(made, manifest.Ref("", m).ManifestName())
		}
		return strings.Join(made, ", "), nil
	})
	if err != nil {
		return provider.Deployed{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deployed[key], nil
}

// deployment is a Deploy that is checked as a whole before it changes anything.
type deployment struct {
	*Provider
	provider.ManifestDeploy
	key     string
	after   map[string]*thing
	created []gennaker.Artifact
	done    provider.Deployed
}

func (x *deployment) run() error {
	if x.Application == "" {
		return gennaker.Errorf(gennaker.Invalid, "the application is missing")
	}
	list, err := x.selected()
	if err != nil {
		return err
	}
	for _, group := range manifest.Order(list) {
		for _, m := range group {
			if err := x.one(m); err != nil {
				return fmt.Errorf("deploy %s: %w", manifest.Ref("", m).ManifestName(), err)
			}
		}
	}
	return manifest.CheckBound(x.Required, x.done.Bound)
}

// selected returns the manifests to deploy, each in its namespace.
func (x *deployment) selected() ([]gennaker.Manifest, error) {
	selectors := make([]manifest.Selector, len(x.Selectors))
	for i, s := range x.Selectors {
		selectors[i] = manifest.Selector(s)
	}
	selection, err := manifest.Select(selectors)
	if err != nil {
		return nil, err
	}
	var out []gennaker.Manifest
	for i, m := range x.Manifests {
		m, err := manifest.Normalize(m)
		if err != nil {
			return nil, fmt.Errorf("manifest %d: %w", i, err)
		}
		kind := manifest.KindOf(m)
		if _, err := x.named(manifest.Ref(x.config.Account.Name, m)); err != nil {
			return nil, fmt.Errorf("manifest %d: %w", i, err)
		}
		if manifest.Name(m) == "" && manifest.GenerateName(m) == "" || len(manifest.Name(m)) > cmp.Or(kind.MaxName, 253) {
			return nil, gennaker.Errorf(gennaker.Invalid, "manifest %d (%s) has no name that can be", i, kind)
		}
		if !selection.Matches(m) {
			continue
		}
		if !kind.Cluster {
			m = manifest.SetNamespace(m, cmp.Or(x.Namespace, manifest.Namespace(m), "default"))
		}
		if slices.ContainsFunc(out, func(o gennaker.Manifest) bool { return manifest.Name(m) != "" && manifest.Same(o, m) }) {
			return nil, gennaker.Errorf(gennaker.Invalid, "manifest %d: %s is there twice", i, manifest.Ref("", m).ManifestName())
		}
		out = append(out, m)
	}
	return out, nil
}

// one deploys one object.
func (x *deployment) one(m gennaker.Manifest) error {
	how, err := manifest.StrategyOf(m)
	if err != nil {
		return err
	}
	if !x.Unbound {
		var bound []gennaker.Artifact
		m, bound = manifest.Binding{Account: x.config.Account.Name}.Bind(m, manifest.Candidates(x.Required, x.Optional, x.created))
		x.done.Bound = append(x.done.Bound, bound...)
	}
	if m, err = x.traffic(m); err != nil {
		return err
	}
	versions, number, err := x.version(m)
	if err != nil {
		return err
	}
	unnumbered := m
	if m, err = manifest.Annotate(m, manifest.Identity{
		Moniker: gennaker.Moniker{App: x.Application}, Version: number, SkipTemplateLabels: x.SkipLabels,
	}); err != nil {
		return err
	}
	if manifest.GenerateName(m) != "" && manifest.Name(m) == "" {
		m = child(m, "metadata", func(meta map[string]any) { meta["name"] = fmt.Sprintf("%s%d", manifest.GenerateName(m), x.made) })
	}
	o := x.put(m, how)
	a := manifest.ArtifactOf(x.config.Account.Name, o.manifest)
	x.created = append(x.created, a)
	x.done.Created = append(x.done.Created, a)
	x.done.Manifests = append(x.done.Manifests, manifest.Mask(o.manifest))
	if number != nil && how.MaxVersionHistory > 0 {
		versions = manifest.Versions(unnumbered, append(objectsOf(versions), o.manifest))
		for _, old := range manifest.Obsolete(versions, how.MaxVersionHistory, *number) {
			x.done.Obsolete = append(x.done.Obsolete, manifest.Ref(x.config.Account.Name, old))
		}
	}
	return nil
}

// traffic puts a ReplicaSet behind the Services of the deployment.
func (x *deployment) traffic(m gennaker.Manifest) (gennaker.Manifest, error) {
	if manifest.KindOf(m).Name != "ReplicaSet" {
		return m, nil
	}
	m, err := manifest.SetLoadBalancers(m, x.Services)
	if err != nil {
		return nil, err
	}
	names, err := manifest.LoadBalancersOf(m)
	if err != nil || x.Dark {
		return m, err
	}
	for _, n := range names {
		service, err := x.service(manifest.Namespace(m), n)
		if err != nil {
			return nil, err
		}
		if m, err = manifest.Join(m, service); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// service returns a Service of the cluster, or of this deployment.
func (p *Provider) service(location, loadBalancer string) (gennaker.Manifest, error) {
	n, err := manifest.ServiceName(loadBalancer)
	if err != nil {
		return nil, err
	}
	kind, _ := manifest.LookupKind("service")
	o := p.objects[name(location, kind, n)]
	if o == nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "there is no service %s in %s", n, location)
	}
	return o.manifest, nil
}

func (x *deployment) service(location, loadBalancer string) (gennaker.Manifest, error) {
	for _, o := range x.after {
		n, err := manifest.ServiceName(loadBalancer)
		if err == nil && manifest.KindOf(o.manifest).Name == "Service" && manifest.Name(o.manifest) == n && manifest.Namespace(o.manifest) == location {
			return o.manifest, nil
		}
	}
	return x.Provider.service(location, loadBalancer)
}

// version returns the number of a versioned object.
func (x *deployment) version(m gennaker.Manifest) ([]manifest.Version, *int, error) {
	versioned, err := manifest.IsVersioned(m, x.Versioned, nil)
	if err != nil || !versioned {
		return nil, nil, err
	}
	var all []gennaker.Manifest
	for _, o := range x.objects {
		all = append(all, o.manifest)
	}
	versions := manifest.Versions(m, all)
	n, _ := manifest.NextVersion(m, versions)
	return versions, &n, nil
}

func objectsOf(versions []manifest.Version) []gennaker.Manifest {
	out := make([]gennaker.Manifest, len(versions))
	for i, v := range versions {
		out[i] = v.Object
	}
	return out
}

// put makes or changes an object.
func (x *deployment) put(m gennaker.Manifest, how manifest.Strategy) *thing {
	old := x.objects[nameOf(m)]
	if x.Recreate || how.Method == manifest.Recreate || old != nil && old.deleting {
		old = nil
	}
	o := &thing{generation: 1}
	if old != nil {
		*o = *old
		if how.UseSourceCapacity {
			if n, ok := manifest.Replicas(old.manifest); ok {
				m = manifest.SetReplicas(m, n)
			}
		}
		if manifest.SameContent(old.manifest, m) {
			o.manifest = keep(m, old.manifest)
			x.after[nameOf(m)] = o
			return o
		}
		o.manifest = keep(m, old.manifest)
	} else {
		x.made++
		o.place = x.made
		o.manifest = child(m, "metadata", func(meta map[string]any) {
			meta["uid"] = fmt.Sprintf("uid-%d", x.made)
			if t := x.time(); !t.IsZero() {
				meta["creationTimestamp"] = t.UTC().Format("2006-01-02T15:04:05Z")
			}
		})
	}
	x.changedObject(o)
	x.after[nameOf(m)] = o
	return o
}

// changedObject lets an object become ready anew.
func (p *Provider) changedObject(o *thing) {
	o.generation++
	o.script = ManifestScript{}
	if p.config.Manifest != nil {
		o.script = p.config.Manifest(o.manifest)
	}
	o.ready, o.broken = o.script.Ready, ""
	if template, ok := at(o.manifest, "spec", "template").(map[string]any); ok && manifest.KindOf(o.manifest).Rolls {
		if n := len(o.revisions); n == 0 || !manifest.SameContent(gennaker.Manifest{"template": template}, o.revisions[n-1]) {
			o.revision++
			o.revisions = append(slices.Clone(o.revisions), gennaker.Manifest{
				"template": template, "metadata": map[string]any{"annotations": map[string]any{manifest.RevisionAnnotation: fmt.Sprint(o.revision)}},
			})
		}
	}
}

// keep returns m with what the cluster gave the object before.
func keep(m, old gennaker.Manifest) gennaker.Manifest {
	return child(m, "metadata", func(meta map[string]any) {
		for _, k := range []string{"uid", "creationTimestamp"} {
			if v := at(old, "metadata", k); v != nil {
				meta[k] = v
			}
		}
	})
}

// child returns a copy of m with the object under key changed.
func child(m gennaker.Manifest, key string, change func(map[string]any)) gennaker.Manifest {
	m = manifest.Clone(m)
	inner, ok := m[key].(map[string]any)
	if !ok {
		inner = map[string]any{}
		m[key] = inner
	}
	change(inner)
	return m
}

func at(m map[string]any, path ...string) any {
	var v any = m
	for _, k := range path {
		inner, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = inner[k]
	}
	return v
}

// Manifest implements provider.Manifests.
func (p *Provider) Manifest(ctx context.Context, ref gennaker.ManifestRef) (gennaker.ManifestView, error) {
	if _, err := p.enter(ctx, Read); err != nil {
		return gennaker.ManifestView{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	o, err := p.object(ref)
	if err != nil {
		return gennaker.ManifestView{}, err
	}
	p.advance(o, Pace.look)
	if _, err := p.object(ref); err != nil { // it was its last moment
		return gennaker.ManifestView{}, err
	}
	return p.viewManifest(o), nil
}

// advance lets what is under way in an object go on, and follows its traffic.
func (p *Provider) advance(o *thing, step func(Pace) Pace) {
	ready, drain, gone := o.ready, o.drain, o.gone
	o.ready = step(o.ready)
	serving := len(p.serving(o)) > 0
	if o.serving && !serving {
		o.draining, o.drain = true, o.script.Drain
	} else if o.draining {
		o.drain = step(o.drain)
	}
	o.serving = serving
	if serving {
		o.draining, o.drained = false, gennaker.Time{}
	}
	if o.draining && o.drain.complete() {
		o.draining, o.drained = false, p.time()
	}
	if o.deleting {
		if o.gone = step(o.gone); o.gone.complete() {
			delete(p.objects, nameOf(o.manifest))
		}
	}
	if ready != o.ready || drain != o.drain || gone != o.gone {
		p.notify(provider.Change{Application: manifest.MonikerOf(o.manifest).App})
	}
}

// viewManifest returns what is seen of an object; it shares nothing with it.
func (p *Provider) viewManifest(o *thing) gennaker.ManifestView {
	m := withStatus(o)
	ref := manifest.Ref(p.config.Account.Name, m)
	v := gennaker.ManifestView{
		Account: ref.Account, Location: ref.Location, Name: ref.ManifestName(), Manifest: manifest.Mask(m), Moniker: manifest.MonikerOf(m),
		Status: manifest.StatusOf(m), Artifacts: manifest.Found(m), Events: []gennaker.ManifestEvent{}, Warnings: []string{},
		Serving: gennaker.ManifestTraffic{Services: p.serving(o), DrainedAt: o.drained, Draining: o.draining},
	}
	n, _ := manifest.Replicas(o.manifest)
	for _, s := range v.Serving.Services {
		if v.Serving.Pods == nil {
			v.Serving.Pods = map[string]int{}
		}
		v.Serving.Pods[s] = n
	}
	if o.draining && p.config.Now != nil {
		v.Serving.DrainedAt = gennaker.At(p.config.Now().Add(drainTime))
	}
	switch {
	case v.Status.Failed.State:
		v.Reason, v.Hint = v.Status.Failed.Message, o.script.Hint
	case !v.Status.Stable.State:
		v.Reason, v.Hint = cmp.Or(o.broken, o.script.Reason, v.Status.Stable.Message), o.script.Hint
	}
	return v
}

// drainTime is when a workload that drains says that it will be drained.
const drainTime = time.Minute

// isReady reports whether the pods of a workload are ready.
func (o *thing) isReady() bool {
	return o.ready.complete() && o.broken == "" && o.script.Fails == "" && !o.deleting
}

// withStatus returns an object as its controller would report it.
func withStatus(o *thing) gennaker.Manifest {
	m := child(o.manifest, "metadata", func(meta map[string]any) { meta["generation"] = o.generation })
	n, scaled := manifest.Replicas(m)
	up := int64(0)
	if !scaled {
		n = 1
	}
	if o.isReady() {
		up = int64(n)
	}
	status := map[string]any{"observedGeneration": o.generation, "replicas": int64(n), "readyReplicas": up, "availableReplicas": up}
	switch manifest.KindOf(m).Name {
	case "ReplicaSet":
		status["fullyLabeledReplicas"] = int64(n)
	case "Deployment":
		status["updatedReplicas"] = int64(n)
		available := map[string]any{"type": "Available", "status": truth(o.isReady()), "reason": "MinimumReplicasAvailable"}
		progress := map[string]any{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}
		if o.ready.complete() && o.script.Fails != "" {
			progress = map[string]any{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": o.script.Fails}
		}
		status["conditions"] = []any{available, progress}
	case "StatefulSet":
		status["currentReplicas"], status["updatedReplicas"] = up, up
		status["currentRevision"], status["updateRevision"] = "1", "1"
	case "DaemonSet":
		for _, k := range []string{"desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled"} {
			status[k] = int64(n)
		}
		status["numberAvailable"], status["numberReady"] = up, up
	case "Pod":
		status = map[string]any{"phase": "Pending"}
		if o.isReady() {
			status["phase"] = "Running"
		}
	case "Job":
		status = jobConditions(o)
	case "HTTPRoute", "Gateway":
		status = map[string]any{}
	default:
		return m
	}
	m["status"] = status
	return m
}

func truth(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func jobConditions(o *thing) map[string]any {
	switch {
	case o.ready.complete() && o.script.Fails != "":
		return map[string]any{"failed": int64(1), "conditions": []any{
			map[string]any{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": o.script.Fails},
		}}
	case o.isReady():
		return map[string]any{"succeeded": int64(1), "conditions": []any{map[string]any{"type": "Complete", "status": "True"}}}
	}
	return map[string]any{"active": int64(1)}
}

// FindManifests implements provider.Manifests.
func (p *Provider) FindManifests(ctx context.Context, q provider.ManifestQuery) ([]gennaker.Manifest, error) {
	if _, err := p.enter(ctx, Read); err != nil {
		return nil, err
	}
	selectors := make([]manifest.Selector, len(q.Selectors))
	for i, s := range q.Selectors {
		selectors[i] = manifest.Selector(s)
	}
	selection, err := manifest.Select(selectors)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []*thing
	for _, o := range p.objects {
		kind := manifest.KindOf(o.manifest)
		fits := slices.ContainsFunc(q.Kinds, func(s string) bool {
			k, _ := manifest.LookupKind(s)
			return strings.EqualFold(k.Qualified(), kind.Qualified())
		})
		if fits && (kind.Cluster || manifest.Namespace(o.manifest) == q.Location) && selection.Matches(o.manifest) &&
			(q.Cluster == "" || manifest.InCluster(o.manifest, q.Application, q.Cluster)) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *thing) int { return a.place - b.place })
	out := []gennaker.Manifest{}
	for _, o := range found {
		out = append(out, manifest.Mask(withStatus(o)))
	}
	return out, nil
}

// DeleteManifest implements provider.Manifests.
func (p *Provider) DeleteManifest(ctx context.Context, key string, ref gennaker.ManifestRef, _ provider.ManifestDelete) error {
	_, err := p.act(ctx, DeleteManifest, key, ref.String(), func() (string, error) {
		o, err := p.object(ref)
		if err != nil && gennaker.KindOf(err) == gennaker.NotFound {
			return ref.ManifestName(), nil
		}
		if err != nil {
			return "", err
		}
		if o.deleting {
			return ref.ManifestName(), nil
		}
		o.deleting, o.gone = true, o.script.Gone
		p.advance(o, Pace.still)
		p.notify(provider.Change{Application: manifest.MonikerOf(o.manifest).App})
		return ref.ManifestName(), nil
	})
	return err
}

// Output implements provider.Manifests.
func (p *Provider) Output(ctx context.Context, ref gennaker.ManifestRef, _ string, limit int64) (string, error) {
	if _, err := p.enter(ctx, Read); err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	o, err := p.object(ref)
	if err != nil {
		return "", err
	}
	text := o.script.Output
	return text[max(0, len(text)-int(min(limit, 1<<30))):], nil
}

// SetReady makes the pods of a workload ready, or not ready any more, with why.
// It panics if there is none.
func (p *Provider) SetReady(ref gennaker.ManifestRef, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o, err := p.object(ref)
	if err != nil {
		panic("fake: " + err.Error())
	}
	o.broken = why
	if why == "" {
		o.ready, o.script.Fails = Pace{}, ""
	}
	p.notify(provider.Change{Application: manifest.MonikerOf(o.manifest).App})
}

// Serving returns the workloads behind a Service, by name: those that have pods
// which are ready.
func (p *Provider) Serving(location, service string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []string{}
	for _, o := range p.objects {
		if manifest.Namespace(o.manifest) == location && slices.Contains(p.serving(o), service) {
			out = append(out, manifest.Name(o.manifest))
		}
	}
	slices.Sort(out)
	return out
}

// Objects returns the names of the objects of a kind in a namespace, sorted.
func (p *Provider) Objects(location, kind string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []string{}
	for _, o := range p.objects {
		if manifest.Namespace(o.manifest) == location && strings.EqualFold(manifest.KindOf(o.manifest).String(), kind) {
			out = append(out, manifest.Name(o.manifest))
		}
	}
	slices.Sort(out)
	return out
}

// open returns v as JSON has it.
func open(text []byte) (v any, err error) {
	err = json.Unmarshal(text, &v)
	return v, err
}

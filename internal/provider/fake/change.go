package fake

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// onObject changes an object that must exist, once for a key.
func (p *Provider) onObject(ctx context.Context, op Op, key, what string, ref gennaker.ManifestRef, change func(*thing) error) error {
	_, err := p.act(ctx, op, key, ref.String()+what, func() (string, error) {
		o, err := p.object(ref)
		if err != nil {
			return "", err
		}
		p.advance(o, Pace.still)
		if err := change(o); err != nil {
			return "", err
		}
		p.advance(o, Pace.still)
		p.notify(provider.Change{Application: manifest.MonikerOf(o.manifest).App})
		return ref.ManifestName() + what, nil
	})
	return err
}

// PatchManifest implements provider.Manifests. Of a strategic patch it knows
// that lists of objects with names are merged by these.
func (p *Provider) PatchManifest(ctx context.Context, key string, ref gennaker.ManifestRef, patch provider.ManifestPatch) (gennaker.Manifest, error) {
	err := p.onObject(ctx, Patch, key, "", ref, func(o *thing) error {
		v, err := open(patch.Body)
		if err != nil {
			return gennaker.Errorf(gennaker.Invalid, "the patch is not JSON: %w", err)
		}
		after, err := p.patched(o.manifest, v, patch)
		if err != nil {
			return err
		}
		if after, err = manifest.Normalize(after); err != nil {
			return err
		}
		if manifest.Name(after) != manifest.Name(o.manifest) || manifest.KindOf(after).Qualified() != manifest.KindOf(o.manifest).Qualified() {
			return gennaker.Errorf(gennaker.Invalid, "a patch cannot change the kind or the name of an object")
		}
		same := manifest.SameContent(after, o.manifest)
		if o.manifest = after; !same {
			p.changedObject(o)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	v, err := p.Manifest(ctx, ref)
	return v.Manifest, err
}

func (p *Provider) patched(m gennaker.Manifest, change any, patch provider.ManifestPatch) (gennaker.Manifest, error) {
	if patch.Strategy == "json" {
		list, ok := change.([]any)
		if !ok {
			return nil, gennaker.Errorf(gennaker.Invalid, "a json patch is a list of operations")
		}
		var v any = map[string]any(manifest.Clone(m))
		for i, op := range list {
			op, _ := op.(map[string]any)
			var err error
			if v, err = apply(v, op); err != nil {
				return nil, gennaker.Errorf(gennaker.Invalid, "operation %d: %w", i, err)
			}
		}
		out, _ := v.(map[string]any)
		return out, nil
	}
	fields, ok := change.(map[string]any)
	if !ok || patch.Strategy != "merge" && patch.Strategy != "strategic" {
		return nil, gennaker.Errorf(gennaker.Invalid, "a %s patch of %T cannot be", patch.Strategy, change)
	}
	about := maps.Clone(fields)
	about["kind"], about["apiVersion"] = m["kind"], m["apiVersion"]
	bound, used := manifest.Binding{Account: p.config.Account.Name}.Bind(about, manifest.Candidates(patch.Required, patch.Optional, nil))
	if err := manifest.CheckBound(patch.Required, used); err != nil {
		return nil, err
	}
	out, _ := merge(map[string]any(manifest.Clone(m)), map[string]any(bound), patch.Strategy == "strategic").(map[string]any)
	return out, nil
}

// merge is RFC 7396; with byName lists of objects that have names are merged by
// these.
func merge(into, change any, byName bool) any {
	fields, ok := change.(map[string]any)
	if !ok {
		from, a := into.([]any)
		to, b := change.([]any)
		if byName && a && b && names(from) && names(to) {
			return mergeLists(from, to)
		}
		return change
	}
	out, ok := into.(map[string]any)
	if !ok {
		out = map[string]any{}
	}
	for k, v := range fields {
		if v == nil {
			delete(out, k)
			continue
		}
		out[k] = merge(out[k], v, byName)
	}
	return out
}

func names(list []any) bool {
	return !slices.ContainsFunc(list, func(v any) bool { m, _ := v.(map[string]any); return m["name"] == nil })
}

func mergeLists(from, to []any) []any {
	out := slices.Clone(from)
	for _, v := range to {
		i := slices.IndexFunc(out, func(x any) bool { return at(x.(map[string]any), "name") == at(v.(map[string]any), "name") }) //nolint:forcetypeassert // names looked
		if i < 0 {
			out = append(out, v)
			continue
		}
		out[i] = merge(out[i], v, true)
	}
	return out
}

// apply is one operation of RFC 6902: add, replace, remove or test.
func apply(v any, op map[string]any) (any, error) {
	path, _ := op["path"].(string)
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("the path %q is none", path)
	}
	var keys []string
	for k := range strings.SplitSeq(path[1:], "/") {
		keys = append(keys, strings.NewReplacer("~1", "/", "~0", "~").Replace(k))
	}
	return within(v, keys, fmt.Sprint(op["op"]), op["value"])
}

func within(v any, keys []string, op string, value any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		inner, there := v[keys[0]]
		if len(keys) > 1 {
			after, err := within(inner, keys[1:], op, value)
			v[keys[0]] = after
			return v, err
		}
		switch {
		case op == "add" || op == "replace" && there:
			v[keys[0]] = value
		case op == "remove" && there:
			delete(v, keys[0])
		case op == "test" && there && fmt.Sprint(inner) == fmt.Sprint(value):
		default:
			return nil, fmt.Errorf("%s of %s does not fit", op, keys[0])
		}
		return v, nil
	case []any:
		i, err := strconv.Atoi(keys[0])
		if keys[0] == "-" && op == "add" && len(keys) == 1 {
			return append(v, value), nil
		}
		if err != nil || i < 0 || i >= len(v) {
			return nil, fmt.Errorf("there is no place %s in the list", keys[0])
		}
		if len(keys) > 1 {
			v[i], err = within(v[i], keys[1:], op, value)
			return v, err
		}
		switch op {
		case "add":
			return slices.Insert(v, i, value), nil
		case "remove":
			return slices.Delete(v, i, i+1), nil
		case "replace":
			v[i] = value
			return v, nil
		}
	}
	return nil, fmt.Errorf("%s of %s does not fit", op, keys[0])
}

// Rollout implements provider.Manifests.
func (p *Provider) Rollout(ctx context.Context, key string, ref gennaker.ManifestRef, c provider.Rollout) error {
	what := " " + describe(c)
	return p.onObject(ctx, Rollout, key, what, ref, func(o *thing) error {
		kind := manifest.KindOf(o.manifest)
		if c.Scale != nil {
			if err := manifest.CheckScale(kind, *c.Scale); err != nil {
				return err
			}
			o.manifest = manifest.SetReplicas(o.manifest, *c.Scale)
			p.changedObject(o)
			return nil
		}
		if err := manifest.CheckRollout(kind); err != nil {
			return err
		}
		if (c.Pause || c.Resume) && kind.Name != "Deployment" {
			return gennaker.Errorf(gennaker.Invalid, "a rollout of a %s cannot be paused", kind.Name)
		}
		switch {
		case c.Pause || c.Resume:
			o.manifest = child(o.manifest, "spec", func(spec map[string]any) { spec["paused"] = c.Pause })
		case c.Restart:
			if _, err := manifest.RestartPatch(o.manifest, key); err != nil {
				return err
			}
			change := map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
				"annotations": map[string]any{manifest.RestartedAnnotation: key},
			}}}}
			out, _ := merge(map[string]any(manifest.Clone(o.manifest)), change, false).(map[string]any)
			o.manifest = out
		default:
			history := o.revisions
			found, err := manifest.PickRevision(history, c.Undo, c.To)
			if err != nil {
				return err
			}
			o.manifest = child(o.manifest, "spec", func(spec map[string]any) { spec["template"] = found["template"] })
			o.revisions = slices.DeleteFunc(slices.Clone(history), func(r gennaker.Manifest) bool { return manifest.SameContent(r, found) })
		}
		p.changedObject(o)
		return nil
	})
}

func describe(c provider.Rollout) string {
	switch {
	case c.Scale != nil:
		return fmt.Sprintf("scale to %d", *c.Scale)
	case c.Restart:
		return "restart"
	case c.Pause:
		return "pause"
	case c.Resume:
		return "resume"
	case c.To > 0:
		return fmt.Sprintf("undo to %d", c.To)
	}
	return fmt.Sprintf("undo %d", c.Undo)
}

// Attach implements provider.Manifests.
func (p *Provider) Attach(ctx context.Context, key string, ref gennaker.ManifestRef, services []string, on bool) error {
	op := Attach
	if !on {
		op = Detach
	}
	return p.onObject(ctx, op, key, "", ref, func(o *thing) (err error) {
		if len(services) == 0 {
			if services, err = manifest.LoadBalancersOf(o.manifest); err != nil {
				return err
			}
		}
		after := o.manifest
		for _, s := range services {
			service, err := p.service(ref.Location, s)
			if err != nil && !on {
				continue // who is not there sends no requests
			}
			if err != nil {
				return err
			}
			if _, err := manifest.AttachPatch(o.manifest, service); err != nil {
				return err
			}
			selector, _ := at(service, "spec", "selector").(map[string]any)
			after = labelled(after, selector, on)
		}
		o.manifest = after
		return nil
	})
}

// labelled returns a workload whose pods have the labels, or have them not.
func labelled(m gennaker.Manifest, labels map[string]any, on bool) gennaker.Manifest {
	change := map[string]any{}
	for k, v := range labels {
		if change[k] = v; !on {
			change[k] = nil
		}
	}
	patch := map[string]any{"metadata": map[string]any{"labels": change}}
	if at(m, "spec", "template") != nil {
		patch = map[string]any{"spec": map[string]any{"template": patch}}
	}
	out, _ := merge(map[string]any(manifest.Clone(m)), patch, false).(map[string]any)
	return out
}

// serving returns the Services that have endpoints of an object's pods.
func (p *Provider) serving(o *thing) []string {
	out := []string{}
	kind := manifest.KindOf(o.manifest)
	n, scaled := manifest.Replicas(o.manifest)
	pods := kind.Name == "Pod" || kind.Class == manifest.ServerGroups || kind.Class == manifest.ServerGroupManagers
	if !pods || !o.isReady() || scaled && n == 0 {
		return out
	}
	labels := manifest.PodLabels(o.manifest)
	for _, s := range p.objects {
		if manifest.KindOf(s.manifest).Name == "Service" && manifest.Namespace(s.manifest) == manifest.Namespace(o.manifest) && manifest.Selects(s.manifest, labels) {
			out = append(out, manifest.Name(s.manifest))
		}
	}
	for _, r := range p.objects {
		if len(r.shares) > 0 && manifest.Namespace(r.manifest) == manifest.Namespace(o.manifest) && weight(r.shares, manifest.Ref("", o.manifest).ManifestName()) > 0 {
			out = append(out, manifest.Name(o.manifest))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func weight(shares []provider.Share, workload string) int {
	for _, s := range shares {
		if strings.EqualFold(s.Workload, workload) {
			return s.Weight
		}
	}
	return 0
}

// Shift implements provider.Routes. What is behind a share has the workload's
// name, as the Service has that a real provider makes.
func (p *Provider) Shift(ctx context.Context, key string, route gennaker.ManifestRef, base string, shares []provider.Share) error {
	words := make([]string, len(shares))
	for i, s := range shares {
		words[i] = fmt.Sprintf("%d %% %s", s.Weight, s.Workload)
	}
	return p.onObject(ctx, Shift, key, " to "+strings.Join(words, ", "), route, func(o *thing) error {
		if manifest.KindOf(o.manifest).Name != "HTTPRoute" {
			return gennaker.Errorf(gennaker.Invalid, "%s is no HTTPRoute", route.ManifestName())
		}
		if err := p.checkShares(o, route.Location, base, shares); err != nil {
			return err
		}
		p.follow(route.Location)
		o.shares, o.shifted, o.ready = slices.Clone(shares), p.time(), o.script.Ready
		o.generation++
		p.follow(route.Location)
		return nil
	})
}

func (p *Provider) checkShares(o *thing, location, base string, shares []provider.Share) error {
	service, err := manifest.ServiceName(base)
	if err != nil {
		return err
	}
	if _, err := p.service(location, base); err != nil {
		return err
	}
	rules, _ := at(o.manifest, "spec", "rules").([]any)
	for _, r := range rules {
		r, _ := r.(map[string]any)
		backends, _ := r["backendRefs"].([]any)
		for _, b := range backends {
			if b, _ := b.(map[string]any); b["name"] != service {
				return gennaker.Errorf(gennaker.Invalid, "the route sends requests to %v too, which is not %s", b["name"], service)
			}
		}
	}
	total := 0
	for _, s := range shares {
		kind, n, err := gennaker.ParseManifestName(s.Workload)
		if err != nil {
			return err
		}
		w, err := p.object(gennaker.ManifestRef{Account: p.config.Account.Name, Location: location, Kind: kind, Name: n})
		if err != nil {
			return err
		}
		if s.Weight < 0 || s.Weight > 0 && !w.isReady() {
			return gennaker.Errorf(gennaker.Invalid, "%s is not ready for a share of %d", s.Workload, s.Weight)
		}
		total += s.Weight
	}
	if total == 0 {
		return gennaker.Errorf(gennaker.Invalid, "no workload gets a share")
	}
	return nil
}

// follow lets the workloads of a namespace notice what became of their traffic.
func (p *Provider) follow(location string) {
	for _, o := range p.objects {
		if manifest.Namespace(o.manifest) == location {
			p.advance(o, Pace.still)
		}
	}
}

// Route implements provider.Routes.
func (p *Provider) Route(ctx context.Context, route gennaker.ManifestRef) (provider.RouteState, error) {
	if _, err := p.enter(ctx, Read); err != nil {
		return provider.RouteState{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	o, err := p.object(route)
	if err != nil {
		return provider.RouteState{}, err
	}
	before := o.ready
	if o.ready = o.ready.look(); o.ready != before {
		p.notify(provider.Change{Application: manifest.MonikerOf(o.manifest).App})
	}
	state := provider.RouteState{
		Shares: slices.Clone(o.shares), Programmed: o.isReady(), Since: o.shifted.Time, Settle: p.config.Settle,
	}
	if !state.Programmed {
		state.Reason = "the gateway has not accepted it yet"
	}
	return state, nil
}

// Reset takes the shares of a route away, as somebody else would. It panics if
// there is no such route.
func (p *Provider) Reset(location, route string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kind, _ := manifest.LookupKind("httpRoute")
	o := p.objects[name(location, kind, route)]
	if o == nil {
		panic("fake: there is no route " + route)
	}
	o.shares = nil
	p.follow(location)
}

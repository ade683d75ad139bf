package providertest

import (
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

// behind deploys a Service and a version of web behind it.
func (c *cluster) behind(tag string) string {
	c.Helper()
	d := c.request(c.service("front"), c.replicaSet(tag))
	d.Services = []string{"service front"}
	done := c.deploy(d)
	m := done.Manifests[len(done.Manifests)-1]
	name, _ := within(m, "metadata", "name").(string)
	return "replicaSet " + name
}

// attach: pods come behind a Service and go, and one key is one change.
func attach(c *cluster) {
	name := c.behind(GoodTag)
	c.untilStable(name)
	c.untilServing(name, "front")
	p, ref, off := c.Provider, c.manifest(name), c.key()
	c.must(p.Attach(c.Context(), off, ref, nil, false))
	c.untilServing(name)
	c.must(p.Attach(c.Context(), c.key(), ref, nil, true))
	c.untilServing(name, "front")
	c.must(p.Attach(c.Context(), off, ref, nil, false)) // it was done
	c.untilServing(name, "front")
	c.must(p.Attach(c.Context(), c.key(), ref, []string{"service front"}, false))
	c.untilServing(name)
	c.untilStable(name)
}

func attachInvalid(c *cluster) {
	own, nobody := c.service("own"), c.service("nobody")
	own["spec"] = object{"selector": object{"app": "web"}, "ports": []any{object{"port": 80}}}
	nobody["spec"] = object{"ports": []any{object{"port": 80}}}
	c.deploy(c.request(own, nobody, c.replicaSet(GoodTag)))
	ref := c.manifest("replicaSet web-v000")
	for what, s := range map[string]string{
		"a service that selects by what the workload selects by": "service own",
		"a service that selects by nothing":                      "service nobody",
		"a service that is not there":                            "service missing",
		"what is no service":                                     "deployment web",
	} {
		err := c.Provider.Attach(c.Context(), c.key(), ref, []string{s}, true)
		if err == nil || gennaker.KindOf(err) != gennaker.Invalid && gennaker.KindOf(err) != gennaker.NotFound {
			c.Errorf("%s: %v, want Invalid", what, err)
		}
		d := c.request(c.replicaSet(OtherTag))
		d.Services = []string{s}
		_, err = c.Provider.Deploy(c.Context(), c.key(), d)
		c.wantKind("deploy: "+what, err, gennaker.Invalid)
	}
}

// dark: a version may come without traffic, and get it later.
func dark(c *cluster) {
	d := c.request(c.service("front"), c.replicaSet(GoodTag))
	d.Services, d.Dark = []string{"service front"}, true
	c.deploy(d)
	c.untilStable("replicaSet web-v000")
	c.untilServing("replicaSet web-v000")
	c.must(c.Provider.Attach(c.Context(), c.key(), c.manifest("replicaSet web-v000"), nil, true))
	c.untilServing("replicaSet web-v000", "front")
}

// drained: of two versions behind a Service one goes, and it is seen when no
// request can reach it.
func drained(c *cluster) {
	first := c.behind(GoodTag)
	c.untilServing(first, "front")
	second := c.behind(OtherTag)
	c.untilServing(second, "front")
	if v := c.view(first); !v.Serving.DrainedAt.IsZero() || v.Serving.Draining {
		c.Errorf("%s serves, and is drained: %+v", first, v.Serving)
	}
	c.must(c.Provider.Attach(c.Context(), c.key(), c.manifest(first), nil, false))
	v := c.untilView(first, "drained", func(v gennaker.ManifestView) bool {
		return len(v.Serving.Services) == 0 && !v.Serving.Draining
	})
	if v.Serving.DrainedAt.IsZero() {
		c.Errorf("it is not said when %s was drained", first)
	}
	c.untilServing(second, "front")
}

func output(c *cluster) {
	d := c.request(gennaker.Manifest{
		"apiVersion": "batch/v1", "kind": "Job", "metadata": c.meta("work"),
		"spec": object{"backoffLimit": 0, "template": object{"spec": object{
			"restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
			"containers": []any{object{"name": "main", "image": c.Image(GoodTag)}},
		}}},
	})
	d.Recreate = true
	c.deploy(d)
	c.until(func() string {
		_, err := c.Provider.Output(c.Context(), c.manifest("job work"), "main", 100)
		if err != nil && gennaker.KindOf(err) != gennaker.Unavailable {
			c.Fatalf("Output: %v", err)
		}
		if err != nil {
			return err.Error()
		}
		return ""
	})
}

// routed deploys a route to the Service front, and n versions of web, which are
// behind front when attached.
func (c *cluster) routed() (names []string) {
	c.Helper()
	first := c.behind(GoodTag)
	c.untilStable(first)
	d := c.request(c.replicaSet(OtherTag))
	d.Services, d.Dark = []string{"service front"}, true
	c.deploy(d)
	c.untilStable("replicaSet web-v001")
	c.deploy(c.request(gennaker.Manifest{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": c.meta("way"),
		"spec": object{
			"parentRefs": []any{object{"name": c.Gateway}},
			"rules":      []any{object{"backendRefs": []any{object{"name": "front", "port": 80}}}},
		},
	}))
	return []string{first, "replicaSet web-v001"}
}

func (c *cluster) shift(key string, shares ...provider.Share) {
	c.Helper()
	c.must(c.Provider.Shift(c.Context(), key, c.manifest("httpRoute way"), "service front", shares))
}

// untilShares waits until every gateway follows the shares.
func (c *cluster) untilShares(want ...provider.Share) {
	c.Helper()
	c.until(func() string {
		s, err := c.Provider.Route(c.Context(), c.manifest("httpRoute way"))
		c.must(err)
		got := slices.DeleteFunc(slices.Clone(s.Shares), func(s provider.Share) bool { return s.Weight == 0 })
		if !s.Programmed {
			return "the route should be programmed: " + s.Reason
		}
		c.equal("shares", want, got)
		if s.Since.IsZero() || s.Settle < 0 {
			c.Errorf("it is not said since when: %+v", s)
		}
		return ""
	})
}

func shift(c *cluster) {
	if c.Provider.Routes == nil {
		return
	}
	names := c.routed()
	some := []provider.Share{{Workload: names[0], Weight: 80}, {Workload: names[1], Weight: 20}}
	key := c.key()
	c.shift(key, some...)
	c.untilShares(some...)
	c.shift(c.key(), provider.Share{Workload: names[1], Weight: 100})
	c.untilShares(provider.Share{Workload: names[1], Weight: 100})
	c.shift(key, some...) // it was done
	c.untilShares(provider.Share{Workload: names[1], Weight: 100})
	c.shift(c.key(), provider.Share{Workload: names[0], Weight: 100})
	c.untilShares(provider.Share{Workload: names[0], Weight: 100})
}

func shiftInvalid(c *cluster) {
	p := c.Provider
	if p.Routes == nil {
		return
	}
	names := c.routed()
	c.deploy(c.request(c.workload("ReplicaSet", "sick", BadTag, 1)))
	way := c.manifest("httpRoute way")
	for what, shares := range map[string][]provider.Share{
		"a workload that is not ready": {{Workload: "replicaSet sick-v000", Weight: 100}},
		"no share at all":              {{Workload: names[0], Weight: 0}},
		"a negative share":             {{Workload: names[0], Weight: 100}, {Workload: names[1], Weight: -1}},
	} {
		c.wantKind(what, p.Shift(c.Context(), c.key(), way, "service front", shares), gennaker.Invalid)
	}
	all := []provider.Share{{Workload: names[0], Weight: 100}}
	c.wantKind("a workload that is not there", p.Shift(c.Context(), c.key(), way, "service front", []provider.Share{{Workload: "replicaSet nobody", Weight: 100}}), gennaker.NotFound)
	c.wantKind("a route that is not there", p.Shift(c.Context(), c.key(), c.manifest("httpRoute nobody"), "service front", all), gennaker.NotFound)
	c.deploy(c.request(c.service("other"), gennaker.Manifest{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": c.meta("both"),
		"spec": object{
			"parentRefs": []any{object{"name": c.Gateway}},
			"rules":      []any{object{"backendRefs": []any{object{"name": "front", "port": 80}, object{"name": "other", "port": 80}}}},
		},
	}))
	c.wantKind("a route to something else too", p.Shift(c.Context(), c.key(), c.manifest("httpRoute both"), "service front", all), gennaker.Invalid)
	_, err := p.Route(c.Context(), c.manifest("httpRoute nobody"))
	c.wantKind("Route of nothing", err, gennaker.NotFound)
}

// shiftDrains: a workload that loses its share is drained, though its pods run.
func shiftDrains(c *cluster) {
	if c.Provider.Routes == nil {
		return
	}
	names := c.routed()
	c.shift(c.key(), provider.Share{Workload: names[0], Weight: 50}, provider.Share{Workload: names[1], Weight: 50})
	c.untilView(names[1], "reached by its share", func(v gennaker.ManifestView) bool { return len(v.Serving.Services) > 0 })
	c.shift(c.key(), provider.Share{Workload: names[0], Weight: 100})
	c.untilView(names[1], "drained", func(v gennaker.ManifestView) bool {
		return len(v.Serving.Services) == 0 && !v.Serving.Draining && !v.Serving.DrainedAt.IsZero()
	})
}

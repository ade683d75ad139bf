package api_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/fleet"
	"github.com/gennaker/gennaker/internal/provider"
)

// cluster is the account prod: the application web, in the namespace shop.
type cluster struct {
	w     *world
	state gennaker.AccountState
	fail  error // what it answers in place of everything
}

func (c *cluster) err() error {
	if c.fail != nil {
		return c.fail
	}
	return c.w.fail
}

// provider returns the account, which knows its state.
func (c *cluster) provider() provider.Provider {
	return provider.Provider{
		Account:   gennaker.Account{Name: "prod", Type: "kubernetes", CloudProvider: "kubernetes", Environment: "production"},
		Inventory: c, Logs: c, Manifests: manifests{w: c.w}, Resources: c,
		State: func() gennaker.AccountState { return c.state },
	}
}

func (c *cluster) group() gennaker.ServerGroup {
	return gennaker.ServerGroup{
		Name: "replicaSet web-v001", Kind: "ReplicaSet", Account: "prod", Region: "shop", CloudProvider: "kubernetes",
		Moniker: gennaker.Moniker{App: "web", Stack: "live", Cluster: "replicaSet web", Sequence: new(1)}, Cluster: "replicaSet web",
		CreatedTime: gennaker.Millis(7), Capacity: gennaker.Capacity{Min: 1, Max: 1, Desired: 1}, Weight: 100,
		Instances: []gennaker.Instance{pod()}, InstanceCounts: gennaker.InstanceCounts{Total: 1, Up: 1}, LoadBalancers: []string{"service web"},
		Image: "web:1", BuildInfo: gennaker.BuildInfo{Images: []string{"web:1"}}, Labels: map[string]string{"a": "b"},
		Managers: []gennaker.ServerGroupManagerRef{{Account: "prod", Location: "shop", Name: "deployment web"}},
	}
}

func pod() gennaker.Instance {
	return gennaker.Instance{
		ID: "u1", Name: "pod web-v001-x", Zone: "shop", HealthState: gennaker.Up, Restarts: 2, Node: "n1",
		Health: []gennaker.Health{{Type: "KubernetesPod", Class: "platform", State: gennaker.Up}},
		Containers: []gennaker.Container{{
			Name: "web", Image: "web:1", State: gennaker.ContainerRunning, Ready: true, Restarts: 2,
			Last: &gennaker.Termination{ExitCode: 137, Reason: "OOMKilled"},
		}},
	}
}

func (c *cluster) ServerGroups(_ context.Context, app string) ([]gennaker.ServerGroup, error) {
	if app != "" && app != "web" {
		return nil, c.err()
	}
	return []gennaker.ServerGroup{c.group()}, c.err()
}

func (c *cluster) ServerGroup(_ context.Context, region, name string) (gennaker.ServerGroup, error) {
	if g := c.group(); g.Region == region && g.Name == name {
		return g, c.err()
	}
	if name == "job migrate" {
		return gennaker.ServerGroup{Name: name, Instances: []gennaker.Instance{
			{Name: "pod migrate-a", HealthState: gennaker.Failed, LaunchTime: gennaker.Millis(1767323045000), Containers: []gennaker.Container{
				{Name: "proxy", Init: true, State: gennaker.ContainerTerminated, ExitCode: new(0)},
				{Name: "main", State: gennaker.ContainerTerminated, ExitCode: new(3)},
			}},
			{Name: "pod migrate-b", HealthState: gennaker.Up, Node: "n1", Address: "10.0.0.1"},
		}}, c.err()
	}
	return gennaker.ServerGroup{}, errNone
}

func (c *cluster) Logs(ctx context.Context, ref gennaker.ServerGroupRef, _ string, tail int64, follow bool) (io.ReadCloser, error) {
	g, err := c.ServerGroup(ctx, ref.Region, ref.Name)
	if err != nil {
		return nil, err
	}
	var all strings.Builder
	for _, in := range g.Instances {
		fmt.Fprintln(&all, in.Name, tail, follow)
	}
	return io.NopCloser(strings.NewReader(all.String())), nil
}

func (c *cluster) Clusters(ctx context.Context, app string) ([]provider.Cluster, error) {
	groups, err := c.ServerGroups(ctx, app)
	return provider.Clusters(groups), err
}

func (c *cluster) Search(ctx context.Context, text string, types []string) ([]provider.Item, error) {
	groups, err := c.ServerGroups(ctx, "")
	if err != nil {
		return nil, err
	}
	balancers, err := c.LoadBalancers(ctx)
	return provider.Search(text, types, groups, balancers), err
}

func (c *cluster) LoadBalancers(context.Context) ([]gennaker.LoadBalancer, error) {
	return []gennaker.LoadBalancer{{
		Name: "service web", Kind: "Service", Account: "prod", Region: "shop", CloudProvider: "kubernetes", Application: "web",
		Moniker: gennaker.Moniker{App: "web", Cluster: "service web"}, CreatedTime: gennaker.Millis(6), Labels: map[string]string{},
		ServerGroups: []gennaker.LoadBalancerServerGroup{
			{Name: "replicaSet web-v001", Account: "prod", Region: "shop", Weight: 100, InService: 1},
			{Name: "replicaSet gone-v000", Account: "prod", Region: "shop", Disabled: true},
		},
	}}, c.err()
}

func (c *cluster) Watch(ctx context.Context, _ func(provider.Change)) { <-ctx.Done() }

func (c *cluster) resource(kind, name, version string) gennaker.Resource {
	return gennaker.Resource{
		Name: kind + " " + name, DisplayName: name, Kind: strings.ToUpper(kind[:1]) + kind[1:], APIVersion: version, Account: "prod",
		Region: "shop", Namespace: "shop", CloudProvider: "kubernetes", Moniker: gennaker.Moniker{App: "web", Cluster: kind + " " + name},
		Labels: map[string]string{}, CreatedTime: gennaker.Millis(5),
	}
}

func (c *cluster) ServerGroupManagers(_ context.Context, app string) ([]gennaker.ServerGroupManager, error) {
	if app != "web" {
		return nil, c.err()
	}
	r := c.resource("deployment", "web", "apps/v1")
	return []gennaker.ServerGroupManager{{
		Name: r.Name, DisplayName: r.DisplayName, Kind: r.Kind, APIVersion: r.APIVersion, Account: r.Account, Region: r.Region,
		Namespace: r.Namespace, CloudProvider: r.CloudProvider, Moniker: r.Moniker, Labels: r.Labels, CreatedTime: r.CreatedTime,
		ServerGroups: []gennaker.ManagedGroup{{Name: "replicaSet web-v001", Account: "prod", Namespace: "shop", Region: "shop"}},
	}}, c.err()
}

func (c *cluster) SecurityGroups(context.Context) ([]gennaker.SecurityGroup, error) {
	return []gennaker.SecurityGroup{{
		Labels: map[string]string{},
		ID:     "networkPolicy web", Name: "networkPolicy web", DisplayName: "web", Kind: "NetworkPolicy", APIVersion: "networking.k8s.io/v1",
		Account: "prod", AccountName: "prod", Region: "shop", Namespace: "shop", CloudProvider: "kubernetes", Moniker: gennaker.Moniker{App: "web", Cluster: "networkPolicy web"},
		Inbound:  []gennaker.SecurityRule{{Protocol: "TCP", Ports: []gennaker.PortRange{{Start: 80, End: 81}}}},
		Outbound: []gennaker.SecurityRule{},
	}}, c.err()
}

func (c *cluster) RawResources(_ context.Context, app string) ([]gennaker.Resource, error) {
	if app != "web" {
		return nil, c.err()
	}
	return []gennaker.Resource{c.resource("configMap", "web", "v1")}, c.err()
}

func (c *cluster) Instance(_ context.Context, region, id string) (gennaker.Resource, gennaker.Instance, error) {
	if region != "shop" || id != "u1" && id != "pod web-v001-x" {
		return gennaker.Resource{}, gennaker.Instance{}, errNone
	}
	return c.resource("pod", "web-v001-x", "v1"), pod(), c.err()
}

func (c *cluster) Console(ctx context.Context, region, id string, limit int64) ([]gennaker.ContainerOutput, error) {
	if _, _, err := c.Instance(ctx, region, id); err != nil {
		return nil, err
	}
	return []gennaker.ContainerOutput{{Name: "web", Output: c.w.log[:min(limit, int64(len(c.w.log)))]}}, nil
}

func (c *cluster) Kinds(context.Context) (map[string]string, error) {
	return map[string]string{"replicaSet": "serverGroups", "gadget.example.com": "unclassified"}, c.err()
}

func (c *cluster) Namespaces(context.Context) ([]string, error) { return []string{"shop"}, c.err() }

// TestClusterShapes holds the views of clusters to what Deck reads.
func TestClusterShapes(t *testing.T) {
	t.Parallel()
	const (
		moniker  = `{"app":"web","stack":"live","cluster":"replicaSet web","sequence":1}`
		health   = `{"type":"KubernetesPod","state":"Up","healthClass":"platform"}`
		inst     = `{"name":"pod web-v001-x","healthState":"Up","health":[` + health + `],"availabilityZone":"shop","restarts":2,"id":"u1","node":"n1","containers":[` + web + `]}`
		group    = `{"name":"replicaSet web-v001","account":"prod","region":"shop","cloudProvider":"kubernetes","moniker":` + moniker + `,"cluster":"replicaSet web","createdTime":7,"isDisabled":false,"capacity":{"min":1,"max":1,"desired":1},"instances":[` + inst + `],"instanceCounts":{"total":1,"up":1,"down":0,"unknown":0,"outOfService":0,"starting":0,"succeeded":0,"failed":0},"loadBalancers":["service web"],"weight":100,"image":"web:1","kind":"ReplicaSet","labels":{"a":"b"},"buildInfo":{"images":["web:1"]},"serverGroupManagers":[{"account":"prod","location":"shop","name":"deployment web"}],"type":"kubernetes","application":"web","securityGroups":[],"displayName":"web-v001","namespace":"shop","apiVersion":"apps/v1"`
		detail   = `,"accountName":"prod","stack":"live","freeFormDetail":"","disabled":false,"zones":[]}`
		balancer = `{"name":"service web","account":"prod","region":"shop","cloudProvider":"kubernetes","application":"web","listen":"","kind":"Service","moniker":{"app":"web","cluster":"service web"},"labels":{},"createdTime":6,"type":"kubernetes","serverGroups":[{"name":"replicaSet web-v001","account":"prod","region":"shop","isDisabled":false,"weight":100,"inService":1,"cloudProvider":"kubernetes","detachedInstances":[],"instances":[{"id":"u1","name":"pod web-v001-x","zone":"shop","health":{"type":"kubernetes","state":"Up"}}]},{"name":"replicaSet gone-v000","account":"prod","region":"shop","isDisabled":true,"weight":0,"inService":0,"cloudProvider":"kubernetes","detachedInstances":[],"instances":[]}],"displayName":"web","namespace":"shop","apiVersion":"v1"}`
		policy   = `{"id":"networkPolicy web","name":"networkPolicy web"}`
	)
	for target, want := range map[string]string{
		"/applications/web/serverGroups":                                               "[" + group + "}]",
		"/applications/web/serverGroups?expand=true":                                   "[" + group + detail + "]",
		"/applications/web/serverGroups/prod/shop/replicaSet%20web-v001":               group + detail,
		"/applications/web/clusters":                                                   `{"prod":["replicaSet web"]}`,
		"/applications/web/loadBalancers":                                              "[" + balancer + "]",
		"/loadBalancers/prod/shop/service%20web":                                       "[" + balancer + "]",
		"/loadBalancers/prod/shop/service%20db":                                        "[]",
		"/loadBalancers?provider=aws":                                                  "[]",
		"/applications/web/serverGroupManagers":                                        `[{"name":"deployment web","displayName":"web","kind":"Deployment","apiVersion":"apps/v1","account":"prod","region":"shop","namespace":"shop","cloudProvider":"kubernetes","moniker":{"app":"web","cluster":"deployment web"},"labels":{},"createdTime":5,"serverGroups":[{"name":"replicaSet web-v001","account":"prod","namespace":"shop","region":"shop","moniker":{"app":"","cluster":""}}]}]`,
		"/applications/demo/serverGroupManagers":                                       "[]",
		"/applications/web/rawResources":                                               `[{"name":"configMap web","displayName":"web","kind":"ConfigMap","apiVersion":"v1","account":"prod","region":"shop","namespace":"shop","cloudProvider":"kubernetes","moniker":{"app":"web","cluster":"configMap web"},"labels":{},"createdTime":5}]`,
		"/securityGroups":                                                              `{"prod":{"kubernetes":{"shop":[` + policy + `]}}}`,
		"/firewalls?provider=aws":                                                      `{}`,
		"/securityGroups?id=networkPolicy%20db":                                        `{}`,
		"/securityGroups/prod?provider=kubernetes":                                     `{"shop":[` + policy + `]}`,
		"/securityGroups/local":                                                        `{}`,
		"/securityGroups/prod/shop/networkPolicy%20web?vpcId=":                         `{"id":"networkPolicy web","name":"networkPolicy web","displayName":"web","kind":"NetworkPolicy","apiVersion":"networking.k8s.io/v1","account":"prod","accountName":"prod","region":"shop","namespace":"shop","cloudProvider":"kubernetes","moniker":{"app":"web","cluster":"networkPolicy web"},"labels":{},"inboundRules":[{"protocol":"TCP","portRanges":[{"startPort":80,"endPort":81}]}],"outboundRules":[],"type":"kubernetes","summary":` + policy + `}`,
		"/instances/prod/shop/u1":                                                      `{"displayName":"web-v001-x","kind":"Pod","apiVersion":"v1","account":"prod","region":"shop","namespace":"shop","cloudProvider":"kubernetes","moniker":{"app":"web","cluster":"pod web-v001-x"},"labels":{},"createdTime":5,"name":"u1","humanReadableName":"pod web-v001-x","type":"kubernetes","zone":"shop","healthState":"Up","health":[{"source":"Pod","type":"kubernetes/pod","platform":"platform","state":"Up"},{"source":"Container web","type":"kubernetes/container","platform":"platform","state":"Up"}],"node":"n1","restarts":2,"containers":[` + web + `]}`,
		"/instances/prod/shop/pod%20web-v001-x/console?provider=kubernetes":            `{"output":[{"name":"web","output":"hello\n"}]}`,
		"/instances/local/local/demo-prod-v001-1/console":                              `{"output":[{"name":"demo-prod-v001-1","output":"hello\ndemo-prod-v001-1 65536\n"}]}`,
		"/manifests/prod/shop/replicaSet/cluster/web/replicaSet%20web/dynamic/newest":  `{"account":"prod","kind":"replicaSet","name":"web-v002","namespace":"shop"}`,
		"/manifests/prod/shop/replicaSet/cluster/web/replicaSet%20web/dynamic/largest": `{"account":"prod","kind":"replicaSet","name":"web-v001","namespace":"shop"}`,
		"/api/v1/manifests/prod/shop/deployment%20web/events":                          `[{"kind":"Pod","name":"web-1","type":"Warning","reason":"BackOff","message":"it crashes","count":3,"lastTimestamp":"2026-01-02T03:04:05Z"}]`,
		"/credentials/prod":                                                            `{"name":"prod","type":"kubernetes","accountId":"prod","authorized":true,"permissions":{"READ":[],"WRITE":["ops"]},"requiredGroupMembership":[],"accountType":"kubernetes","cloudProvider":"kubernetes","environment":"production","primaryAccount":false,"challengeDestructiveActions":false,"regions":[],"namespaces":["shop"],"spinnakerKindMap":{"gadget.example.com":"unclassified","replicaSet":"serverGroups"},"dockerRegistries":[],"state":{"connected":true}}`,
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.groups[0].Instances = []gennaker.Instance{{Name: "demo-prod-v001-1", HealthState: gennaker.Up}}
			res := call(api.New(w.config()), "GET", target, "")
			if res.Code != 200 {
				t.Fatalf("status %d: %s", res.Code, res.Body)
			}
			if diff := cmp.Diff(want+"\n", res.Body.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const web = `{"name":"web","image":"web:1","state":"running","ready":true,"restarts":2,"lastTermination":{"exitCode":137,"reason":"OOMKilled"}}`

func TestLoadBalancerSummaries(t *testing.T) {
	t.Parallel()
	var got []string
	for _, lb := range read[[]fleet.LoadBalancerSummary](t, api.New(newWorld(t).config()), "/loadBalancers") {
		for _, a := range lb.Accounts {
			for _, r := range a.Regions {
				for _, b := range r.LoadBalancers {
					got = append(got, strings.Join([]string{lb.Name, a.Name, r.Name, b.Name}, "/"))
				}
			}
		}
	}
	want := []string{"alone/local/local/alone", "front/local/local/front", "service web/prod/shop/service web"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNotInAClusterIsNotFound(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	for target, message := range map[string]string{
		"/instances/prod/shop/u2":                                                    "Instance not found (id: u2)",
		"/instances/prod/shop/u2/console":                                            "Instance not found (id: u2)",
		"/instances/local/local/nope":                                                "Instance not found (id: nope)",
		"/instances/local/local/nope/console":                                        "Instance not found (id: nope)",
		"/instances/moon/shop/u1":                                                    "Account not found (name: moon)",
		"/securityGroups/prod/shop/networkPolicy%20db":                               "Security group not found (id: networkPolicy db)",
		"/securityGroups/moon":                                                       "Account not found (name: moon)",
		"/loadBalancers/moon/shop/x":                                                 "Account not found (name: moon)",
		"/api/v1/manifests/prod/shop/deployment%20db/events":                         "Manifest prod/shop/deployment db not found",
		"/api/v1/manifests/prod/shop/deployment%20db/logs":                           "no such thing",
		"/manifests/prod/shop/replicaSet/cluster/web/replicaSet%20db/dynamic/newest": "there is no newest of 0 objects",
	} {
		if b := failure(t, call(s, "GET", target, ""), 404); b.Message != message {
			t.Errorf("%s: %q", target, b.Message)
		}
	}
	failure(t, call(s, "GET", "/manifests/prod/shop/replicaSet/cluster/web/replicaSet%20web/dynamic/best", ""), 400)
}

// TestAccountThatIsDown: what one account cannot say hides nothing of another,
// and every answer says of which account it is not what is there.
func TestAccountThatIsDown(t *testing.T) {
	t.Parallel()
	gone := gennaker.Errorf(gennaker.Unavailable, "prod was not read yet")
	since := gennaker.Millis(1767323045000)
	for name, tt := range map[string]struct {
		target string
		fail   error
		state  gennaker.AccountState
		want   string   // in the answer
		not    string   // not in it
		stale  []string // of the header
		status int      // 0 is 200
	}{
		"is there": {target: "/applications/web/serverGroups", state: gennaker.AccountState{Connected: true}, want: "replicaSet web-v001"},
		"last known state": {
			target: "/applications/web/serverGroups", state: gennaker.AccountState{Since: since, SeenAt: gennaker.Millis(1767323040000)},
			want: "replicaSet web-v001", stale: []string{"prod=2026-01-02T03:04:00Z"},
		},
		"since when alone": {target: "/applications/web/serverGroups", state: gennaker.AccountState{Since: since}, want: "replicaSet web-v001", stale: []string{"prod=2026-01-02T03:04:05Z"}},
		"others show":      {target: "/applications/demo/serverGroups", fail: gone, want: "demo-prod-v001", stale: []string{"prod"}},
		"balancers":        {target: "/api/v1/load-balancers", fail: gone, want: "front", not: "service web", stale: []string{"prod"}},
		"applications":     {target: "/applications", fail: gone, want: "demo", not: `"web"`, stale: []string{"prod"}},
		"a known one":      {target: "/applications/demo", fail: gone, want: "demo-prod", stale: []string{"prod"}},
		"it may be there":  {target: "/applications/web", fail: gone, want: "may be in prod", status: 503},
		"asked alone":      {target: "/applications/web/clusters/prod", fail: gone, want: "prod was not read yet", status: 503},
		"one old group": {
			target: "/applications/web/serverGroups/prod/shop/replicaSet%20web-v001", state: gennaker.AccountState{Since: since},
			want: "web-v001", stale: []string{"prod=2026-01-02T03:04:05Z"},
		},
		"its credentials":  {target: "/credentials/prod", fail: gone, state: gennaker.AccountState{Reason: "401"}, want: `"spinnakerKindMap":{},"dockerRegistries":[],"state":{"connected":false,"reason":"401"}`},
		"no reading of it": {target: "/securityGroups/prod", fail: gone, want: "prod was not read yet", status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.prod.fail, w.prod.state = tt.fail, tt.state
			res := call(api.New(w.config()), "GET", tt.target, "")
			if res.Code != max(tt.status, 200) || !strings.Contains(res.Body.String(), tt.want) || tt.not != "" && strings.Contains(res.Body.String(), tt.not) {
				t.Errorf("got %d %s, want %q and not %q", res.Code, res.Body, tt.want, tt.not)
			}
			if got := res.Header().Values(api.StaleHeader); !slices.Equal(got, tt.stale) {
				t.Errorf("stale %q, want %q", got, tt.stale)
			}
		})
	}
}

// broken is an inventory that panics.
type broken struct{ provider.Inventory }

func TestAccountThatPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.rooms()
	cfg := all.config()
	all.fleet.Fleet.Put(provider.Provider{Account: gennaker.Account{Name: "odd"}, Inventory: broken{}})
	res := call(api.New(cfg), "GET", "/applications/web/serverGroups", "")
	if res.Code != 200 || !strings.Contains(res.Body.String(), "web-v001") || !slices.Equal(res.Header().Values(api.StaleHeader), []string{"odd"}) {
		t.Errorf("got %d %s, stale %q", res.Code, res.Body, res.Header().Values(api.StaleHeader))
	}
	all.fleet.Fleet.Remove("local")
	all.fleet.Fleet.Remove("prod")
	failure(t, call(api.New(cfg), "GET", "/applications/web/serverGroups", ""), 500)
}

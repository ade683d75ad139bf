package api_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/fleet"
	"github.com/gennaker/gennaker/internal/provider"
)

func TestApplications(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	want := []map[string]any{
		{"name": "demo", "email": "a@example.com", "accounts": "local", "cloudProviders": "local"},
		{"name": "shop", "accounts": "local", "cloudProviders": "local"}, // was never saved
		{"name": "web", "accounts": "prod", "cloudProviders": "kubernetes"},
	}
	if diff := cmp.Diff(want, read[[]map[string]any](t, s, "/applications")); diff != "" {
		t.Error(diff)
	}
	app := fleet.ApplicationBody{
		Name:       "Demo",
		Attributes: map[string]any{"name": "Demo", "email": "a@example.com"},
		Clusters:   map[string][]fleet.ClusterSummary{},
	}
	if diff := cmp.Diff(app, read[fleet.ApplicationBody](t, s, "/applications/DEMO?expand=false")); diff != "" {
		t.Error(diff)
	}
	app.Clusters = map[string][]fleet.ClusterSummary{"local": {
		{Name: "demo-prod", Provider: "local", LoadBalancers: []string{"front"}, ServerGroups: []string{"demo-prod-v000", "demo-prod-v001"}},
		{Name: "demo-test", Provider: "local", LoadBalancers: []string{"other"}, ServerGroups: []string{"demo-test-v000"}},
	}}
	app.Attributes["accounts"], app.Attributes["cloudProviders"] = "local", "local"
	if diff := cmp.Diff(app, read[fleet.ApplicationBody](t, s, "/applications/demo")); diff != "" {
		t.Error(diff)
	}
	shop := fleet.ApplicationBody{Name: "shop", Attributes: map[string]any{"name": "shop"}, Clusters: map[string][]fleet.ClusterSummary{}}
	if diff := cmp.Diff(shop, read[fleet.ApplicationBody](t, s, "/applications/Shop?expand=false")); diff != "" {
		t.Error(diff)
	}
	if b := failure(t, call(s, "GET", "/applications/nope", ""), 404); b.Message != "Application not found (id: nope)" {
		t.Errorf("message %q", b.Message)
	}
}

// away is a fleet that does not answer.
type away struct{ provider.Inventory }

func (away) ServerGroups(context.Context, string) ([]gennaker.ServerGroup, error) {
	return nil, gennaker.Errorf(gennaker.Unavailable, "the node does not answer")
}

func (a away) Clusters(ctx context.Context, app string) ([]provider.Cluster, error) {
	groups, err := a.ServerGroups(ctx, app)
	return provider.Clusters(groups), err
}

func (a away) Search(ctx context.Context, _ string, _ []string) ([]provider.Item, error) {
	_, err := a.ServerGroups(ctx, "")
	return nil, err
}

func TestApplicationsShowWithoutTheFleet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.rooms()
	all.fleet.Fleet = provider.NewFleet(provider.Provider{Account: gennaker.Account{Name: "local"}, Inventory: away{w}})
	s := api.New(all.config())
	want := []map[string]any{{"name": "demo", "email": "a@example.com"}}
	if diff := cmp.Diff(want, read[[]map[string]any](t, s, "/applications")); diff != "" {
		t.Error(diff)
	}
	if got := read[fleet.ApplicationBody](t, s, "/applications/demo?expand=false"); got.Name != "Demo" {
		t.Errorf("got %+v", got)
	}
	failure(t, call(s, "GET", "/applications/demo?expand=true", ""), 503)
	failure(t, call(s, "GET", "/applications/nope?expand=false", ""), 503) // it may run somewhere
}

func TestClusters(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	names := map[string][]string{"local": {"demo-prod", "demo-test"}}
	if diff := cmp.Diff(names, read[map[string][]string](t, s, "/applications/demo/clusters")); diff != "" {
		t.Error(diff)
	}
	if got := read[map[string][]string](t, s, "/applications/nope/clusters"); got == nil || len(got) > 0 {
		t.Errorf("clusters of nothing: %v", got)
	}
	if got := read[[]fleet.ClusterSummary](t, s, "/applications/nope/clusters/local"); got == nil || len(got) > 0 {
		t.Errorf("clusters of nothing: %v", got)
	}
	c := read[fleet.ClusterBody](t, s, "/applications/demo/clusters/local/demo-prod")
	if len(c.ServerGroups) != 2 || c.ServerGroups[0].Name != "demo-prod-v000" || c.AccountName != "local" || c.ServerGroups[0].LaunchConfig == nil {
		t.Errorf("got %+v", c)
	}
	for target, message := range map[string]string{
		"/applications/demo/clusters/moon":       "Account not found (name: moon)",
		"/applications/demo/clusters/local/nope": "Cluster not found (id: nope)",
		"/applications/shop/clusters/local/demo": "Cluster not found (id: demo)",
	} {
		if b := failure(t, call(s, "GET", target, ""), 404); b.Message != message {
			t.Errorf("%s: %q", target, b.Message)
		}
	}
}

func TestServerGroups(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	tests := map[string]string{
		"": "demo-prod-v000 demo-prod-v001 demo-test-v000",
		"?clusters=local:demo-test,moon:demo-prod": "demo-test-v000",
		"?cloudProvider=local":                     "demo-prod-v000 demo-prod-v001 demo-test-v000",
		"?cloudProvider=moon":                      "",
	}
	for query, want := range tests {
		var got []string
		for _, g := range read[[]fleet.ServerGroupBody](t, s, "/applications/demo/serverGroups"+query) {
			got = append(got, g.Name)
			if g.LaunchConfig != nil {
				t.Errorf("%s shows what it runs", g.Name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	if got := read[[]fleet.ServerGroupBody](t, s, "/applications/demo/serverGroups?expand=true"); got[0].LaunchConfig == nil {
		t.Error("expanded, it does not show what it runs")
	}
	const at = "/applications/demo/serverGroups/local/local/"
	g := read[fleet.ServerGroupBody](t, s, at+"demo-prod-v001")
	if g.Name != "demo-prod-v001" || g.Type != "local" || g.Application != "demo" || g.Instances == nil {
		t.Errorf("got %+v", g)
	}
	for _, name := range []string{"nope", "shop-v000"} { // the latter is another application's
		if b := failure(t, call(s, "GET", at+name, ""), 404); b.Message != "Server group not found (id: "+name+")" {
			t.Errorf("message %q", b.Message)
		}
	}
	failure(t, call(s, "GET", "/applications/demo/serverGroups/moon/local/demo-prod-v001", ""), 404)
}

func TestLoadBalancers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := api.New(w.config())
	for target, want := range map[string]string{
		"/applications/Demo/loadBalancers": "front", // stands before it
		"/applications/shop/loadBalancers": "alone front",
		"/applications/nope/loadBalancers": "",
		"/api/v1/load-balancers":           "alone front service web",
	} {
		var got []string
		for _, lb := range read[[]gennaker.LoadBalancer](t, s, target) {
			got = append(got, lb.Name)
			if lb.ServerGroups == nil {
				t.Errorf("%s: server groups of %s are null", target, lb.Name)
			}
			if lb.Name == "front" && lb.Traffic.Requests != 7 {
				t.Errorf("%s: no figures", target)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", target, got, want)
		}
	}
}

// TestLoadBalancersOfDeck: one that Deck has no page for is not shown to it.
func TestLoadBalancersOfDeck(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	if got := call(s, "GET", "/applications/demo/loadBalancers", "", "X-RateLimit-App", "deck").Body.String(); got != "[]\n" {
		t.Errorf("of a local account it sees %s", got)
	}
	if got := call(s, "GET", "/applications/web/loadBalancers", "", "X-RateLimit-App", "deck").Body.String(); !strings.Contains(got, "service web") {
		t.Errorf("of a cluster it sees %s", got)
	}
}

func TestFleetThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = gennaker.Errorf(gennaker.Unavailable, "the node does not answer")
	s := api.New(w.config())
	for _, target := range []string{
		"/applications/demo/clusters", "/applications/demo/clusters/local", "/applications/demo/serverGroupManagers", "/applications/demo/rawResources",
		"/loadBalancers", "/loadBalancers/local/local/front", "/securityGroups", "/securityGroups/prod", "/instances/prod/shop/u1", "/instances/local/local/x", "/applications/demo/clusters/local/demo-prod",
		"/applications/demo/serverGroups", "/applications/demo/serverGroups/local/local/demo-prod-v001",
		"/applications/demo/loadBalancers", "/api/v1/load-balancers",
		"/api/v1/server-groups/local/local/demo-prod-v001/logs",
	} {
		if b := failure(t, call(s, "GET", target, ""), 503); b.Message != "the node does not answer" {
			t.Errorf("%s: %q", target, b.Message)
		}
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	const short = `{"name":"local","type":"local","accountId":"local","authorized":true,"permissions":{"READ":[],"WRITE":[]},"requiredGroupMembership":[]`
	const local = short + `,"accountType":"local","cloudProvider":"local","environment":"local","primaryAccount":false,"challengeDestructiveActions":false,"regions":["local"]}`
	if got := call(s, "GET", "/credentials", "").Body.String(); !strings.HasPrefix(got, "["+short+`},{"name":"prod",`) || strings.Contains(got, "cloudProvider") {
		t.Errorf("got %s", got)
	}
	if got := call(s, "GET", "/credentials?expand=true", "").Body.String(); !strings.HasPrefix(got, "["+local+`,{"name":"prod",`) {
		t.Errorf("got %s", got)
	}
	if got := call(s, "GET", "/credentials/local", "").Body.String(); got != local+"\n" {
		t.Errorf("got %s", got)
	}
	failure(t, call(s, "GET", "/credentials/moon", ""), 404)
	u := read[fleet.UserBody](t, s, "/auth/user")
	if diff := cmp.Diff(fleet.UserBody{Username: "anonymous", Email: "anonymous", Roles: []string{}, AllowedAccounts: []string{"local", "prod"}, Enabled: true}, u); diff != "" {
		t.Error(diff)
	}
}

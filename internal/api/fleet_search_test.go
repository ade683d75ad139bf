package api_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/fleet"
	"github.com/gennaker/gennaker/internal/provider"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		query string
		want  string // types and names, in order
		total int    // 0 is as many as there are
	}{
		"all types":                {query: "q=demo-prod", want: "clusters demo-prod, serverGroups demo-prod-v000, serverGroups demo-prod-v001"},
		"one type":                 {query: "q=DEMO-prod&type=clusters", want: "clusters demo-prod"},
		"repeated":                 {query: "q=demo&type=applications&type=projects", want: "projects Shop, applications demo"},
		"saved or running":         {query: "q=sho&type=applications", want: "applications shop"},
		"by application or region": {query: "q=shop&type=loadBalancers,serverGroups", want: "serverGroups shop-v000, serverGroups replicaSet web-v001, loadBalancers alone, loadBalancers front, loadBalancers service web"},
		"instances":                {query: "q=web-v001&type=instances&type=serverGroups", want: "serverGroups replicaSet web-v001, instances pod web-v001-x"},
		"by account":               {query: "q=prod:shop&type=instances", want: "instances pod web-v001-x"},
		"by kind":                  {query: "q=replicaset&type=serverGroups", want: "serverGroups replicaSet web-v001"},
		"by cluster":               {query: "q=replicaSet%20web&type=serverGroups", want: "serverGroups replicaSet web-v001"},
		"one account":              {query: "q=demo&type=serverGroups&account=prod", want: ""},
		"one region":               {query: "q=web&type=serverGroups&region=shop", want: "serverGroups replicaSet web-v001"},
		"another region":           {query: "q=web&type=serverGroups&region=east", want: ""},
		"one cloud":                {query: "q=v00&type=serverGroups&cloudProvider=kubernetes", want: "serverGroups replicaSet web-v001"},
		"only documents":           {query: "q=demo&platform=front50", want: "projects Shop, applications demo"},
		"a platform":               {query: "q=v00&platform=kubernetes&type=serverGroups", want: "serverGroups replicaSet web-v001"},
		"kinds of objects":         {query: "q=shop&type=replicaSet&type=service", want: "serverGroups replicaSet web-v001, loadBalancers service web"},
		"unknown type":             {query: "q=demo&type=functions", want: ""},
		"short, allowed":           {query: "q=we&type=clusters&allowShortQuery=true", want: "clusters replicaSet web"},
		"a page":                   {query: "q=demo&type=serverGroups&pageSize=2&page=2", want: "serverGroups demo-test-v000", total: 3},
		"a page behind":            {query: "q=demo&type=serverGroups&pageSize=2&page=9", want: "", total: 3},
		"as Deck asks":             {query: "q=demo-test&type=serverGroups&pageSize=500&cloudProvider=", want: "serverGroups demo-test-v000"},
		"nothing":                  {query: "q=no-such-thing", want: ""},
		"early matches first":      {query: "q=v00&type=serverGroups&account=local", want: "serverGroups shop-v000, serverGroups demo-prod-v000, serverGroups demo-prod-v001, serverGroups demo-test-v000"},
		"letters of no script":     {query: "q=%C3%84%C3%96%C3%9C", want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := api.New(newWorld(t).config())
			all := read[[]fleet.SearchBody](t, s, "/search?"+tt.query)
			if len(all) != 1 || all[0].Platform != "aws" || all[0].Results == nil {
				t.Fatalf("got %+v, want one element of aws", all)
			}
			var got []string
			for _, r := range all[0].Results {
				got = append(got, fmt.Sprintf("%s %s", r["type"], r["name"]))
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("found %q, want %q", strings.Join(got, ", "), tt.want)
			}
			if total := max(tt.total, len(got)); all[0].TotalMatches != total {
				t.Errorf("it counts %d, want %d", all[0].TotalMatches, total)
			}
		})
	}
	s := api.New(newWorld(t).config())
	for _, query := range []string{"", "?q=de", "?q=%C3%A4%C3%A4"} {
		if got := call(s, "GET", "/search"+query, "").Body.String(); got != "[]\n" {
			t.Errorf("/search%s finds %s", query, got)
		}
	}
}

// TestSearchResults holds results to what Deck and scripts read of them.
func TestSearchResults(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	for query, want := range map[string]map[string]any{
		"demo&type=applications":  {"type": "applications", "application": "demo", "name": "demo", "email": "a@example.com", "accounts": []any{"local"}, "url": "/applications/demo"},
		"demo-test&type=clusters": {"type": "clusters", "provider": "local", "name": "demo-test", "cluster": "demo-test", "account": "local", "application": "demo"},
		"demo-test&type=serverGroups": {
			"type": "serverGroups", "provider": "local", "name": "demo-test-v000", "serverGroup": "demo-test-v000", "account": "local", "region": "local",
			"application": "demo", "cluster": "demo-test",
		},
		"web-v001&type=serverGroups": {
			"type": "serverGroups", "provider": "kubernetes", "name": "replicaSet web-v001", "serverGroup": "replicaSet web-v001", "account": "prod",
			"region": "shop", "namespace": "shop", "kubernetesKind": "replicaSet", "group": "replicaSet", "application": "web", "cluster": "replicaSet web",
		},
		"web-v001-x&type=instances": {
			"type": "instances", "provider": "kubernetes", "name": "pod web-v001-x", "instanceId": "pod web-v001-x", "account": "prod", "region": "shop",
			"namespace": "shop", "kubernetesKind": "pod", "group": "pod", "application": "web", "cluster": "replicaSet web", "serverGroup": "replicaSet web-v001",
		},
		"service:prod&type=loadBalancers": {
			"type": "loadBalancers", "provider": "kubernetes", "name": "service web", "loadBalancer": "service web", "account": "prod", "region": "shop",
			"namespace": "shop", "kubernetesKind": "service", "group": "service", "application": "web",
		},
	} {
		all := read[[]fleet.SearchBody](t, s, "/search?q="+query)
		if len(all) != 1 || len(all[0].Results) != 1 {
			t.Errorf("%s: %+v, want one result", query, all)
			continue
		}
		if diff := cmp.Diff(want, all[0].Results[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	all := read[[]fleet.SearchBody](t, s, "/search?q=shop&type=projects")
	p := all[0].Results[0]
	if p["type"] != "projects" || p["id"] != "pr1" || p["name"] != "Shop" || p["email"] != "a@example.com" || p["url"] != "/projects/pr1" || p["config"] == nil {
		t.Errorf("the project is %+v", p)
	}
}

func TestSearchWithoutTheFleet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rooms := w.rooms()
	rooms.fleet.Fleet = provider.NewFleet(provider.Provider{Account: gennaker.Account{Name: "local"}, Inventory: away{w}})
	res := call(api.New(rooms.config()), "GET", "/search?q=demo", "")
	if !strings.Contains(res.Body.String(), `"totalMatches":2`) || res.Header().Get(api.StaleHeader) != "local" {
		t.Errorf("got %s, stale %q", res.Body, res.Header().Get(api.StaleHeader))
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	const at = "/applications/DEMO/clusters/local/demo-prod/local/local/serverGroups/target/"
	for name, tt := range map[string]struct {
		target  string
		groups  func(g []gennaker.ServerGroup) []gennaker.ServerGroup // of v001 (newest), v000
		want    string
		message string
	}{
		"newest":                  {target: "newest", want: "demo-prod-v001"},
		"of Orca":                 {target: "current_asg_dynamic", want: "demo-prod-v001"},
		"in capitals":             {target: "CURRENT", want: "demo-prod-v001"},
		"ancestor":                {target: "ancestor_asg_dynamic", want: "demo-prod-v000"},
		"no ancestor":             {target: "ancestor", groups: first, message: "Target not found (target: ancestor)"},
		"oldest":                  {target: "oldest_asg", want: "demo-prod-v000"},
		"oldest alone":            {target: "oldest", groups: first, message: "Target not found (target: oldest)"},
		"oldest alone, unchecked": {target: "oldest?validateOldest=false", groups: first, want: "demo-prod-v001"},
		"largest": {target: "largest", want: "demo-prod-v000", groups: func(g []gennaker.ServerGroup) []gennaker.ServerGroup {
			g[1].Instances = []gennaker.Instance{{Name: "a"}}
			return g
		}},
		"largest of equals": {target: "largest", want: "demo-prod-v001"},
		"fail":              {target: "fail", message: "More than one target found (scope: local, serverGroups: demo-prod-v001, demo-prod-v000)"},
		"fail alone":        {target: "fail", groups: first, want: "demo-prod-v001"},
		"only enabled": {target: "newest?onlyEnabled=true", want: "demo-prod-v000", groups: func(g []gennaker.ServerGroup) []gennaker.ServerGroup {
			g[0].Disabled = true
			return g
		}},
		"none enabled": {
			target: "newest?onlyEnabled=true", message: "No server groups found (account: local, location: local, cluster: demo-prod, type: LOCAL)",
			groups: func(g []gennaker.ServerGroup) []gennaker.ServerGroup {
				g[0].Disabled, g[1].Disabled = true, true
				return g
			},
		},
		"unknown": {target: "best", message: "Target not found (target: best)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tt.groups != nil {
				w.groups = tt.groups(w.groups[:2])
			}
			s := api.New(w.config())
			if tt.message != "" {
				if b := failure(t, call(s, "GET", at+tt.target, ""), 404); b.Message != tt.message {
					t.Errorf("message %q, want %q", b.Message, tt.message)
				}
				return
			}
			if g := read[fleet.ServerGroupBody](t, s, at+tt.target); g.Name != tt.want || g.AccountName != "local" {
				t.Errorf("got %s, want %s", g.Name, tt.want)
			}
		})
	}
}

func first(g []gennaker.ServerGroup) []gennaker.ServerGroup { return g[:1] }

func TestServerGroupCards(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	for query, want := range map[string]string{
		"applications=demo,web":                                              "demo-prod-v000 demo-prod-v001 demo-test-v000 replicaSet web-v001",
		"applications=demo&cloudProvider=kubernetes":                         "",
		"ids=local:local:demo-prod-v001&ids=prod:shop:replicaSet%20web-v001": "demo-prod-v001 replicaSet web-v001",
		"ids=local:local:nope,moon:local:x,local:local:shop-v000":            "shop-v000",
	} {
		var got []string
		for _, g := range read[[]fleet.ServerGroupBody](t, s, "/serverGroups?"+query) {
			got = append(got, g.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
}

func TestServerGroupRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.groups[0].Instances = []gennaker.Instance{{Name: "i1", HealthState: gennaker.Up}}
	w.groups[0].InstanceCounts = gennaker.CountInstances(w.groups[0].Instances)
	w.groups[1].Disabled = true
	s := api.New(w.config())
	for query, want := range map[string]string{
		"":                          "demo-prod-v000 disabled, demo-prod-v001 up, demo-test-v000 empty, shop-v000 empty, replicaSet web-v001 up",
		"?application=Demo&limit=2": "demo-prod-v000 disabled, demo-prod-v001 up, next local/local/demo-prod-v001",
		"?application=demo&after=local/local/demo-prod-v001": "demo-test-v000 empty",
		"?account=prod":                "replicaSet web-v001 up",
		"?cluster=demo-prod&status=up": "demo-prod-v001 up",
		"?status=up,disabled":          "demo-prod-v000 disabled, demo-prod-v001 up, replicaSet web-v001 up",
		"?status=starting":             "",
	} {
		page := read[fleet.ServerGroupPage](t, s, "/api/v1/server-groups"+query)
		var got []string
		for _, g := range page.Items {
			got = append(got, g.Name+" "+g.Status)
		}
		if page.Next != "" {
			got = append(got, "next "+page.Next)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %s, want %s", query, strings.Join(got, ", "), want)
		}
	}
	page := read[fleet.ServerGroupPage](t, s, "/api/v1/server-groups?account=prod")
	want := []fleet.ServerGroupRow{{
		Name: "replicaSet web-v001", Account: "prod", Region: "shop", CloudProvider: "kubernetes", Application: "web", Cluster: "replicaSet web",
		Version: new(1), Images: []string{"web:1"}, CreatedTime: gennaker.Millis(7), Status: "up", Capacity: gennaker.Capacity{Min: 1, Max: 1, Desired: 1},
		InstanceCounts: gennaker.InstanceCounts{Total: 1, Up: 1}, Weight: 100, LoadBalancers: []string{"service web"},
		Instances: []fleet.InstanceBox{{Name: "pod web-v001-x", State: gennaker.Up}},
	}}
	if diff := cmp.Diff(want, page.Items); diff != "" {
		t.Error(diff)
	}
}

func TestApplicationRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.apps[0].Attrs["description"] = "shows it"
	w.groups[0].InstanceCounts = gennaker.InstanceCounts{Total: 3, Up: 2, Starting: 1}
	w.groups[1].InstanceCounts = gennaker.InstanceCounts{Total: 2, OutOfService: 2}
	s := api.New(w.config())
	all := []fleet.ApplicationRow{
		{
			Name: "demo", Email: "a@example.com", Description: "shows it", Accounts: []string{"local"}, CloudProviders: []string{"local"}, Clusters: 2, ServerGroups: 3, Saved: true,
			Health: gennaker.InstanceCounts{Total: 5, Up: 2, Starting: 1, OutOfService: 2}, Runs: w.ran(), Running: 1, Waiting: 1, LastDeployment: gennaker.Millis(7),
		},
		{Name: "shop", Accounts: []string{"local"}, CloudProviders: []string{"local"}, Clusters: 1, ServerGroups: 1, Runs: []gennaker.Run{}},
		{Name: "web", Accounts: []string{"prod"}, CloudProviders: []string{"kubernetes"}, Clusters: 1, ServerGroups: 1, Health: gennaker.InstanceCounts{Total: 1, Up: 1}, Runs: []gennaker.Run{}},
	}
	for query, want := range map[string]fleet.ApplicationPage{
		"":                    {Items: all},
		"?limit=2":            {Items: all[:2], Next: "shop"},
		"?limit=2&after=shop": {Items: all[2:]},
		"?account=prod":       {Items: all[2:]},
		"?after=zoo":          {Items: []fleet.ApplicationRow{}},
	} {
		if diff := cmp.Diff(want, read[fleet.ApplicationPage](t, s, "/api/v1/applications"+query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	for query, want := range map[string]string{"?account=LOCAL": "demo shop", "?owner=A@example.com": "demo", "?account=prod&owner=a@example.com": ""} {
		var got []string
		for _, a := range read[[]map[string]any](t, s, "/applications"+query) {
			got = append(got, a["name"].(string))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("/applications%s: %v, want %s", query, got, want)
		}
	}
}

// ended are jobs of which one has ended.
type ended struct{ provider.Jobs }

func (ended) Job(_ context.Context, name string) (gennaker.Job, error) {
	if name != "demo-job-0123456789abcdef" {
		return gennaker.Job{}, errNone
	}
	return gennaker.Job{
		Name: name, Account: "local", Location: "local", CloudProvider: "local", Application: "demo", State: gennaker.JobFailed,
		CompletedTime: gennaker.Millis(9), Signal: 9, Reason: "it was killed",
	}, nil
}

func (ended) JobLogs(_ context.Context, name string, tail int64, follow bool) (io.ReadCloser, error) {
	if name != "demo-job-0123456789abcdef" {
		return nil, errNone
	}
	return io.NopCloser(strings.NewReader(fmt.Sprintln("killed", tail, follow))), nil
}

func TestJobs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rooms := w.rooms()
	rooms.fleet.Fleet.Put(provider.Provider{Account: gennaker.Account{Name: "local"}, Inventory: w, Logs: w, Jobs: ended{}})
	s := api.New(rooms.config())
	want := fleet.JobBody{
		Name: "migrate", ID: "job migrate", Account: "prod", Location: "shop", Provider: "kubernetes", State: gennaker.JobFailed,
		CreatedTime: gennaker.Millis(1767323045000), Message: "it has failed", Reason: "it exits with 3", Failure: "it exits with 3", ExitCode: new(3),
		Completion: map[string]string{"exitCode": "3", "signal": "", "message": "it has failed", "reason": "it exits with 3"}, NewestPod: "migrate-b",
		Pods: []fleet.JobPod{
			{Name: "migrate-a", Status: fleet.JobPodStatus{Phase: "Failed", StartTime: "2026-01-02T03:04:05Z"}},
			{Name: "migrate-b", Status: fleet.JobPodStatus{Phase: "Running", Node: "n1", PodIP: "10.0.0.1"}},
		},
	}
	for _, name := range []string{"migrate", "job%20migrate"} {
		if diff := cmp.Diff(want, read[fleet.JobBody](t, s, "/applications/demo/jobs/prod/shop/"+name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	local := fleet.JobBody{
		Name: "demo-job-0123456789abcdef", ID: "demo-job-0123456789abcdef", Account: "local", Location: "local", Provider: "local",
		State: gennaker.JobFailed, CompletedTime: gennaker.Millis(9), Signal: 9, Reason: "it was killed", Failure: "it was killed",
		Completion: map[string]string{"exitCode": "", "signal": "9", "message": "", "reason": "it was killed"}, Pods: []fleet.JobPod{},
	}
	if diff := cmp.Diff(local, read[fleet.JobBody](t, s, "/applications/demo/jobs/local/local/demo-job-0123456789abcdef")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, target := range []string{"demo/jobs/local/local/demo-job-0000000000000000", "shop/jobs/local/local/demo-job-0123456789abcdef"} {
		failure(t, call(s, "GET", "/applications/"+target, ""), 404)
	}
	for target, want := range map[string]string{
		"local/local/demo-job-0123456789abcdef/logs?tail=7":             "killed 7 false\n",
		"local/local/demo-job-0123456789abcdef/logs?tail=7&follow=true": "killed 7 true\n",
		"prod/shop/job%20migrate/logs?tail=7&follow=true":               "pod migrate-a 7 true\npod migrate-b 7 true\n",
		"prod/shop/migrate/logs?tail=7":                                 "pod migrate-a 7 false\npod migrate-b 7 false\n",
	} {
		if got := call(s, "GET", "/api/v1/jobs/"+target, "").Body.String(); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	failure(t, call(s, "GET", "/api/v1/jobs/local/local/demo-job-0000000000000000/logs", ""), 404)
}

func TestDefinitionsOfAccounts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method, target, body string
		status               int
		want, did            string
	}{
		"made":         {"POST", "/credentials", `{"type":"kubernetes","name":"dev","kubeconfigFile":"/k"}`, 200, `"type":"kubernetes"`, "save account dev by [anonymous]"},
		"there is one": {"POST", "/credentials", `{"type":"kubernetes","name":"prod"}`, 409, "there is an account prod already", ""},
		"changed":      {"PUT", "/credentials", `{"@type":"kubernetes","type":"kubernetes","name":"prod"}`, 200, `"name":"prod"`, "save account prod by [anonymous]"},
		"another type": {"PUT", "/credentials", `{"name":"prod",` + "\n" + `"type":"aws"}`, 400, `"line":2`, ""},
		"removed":      {"DELETE", "/credentials/prod", "", 200, "", "delete account prod by [anonymous]"},
		"listed":       {"GET", "/credentials/type/kubernetes", "", 200, `[{"name":"prod","permissions":{"WRITE":["ops"]},"type":"kubernetes"}]`, ""},
		"listed from":  {"GET", "/credentials/type/kubernetes?startingAccountName=q", "", 200, `[]`, ""},
		"none listed":  {"GET", "/credentials/type/aws?limit=3", "", 200, `[]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			res := conforming(t, api.New(w.config()), tt.method, tt.target, tt.body)
			if res.Code != tt.status || !strings.Contains(res.Body.String(), tt.want) {
				t.Errorf("got %d %s, want %d with %s", res.Code, res.Body, tt.status, tt.want)
			}
			if did := strings.Join(w.changes(), ", "); did != tt.did {
				t.Errorf("it did %q, want %q", did, tt.did)
			}
		})
	}
}

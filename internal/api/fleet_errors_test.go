package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/fleet"
)

// lost are requests for what is not there, for each row of the fleet that says
// that it answers so: of an account that there is not, then of what an account
// does not have.
func lost() map[string][]string {
	return map[string][]string{
		"GET /applications/{app}":                                                               {"/applications/nope"},
		"GET /applications/{app}/clusters/{account}":                                            {"/applications/demo/clusters/moon"},
		"GET /applications/{app}/clusters/{account}/{cluster}":                                  {"/applications/demo/clusters/moon/demo", "/applications/demo/clusters/local/nope"},
		"GET /applications/{app}/clusters/{account}/{cluster}/serverGroups":                     {"/applications/demo/clusters/moon/demo/serverGroups", "/applications/shop/clusters/local/demo-prod/serverGroups"},
		"GET /applications/{app}/clusters/{account}/{cluster}/serverGroups/{name}":              {"/applications/demo/clusters/moon/demo/serverGroups/x", "/applications/demo/clusters/local/nope/serverGroups/x"},
		"GET /applications/{app}/serverGroups/{account}/{region}/{name}":                        {"/applications/demo/serverGroups/moon/local/demo-prod-v001", "/applications/demo/serverGroups/local/local/nope"},
		"GET /applications/{app}/jobs/{account}/{location}/{name}":                              {"/applications/demo/jobs/moon/shop/job%20migrate", "/applications/demo/jobs/prod/shop/job%20nope", "/applications/shop/jobs/prod/shop/job%20migrate", "/applications/demo/jobs/local/local/demo-job-0123456789abcdef"},
		"GET /loadBalancers/{account}/{region}/{name}":                                          {"/loadBalancers/moon/shop/service%20web"},
		"GET /securityGroups/{account}":                                                         {"/securityGroups/moon"},
		"GET /securityGroups/{account}/{region}/{name}":                                         {"/securityGroups/moon/shop/networkPolicy%20web", "/securityGroups/prod/shop/networkPolicy%20db"},
		"GET /firewalls/{account}":                                                              {"/firewalls/moon"},
		"GET /firewalls/{account}/{region}/{name}":                                              {"/firewalls/moon/shop/networkPolicy%20web", "/firewalls/prod/shop/networkPolicy%20db"},
		"GET /instances/{account}/{region}/{id}":                                                {"/instances/moon/shop/u1", "/instances/prod/shop/u2", "/instances/local/local/u2"},
		"GET /instances/{account}/{region}/{id}/console":                                        {"/instances/moon/shop/u1/console", "/instances/prod/shop/u2/console"},
		"GET /manifests/{account}/{location}/{name}":                                            {"/manifests/moon/shop/deployment%20web", "/manifests/prod/shop/deployment%20db"},
		"GET /credentials/{account}":                                                            {"/credentials/moon"},
		"DELETE /credentials/{account}":                                                         {"/credentials/moon"},
		"GET /api/v1/accounts/{account}":                                                        {"/api/v1/accounts/moon"},
		"DELETE /api/v1/accounts/{account}":                                                     {"/api/v1/accounts/moon"},
		"POST /api/v1/accounts/{account}/check":                                                 {"/api/v1/accounts/moon/check"},
		"GET /api/v1/jobs/{account}/{location}/{name}/logs":                                     {"/api/v1/jobs/moon/shop/job%20migrate/logs", "/api/v1/jobs/prod/shop/job%20nope/logs", "/api/v1/jobs/local/local/demo-job-0123456789abcdef/logs"},
		"GET /api/v1/server-groups":                                                             {"/api/v1/server-groups?account=moon"},
		"GET /api/v1/manifests/{account}/{location}/{name}/events":                              {"/api/v1/manifests/moon/shop/deployment%20web/events", "/api/v1/manifests/prod/shop/deployment%20db/events"},
		"GET /api/v1/manifests/{account}/{location}/{name}/logs":                                {"/api/v1/manifests/moon/shop/deployment%20web/logs", "/api/v1/manifests/prod/shop/deployment%20db/logs"},
		"GET /api/v1/server-groups/{account}/{region}/{name}/consequences":                      {"/api/v1/server-groups/moon/local/x/consequences?operation=destroyServerGroup", "/api/v1/server-groups/local/local/nope/consequences?operation=destroyServerGroup"},
		"GET /api/v1/server-groups/{account}/{region}/{name}/logs":                              {"/api/v1/server-groups/moon/local/x/logs", "/api/v1/server-groups/local/local/nope/logs"},
		"GET /manifests/{account}/{location}/{kind}/cluster/{app}/{cluster}/dynamic/{criteria}": {"/manifests/moon/shop/replicaSet/cluster/web/replicaSet%20web/dynamic/newest", "/manifests/prod/shop/replicaSet/cluster/web/replicaSet%20db/dynamic/newest"},
		"GET /applications/{app}/clusters/{account}/{cluster}/{provider}/{scope}/serverGroups/target/{target}": {
			"/applications/demo/clusters/moon/demo/local/local/serverGroups/target/newest", "/applications/demo/clusters/local/nope/local/local/serverGroups/target/newest",
			"/applications/demo/clusters/local/demo-prod/local/local/serverGroups/target/best", "/applications/demo/clusters/local/demo-prod/local/east/serverGroups/target/newest",
		},
	}
}

// wrong are requests that cannot be understood, beside those whose query
// parameters or bodies cannot be read.
func wrong() map[string][]string {
	return map[string][]string{
		"GET /serverGroups":                     {"/serverGroups", "/serverGroups?ids=a:b:c&applications=demo", "/serverGroups?ids=a:b"},
		"POST /api/v1/accounts/{account}/check": {"/api/v1/accounts/bare/check"},
	}
}

// taken are changes of what is somebody else's.
func taken() map[string][2]string {
	return map[string][2]string{
		"POST /credentials":                 {"/credentials", `{"type":"kubernetes","name":"prod"}`},
		"PUT /credentials":                  {"/credentials", `{"type":"kubernetes","name":"fixed"}`},
		"DELETE /credentials/{account}":     {"/credentials/fixed"},
		"PUT /api/v1/accounts/{account}":    {"/api/v1/accounts/fixed", `{"name":"fixed"}`},
		"DELETE /api/v1/accounts/{account}": {"/api/v1/accounts/fixed"},
	}
}

// TestEveryErrorOfTheFleet reaches each error that each row of the fleet says it
// answers with; that callers are refused is another test.
func TestEveryErrorOfTheFleet(t *testing.T) {
	t.Parallel()
	for _, row := range fleet.Routes(newWorld(t).rooms().fleet) {
		name := row.Method + " " + row.Pattern
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range row.Kinds() {
				switch kind {
				case gennaker.NotFound:
					all(t, row, http.StatusNotFound, lost()[name])
				case gennaker.Invalid:
					unreadable(t, row)
				case gennaker.TooLarge:
					status(t, newWorld(t), row, samples()[name].target, `{"name":"`+strings.Repeat("x", gennaker.MaxDocumentBytes)+`"}`, http.StatusRequestEntityTooLarge)
				case gennaker.Conflict:
					request := taken()[name]
					status(t, newWorld(t), row, request[0], request[1], http.StatusConflict)
				case gennaker.Unavailable:
					silent(t, row)
				case gennaker.Denied, gennaker.TooMany: // of every row alike: TestEveryRouteNeedsItsPermission, TestRateLimit
				default:
					t.Errorf("it fails with %s, and nothing here does so", kind)
				}
			}
			if missing := lost()[name]; len(missing) > 0 && !slices.Contains(row.Kinds(), gennaker.NotFound) {
				t.Error("it answers 404, and does not say so")
			}
		})
	}
}

// status sends a request, whose answer must have that status and conform to its
// description.
func status(t *testing.T, w *world, row api.Route, target, body string, want int) {
	t.Helper()
	if target == "" {
		t.Fatalf("there is no request of %s %s that is answered with %d: add one", row.Method, row.Pattern, want)
	}
	b := failure(t, conforming(t, api.New(w.config()), row.Method, target, body), want)
	if strings.Contains(b.Message, "incident") {
		t.Errorf("%s: %s", target, b.Message)
	}
	if len(w.changes()) > 0 {
		t.Errorf("%s changed %v", target, w.changes())
	}
}

func all(t *testing.T, row api.Route, want int, targets []string) {
	t.Helper()
	if len(targets) == 0 {
		status(t, nil, row, "", "", want)
	}
	for _, target := range targets {
		status(t, newWorld(t), row, target, samples()[row.Method+" "+row.Pattern].body, want)
	}
}

// unreadable sends what cannot be read: a query, each parameter that is no text,
// the body, and what else the row refuses.
func unreadable(t *testing.T, row api.Route) {
	t.Helper()
	name := row.Method + " " + row.Pattern
	sm := samples()[name]
	bare, _, _ := strings.Cut(sm.target, "?")
	status(t, newWorld(t), row, bare+"?x=%zz", sm.body, http.StatusBadRequest)
	for _, parameter := range row.Query {
		if kind := api.Parameters[parameter].Type; kind == "string" || kind == "array" {
			continue
		}
		status(t, newWorld(t), row, bare+"?"+parameter+"=perhaps", sm.body, http.StatusBadRequest)
	}
	if row.Handler.Body != nil {
		for _, body := range []string{"{", "[]", `{"name":"bad","type":"aws"}`} {
			status(t, newWorld(t), row, strings.Replace(sm.target, "/prod", "/bad", 1), body, http.StatusBadRequest)
		}
	}
	for _, target := range wrong()[name] {
		status(t, newWorld(t), row, target, "", http.StatusBadRequest)
	}
}

// silent asks while no account answers; and where the path names one, while it is
// not to be used.
func silent(t *testing.T, row api.Route) {
	t.Helper()
	name := row.Method + " " + row.Pattern
	target := samples()[name].target
	w := newWorld(t)
	w.fail = gennaker.Errorf(gennaker.Unavailable, "nobody answers")
	status(t, w, row, target, "", http.StatusServiceUnavailable)
	if !strings.Contains(row.Pattern, "{account}") {
		return
	}
	for _, why := range []gennaker.Kind{gennaker.Unavailable, gennaker.Invalid, gennaker.NotFound} {
		rooms := newWorld(t).rooms()
		for _, account := range []string{"local", "prod"} {
			rooms.fleet.Fleet.Miss(account, gennaker.Errorf(why, "there is no kubeconfig"))
		}
		b := failure(t, conforming(t, api.New(rooms.config()), row.Method, target, ""), http.StatusServiceUnavailable)
		if !strings.Contains(b.Message, "there is no kubeconfig") {
			t.Errorf("it does not say why: %s", b.Message)
		}
	}
}

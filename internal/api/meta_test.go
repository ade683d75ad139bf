package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/meta"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/schema"
)

// stageTypes describes one type.
func stageTypes() schema.Catalog {
	var r stage.Registry
	stage.Add[struct {
		Seconds int `json:"waitTime"`
	}](&r, stage.Definition{Type: "wait", Aliases: []string{"pause"}, Steps: []stage.Step{{Name: "wait"}}})
	return schema.Of(&r)
}

// metaSamples are those of the rows about the server and what it does not have.
func metaSamples() map[string]sample {
	return map[string]sample{
		"GET /api/v1/demo":                                               {target: "/api/v1/demo"},
		"POST /api/v1/demo":                                              {target: "/api/v1/demo", status: http.StatusAccepted},
		"DELETE /api/v1/demo":                                            {target: "/api/v1/demo", status: http.StatusAccepted},
		"GET /api/v1/server":                                             {target: "/api/v1/server"},
		"GET /api/v1/node":                                               {target: "/api/v1/node"},
		"GET /api/v1/stages":                                             {target: "/api/v1/stages"},
		"GET /applications/{app}/functions":                              {target: "/applications/demo/functions"},
		"GET /applications/{app}/snapshots/{account}":                    {target: "/applications/demo/snapshots/x", status: http.StatusNotFound},
		"GET /applications/{app}/snapshots/{account}/history":            {target: "/applications/demo/snapshots/x/history", status: http.StatusNotFound},
		"GET /artifactory/names":                                         {target: "/artifactory/names"},
		"GET /auth/loggedOut":                                            {target: "/auth/loggedOut"},
		"GET /auth/rawUser":                                              {target: "/auth/rawUser"},
		"GET /auth/redirect":                                             {target: "/auth/redirect?to=/ui/", status: http.StatusFound, empty: true},
		"GET /auth/user/serviceAccounts":                                 {target: "/auth/user/serviceAccounts"},
		"GET /bakery/options":                                            {target: "/bakery/options"},
		"GET /bakery/options/{provider}":                                 {target: "/bakery/options/x", status: http.StatusNotFound},
		"GET /banners":                                                   {target: "/banners"},
		"GET /capabilities/deploymentMonitors":                           {target: "/capabilities/deploymentMonitors"},
		"GET /capabilities/expressions":                                  {target: "/capabilities/expressions"},
		"GET /capabilities/quietPeriod":                                  {target: "/capabilities/quietPeriod"},
		"GET /certificates":                                              {target: "/certificates"},
		"GET /certificates/{provider}":                                   {target: "/certificates/x"},
		"GET /ci/builds":                                                 {target: "/ci/builds"},
		"GET /ci/builds/{build}/output":                                  {target: "/ci/builds/x/output", status: http.StatusNotFound},
		"GET /codebuild/accounts":                                        {target: "/codebuild/accounts"},
		"GET /codebuild/projects/{account}":                              {target: "/codebuild/projects/x", status: http.StatusNotFound},
		"GET /concourse/{master}/teams":                                  {target: "/concourse/x/teams", status: http.StatusNotFound},
		"GET /concourse/{master}/teams/{team}/pipelines":                 {target: "/concourse/x/teams/x/pipelines", status: http.StatusNotFound},
		"GET /concourse/{master}/teams/{team}/pipelines/{pipeline}/jobs": {target: "/concourse/x/teams/x/pipelines/x/jobs", status: http.StatusNotFound},
		"GET /concourse/{master}/teams/{team}/pipelines/{pipeline}/resources": {target: "/concourse/x/teams/x/pipelines/x/resources", status: http.StatusNotFound},
		"GET /cron/validate":                     {target: "/cron/validate?expression=0+0+10+?+*+MON-FRI"},
		"GET /elasticIps/{account}":              {target: "/elasticIps/x"},
		"GET /functions":                         {target: "/functions"},
		"GET /gcb/accounts":                      {target: "/gcb/accounts"},
		"GET /gcb/triggers/{account}":            {target: "/gcb/triggers/x", status: http.StatusNotFound},
		"GET /history/{name}":                    {target: "/history/x", status: http.StatusNotFound},
		"GET /images/find":                       {target: "/images/find"},
		"GET /images/tags":                       {target: "/images/tags"},
		"GET /instanceTypes":                     {target: "/instanceTypes"},
		"GET /keyPairs":                          {target: "/keyPairs"},
		"GET /managed/application/{app}":         {target: "/managed/application/demo", status: http.StatusNotFound},
		"GET /managed/resources/{id}":            {target: "/managed/resources/x", status: http.StatusNotFound},
		"GET /networks":                          {target: "/networks"},
		"GET /networks/{provider}":               {target: "/networks/x"},
		"GET /nexus/names":                       {target: "/nexus/names"},
		"GET /pagerDuty/oncalls":                 {target: "/pagerDuty/oncalls"},
		"GET /pagerDuty/services":                {target: "/pagerDuty/services"},
		"GET /pipelineTemplates":                 {target: "/pipelineTemplates"},
		"GET /plugins/deck/plugin-manifest.json": {target: "/plugins/deck/plugin-manifest.json"},
		"GET /plugins/info":                      {target: "/plugins/info"},
		"GET /plugins/installed":                 {target: "/plugins/installed"},
		"GET /pubsub/subscriptions":              {target: "/pubsub/subscriptions"},
		"GET /roles/{provider}":                  {target: "/roles/x"},
		"GET /slack/channels":                    {target: "/slack/channels"},
		"GET /storage":                           {target: "/storage"},
		"GET /subnets":                           {target: "/subnets"},
		"GET /subnets/{provider}":                {target: "/subnets/x"},
		"GET /tags":                              {target: "/tags"},
		"GET /v2/builds":                         {target: "/v2/builds"},
		"GET /v2/builds/{master}/jobs":           {target: "/v2/builds/x/jobs", status: http.StatusNotFound},
		"GET /v3/builds":                         {target: "/v3/builds"},
		"GET /v3/builds/{master}/build/{number}": {target: "/v3/builds/x/build/x", status: http.StatusNotFound},
		"GET /v3/builds/{master}/builds":         {target: "/v3/builds/x/builds", status: http.StatusNotFound},
		"GET /v3/builds/{master}/job":            {target: "/v3/builds/x/job", status: http.StatusNotFound},
		"GET /v3/builds/{master}/jobs":           {target: "/v3/builds/x/jobs", status: http.StatusNotFound},
		"GET /vpcs":                              {target: "/vpcs"},
	}
}

func TestCronIsValidated(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	for expression, want := range map[string]meta.CronBody{
		"0 0 10 ? * MON-FRI": {Valid: true, Description: "At 10:00 AM, Monday through Friday"},
		"0 H/5 * ? * *":      {Valid: true, Description: "No description available for fuzzy cron expressions"},
		"0 0 25 ? * *":       {Message: "hours must be from 0 to 23, not 25"},
		"":                   {Message: "an expression has six fields or seven, not 0: seconds, minutes, hours, day of the month, month, day of the week, and perhaps the year"},
	} {
		got := read[meta.CronBody](t, s, "/cron/validate?expression="+strings.NewReplacer(" ", "+", "?", "%3F").Replace(expression))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", expression, diff)
		}
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	for to, ok := range map[string]bool{
		"/":                                     true,
		"/ui/?a=b":                              true,
		"https://deck.example.com/%23/search":   true,
		"https://deck.example.com":              true,
		"":                                      false,
		"ui":                                    false,
		"//evil.example.com":                    false,
		"/%5Cevil.example.com":                  false,
		"https://evil.example.com":              false,
		"http://deck.example.com":               false,
		"https://deck.example.com:444/":         false,
		"https://deck.example.com@evil.example": false,
		"https://a@deck.example.com":            false,
		"javascript:alert(1)":                   false,
		"/%0d%0aSet-Cookie:x":                   false,
		"%zz":                                   false,
	} {
		res := call(s, "GET", "/auth/redirect?to="+to, "")
		if !ok {
			failure(t, res, http.StatusBadRequest)
			continue
		}
		if want := strings.ReplaceAll(to, "%23", "#"); res.Code != http.StatusFound || res.Header().Get("Location") != want {
			t.Errorf("%s: status %d to %q", to, res.Code, res.Header().Get("Location"))
		}
	}
}

func TestExpressionCapabilities(t *testing.T) {
	t.Parallel()
	got := read[meta.CapabilitiesBody](t, api.New(newWorld(t).config()), "/capabilities/expressions")
	arguments := map[string]int{}
	for _, f := range got.Functions {
		arguments[f.Name] = len(f.Parameters)
	}
	if len(got.Evaluators) != 2 || arguments["toInt"] != 1 || arguments["pipelineIdInApplication"] != 2 {
		t.Errorf("got %+v", got)
	}
}

// TestNothingIsSaidHonestly holds that what is asked for by name is missed by
// name, with a reason.
func TestNothingIsSaidHonestly(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	for target, want := range map[string]string{
		"/v3/builds/jenkins/build/7?job=a": "build master not found (id: jenkins)",
		"/gcb/triggers/mine":               "Google Cloud Build account not found (id: mine)",
		"/managed/application/demo":        "managed application not found (id: demo)",
	} {
		if b := failure(t, call(s, "GET", target, ""), http.StatusNotFound); b.Message != want || b.Hint == "" {
			t.Errorf("%s: %+v", target, b)
		}
	}
}

// TestEveryErrorOfMeta reaches each error that each row says it answers with.
func TestEveryErrorOfMeta(t *testing.T) {
	t.Parallel()
	for _, row := range meta.Routes(newWorld(t).rooms().meta) {
		t.Run(row.Pattern, func(t *testing.T) {
			t.Parallel()
			sm := metaSamples()[row.Method+" "+row.Pattern]
			for _, kind := range row.Kinds() {
				switch kind {
				case gennaker.NotFound:
					status(t, newWorld(t), row, sm.target, "", http.StatusNotFound)
				case gennaker.Conflict:
					w := newWorld(t)
					w.refuse = gennaker.Errorf(gennaker.Conflict, "there is an application demo already")
					status(t, w, row, sm.target, "", http.StatusConflict)
				case gennaker.Unavailable:
					w := newWorld(t)
					w.fail = gennaker.Errorf(gennaker.Unavailable, "the disk is gone")
					status(t, w, row, sm.target, "", http.StatusServiceUnavailable)
				case gennaker.Invalid:
					status(t, newWorld(t), row, strings.Split(sm.target, "?")[0]+"?%zz", "", http.StatusBadRequest)
				case gennaker.Denied, gennaker.TooMany: // TestEveryRouteNeedsItsPermission, TestRateLimit
				default:
					t.Errorf("it fails with %s, and nothing here does so", kind)
				}
			}
		})
	}
}

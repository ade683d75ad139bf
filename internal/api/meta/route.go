// Package meta serves what the server says of itself, and of what it does not
// have: Spinnaker's features that are off here, with the answers that tell Deck
// and automation so.
//
// An empty list is answered only where it is true that there is nothing: no
// build service is connected, so it has no builds. What is asked for by name is
// not found, with a sentence that says why.
package meta

import (
	"context"
	"net/http"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/stage/schema"
)

// Config is what the routes are made of.
type Config struct {
	Accounts func() []string // names of all
	// Node tells how the node of this machine is; nil if there is none.
	Node func(ctx context.Context) NodeBody
	// Stages describes the stage types that pipelines may hold.
	Stages func() schema.Catalog
	// Server tells how the server is.
	Server func(ctx context.Context) (ServerBody, error)
	// Demo is the demo inside the server.
	Demo Demo
	// Origins are the sites to whose pages a browser may be sent back, as
	// "https://deck.example.com".
	Origins []string
}

type handlers struct{ Config }

// Routes returns the rows of the table that are about the server, and about what
// it does not have.
func Routes(c Config) []api.Route {
	h := handlers{c}
	return slices.Concat(absent(), []api.Route{
		api.Row("GET", "/auth/rawUser", api.Read, "Who the caller is, as it was found out.", api.Returns(h.rawUser)),
		api.Row("GET", "/auth/loggedOut", api.Public, "What is shown to somebody who logged out.", api.Returns(loggedOut).As(http.StatusOK, "text/plain; charset=utf-8")),
		api.Row("GET", "/auth/redirect", api.Public, "Sends a browser back to a page.", api.Returns(h.redirect).As(http.StatusFound, "")).Reads("to"),
		api.Row("GET", "/cron/validate", api.Read, "Whether a cron expression is one, and when it fires.", api.Returns(validateCron)).Reads("expression"),
		api.Row("GET", "/capabilities/expressions", api.Read, "The functions of expressions, and the versions of their language.", api.Returns(expressions)),
		api.Row("GET", "/capabilities/quietPeriod", api.Read, "When triggers are suppressed: never.", always(QuietPeriodBody{StartTime: -1, EndTime: -1})),
		api.Row("GET", "/api/v1/stages", api.Read, "The stage types, with a JSON Schema of each.", api.Returns(h.stages)),
		api.Row("GET", "/api/v1/server", api.Read, "How the server is: its memory, its database, what it runs.", api.Returns(h.server)).Fails(gennaker.Unavailable),
		api.Row("GET", "/api/v1/demo", api.Read, "How the demo is.", api.Returns(h.demo)),
		api.Row("POST", "/api/v1/demo", api.Write, "Begins the demo: a small service is deployed in several ways, under load.", api.Returns(h.startDemo).As(http.StatusAccepted, "")).Fails(gennaker.Conflict),
		api.Row("DELETE", "/api/v1/demo", api.Write, "Takes away what the demo made.", api.Returns(h.stopDemo).As(http.StatusAccepted, "")),
		api.Row("GET", "/api/v1/node", api.Read, "How the node of this machine is.", api.Returns(h.node)),
	})
}

// row is a path of Gate about something that is not here.
type row struct {
	path, does string
	handler    api.Handler
	failures   []gennaker.Kind
}

// absent are the rows about what is not here.
func absent() []api.Route {
	var out []api.Route
	for _, r := range slices.Concat(clouds(), builds(), services()) {
		out = append(out, api.Row("GET", r.path, api.Read, r.does, r.handler).Fails(r.failures...))
	}
	return out
}

// object is open JSON.
type object = map[string]any

// has is a row that answers the same always.
func has[T any](path, does string, v T) row { return row{path: path, does: does, handler: always(v)} }

// lacks is a row about something that the path names, in {name}, and that is never
// found. what says what it is.
func lacks(path, name, what, why string) row {
	missing := api.Returns(func(r *api.Request) (object, error) {
		return nil, gennaker.Errorf(gennaker.NotFound, "%s not found (id: %s)", what, r.PathValue(name)).WithHint("%s", why)
	})
	return row{path: path, does: "Of a " + what + ": there is none.", handler: missing, failures: []gennaker.Kind{gennaker.NotFound}}
}

// always is a handler that answers with v.
func always[T any](v T) api.Handler {
	return api.Returns(func(*api.Request) (T, error) { return v, nil })
}

// clouds are the rows about what only other clouds have. Kubernetes and this
// machine have no networks, images or certificates that one chooses from.
func clouds() []row {
	return []row{
		has("/networks", "The networks, by provider: no provider has any.", object{}),
		has("/networks/{provider}", "The networks of a provider: it has none.", []object{}),
		has("/subnets", "The subnets: no provider has any.", []object{}),
		has("/subnets/{provider}", "The subnets of a provider: it has none.", []object{}),
		has("/vpcs", "The private clouds: no provider has any.", []object{}),
		has("/keyPairs", "The key pairs: no provider has any.", []object{}),
		has("/certificates", "The certificates: no provider has any.", []object{}),
		has("/certificates/{provider}", "The certificates of a provider: it has none.", []object{}),
		has("/roles/{provider}", "The roles that instances can have: a provider has none.", []object{}),
		has("/instanceTypes", "The types of instances: no provider has any.", []object{}),
		has("/elasticIps/{account}", "The addresses that an account holds: it has none.", []object{}),
		has("/storage", "The storage accounts: there are none.", []string{}),
		has("/functions", "The functions: no provider has any.", []object{}),
		has("/applications/{app}/functions", "The functions of an application: it has none.", []object{}),
		has("/images/find", "The images that are known: no registry is listed.", []object{}),
		has("/images/tags", "The tags of images that are known: no registry is listed.", []string{}),
		has("/bakery/options", "The operating systems that machine images can be baked of: none is baked.", []object{}),
		lacks("/bakery/options/{provider}", "provider", "bakery", "machine images are not baked here; manifests are, by bakeManifest stages"),
	}
}

// builds are the rows about what builds software and keeps it.
func builds() []row {
	const igor = "no build service is connected to this server"
	const keeps = "no build service is connected to this server; start pipelines from a build with POST /pipelines/{application}/{name}"
	return []row{
		has("/v2/builds", "The build services: none is connected.", []string{}),
		has("/v3/builds", "The build services: none is connected.", []string{}),
		lacks("/v2/builds/{master}/jobs", "master", "build master", keeps),
		lacks("/v3/builds/{master}/jobs", "master", "build master", keeps),
		lacks("/v3/builds/{master}/job", "master", "build master", keeps),
		lacks("/v3/builds/{master}/builds", "master", "build master", keeps),
		lacks("/v3/builds/{master}/build/{number}", "master", "build master", keeps),
		has("/ci/builds", "The builds of a commit: no build service is connected.", []object{}),
		lacks("/ci/builds/{build}/output", "build", "build", igor),
		has("/gcb/accounts", "The accounts of Google Cloud Build: there are none.", []string{}),
		lacks("/gcb/triggers/{account}", "account", "Google Cloud Build account", igor),
		has("/codebuild/accounts", "The accounts of AWS CodeBuild: there are none.", []string{}),
		lacks("/codebuild/projects/{account}", "account", "AWS CodeBuild account", igor),
		lacks("/concourse/{master}/teams", "master", "build master", keeps),
		lacks("/concourse/{master}/teams/{team}/pipelines", "master", "build master", keeps),
		lacks("/concourse/{master}/teams/{team}/pipelines/{pipeline}/jobs", "master", "build master", keeps),
		lacks("/concourse/{master}/teams/{team}/pipelines/{pipeline}/resources", "master", "build master", keeps),
		has("/artifactory/names", "The searches of Artifactory: there are none.", []string{}),
		has("/nexus/names", "The searches of Nexus: there are none.", []string{}),
		has("/pubsub/subscriptions", "The subscriptions to messages: there are none.", []object{}),
	}
}

// services are the rows about services around Spinnaker, and its features that
// are off.
func services() []row {
	const off = "managed delivery is not a feature of this server"
	const snapshots = "snapshots of applications are not a feature of this server; revisions of pipelines are, at /pipelineConfigs/{id}/history"
	return []row{
		has("/capabilities/deploymentMonitors", "The services that watch deployments: there are none.", []object{}),
		has("/pipelineTemplates", "The templates of the first version: there are none.", []object{}),
		has("/slack/channels", "The channels of Slack: it is not connected.", []object{}),
		has("/pagerDuty/services", "The services of PagerDuty: it is not connected.", []object{}),
		has("/pagerDuty/oncalls", "Who is on call, by policy: PagerDuty is not connected.", object{}),
		has("/banners", "What is to be shown to everybody: nothing.", []object{}),
		has("/tags", "The tags of entities: none has any.", []object{}),
		has("/plugins/deck/plugin-manifest.json", "The plug-ins of Deck: there are none.", []object{}),
		has("/plugins/info", "The plug-ins that could be installed: there are none.", []object{}),
		has("/plugins/installed", "The plug-ins, by service: there are none.", object{}),
		has("/auth/user/serviceAccounts", "The service accounts that the caller may use: there are none.", []string{}),
		lacks("/managed/application/{app}", "app", "managed application", off),
		lacks("/managed/resources/{id}", "id", "managed resource", off),
		lacks("/history/{name}", "name", "managed resource", off),
		lacks("/applications/{app}/snapshots/{account}", "account", "snapshot", snapshots),
		lacks("/applications/{app}/snapshots/{account}/history", "account", "snapshot", snapshots),
	}
}

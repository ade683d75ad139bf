// Package fleet serves applications and what of them runs where: clusters, server
// groups, instances, load balancers, firewalls, objects, accounts. Its routes
// are Gate's, and some of ours.
//
// Every list asks all accounts at the same time; one that does not answer hides
// none of the others: see [api.StaleHeader].
package fleet

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/provider"
)

// Applications keeps the documents of applications. Their names match without
// case everywhere.
type Applications interface {
	// Applications returns all applications, by name.
	Applications(ctx context.Context) ([]gennaker.Application, error)
	// Application returns one application. Errors: NotFound.
	Application(ctx context.Context, name string) (gennaker.Application, error)
	// ApplicationHistory returns at most limit revisions, newest first; none
	// for an application that never was.
	ApplicationHistory(ctx context.Context, name string, limit int) ([]gennaker.Revision, error)
}

// Config is what the routes are made of. All fields must be set.
type Config struct {
	Log          *slog.Logger
	Applications Applications
	Activities   Activities
	Fleet        *provider.Fleet
	Accounts     Accounts
	Projects     Projects
	Guards       Guards
}

type handlers struct{ Config }

// Routes returns the rows of the table that are about the fleet.
func Routes(c Config) []api.Route {
	h := handlers{c}
	unavailable := []gennaker.Kind{gennaker.Unavailable}
	missing := []gennaker.Kind{gennaker.NotFound, gennaker.Unavailable}
	return []api.Route{
		api.Row("GET", "/auth/user", api.Read, "Who the caller is.", api.Returns(h.user)),
		api.Row("GET", "/applications", api.Read, "All applications, flat; also those that only run.", api.Returns(h.applications)).Reads("account", "owner"),
		api.Row("GET", "/applications/{app}", api.Read, "An application; expanded, with its clusters.", api.Returns(h.application)).Reads("expand").Fails(missing...),
		api.Row("GET", "/applications/{app}/history", api.Read, "What an application was, newest first.", api.Returns(h.applicationHistory)).Reads("limit"),
		api.Row("GET", "/applications/{app}/clusters", api.Read, "The names of an application's clusters, by account.", api.Returns(h.clusterNames)).Fails(unavailable...),
		api.Row("GET", "/applications/{app}/clusters/{account}", api.Read, "An application's clusters in an account.", api.Returns(h.clusters)).Fails(missing...),
		api.Row("GET", "/applications/{app}/clusters/{account}/{cluster}", api.Read, "A cluster with its server groups, oldest first.", api.Returns(h.cluster)).Fails(missing...),
		api.Row("GET", "/applications/{app}/clusters/{account}/{cluster}/serverGroups", api.Read, "The server groups of a cluster, oldest first.", api.Returns(h.clusterServerGroups)).Fails(missing...),
		api.Row("GET", "/applications/{app}/clusters/{account}/{cluster}/serverGroups/{name}", api.Read, "The server groups of a cluster that have a name, one for each region.", api.Returns(h.clusterServerGroups)).Fails(missing...),
		api.Row("GET", "/applications/{app}/clusters/{account}/{cluster}/{provider}/{scope}/serverGroups/target/{target}", api.Read, "The server group that has a place in its cluster: newest, ancestor, oldest, largest.", api.Returns(h.target)).Reads("onlyEnabled", "validateOldest").Fails(missing...),
		api.Row("GET", "/applications/{app}/jobs/{account}/{location}/{name}", api.Read, "How a job goes.", api.Returns(h.job)).Fails(missing...),
		api.Row("GET", "/applications/{app}/serverGroups", api.Read, "An application's server groups.", api.Returns(h.serverGroups)).Reads("expand", "cloudProvider", "clusters").Fails(unavailable...),
		api.Row("GET", "/applications/{app}/serverGroups/{account}/{region}/{name}", api.Read, "A server group with everything.", api.Returns(h.serverGroup)).Reads("includeDetails").Fails(missing...),
		api.Row("GET", "/applications/{app}/loadBalancers", api.Read, "An application's load balancers.", api.Returns(h.loadBalancers)).Fails(unavailable...),
		api.Row("GET", "/applications/{app}/serverGroupManagers", api.Read, "What makes an application's server groups.", api.Returns(h.managers)).Fails(unavailable...),
		api.Row("GET", "/applications/{app}/rawResources", api.Read, "All objects of an application.", api.Returns(h.rawResources)).Fails(unavailable...),
		api.Row("GET", "/search", api.Read, "What has a text in its name, or its account's, application's or cluster's.", api.Returns(h.search)).Reads("q", "type", "platform", "pageSize", "page", "allowShortQuery", "account", "region", "cloudProvider"),
		api.Row("GET", "/serverGroups", api.Read, "Server groups of several applications, or by their IDs.", api.Returns(h.serverGroupCards)).Reads("applications", "ids", "cloudProvider").Fails(gennaker.Invalid, gennaker.Unavailable),
		api.Row("GET", "/loadBalancers", api.Read, "All load balancers, by name.", api.Returns(h.loadBalancerSummaries)).Reads("provider").Fails(unavailable...),
		api.Row("GET", "/loadBalancers/{account}/{region}/{name}", api.Read, "A load balancer, in a list.", api.Returns(h.loadBalancer)).Reads("provider").Fails(missing...),
		api.Row("GET", "/securityGroups", api.Read, "The names of all firewalls.", api.Returns(h.securityGroups)).Reads("provider", "id").Fails(unavailable...),
		api.Row("GET", "/securityGroups/{account}", api.Read, "The names of an account's firewalls, by region.", api.Returns(h.accountSecurityGroups)).Fails(missing...),
		api.Row("GET", "/securityGroups/{account}/{region}/{name}", api.Read, "A firewall.", api.Returns(h.securityGroup)).Fails(missing...),
		api.Row("GET", "/firewalls", api.Read, "The names of all firewalls.", api.Returns(h.securityGroups)).Reads("provider", "id").Fails(unavailable...),
		api.Row("GET", "/firewalls/{account}", api.Read, "The names of an account's firewalls, by region.", api.Returns(h.accountSecurityGroups)).Fails(missing...),
		api.Row("GET", "/firewalls/{account}/{region}/{name}", api.Read, "A firewall.", api.Returns(h.securityGroup)).Fails(missing...),
		api.Row("GET", "/instances/{account}/{region}/{id}", api.Read, "An instance.", api.Returns(h.instance)).Fails(missing...),
		api.Row("GET", "/instances/{account}/{region}/{id}/console", api.Read, "What an instance wrote last.", api.Returns(h.console)).Reads("tail").Fails(missing...),
		api.Row("GET", "/manifests/{account}/{location}/{name}", api.Read, "An object of a cluster, and what became of it.", api.Returns(h.showManifest)).Fails(missing...),
		api.Row("GET", "/manifests/{account}/{location}/{kind}/cluster/{app}/{cluster}/dynamic/{criteria}", api.Read, "One object of a cluster of server groups, found by a criterion.", api.Returns(h.dynamicManifest)).Fails(missing...),
		api.Row("GET", "/credentials", api.Read, "The accounts.", api.Returns(h.accounts)).Reads("expand"),
		api.Row("POST", "/credentials", api.Admin, "Makes an account.", api.Takes(h.defineAccount)).Fails(gennaker.Conflict),
		api.Row("PUT", "/credentials", api.Admin, "Makes or changes an account.", api.Takes(h.redefineAccount)).Fails(gennaker.Conflict),
		api.Row("DELETE", "/credentials/{account}", api.Admin, "Forgets an account; what is in it stays as it is.", api.Returns(h.deleteAccount)).Fails(gennaker.NotFound, gennaker.Conflict),
		api.Row("GET", "/credentials/type/{type}", api.Admin, "The definitions of the accounts of a type.", api.Returns(h.definitions)).Reads("limit", "startingAccountName"),
		api.Row("GET", "/credentials/{account}", api.Read, "An account.", api.Returns(h.account)).Fails(gennaker.NotFound),

		api.Row("GET", "/api/v1/accounts", api.Admin, "The accounts with their settings and their state.", api.Returns(h.accountViews)),
		api.Row("GET", "/api/v1/accounts/{account}", api.Admin, "An account with its settings and its state.", api.Returns(h.accountView)).Fails(gennaker.NotFound),
		api.Row("PUT", "/api/v1/accounts/{account}", api.Admin, "Makes or changes an account.", api.Takes(h.saveAccount)).Fails(gennaker.Conflict),
		api.Row("DELETE", "/api/v1/accounts/{account}", api.Admin, "Forgets an account; what is in it stays as it is.", api.Returns(h.deleteAccount)).Fails(gennaker.NotFound, gennaker.Conflict),
		api.Row("POST", "/api/v1/accounts/check", api.Admin, "Tries the credentials of an account that need not be saved.", api.Takes(h.checkAccount)),
		api.Row("POST", "/api/v1/accounts/{account}/check", api.Admin, "Tries the credentials of an account again.", api.Returns(h.diagnoseAccount)).Fails(gennaker.NotFound, gennaker.Invalid),
		api.Row("GET", "/api/v1/applications", api.Read, "All applications, with what runs of them, page by page.", api.Returns(h.applicationRows)).Reads("account", "after", "limit"),
		api.Row("GET", "/api/v1/server-groups", api.Read, "All server groups, page by page, each in a line.", api.Returns(h.serverGroupRows)).Reads("application", "account", "cluster", "status", "after", "limit").Fails(missing...),
		api.Row("GET", "/api/v1/jobs/{account}/{location}/{name}/logs", api.Read, "What a job wrote and writes.", api.Returns(h.jobLogs).As(http.StatusOK, "text/plain; charset=utf-8")).Reads("tail", "follow").Fails(missing...),
		api.Row("GET", "/api/v1/load-balancers", api.Read, "All load balancers.", api.Returns(h.loadBalancers)).Fails(unavailable...),
		api.Row("GET", "/api/v1/manifests/{account}/{location}/{name}/events", api.Read, "What a cluster says of an object, newest first.", api.Returns(h.manifestEvents)).Fails(missing...),
		api.Row("GET", "/api/v1/manifests/{account}/{location}/{name}/logs", api.Read, "What an object's newest pod wrote last.", api.Returns(h.manifestLogs).As(http.StatusOK, "text/plain; charset=utf-8")).Reads("container", "tail").Fails(missing...),
		api.Row("GET", "/api/v1/server-groups/{account}/{region}/{name}/consequences", api.Read, "What an operation on a server group would lead to now; nothing is done.", api.Returns(h.consequences)).Reads("operation", "desired").Fails(missing...),
		api.Row("GET", "/api/v1/server-groups/{account}/{region}/{name}/logs", api.Read, "What an instance of a server group wrote and writes.", api.Returns(h.logs).As(http.StatusOK, "text/plain; charset=utf-8")).Reads("instance", "tail", "follow").Fails(missing...),
	}
}

// UserBody is the answer of GET /auth/user.
//
// Source: Gate's User, as far as clients read it.
type UserBody struct {
	Username        string   `json:"username"`
	Email           string   `json:"email"`
	Roles           []string `json:"roles"`
	AllowedAccounts []string `json:"allowedAccounts"`
	Enabled         bool     `json:"enabled"`
}

func (h handlers) user(r *api.Request) (UserBody, error) {
	name := r.Caller.User
	if name == gennaker.Anonymous {
		name = "anonymous" // as Gate writes it here, and only here
	}
	return UserBody{Username: name, Email: name, Roles: []string{}, AllowedAccounts: h.Fleet.Accounts(), Enabled: true}, nil
}

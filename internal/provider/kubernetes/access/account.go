// Package access is how clusters are reached: the configuration of an account,
// the client that it makes, and a diagnosis of its credentials.
//
// Credentials are read when a client is made and are never stored: an account
// names a kubeconfig file, or a secret that holds a kubeconfig, or says that
// the server runs within the cluster.
package access

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/api/validation"

	"github.com/gennaker/gennaker"
)

// Account is the configuration of a cluster.
//
// Source: names of Clouddriver's kubernetes.accounts; those that are marked as
// ours have no like there.
type Account struct {
	Name               string `json:"name"`                        // lower case letters, digits and dashes
	Environment        string `json:"environment,omitzero"`        // e.g. test, prod; default the name
	AccountType        string `json:"accountType,omitzero"`        // shown; default the name
	KubeconfigFile     string `json:"kubeconfigFile,omitzero"`     // path on the server; default ~/.kube/config
	KubeconfigContents string `json:"kubeconfigContents,omitzero"` // reference to a secret that is a kubeconfig: env:NAME or file:/path
	Context            string `json:"context,omitzero"`            // in the kubeconfig; default its current one
	ServiceAccount     bool   `json:"serviceAccount,omitzero"`     // the server runs in this cluster, and uses its pod's service account

	Namespaces      []string         `json:"namespaces,omitzero"`      // only these
	OmitNamespaces  []string         `json:"omitNamespaces,omitzero"`  // all but these
	Kinds           []string         `json:"kinds,omitzero"`           // watch only these
	OmitKinds       []string         `json:"omitKinds,omitzero"`       // watch all but these
	CustomResources []CustomResource `json:"customResources,omitzero"` // what kinds are taken for, in place of what is known of them

	Permissions map[string][]string `json:"permissions,omitzero"` // READ, WRITE, EXECUTE: names of roles

	OnlySpinnakerManaged      bool `json:"onlySpinnakerManaged,omitzero"` // show only what was deployed by a pipeline
	CheckPermissionsOnStartup bool `json:"checkPermissionsOnStartup,omitzero"`

	AllowExec     bool `json:"allowExec,omitzero"`     // ours: the kubeconfig may run a command to get credentials
	SettleSeconds *int `json:"settleSeconds,omitzero"` // ours: how long proxies and gateways may take to follow a change of endpoints; default 5, or more if the cluster is slow

	// Known to Clouddriver and without meaning here: there is no kubectl, no
	// cache to fill by threads, and nothing is fetched again by hand.
	CacheThreads         int      `json:"cacheThreads,omitzero"`
	CacheIntervalSeconds int      `json:"cacheIntervalSeconds,omitzero"`
	CachingPolicies      []any    `json:"cachingPolicies,omitzero"`
	LiveManifestCalls    bool     `json:"liveManifestCalls,omitzero"`
	KubectlExecutable    string   `json:"kubectlExecutable,omitzero"`
	ProviderVersion      string   `json:"providerVersion,omitzero"`
	DockerRegistries     []any    `json:"dockerRegistries,omitzero"`
	ConfigureImagePull   bool     `json:"configureImagePullSecrets,omitzero"`
	Metrics              bool     `json:"metrics,omitzero"`
	Debug                bool     `json:"debug,omitzero"`
	RequiredGroups       []string `json:"requiredGroupMembership,omitzero"` // as permissions for READ and WRITE
	OAuthScopes          []string `json:"oAuthScopes,omitzero"`
	OAuthServiceAccount  string   `json:"oAuthServiceAccount,omitzero"`
	RawResourcesEndpoint any      `json:"rawResourcesEndpointConfig,omitzero"`
}

// namePattern is Spinnaker's for names of accounts.
var namePattern = regexp.MustCompile(`^[a-z0-9]+([-a-z0-9]*[a-z0-9])?$`)

// Bounds of an account's lists.
const (
	maxName       = 63
	maxNamespaces = 1000
	maxSettle     = 600 // seconds
)

// Check reports everything that is wrong with a.
//
// Errors: Invalid, with the problems.
func (a Account) Check() error {
	var out []gennaker.Problem
	wrong := func(path, message string) { out = append(out, gennaker.Problem{Path: path, Message: message}) }
	if !namePattern.MatchString(a.Name) || len(a.Name) > maxName {
		wrong("name", `must be lower case letters, digits and dashes, as in "prod-1", and at most 63 of them`)
	}
	ways := 0
	for _, way := range []bool{a.KubeconfigFile != "", a.KubeconfigContents != "", a.ServiceAccount} {
		if way {
			ways++
		}
	}
	if ways > 1 {
		wrong("kubeconfigFile", "an account has one of kubeconfigFile, kubeconfigContents and serviceAccount")
	}
	if a.KubeconfigContents != "" && !secretPattern.MatchString(a.KubeconfigContents) {
		wrong("kubeconfigContents", "must say where the kubeconfig is, as in env:NAME or file:/path: credentials are not kept here")
	}
	if a.ServiceAccount && a.Context != "" {
		wrong("context", "a server within the cluster has no kubeconfig to choose from")
	}
	if len(a.Namespaces) > 0 && len(a.OmitNamespaces) > 0 {
		wrong("omitNamespaces", "has no meaning beside namespaces")
	}
	if len(a.Kinds) > 0 && len(a.OmitKinds) > 0 {
		wrong("omitKinds", "has no meaning beside kinds")
	}
	if n := a.SettleSeconds; n != nil && (*n < 0 || *n > maxSettle) {
		wrong("settleSeconds", "must be between 0 and 600")
	}
	out = append(out, a.checkLists()...)
	if len(out) == 0 {
		return nil
	}
	return &gennaker.Error{Kind: gennaker.Invalid, Message: "the account cannot be used as it is", Problems: out}
}

// secretPattern is what says where a secret is.
var secretPattern = regexp.MustCompile(`^(env:[A-Za-z_][A-Za-z0-9_]*|file:(//)?/.+)$`)

func (a Account) checkLists() []gennaker.Problem {
	var out []gennaker.Problem
	for field, list := range map[string][]string{"namespaces": a.Namespaces, "omitNamespaces": a.OmitNamespaces} {
		if len(list) > maxNamespaces {
			out = append(out, gennaker.Problem{Path: field, Message: "has more than " + strconv.Itoa(maxNamespaces) + " entries"})
			continue
		}
		for i, n := range list {
			if problems := validation.ValidateNamespaceName(n, false); len(problems) > 0 {
				out = append(out, gennaker.Problem{Path: field + "[" + strconv.Itoa(i) + "]", Message: strconv.Quote(n) + " is no name of a namespace: " + problems[0]})
			}
		}
	}
	for _, role := range slices.Sorted(maps.Keys(a.Permissions)) {
		if !slices.Contains([]string{"READ", "WRITE", "EXECUTE"}, role) {
			out = append(out, gennaker.Problem{Path: "permissions." + role, Message: "is not READ, WRITE or EXECUTE"})
		}
	}
	out = append(out, a.checkCustom()...)
	slices.SortFunc(out, func(a, b gennaker.Problem) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// Place returns the account as pipelines see it; its regions are the
// namespaces that it is limited to.
func (a Account) Place() gennaker.Account {
	return gennaker.Account{
		Name: a.Name, Type: "kubernetes", CloudProvider: "kubernetes",
		Regions: slices.Clone(a.Namespaces), Environment: cmp.Or(a.Environment, a.Name),
	}
}

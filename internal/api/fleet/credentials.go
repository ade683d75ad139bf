package fleet

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// AccountBody is an account as GET /credentials shows it.
//
// Its type is its cloud provider, "kubernetes" or "local". A Deck shows server
// groups and load balancers of the types that it is built with, and so not of
// local accounts: that they were Kubernetes' would be a lie, which every one of
// its actions would meet.
type AccountBody struct {
	Name            string              `json:"name"`
	Type            string              `json:"type"`
	AccountID       string              `json:"accountId"`
	Authorized      bool                `json:"authorized"`
	Permissions     map[string][]string `json:"permissions"`
	Groups          []string            `json:"requiredGroupMembership"`
	*AccountDetails                     // of one that is shown by itself, or expanded
}

// AccountDetails is what is said of an account besides.
type AccountDetails struct {
	AccountType     string   `json:"accountType"`
	CloudProvider   string   `json:"cloudProvider"`
	Environment     string   `json:"environment"`
	Primary         bool     `json:"primaryAccount"`
	ChallengeDelete bool     `json:"challengeDestructiveActions"`
	Regions         []string `json:"regions"`
	*ClusterAccount          // of a cluster of containers

	State *gennaker.AccountState `json:"state,omitzero"` // nil is always connected
}

// ClusterAccount is what Gate's views of an account of a cluster say besides.
type ClusterAccount struct {
	Namespaces []string          `json:"namespaces"`
	Kinds      map[string]string `json:"spinnakerKindMap"` // what the kinds of objects are shown as: "serverGroups" of "replicaSet"
	Registries []string          `json:"dockerRegistries"`
}

// accountBody never fails: of an account that was not read yet it says less.
func (h handlers) accountBody(r *api.Request, v gennaker.AccountView, expand bool) AccountBody {
	out := AccountBody{
		Name: v.Name, Type: v.Type, AccountID: v.Name, Authorized: true,
		Permissions: permissions(v.Settings), Groups: texts(v.Settings["requiredGroupMembership"]),
	}
	if !expand {
		return out
	}
	kind, _ := v.Settings["accountType"].(string)
	out.AccountDetails = &AccountDetails{
		AccountType: cmp.Or(kind, v.Type), CloudProvider: v.CloudProvider, Environment: cmp.Or(v.Environment, v.Name), Regions: api.OrEmpty(v.Regions),
	}
	p, err := h.Fleet.For(v.Name)
	switch {
	case err != nil: // it is not connected yet
		out.State = &v.State
	case p.State != nil:
		out.State = new(p.State())
	}
	if v.Type != "kubernetes" {
		return out
	}
	out.ClusterAccount = &ClusterAccount{Namespaces: api.OrEmpty(v.Regions), Kinds: map[string]string{}, Registries: []string{}}
	if p.Resources == nil {
		return out
	}
	if namespaces, err := p.Namespaces(r.Context()); err == nil {
		out.Namespaces = api.OrEmpty(namespaces)
	}
	if kinds, err := p.Kinds(r.Context()); err == nil && kinds != nil {
		out.Kinds = kinds
	}
	return out
}

// permissions returns which roles may read and write an account; empty lists are
// everybody.
func permissions(settings map[string]any) map[string][]string {
	out := map[string][]string{"READ": {}, "WRITE": {}}
	given, _ := settings["permissions"].(map[string]any)
	for permission, roles := range given {
		out[permission] = texts(roles)
	}
	return out
}

// texts returns the strings of a list; others are left out.
func texts(list any) []string {
	out := []string{}
	all, _ := list.([]any)
	for _, v := range all {
		if text, ok := v.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// accountList returns all accounts: those that are kept, and those of the fleet
// that nobody keeps, by name.
func (h handlers) accountList(r *api.Request) ([]gennaker.AccountView, error) {
	kept, err := h.Accounts.List(r.Context())
	if err != nil {
		return nil, err
	}
	all := map[string]gennaker.AccountView{}
	for _, v := range kept {
		all[v.Name] = v
	}
	for _, p := range h.Fleet.All() {
		v := all[p.Account.Name]
		v.Account = p.Account // it knows its regions
		all[p.Account.Name] = v
	}
	out := make([]gennaker.AccountView, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[name])
	}
	return out, nil
}

func (h handlers) accounts(r *api.Request) ([]AccountBody, error) {
	expand, err := r.Flag("expand", false)
	if err != nil {
		return nil, err
	}
	all, err := h.accountList(r)
	if err != nil {
		return nil, err
	}
	out := []AccountBody{}
	for _, v := range all {
		out = append(out, h.accountBody(r, v, expand))
	}
	return out, nil
}

func (h handlers) account(r *api.Request) (*AccountBody, error) {
	all, err := h.accountList(r)
	if err != nil {
		return nil, err
	}
	name := r.PathValue("account")
	i := slices.IndexFunc(all, func(v gennaker.AccountView) bool { return v.Name == name })
	if i < 0 {
		return nil, gennaker.Errorf(gennaker.NotFound, "Account not found (name: %s)", name)
	}
	return new(h.accountBody(r, all[i], true)), nil
}

// definitionType is the type of the accounts that users can define.
const definitionType = "kubernetes"

// maxDefinitions is how many definitions a page holds unless more are asked for.
const maxDefinitions = 100

// definition returns an account as Spinnaker defines it: its settings, with its
// type.
func definition(v gennaker.AccountView) map[string]any {
	out := maps.Clone(v.Settings)
	if out == nil {
		out = map[string]any{}
	}
	out["type"], out["name"] = v.Type, v.Name
	return out
}

// definitions lists accounts of a type, by name, from one on.
func (h handlers) definitions(r *api.Request) ([]map[string]any, error) {
	limit, err := r.Count("limit", maxDefinitions, longestPage)
	if err != nil {
		return nil, err
	}
	all, err := h.Accounts.List(r.Context())
	if err != nil {
		return nil, err
	}
	kind, from := r.PathValue("type"), r.Query("startingAccountName")
	out := []map[string]any{}
	for _, v := range all {
		if v.Type == kind && v.Name >= from && v.Settings != nil && len(out) < limit {
			out = append(out, definition(v))
		}
	}
	return out, nil
}

// settings returns the settings of a definition.
//
// Errors: Invalid for another type, with its place.
func settings(doc *gennaker.Document) (map[string]any, error) {
	out := maps.Clone(doc.Value)
	for _, field := range []string{"type", "@type"} {
		switch kind, given := out[field]; {
		case !given:
		case kind != definitionType:
			return nil, doc.Invalid([]gennaker.Problem{{Path: field, Message: "must be " + definitionType + ": accounts of other types cannot be added"}})
		}
		delete(out, field)
	}
	return out, nil
}

// defineAccount makes an account of a definition that none has yet.
func (h handlers) defineAccount(r *api.Request, doc *gennaker.Document) (map[string]any, error) {
	name, _ := doc.Value["name"].(string)
	_, err := h.Accounts.Get(r.Context(), name)
	switch {
	case err == nil:
		return nil, gennaker.Errorf(gennaker.Conflict, "there is an account %s already", name).WithHint("change it with PUT")
	case gennaker.KindOf(err) != gennaker.NotFound:
		return nil, err
	}
	return h.redefineAccount(r, doc)
}

// redefineAccount makes or changes an account by its definition.
func (h handlers) redefineAccount(r *api.Request, doc *gennaker.Document) (map[string]any, error) {
	values, err := settings(doc)
	if err != nil {
		return nil, err
	}
	view, err := h.Accounts.Save(r.Context(), values, r.Caller.User)
	if err != nil {
		return nil, inDocument(doc, err)
	}
	return definition(view), nil
}

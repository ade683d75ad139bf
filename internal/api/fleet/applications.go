package fleet

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/provider"
)

// shownRuns is how many runs a row of a list shows.
const shownRuns = 30

// Activities tells what the pipelines of applications do.
type Activities interface {
	// Activities returns it for each of the applications, in their order, with the
	// newest n runs.
	Activities(ctx context.Context, applications []string, n int) ([]gennaker.Activity, error)
}

// ApplicationPage is a part of a list.
type ApplicationPage struct {
	Items []ApplicationRow `json:"items"`
	Next  string           `json:"next,omitzero"` // what to ask for after it; absent at the end
}

// ApplicationRow is an application in a list.
type ApplicationRow struct {
	Name           string                  `json:"name"` // in lower case
	Email          string                  `json:"email,omitzero"`
	Description    string                  `json:"description,omitzero"`
	Accounts       []string                `json:"accounts"`       // in which it runs
	CloudProviders []string                `json:"cloudProviders"` // of them
	Clusters       int                     `json:"clusters"`
	ServerGroups   int                     `json:"serverGroups"`
	Health         gennaker.InstanceCounts `json:"health"`                  // its instances
	Saved          bool                    `json:"saved"`                   // whether it has a document
	Runs           []gennaker.Run          `json:"runs"`                    // the newest 30 of its pipelines, oldest first
	Running        int                     `json:"running"`                 // executions of pipelines with that status
	Waiting        int                     `json:"waiting"`                 // of the newest 30 of these, those that wait for a judgment
	LastDeployment gennaker.Time           `json:"lastDeployment,omitzero"` // when the last of the newest 5 that succeeded, and deployed, ended
}

// applicationRows lists applications by name, page by page.
func (h handlers) applicationRows(r *api.Request) (*ApplicationPage, error) {
	limit, err := r.Count("limit", pageLength, longestPage)
	if err != nil {
		return nil, err
	}
	apps, err := h.Applications.Applications(r.Context())
	if err != nil {
		return nil, err
	}
	rows := h.present(r)
	for _, a := range apps {
		name := strings.ToLower(a.Name)
		row := rows[name]
		row.Name, row.Email, row.Saved = name, a.Email, true
		row.Description, _ = a.Attrs["description"].(string)
		row.Accounts, row.CloudProviders = api.OrEmpty(row.Accounts), api.OrEmpty(row.CloudProviders)
		rows[name] = row
	}
	out := &ApplicationPage{Items: []ApplicationRow{}}
	account, after := r.Query("account"), r.Query("after")
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		if name <= after || account != "" && !slices.Contains(rows[name].Accounts, account) {
			continue
		}
		if len(out.Items) == limit {
			out.Next = out.Items[limit-1].Name
			break
		}
		out.Items = append(out.Items, rows[name])
	}
	return out, h.addActivity(r.Context(), out.Items)
}

// addActivity says in rows what their pipelines do.
func (h handlers) addActivity(ctx context.Context, rows []ApplicationRow) error {
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.Name
	}
	all, err := h.Activities.Activities(ctx, names, shownRuns)
	if err != nil {
		return err
	}
	for i, a := range all {
		rows[i].Runs, rows[i].Running, rows[i].Waiting, rows[i].LastDeployment = api.OrEmpty(a.Runs), a.Running, a.Waiting, a.LastDeployment
	}
	return nil
}

// counted is a server group's instances.
type counted struct {
	application string
	gennaker.InstanceCounts
}

// extent is what runs in an account.
type extent struct {
	clusters []located
	counts   []counted
}

func extentOf(ctx context.Context, p provider.Provider) ([]extent, error) {
	clusters, err := clustersIn("")(ctx, p)
	if err != nil {
		return nil, err
	}
	groups, err := p.ServerGroups(ctx, "")
	if err != nil {
		return nil, err
	}
	out := extent{clusters: clusters, counts: make([]counted, len(groups))}
	for i, g := range groups {
		out.counts[i] = counted{strings.ToLower(g.Moniker.App), g.InstanceCounts}
	}
	return []extent{out}, nil
}

// present returns a row for each application that runs, by their names in lower
// case. An account that does not answer soon is left out, and if none does all
// are, as in [handlers.running].
func (h handlers) present(r *api.Request) map[string]ApplicationRow {
	rows := map[string]ApplicationRow{}
	extents, err := gather(h, r, h.Fleet.All(), runningTimeout, extentOf)
	if err != nil {
		return rows
	}
	var clusters []located
	for _, e := range extents {
		clusters = append(clusters, e.clusters...)
	}
	for name, p := range presences(clusters) {
		rows[name] = ApplicationRow{Name: name, Accounts: p.accounts, CloudProviders: p.providers, Clusters: p.clusters, ServerGroups: p.groups}
	}
	for _, e := range extents {
		for _, c := range e.counts {
			if row, ok := rows[c.application]; ok {
				row.Health = row.Health.Plus(c.InstanceCounts)
				rows[c.application] = row
			}
		}
	}
	return rows
}

package document

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/execution"
)

// Projects keeps projects.
type Projects interface {
	// Projects returns all projects, by name.
	Projects(ctx context.Context) ([]gennaker.Project, error)
	// Project returns one project, by name without case and then by ID. Errors:
	// NotFound.
	Project(ctx context.Context, nameOrID string) (gennaker.Project, error)
}

// Inventory tells what runs.
type Inventory interface {
	// ServerGroups returns the server groups of an application, in all accounts
	// that answer, and the names of those that do not. Errors: Unavailable if
	// none does.
	ServerGroups(ctx context.Context, application string) (groups []gennaker.ServerGroup, absent []string, err error)
}

func (h handlers) projects(r *api.Request) ([]map[string]any, error) {
	all, err := h.Projects.Projects(r.Context())
	if err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for _, p := range all {
		out = append(out, p.Attrs)
	}
	return out, nil
}

func (h handlers) findProject(r *api.Request) (gennaker.Project, error) {
	p, err := h.Projects.Project(r.Context(), r.PathValue("id"))
	return p, api.OrNotFound(err, "Project not found (id: %s)", r.PathValue("id"))
}

func (h handlers) project(r *api.Request) (map[string]any, error) {
	p, err := h.findProject(r)
	return p.Attrs, err
}

func (h handlers) projectPipelines(r *api.Request) ([]gennaker.Execution, error) {
	p, err := h.findProject(r)
	if err != nil {
		return nil, err
	}
	return execution.OfProject(r, h.Tasks.History, p.Config.Pipelines)
}

// ProjectCluster is an entry of a project's clusters, with what runs of it.
//
// Source: Clouddriver's ProjectClustersService.
type ProjectCluster struct {
	Account        string                  `json:"account"`
	Stack          string                  `json:"stack"`
	Detail         string                  `json:"detail"`
	Applications   []ProjectApplication    `json:"applications"`
	InstanceCounts gennaker.InstanceCounts `json:"instanceCounts"`
}

// ProjectApplication is what runs of an application in a [ProjectCluster].
type ProjectApplication struct {
	Application string          `json:"application"`
	Clusters    []ProjectRegion `json:"clusters"`
	LastPush    gennaker.Time   `json:"lastPush"`
}

// ProjectRegion is what runs of an application in a region.
type ProjectRegion struct {
	Region         string                  `json:"region"`
	Builds         []ProjectBuild          `json:"builds"`
	InstanceCounts gennaker.InstanceCounts `json:"instanceCounts"`
	LastPush       gennaker.Time           `json:"lastPush"`
}

// ProjectBuild is a version that runs.
type ProjectBuild struct {
	BuildNumber string        `json:"buildNumber"` // always "0": server groups know their images only
	Deployed    gennaker.Time `json:"deployed"`
	Images      []string      `json:"images"`
}

// clustersWithin bounds how long accounts are waited for, all in all.
const clustersWithin = 10 * time.Second

// projectClusters answers with what runs in each of the project's clusters.
func (h handlers) projectClusters(r *api.Request) ([]ProjectCluster, error) {
	p, err := h.findProject(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), clustersWithin)
	defer cancel()
	groups := map[string][]gennaker.ServerGroup{}
	for _, c := range p.Config.Clusters {
		for _, app := range applicationsOf(p, c) {
			if _, ok := groups[app]; ok {
				continue
			}
			found, absent, err := h.Inventory.ServerGroups(ctx, app)
			if err != nil {
				return nil, err
			}
			groups[app] = found
			for _, account := range absent {
				if !slices.Contains(r.Answer[api.StaleHeader], account) {
					r.Answer.Add(api.StaleHeader, account)
				}
			}
		}
	}
	out := []ProjectCluster{}
	for _, c := range p.Config.Clusters {
		one := ProjectCluster{Account: c.Account, Stack: c.Stack, Detail: c.Detail, Applications: []ProjectApplication{}}
		for _, app := range applicationsOf(p, c) {
			a := projectApplication(app, c, groups[app])
			for _, region := range a.Clusters {
				one.InstanceCounts = sum(one.InstanceCounts, region.InstanceCounts)
			}
			one.Applications = append(one.Applications, a)
		}
		out = append(out, one)
	}
	return out, nil
}

func applicationsOf(p gennaker.Project, c gennaker.ProjectCluster) []string {
	if c.Applications == nil {
		return p.Config.Applications
	}
	return c.Applications
}

// projectApplication puts together the server groups of an application that get
// requests and belong to c, by region.
func projectApplication(app string, c gennaker.ProjectCluster, groups []gennaker.ServerGroup) ProjectApplication {
	out := ProjectApplication{Application: app, Clusters: []ProjectRegion{}}
	regions := map[string]*ProjectRegion{}
	for _, g := range groups {
		counts := g.InstanceCounts
		if g.Account != c.Account || g.Disabled || counts.Total == 0 || !fits(c.Stack, g.Moniker.Stack) || !fits(c.Detail, g.Moniker.Detail) {
			continue
		}
		region := regions[g.Region]
		if region == nil {
			region = &ProjectRegion{Region: g.Region, Builds: []ProjectBuild{{BuildNumber: "0", Images: []string{}}}}
			regions[g.Region] = region
		}
		build := &region.Builds[0]
		for _, image := range imagesOf(g) {
			if !slices.Contains(build.Images, image) {
				build.Images = append(build.Images, image)
			}
		}
		region.InstanceCounts = sum(region.InstanceCounts, counts)
		build.Deployed = later(build.Deployed, g.CreatedTime)
		region.LastPush = build.Deployed
		out.LastPush = later(out.LastPush, region.LastPush)
	}
	for _, name := range slices.Sorted(maps.Keys(regions)) {
		out.Clusters = append(out.Clusters, *regions[name])
	}
	return out
}

// fits reports whether a part of a name is what a project's cluster wants.
func fits(wanted, part string) bool { return wanted == "*" || wanted == part }

func later(a, b gennaker.Time) gennaker.Time {
	if b.After(a.Time) {
		return b
	}
	return a
}

func imagesOf(g gennaker.ServerGroup) []string {
	if len(g.BuildInfo.Images) > 0 || g.Image == "" {
		return g.BuildInfo.Images
	}
	return []string{g.Image}
}

func sum(a, b gennaker.InstanceCounts) gennaker.InstanceCounts {
	a.Total += b.Total
	a.Up += b.Up
	a.Down += b.Down
	a.Unknown += b.Unknown
	a.OutOfService += b.OutOfService
	a.Starting += b.Starting
	a.Succeeded += b.Succeeded
	a.Failed += b.Failed
	return a
}

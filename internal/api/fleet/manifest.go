package fleet

import (
	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// nowhere is the location, in paths, of an object that is in no namespace.
const nowhere = "_"

// withManifests returns the account of a path that may have objects.
func (h handlers) withManifests(r *api.Request) (provider.Provider, error) {
	p, err := h.provider(r.PathValue("account"))
	if err == nil && p.Manifests == nil {
		err = gennaker.Errorf(gennaker.NotFound, "the account %s has no manifests", p.Account.Name)
	}
	return p, err
}

// location returns the location that a path names.
func location(r *api.Request) string {
	if l := r.PathValue("location"); l != nowhere {
		return l
	}
	return ""
}

// objectRef returns the object that a path names, with its account.
func (h handlers) objectRef(r *api.Request) (provider.Provider, gennaker.ManifestRef, error) {
	p, err := h.withManifests(r)
	if err != nil {
		return p, gennaker.ManifestRef{}, err
	}
	kind, name, err := gennaker.ParseManifestName(r.PathValue("name"))
	return p, gennaker.ManifestRef{Account: p.Account.Name, Location: location(r), Kind: kind, Name: name}, err
}

// view returns the object that a path names with what became of it.
func (h handlers) view(r *api.Request) (gennaker.ManifestView, error) {
	p, ref, err := h.objectRef(r)
	if err != nil {
		return gennaker.ManifestView{}, err
	}
	view, err := p.Manifest(r.Context(), ref)
	return view, api.OrNotFound(err, "Manifest %s not found", ref)
}

// ManifestBody is the answer of GET /manifests. What pods use is not measured.
type ManifestBody struct {
	gennaker.ManifestView
	CloudProvider string `json:"cloudProvider"`
	Metrics       []any  `json:"metrics"`
}

func (h handlers) showManifest(r *api.Request) (*ManifestBody, error) {
	view, err := h.view(r)
	if err != nil {
		return nil, err
	}
	view.Artifacts, view.Events, view.Warnings = api.OrEmpty(view.Artifacts), api.OrEmpty(view.Events), api.OrEmpty(view.Warnings)
	return &ManifestBody{view, "kubernetes", []any{}}, nil
}

// manifestEvents lists what the cluster says of an object, newest first.
func (h handlers) manifestEvents(r *api.Request) ([]gennaker.ManifestEvent, error) {
	view, err := h.view(r)
	return api.OrEmpty(view.Events), err
}

// manifestLogs is the last that a container of an object's newest pod wrote.
func (h handlers) manifestLogs(r *api.Request) (*api.Content, error) {
	p, ref, err := h.objectRef(r)
	if err != nil {
		return nil, err
	}
	tail, err := r.Count("tail", logTail, maxLogTail)
	if err != nil {
		return nil, err
	}
	text, err := p.Output(r.Context(), ref, r.Query("container"), int64(tail))
	if err != nil {
		return nil, err
	}
	return &api.Content{Text: text}, nil
}

// Coordinates say where an object is.
//
// Source: clouddriver KubernetesCoordinates.
type Coordinates struct {
	Account   string `json:"account"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// dynamicManifest finds one object of a cluster of server groups by a criterion.
func (h handlers) dynamicManifest(r *api.Request) (*Coordinates, error) {
	p, err := h.withManifests(r)
	if err != nil {
		return nil, err
	}
	kind, criterion := r.PathValue("kind"), r.PathValue("criteria")
	found, err := p.FindManifests(r.Context(), provider.ManifestQuery{
		Location: location(r), Kinds: []string{kind}, Application: r.PathValue("app"), Cluster: r.PathValue("cluster"),
	})
	if err != nil {
		return nil, err
	}
	m, err := manifest.Choose(criterion, found)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what is missing
	}
	return &Coordinates{Account: p.Account.Name, Kind: kind, Name: manifest.Name(m), Namespace: location(r)}, nil
}

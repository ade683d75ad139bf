package api

import (
	"net/http"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// nowhere is the location, in paths, of an object that is in no namespace.
const nowhere = "_"

// withManifests returns the account of a path that may have objects.
func (s *Server) withManifests(r *request) (provider.Provider, error) {
	p, err := s.provider(r.PathValue("account"))
	if err == nil && p.Manifests == nil {
		err = gennaker.Errorf(gennaker.NotFound, "the account %s has no manifests", p.Account.Name)
	}
	return p, err
}

// location returns the location that a path names.
func (r *request) location() string {
	if l := r.PathValue("location"); l != nowhere {
		return l
	}
	return ""
}

// objectRef returns the object that a path names, with its account.
func (s *Server) objectRef(r *request) (provider.Provider, gennaker.ManifestRef, error) {
	p, err := s.withManifests(r)
	if err != nil {
		return p, gennaker.ManifestRef{}, err
	}
	kind, name, err := gennaker.ParseManifestName(r.PathValue("name"))
	return p, gennaker.ManifestRef{Account: p.Account.Name, Location: r.location(), Kind: kind, Name: name}, err
}

// view returns the object that a path names with what became of it.
func (s *Server) view(r *request) (gennaker.ManifestView, error) {
	p, ref, err := s.objectRef(r)
	if err != nil {
		return gennaker.ManifestView{}, err
	}
	view, err := p.Manifest(r.Context(), ref)
	return view, orNotFound(err, "Manifest %s not found", ref)
}

func (s *Server) showManifest(r *request) (any, error) {
	view, err := s.view(r)
	view.Artifacts, view.Events, view.Warnings = orEmpty(view.Artifacts), orEmpty(view.Events), orEmpty(view.Warnings)
	return view, err
}

// manifestEvents lists what the cluster says of an object, newest first.
func (s *Server) manifestEvents(r *request) (any, error) {
	view, err := s.view(r)
	return orEmpty(view.Events), err
}

// manifestLogs is the last that a container of an object's newest pod wrote.
func (s *Server) manifestLogs(r *request) (any, error) {
	p, ref, err := s.objectRef(r)
	if err != nil {
		return nil, err
	}
	tail, err := r.count("tail", logTail, maxLogTail)
	if err != nil {
		return nil, err
	}
	text, err := p.Output(r.Context(), ref, r.URL.Query().Get("container"), int64(tail))
	if err != nil {
		return nil, err
	}
	return content{http.StatusOK, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, text}, nil
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
func (s *Server) dynamicManifest(r *request) (any, error) {
	p, err := s.withManifests(r)
	if err != nil {
		return nil, err
	}
	kind, criterion := r.PathValue("kind"), r.PathValue("criteria")
	found, err := p.FindManifests(r.Context(), provider.ManifestQuery{
		Location: r.location(), Kinds: []string{kind}, Application: r.PathValue("app"), Cluster: r.PathValue("cluster"),
	})
	if err != nil {
		return nil, err
	}
	m, err := manifest.Choose(criterion, found)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what is missing
	}
	return Coordinates{Account: p.Account.Name, Kind: kind, Name: manifest.Name(m), Namespace: r.location()}, nil
}

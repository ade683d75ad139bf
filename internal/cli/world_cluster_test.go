package cli_test

import (
	"io"
	"net/http"

	"github.com/gennaker/gennaker"
)

// handleClusters adds the account prod, a cluster that went down, with the
// application web; and the account old of another, of which nothing is known.
func (w *world) handleClusters(mux *http.ServeMux) {
	for pattern, h := range map[string]func(*http.Request) (any, error){
		"GET /credentials":                                   listCredentials,
		"GET /applications/{app}/rawResources":               listResources,
		"GET /manifests/{a}/{location}/{name}":               getManifest,
		"GET /api/v1/manifests/{a}/{location}/{name}/events": getEvents,
	} {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
			if r.PathValue("app") == "web" {
				rw.Header().Add("X-Gennaker-Stale", "prod=2026-01-02T03:04:05Z")
				rw.Header().Add("X-Gennaker-Stale", "old")
			}
			w.answer(rw, r, h)
		})
	}
	mux.HandleFunc("GET /api/v1/manifests/{a}/{location}/{name}/logs", func(rw http.ResponseWriter, r *http.Request) {
		if _, err := getManifest(r); err != nil {
			w.answer(rw, r, getManifest)
			return
		}
		rw.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(rw, "container="+r.FormValue("container")+" tail="+r.FormValue("tail")+"\npanic: no database\n")
	})
}

func listCredentials(r *http.Request) (any, error) {
	if r.FormValue("expand") != "true" { // the short form has neither namespaces nor state
		return []any{map[string]any{"name": "local", "type": "local"}, map[string]any{"name": "prod", "type": "kubernetes"}}, nil
	}
	return []any{
		map[string]any{"name": "local", "type": "local", "cloudProvider": "local", "regions": []any{"local"}},
		map[string]any{"name": "prod", "type": "kubernetes", "cloudProvider": "kubernetes", "regions": []any{}, "namespaces": []any{"shop", "default"}},
	}, nil
}

func podGroups() []gennaker.ServerGroup {
	at := func(region string) gennaker.ServerGroup {
		return gennaker.ServerGroup{
			Name: "replicaSet web-v001", Kind: "ReplicaSet", Account: "prod", Region: region, CloudProvider: "kubernetes",
			Moniker: gennaker.Moniker{App: "web", Cluster: "replicaSet web", Sequence: new(1)}, Cluster: "replicaSet web",
			CreatedTime: gennaker.Millis(1767323045000), Capacity: gennaker.Capacity{Min: 1, Max: 1, Desired: 1},
			BuildInfo: gennaker.BuildInfo{Images: []string{"web:1", "proxy:2"}}, LoadBalancers: []string{"service web"},
			Instances: []gennaker.Instance{{Name: "pod web-v001-x", HealthState: gennaker.Down, Restarts: 3, Reason: "container web ended with exit code 1 (Error)"}},
		}
	}
	older := at("shop")
	older.Name, older.Disabled = "replicaSet web-v000", true
	return []gennaker.ServerGroup{older, at("shop"), at("test")}
}

func listResources(r *http.Request) (any, error) {
	if r.PathValue("app") == "shop" {
		return []any{}, nil
	}
	return []gennaker.Resource{
		{Name: "namespace shop", Account: "prod", CreatedTime: gennaker.Millis(1767323045000)},
		{Name: "deployment web", Account: "prod", Namespace: "shop", Moniker: gennaker.Moniker{App: "web", Cluster: "deployment web"}},
		{Name: "configMap web-v002", Account: "prod", Namespace: "shop", Moniker: gennaker.Moniker{App: "web", Cluster: "configMap web", Sequence: new(2)}},
	}, nil
}

// getManifest knows a deployment that crashes, and a pod that is well.
func getManifest(r *http.Request) (any, error) {
	v := gennaker.ManifestView{
		Account: r.PathValue("a"), Location: r.PathValue("location"), Name: r.PathValue("name"),
		Manifest: gennaker.Manifest{"kind": "Deployment", "metadata": map[string]any{"name": "web"}},
		Serving:  gennaker.ManifestTraffic{Services: []string{}},
	}
	switch v.Account + "/" + v.Location + "/" + v.Name {
	case "prod/shop/deployment web":
		v.Moniker = gennaker.Moniker{App: "web", Cluster: "deployment web"}
		v.Status.Stable.Message = "Waiting for all replicas to be available"
		v.Reason = "container web of pod web-1 crashes: exit code 1: panic: no database"
		v.Hint = "gennaker manifest logs shows more of what it wrote"
		v.Artifacts = []gennaker.Artifact{{Type: "docker/image", Name: "web", Reference: "web:1"}, {Type: "kubernetes/configMap", Name: "web", Reference: "web-v002"}}
		v.Warnings = []string{"it has no readiness probe"}
		v.Serving.Services = []string{"web"}
	case "prod/default/pod idle":
		v.Status.Stable.State = true
		v.Serving.DrainedAt = gennaker.Millis(1767323045000)
	case "prod/default/pod leaving":
		v.Status.Available.State, v.Serving.Draining = true, true
	default:
		return nil, gennaker.Errorf(gennaker.NotFound, "Manifest %s not found", v.Name)
	}
	return v, nil
}

func getEvents(r *http.Request) (any, error) {
	if _, err := getManifest(r); err != nil {
		return nil, err
	}
	return []gennaker.ManifestEvent{
		{Kind: "Pod", Name: "web-1", Type: "Warning", Reason: "BackOff", Message: "Back-off restarting\nfailed container", Count: 4, Last: gennaker.Millis(1767323045000).Time},
		{Kind: "Deployment", Name: "web", Type: "Normal", Reason: "ScalingReplicaSet", Message: "Scaled up", Count: 1},
	}, nil
}

package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/provider"
)

// accounts has one account that is listed, prod, and allows every name that is
// not "bad". "fixed" is the configuration's.
type accounts struct{ w *world }

var errFixed = gennaker.Errorf(gennaker.Conflict, "the account is in the configuration")

func (a accounts) view() gennaker.AccountView {
	return gennaker.AccountView{Account: gennaker.Account{Name: "prod", Type: "kubernetes", Regions: []string{}}, Source: "stored", Settings: map[string]any{"name": "prod", "permissions": map[string]any{"WRITE": []any{"ops"}}}}
}

func (a accounts) List(context.Context) ([]gennaker.AccountView, error) {
	return []gennaker.AccountView{a.view()}, a.w.fail
}

func (a accounts) Get(_ context.Context, name string) (gennaker.AccountView, error) {
	switch name {
	case "prod":
		return a.view(), a.w.fail
	case "bare": // has no settings
		return gennaker.AccountView{Account: gennaker.Account{Name: name}}, a.w.fail
	}
	return gennaker.AccountView{}, errNone
}

func (a accounts) Save(ctx context.Context, settings map[string]any, user string) (gennaker.AccountView, error) {
	if _, err := a.Check(ctx, settings); err != nil {
		return gennaker.AccountView{}, err
	}
	if settings["name"] == "fixed" {
		return gennaker.AccountView{}, errFixed
	}
	return a.view(), a.w.change("save account %v by %s", settings["name"], user)
}

func (a accounts) Delete(_ context.Context, name, user string) error {
	switch name {
	case "fixed":
		return errFixed
	case "moon":
		return errNone
	}
	return a.w.change("delete account %s by %s", name, user)
}

func (a accounts) Check(_ context.Context, settings map[string]any) (gennaker.AccountDiagnosis, error) {
	if settings["name"] == "bad" {
		return gennaker.AccountDiagnosis{}, &gennaker.Error{Kind: gennaker.Invalid, Message: "bad", Problems: []gennaker.Problem{{Path: "namespaces[1]", Message: "is odd"}}}
	}
	return gennaker.AccountDiagnosis{OK: true, Problems: []gennaker.AccountProblem{}}, a.w.fail
}

// manifests has the deployment web in the namespace shop, and the namespace shop.
type manifests struct {
	provider.Manifests
	w *world
}

func (m manifests) Manifest(_ context.Context, ref gennaker.ManifestRef) (gennaker.ManifestView, error) {
	if ref.ManifestName() == "job migrate" {
		return gennaker.ManifestView{
			Manifest: gennaker.Manifest{"metadata": map[string]any{"creationTimestamp": "2026-01-02T03:04:05Z"}}, Moniker: gennaker.Moniker{App: "demo"},
			Status: gennaker.ManifestStatus{Failed: gennaker.ManifestCondition{State: true, Message: "it has failed"}}, Reason: "it exits with 3",
		}, m.w.fail
	}
	if ref.ManifestName() != "deployment web" && ref.String() != "local//namespace shop" {
		return gennaker.ManifestView{}, errNone
	}
	return gennaker.ManifestView{
		Manifest: gennaker.Manifest{"kind": "Deployment"},
		Account:  ref.Account, Location: ref.Location, Name: ref.ManifestName(),
		Events: []gennaker.ManifestEvent{{Kind: "Pod", Name: "web-1", Type: "Warning", Reason: "BackOff", Message: "it crashes", Count: 3, Last: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}},
	}, m.w.fail
}

// FindManifests knows two versions of the cluster "replicaSet web", of demo too.
func (m manifests) FindManifests(_ context.Context, q provider.ManifestQuery) ([]gennaker.Manifest, error) {
	if q.Cluster != "replicaSet web" {
		return nil, m.w.fail
	}
	version := func(name, created string, n int64) gennaker.Manifest {
		return gennaker.Manifest{
			"kind": "ReplicaSet", "apiVersion": "apps/v1", "metadata": map[string]any{"name": name, "creationTimestamp": created}, "spec": map[string]any{"replicas": n},
		}
	}
	return []gennaker.Manifest{version("web-v001", "2026-01-01T00:00:00Z", 5), version("web-v002", "2026-01-02T00:00:00Z", 1)}, m.w.fail
}

// Output repeats what it was asked for.
func (m manifests) Output(ctx context.Context, ref gennaker.ManifestRef, container string, limit int64) (string, error) {
	if _, err := m.Manifest(ctx, ref); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s of %s: %d\n", container, ref.ManifestName(), limit), nil
}

func TestAccountRequests(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method, target, body string
		status               int
		want                 string
	}{
		"another name":    {"PUT", "/api/v1/accounts/prod", `{"name":"dev"}`, 400, "line 1, column 9: name: is not the name in the path"},
		"a bad field":     {"PUT", "/api/v1/accounts/bad", "{\"name\":\"bad\",\n\"namespaces\":[\"a\",\"b\"]}", 400, `"line":2`},
		"check a bad one": {"POST", "/api/v1/accounts/check", `{"name":"bad"}`, 400, "is odd"},
		"check no JSON":   {"POST", "/api/v1/accounts/check", `{`, 400, "line 1"},
		"check none":      {"POST", "/api/v1/accounts/dev/check", ``, 404, "no such thing"},
		"not there":       {"GET", "/api/v1/accounts/dev", ``, 404, "no such thing"},
		"no such object":  {"GET", "/manifests/local/shop/deployment%20db", ``, 404, "Manifest local/shop/deployment db not found"},
		"no name":         {"GET", "/manifests/local/shop/deployment", ``, 400, "does not name an object"},
		"no such account": {"GET", "/manifests/dev/shop/deployment%20web", ``, 404, "Account not found"},
		"in no namespace": {"GET", "/manifests/local/_/namespace%20shop", ``, 200, `"location":""`},
		"output":          {"GET", "/api/v1/manifests/local/shop/deployment%20web/logs?container=c&tail=9", ``, 200, "c of deployment web: 9\n"},
		"much output":     {"GET", "/api/v1/manifests/local/shop/deployment%20web/logs?tail=99999999", ``, 200, ": 16777216\n"},
		"bad tail":        {"GET", "/api/v1/manifests/local/shop/deployment%20web/logs?tail=all", ``, 400, "must be a number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			res := call(api.New(w.config()), tt.method, tt.target, tt.body)
			if res.Code != tt.status || !strings.Contains(res.Body.String(), tt.want) {
				t.Errorf("got %d %s, want %d with %q", res.Code, res.Body, tt.status, tt.want)
			}
			if res.Code >= http.StatusBadRequest && len(w.changes()) > 0 {
				t.Errorf("changed %v", w.changes())
			}
		})
	}
}

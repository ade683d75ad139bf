package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
)

// server answers discovery, and everything else by answer.
type server struct {
	mu        sync.Mutex
	requests  []string
	resources string // of apps/v1
	answer    func(n int, w http.ResponseWriter, r *http.Request)
}

const (
	deployments = `{"name":"deployments","singularName":"deployment","namespaced":true,"kind":"Deployment","verbs":["get"],"shortNames":["deploy"]},
		{"name":"deployments/scale","namespaced":true,"kind":"Scale","verbs":["get"]}`
	replicaSets = `{"name":"replicasets","singularName":"replicaset","namespaced":true,"kind":"ReplicaSet","verbs":["get"]}`
)

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/api":
		fmt.Fprint(w, `{"kind":"APIVersions","versions":["v1"]}`)
	case "/apis":
		fmt.Fprint(w, `{"kind":"APIGroupList","groups":[{"name":"apps","versions":[{"groupVersion":"apps/v1beta9","version":"v1beta9"},{"groupVersion":"apps/v1","version":"v1"}],"preferredVersion":{"groupVersion":"apps/v1","version":"v1"}}]}`)
	case "/api/v1":
		fmt.Fprint(w, `{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get"]},{"name":"namespaces","singularName":"namespace","kind":"Namespace","verbs":["get"]}]}`)
	case "/apis/apps/v1", "/apis/apps/v1beta9":
		fmt.Fprintf(w, `{"kind":"APIResourceList","groupVersion":%q,"resources":[%s]}`, strings.TrimPrefix(r.URL.Path, "/apis/"), s.resources)
	default:
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		s.answer(len(s.requests), w, r)
	}
}

func (s *server) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func start(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) (*cluster.Client, *server) {
	t.Helper()
	s := &server{answer: answer, resources: deployments}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	c, err := cluster.New(&rest.Config{Host: web.URL}, "gennaker/test")
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func deployment(t *testing.T, c *cluster.Client) cluster.Ref {
	t.Helper()
	k, err := c.Kind(t.Context(), "deployment")
	if err != nil {
		t.Fatal(err)
	}
	return cluster.Ref{Kind: k, Namespace: "shop", Name: "web"}
}

const object = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"}}`

func TestKinds(t *testing.T) {
	t.Parallel()
	c, s := start(t, nil)
	for _, name := range []string{"Deployment", "deployment", "DEPLOYMENT.apps", "deployments", "deploy"} {
		k, err := c.Kind(t.Context(), name)
		if err != nil || k.Resource.Resource != "deployments" || k.Version != "v1" || !k.Namespaced || !k.Scalable {
			t.Errorf("%s is %+v, %v; want deployments of apps/v1", name, k, err)
		}
	}
	if k, err := c.Kind(t.Context(), "namespace"); err != nil || k.Namespaced || k.Scalable {
		t.Errorf("namespace is %+v, %v", k, err)
	}
	k, err := c.KindOf(t.Context(), schema.GroupVersionKind{Group: "apps", Version: "v1beta9", Kind: "Deployment"})
	if err != nil || k.Resource.Version != "v1beta9" {
		t.Errorf("the kind of a version is %+v, %v", k, err)
	}
	for name, hint := range map[string]string{
		"Deploymnt.apps": "the nearest is Deployment of apps/v1", "Gadget": "CustomResourceDefinition first",
	} {
		_, err = c.Kind(t.Context(), name)
		if gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(gennaker.HintOf(err), hint) {
			t.Errorf("%s: %v (%s), want the hint %q", name, err, gennaker.HintOf(err), hint)
		}
	}
	_, err = c.KindOf(t.Context(), schema.GroupVersionKind{Group: "apps", Version: "v2", Kind: "Deployment"})
	if hint := gennaker.HintOf(err); !strings.Contains(hint, "apps/v1, apps/v1beta9") {
		t.Errorf("another version: %v (%s)", err, hint)
	}
	if got := s.seen(); len(got) > 0 {
		t.Errorf("unexpected requests %v", got)
	}
}

// TestKindGoes has the server forget a kind that was known.
func TestKindGoes(t *testing.T) {
	t.Parallel()
	c, s := start(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `404 page not found`)
	})
	r := deployment(t, c)
	s.mu.Lock()
	s.resources = replicaSets
	s.mu.Unlock()
	if _, err := c.Get(t.Context(), r); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("get: %v", err)
	}
	if _, err := c.KindOf(t.Context(), r.Kind.GroupVersionKind); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("a kind that has gone is still known: %v", err)
	}
}

func TestRepeats(t *testing.T) {
	t.Parallel()
	status := func(codes ...int) func(int, http.ResponseWriter, *http.Request) {
		return func(n int, w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if n <= len(codes) && codes[n-1] == 0 { // the connection breaks
				panic(http.ErrAbortHandler)
			}
			if n <= len(codes) {
				w.WriteHeader(codes[n-1])
			}
			fmt.Fprint(w, object)
		}
	}
	get := func(ctx context.Context, c *cluster.Client, r cluster.Ref) error { _, err := c.Get(ctx, r); return err }
	merge := func(ctx context.Context, c *cluster.Client, r cluster.Ref) error {
		_, err := c.MergePatch(ctx, r, map[string]any{"spec": map[string]any{"replicas": 1}})
		return err
	}
	apply := func(ctx context.Context, c *cluster.Client, r cluster.Ref) error {
		var obj map[string]any
		_ = json.Unmarshal([]byte(object), &obj)
		_, err := c.Apply(ctx, r, obj, false)
		return err
	}
	create := func(ctx context.Context, c *cluster.Client, r cluster.Ref) error {
		var obj map[string]any
		_ = json.Unmarshal([]byte(object), &obj)
		_, err := c.Create(ctx, r, obj)
		return err
	}
	steps := func(ctx context.Context, c *cluster.Client, r cluster.Ref) error {
		_, err := c.Patch(ctx, r, types.JSONPatchType, []byte(`[]`))
		return err
	}
	for name, tt := range map[string]struct {
		do    func(context.Context, *cluster.Client, cluster.Ref) error
		codes []int
		want  int
		kind  gennaker.Kind
	}{
		"get after 500 and 503":         {get, []int{500, 503}, 3, ""},
		"get after broken connections":  {get, []int{0, 0}, 3, ""},
		"apply after 500":               {apply, []int{500}, 2, ""},
		"apply after a broken one":      {apply, []int{0, 502}, 3, ""},
		"merge after 504":               {merge, []int{504}, 2, ""},
		"create after 429":              {create, []int{429, 429}, 3, ""},
		"create not after 500":          {create, []int{500}, 1, gennaker.Unavailable},
		"create not after a broken one": {create, []int{0}, 1, gennaker.Unavailable},
		"steps not after 500":           {steps, []int{500}, 1, gennaker.Unavailable},
		"get six times at most":         {get, []int{500, 500, 500, 500, 500, 500, 500}, 6, gennaker.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := start(t, status(tt.codes...))
			err := tt.do(t.Context(), c, deployment(t, c))
			if (err == nil) != (tt.kind == "") || err != nil && gennaker.KindOf(err) != tt.kind {
				t.Errorf("error %v, want kind %q", err, tt.kind)
			}
			if got := len(s.seen()); got != tt.want {
				t.Errorf("%d requests, want %d", got, tt.want)
			}
		})
	}
}

func TestCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c, s := start(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.WriteHeader(http.StatusInternalServerError)
	})
	r := deployment(t, c)
	if _, err := c.Get(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	if got := s.seen(); len(got) != 1 {
		t.Errorf("requests %v after the context ended", got)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code    int
		reason  v1.StatusReason
		message string
		details *v1.StatusDetails
		kind    gennaker.Kind
		want    string // in the message
		hint    string // in the hint
	}{
		"credentials": {401, v1.StatusReasonUnauthorized, "Unauthorized", nil, gennaker.Denied, "credentials (401)", "new one"},
		"rbac": {
			403, v1.StatusReasonForbidden,
			`deployments.apps "web" is forbidden: User "system:serviceaccount:a:b" cannot get resource "deployments" in API group "apps" in the namespace "shop"`, nil,
			gennaker.Denied, "the account may not get deployments.apps in namespace shop", "kubectl create role gennaker --verb=get --resource=deployments.apps",
		},
		"namespace ends": {
			403, v1.StatusReasonForbidden, `deployments.apps "web" is forbidden: unable to create new content in namespace shop because it is being terminated`,
			&v1.StatusDetails{Causes: []v1.StatusCause{{Type: "NamespaceTerminating"}}}, gennaker.Conflict, "namespace shop is being deleted", "until it is gone",
		},
		"webhook": {
			400, "", `admission webhook "images.example.com" denied the request: image :latest is not allowed`, nil,
			gennaker.Denied, "webhook images.example.com denied it: image :latest", "",
		},
		"webhook without reason": {400, "", `admission webhook "w.example.com" denied the request without explanation`, nil, gennaker.Denied, "does not say why", ""},
		"webhook away": {
			500, v1.StatusReasonInternalError, `Internal error occurred: failed calling webhook "w.example.com": failed to call webhook: Post "https://w.x.svc:443/?timeout=10s": dial tcp: refused`, nil,
			gennaker.Unavailable, "webhook w.example.com did not answer", "running",
		},
		"policy": {
			422, v1.StatusReasonInvalid, `deployments.apps "web" is forbidden: ValidatingAdmissionPolicy 'replicas' with binding 'all' denied request: at most 5`, nil,
			gennaker.Denied, "policy replicas denied it: at most 5", "",
		},
		"quota": {
			403, v1.StatusReasonForbidden, `pods "web" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2`, nil,
			gennaker.Denied, "quota small is exceeded: requested pods=1, used pods=2, limited to pods=2", "raise the quota",
		},
		"pod security": {
			403, v1.StatusReasonForbidden, `pods "web" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true`, nil,
			gennaker.Denied, "standard restricted:latest", "securityContext",
		},
		"field": {
			422, v1.StatusReasonInvalid, `Deployment.apps "web" is invalid`,
			&v1.StatusDetails{Causes: []v1.StatusCause{{Field: "spec.selector", Message: "Invalid value: x: field is immutable"}}},
			gennaker.Invalid, "spec.selector: Invalid value", "recreate",
		},
		"owners": {
			409, v1.StatusReasonConflict, "Apply failed with 1 conflict",
			&v1.StatusDetails{Causes: []v1.StatusCause{{Type: v1.CauseTypeFieldManagerConflict, Field: ".spec.replicas", Message: `conflict with "kube-controller-manager" with subresource "scale" using apps/v1`}}},
			gennaker.Conflict, ".spec.replicas is owned by kube-controller-manager", "force-conflicts",
		},
		"changed":     {409, v1.StatusReasonConflict, "the object has been modified", nil, gennaker.Conflict, "changed by somebody else", ""},
		"there":       {409, v1.StatusReasonAlreadyExists, "already exists", nil, gennaker.Conflict, "is there already", ""},
		"missing":     {404, v1.StatusReasonNotFound, "not found", &v1.StatusDetails{Name: "web", Kind: "deployments"}, gennaker.NotFound, "there is no Deployment web in shop", ""},
		"no space":    {404, v1.StatusReasonNotFound, "not found", &v1.StatusDetails{Name: "shop", Kind: "namespaces"}, gennaker.NotFound, "there is no namespace shop", "kubectl create namespace shop"},
		"too large":   {413, v1.StatusReasonRequestEntityTooLarge, "too large", nil, gennaker.TooLarge, "larger", "1.5 MiB"},
		"bad request": {400, v1.StatusReasonBadRequest, `strict decoding error: unknown field "spec.replics"`, nil, gennaker.Invalid, `unknown field "spec.replics"`, ""},
		"schema": {
			500, v1.StatusReasonInternalError, "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replics: field not declared in schema", nil,
			gennaker.Invalid, ".spec.replics: field not declared in schema", "kubectl explain deployment",
		},
		"storage": {500, v1.StatusReasonInternalError, "etcdserver: leader changed", nil, gennaker.Unavailable, "leader changed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := start(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.code)
				_ = json.NewEncoder(w).Encode(v1.Status{
					TypeMeta: v1.TypeMeta{Kind: "Status", APIVersion: "v1"},
					Status:   v1.StatusFailure, Code: int32(tt.code), Reason: tt.reason, Message: tt.message, Details: tt.details,
				})
			})
			_, err := c.Get(t.Context(), deployment(t, c))
			if gennaker.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.want) || !strings.Contains(gennaker.HintOf(err), tt.hint) {
				t.Errorf("error %q, kind %s, hint %q", err, gennaker.KindOf(err), gennaker.HintOf(err))
			}
			if wantOwners := name == "owners"; wantOwners != (len(cluster.Owners(err)) == 1) {
				t.Errorf("owners %+v", cluster.Owners(err))
			}
			if cluster.Exists(err) != (name == "there") || cluster.Stale(err) != (name == "changed" || name == "there") && name != "there" {
				t.Errorf("exists %v, stale %v", cluster.Exists(err), cluster.Stale(err))
			}
		})
	}
}

// TestSecretsAreHidden has the server quote what it was given.
func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	c, _ := start(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(v1.Status{
			TypeMeta: v1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: v1.StatusFailure, Code: 422, Reason: v1.StatusReasonInvalid,
			Message: `Secret "s" is invalid: data[password]: Invalid value: "hunter2"`,
			Details: &v1.StatusDetails{Causes: []v1.StatusCause{{Field: "data[password]", Message: `Invalid value: "hunter2"`}}},
		})
	})
	k := cluster.Kind{GroupVersionKind: schema.GroupVersionKind{Version: "v1", Kind: "Secret"}, Namespaced: true}
	k.Resource = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	_, err := c.Get(t.Context(), cluster.Ref{Kind: k, Namespace: "shop", Name: "s"})
	for ; err != nil; err = errors.Unwrap(err) {
		if text := fmt.Sprintf("%+v", err); strings.Contains(text, "hunter2") {
			t.Errorf("the error shows the secret: %s", text)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	c, _ := start(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Warning", `299 - "unknown field \"spec.x\""`)
		w.Header().Add("Warning", `299 - "unknown field \"spec.x\""`)
		fmt.Fprint(w, object)
	})
	var got cluster.Warnings
	if _, err := c.Get(cluster.WithWarnings(t.Context(), &got), deployment(t, c)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`unknown field "spec.x"`}, got.List()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

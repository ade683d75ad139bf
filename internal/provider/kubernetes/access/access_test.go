package access_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	authorization "k8s.io/api/authorization/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/access"
)

// cluster is what answers the questions of a diagnosis as an API server does.
type cluster struct {
	*httptest.Server
	allowed func(verb, group, resource, namespace string) bool
}

// token is the only one that a cluster knows.
const token = "t0ken"

func newCluster(t *testing.T, allowed func(verb, group, resource, namespace string) bool) *cluster {
	t.Helper()
	c := &cluster{allowed: allowed}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, `{"gitVersion":"v1.37.2"}`) })
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/selfsubjectreviews", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 201, `{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1","status":{"userInfo":{"username":"ann"}}}`)
	})
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read the question: %v", err)
		}
		var review authorization.SelfSubjectAccessReview
		if _, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, &review); err != nil {
			t.Errorf("decode the question: %v", err)
		}
		a := review.Spec.ResourceAttributes
		if a.Subresource != "" {
			a.Resource += "/" + a.Subresource
		}
		answer(w, 201, fmt.Sprintf(`{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":%t}}`, c.allowed(a.Verb, a.Group, a.Resource, a.Namespace)))
	})
	c.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			answer(w, 401, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Unauthorized","code":401,"message":"Unauthorized"}`)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// ca returns the certificate of c in PEM.
func (c *cluster) ca() string {
	return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw}))
}

// kubeconfig is a kubeconfig with the contexts that tests need.
var kubeconfig = template.Must(template.New("").Parse(`apiVersion: v1
kind: Config
current-context: {{or .Current "good"}}
clusters:
- {name: c, cluster: {server: "{{.Server}}"{{with .CA}}, certificate-authority-data: {{.}}{{end}}}}
users:
- {name: u, user: {token: {{or .Token "t0ken"}}}}
- {name: runs, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/credentials, interactiveMode: Never}}}
- {name: old, user: {auth-provider: {name: gcp}}}
contexts:
- {name: good, context: {cluster: c, user: u}}
- {name: runs, context: {cluster: c, user: runs}}
- {name: old, context: {cluster: c, user: old}}
- {name: nouser, context: {cluster: c, user: gone}}
- {name: nocluster, context: {cluster: gone, user: u}}
`))

type config struct{ Server, CA, Token, Current string }

func (c config) text(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	if err := kubeconfig.Execute(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func (c config) file(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(c.text(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func noSecrets(context.Context, string) (string, error) {
	return "", gennaker.Errorf(gennaker.Invalid, "the environment variable K of a secret is not set")
}

func all(string, string, string, string) bool { return true }

func TestClientRefuses(t *testing.T) {
	t.Parallel()
	path := config{Server: "https://127.0.0.1:1"}.file(t)
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("users: [{name: u, user: {token: hunter2}}]\n\t: x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		account access.Account
		kind    gennaker.Kind
		want    string
	}{
		"no file":         {access.Account{KubeconfigFile: "/none/such"}, gennaker.Invalid, "there is no kubeconfig /none/such"},
		"a directory":     {access.Account{KubeconfigFile: t.TempDir()}, gennaker.Invalid, "is no kubeconfig"},
		"malformed":       {access.Account{KubeconfigFile: bad}, gennaker.Invalid, "is no kubeconfig"},
		"no such context": {access.Account{KubeconfigFile: path, Context: "prod"}, gennaker.Invalid, `the kubeconfig has no context "prod"`},
		"no user":         {access.Account{KubeconfigFile: path, Context: "nouser"}, gennaker.Invalid, `names the user "gone"`},
		"no cluster":      {access.Account{KubeconfigFile: path, Context: "nocluster"}, gennaker.Invalid, `names the cluster "gone"`},
		"runs a command":  {access.Account{KubeconfigFile: path, Context: "runs"}, gennaker.Denied, `runs the command "/bin/credentials"`},
		"removed plug-in": {access.Account{KubeconfigFile: path, Context: "old", AllowExec: true}, gennaker.Invalid, "auth-provider"},
		"not in a pod":    {access.Account{ServiceAccount: true}, gennaker.Invalid, "does not run in a pod"},
		"no secret":       {access.Account{KubeconfigContents: "env:K"}, gennaker.Invalid, "K of a secret is not set"},
		"a literal":       {access.Account{KubeconfigContents: "apiVersion: v1"}, gennaker.Invalid, "cannot be used"},
		"a bad name":      {access.Account{Name: "Prod_1"}, gennaker.Invalid, "cannot be used"},
		"two ways":        {access.Account{KubeconfigFile: path, ServiceAccount: true}, gennaker.Invalid, "cannot be used"},
		"bad namespaces":  {access.Account{KubeconfigFile: path, Namespaces: []string{"a", "B!"}}, gennaker.Invalid, "cannot be used"},
		"both namespaces": {access.Account{KubeconfigFile: path, Namespaces: []string{"a"}, OmitNamespaces: []string{"b"}}, gennaker.Invalid, "cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.account.Name == "" {
				tt.account.Name = "a"
			}
			_, err := tt.account.Client(t.Context(), noSecrets)
			if gennaker.KindOf(err) != tt.kind || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v (%s), want %q (%s)", err, gennaker.KindOf(err), tt.want, tt.kind)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a credential shows: %v", err)
			}
		})
	}
}

func TestClientAllowsCommandsWhenAsked(t *testing.T) {
	t.Parallel()
	a := access.Account{Name: "a", KubeconfigFile: config{Server: "https://127.0.0.1:1"}.file(t), Context: "runs", AllowExec: true}
	cfg, err := a.Client(t.Context(), noSecrets)
	if err != nil || cfg.ExecProvider == nil || cfg.ExecProvider.Command != "/bin/credentials" {
		t.Errorf("got %v, %v", cfg, err)
	}
}

func TestClientFromSecret(t *testing.T) {
	t.Parallel()
	a := access.Account{Name: "a", KubeconfigContents: "env:KUBE"}
	cfg, err := a.Client(t.Context(), func(_ context.Context, reference string) (string, error) {
		return config{Server: "https://10.0.0.1:6443"}.text(t), map[bool]error{false: fmt.Errorf("asked for %s", reference)}[reference == "env:KUBE"]
	})
	if err != nil || cfg.Host != "https://10.0.0.1:6443" || cfg.BearerToken != token {
		t.Errorf("got %v, %v", cfg, err)
	}
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	c := newCluster(t, all)
	closed := httptest.NewServer(nil)
	closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for name, tt := range map[string]struct {
		config config
		kind   string
		want   string
	}{
		"fine":              {config{Server: c.URL, CA: c.ca()}, "", ""},
		"wrong token":       {config{Server: c.URL, CA: c.ca(), Token: "old"}, "unauthorized", "does not accept the credentials (401)"},
		"unknown authority": {config{Server: c.URL}, "tls", "signed by an authority"},
		"wrong name":        {config{Server: strings.Replace(c.URL, "127.0.0.1", "localhost", 1), CA: c.ca()}, "tls", "for another name"},
		"not TLS":           {config{Server: strings.Replace(plain.URL, "http:", "https:", 1)}, "tls", "no secure connection"},
		"nothing listens":   {config{Server: closed.URL}, "unreachable", "nothing listens at"},
		"no such name":      {config{Server: "https://cluster.invalid:6443"}, "unreachable", "is not known"},
		"no such context":   {config{Server: c.URL, Current: "gone"}, "configuration", `has no context "gone"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := access.Account{Name: "a", KubeconfigFile: tt.config.file(t)}.Diagnose(t.Context(), noSecrets)
			if tt.kind == "" {
				if !got.OK || !got.Usable || got.Version != "v1.37.2" || got.User != "ann" {
					t.Errorf("got %+v", got)
				}
				return
			}
			if got.OK || len(got.Problems) != 1 || got.Problems[0].Kind != tt.kind || !strings.Contains(got.Problems[0].Message, tt.want) {
				t.Errorf("got %+v, want a problem %s: %s", got, tt.kind, tt.want)
			}
		})
	}
}

func TestDiagnoseMissingVerbs(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(verb, _, resource, namespace string) bool {
		return namespace == "shop" && (resource != "pods" || verb == "get") && resource != "pods/log" || resource == "secrets" && verb == "list"
	})
	a := access.Account{Name: "a", KubeconfigFile: config{Server: c.URL, CA: c.ca()}.file(t), Namespaces: []string{"shop"}}
	got := a.Diagnose(t.Context(), noSecrets)
	want := []gennaker.AccountOperation{
		{Namespace: "shop", Resource: "pods", Verbs: []string{"list", "watch", "patch", "delete"}},
		{Namespace: "shop", Resource: "pods/log", Verbs: []string{"get"}},
	}
	if got.OK || got.Usable || len(got.Problems) != 1 {
		t.Fatalf("got %+v", got)
	}
	if diff := cmp.Diff(want, got.Problems[0].Missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	const message = "ann may not: list, watch, patch, delete pods in shop; get pods/log in shop"
	if got.Problems[0].Message != message {
		t.Errorf("message is %q, want %q", got.Problems[0].Message, message)
	}
}

func TestDiagnoseWholeCluster(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(_, _, resource, _ string) bool { return resource != "namespaces" })
	got := access.Account{Name: "a", KubeconfigFile: config{Server: c.URL, CA: c.ca()}.file(t)}.Diagnose(t.Context(), noSecrets)
	want := []gennaker.AccountOperation{{Resource: "namespaces", Verbs: []string{"list", "watch"}}}
	if len(got.Problems) != 1 || cmp.Diff(want, got.Problems[0].Missing) != "" || !got.Usable {
		t.Errorf("got %+v", got)
	}
}

package remote_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/remote"
)

// parse reads a preconfigured webhook as the configuration has it.
func parse(t *testing.T, text string) remote.Preconfigured {
	t.Helper()
	var p remote.Preconfigured
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// deploy is a preconfigured webhook with a bit of everything; URL stands for the
// server's.
const deploy = `{
  "type": "deployIt", "label": "Deploy it", "description": "Deploys",
  "url": "URL/${ parameterValues['env'] }/deploy", "method": "PUT",
  "payload": "{\"version\": \"${ parameterValues['version'] }\"}",
  "customHeaders": {"X-Team": ["${ parameterValues['team'] }", "b"], "Authorization": "Bearer ${ parameterValues['env'] }-key"},
  "sensitiveHeaders": {"X-Shared": ["open sesame"]},
  "signature": {"secret": "vault:signing"},
  "failFastStatusCodes": [503],
  "parameters": [
    {"name": "env", "label": "Environment", "defaultValue": "test", "type": "string", "order": 1},
    {"name": "version", "description": "what to deploy"},
    {"name": "team", "defaultValue": "core"}
  ],
  "parameterValues": {"fixed": "yes"}
}`

func deployed(t *testing.T, url string) remote.Preconfigured {
	t.Helper()
	return parse(t, strings.ReplaceAll(deploy, "URL", url))
}

func secrets(_ context.Context, reference string) (string, error) {
	if name, ok := strings.CutPrefix(reference, "vault:"); ok {
		return "value of " + name, nil
	}
	return reference, nil
}

// TestPreconfigured: the configured fields take the place of the stage's, with
// the stage's parameters; secrets are sent and nowhere seen.
func TestPreconfigured(t *testing.T) {
	t.Parallel()
	s := newServer(t, replies(200, jsonType, `{"ok":true}`))
	cfg := remote.Config{Preconfigured: []remote.Preconfigured{deployed(t, s.URL)}, Secret: secrets}
	w := newWorld(t, cfg, "deployIt", map[string]any{
		"alias": "preconfiguredWebhook", "url": "http://elsewhere.example", "customHeaders": map[string]any{"X-Mine": "1"},
		"parameterValues": map[string]any{"version": "1.2", "fixed": "no"},
	}).evaluating()
	if got := w.prepare(); !cmp.Equal(got, []string{"createWebhook"}) {
		t.Fatalf("steps are %v", got)
	}
	if o, err := w.run("createWebhook"); said(o, err) != "SUCCEEDED" {
		t.Fatal(said(o, err))
	}
	r := s.requests()[0]
	sum := hmac.New(sha256.New, []byte("value of signing"))
	sum.Write([]byte(r.Body))
	if r.Method != "PUT" || r.Path != "/test/deploy" || r.Body != `{"version": "1.2"}` {
		t.Errorf("sent %s %s %q", r.Method, r.Path, r.Body)
	}
	for name, want := range map[string][]string{
		"X-Team": {"core", "b"}, "Authorization": {"Bearer test-key"}, "X-Shared": {"open sesame"}, "X-Mine": nil, "Content-Type": {"application/json"},
		"X-Gennaker-Signature-256": {"sha256=" + hex.EncodeToString(sum.Sum(nil))},
	} {
		if !cmp.Equal(r.Header[name], want) {
			t.Errorf("header %s is %q, want %q", name, r.Header[name], want)
		}
	}
	if diff := cmp.Diff(map[string]any{"env": "test", "version": "1.2", "team": "core", "fixed": "yes"}, w.at("parameterValues")); diff != "" {
		t.Errorf("parameterValues (-want +got):\n%s", diff)
	}
	text, err := json.Marshal(w.in.Stage.Context)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"sesame", "Bearer", "-key", "signing", "X-Shared"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the context shows %q: %s", secret, text)
		}
	}
}

// TestSecretsStay: whatever a user does to the stage, secrets go only where the
// configuration sends them.
func TestSecretsStay(t *testing.T) {
	t.Parallel()
	home := newServer(t, replies(200, jsonType, `{}`))
	away := newServer(t, replies(200, jsonType, `{}`))
	for name, tt := range map[string]struct {
		to      *server
		path    string
		origins []string
		want    bool
	}{
		"home":              {home, "/test/deploy", nil, true},
		"home, elsewhere":   {home, "/other", nil, true},
		"away":              {away, "/test/deploy", nil, false},
		"away, but allowed": {away, "/test/deploy", []string{away.URL}, true},
		"away, below":       {away, "/a/b", []string{away.URL + "/a"}, true},
		"away, not below":   {away, "/a/../b", []string{away.URL + "/a"}, true}, // origins count, not paths
		"user that seems":   {away, "/x", []string{"http://" + strings.TrimPrefix(away.URL, "http://") + "@home.example"}, false},
	} {
		p := deployed(t, home.URL)
		p.SecretOrigins = tt.origins
		for _, step := range []string{"createWebhook", "monitorWebhook"} {
			before := len(tt.to.requests())
			w := newWorld(t, remote.Config{Preconfigured: []remote.Preconfigured{p}}, "deployIt", map[string]any{
				"url": tt.to.URL + tt.path, "statusEndpoint": tt.to.URL + tt.path, "parameterValues": map[string]any{"env": "test"},
			}).evaluating() // not prepared: as if it had been changed by hand
			if o, err := w.run(step); said(o, err) != "SUCCEEDED" {
				t.Fatal(said(o, err))
			}
			r := tt.to.requests()[before]
			for _, h := range []string{"Authorization", "X-Shared", "X-Gennaker-Signature-256"} {
				if got := r.Header.Get(h) != ""; got != tt.want {
					t.Errorf("%s, %s: %s sent: %v", name, step, h, got)
				}
			}
		}
	}
}

// TestAccount: headers and signature of an account, within its prefixes.
func TestAccount(t *testing.T) {
	t.Parallel()
	s := newServer(t, replies(200, jsonType, `{}`))
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	cfg := remote.Config{Secret: secrets, Accounts: []remote.Account{{
		Name: "ci", URLPrefixes: []string{s.URL + "/hooks/"}, Headers: map[string]any{"X-Api-Key": "vault:key"},
		Signature: &remote.Signature{Secret: "k", Header: "X-Hub-Signature-256"},
	}}}
	for path, want := range map[string]bool{
		s.URL + "/hooks/a":                   true,
		s.URL + "/hooks":                     true,
		s.URL + "/hooks/../other":            false,
		s.URL + "/hooksmith":                 false,
		s.URL + "/":                          false,
		"http://localhost" + port + "/hooks": false,
	} {
		for _, account := range []string{"ci", "other", ""} {
			before := len(s.requests())
			w := newWorld(t, cfg, "webhook", map[string]any{"url": path, "account": account, "method": "DELETE"})
			if o, err := w.run("createWebhook"); said(o, err) != "SUCCEEDED" {
				t.Fatal(said(o, err))
			}
			r := s.requests()[before]
			sent := r.Header.Get("X-Api-Key") == "value of key" && strings.HasPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256=")
			if sent != (want && account == "ci") || !sent && r.Header.Get("X-Api-Key")+r.Header.Get("X-Hub-Signature-256") != "" {
				t.Errorf("%s as %q: sent %v", path, account, sent)
			}
		}
	}
}

// TestSecretIsAway: a secret that cannot be had now is asked for again; one
// without a value fails the stage.
func TestSecretIsAway(t *testing.T) {
	t.Parallel()
	s := newServer(t, replies(200, jsonType, `{}`))
	for name, tt := range map[string]struct {
		secret func(context.Context, string) (string, error)
		values map[string]any
		want   string
	}{
		"away": {func(context.Context, string) (string, error) {
			return "", gennaker.Errorf(gennaker.Unavailable, "sealed")
		}, map[string]any{"env": "test"}, "error unavailable: get the header Authorization of the webhook: sealed"},
		"empty":    {func(_ context.Context, r string) (string, error) { return strings.TrimPrefix(r, "vault:signing"), nil }, map[string]any{"env": "test"}, "error invalid: the key that signs the webhook is empty"},
		"no value": {secrets, map[string]any{}, "error invalid: the header Authorization of the preconfigured webhook deployIt has an expression without a value"},
	} {
		w := newWorld(t, remote.Config{Preconfigured: []remote.Preconfigured{deployed(t, s.URL)}, Secret: tt.secret}, "deployIt", map[string]any{
			"url": s.URL, "parameterValues": tt.values,
		}).evaluating()
		if got := said(w.run("createWebhook")); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
	if n := len(s.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// TestStart: which fields take the place of the stage's.
//
// Source: Spinnaker orca PreconfiguredWebhookStageSpec.
func TestStart(t *testing.T) {
	t.Parallel()
	type fields = map[string]any
	for name, tt := range map[string]struct {
		configured string
		context    fields
		want       fields
	}{
		"nothing configured": {`{"type":"x"}`, fields{"url": "u", "method": "get"}, fields{"url": "u", "method": "get"}},
		"all configured": {
			`{"type":"x","url":"http://a.example","method":"GET","payload":{"a":1},"customHeaders":{"X-A":"b"},"failFastStatusCodes":[500],"webhookRetryStatusCodes":[404],
			"waitForCompletion":true,"waitBeforeMonitor":3,"statusUrlResolution":"webhookResponse","statusUrlJsonPath":"$.a","statusJsonPath":"$.b","progressJsonPath":"$.c",
			"successStatuses":"S","canceledStatuses":"C","terminalStatuses":"T","retryStatusCodes":[405],"signalCancellation":false,"cancelEndpoint":"http://b.example",
			"cancelMethod":"PUT","cancelPayload":"stop"}`,
			fields{"url": "u", "waitForCompletion": false, "other": 1.0},
			fields{
				"url": "http://a.example", "method": "GET", "payload": fields{"a": 1.0}, "customHeaders": fields{"X-A": "b"}, "failFastStatusCodes": []any{500.0},
				"webhookRetryStatusCodes": []any{404.0}, "waitForCompletion": true, "waitBeforeMonitor": 3.0, "statusUrlResolution": "webhookResponse",
				"statusUrlJsonPath": "$.a", "statusJsonPath": "$.b", "progressJsonPath": "$.c", "successStatuses": "S", "canceledStatuses": "C", "terminalStatuses": "T",
				"retryStatusCodes": []any{405.0}, "signalCancellation": false, "cancelEndpoint": "http://b.example", "cancelMethod": "PUT", "cancelPayload": "stop", "other": 1.0,
			},
		},
		"false is configured": {`{"type":"x","waitForCompletion":false}`, fields{"waitForCompletion": true}, fields{"waitForCompletion": false}},
		"no headers":          {`{"type":"x","customHeaders":{}}`, fields{"customHeaders": fields{"X-A": "b"}}, fields{"customHeaders": fields{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := maps.Clone(tt.context)
			got := newWorld(t, remote.Config{Preconfigured: []remote.Preconfigured{parse(t, tt.configured)}}, "x", nil).def.Start(given)
			tt.want["parameterValues"] = fields{}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !cmp.Equal(given, tt.context) {
				t.Error("the context itself was changed")
			}
		})
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	off := false
	r := registry(t, remote.Config{Preconfigured: []remote.Preconfigured{{Type: "b"}, {Type: "a"}, {Type: "gone", Enabled: &off}, {Enabled: &off}}})
	if diff := cmp.Diff([]string{"a", "b", "webhook"}, r.Types()); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	without := &stage.Registry{}
	if err := remote.Register(without, remote.Config{Client: newClient(t, egress.Options{})}); err != nil {
		t.Fatal(err)
	}
	if d, err := without.Find("webhook"); err != nil || d.Step("bindProducedArtifacts") != nil {
		t.Errorf("a step without a task: %v", err)
	}
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	secret := map[string]any{"Authorization": "x"}
	for name, tt := range map[string]struct {
		cfg  remote.Config
		want string
	}{
		"type missing":          {remote.Config{Preconfigured: []remote.Preconfigured{{}}}, `preconfigured webhook "": type is missing`},
		"type twice":            {remote.Config{Preconfigured: []remote.Preconfigured{{Type: "a"}, {Type: "a"}}}, `preconfigured webhook "a": there is a stage type a already`},
		"type webhook":          {remote.Config{Preconfigured: []remote.Preconfigured{{Type: "webhook"}}}, `preconfigured webhook "webhook": there is a stage type webhook already`},
		"method":                {remote.Config{Preconfigured: []remote.Preconfigured{{Type: "a", Method: "CALL"}}}, `preconfigured webhook "a": method "CALL" is no method of HTTP`},
		"status URL":            {remote.Config{Preconfigured: []remote.Preconfigured{{Type: "a", StatusURLResolution: "x"}}}, `preconfigured webhook "a": statusUrlResolution "x" is none of getMethod, locationHeader and webhookResponse`},
		"secret to anywhere":    {remote.Config{Preconfigured: []remote.Preconfigured{{Type: "a", CustomHeaders: secret}}}, `preconfigured webhook "a": it has headers that hold secrets, or a signature, and nothing says where they may be sent`},
		"secret to expression":  {remote.Config{Preconfigured: []remote.Preconfigured{{Type: "a", SensitiveHeaders: secret, URL: "https://${ parameterValues['host'] }/x"}}}, `preconfigured webhook "a": it has headers that hold secrets, or a signature, and nothing says where they may be sent`},
		"secret to half a host": {remote.Config{Preconfigured: []remote.Preconfigured{{Type: "a", Signature: &remote.Signature{}, URL: "https://example.com${ parameterValues['host'] }/x"}}}, `preconfigured webhook "a": it has headers that hold secrets, or a signature, and nothing says where they may be sent`},
		"account without place": {remote.Config{Accounts: []remote.Account{{Name: "a"}}}, `webhook account "a" has no name or no urlPrefixes`},
		"account with no URL":   {remote.Config{Accounts: []remote.Account{{Name: "a", URLPrefixes: []string{"example.com"}}}}, `webhook account "a": a prefix is no URL`},
		"pattern":               {remote.Config{Allowed: []remote.AllowedRequest{{URLPattern: "("}}}, "allowed request 1: urlPattern is no regular expression: error parsing regexp: missing closing ): `^(?:()$`"},
		"nothing to match":      {remote.Config{Allowed: []remote.AllowedRequest{{}}}, "allowed request 1 has neither urlPrefix nor urlPattern"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.cfg.Client = newClient(t, egress.Options{})
			err := remote.Register(&stage.Registry{}, tt.cfg)
			if gennaker.KindOf(err) != gennaker.Invalid || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	if err := remote.Register(&stage.Registry{}, remote.Config{}); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("without a client: %v", err)
	}
	if err := remote.Register(&stage.Registry{}, remote.Config{
		Client:        newClient(t, egress.Options{}),
		Preconfigured: []remote.Preconfigured{{Type: "a", Method: "${ parameterValues['m'] }", SensitiveHeaders: secret, URL: "https://example.com/${ parameterValues['x'] }"}},
	}); err != nil {
		t.Errorf("expressions: %v", err)
	}
}

// TestPermissions: who may run a preconfigured webhook, and who sees it.
//
// Source: Spinnaker orca PreconfiguredWebhookSpec; role names are compared
// whole here.
func TestPermissions(t *testing.T) {
	t.Parallel()
	roles := map[string][]string{"ann": {"Dev", "ops"}, "bob": {"qa"}}
	lookup := func(_ context.Context, user string) ([]string, error) {
		if user == "eve" {
			return nil, errors.New("away")
		}
		return roles[user], nil
	}
	writers := `{"type":"x","permissions":{"READ":["qa"],"WRITE":["dev"]}}`
	for name, tt := range map[string]struct {
		configured, user string
		want             string
	}{
		"a role of the user":   {writers, "ann", ""},
		"no role of the user":  {writers, "bob", "User 'bob' is not allowed to execute stage named 'x'"},
		"nobody":               {writers, "", "User 'anonymous' is not allowed to execute stage named 'x'"},
		"roles cannot be had":  {writers, "eve", "look up the roles of eve: away"},
		"only READ is limited": {`{"type":"x","permissions":{"READ":["dev"]}}`, "bob", ""},
		"empty list":           {`{"type":"x","permissions":{"WRITE":[]}}`, "bob", ""},
		"allowedRoles":         {`{"type":"x","allowedRoles":["ops"]}`, "bob", "User 'bob' is not allowed to execute stage named 'x'"},
		"in allowedRoles":      {`{"type":"x","allowedRoles":["ops"]}`, "ann", ""},
		"part of a name":       {`{"type":"x","allowedRoles":["op"]}`, "ann", "User 'ann' is not allowed to execute stage named 'x'"},
		"everybody":            {`{"type":"x"}`, "bob", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, remote.Config{Preconfigured: []remote.Preconfigured{parse(t, tt.configured)}, Roles: lookup}, "x", nil)
			w.in.Execution.Authentication.User = tt.user
			_, err := w.def.Prepare(t.Context(), w.in)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if w := newWorld(t, remote.Config{Preconfigured: []remote.Preconfigured{parse(t, writers)}}, "x", nil); w.def.Before != nil {
		t.Error("permissions are asked for where nobody knows roles")
	}
	list := []remote.Preconfigured{parse(t, writers), parse(t, `{"type":"y"}`), parse(t, `{"type":"z","enabled":false}`)}
	for who, want := range map[string]string{"bob": "x y", "ann": "y"} {
		if got := types(remote.Views(list, roles[who], false)); got != want {
			t.Errorf("%s sees %s", who, got)
		}
	}
	if got := types(remote.Views(list, nil, true)); got != "x y" {
		t.Errorf("all are %s", got)
	}
}

func types(list []remote.View) string {
	var out []string
	for _, v := range list {
		out = append(out, v.Type)
	}
	return strings.Join(out, " ")
}

// TestView: the list as Gate shows it.
//
// Source: Spinnaker orca OperationsController.preconfiguredWebhooks.
func TestView(t *testing.T) {
	t.Parallel()
	all := `"url":"http://a.example","customHeaders":{},"method":"POST","payload":"p","failFastStatusCodes":[],"statusUrlResolution":"getMethod",
		"statusJsonPath":"$.a","progressJsonPath":"$.b","successStatuses":"S","canceledStatuses":"C","terminalStatuses":"T","signalCancellation":false,
		"cancelEndpoint":"http://b.example","cancelMethod":"POST","cancelPayload":"p","waitBeforeMonitor":0,"retryStatusCodes":[]`
	for name, tt := range map[string]struct{ configured, want string }{
		"little": {`{"type":"x"}`, `{"type":"x","preconfiguredProperties":[],"noUserConfigurableFields":false}`},
		"parameters": {
			`{"type":"x","label":"X","description":"Does","url":"http://a.example","sensitiveHeaders":{"A":"b"},"parameterData":{"p":{"a":"b"}},"parameters":[{"name":"p","defaultValue":"d","order":2},{"name":"q","type":"boolean","label":"Q","description":"?"}]}`,
			`{"type":"x","label":"X","description":"Does","preconfiguredProperties":["url"],"noUserConfigurableFields":false,` +
				`"parameters":[{"name":"p","type":"string","defaultValue":"d","order":2},{"name":"q","label":"Q","description":"?","type":"boolean","order":0}],"parameterData":{"p":{"a":"b"}}}`,
		},
		"nothing is open": {
			`{"type":"x","url":"http://a.example","customHeaders":{"X-A":"b"},"method":"POST","payload":"p","waitForCompletion":false}`,
			`{"type":"x","waitForCompletion":false,"preconfiguredProperties":["url","customHeaders","method","payload","waitForCompletion"],"noUserConfigurableFields":true}`,
		},
		"payload is open": {
			`{"type":"x","url":"http://a.example","customHeaders":{"X-A":"b"},"method":"POST","waitForCompletion":false}`,
			`{"type":"x","waitForCompletion":false,"preconfiguredProperties":["url","customHeaders","method","waitForCompletion"],"noUserConfigurableFields":false}`,
		},
		"the status is open": {
			`{"type":"x","url":"http://a.example","customHeaders":{"X-A":"b"},"method":"POST","payload":"p","waitForCompletion":true}`,
			`{"type":"x","waitForCompletion":true,"preconfiguredProperties":["url","customHeaders","method","payload","waitForCompletion"],"noUserConfigurableFields":false}`,
		},
		"all is configured": {
			`{"type":"x","waitForCompletion":true,` + all + `}`,
			`{"type":"x","waitForCompletion":true,"preconfiguredProperties":["url","customHeaders","method","payload","failFastStatusCodes","waitForCompletion","statusUrlResolution",` +
				`"statusJsonPath","progressJsonPath","successStatuses","canceledStatuses","terminalStatuses","signalCancellation","cancelEndpoint","cancelMethod","cancelPayload",` +
				`"waitBeforeMonitor","retryStatusCodes"],"noUserConfigurableFields":true}`,
		},
		"it is said": {`{"type":"x","noUserConfigurableFields":true}`, `{"type":"x","preconfiguredProperties":[],"noUserConfigurableFields":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := parse(t, tt.configured)
			got, err := json.Marshal(p.View())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestRedirectKeepsSecrets: a server that redirects elsewhere does not get the
// secrets sent there.
func TestRedirectKeepsSecrets(t *testing.T) {
	t.Parallel()
	away := newServer(t, replies(200, jsonType, `{}`))
	home := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, away.URL, http.StatusTemporaryRedirect)
	})
	w := newWorld(t, remote.Config{Preconfigured: []remote.Preconfigured{deployed(t, home.URL)}}, "deployIt", map[string]any{"parameterValues": map[string]any{"version": "1"}}).evaluating()
	w.prepare()
	if o, err := w.run("createWebhook"); said(o, err) != "SUCCEEDED" {
		t.Fatal(said(o, err))
	}
	r := away.requests()[0]
	if r.Body != `{"version": "1"}` || len(r.Header["Authorization"])+len(r.Header["X-Shared"])+len(r.Header["X-Gennaker-Signature-256"]) > 0 {
		t.Errorf("sent %q with %v", r.Body, r.Header)
	}
}

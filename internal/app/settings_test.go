package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/app"
)

func TestReadSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"empty":              {text: ""},
		"all sections":       {text: "artifacts: {http: {accounts: [{name: a}]}}\nwebhook: {urls: {deniedHosts: [x.example.com]}}\njob: {preconfigured: {local: []}}\nexpression: {urls: {allowLoopback: true}}\ntasks: {execution-window: {timezone: Europe/Berlin}}\n"},
		"of the server":      {text: "api: {hosts: [box.example.com], origins: ['https://deck.example.com', 'http://localhost:9000'], rateLimit: {perSecond: 0.5, burst: 3}}\ntelemetry: {metrics: {public: true}, otlp: {endpoint: 'http://c:4318', headers: {a: env:B}}}\n"},
		"origin with a path": {text: "api: {origins: ['https://deck.example.com/']}\n", want: "api.origins"},
		"origin is a name":   {text: "api: {origins: [deck.example.com]}\n", want: "api.origins"},
		"every origin":       {text: "api: {origins: ['*']}\n", want: "api.origins"},
		"negative rate":      {text: "api: {rateLimit: {perSecond: -1}}\n", want: "api.rateLimit"},
		"burst of no rate":   {text: "api: {rateLimit: {burst: 1}}\n", want: "api.rateLimit"},
		"unknown section":    {text: "webhooks: {}\n", want: `unknown field "webhooks"`},
		"unknown key":        {text: "webhook: {timeout: 3}\n", want: `unknown field "timeout"`},
		"unknown zone":       {text: "tasks: {execution-window: {timezone: Mars/Base}}\n", want: `there is no time zone "Mars/Base"`},
		"a job":              {text: "job: {preconfigured: {kubernetes: [{type: a, account: c, manifest: {kind: Job}}], local: [{type: b, script: x}]}}\n"},
		"a bad job":          {text: "job: {preconfigured: {local: [{type: b}]}}\n", want: `"b": it has nothing to run`},
		"a Job of a node":    {text: "job: {preconfigured: {local: [{type: a, account: c, manifest: {kind: Job}}]}}\n", want: `"a" does not belong in job.preconfigured.local`},
		"a script of a pod":  {text: "job: {preconfigured: {kubernetes: [{type: a, script: x}]}}\n", want: `"a" does not belong in job.preconfigured.kubernetes`},
		"not YAML":           {text: "webhook: [", want: "did not find"},
		"a key stands twice": {text: "webhook: {}\nwebhook: {}\n", want: "already set"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := app.ReadSettings(path, false)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	none := filepath.Join(t.TempDir(), "none.yaml")
	if _, err := app.ReadSettings(none, true); err != nil {
		t.Errorf("a file that need not be there: %v", err)
	}
	if _, err := app.ReadSettings(none, false); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("a file that must be there: %v", err)
	}
}

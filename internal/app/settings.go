package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/stage/job"
	"github.com/gennaker/gennaker/internal/stage/remote"
	"github.com/gennaker/gennaker/internal/window"
)

// Settings is the configuration file. Its keys are Spinnaker's where that has
// them; the zero value is no file.
type Settings struct {
	Artifacts fetch.Config    `json:"artifacts"` // accounts that artifacts are fetched with
	Webhook   WebhookSettings `json:"webhook"`   // webhook stages
	// DockerRegistry has the accounts of registries, which Spinnaker keeps beside
	// artifacts.
	DockerRegistry fetch.Section[fetch.RegistryAccount] `json:"dockerRegistry"`
	Job            JobSettings                          `json:"job"`        // preconfigured jobs
	Expression     URLSettings                          `json:"expression"` // what expressions may fetch
	Tasks          TaskSettings                         `json:"tasks"`      // execution windows
	Kubernetes     KubernetesSettings                   `json:"kubernetes"` // clusters
	Local          LocalSettings                        `json:"local"`      // this machine
	API            APISettings                          `json:"api"`        // who may ask how much
	Telemetry      TelemetrySettings                    `json:"telemetry"`  // metrics and traces
}

// LocalSettings are those of the account of this machine.
type LocalSettings struct {
	Enabled *bool `json:"enabled"` // default true; false starts no node
}

// KubernetesSettings are the accounts of clusters.
type KubernetesSettings struct {
	Enabled *bool `json:"enabled"` // default true; false leaves the accounts of the file out
	// Accounts have the fields of access.Account. They are kept as they are
	// written, since that is how they are shown.
	Accounts []map[string]any `json:"accounts"`
}

func (k KubernetesSettings) accounts() []map[string]any {
	if k.Enabled != nil && !*k.Enabled {
		return nil
	}
	return k.Accounts
}

// WebhookSettings are those of webhook stages.
type WebhookSettings struct {
	remote.Config
	URLSettings
	CAFile             string `json:"caFile"`             // certificate authorities beside the system's, PEM
	InsecureSkipVerify bool   `json:"insecureSkipVerify"` // accept any certificate
}

// URLSettings say which addresses may be asked.
type URLSettings struct {
	URLs json.RawMessage `json:"urls"` // egress.Rules; what is not said is the default for the purpose
}

// rules returns the rules of a purpose, and over them those that are set.
// Errors: Invalid.
func (u URLSettings) rules(purpose egress.Rules) (egress.Rules, error) {
	if len(u.URLs) == 0 {
		return purpose, nil
	}
	if err := strictly(u.URLs, &purpose); err != nil {
		return purpose, gennaker.Errorf(gennaker.Invalid, "%s: %w", purpose.Setting, err)
	}
	return purpose, nil
}

// APISettings are those of the server of HTTP.
type APISettings struct {
	Hosts     []string `json:"hosts"`   // names that the server has besides localhost, without ports
	Origins   []string `json:"origins"` // sites whose pages may use the API as their users: https://deck.example.com
	RateLimit struct {
		PerSecond float64 `json:"perSecond"` // requests of one caller, on average; 0 is no limit
		Burst     int     `json:"burst"`     // at once; default perSecond, rounded up
	} `json:"rateLimit"`
}

// check returns what is wrong. Errors: Invalid.
func (a APISettings) check() error {
	for _, origin := range a.Origins {
		if err := http.NewCrossOriginProtection().AddTrustedOrigin(origin); err != nil {
			return gennaker.Errorf(gennaker.Invalid, "api.origins: %w", err).
				WithHint("write it as browsers do: https://deck.example.com, with the port if it is not the usual one, without a slash at the end")
		}
	}
	if a.RateLimit.PerSecond < 0 || a.RateLimit.Burst < 0 || a.RateLimit.PerSecond == 0 && a.RateLimit.Burst > 0 {
		return gennaker.Errorf(gennaker.Invalid, "api.rateLimit: perSecond and burst must be more than 0")
	}
	return nil
}

// TelemetrySettings are those of what operators see.
type TelemetrySettings struct {
	Metrics struct {
		Public bool `json:"public"` // GET /metrics needs no permission
	} `json:"metrics"`
	OTLP struct {
		Endpoint string                  `json:"endpoint"` // URL of a collector of OpenTelemetry; default OTEL_EXPORTER_OTLP_ENDPOINT
		Headers  map[string]fetch.Secret `json:"headers"`  // of every request to it
	} `json:"otlp"`
}

// strictly decodes JSON in which a key that is not known is a mistake: a setting
// that is not obeyed is worse than one that is refused.
func strictly(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// JobSettings are those of jobs.
type JobSettings struct {
	Preconfigured struct {
		Local      []job.Preconfigured `json:"local"`      // on the local node
		Kubernetes []job.Preconfigured `json:"kubernetes"` // in clusters
	} `json:"preconfigured"`
}

// preconfigured returns the preconfigured jobs of every provider.
func (s JobSettings) preconfigured() []job.Preconfigured {
	return slices.Concat(s.Preconfigured.Local, s.Preconfigured.Kubernetes)
}

// check reports the first job that is not possible, or stands in the wrong list.
// Errors: Invalid.
func (s JobSettings) check() error {
	for i, p := range s.preconfigured() {
		list := "kubernetes"
		if i < len(s.Preconfigured.Local) {
			list = "local"
		}
		if err := p.Check(); err != nil {
			return err
		}
		if p.CloudProvider() != list {
			return gennaker.Errorf(gennaker.Invalid, "preconfigured job %q does not belong in job.preconfigured.%s", p.Type, list).
				WithHint("jobs with a manifest stand in job.preconfigured.kubernetes, the others in job.preconfigured.local")
		}
	}
	return nil
}

// TaskSettings are those of tasks.
type TaskSettings struct {
	ExecutionWindow struct {
		Timezone string `json:"timezone"` // default America/Los_Angeles, Spinnaker's
	} `json:"execution-window"`
}

// maxSettings bounds the configuration file, in bytes.
const maxSettings = 4 << 20

// ReadSettings reads a configuration file. One that does not exist is empty if
// optional.
//
// Errors: Invalid, with the field.
func ReadSettings(path string, optional bool) (Settings, error) {
	var s Settings
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && optional:
		return s, nil
	case err != nil:
		return s, gennaker.Errorf(gennaker.Invalid, "the configuration cannot be read: %w", err)
	case info.Size() > maxSettings:
		return s, gennaker.Errorf(gennaker.TooLarge, "the configuration %s has more than %d bytes", path, maxSettings)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the administrator names it
	if err != nil {
		return s, gennaker.Errorf(gennaker.Invalid, "the configuration cannot be read: %w", err)
	}
	if text, err = yaml.YAMLToJSONStrict(text); err == nil {
		err = strictly(text, &s)
	}
	if err == nil {
		_, err = s.location()
	}
	if err == nil {
		err = s.API.check()
	}
	if err == nil {
		err = s.Job.check()
	}
	if err != nil {
		return s, gennaker.Errorf(gennaker.Invalid, "the configuration %s: %w", path, err).
			WithHint("docs/reference/config.md has all settings")
	}
	return s, nil
}

// location returns where execution windows are.
func (s Settings) location() (*time.Location, error) {
	zone := cmp.Or(s.Tasks.ExecutionWindow.Timezone, window.DefaultZone)
	at, err := time.LoadLocation(zone)
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "tasks.execution-window.timezone: there is no time zone %q", zone).
			WithHint("write it as Europe/Berlin")
	}
	return at, nil
}

// secret returns what a reference to a secret stands for: remote.Config.Secret.
func secret(_ context.Context, reference string) (string, error) {
	return fetch.Secret(reference).Resolve()
}

package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	Artifacts  fetch.Config    `json:"artifacts"`  // accounts that artifacts are fetched with
	Webhook    WebhookSettings `json:"webhook"`    // webhook stages
	Job        JobSettings     `json:"job"`        // preconfigured jobs
	Expression URLSettings     `json:"expression"` // what expressions may fetch
	Tasks      TaskSettings    `json:"tasks"`      // execution windows
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
	URLs *egress.Rules `json:"urls"` // absent is the default for the purpose
}

// rules returns the rules, or else those of a purpose.
func (u URLSettings) rules(of egress.Rules) egress.Rules {
	if u.URLs == nil {
		return of
	}
	rules := *u.URLs
	rules.Setting = of.Setting
	return rules
}

// JobSettings are those of jobs.
type JobSettings struct {
	Preconfigured struct {
		Local []job.Preconfigured `json:"local"` // on the local node
	} `json:"preconfigured"`
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
		err = strictSections(text)
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err == nil {
		_, err = s.location()
	}
	if err != nil {
		return s, gennaker.Errorf(gennaker.Invalid, "the configuration %s: %w", path, err).
			WithHint("docs/reference/config.md has all settings")
	}
	return s, nil
}

// strictSections refuses sections that do not exist: a setting that is not
// obeyed is worse than one that is refused.
func strictSections(text []byte) error {
	var sections map[string]json.RawMessage
	if err := json.Unmarshal(text, &sections); err != nil {
		return err
	}
	for name := range sections {
		switch name {
		case "artifacts", "webhook", "job", "expression", "tasks":
		default:
			return fmt.Errorf("there is no section %q; there are artifacts, expression, job, tasks and webhook", name)
		}
	}
	return nil
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

package remote

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/stage"
)

// Config is what the stages need. Only Client is required.
//
// Source: Spinnaker orca WebhookProperties, for the fields with json tags.
type Config struct {
	Client *egress.Client `json:"-"`

	Preconfigured []Preconfigured `json:"preconfigured"`
	Accounts      []Account       `json:"accounts"`

	RetryCodes       []int `json:"defaultRetryStatusCodes"` // nil is 429
	MaxResponseBytes int64 `json:"maxResponseBytes"`        // 0 is 1 MiB; a body is stored in the stage

	Restrict bool             `json:"allowedRequestsEnabled"` // only Allowed may be requested
	Allowed  []AllowedRequest `json:"allowedRequests"`

	KeyHeader string `json:"idempotencyHeader"` // "" is Idempotency-Key

	// Secret returns the value of a secret of the configuration: a header or the
	// key of a signature. It is asked at each request; what is no reference it
	// returns as it is. nil takes all of them as they are.
	Secret func(ctx context.Context, reference string) (string, error) `json:"-"`
	// Roles returns the roles of a user. Without it, permissions of
	// preconfigured webhooks are not enforced.
	Roles func(ctx context.Context, user string) ([]string, error) `json:"-"`
	// BindProduced is the last step of a stage with expectedArtifacts; without a
	// Task there is none.
	BindProduced stage.Step `json:"-"`
}

// AllowedRequest is a kind of request that is allowed.
type AllowedRequest struct {
	Methods     []string `json:"httpMethods"`
	URLPrefix   string   `json:"urlPrefix"`
	URLPattern  string   `json:"urlPattern"` // a regular expression for the whole URL; goes before URLPrefix
	SafeToRetry bool     `json:"safeToRetry"`

	pattern *regexp.Regexp
}

// Account gives the requests of the stages that name it headers, and a
// signature.
type Account struct {
	Name        string         `json:"name"`
	URLPrefixes []string       `json:"urlPrefixes"` // where they may be sent; at least one
	Headers     map[string]any `json:"headers"`     // texts, or lists of texts; secrets
	Signature   *Signature     `json:"signature"`
}

// Signature lets a receiver tell that a request is ours: HMAC-SHA256 of its
// body, as "sha256=" and hexadecimal digits.
type Signature struct {
	Secret string `json:"secret"` // the key, or a reference to it
	Header string `json:"header"` // "" is X-Gennaker-Signature-256
}

// Defaults, and Spinnaker's times.
const (
	defaultMaxBytes  = 1 << 20
	keyHeader        = "Idempotency-Key"
	signatureHeader  = "X-Gennaker-Signature-256"
	createTimeout    = 5 * time.Minute
	createBackoff    = 10 * time.Second
	monitorTimeout   = time.Hour
	monitorBackoff   = time.Second
	monitorBackoff2  = 15 * time.Second
	monitorQuick     = time.Minute // how long monitorBackoff holds
	maxWait          = 10 * 365 * 24 * time.Hour
	maxPast          = 1000 // status codes that a stage remembers
	maxBackoff       = 24 * time.Hour
	safelyShownBytes = 2000 // of a URL in a message
)

// Register adds the stage type webhook, and one for each preconfigured webhook
// that is enabled.
//
// Errors: Invalid for a configuration that is wrong.
func Register(r *stage.Registry, cfg Config) error {
	if cfg.Client == nil {
		return gennaker.Errorf(gennaker.Invalid, "webhooks need a client")
	}
	if cfg.RetryCodes == nil {
		cfg.RetryCodes = []int{429}
	}
	if cfg.MaxResponseBytes <= 0 {
		cfg.MaxResponseBytes = defaultMaxBytes
	}
	if cfg.KeyHeader == "" {
		cfg.KeyHeader = keyHeader
	}
	if err := cfg.compile(); err != nil {
		return err
	}
	stage.Add[webhookConfig](r, webhook{cfg: &cfg}.definition("webhook"))
	for i := range cfg.Preconfigured {
		p := &cfg.Preconfigured[i]
		if !p.enabled() {
			continue
		}
		if err := p.check(); err != nil {
			return fmt.Errorf("preconfigured webhook %q: %w", p.Type, err)
		}
		if d, err := r.Find(p.Type); err == nil {
			return gennaker.Errorf(gennaker.Invalid, "preconfigured webhook %q: there is a stage type %s already", p.Type, d.Type).
				WithHint("give it another type")
		}
		stage.Add[webhookConfig](r, webhook{cfg: &cfg, preconfigured: p}.definition(p.Type))
	}
	return nil
}

// compile reads the patterns and prefixes of the configuration.
func (cfg *Config) compile() error {
	cfg.Allowed = slices.Clone(cfg.Allowed)
	for i := range cfg.Allowed {
		a := &cfg.Allowed[i]
		if a.URLPrefix == "" && a.URLPattern == "" {
			return gennaker.Errorf(gennaker.Invalid, "allowed request %d has neither urlPrefix nor urlPattern", i+1)
		}
		if a.URLPattern == "" {
			continue
		}
		var err error
		if a.pattern, err = regexp.Compile("^(?:" + a.URLPattern + ")$"); err != nil {
			return gennaker.Errorf(gennaker.Invalid, "allowed request %d: urlPattern is no regular expression: %w", i+1, err)
		}
	}
	for _, a := range cfg.Accounts {
		if a.Name == "" || len(a.URLPrefixes) == 0 {
			return gennaker.Errorf(gennaker.Invalid, "webhook account %q has no name or no urlPrefixes", a.Name).
				WithHint("say where its headers and its signature may be sent")
		}
		for _, p := range a.URLPrefixes {
			if u, err := egress.Parse(p); err != nil || u.Host == "" {
				return gennaker.Errorf(gennaker.Invalid, "webhook account %q: a prefix is no URL", a.Name)
			}
		}
	}
	return nil
}

// allowed returns the entry that allows a request, and whether it is allowed.
func (cfg *Config) allowed(method string, u *url.URL) (entry AllowedRequest, ok bool) {
	if !cfg.Restrict {
		return AllowedRequest{}, true
	}
	text := u.String()
	i := slices.IndexFunc(cfg.Allowed, func(a AllowedRequest) bool {
		if !slices.ContainsFunc(a.Methods, func(m string) bool { return strings.EqualFold(m, method) }) {
			return false
		}
		if a.pattern != nil {
			return a.pattern.MatchString(text)
		}
		return strings.HasPrefix(text, a.URLPrefix)
	})
	if i < 0 {
		return AllowedRequest{}, false
	}
	return cfg.Allowed[i], true
}

// webhook is a stage type: the general one, or a preconfigured one.
type webhook struct {
	cfg           *Config
	preconfigured *Preconfigured // nil for the general one
}

// definition returns the stage type.
//
// Source: Spinnaker orca WebhookStage, PreconfiguredWebhookStage.
func (w webhook) definition(name string) stage.Definition {
	d := stage.Definition{
		Type: name,
		Steps: []stage.Step{
			{Name: "createWebhook", Task: create{w}, If: creates, Timeout: createTimeout},
			{Name: "waitBeforeMonitorWebhook", Task: waitBefore{w}, If: waitsBefore},
			{Name: "monitorWebhook", Task: monitor{w}, If: monitors, Timeout: monitorTimeout},
		},
		OnFailure: w.onFailure,
		Restart:   restart,
		Verbatim:  verbatim,
	}
	if bind := w.cfg.BindProduced; bind.Task != nil {
		asked := bind.If
		bind.If = func(in stage.Input) bool { return expectsArtifacts(in.Stage.Context) && (asked == nil || asked(in)) }
		d.Steps = append(d.Steps, bind)
	}
	if w.preconfigured != nil {
		d.Start = w.preconfigured.start
		if p := w.preconfigured; len(p.Permissions)+len(p.AllowedRoles) > 0 && w.cfg.Roles != nil {
			d.Before = w.permitted
		}
	}
	return d
}

// creates is true also for what cannot be read, so that a task says so.
func creates(in stage.Input) bool {
	c, err := readConfig(in.Stage.Context)
	return err != nil || !c.MonitorOnly || !c.WaitForCompletion
}

func waitsBefore(in stage.Input) bool {
	c, err := readConfig(in.Stage.Context)
	return err == nil && c.WaitForCompletion && c.WaitBeforeMonitor > 0
}

func monitors(in stage.Input) bool {
	c, err := readConfig(in.Stage.Context)
	return err == nil && c.WaitForCompletion
}

func expectsArtifacts(context map[string]any) bool {
	list, ok := context["expectedArtifacts"].([]any)
	return ok && len(list) > 0
}

// restart takes out what a run put into the context. The status endpoint is the
// user's in a stage that only monitors.
func restart(context map[string]any) {
	delete(context, webhookKey)
	if c, err := readConfig(context); err == nil && !c.MonitorOnly {
		delete(context, statusEndpointKey)
	}
}

// verbatim keeps what another system answered from being evaluated: it may hold
// expressions.
func verbatim(in stage.Input) []string {
	keys := []string{webhookKey}
	if c, err := readConfig(in.Stage.Context); err == nil && !c.MonitorOnly && in.Stage.Context[webhookKey] != nil {
		keys = append(keys, statusEndpointKey, artifactsKey)
	}
	return keys
}

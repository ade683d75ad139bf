package remote

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/stage"
)

// Preconfigured is a webhook of the configuration: a stage type of its own,
// whose fields take the place of the stage's. Texts in them may hold
// expressions, ${ parameterValues['x'] } above all; what is nil or empty is the
// stage's to say.
//
// Source: Spinnaker orca WebhookProperties.PreconfiguredWebhook; Signature and
// SecretOrigins are ours.
type Preconfigured struct {
	Type        string              `json:"type"`
	Label       string              `json:"label"`
	Description string              `json:"description"`
	Enabled     *bool               `json:"enabled"` // nil is true
	Parameters  []Parameter         `json:"parameters"`
	Permissions map[string][]string `json:"permissions"` // roles by READ and WRITE; empty is everybody
	// AllowedRoles may run the stage: another way to write permissions.WRITE.
	AllowedRoles             []string                     `json:"allowedRoles"`
	ParameterData            map[string]map[string]string `json:"parameterData"`   // shown by Deck
	ParameterValues          map[string]any               `json:"parameterValues"` // over those of the stage
	NoUserConfigurableFields *bool                        `json:"noUserConfigurableFields"`

	URL           string         `json:"url"`
	Method        string         `json:"method"`
	Payload       any            `json:"payload"`
	CustomHeaders map[string]any `json:"customHeaders"` // texts, or lists of texts
	// SensitiveHeaders are sent, and never shown. Headers of CustomHeaders whose
	// names say that they hold a secret are taken for such.
	SensitiveHeaders map[string]any `json:"sensitiveHeaders"`
	Signature        *Signature     `json:"signature"`
	// SecretOrigins are places besides those of URL and CancelEndpoint where
	// secrets may be sent, like https://status.example.com.
	SecretOrigins []string `json:"secretOrigins"`

	FailFastStatusCodes     []int    `json:"failFastStatusCodes"`
	WebhookRetryStatusCodes []int    `json:"webhookRetryStatusCodes"`
	WaitForCompletion       *bool    `json:"waitForCompletion"`
	WaitBeforeMonitor       *float64 `json:"waitBeforeMonitor"` // seconds
	StatusURLResolution     string   `json:"statusUrlResolution"`
	StatusURLJSONPath       string   `json:"statusUrlJsonPath"`
	StatusJSONPath          string   `json:"statusJsonPath"`
	ProgressJSONPath        string   `json:"progressJsonPath"`
	SuccessStatuses         string   `json:"successStatuses"`
	CanceledStatuses        string   `json:"canceledStatuses"`
	TerminalStatuses        string   `json:"terminalStatuses"`
	RetryStatusCodes        []int    `json:"retryStatusCodes"`
	SignalCancellation      *bool    `json:"signalCancellation"`
	CancelEndpoint          string   `json:"cancelEndpoint"`
	CancelMethod            string   `json:"cancelMethod"`
	CancelPayload           any      `json:"cancelPayload"`
}

// Parameter is what a preconfigured webhook asks of who uses it.
type Parameter struct {
	Name         string `json:"name"`
	Label        string `json:"label,omitempty"`
	Description  string `json:"description,omitempty"`
	Type         string `json:"type"` // "" is string
	DefaultValue any    `json:"defaultValue,omitempty"`
	Order        int    `json:"order"`
}

func (p *Preconfigured) enabled() bool { return p.Enabled == nil || *p.Enabled }

// fields returns what takes the place of the stage's own, by name: only what is
// configured. customHeaders are without those that hold secrets.
func (p *Preconfigured) fields() map[string]any {
	out := map[string]any{}
	for name, v := range map[string]string{
		"url": p.URL, "method": p.Method, "statusUrlResolution": p.StatusURLResolution, "statusUrlJsonPath": p.StatusURLJSONPath,
		"statusJsonPath": p.StatusJSONPath, "progressJsonPath": p.ProgressJSONPath, "successStatuses": p.SuccessStatuses,
		"canceledStatuses": p.CanceledStatuses, "terminalStatuses": p.TerminalStatuses, "cancelEndpoint": p.CancelEndpoint, "cancelMethod": p.CancelMethod,
	} {
		if v != "" {
			out[name] = v
		}
	}
	for name, v := range map[string][]int{
		"failFastStatusCodes": p.FailFastStatusCodes, "webhookRetryStatusCodes": p.WebhookRetryStatusCodes, "retryStatusCodes": p.RetryStatusCodes,
	} {
		if v != nil {
			list := make([]any, len(v))
			for i, n := range v {
				list[i] = float64(n)
			}
			out[name] = list
		}
	}
	for name, v := range map[string]*bool{"waitForCompletion": p.WaitForCompletion, "signalCancellation": p.SignalCancellation} {
		if v != nil {
			out[name] = *v
		}
	}
	for name, v := range map[string]any{"payload": p.Payload, "cancelPayload": p.CancelPayload} {
		if v != nil {
			out[name] = v
		}
	}
	if p.WaitBeforeMonitor != nil {
		out["waitBeforeMonitor"] = *p.WaitBeforeMonitor
	}
	if p.CustomHeaders != nil {
		open := maps.Clone(p.CustomHeaders)
		maps.DeleteFunc(open, func(name string, _ any) bool { return secretName(name) })
		out["customHeaders"] = open
	}
	return out
}

// start puts the configured fields over the stage's own, and completes its
// parameters.
//
// Source: Spinnaker orca PreconfiguredWebhookStage; the defaults of parameters
// are Deck's, there.
func (p *Preconfigured) start(context map[string]any) map[string]any {
	out := maps.Clone(context)
	if out == nil {
		out = map[string]any{}
	}
	maps.Copy(out, p.fields())
	values := map[string]any{}
	for _, parameter := range p.Parameters {
		if parameter.DefaultValue != nil {
			values[parameter.Name] = parameter.DefaultValue
		}
	}
	given, _ := context["parameterValues"].(map[string]any)
	maps.Copy(values, given)
	maps.Copy(values, p.ParameterValues)
	out["parameterValues"] = values
	return out
}

// secretName reports whether a header of that name holds a secret.
func secretName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "token", "secret", "password", "cookie", "credential", "key", "signature"}, func(s string) bool {
		return strings.Contains(name, s)
	})
}

// secretHeaders returns the headers that are never in a context.
func (p *Preconfigured) secretHeaders() map[string]any {
	out := map[string]any{}
	for name, v := range p.CustomHeaders {
		if secretName(name) {
			out[name] = v
		}
	}
	maps.Copy(out, p.SensitiveHeaders)
	return out
}

// origins returns where secrets may be sent: the fixed beginnings of the
// configured URLs.
func (p *Preconfigured) origins() []string {
	var out []string
	for _, s := range append([]string{p.URL, p.CancelEndpoint}, p.SecretOrigins...) {
		if o := fixedOrigin(s); o != "" {
			out = append(out, o)
		}
	}
	return out
}

// fixedOrigin returns the scheme, host and port of a URL that may hold
// expressions; "" if they themselves depend on one.
func fixedOrigin(template string) string {
	fixed, _, open := strings.Cut(template, "${")
	scheme, rest, ok := strings.Cut(fixed, "://")
	if !ok {
		return ""
	}
	authority, _, path := strings.Cut(rest, "/")
	if open && !path {
		return ""
	}
	u, err := egress.Parse(scheme + "://" + authority)
	if err != nil || u.Host == "" {
		return ""
	}
	return egress.Origin(u)
}

// check returns what is wrong with the configuration.
func (p *Preconfigured) check() error {
	if p.Type == "" {
		return gennaker.Errorf(gennaker.Invalid, "type is missing").WithHint("set type to the name of a stage type of its own")
	}
	if (len(p.secretHeaders()) > 0 || p.Signature != nil) && len(p.origins()) == 0 {
		return gennaker.Errorf(gennaker.Invalid, "it has headers that hold secrets, or a signature, and nothing says where they may be sent").
			WithHint("set url to one whose host is no expression, or list the places in secretOrigins")
	}
	context := p.fields()
	for k, v := range context { // those with expressions are checked when they are evaluated
		if stage.HasExpression(v) {
			delete(context, k)
		}
	}
	if _, err := readConfig(context); err != nil {
		return err
	}
	return nil
}

// permitted refuses users who may not run the stage.
//
// Source: Spinnaker orca PreconfiguredWebhookStage.taskGraph.
func (w webhook) permitted(ctx context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	user := in.Execution.Authentication.User
	if user == "" {
		user = "anonymous"
	}
	roles, err := w.cfg.Roles(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("look up the roles of %s: %w", user, err)
	}
	if !w.preconfigured.Permits("WRITE", roles) {
		return nil, gennaker.Errorf(gennaker.Denied, "User '%s' is not allowed to execute stage named '%s'", user, in.Stage.Type).
			WithHint("its permissions are in the configuration, under webhook.preconfigured")
	}
	return nil, nil
}

// Permits reports whether one of roles has a permission, READ or WRITE. Without
// roles configured for it, everybody has.
func (p *Preconfigured) Permits(permission string, roles []string) bool {
	allowed := p.Permissions[permission]
	if permission == "WRITE" {
		allowed = append(slices.Clone(allowed), p.AllowedRoles...)
	}
	return len(allowed) == 0 || slices.ContainsFunc(allowed, func(a string) bool {
		return slices.ContainsFunc(roles, func(r string) bool { return strings.EqualFold(a, r) })
	})
}

// View is a preconfigured webhook as Gate lists it.
//
// Source: Spinnaker gate GET /webhooks/preconfigured.
type View struct {
	Type                     string                       `json:"type"`
	Label                    string                       `json:"label,omitempty"`
	Description              string                       `json:"description,omitempty"`
	WaitForCompletion        *bool                        `json:"waitForCompletion,omitempty"`
	PreconfiguredProperties  []string                     `json:"preconfiguredProperties"`
	NoUserConfigurableFields bool                         `json:"noUserConfigurableFields"`
	Parameters               []Parameter                  `json:"parameters,omitempty"`
	ParameterData            map[string]map[string]string `json:"parameterData,omitempty"`
}

// Views returns those of list that are enabled and that roles may read, in the
// order of the configuration. With all, nobody is asked for roles.
func Views(list []Preconfigured, roles []string, all bool) []View {
	out := []View{}
	for i := range list {
		if p := &list[i]; p.enabled() && (all || p.Permits("READ", roles)) {
			out = append(out, p.View())
		}
	}
	return out
}

// viewed are the fields that Gate counts, in its order.
var viewed = []string{
	"url", "customHeaders", "method", "payload", "failFastStatusCodes", "waitForCompletion", "statusUrlResolution", "statusUrlJsonPath",
	"statusJsonPath", "progressJsonPath", "successStatuses", "canceledStatuses", "terminalStatuses", "signalCancellation",
	"cancelEndpoint", "cancelMethod", "cancelPayload", "waitBeforeMonitor", "retryStatusCodes",
}

// View returns p as Gate lists it.
func (p *Preconfigured) View() View {
	out := View{
		Type: p.Type, Label: p.Label, Description: p.Description, WaitForCompletion: p.WaitForCompletion,
		PreconfiguredProperties: []string{}, ParameterData: p.ParameterData,
	}
	fields := p.fields()
	has := func(name string) bool { _, ok := fields[name]; return ok }
	for _, name := range viewed {
		if has(name) {
			out.PreconfiguredProperties = append(out.PreconfiguredProperties, name)
		}
	}
	for _, parameter := range p.Parameters {
		if parameter.Type == "" {
			parameter.Type = "string"
		}
		out.Parameters = append(out.Parameters, parameter)
	}
	switch wait := p.WaitForCompletion; {
	case p.NoUserConfigurableFields != nil:
		out.NoUserConfigurableFields = *p.NoUserConfigurableFields
	case wait == nil:
	case *wait:
		most := len(viewed)
		if p.StatusURLResolution != webhookResponse {
			most-- // statusUrlJsonPath has no meaning
		}
		out.NoUserConfigurableFields = len(out.PreconfiguredProperties) >= most
	default:
		out.NoUserConfigurableFields = has("url") && has("customHeaders") && has("method") && has("payload")
	}
	return out
}

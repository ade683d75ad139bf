package meta

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/cron"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/stage/schema"
)

// RawUserBody is the answer of GET /auth/rawUser.
//
// Source: Gate's User.
type RawUserBody struct {
	Username        string   `json:"username"`
	Email           string   `json:"email"`
	Roles           []string `json:"roles"`
	AllowedAccounts []string `json:"allowedAccounts"`
}

func (h handlers) rawUser(r *api.Request) (RawUserBody, error) {
	name := r.Caller.User
	if name == gennaker.Anonymous {
		name = "anonymous" // as Gate writes it
	}
	return RawUserBody{Username: name, Email: name, Roles: []string{}, AllowedAccounts: api.OrEmpty(h.Accounts())}, nil
}

func loggedOut(*api.Request) (*api.Content, error) {
	return &api.Content{Text: "Nobody is logged in or out here: this server asks for no login.\n"}, nil
}

// redirect sends a browser to a page of this server, or of one of the origins.
//
// Source: Gate's AuthController, whose words the error has.
func (h handlers) redirect(r *api.Request) (api.Nothing, error) {
	to := r.Query("to")
	if !h.recognized(to) {
		return api.Nothing{}, gennaker.Errorf(gennaker.Invalid, "Requested redirect address not recognized.").
			WithHint("it must be a path of this server, or an address of one of the origins that the configuration allows")
	}
	r.Answer.Set("Location", to)
	return api.Nothing{}, nil
}

func (h handlers) recognized(to string) bool {
	u, err := url.Parse(to)
	if err != nil || to == "" || strings.ContainsAny(to, "\\\r\n\t") {
		return false
	}
	if u.Scheme == "" && u.Host == "" {
		return strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//")
	}
	return (u.Scheme == "https" || u.Scheme == "http") && u.User == nil && slices.Contains(h.Origins, u.Scheme+"://"+u.Host)
}

// CronBody is the answer of GET /cron/validate.
//
// Source: Gate's CronService.
type CronBody struct {
	Valid       bool   `json:"valid"`
	Description string `json:"description,omitzero"` // when it fires, in English
	Message     string `json:"message,omitzero"`     // what is wrong with it
}

func validateCron(r *api.Request) (CronBody, error) {
	e, err := cron.Parse(r.Query("expression"))
	switch {
	case err != nil:
		return CronBody{Message: err.Error()}, nil
	case e.Fuzzy:
		return CronBody{Valid: true, Description: "No description available for fuzzy cron expressions"}, nil
	}
	return CronBody{Valid: true, Description: e.Describe()}, nil
}

// QuietPeriodBody says when triggers are suppressed; times are milliseconds since
// 1970, or -1.
//
// Source: Spinnaker echo's QuietPeriodController.
type QuietPeriodBody struct {
	Enabled       bool  `json:"enabled"`
	InQuietPeriod bool  `json:"inQuietPeriod"`
	StartTime     int64 `json:"startTime"`
	EndTime       int64 `json:"endTime"`
}

// CapabilitiesBody is what expressions can do.
//
// Source: Spinnaker orca's ExpressionCapabilityResult.
type CapabilitiesBody struct {
	Functions  []FunctionCapability  `json:"functions"`
	Evaluators []EvaluatorCapability `json:"spelEvaluators"`
}

// FunctionCapability is what expressions call as #name(…).
type FunctionCapability struct {
	Name       string                `json:"name"`
	Parameters []ParameterCapability `json:"parameters"` // as many as may be given; of any number, as many as must
}

// ParameterCapability is an argument of a function.
type ParameterCapability struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// EvaluatorCapability is a version of the language.
type EvaluatorCapability struct {
	VersionKey   string `json:"versionKey"`
	DisplayName  string `json:"displayName"`
	Description  string `json:"description"`
	IsDeprecated bool   `json:"isDeprecated"`
}

func expressions(*api.Request) (CapabilitiesBody, error) {
	body := CapabilitiesBody{Evaluators: []EvaluatorCapability{
		{"v4", "v4", "Expressions are evaluated when a stage starts; each variable of an evaluateVariables stage sees those before it.", false},
		{"v3", "v3 (default)", "Expressions are evaluated as soon as they can be.", false},
	}}
	all := expr.Functions()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f := FunctionCapability{Name: name, Parameters: []ParameterCapability{}}
		for i := range max(all[name].Min, all[name].Max) {
			f.Parameters = append(f.Parameters, ParameterCapability{fmt.Sprintf("value%d", i+1), "Object"})
		}
		body.Functions = append(body.Functions, f)
	}
	return body, nil
}

// NodeState is how a node is.
type NodeState string

// The states.
const (
	NodeUp   NodeState = "UP"
	NodeDown NodeState = "DOWN" // it does not answer; the server starts it again
	NodeOff  NodeState = "OFF"  // the configuration wants none
)

// NodeBody is how the node of this machine is.
type NodeBody struct {
	State     NodeState     `json:"state"`
	Reason    string        `json:"reason,omitzero"` // why it is down
	PID       int           `json:"pid,omitzero"`
	Instances int           `json:"instances"` // that it runs
	Balancers int           `json:"loadBalancers"`
	Jobs      int           `json:"jobs"` // that run
	Version   string        `json:"version,omitzero"`
	Since     gennaker.Time `json:"since,omitzero"` // when it was started
	Problems  []string      `json:"problems"`       // what it could not read when it was started
}

func (h handlers) node(r *api.Request) (NodeBody, error) {
	body := NodeBody{State: NodeOff}
	if h.Node != nil {
		body = h.Node(r.Context())
	}
	body.Problems = api.OrEmpty(body.Problems)
	return body, nil
}

// stages describes the stage types, from which forms are made.
func (h handlers) stages(*api.Request) (*schema.Catalog, error) {
	c := h.Stages()
	return &c, nil
}

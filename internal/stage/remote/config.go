package remote

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/stage"
)

// Keys of the context that the tasks write.
const (
	webhookKey        = "webhook"
	statusEndpointKey = "statusEndpoint"
	artifactsKey      = "artifacts"
	waitTimeKey       = "waitTime"
)

// webhookConfig is the configuration of a webhook stage.
//
// Source: Spinnaker orca WebhookStage.StageData.
type webhookConfig struct {
	URL                 string           `json:"url"`                                                                 // what is requested
	Method              string           `json:"method"`                                                              // of the request; default POST
	Payload             any              `json:"payload"`                                                             // its body: JSON, or a text that is sent as it is
	CustomHeaders       map[string]any   `json:"customHeaders"`                                                       // its headers: texts, or lists of texts
	Account             string           `json:"account"`                                                             // of the configuration, which adds headers and a signature
	FailFastCodes       []int            `json:"failFastStatusCodes"`                                                 // statuses that fail the stage at once; default 504
	WebhookRetryCodes   []int            `json:"webhookRetryStatusCodes"`                                             // statuses besides 5xx and 429 with which the request is tried again
	WaitForCompletion   bool             `json:"waitForCompletion"`                                                   // watch a status until it ends the stage
	MonitorOnly         bool             `json:"monitorOnly"`                                                         // only watch; nothing is requested before
	WaitBeforeMonitor   float64          `json:"waitBeforeMonitor"`                                                   // seconds before the first look
	WaitTime            any              `json:"waitTime"`                                                            // seconds; in place of waitBeforeMonitor
	SkipRemainingWait   bool             `json:"skipRemainingWait"`                                                   // set while it waits, by hand
	StatusURLResolution string           `json:"statusUrlResolution" enum:"getMethod|locationHeader|webhookResponse"` // where the status is: getMethod (same URL, default), locationHeader or webhookResponse
	StatusURLJSONPath   string           `json:"statusUrlJsonPath"`                                                   // its URL in the answer, for webhookResponse
	StatusEndpoint      string           `json:"statusEndpoint"`                                                      // its URL, for monitorOnly
	StatusJSONPath      string           `json:"statusJsonPath"`                                                      // the status in the answer; without it any good answer ends the stage
	ProgressJSONPath    string           `json:"progressJsonPath"`                                                    // a text that says how it goes
	SuccessStatuses     *string          `json:"successStatuses"`                                                     // separated by commas
	CanceledStatuses    string           `json:"canceledStatuses"`                                                    // separated by commas
	TerminalStatuses    string           `json:"terminalStatuses"`                                                    // separated by commas
	RetryCodes          []int            `json:"retryStatusCodes"`                                                    // statuses besides 5xx and 429 after which it looks again
	Retries             map[string]retry `json:"retries"`                                                             // by status, in place of all that
	SignalCancellation  *bool            `json:"signalCancellation"`                                                  // tell another URL when the stage is canceled or fails; default if it is given
	CancelEndpoint      string           `json:"cancelEndpoint"`                                                      // that URL
	CancelMethod        string           `json:"cancelMethod"`                                                        // default POST
	CancelPayload       any              `json:"cancelPayload"`                                                       // JSON, or a text that is sent as it is
	ExpectedArtifacts   []any            `json:"expectedArtifacts"`                                                   // bound to the artifacts in the answer
	ParameterValues     map[string]any   `json:"parameterValues"`                                                     // of a preconfigured webhook
	BackoffMS           float64          `json:"backoffPeriodMs"`                                                     // milliseconds between attempts, if that is longer
}

type retry struct {
	MaxAttempts int `json:"maxAttempts"` // how often a status may come before the one that fails the stage
}

// Where the status of a webhook is.
const (
	getMethod       = "getMethod"
	locationHeader  = "locationHeader"
	webhookResponse = "webhookResponse"
)

// methods are those of Spring's HttpMethod.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}

// readConfig reads the configuration, with its defaults.
func readConfig(context map[string]any) (webhookConfig, error) {
	c, err := stage.Decode[webhookConfig](context)
	if err != nil {
		return c, err
	}
	if _, ok := context["failFastStatusCodes"]; !ok {
		c.FailFastCodes = []int{504}
	}
	if c.Method, err = method(c.Method, "method"); err != nil {
		return c, err
	}
	if c.CancelMethod, err = method(c.CancelMethod, "cancelMethod"); err != nil {
		return c, err
	}
	switch c.StatusURLResolution {
	case "":
		c.StatusURLResolution = getMethod
	case getMethod, locationHeader, webhookResponse:
	default:
		return c, gennaker.Errorf(gennaker.Invalid, "statusUrlResolution %q is none of getMethod, locationHeader and webhookResponse", c.StatusURLResolution)
	}
	return c, nil
}

func method(name, field string) (string, error) {
	if name == "" {
		return "POST", nil
	}
	name = strings.ToUpper(name)
	if !slices.Contains(methods, name) {
		return "", gennaker.Errorf(gennaker.Invalid, "%s %q is no method of HTTP", field, name).WithHint("use one of %s", strings.Join(methods, ", "))
	}
	return name, nil
}

// backoff returns how long to wait before the next attempt.
//
// Source: execution model, section 7.
func (c webhookConfig) backoff(least time.Duration) time.Duration {
	if c.BackoffMS >= float64(maxBackoff.Milliseconds()) {
		return maxBackoff
	}
	return max(least, time.Duration(c.BackoffMS)*time.Millisecond)
}

// wait returns how long to wait before the first look at the status.
func (c webhookConfig) wait() (time.Duration, error) {
	seconds := c.WaitBeforeMonitor
	switch v := c.WaitTime.(type) {
	case float64:
		seconds = v
	case string:
		var err error
		if seconds, err = strconv.ParseFloat(v, 64); err != nil {
			return 0, gennaker.Errorf(gennaker.Invalid, "waitTime %q is no number of seconds", v)
		}
	}
	if !(seconds >= 0 && seconds <= maxWait.Seconds()) { // NaN is neither
		return 0, gennaker.Errorf(gennaker.Invalid, "waiting for %v seconds is not between 0 and %v", seconds, maxWait.Seconds())
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// shown returns a URL as messages may show it: without user and password.
func shown(address string) string {
	if len(address) > safelyShownBytes {
		address = strings.ToValidUTF8(address[:safelyShownBytes], "") + "…"
	}
	if !strings.Contains(address, "@") {
		return address
	}
	u, err := egress.Parse(address)
	if err != nil {
		return "the URL"
	}
	u.User = nil
	return u.String()
}

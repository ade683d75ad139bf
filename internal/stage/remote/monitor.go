package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/stage"
)

// monitor looks at the status of a webhook until it ends the stage.
//
// Source: Spinnaker orca MonitorWebhookTask.
type monitor struct{ webhook }

// Run looks once.
func (t monitor) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := readConfig(in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	endpoint, err := c.endpoint()
	if err != nil {
		return stage.Outcome{}, err
	}
	answer, _, err := t.send(ctx, in, c, order{method: http.MethodGet, url: endpoint})
	if ctx.Err() != nil {
		return stage.Outcome{}, context.Cause(ctx)
	}
	if asked := (*egress.Error)(nil); err != nil && !errors.As(err, &asked) {
		return stage.Outcome{}, err
	}
	return newLook(c, in, endpoint).outcome(answer, err, t.cfg.RetryCodes), nil
}

// endpoint returns where the status is.
func (c webhookConfig) endpoint() (string, error) {
	switch endpoint := strings.TrimSpace(c.StatusEndpoint); {
	case endpoint != "":
		return endpoint, nil
	case !c.MonitorOnly:
		return "", gennaker.Errorf(gennaker.Invalid, "Missing required parameter: statusEndpoint = null")
	case strings.TrimSpace(c.URL) == "":
		return "", gennaker.Errorf(gennaker.Invalid, "Missing required parameter. Either webhook url or statusEndpoint are required")
	}
	return c.URL, nil
}

// look is one look at the status.
type look struct {
	config  webhookConfig
	where   string         // the URL, as messages may show it
	backoff time.Duration  // until the next look
	context map[string]any // what changes in the stage's
	monitor map[string]any // webhook.monitor in it
	past    []any          // status codes after which it looked again
}

// newLook keeps what the context says of the request, and of earlier looks only
// which statuses came.
func newLook(c webhookConfig, in stage.Input, endpoint string) look {
	webhook, _ := in.Stage.Context[webhookKey].(map[string]any)
	webhook = maps.Clone(webhook)
	if webhook == nil {
		webhook = map[string]any{}
	}
	l := look{
		config: c, where: shown(endpoint), backoff: c.backoff(monitorBackoff),
		context: map[string]any{webhookKey: webhook}, monitor: map[string]any{},
	}
	if in.Now.Sub(in.TaskStart) > monitorQuick {
		l.backoff = c.backoff(monitorBackoff2)
	}
	before, _ := webhook["monitor"].(map[string]any)
	if past, ok := before["pastStatusCodes"].([]any); ok {
		l.past = past[max(0, len(past)-maxPast):]
		l.monitor["pastStatusCodes"] = l.past
	}
	webhook["monitor"] = l.monitor
	return l
}

func (l look) again() stage.Outcome { return stage.Again(l.backoff).WithContext(l.context) }

func (l look) fail(hint, format string, args ...any) stage.Outcome {
	return fail(l.context, l.monitor, fmt.Sprintf(format, args...), hint)
}

// outcome says what an answer, or that there is none, means.
func (l look) outcome(answer egress.Response, err error, retryCodes []int) stage.Outcome {
	switch class := egress.ClassOf(err); {
	case class == egress.UnknownHost, class == egress.ConnectTimeout, class == egress.ReadTimeout:
		return l.again()
	case err != nil:
		return l.fail(hint(err), "an exception occurred in webhook monitor to %s: %v", l.where, err)
	case answer.Status >= 400:
		return l.refused(answer, retryCodes)
	}
	b, err := answerBody(answer.Header, answer.Body)
	if err != nil {
		return l.fail("", "an exception occurred in webhook monitor to %s: %v", l.where, err)
	}
	maps.Copy(l.monitor, answered(answer.Status, answer.Header, b.value))
	if l.config.StatusJSONPath == "" {
		return stage.Done().WithContext(l.context)
	}
	return l.status(b)
}

// refused is for an answer that is an error.
func (l look) refused(answer egress.Response, retryCodes []int) stage.Outcome {
	status := answer.Status
	retried := status >= 500 && status <= 599 || slices.Contains(retryCodes, status) || slices.Contains(l.config.RetryCodes, status)
	if r, ok := l.config.Retries[strconv.Itoa(status)]; ok {
		retried = l.came(status) < r.MaxAttempts
	}
	if retried {
		l.monitor["pastStatusCodes"] = append(slices.Clone(l.past), float64(status))
		return l.again()
	}
	if headers := answerHeaders(answer.Header); len(headers) > 0 {
		l.monitor["headers"] = headers
	}
	l.monitor["statusCode"], l.monitor["statusCodeValue"] = statusName(status), status
	return l.fail("retryStatusCodes has the statuses after which it looks again",
		"an exception occurred in webhook monitor to %s: %d %s", l.where, status, cmp.Or(http.StatusText(status), "(unknown)"))
}

// came counts how often a status came before.
func (l look) came(status int) int {
	n := 0
	for _, v := range l.past {
		if f, ok := v.(float64); ok && f == float64(status) {
			n++
		}
	}
	return n
}

// status finds the status in the body, and what it means.
func (l look) status(b body) stage.Outcome {
	v, err := lookup(b.value, b.nodes, l.config.StatusJSONPath)
	if err != nil {
		return l.unfound("status", l.config.StatusJSONPath, err)
	}
	switch v.(type) {
	case string, bool, int64, float64:
	default:
		l.setResolved(v)
		return l.fail("it may be a text, a number, true or false", "The json path '%s' did not resolve to a single value", l.config.StatusJSONPath)
	}
	if l.config.ProgressJSONPath != "" {
		p, err := lookup(b.value, b.nodes, l.config.ProgressJSONPath)
		if err != nil {
			return l.unfound("progress", l.config.ProgressJSONPath, err)
		}
		message, ok := p.(string)
		if !ok {
			l.setResolved(p)
			return l.fail("it must be a text", "The json path '%s' did not resolve to a String value", l.config.ProgressJSONPath)
		}
		l.monitor["progressMessage"] = message
	}
	switch v := v.(type) {
	case int64, float64:
		l.monitor["percentComplete"] = v
		if v == int64(100) { // 100.0 is not, as in Spinnaker
			return stage.Done().WithContext(l.context)
		}
		return l.again()
	case bool:
		return l.named(strconv.FormatBool(v))
	}
	return l.named(text(v))
}

func (l look) setResolved(v any) {
	if v != nil {
		l.monitor["resolvedValue"] = v
	}
}

// unfound is for a path that leads nowhere, or is none.
func (l look) unfound(what, path string, err error) stage.Outcome {
	if errors.Is(err, errNotFound) {
		return l.fail("look at webhook.monitor.body for what it answered", "Unable to parse %s: JSON property '%s' not found in response body", what, path)
	}
	return l.fail("write it like $.status", "Unable to parse %s: '%s' is not a JSON path: %v", what, path, err)
}

// named is for a status that is a word.
func (l look) named(status string) stage.Outcome {
	c := l.config
	if c.SuccessStatuses == nil {
		return l.fail("set successStatuses to the statuses that end the stage well",
			"the status is %s, and nothing says which statuses are good: successStatuses is missing", cut(status))
	}
	upper := strings.ToUpper(status)
	switch {
	case c.TerminalStatuses != "" && listed(c.TerminalStatuses, upper):
		return stage.Fail("the webhook's status is %s, one of its terminalStatuses", cut(status)).WithContext(l.context)
	case c.CanceledStatuses != "" && listed(c.CanceledStatuses, upper):
		return stage.Cancel("the webhook's status is %s, one of its canceledStatuses", cut(status)).WithContext(l.context)
	case listed(*c.SuccessStatuses, upper):
		return stage.Done().WithContext(l.context)
	}
	return l.again()
}

// listed reports whether one of the statuses, separated by commas, is upper.
// What is empty at the end does not count, as in Java's split.
func listed(statuses, upper string) bool {
	trimmed := strings.TrimRight(statuses, ",")
	if trimmed == "" && statuses != "" {
		return false
	}
	for s := range strings.SplitSeq(trimmed, ",") {
		if strings.ToUpper(strings.TrimSpace(s)) == upper {
			return true
		}
	}
	return false
}

package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/stage"
)

// create sends the request of a webhook.
//
// Source: Spinnaker orca CreateWebhookTask, WebhookResponseProcessor,
// WebhookStatusCheckUrlRetriever.
type create struct{ webhook }

// Run sends the request, once.
func (t create) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := readConfig(in.Stage.Context)
	switch {
	case err != nil:
		return stage.Outcome{}, err
	case c.MonitorOnly: // creates holds for it only without waitForCompletion
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "Can't specify monitorOnly = true and waitForCompletion = false at the same time")
	case c.URL == "":
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "url is missing").WithHint("set url to what is to be requested")
	}
	o := order{method: c.Method, url: c.URL, payload: c.Payload, key: idempotencyKey(in.Key)}
	answer, entry, err := t.send(ctx, in, c, o)
	if ctx.Err() != nil {
		return stage.Outcome{}, context.Cause(ctx)
	}
	if asked := (*egress.Error)(nil); err != nil && !errors.As(err, &asked) {
		return stage.Outcome{}, err // it was not sent
	}
	r := created{config: c, execution: in.Execution.ID}
	switch {
	case err != nil:
		return r.unanswered(err, c.Method == http.MethodGet || entry.SafeToRetry), nil
	case answer.Status >= 400:
		return r.refused(answer, t.cfg.RetryCodes), nil
	}
	return r.accepted(answer), nil
}

// created turns what came of a request into an Outcome.
type created struct {
	config    webhookConfig
	execution string
}

// fail ends the stage with a message that the context has too.
func fail(context map[string]any, webhook map[string]any, message, hint string) stage.Outcome {
	webhook["error"] = message
	return stage.Fail("%s", message).WithHint("%s", hint).WithContext(context)
}

// again is for what is tried again: the context says why.
func (r created) again(webhook map[string]any, message string) stage.Outcome {
	webhook["error"] = message
	return stage.Again(r.config.backoff(createBackoff)).WithContext(map[string]any{webhookKey: webhook})
}

// unanswered is for a request without an answer. One that perhaps was carried
// out is sent again only if that does no harm.
func (r created) unanswered(err error, harmless bool) stage.Outcome {
	where, webhook := shown(r.config.URL), map[string]any{}
	switch class := egress.ClassOf(err); {
	case class == egress.UnknownHost:
		return r.again(webhook, fmt.Sprintf("Remote host resolution failure in webhook for pipeline %s to %s, will retry.", r.execution, where))
	case (class == egress.ConnectTimeout || class == egress.ReadTimeout) && harmless:
		return r.again(webhook, fmt.Sprintf("Socket timeout in webhook on %s request for pipeline %s to %s, will retry.", r.config.Method, r.execution, where))
	}
	message := fmt.Sprintf("An exception occurred for pipeline %s performing a %s request to %s. %v", r.execution, r.config.Method, where, err)
	return fail(map[string]any{webhookKey: webhook}, webhook, message, hint(err))
}

// hint says what to do about a request without an answer.
func hint(err error) string {
	if egress.ClassOf(err) == egress.TooLarge {
		return "the bound is webhook.maxResponseBytes in the configuration"
	}
	return gennaker.HintOf(err)
}

// refused is for an answer that is an error.
func (r created) refused(answer egress.Response, retryCodes []int) stage.Outcome {
	where, status := shown(r.config.URL), answer.Status
	webhook := answered(status, answer.Header, errorBody(answer.Body))
	context := map[string]any{webhookKey: webhook}
	switch {
	case slices.Contains(r.config.FailFastCodes, status):
		return fail(context, webhook, fmt.Sprintf(
			"Received status code %d, which is configured to fail fast, terminating stage for pipeline %s to %s", status, r.execution, where), "")
	case status >= 500 && status <= 599, slices.Contains(retryCodes, status), slices.Contains(r.config.WebhookRetryCodes, status):
		return r.again(webhook, fmt.Sprintf("Error submitting webhook for pipeline %s to %s with status code %d, will retry.", r.execution, where, status))
	}
	return fail(context, webhook, fmt.Sprintf("Error submitting webhook for pipeline %s to %s with status code %d.", r.execution, where, status),
		"look at webhook.body for what it answered; webhookRetryStatusCodes has the statuses that are tried again")
}

// accepted is for a good answer.
func (r created) accepted(answer egress.Response) stage.Outcome {
	b, err := answerBody(answer.Header, answer.Body)
	if err != nil {
		return r.unanswered(err, false)
	}
	webhook := answered(answer.Status, answer.Header, b.value)
	context := map[string]any{webhookKey: webhook}
	if r.config.WaitForCompletion {
		endpoint, err := r.statusURL(answer, b)
		if err != nil {
			return fail(context, webhook, "Exception while resolving status check URL: "+err.Error(), "check statusUrlResolution and statusUrlJsonPath")
		}
		if endpoint == "" {
			return fail(context, webhook, "The status URL couldn't be resolved, but 'Wait for completion' is configured",
				"the answer has no Location header, or null at statusUrlJsonPath; check statusUrlResolution")
		}
		webhook[statusEndpointKey], context[statusEndpointKey] = endpoint, endpoint
		return stage.Done().WithContext(context)
	}
	if len(r.config.ExpectedArtifacts) > 0 {
		found, err := lookup(b.value, b.nodes, "artifacts")
		if errors.Is(err, errNotFound) {
			err = errors.New("No results for path: $['artifacts']")
		}
		if err != nil {
			return fail(context, webhook, "Expected artifacts in webhook response couldn't be parsed: "+err.Error(),
				"it must answer with JSON that has a list of artifacts under artifacts")
		}
		context[artifactsKey] = found
	}
	return stage.Done().WithContext(context)
}

// statusURL returns where the status is; "" if the answer does not say it.
func (r created) statusURL(answer egress.Response, b body) (string, error) {
	endpoint := r.config.URL
	switch r.config.StatusURLResolution {
	case locationHeader:
		endpoint = answer.Header.Get("Location")
	case webhookResponse:
		if r.config.StatusURLJSONPath == "" {
			return "", errors.New("statusUrlJsonPath is missing")
		}
		v, err := lookup(b.value, b.nodes, r.config.StatusURLJSONPath)
		if err != nil {
			return "", fmt.Errorf("%s: %w", r.config.StatusURLJSONPath, err)
		}
		if v == nil {
			return "", nil
		}
		s, ok := v.(string)
		if !ok {
			return "", fmt.Errorf("%s is no text, but %s", r.config.StatusURLJSONPath, cut(text(v)))
		}
		endpoint = s
	}
	if endpoint == "" || endpoint == r.config.URL {
		return endpoint, nil
	}
	return sameScheme(r.config.URL, endpoint)
}

// sameScheme returns endpoint with the scheme of the webhook if both have the
// same host. A reference without a host counts from the webhook.
func sameScheme(webhook, endpoint string) (string, error) {
	base, err := egress.Parse(webhook)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", errors.New("the status URL cannot be read")
	}
	if u.Host == "" {
		return base.ResolveReference(u).String(), nil
	}
	if u.Hostname() == base.Hostname() && u.Scheme != base.Scheme {
		u.Scheme = cmp.Or(base.Scheme, u.Scheme)
		return u.String(), nil
	}
	return endpoint, nil
}

// cut shortens a text for a message.
func cut(s string) string {
	const longest = 100
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return s
}

// waitBefore waits before the first look at the status.
//
// Source: Spinnaker orca WebhookStage, which takes the task of the wait stage.
type waitBefore struct{ webhook }

// Run waits.
func (t waitBefore) Run(_ context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := readConfig(in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	d, err := c.wait()
	if err != nil {
		return stage.Outcome{}, err
	}
	shown := map[string]any{waitTimeKey: d.Seconds()}
	if end := in.TaskStart.Add(d); !c.SkipRemainingWait && in.Now.Before(end) {
		return stage.Wait(end).WithContext(shown), nil
	}
	return stage.Done().WithContext(shown), nil
}

package remote

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/stage"
)

// cancelKey is where webhook says that the cancellation was signaled.
const cancelKey = "cancel"

// Cancel signals that the stage was canceled, or timed out.
func (t create) Cancel(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	return t.cancel(ctx, in)
}

// Cancel signals that the stage was canceled, or timed out.
func (t waitBefore) Cancel(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	return t.cancel(ctx, in)
}

// Cancel signals that the stage was canceled, or timed out.
func (t monitor) Cancel(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	return t.cancel(ctx, in)
}

// onFailure signals that the stage failed. It tries once, since it holds up the
// end of the stage.
//
// Source: Spinnaker orca WebhookStage.onFailureStages.
func (w webhook) onFailure(ctx context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	webhook, _ := in.Stage.Context[webhookKey].(map[string]any)
	if webhook[cancelKey] == nil { // a stage that timed out has signaled it
		_, _ = w.cancel(ctx, in) // why the stage failed is what counts
	}
	return nil, nil
}

// cancel asks the cancelEndpoint, if there is one.
//
// Errors: Unavailable if it may be tried again.
//
// Source: Spinnaker orca MonitorWebhookTask.onCancel, WebhookService.cancelWebhook.
func (w webhook) cancel(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := readConfig(in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	if c.CancelEndpoint == "" || c.SignalCancellation != nil && !*c.SignalCancellation {
		return stage.Done(), nil
	}
	key := idempotencyKey(in.Execution.ID, in.Stage.ID, in.Stage.StartTime.String(), "cancel")
	answer, _, err := w.send(ctx, in, c, order{method: c.CancelMethod, url: c.CancelEndpoint, payload: c.CancelPayload, key: key})
	told := map[string]any{}
	switch class := egress.ClassOf(err); {
	case class == egress.ConnectTimeout, class == egress.ReadTimeout: // to try again would hold up the cancellation
		told["error"] = err.Error()
	case err != nil:
		return stage.Outcome{}, fmt.Errorf("signal the cancellation: %w", err)
	case answer.Status >= 500, slices.Contains(w.cfg.RetryCodes, answer.Status):
		return stage.Outcome{}, gennaker.Errorf(gennaker.Unavailable, "%s answered the cancellation with status %d", shown(c.CancelEndpoint), answer.Status)
	default:
		told["statusCode"], told["statusCodeValue"] = statusName(answer.Status), answer.Status
	}
	webhook, _ := in.Stage.Context[webhookKey].(map[string]any)
	webhook = maps.Clone(webhook)
	if webhook == nil {
		webhook = map[string]any{}
	}
	webhook[cancelKey] = told
	return stage.Done().WithContext(map[string]any{webhookKey: webhook}), nil
}

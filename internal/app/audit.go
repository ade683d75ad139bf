package app

import (
	"context"
	"encoding/json"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/store"
)

// audited records what users do to executions: api.Executions.
type audited struct {
	engine *engine.Engine
	db     *store.DB
}

// record writes an entry after an action that worked.
func (a audited) record(ctx context.Context, err error, e store.AuditEntry) error {
	if err != nil {
		return err
	}
	return a.db.Audit(context.WithoutCancel(ctx), e)
}

// Cancel cancels an execution.
func (a audited) Cancel(ctx context.Context, id, user, reason string) error {
	return a.record(ctx, a.engine.Cancel(ctx, id, user, reason),
		store.AuditEntry{Who: user, Action: "cancelExecution", Target: "execution/" + id, Why: reason})
}

// Pause holds an execution.
func (a audited) Pause(ctx context.Context, id, user string) error {
	return a.record(ctx, a.engine.Pause(ctx, id, user),
		store.AuditEntry{Who: user, Action: "pauseExecution", Target: "execution/" + id})
}

// Resume lets an execution go on.
func (a audited) Resume(ctx context.Context, id, user string) error {
	return a.record(ctx, a.engine.Resume(ctx, id, user),
		store.AuditEntry{Who: user, Action: "resumeExecution", Target: "execution/" + id})
}

// Restart runs a stage again.
func (a audited) Restart(ctx context.Context, id, stageID, user string) error {
	return a.record(ctx, a.engine.Restart(ctx, id, stageID, user),
		store.AuditEntry{Who: user, Action: "restartStage", Target: "execution/" + id + "/stage/" + stageID})
}

// Patch changes a stage's context.
func (a audited) Patch(ctx context.Context, id, stageID, user string, values map[string]any) error {
	after, err := json.Marshal(values)
	if err != nil {
		return gennaker.Errorf(gennaker.Invalid, "the values cannot be encoded: %w", err)
	}
	return a.record(ctx, a.engine.Patch(ctx, id, stageID, user, values),
		store.AuditEntry{Who: user, Action: "changeStage", Target: "execution/" + id + "/stage/" + stageID, After: after})
}

// Delete forgets an execution.
func (a audited) Delete(ctx context.Context, id string) error {
	return a.record(ctx, a.engine.Delete(ctx, id), store.AuditEntry{Action: "deleteExecution", Target: "execution/" + id})
}

// inventory tells what is deployed in all accounts: document.Inventory.
type inventory struct{ fleet provider.Fleet }

// ServerGroups returns the server groups of an application.
func (i inventory) ServerGroups(ctx context.Context, application string) ([]gennaker.ServerGroup, error) {
	var out []gennaker.ServerGroup
	for _, name := range i.fleet.Accounts() {
		groups, err := i.fleet[name].ServerGroups(ctx, application)
		if err != nil {
			return nil, err
		}
		out = append(out, groups...)
	}
	return out, nil
}

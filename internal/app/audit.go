package app

import (
	"context"
	"encoding/json"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage/control"
	"github.com/gennaker/gennaker/internal/store"
)

// audited records what users do to executions: execution.Executions.
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

// Restart runs a stage again, and lets the stage of a parent that waited for the
// execution and ended wait for it again. values are put into the contexts of
// stages that run again, by their refIds.
//
// Source: execution model, section 6, restart.
func (a audited) Restart(ctx context.Context, id, stageID, user string, values map[string]map[string]any) error {
	byID, err := a.byID(ctx, id, values)
	if err != nil {
		return err
	}
	err = a.record(ctx, a.engine.Restart(ctx, id, stageID, user, byID),
		store.AuditEntry{Who: user, Action: "restartStage", Target: "execution/" + id + "/stage/" + stageID})
	if err != nil {
		return err
	}
	for range control.MaxNesting {
		parent, stage := a.parent(ctx, id)
		if stage == "" {
			return nil
		}
		err := a.engine.Restart(ctx, parent, stage, user, map[string]map[string]any{stage: {"_skipPipelineRestart": true}})
		if err != nil { // it is gone, or goes on without: neither is a failure of what was asked for
			return nil
		}
		id = parent
	}
	return nil
}

// byID returns what is for stages with some refIds by the IDs of those.
func (a audited) byID(ctx context.Context, id string, values map[string]map[string]any) (map[string]map[string]any, error) {
	if len(values) == 0 {
		return nil, nil
	}
	x, err := a.db.Execution(ctx, id)
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]any{}
	for _, st := range x.Stages {
		if v := values[st.RefID]; v != nil {
			out[st.ID] = v
		}
	}
	return out, nil
}

// parent returns the execution and the stage of it that an execution belongs
// to, if that execution is complete.
func (a audited) parent(ctx context.Context, id string) (execution, stage string) {
	x, err := a.db.Execution(ctx, id)
	if err != nil {
		return "", ""
	}
	above, _ := x.Trigger.Other["parentExecution"].(map[string]any)
	execution, _ = above["id"].(string)
	stage, _ = x.Trigger.Other["parentPipelineStageId"].(string)
	if p, err := a.db.Execution(ctx, execution); err != nil || !p.Status.Complete() {
		return "", ""
	}
	return execution, stage
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

// deployed tells what is deployed in all accounts: document.Inventory.
type deployed struct{ fleet *provider.Fleet }

// ServerGroups returns the server groups of an application.
func (d deployed) ServerGroups(ctx context.Context, application string) ([]gennaker.ServerGroup, error) {
	var out []gennaker.ServerGroup
	for _, p := range d.fleet.All() {
		groups, err := p.ServerGroups(ctx, application)
		if err != nil {
			return nil, err
		}
		out = append(out, groups...)
	}
	return out, nil
}

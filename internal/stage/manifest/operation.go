package manifest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
)

// scaleConfig is what authors write in scaleManifest.
type scaleConfig struct {
	where
	Replicas      *int    `json:"replicas"`                     // how many pods
	StableMinutes float64 `json:"stableManifestTimeoutMinutes"` // how long to wait for the object to be stable; default 30
}

// undoConfig is what authors write in undoRolloutManifest.
type undoConfig struct {
	where
	Back          int     `json:"numRevisionsBack"`             // how many revisions; default 1
	Revision      int     `json:"revision"`                     // or to which
	StableMinutes float64 `json:"stableManifestTimeoutMinutes"` // how long to wait for the object to be stable; default 30
}

// rolloutConfig is what authors write in the stages that restart, pause and
// resume.
type rolloutConfig struct{ where }

// patchConfig is what authors write in patchManifest.
type patchConfig struct {
	where
	source
	Body    any          `json:"patchBody"`                    // the change: an object in a list, or of json a list of operations
	Options patchOptions `json:"options"`                      // how to read it
	Minutes float64      `json:"stableManifestTimeoutMinutes"` // how long to wait for the object to be stable; default 30
}

type patchOptions struct {
	Strategy string `json:"mergeStrategy" enum:"strategic|merge|json"` // strategic (default), merge or json
	Record   *bool  `json:"record"`                                    // not used: every object says which execution changed it
}

// deleteConfig is what authors write in deleteManifest.
type deleteConfig struct {
	where
	Kinds     []string      `json:"kinds"`          // mode label: which kinds
	Selectors selectors     `json:"labelSelectors"` // mode label: objects that all of these select
	Options   deleteOptions `json:"options"`        // how
	Drained   bool          `json:"onlyDrained"`    // ours: fail if requests still reach it by a service or a route that it can be taken from
}

type deleteOptions struct {
	Cascading *bool `json:"cascading"`          // delete what the object owns too; default true
	Orphan    bool  `json:"orphanDependents"`   // or leave it
	OfDeck    bool  `json:"orphanDependants"`   // the same, as Deck spells it
	Grace     any   `json:"gracePeriodSeconds"` // of pods, in seconds; default their own
}

// findConfig is what authors write in findArtifactsFromResource.
type findConfig struct {
	where
	Expected []map[string]any `json:"expectedArtifacts"` // artifacts that the object must name
}

// deletedKey is what a deleteManifest stage deletes, each with its uid.
const deletedKey = "deletedManifests"

func (m *maker) registerOperations(r *stage.Registry) {
	resolve := task("resolveTargetManifest", m.resolveTarget)
	stable := stage.Step{Name: "waitForManifestToStabilize", Task: undoable{m.stabilize, m.giveUp}}
	change := func(kind string, of func(stage.Input) (provider.Rollout, error)) []stage.Step {
		return []stage.Step{resolve, task(kind, func(ctx context.Context, in stage.Input) (stage.Outcome, error) {
			return m.rollout(ctx, in, of)
		})}
	}
	stage.Add[scaleConfig](r, stage.Definition{Type: "scaleManifest", Restart: restart, Steps: append(change("scaleManifest", scaleOf), stable)})
	stage.Add[undoConfig](r, stage.Definition{
		Type: "undoRolloutManifest", Restart: restart, Steps: append(change("undoRolloutManifest", undoOf), stable),
	})
	fixed := func(c provider.Rollout) func(stage.Input) (provider.Rollout, error) {
		return func(stage.Input) (provider.Rollout, error) { return c, nil }
	}
	stage.Add[rolloutConfig](r, stage.Definition{
		Type: "rollingRestartManifest", Restart: restart, Steps: change("rollingRestartManifest", fixed(provider.Rollout{Restart: true})),
	})
	stage.Add[rolloutConfig](r, stage.Definition{
		Type: "pauseRolloutManifest", Restart: restart, Steps: change("pauseRolloutManifest", fixed(provider.Rollout{Pause: true})),
	})
	stage.Add[rolloutConfig](r, stage.Definition{
		Type: "resumeRolloutManifest", Restart: restart,
		Steps: append(change("resumeRolloutManifest", fixed(provider.Rollout{Resume: true})), stable),
	})
	stage.Add[patchConfig](r, stage.Definition{
		Type: "patchManifest", Verbatim: sourceKeys, Restart: restart, Steps: m.bound(
			resolve,
			task("resolvePatchSourceManifest", m.checkPatch),
			task("patchManifest", m.patch),
			stable,
		),
	})
	stage.Add[deleteConfig](r, stage.Definition{
		Type: "deleteManifest", Restart: func(c object) { restart(c); drop(c, deletedKey) }, Steps: []stage.Step{
			resolve,
			task("deleteManifest", m.delete),
			{Name: "monitorDelete", Task: explained(m.deleted), Timeout: operationTimeout},
		},
	})
	stage.Add[findConfig](r, stage.Definition{
		Type: "findArtifactsFromResource", Restart: restart,
		Steps: m.bound(resolve, task("findArtifactsFromResource", m.find)),
	})
}

// rollout changes how a workload runs.
func (m *maker) rollout(ctx context.Context, in stage.Input, of func(stage.Input) (provider.Rollout, error)) (stage.Outcome, error) {
	change, err := of(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	p, ref, err := m.target(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	v, err := p.Manifest(ctx, ref)
	if err != nil {
		return failed(err)
	}
	if err := p.Rollout(ctx, in.Key, ref, change); err != nil {
		return failed(err)
	}
	return stage.Done().WithContext(object{accountKey: p.Account.Name, appsKey: applications(v.Moniker.App, nil)}).
		WithOutputs(object{namesKey: object{ref.Location: []any{ref.ManifestName()}}}), nil
}

func scaleOf(in stage.Input) (provider.Rollout, error) {
	c, err := stage.Decode[scaleConfig](in.Stage.Context)
	if err == nil && c.Replicas == nil {
		err = gennaker.Errorf(gennaker.Invalid, "the stage does not say how many replicas")
	}
	if err == nil && *c.Replicas < 0 {
		err = gennaker.Errorf(gennaker.Invalid, "replicas is %d; it must not be negative", *c.Replicas)
	}
	return provider.Rollout{Scale: c.Replicas}, err
}

func undoOf(in stage.Input) (provider.Rollout, error) {
	c, err := stage.Decode[undoConfig](in.Stage.Context)
	switch {
	case err != nil:
	case c.Back < 0 || c.Revision < 0:
		err = gennaker.Errorf(gennaker.Invalid, "numRevisionsBack and revision must not be negative")
	case c.Revision > 0:
		return provider.Rollout{To: c.Revision}, nil
	}
	return provider.Rollout{Undo: max(c.Back, 1)}, err
}

// readPatch returns what a stage changes of its object.
func (m *maker) readPatch(ctx context.Context, in stage.Input) (out provider.ManifestPatch, findings object, err error) {
	c, err := stage.Decode[patchConfig](in.Stage.Context)
	if err != nil {
		return out, nil, err
	}
	out.Strategy = strings.ToLower(c.Options.Strategy)
	if out.Strategy == "" {
		out.Strategy = "strategic"
	}
	if !slices.Contains([]string{"strategic", "merge", "json"}, out.Strategy) {
		return out, nil, gennaker.Errorf(gennaker.Invalid, "there is no mergeStrategy %q", c.Options.Strategy).WithHint("use strategic, merge or json")
	}
	if c.Manifests == nil {
		c.Manifests = c.Body
	}
	body, findings, _, err := m.read(ctx, in, c.source)
	if err != nil {
		return out, findings, err
	}
	if ref, err := c.ref(); err == nil && isSecret(ref.Kind) && masked(openList(body), true) {
		return out, findings, errHidden()
	}
	var change any = openList(body)
	if out.Strategy != "json" {
		if len(body) != 1 {
			return out, findings, gennaker.Errorf(gennaker.Invalid, "a patch is one object, and there are %d", len(body)).
				WithHint("use a stage for each, or mergeStrategy json for a list of operations")
		}
		change = body[0]
		if out.Required, out.Optional, err = m.artifacts(in, c.source); err != nil {
			return out, findings, err
		}
	}
	if out.Body, err = json.Marshal(change); err != nil {
		err = gennaker.Errorf(gennaker.Invalid, "write the patch: %w", err)
	}
	return out, findings, err
}

// checkPatch reads the patch before anything is done.
func (m *maker) checkPatch(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	_, findings, err := m.readPatch(ctx, in)
	if err != nil {
		return failed(err)
	}
	o := stage.Done()
	if len(findings) > 0 {
		o = o.WithContext(object{summaryKey: findings})
	}
	return o, nil
}

// patch changes a part of an object.
func (m *maker) patch(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	p, ref, err := m.target(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	change, _, err := m.readPatch(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	now, err := p.PatchManifest(ctx, in.Key, ref, change)
	if err != nil {
		return failed(err)
	}
	values := object{
		manifestsKey: []any{map[string]any(now)}, namesKey: object{ref.Location: []any{ref.ManifestName()}}, accountKey: p.Account.Name,
	}
	o := stage.Done().WithContext(values).WithOutputs(values).WithOutputs(object{"manifests": values[manifestsKey]})
	o = o.WithContext(object{appsKey: applications(in.Execution.Application, []gennaker.Manifest{now})})
	return m.hideSecrets(in, o, isSecret(ref.Kind)), nil
}

// victims returns the objects that a stage deletes.
func (m *maker) victims(ctx context.Context, c deleteConfig, p provider.Provider) ([]gennaker.ManifestRef, error) {
	if !c.byLabel(len(c.Kinds)) {
		ref, err := c.ref()
		return []gennaker.ManifestRef{ref}, err
	}
	if len(c.Kinds) == 0 || len(c.Selectors.Selectors) == 0 {
		return nil, gennaker.Errorf(gennaker.Invalid, "the stage does not say which kinds and labels it deletes").
			WithHint("set kinds and labelSelectors, or name an object in manifestName")
	}
	found, err := p.FindManifests(ctx, provider.ManifestQuery{Location: c.Location, Kinds: c.Kinds, Selectors: c.Selectors.Selectors})
	var out []gennaker.ManifestRef
	for _, o := range found {
		out = append(out, refOf(p.Account.Name, o))
	}
	return out, err
}

// victim is an object that is deleted.
type victim struct {
	where
	UID string `json:"uid"`
}

// delete stores what it is going to delete, and then deletes it: another of the
// same name that comes later is left alone.
func (m *maker) delete(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[deleteConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	how, err := c.Options.how()
	if err != nil {
		return stage.Outcome{}, err
	}
	p, err := m.provider(c.account())
	if err != nil {
		return stage.Outcome{}, err
	}
	if in.Stage.Context[deletedKey] == nil {
		chosen, names, err := m.choose(ctx, c, p)
		if err != nil {
			return failed(err)
		}
		return stage.Again(time.Nanosecond).WithContext(object{deletedKey: chosen, accountKey: p.Account.Name, namesKey: names}).
			WithOutputs(object{namesKey: names}), nil
	}
	all, err := readVictims(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	for _, v := range all {
		ref, err := v.ref()
		if err != nil {
			return stage.Outcome{}, err
		}
		ref.Account = p.Account.Name
		if c.Drained {
			now, err := p.Manifest(ctx, ref)
			if err == nil {
				err = known(now)
			}
			if gennaker.KindOf(err) == gennaker.Unavailable && err != nil {
				return stage.Outcome{}, err
			}
			if by := behind(now, nil); len(by) > 0 {
				return stage.Fail("%s is not deleted, since requests still reach it by %s", ref.ManifestName(), strings.Join(by, ", ")).
					WithHint("disable it first"), nil
			}
		}
		if there, _, err := v.there(ctx, p, ref); err != nil || !there {
			if err != nil {
				return failed(err)
			}
			continue
		}
		if err := p.DeleteManifest(ctx, in.Key+"/"+ref.String(), ref, how); err != nil {
			return failed(err)
		}
	}
	return stage.Done(), nil
}

// choose returns what is there of the objects that a stage deletes.
func (m *maker) choose(ctx context.Context, c deleteConfig, p provider.Provider) (chosen []any, names object, err error) {
	refs, err := m.victims(ctx, c, p)
	if err != nil {
		return nil, nil, err
	}
	chosen, names = []any{}, object{}
	for _, ref := range refs {
		ref.Account = p.Account.Name
		v, err := p.Manifest(ctx, ref)
		if err != nil && gennaker.KindOf(err) == gennaker.NotFound {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		list, _ := names[ref.Location].([]any)
		names[ref.Location] = append(list, ref.ManifestName())
		chosen = append(chosen, object{"manifestName": ref.ManifestName(), "location": ref.Location, "uid": text(v.Manifest, "metadata", "uid"), "app": v.Moniker.App})
	}
	return chosen, names, nil
}

func readVictims(in stage.Input) ([]victim, error) {
	c, err := stage.Decode[struct {
		All []victim `json:"deletedManifests"`
	}](in.Stage.Context)
	return c.All, err
}

// there reports whether an object still is, and what keeps it.
func (v victim) there(ctx context.Context, p provider.Provider, ref gennaker.ManifestRef) (bool, string, error) {
	now, err := p.Manifest(ctx, ref)
	if err != nil && gennaker.KindOf(err) == gennaker.NotFound {
		return false, "", nil
	}
	if err != nil || v.UID != "" && text(now.Manifest, "metadata", "uid") != v.UID {
		return false, "", err
	}
	why := ref.ManifestName() + " is not gone yet"
	if f, _ := at(now.Manifest, "metadata", "finalizers").([]any); len(f) > 0 {
		why += fmt.Sprintf(": it has the finalizers %v", f)
	}
	return true, why, nil
}

// deleted waits until the objects are gone.
func (m *maker) deleted(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[deleteConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	p, err := m.provider(c.account())
	if err != nil {
		return stage.Outcome{}, err
	}
	all, err := readVictims(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	apps, left := []string{in.Execution.Application}, []any{}
	for _, v := range all {
		ref, err := v.ref()
		if err != nil {
			return stage.Outcome{}, err
		}
		ref.Account = p.Account.Name
		there, why, err := v.there(ctx, p, ref)
		if err != nil {
			return failed(err)
		}
		if !there {
			continue
		}
		left = append(left, why)
		if !slices.Contains(apps, v.App) {
			apps = append(apps, v.App)
		}
	}
	if len(left) > 0 {
		return waiting(in, p.Account.Name, time.Time{}, apps...).WithContext(object{messagesKey: left}), nil
	}
	return stage.Done().WithContext(object{messagesKey: []any{}}), nil
}

// how returns how to delete. Errors: Invalid.
func (o deleteOptions) how() (out provider.ManifestDelete, err error) {
	out.Orphan = o.Orphan || o.OfDeck || o.Cascading != nil && !*o.Cascading
	if o.Grace == nil || o.Grace == "" {
		return out, nil
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(fmt.Sprint(o.Grace), ".0"), 10, 64)
	if err != nil || n < 0 {
		return out, gennaker.Errorf(gennaker.Invalid, "gracePeriodSeconds is %v; it must be a number of seconds", o.Grace)
	}
	out.Grace = &n
	return out, nil
}

// find returns an object, and the artifacts in it.
func (m *maker) find(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	p, ref, err := m.target(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	v, err := p.Manifest(ctx, ref)
	if err != nil {
		return failed(err)
	}
	values := object{"manifest": map[string]any(v.Manifest), artifactsKey: openArtifacts(v.Artifacts)}
	return stage.Done().WithContext(values).WithOutputs(values), nil
}

package manifest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/strategy"
)

// deployConfig is what authors write in a deployManifest stage.
type deployConfig struct {
	source
	Account       string            `json:"account"`                      // where to deploy, if credentials is not given
	Credentials   string            `json:"credentials"`                  // where to deploy: the name of an account
	CloudProvider string            `json:"cloudProvider"`                // not needed: the account knows it
	Moniker       gennaker.Moniker  `json:"moniker"`                      // app: whose the objects are; default the pipeline's application
	Namespace     string            `json:"namespaceOverride"`            // of all objects that can be in one
	Traffic       trafficManagement `json:"trafficManagement"`            // how requests get from the old version of a ReplicaSet to the new one
	Versioned     *bool             `json:"versioned"`                    // whether objects get a version behind their name; default by their kind
	Binding       *bool             `json:"enableArtifactBinding"`        // put artifacts into the manifests; default true
	Selectors     selectors         `json:"labelSelectors"`               // deploy only the objects that all of these select
	AllowNone     bool              `json:"allowNothingSelected"`         // succeed if nothing is selected
	SkipLabels    bool              `json:"skipSpecTemplateLabels"`       // add no labels to pod templates
	NoOutput      bool              `json:"noOutput"`                     // keep the objects out of context and outputs, but for their names
	Events        bool              `json:"includeEvents"`                // keep the events of objects that are waited for
	StableMinutes float64           `json:"stableManifestTimeoutMinutes"` // how long to wait for objects to be stable; default 30
	FailFast      bool              `json:"failFast"`                     // ours: end as soon as one object has failed, without waiting for the others
	Expected      []map[string]any  `json:"expectedArtifacts"`            // artifacts that the objects must be
	Relationships any               `json:"relationships"`                // not used: Deck writes it
}

// trafficManagement is how traffic moves to a new version.
type trafficManagement struct {
	Enabled bool             `json:"enabled"` // manage it
	Options strategy.Traffic `json:"options"` // how
}

// selectors choose objects by their labels.
type selectors struct {
	Selectors []provider.LabelSelector `json:"selectors"` // all must hold; kind is EQUALS, NOT_EQUALS, CONTAINS, NOT_CONTAINS, EXISTS or NOT_EXISTS
}

// Keys of contexts and outputs.
const (
	manifestsKey = "outputs.manifests"
	namesKey     = "outputs.manifestNamesByNamespace"
	boundKey     = "outputs.boundArtifacts"
	createdKey   = "outputs.createdArtifacts"
	artifactsKey = "artifacts"
	accountKey   = "deploy.account.name"
	summaryKey   = "expressionEvaluationSummary"

	digestKey   = "manifestDigest"    // ours: SHA-256 of the artifact that holds the manifests, in hex
	obsoleteKey = "obsoleteManifests" // ours: versions that are too many
	appsKey     = "manifestApplications"
	clustersKey = "trafficClusters" // ours: what the stage moves traffic of
	sourcesKey  = "trafficSources"  // ours: what served before
	turnKey     = "trafficTurn"     // ours: the stage deploys now, and others wait
	stableKey   = "manifestsStable" // ours: the objects became stable
)

// own are the keys that a run of a stage puts into its context.
var own = [...]string{
	manifestsKey, namesKey, boundKey, createdKey, accountKey, summaryKey, digestKey, obsoleteKey, appsKey, clustersKey, sourcesKey, turnKey,
	stableKey, messagesKey, failuresKey, stablesKey, failedKey, warningsKey, eventsKey, drainedKey, leftKey, "optionalArtifacts", "resolvedExpectedArtifacts", artifactsKey,
}

// restart takes out of a context what a run before put there.
func restart(c object) {
	drop(c, own[:]...)
	required, _ := c["requiredArtifacts"].([]any)
	if len(required) > 0 && !slices.ContainsFunc(required, func(v any) bool {
		m, ok := v.(map[string]any)
		return ok && (m["expectedArtifactId"] != nil || m["artifact"] != nil)
	}) {
		delete(c, "requiredArtifacts") // as the run before found them
	}
}

func (m *maker) registerDeploy(r *stage.Registry) {
	stage.Add[deployConfig](r, stage.Definition{
		Type: "deployManifest", Verbatim: sourceKeys, Restart: restart, After: m.afterDeploy, OnFailure: m.onDeployFailure,
		Steps: m.bound(
			task("resolveDeploySourceManifest", m.resolveSource),
			stage.Step{Name: "prepareTraffic", Task: stage.TaskFunc(m.prepareTraffic), Timeout: turnTimeout, If: managed},
			stage.Step{Name: "deployManifest", Task: undoable{m.deploy, m.abandon}, Timeout: operationTimeout},
			stage.Step{Name: "waitForManifestToStabilize", Task: undoable{m.stabilize, m.giveUp}},
			task("cleanupArtifacts", m.cleanUp),
		),
	})
}

func managed(in stage.Input) bool {
	c, err := stage.Decode[deployConfig](in.Stage.Context)
	return err == nil && c.Traffic.Enabled
}

func readDeploy(in stage.Input) (deployConfig, error) {
	c, err := stage.Decode[deployConfig](in.Stage.Context)
	c.Account = cmp.Or(c.Credentials, c.Account)
	c.Moniker.App = cmp.Or(c.Moniker.App, in.Execution.Application)
	return c, err
}

// resolveSource reads and checks what is to be deployed before anything is
// done. It keeps nothing of what it read but a digest.
func (m *maker) resolveSource(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := readDeploy(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	if _, err := m.provider(c.Account); err != nil {
		return stage.Outcome{}, err
	}
	manifests, findings, digest, err := m.read(ctx, in, c.source)
	values := object{accountKey: c.Account}
	if len(findings) > 0 {
		values[summaryKey] = findings
	}
	if err != nil {
		o, err := failed(err)
		return o.WithContext(values), err
	}
	if len(manifests) == 0 && !c.AllowNone {
		return stage.Fail("there are no manifests to deploy").WithContext(values).
			WithHint("give at least one, or set allowNothingSelected"), nil
	}
	required, optional, err := m.artifacts(in, c.source)
	if err != nil {
		return stage.Outcome{}, err
	}
	if c.Traffic.Enabled {
		if err := c.Traffic.Options.Check(); err != nil {
			return stage.Outcome{}, err
		}
		clusters, err := c.clusters(manifests)
		if err != nil {
			return stage.Outcome{}, err
		}
		values[clustersKey] = clusters
	}
	if digest != "" {
		values[digestKey] = digest
	}
	values["requiredArtifacts"], values["optionalArtifacts"] = openArtifacts(required), openArtifacts(optional)
	return stage.Done().WithContext(values), nil
}

func openArtifacts(all []gennaker.Artifact) []any {
	out := make([]any, len(all))
	for i, a := range all {
		out[i] = a.Map()
	}
	return out
}

// clusters returns the clusters of ReplicaSets that the stage moves traffic of.
//
// Errors: Invalid for manifests that the strategy cannot work with.
func (c deployConfig) clusters(manifests []gennaker.Manifest) ([]any, error) {
	name, err := c.Traffic.Options.Name()
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, m := range manifests {
		if kind := text(m, "kind"); kind != "ReplicaSet" {
			continue
		}
		notes, _ := at(m, "metadata", "annotations").(map[string]any)
		n, err := strconv.Atoi(text(notes, "strategy.spinnaker.io/max-version-history"))
		if err == nil && n < 2 && name != strategy.None && name != strategy.Highlander {
			return nil, gennaker.Errorf(gennaker.Invalid, "the strategy %s needs two versions of %s, and strategy.spinnaker.io/max-version-history is %d",
				name, text(m, "metadata", "name"), n).WithHint("set the annotation to 2 or more, or remove it")
		}
		out = append(out, object{
			"location": cmp.Or(c.Namespace, text(m, "metadata", "namespace"), "default"),
			"app":      cmp.Or(text(notes, "moniker.spinnaker.io/application"), c.Moniker.App),
			"cluster":  cmp.Or(text(notes, "moniker.spinnaker.io/cluster"), "replicaSet "+text(m, "metadata", "name")),
		})
	}
	if c.Traffic.Options.Weighted() && len(out) != 1 {
		return nil, gennaker.Errorf(gennaker.Invalid, "the strategy %s is for one ReplicaSet, and the manifests hold %d", name, len(out)).
			WithHint("deploy the other objects in a stage before this one")
	}
	return out, nil
}

// deploy makes the objects what their manifests say.
func (m *maker) deploy(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := readDeploy(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	p, err := m.provider(c.Account)
	if err != nil {
		return stage.Outcome{}, err
	}
	manifests, _, digest, err := m.read(ctx, in, c.source)
	if err != nil {
		return stage.Outcome{}, err
	}
	if before, ok := in.Stage.Context[digestKey].(string); ok && before != digest {
		return stage.Fail("the artifact that holds the manifests changed while the stage ran").WithHint("restart the stage"), nil
	}
	required, optional, err := m.artifacts(in, c.source)
	if err != nil {
		return stage.Outcome{}, err
	}
	d := provider.ManifestDeploy{
		Application: c.Moniker.App, Manifests: manifests, Namespace: c.Namespace, Required: required, Optional: optional,
		Unbound: c.Binding != nil && !*c.Binding, Versioned: c.Versioned, SkipLabels: c.SkipLabels, Selectors: c.Selectors.Selectors,
	}
	if t := c.Traffic; t.Enabled {
		name, _ := t.Options.Name() // was checked
		d.Services, d.Dark = t.Options.Services, !t.Options.Enable || name != strategy.None
	}
	done, err := p.Deploy(ctx, in.Key, d)
	if err != nil {
		o, err := failed(err)
		if err == nil {
			o = c.report(o, done)
		}
		return o, err
	}
	o := stage.Done()
	if len(done.Manifests) == 0 && !c.AllowNone {
		o = stage.Fail("none of the manifests has the labels that the stage selects").
			WithHint("look at labelSelectors, or set allowNothingSelected")
	}
	return c.report(m.hideSecrets(in, o, false), done), nil
}

// report puts what was deployed into context and outputs.
func (c deployConfig) report(o stage.Outcome, done provider.Deployed) stage.Outcome {
	shared := object{
		namesKey: namesByNamespace(c.Account, done.Manifests), boundKey: openArtifacts(done.Bound),
		createdKey: openArtifacts(done.Created), artifactsKey: openArtifacts(done.Created), accountKey: c.Account,
	}
	outputs := maps.Clone(shared)
	if !c.NoOutput {
		shared[manifestsKey] = openList(done.Manifests)
		outputs[manifestsKey], outputs["manifests"] = shared[manifestsKey], shared[manifestsKey]
	}
	shared[appsKey] = applications(c.Moniker.App, done.Manifests)
	if len(done.Obsolete) > 0 {
		list := []any{}
		for _, ref := range done.Obsolete {
			list = append(list, object{"manifestName": ref.ManifestName(), "location": ref.Location})
		}
		shared[obsoleteKey] = list
	}
	if len(done.Warnings) > 0 {
		list := []any{}
		for _, w := range done.Warnings {
			list = append(list, w)
		}
		shared[warningsKey] = list
	}
	return o.WithContext(shared).WithOutputs(outputs)
}

// namesByNamespace names objects, as Spinnaker's contexts do.
func namesByNamespace(account string, ms []gennaker.Manifest) object {
	out := object{}
	for _, m := range ms {
		ref := refOf(account, m)
		list, _ := out[ref.Location].([]any)
		if name := ref.ManifestName(); !slices.Contains(list, any(name)) {
			out[ref.Location] = append(list, name)
		}
	}
	return out
}

// applications are those whose changes a stage waits for.
func applications(first string, ms []gennaker.Manifest) []any {
	found := map[string]bool{first: true}
	for _, m := range ms {
		if a := application(m); a != "" {
			found[a] = true
		}
	}
	out := []any{}
	for _, a := range slices.Sorted(maps.Keys(found)) {
		out = append(out, a)
	}
	return out
}

// deployed is what a stage remembers of the objects that it made.
type deployed struct {
	Account      string              `json:"deploy.account.name"`
	Names        map[string][]string `json:"outputs.manifestNamesByNamespace"`
	Applications []string            `json:"manifestApplications"`
	Obsolete     []where             `json:"obsoleteManifests"`
	Stable       bool                `json:"manifestsStable"`
}

// refs returns the objects that a stage made, by namespace and name.
func (d deployed) refs() []gennaker.ManifestRef {
	var out []gennaker.ManifestRef
	for _, location := range slices.Sorted(maps.Keys(d.Names)) {
		for _, name := range d.Names[location] {
			if kind, name, err := gennaker.ParseManifestName(name); err == nil {
				out = append(out, gennaker.ManifestRef{Account: d.Account, Location: location, Kind: kind, Name: name})
			}
		}
	}
	return out
}

func readDeployed(in stage.Input) (deployed, error) {
	d, err := stage.Decode[deployed](in.Stage.Context)
	if err != nil || d.Account != "" {
		return d, err
	}
	w, err := stage.Decode[where](in.Stage.Context)
	d.Account = w.account()
	if len(d.Applications) == 0 {
		d.Applications = []string{cmp.Or(w.App, in.Execution.Application)}
	}
	return d, err
}

// workload reports whether traffic moves between versions of a kind.
func workload(ref gennaker.ManifestRef) bool { return strings.EqualFold(ref.Kind, "replicaSet") }

// cleanUp deletes the versions that are too many, each when no request reaches
// it any more.
func (m *maker) cleanUp(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	d, err := readDeployed(in)
	if err != nil || len(d.Obsolete) == 0 {
		return stage.Done(), err
	}
	p, err := m.provider(d.Account)
	if err != nil {
		return stage.Outcome{}, err
	}
	var waits []string
	until := in.Now.Add(lookEvery)
	for _, w := range d.Obsolete {
		w.Account = d.Account
		ref, err := w.ref()
		if err != nil {
			return stage.Outcome{}, err
		}
		wait, err := m.retire(ctx, in, p, ref)
		if err != nil {
			return failed(err)
		}
		if wait.reason != "" {
			waits = append(waits, wait.reason)
		}
		if !wait.until.IsZero() && wait.until.Before(until) {
			until = wait.until
		}
	}
	if len(waits) > 0 {
		return waiting(in, d.Account, until, d.Applications...).
			WithContext(object{messagesKey: []any{strings.Join(waits, "; ")}}), nil
	}
	return stage.Done().WithContext(object{messagesKey: []any{}}), nil
}

// retire takes an object out of traffic, and deletes it when it is drained.
func (m *maker) retire(ctx context.Context, in stage.Input, p provider.Provider, ref gennaker.ManifestRef) (drain, error) {
	v, err := p.Manifest(ctx, ref)
	if gennaker.KindOf(err) == gennaker.NotFound && err != nil {
		return drain{}, nil
	}
	if err != nil {
		return drain{}, err
	}
	if workload(ref) {
		if len(behind(v, nil)) > 0 {
			if wait, err := others(ctx, p, ref, v); err != nil || wait != "" {
				return drain{reason: wait}, err
			}
			if err := p.Attach(ctx, in.Key+"/detach/"+ref.String(), ref, nil, false); err != nil {
				return drain{}, err
			}
			if v, err = p.Manifest(ctx, ref); err != nil {
				return drain{}, err
			}
		}
		if wait := left(v, nil, in.Now, in.Now.Add(-followTime)); wait.reason != "" {
			return wait, nil
		}
	}
	return drain{}, p.DeleteManifest(ctx, in.Key+"/delete/"+ref.String(), ref, provider.ManifestDelete{})
}

package manifest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
)

// where is the part of a stage's configuration that says which objects it is
// about.
type where struct {
	Account       string `json:"account"`                                                      // where to act, if credentials is not given
	Credentials   string `json:"credentials"`                                                  // where to act: the name of an account
	CloudProvider string `json:"cloudProvider"`                                                // not needed: the account knows it
	Location      string `json:"location"`                                                     // namespace; "" of an object that is in none
	Name          string `json:"manifestName"`                                                 // kind and name, as "deployment web"
	Mode          string `json:"mode" enum:"static|dynamic|label"`                             // static (default), dynamic (by criteria), or for deleteManifest label (by labelSelectors)
	Cluster       string `json:"cluster"`                                                      // dynamic: the cluster of workloads, as "replicaSet web"
	Criteria      string `json:"criteria" enum:"newest|second_newest|oldest|largest|smallest"` // dynamic: newest, second_newest, oldest, largest or smallest
	Kind          string `json:"kind"`                                                         // dynamic: of the cluster
	App           string `json:"app"`                                                          // application of the cluster; default the pipeline's
}

func (w where) account() string { return cmp.Or(w.Credentials, w.Account) }

// ref returns the object that a stage names. Errors: Invalid.
func (w where) ref() (gennaker.ManifestRef, error) {
	kind, name, err := gennaker.ParseManifestName(w.Name)
	return gennaker.ManifestRef{Account: w.account(), Location: w.Location, Kind: kind, Name: name}, err
}

// byLabel reports whether labels say what a stage is about. Without a mode they
// do if it names kinds and no object: clusters of Spinnaker never see the mode.
//
// Source: Spinnaker clouddriver KubernetesMultiManifestOperationDescription.
func (w where) byLabel(kinds int) bool {
	return strings.EqualFold(w.Mode, "label") || w.Mode == "" && strings.TrimSpace(w.Name) == "" && kinds > 0
}

// target returns the provider and the object of a stage whose target is
// resolved.
func (m *maker) target(in stage.Input) (p provider.Provider, ref gennaker.ManifestRef, err error) {
	w, err := stage.Decode[where](in.Stage.Context)
	if err != nil {
		return p, ref, err
	}
	if ref, err = w.ref(); err != nil {
		return p, ref, err
	}
	p, err = m.provider(w.account())
	return p, ref, err
}

// resolveTarget finds the object that a stage is about, and stores its name: a
// dynamic one is chosen once.
//
// Source: Spinnaker's ResolveTargetManifestTask.
func (m *maker) resolveTarget(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	w, err := stage.Decode[where](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	p, err := m.provider(w.account())
	if err != nil {
		return stage.Outcome{}, err
	}
	if !strings.EqualFold(w.Mode, "dynamic") {
		kinds, _ := in.Stage.Context["kinds"].([]any)
		if w.byLabel(len(kinds)) {
			return stage.Done(), nil
		}
		ref, err := w.ref()
		if err != nil {
			return stage.Outcome{}, err
		}
		return stage.Done().WithContext(named(ref)), nil
	}
	if w.Cluster == "" || w.Kind == "" {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "the stage names no cluster").
			WithHint("set cluster and kind, or name an object in manifestName")
	}
	found, err := p.FindManifests(ctx, provider.ManifestQuery{
		Location: w.Location, Kinds: []string{w.Kind}, Application: cmp.Or(w.App, in.Execution.Application), Cluster: w.Cluster,
	})
	if err != nil {
		return stage.Outcome{}, err
	}
	chosen, err := choose(w.Criteria, found)
	if err != nil {
		return stage.Fail("%v: cluster %s in %s of account %s", err, w.Cluster, w.Location, w.account()).
			WithHint("deploy it first, or choose it by other criteria"), nil
	}
	ref := refOf(w.account(), chosen)
	return stage.Done().WithContext(named(ref)).WithOutputs(object{"manifestName": ref.ManifestName(), "location": ref.Location}), nil
}

// named is what a stage's context says of the object that it is about.
func named(ref gennaker.ManifestRef) object {
	return object{
		"manifestName": ref.ManifestName(), "location": ref.Location,
		namesKey: object{ref.Location: []any{ref.ManifestName()}},
	}
}

// choose returns the object that criteria mean.
//
// Errors: NotFound; Invalid for criteria that there are not.
// Source: strategies, B7.
func choose(criteria string, found []gennaker.Manifest) (gennaker.Manifest, error) {
	place, sorted := 0, slices.Clone(found)
	order := func(a, b gennaker.Manifest) int { return created(b).Compare(created(a)) }
	switch strings.ToLower(criteria) {
	case "newest", "":
	case "second_newest":
		place = 1
	case "oldest":
		order = func(a, b gennaker.Manifest) int { return created(a).Compare(created(b)) }
	case "largest":
		order = func(a, b gennaker.Manifest) int { return cmp.Compare(replicas(b), replicas(a)) }
	case "smallest":
		order = func(a, b gennaker.Manifest) int { return cmp.Compare(replicas(a), replicas(b)) }
	default:
		return nil, gennaker.Errorf(gennaker.Invalid, "there are no criteria %q", criteria)
	}
	if len(found) <= place {
		return nil, gennaker.Errorf(gennaker.NotFound, "no object is the %s", cmp.Or(strings.ReplaceAll(strings.ToLower(criteria), "_", " "), "newest"))
	}
	if c := strings.ToLower(criteria); c != "oldest" && c != "smallest" {
		slices.Reverse(sorted) // they come oldest first, which tells of two of one second
	}
	slices.SortStableFunc(sorted, order)
	return sorted[place], nil
}

func created(m gennaker.Manifest) time.Time {
	t, _ := time.Parse(time.RFC3339, text(m, "metadata", "creationTimestamp"))
	return t
}

func replicas(m gennaker.Manifest) int {
	if at(m, "spec", "replicas") == nil {
		return 1
	}
	return number(m, "spec", "replicas")
}

// refOf names an object. Kinds that others than Kubernetes made have their
// group with them.
func refOf(account string, m gennaker.Manifest) gennaker.ManifestRef {
	ref := gennaker.ManifestRef{
		Account: account, Location: text(m, "metadata", "namespace"), Kind: text(m, "kind"), Name: text(m, "metadata", "name"),
	}
	group, _, ok := strings.Cut(text(m, "apiVersion"), "/")
	if ok && strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io") {
		ref.Kind += "." + group
	}
	return ref
}

// application is whose an object is.
func application(m gennaker.Manifest) string {
	return text(m, "metadata", "annotations", "moniker.spinnaker.io/application")
}

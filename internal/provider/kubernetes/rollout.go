package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// Rollout implements [provider.Manifests].
func (p *Provider) Rollout(ctx context.Context, key string, ref gennaker.ManifestRef, change provider.Rollout) error {
	if err := checkKey(key); err != nil {
		return err
	}
	r, err := p.resolve(ctx, ref)
	if err != nil {
		return err
	}
	switch {
	case change.Scale != nil:
		return p.scale(ctx, key, r, *change.Scale)
	case change.Undo > 0 || change.To > 0:
		return p.undo(ctx, key, r, change.Undo, change.To)
	case change.Restart:
		return p.restart(ctx, key, r)
	case change.Pause || change.Resume:
		return p.pause(ctx, key, r, change.Pause)
	}
	return gennaker.Errorf(gennaker.Invalid, "the change of %s says neither scale, undo, restart, pause nor resume", ref)
}

// scale sets the number of pods. Where it is known to be spec.replicas the mark
// goes with it; a custom kind says by its subresource where it keeps the
// number, and is marked afterwards: setting it twice does no harm.
func (p *Provider) scale(ctx context.Context, key string, r cluster.Ref, replicas int) error {
	if err := manifest.CheckScale(kindOf(r), replicas); err != nil {
		return err
	}
	if !r.Kind.Scalable {
		return gennaker.Errorf(gennaker.Invalid, "a %s cannot be scaled", r.Kind.Kind).WithHint("its kind has no subresource scale")
	}
	builtin := r.Kind.Group == "apps" || r.Kind.Group == ""
	shrinking := false // by a Resize that is not finished, and that this one supersedes
	_, err := p.edit(ctx, key, r, func(o *unstructured.Unstructured) error {
		if builtin {
			set(o.Object, int64(replicas), "spec", "replicas")
			annotate(o, replicasAnnotation, "")
			if shrinking = o.GetLabels()[pendingLabel] == pendingResize; shrinking {
				setPending(o, "")
			}
			return nil
		}
		_, err := p.cluster.Patch(ctx, r, types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas), "scale")
		return err
	})
	if err != nil || !shrinking {
		return err
	}
	return p.takeBack(ctx, r)
}

func (p *Provider) restart(ctx context.Context, key string, r cluster.Ref) error {
	now := time.Now().UTC().Format(time.RFC3339)
	_, err := p.change(ctx, key, r, func(live *unstructured.Unstructured) (manifest.Patch, error) {
		return manifest.RestartPatch(live.Object, now)
	})
	return err
}

func (p *Provider) pause(ctx context.Context, key string, r cluster.Ref, pause bool) error {
	if r.Kind.Kind != "Deployment" {
		return gennaker.Errorf(gennaker.Invalid, "a %s cannot be paused or resumed", r.Kind.Kind).WithHint("this is for a Deployment")
	}
	_, err := p.edit(ctx, key, r, func(o *unstructured.Unstructured) error {
		if pause {
			set(o.Object, true, "spec", "paused")
		} else {
			unstructured.RemoveNestedField(o.Object, "spec", "paused")
		}
		return nil
	})
	return err
}

// undo sets the pod template of an earlier revision.
func (p *Provider) undo(ctx context.Context, key string, r cluster.Ref, back, to int) error {
	if err := manifest.CheckRollout(kindOf(r)); err != nil {
		return err
	}
	_, err := p.change(ctx, key, r, func(live *unstructured.Unstructured) (manifest.Patch, error) {
		history, err := p.history(ctx, r, live)
		if err != nil {
			return manifest.Patch{}, err
		}
		revision, err := manifest.PickRevision(history, back, to)
		if err != nil {
			return manifest.Patch{}, err
		}
		return manifest.UndoPatch(live.Object, revision)
	})
	return err
}

// history returns what a workload once was: the ReplicaSets of a Deployment, or
// the ControllerRevisions of anything else.
func (p *Provider) history(ctx context.Context, r cluster.Ref, workload *unstructured.Unstructured) ([]gennaker.Manifest, error) {
	holder := "ControllerRevision.apps"
	if r.Kind.Kind == "Deployment" {
		holder = "ReplicaSet.apps"
	}
	kind, err := p.cluster.Kind(ctx, holder)
	if err != nil {
		return nil, err
	}
	all, err := p.cluster.List(ctx, cluster.Ref{Kind: kind, Namespace: r.Namespace}, "")
	if err != nil {
		return nil, err
	}
	var out []gennaker.Manifest
	for _, o := range all {
		if controlledBy(&o, workload.GetUID()) {
			out = append(out, o.Object)
		}
	}
	return out, nil
}

// controlledBy reports whether the controller of o has the uid.
func controlledBy(o *unstructured.Unstructured, uid types.UID) bool {
	return slices.ContainsFunc(o.GetOwnerReferences(), func(r ownerReference) bool {
		return r.UID == uid && r.Controller != nil && *r.Controller
	})
}

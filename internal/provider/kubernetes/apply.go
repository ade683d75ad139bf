package kubernetes

import (
	"context"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// carry makes one object what it is to be, once for the key.
func (p *Provider) carry(ctx context.Context, key string, i *item) (gennaker.Manifest, error) {
	switch {
	case i.reused:
		live, err := p.cluster.Get(ctx, i.ref)
		return object(live), err
	case i.versioned, i.strategy.Method == manifest.Create:
		return p.create(ctx, key, i)
	case i.strategy.Method == manifest.Recreate:
		return p.recreate(ctx, key, i)
	case i.strategy.Method == manifest.Replace:
		return p.replace(ctx, key, i)
	}
	return p.apply(ctx, key, i)
}

func object(o *unstructured.Unstructured) gennaker.Manifest {
	if o == nil {
		return nil
	}
	return o.Object
}

// withKey returns the manifest with the mark of key beside those that are there.
func withKey(m gennaker.Manifest, there map[string]string, key string) gennaker.Manifest {
	return manifest.SetAnnotations(m, map[string]string{operationAnnotation: marked(there, key)})
}

// create makes an object that must be new. If it is there it is ours, when the
// answer of an earlier attempt was lost, or somebody else took the name.
func (p *Provider) create(ctx context.Context, key string, i *item) (gennaker.Manifest, error) {
	made, err := p.cluster.Create(ctx, i.ref, withKey(i.object, nil, key))
	if !cluster.Exists(err) {
		return object(made), err
	}
	live, readErr := p.cluster.Get(ctx, i.ref)
	switch {
	case gennaker.KindOf(readErr) == gennaker.NotFound && readErr != nil:
		return nil, errTaken
	case readErr != nil:
		return nil, readErr
	case done(live.GetAnnotations(), key):
		return live.Object, nil
	case i.versioned:
		return nil, errTaken
	}
	return nil, err
}

// goneTime is how long an object may take to go before it is made again; the
// task comes back later then.
const goneTime = time.Minute

// recreate deletes what is there with all that it owns, and makes it again.
func (p *Provider) recreate(ctx context.Context, key string, i *item) (gennaker.Manifest, error) {
	live, err := p.cluster.Get(ctx, i.ref)
	switch {
	case err != nil && gennaker.KindOf(err) != gennaker.NotFound:
		return nil, err
	case err == nil && done(live.GetAnnotations(), key):
		return live.Object, nil
	case err == nil:
		if err := p.cluster.Delete(ctx, i.ref, live.GetUID(), v1.DeletePropagationForeground, nil); err != nil {
			return nil, err
		}
		if err := p.awaitGone(ctx, i.ref, live.GetUID()); err != nil {
			return nil, err
		}
	}
	return p.create(ctx, key, i)
}

// awaitGone returns when the object with the uid is no more.
func (p *Provider) awaitGone(ctx context.Context, r cluster.Ref, uid types.UID) error {
	ctx, cancel := context.WithTimeoutCause(ctx, goneTime, gennaker.Errorf(gennaker.Unavailable, "%s is being deleted still", r).
		WithHint("see its finalizers: something must carry them out"))
	defer cancel()
	for pause := followPause; ; pause = min(2*pause, maxPause) {
		m, err := p.cluster.Metadata(ctx, r)
		if err != nil && gennaker.KindOf(err) == gennaker.NotFound || err == nil && m.UID != uid {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		if !sleep(ctx, pause) {
			return context.Cause(ctx) //nolint:wrapcheck // it is the context's
		}
	}
}

// replace puts an object in the place of what is there, as kubectl replace does.
func (p *Provider) replace(ctx context.Context, key string, i *item) (gennaker.Manifest, error) {
	var err error
	for range maxEdits {
		live, readErr := p.cluster.Get(ctx, i.ref)
		switch {
		case readErr != nil && gennaker.KindOf(readErr) == gennaker.NotFound:
			return p.create(ctx, key, i)
		case readErr != nil:
			return nil, readErr
		case done(live.GetAnnotations(), key):
			return live.Object, nil
		}
		next := withKey(i.object, live.GetAnnotations(), key)
		set(next, live.GetResourceVersion(), "metadata", "resourceVersion")
		var made *unstructured.Unstructured
		if made, err = p.cluster.Replace(ctx, i.ref, next); err == nil {
			return made.Object, nil
		} else if !cluster.Stale(err) {
			return nil, err
		}
	}
	return nil, err
}

// apply makes an object what its manifest says, by server-side apply.
//
// What kubectl and Spinnaker applied before is taken over with their fields, so
// that what is no longer in the manifest goes, as they would have it. Fields of
// any other manager (an autoscaler, a controller, another tool) are a conflict,
// unless the manifest forces it.
func (p *Provider) apply(ctx context.Context, key string, i *item) (gennaker.Manifest, error) {
	there, err := p.cluster.Metadata(ctx, i.ref)
	switch {
	case err != nil && gennaker.KindOf(err) == gennaker.NotFound:
		there = &v1.PartialObjectMetadata{} // so is its namespace, or its kind, perhaps: apply says so
	case err != nil:
		return nil, err
	case there.DeletionTimestamp != nil: // it would go with what we write
		if err := p.awaitGone(ctx, i.ref, there.UID); err != nil {
			return nil, err
		}
		there = &v1.PartialObjectMetadata{}
	case done(there.Annotations, key):
		live, err := p.cluster.Get(ctx, i.ref)
		return object(live), err
	}
	if err := p.takeOver(ctx, i.ref, there); err != nil {
		return nil, err
	}
	body := withKey(i.object, there.Annotations, key)
	made, err := p.applyCustom(ctx, i.ref, body, i.strategy.ForceConflicts)
	if owners := cluster.Owners(err); len(owners) > 0 && !slices.ContainsFunc(owners, func(o cluster.Owner) bool { return !yields(o.Manager) }) {
		made, err = p.cluster.Apply(ctx, i.ref, body, true)
	}
	return object(made), err
}

// yields reports whether fields of a manager are ours to set: it is us, who set
// them by a patch, or a person's or Spinnaker's kubectl.
func yields(manager string) bool {
	return manager == cluster.FieldManager || strings.HasPrefix(manager, "kubectl") || slices.Contains(appliers, manager)
}

// appliers are the managers by which kubectl apply is known, without
// server-side apply. "before-first-apply" is what was there before any.
var appliers = []string{"kubectl-client-side-apply", "before-first-apply", "clouddriver"}

// takeOver makes the fields that were applied on the client's side ours.
func (p *Provider) takeOver(ctx context.Context, r cluster.Ref, there *v1.PartialObjectMetadata) error {
	for range maxEdits {
		patch, err := csaupgrade.UpgradeManagedFieldsPatch(there, sets.New(appliers...), cluster.FieldManager)
		if err != nil || patch == nil {
			return nil //nolint:nilerr // fields that cannot be read are nobody's; apply says if that matters
		}
		_, err = p.cluster.Patch(ctx, r, types.JSONPatchType, patch)
		if err == nil || !cluster.Stale(err) {
			return err
		}
		if there, err = p.cluster.Metadata(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// definedTime is how long a kind may take to be served after its definition was
// made.
const definedTime = 15 * time.Second

// applyCustom applies an object whose kind may have been defined just now.
func (p *Provider) applyCustom(ctx context.Context, r cluster.Ref, body gennaker.Manifest, force bool) (*unstructured.Unstructured, error) {
	deadline := time.Now().Add(definedTime)
	for pause := followPause; ; pause = min(2*pause, maxPause) {
		made, err := p.cluster.Apply(ctx, r, body, force)
		if !cluster.NoSuchKind(err) || time.Now().After(deadline) || !sleep(ctx, pause) {
			return made, err
		}
	}
}

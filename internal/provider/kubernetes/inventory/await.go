package inventory

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/slim"
)

// patience is how long a read waits for the watch to bring what was written,
// before it asks the cluster.
const patience = time.Second

// waiter waits until the index has seen an object's version.
type waiter struct {
	kind schema.GroupKind
	seen func() bool // called with the index locked
	done chan struct{}
}

// Await returns when the answers take in that an object was written as
// version; for the version "" that it was deleted, or is being. It waits a
// second for the watch, and then asks the cluster itself. What is not watched is
// not in the answers, and not waited for.
//
// Errors: Unavailable if the cluster does not answer.
func (i *Inventory) Await(ctx context.Context, kind schema.GroupKind, namespace, name, version string) error {
	src := i.sourceOf(kind, namespace)
	if src == nil {
		return nil
	}
	k := key{Namespace: namespace, Name: name}
	x := &i.index
	seen := func() bool {
		o := x.kinds[kind][k]
		if version == "" {
			return o == nil || o.meta.GetDeletionTimestamp() != nil
		}
		return o != nil && !older(o.meta.GetResourceVersion(), version) || src.seen(version)
	}
	if x.await(ctx, kind, seen) {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait for %s %s to be seen: %w", kind.Kind, name, err)
	}
	return i.fetch(ctx, src, k)
}

// await returns whether seen became true in time.
func (x *index) await(ctx context.Context, kind schema.GroupKind, seen func() bool) bool {
	w := &waiter{kind: kind, seen: seen, done: make(chan struct{})}
	x.mu.Lock()
	if seen() {
		x.mu.Unlock()
		return true
	}
	x.waiters[w] = struct{}{}
	x.mu.Unlock()
	defer func() {
		x.mu.Lock()
		delete(x.waiters, w)
		x.mu.Unlock()
	}()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-w.done:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

// reached tells those who wait that the index has seen more of a kind.
func (x *index) reached(kind schema.GroupKind) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.answer(kind)
}

// answer tells those whose wait is over.
func (x *index) answer(kind schema.GroupKind) {
	for w := range x.waiters {
		if w.kind == kind && w.seen() {
			close(w.done)
			delete(x.waiters, w)
		}
	}
}

// sourceOf returns what watches a kind in a namespace, nil if nothing does.
func (i *Inventory) sourceOf(kind schema.GroupKind, namespace string) *source {
	i.mu.Lock()
	defer i.mu.Unlock()
	for at, src := range i.sources {
		if _, refused := src.progress(); src.res.kind == kind && (at.namespace == "" || at.namespace == namespace) && !refused {
			return src
		}
	}
	return nil
}

// fetch asks the cluster for one object and puts it into the index.
func (i *Inventory) fetch(ctx context.Context, src *source, k key) error {
	obj, err := i.get(ctx, src.res, k)
	switch {
	case apierrors.IsNotFound(err):
		i.index.remove(src.res.kind, k.Namespace, k.Name, "")
		return nil
	case err != nil:
		return gennaker.Errorf(gennaker.Unavailable, "what became of %s %s is not known: %w", src.res.kind.Kind, k.Name, err)
	}
	if obj, err = slim.Object(obj); err != nil {
		return fmt.Errorf("read %s %s: %w", src.res.kind.Kind, k.Name, err)
	}
	m, err := meta.Accessor(obj)
	if err != nil {
		return fmt.Errorf("read %s %s: %w", src.res.kind.Kind, k.Name, err)
	}
	i.index.put(src.res.kind, m)
	return nil
}

func (i *Inventory) get(ctx context.Context, res resource, k key) (any, error) {
	if res.typed == nil {
		if res.namespaced {
			return i.metadata.Resource(res.gvr).Namespace(k.Namespace).Get(ctx, k.Name, metav1.GetOptions{})
		}
		return i.metadata.Resource(res.gvr).Get(ctx, k.Name, metav1.GetOptions{})
	}
	c, err := i.codec.client(res.gvr.GroupVersion())
	if err != nil {
		return nil, err
	}
	return func() (runtime.Object, error) {
		return c.Get().NamespaceIfScoped(k.Namespace, res.namespaced).Resource(res.gvr.Resource).Name(k.Name).Do(ctx).Get()
	}()
}

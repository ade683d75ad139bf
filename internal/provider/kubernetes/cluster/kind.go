package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/near"
)

// Kind is a kind of objects that the server has.
type Kind struct {
	schema.GroupVersionKind
	Resource   schema.GroupVersionResource
	Namespaced bool
	Scalable   bool // it has the subresource scale
}

// Bounds of asking the server for its kinds: how often, how long a kind is
// known that it may not tell of yet, and how long it may take to serve it.
const (
	refreshEvery = 200 * time.Millisecond
	learnedFor   = time.Minute
	servedWithin = 15 * time.Second
)

// kinds are those of the server as they were last seen. They are read at the
// first use, and again when one is looked for that is not known: custom kinds
// come and go.
type kinds struct {
	discovery *discovery.DiscoveryClient

	mu      sync.Mutex
	seen    time.Time
	learned []learned
	list    []served // the preferred version of each group first, groups in the server's order
}

type served struct {
	Kind
	names []string // lower case: kind, plural, singular, short
}

type learned struct {
	served
	at time.Time
}

// Learn makes a kind known that was defined just now: the server takes objects
// of it before it tells of it.
func (c *Client) Learn(k Kind) {
	c.kinds.mu.Lock()
	defer c.kinds.mu.Unlock()
	c.kinds.learned = append(c.kinds.learned, learned{served{k, []string{strings.ToLower(k.Kind), k.Resource.Resource}}, time.Now()})
}

// Kind returns the kind of a name in any case, with its group where the kind
// alone is not enough: "deployment", "Gadget.example.com". Of several it is the
// one of the group that the server lists first, in the version it prefers.
//
// Errors: Invalid, naming the nearest that there is; Unavailable.
func (c *Client) Kind(ctx context.Context, name string) (Kind, error) {
	want, group, grouped := strings.Cut(strings.ToLower(name), ".")
	k, err := c.kinds.find(ctx, func(s served) bool {
		return slices.Contains(s.names, want) && (!grouped || s.Group == group)
	})
	if err != nil || k != nil {
		return deref(k), err
	}
	return Kind{}, c.unknown(name, want)
}

// KindOf returns the kind of a manifest's apiVersion and kind.
//
// Errors: Invalid, naming the nearest that there is; Unavailable.
func (c *Client) KindOf(ctx context.Context, gvk schema.GroupVersionKind) (Kind, error) {
	k, err := c.kinds.find(ctx, func(s served) bool { return s.GroupVersionKind == gvk })
	if err != nil || k != nil {
		return deref(k), err
	}
	var versions []string
	for _, s := range c.kinds.known() {
		if s.Group == gvk.Group && s.Kind.Kind == gvk.Kind {
			versions = append(versions, s.GroupVersion().String())
		}
	}
	if len(versions) > 0 {
		return Kind{}, gennaker.Errorf(gennaker.Invalid, "the cluster does not serve %s of %s", gvk.Kind, gvk.GroupVersion()).
			WithHint("it serves the kind as %s", strings.Join(versions, ", "))
	}
	return Kind{}, c.unknown(gvk.Kind+" of "+gvk.GroupVersion().String(), strings.ToLower(gvk.Kind))
}

func deref(k *Kind) Kind {
	if k == nil {
		return Kind{}
	}
	return *k
}

func (c *Client) unknown(name, want string) error {
	e := gennaker.Errorf(gennaker.Invalid, "the cluster has no kind %s", name)
	var names []string
	byName := map[string]Kind{}
	for _, k := range c.kinds.known() {
		if _, ok := byName[k.Kind.Kind]; !ok {
			byName[k.Kind.Kind] = k.Kind
			names = append(names, k.Kind.Kind)
		}
	}
	best := near.Name(want, names, len(want)/3+1)
	if best == "" {
		return e.WithHint("deploy its CustomResourceDefinition first, or check the spelling of kind and apiVersion")
	}
	return e.WithHint("the nearest is %s of %s; or deploy its CustomResourceDefinition first", best, byName[best].GroupVersion())
}

// find returns the first kind that fits, or nil, after asking the server once
// more.
func (k *kinds) find(ctx context.Context, fits func(served) bool) (*Kind, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for asked := false; ; asked = true {
		if i := slices.IndexFunc(k.list, fits); i >= 0 {
			return &k.list[i].Kind, nil
		}
		k.learned = slices.DeleteFunc(k.learned, func(l learned) bool { return time.Since(l.at) > learnedFor })
		if i := slices.IndexFunc(k.learned, func(l learned) bool { return fits(l.served) }); i >= 0 {
			return &k.learned[i].Kind, nil
		}
		if asked {
			return nil, nil
		}
		if !wait(ctx, refreshEvery-time.Since(k.seen)) {
			return nil, fmt.Errorf("ask for the kinds of the cluster: %w", ctx.Err())
		}
		if err := k.refresh(ctx); err != nil {
			return nil, err
		}
	}
}

func (k *kinds) known() []served {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.list
}

// refresh reads the kinds. Groups whose own server is away are left out.
func (k *kinds) refresh(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	groups, lists, err := k.discovery.ServerGroupsAndResourcesWithContext(bounded)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return fmt.Errorf("ask for the kinds of the cluster: %w", explain(ctx, "get", Ref{}, err))
	}
	byVersion := map[string]*v1.APIResourceList{}
	for _, l := range lists {
		byVersion[l.GroupVersion] = l
	}
	k.list = nil
	for _, g := range groups {
		versions := slices.Clone(g.Versions)
		slices.SortStableFunc(versions, func(a, b v1.GroupVersionForDiscovery) int {
			return preferred(g, b) - preferred(g, a)
		})
		for _, v := range versions {
			if l := byVersion[v.GroupVersion]; l != nil {
				k.list = append(k.list, servedBy(schema.GroupVersion{Group: g.Name, Version: v.Version}, l.APIResources)...)
			}
		}
	}
	k.seen = time.Now()
	return nil
}

func preferred(g *v1.APIGroup, v v1.GroupVersionForDiscovery) int {
	if g.PreferredVersion.GroupVersion == v.GroupVersion {
		return 1
	}
	return 0
}

func servedBy(gv schema.GroupVersion, resources []v1.APIResource) []served {
	var out []served
	scales := map[string]bool{}
	for _, r := range resources {
		if plural, ok := strings.CutSuffix(r.Name, "/scale"); ok {
			scales[plural] = true
		}
	}
	for _, r := range resources {
		if strings.Contains(r.Name, "/") || r.Kind == "" {
			continue
		}
		names := append([]string{strings.ToLower(r.Kind), r.Name, r.SingularName}, r.ShortNames...)
		out = append(out, served{
			Kind: Kind{
				GroupVersionKind: gv.WithKind(r.Kind), Resource: gv.WithResource(r.Name),
				Namespaced: r.Namespaced, Scalable: scales[r.Name],
			},
			names: slices.DeleteFunc(names, func(n string) bool { return n == "" }),
		})
	}
	return out
}

// forget makes the next look-up ask the server: a kind that was there is not
// any more.
func (k *kinds) forget(gone Kind) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list = slices.DeleteFunc(slices.Clone(k.list), func(s served) bool { return s.GroupVersionKind == gone.GroupVersionKind })
	k.learned = slices.DeleteFunc(k.learned, func(l learned) bool {
		return l.GroupVersionKind == gone.GroupVersionKind && time.Since(l.at) > servedWithin
	})
}

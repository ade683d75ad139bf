package inventory

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// maxEvents bounds the events that are kept of an account; the oldest go.
const maxEvents = 5000

// key names an object of a known kind.
type key = types.NamespacedName

// object is one object of the cluster. It is never changed after it was put
// into the index.
type object struct {
	kind    schema.GroupKind
	meta    metav1.Object
	moniker *gennaker.Moniker // of all but pods, slices and events
}

func (o *object) key() key { return key{Namespace: o.meta.GetNamespace(), Name: o.meta.GetName()} }

// name returns the name that Spinnaker has for it: "replicaSet web-v003".
func (o *object) name() string {
	return gennaker.ManifestRef{Kind: o.kind.Kind, Name: o.meta.GetName()}.ManifestName()
}

func (o *object) app() string {
	if o.moniker == nil {
		return ""
	}
	return o.moniker.App
}

// set is objects, in no order.
type set map[*object]struct{}

// index is everything that is known of the cluster, and by what it is found.
type index struct {
	tell func(...change)

	mu       sync.RWMutex
	kinds    map[schema.GroupKind]map[key]*object
	uids     map[types.UID]*object     // those that own others
	owned    map[types.UID]set         // by the controller that owns them; events by what they are about
	apps     map[string]set            // workloads by application, in lower case
	services map[string]map[string]set // services by namespace and one label that they select by, "key=value"
	events   []key                     // in order of arrival; some are gone
	count    int
	traffic  traffic
	waiters  map[*waiter]struct{}
	seenAll  time.Time       // when the index was first complete
	blind    map[string]bool // namespaces, "" is all, whose slices may not be watched
}

func (x *index) init(settle time.Duration, tell func(...change)) {
	x.tell = tell
	x.kinds = map[schema.GroupKind]map[key]*object{}
	x.uids, x.owned, x.apps = map[types.UID]*object{}, map[types.UID]set{}, map[string]set{}
	x.services, x.waiters = map[string]map[string]set{}, map[*waiter]struct{}{}
	x.blind = map[string]bool{}
	x.traffic.init(settle)
}

// see notes whether the slices of a namespace may be watched.
func (x *index) see(namespace string, may bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.blind[namespace] = !may
}

func (x *index) isBlind(namespace string) bool { return x.blind[""] || x.blind[namespace] }

// began notes that the index was complete for the first time.
func (x *index) began(now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.seenAll = now
}

// stop ends the timers.
func (x *index) stop() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.traffic.stop()
}

func (x *index) size() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.count
}

// put takes an object in, unless a newer one is there.
func (x *index) put(kind schema.GroupKind, m metav1.Object) {
	o := &object{kind: kind, meta: m}
	switch kind {
	case podKind, sliceKind, eventKind:
	default:
		o.moniker = new(monikerOf(kind, m))
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tell(x.swap(o.key(), o, kind)...)
	x.answer(kind)
}

// remove forgets an object, unless another of its name has taken its place.
func (x *index) remove(kind schema.GroupKind, namespace, name string, uid types.UID) {
	k := key{Namespace: namespace, Name: name}
	x.mu.Lock()
	defer x.mu.Unlock()
	if have := x.kinds[kind][k]; have != nil && (uid == "" || have.meta.GetUID() == uid) {
		x.tell(x.swap(k, nil, kind)...)
	}
	x.answer(kind)
}

// replace takes a list, as of version, for all that there is of a kind, in one
// namespace or for "" in all. What came later than the list stays.
func (x *index) replace(kind schema.GroupKind, namespace string, list []metav1.Object, version string) {
	listed := make(map[key]struct{}, len(list))
	for _, m := range list {
		listed[key{Namespace: m.GetNamespace(), Name: m.GetName()}] = struct{}{}
		x.put(kind, m)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for k, o := range x.kinds[kind] {
		if namespace != "" && k.Namespace != namespace {
			continue
		}
		if _, ok := listed[k]; !ok && (version == "" || !older(version, o.meta.GetResourceVersion())) {
			x.tell(x.swap(k, nil, kind)...)
		}
	}
	x.answer(kind)
}

// swap puts o, or nothing, where k was, and returns what that changes.
func (x *index) swap(k key, o *object, kind schema.GroupKind) []change {
	was := x.kinds[kind][k]
	if was != nil && o != nil && was.meta.GetUID() == o.meta.GetUID() &&
		!older(was.meta.GetResourceVersion(), o.meta.GetResourceVersion()) {
		return nil
	}
	var changes []change
	if was != nil {
		changes = x.concerns(was)
		x.unlink(was)
		if was.meta.GetUID() != "" && o != nil && was.meta.GetUID() != o.meta.GetUID() {
			changes = append(changes, x.traffic.swap(x, was, nil)...)
			was = nil
		}
	}
	if o != nil {
		x.link(k, o)
	} else {
		delete(x.kinds[kind], k)
		x.count--
	}
	changes = append(changes, x.traffic.swap(x, was, o)...)
	if o != nil {
		changes = append(changes, x.concerns(o)...)
	}
	return changes
}

func (x *index) link(k key, o *object) {
	if x.kinds[o.kind] == nil {
		x.kinds[o.kind] = map[key]*object{}
	}
	if x.kinds[o.kind][k] == nil {
		x.count++
	}
	x.kinds[o.kind][k] = o
	if uid := ownerOf(o); uid != "" {
		add(x.owned, uid, o)
	}
	if isWorkload(o.kind) {
		x.uids[o.meta.GetUID()] = o
		add(x.apps, strings.ToLower(o.app()), o)
	}
	switch v := o.meta.(type) {
	case *corev1.Service:
		if pair := firstPair(v.Spec.Selector); pair != "" {
			if x.services[v.Namespace] == nil {
				x.services[v.Namespace] = map[string]set{}
			}
			add(x.services[v.Namespace], pair, o)
		}
	case *corev1.Event:
		x.events = append(x.events, k)
		x.trimEvents()
	}
}

func (x *index) unlink(o *object) {
	if uid := ownerOf(o); uid != "" {
		drop(x.owned, uid, o)
	}
	if isWorkload(o.kind) {
		if x.uids[o.meta.GetUID()] == o {
			delete(x.uids, o.meta.GetUID())
		}
		drop(x.apps, strings.ToLower(o.app()), o)
	}
	if v, ok := o.meta.(*corev1.Service); ok {
		drop(x.services[v.Namespace], firstPair(v.Spec.Selector), o)
		if len(x.services[v.Namespace]) == 0 {
			delete(x.services, v.Namespace)
		}
	}
}

// trimEvents forgets the oldest events when there are too many.
func (x *index) trimEvents() {
	for len(x.kinds[eventKind]) > maxEvents {
		k := x.events[0]
		x.events = x.events[1:]
		if o := x.kinds[eventKind][k]; o != nil {
			x.unlink(o)
			delete(x.kinds[eventKind], k)
			x.count--
		}
	}
	if len(x.events) > 2*maxEvents { // most of them are gone by themselves
		x.events = slices.DeleteFunc(slices.Clone(x.events), func(k key) bool { return x.kinds[eventKind][k] == nil })
	}
}

// concerns returns whose state an object is part of.
func (x *index) concerns(o *object) []change {
	switch v := o.meta.(type) {
	case *corev1.Pod:
		return x.concernsOwner(ownerOf(o))
	case *corev1.Event:
		about := v.InvolvedObject
		if w := x.uids[about.UID]; w != nil {
			return []change{changeOf(w)}
		}
		if p := x.kinds[podKind][key{Namespace: about.Namespace, Name: about.Name}]; p != nil && about.Kind == podKind.Kind {
			return x.concernsOwner(ownerOf(p))
		}
		return nil
	case *discoveryv1.EndpointSlice:
		return nil // the traffic of workloads says what it changed
	case *corev1.Service, *gatewayv1.HTTPRoute:
		return []change{{Region: o.key().Namespace}} // which of the namespace's server groups are enabled depends on it
	case *autoscalingv2.HorizontalPodAutoscaler:
		return []change{{Application: o.app(), Region: o.key().Namespace}}
	}
	if isWorkload(o.kind) {
		return append(x.concernsOwner(ownerOf(o)), changeOf(o))
	}
	if o.app() == "" {
		return nil
	}
	return []change{{Application: o.app(), Region: o.key().Namespace}}
}

func (x *index) concernsOwner(uid types.UID) []change {
	if w := x.uids[uid]; w != nil {
		return []change{changeOf(w)}
	}
	return nil
}

// changeOf says that a server group, or another workload, changed.
func changeOf(w *object) change {
	return change{Application: w.app(), Region: w.key().Namespace, ServerGroup: w.name()}
}

func isWorkload(kind schema.GroupKind) bool {
	return kind == deploymentKind || slices.Contains(serverGroupKinds, kind)
}

// ownerOf returns the UID of what controls an object, or what an event is about.
func ownerOf(o *object) types.UID {
	switch v := o.meta.(type) {
	case *corev1.Event:
		return v.InvolvedObject.UID
	case *corev1.Pod, *appsv1.ReplicaSet, *batchv1.Job:
		if c := metav1.GetControllerOfNoCopy(v.(metav1.Object)); c != nil { //nolint:forcetypeassert // they are
			return c.UID
		}
	}
	return ""
}

func add[K comparable](m map[K]set, k K, o *object) {
	if m[k] == nil {
		m[k] = set{}
	}
	m[k][o] = struct{}{}
}

func drop[K comparable](m map[K]set, k K, o *object) {
	delete(m[k], o)
	if len(m[k]) == 0 {
		delete(m, k)
	}
}

// firstPair returns the first of a selector's labels, "key=value", by which
// those who have it find the selector; "" of an empty one, which selects
// nothing.
func firstPair(selector map[string]string) string {
	first := ""
	for k := range selector {
		if first == "" || k < first {
			first = k
		}
	}
	if first == "" {
		return ""
	}
	return first + "=" + selector[first]
}

// selecting returns the services of a namespace that select by labels that all
// are among these, by name. Those for a route's weights that have no share are
// not among them; spare says that there are some.
func (x *index) selecting(namespace string, labels map[string]string) (out []*object, spare bool) {
	all := x.services[namespace]
	if len(all) == 0 {
		return nil, false
	}
	for k, v := range labels {
		for o := range all[k+"="+v] {
			s, ok := o.meta.(*corev1.Service)
			if !ok || !selects(s.Spec.Selector, labels) {
				continue
			}
			if counts, _ := x.share(o.key()); counts {
				out = append(out, o)
			} else {
				spare = true
			}
		}
	}
	slices.SortFunc(out, func(a, b *object) int { return cmp.Compare(a.meta.GetName(), b.meta.GetName()) })
	return out, spare
}

func selects(selector, labels map[string]string) bool {
	for k, v := range selector {
		if have, ok := labels[k]; !ok || have != v {
			return false
		}
	}
	return len(selector) > 0
}

// older returns whether resource version a is older than b. They are numbers,
// of any length; "" is older than all.
func older(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// monikerOf returns which application and cluster an object belongs to.
func monikerOf(kind schema.GroupKind, m metav1.Object) gennaker.Moniker {
	return manifest.MonikerOf(gennaker.Manifest{
		"apiVersion": schema.GroupVersion{Group: kind.Group, Version: "v1"}.String(), "kind": kind.Kind,
		"metadata": map[string]any{
			"name": m.GetName(), "annotations": open(m.GetAnnotations()), "labels": open(m.GetLabels()),
		},
	})
}

func open(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

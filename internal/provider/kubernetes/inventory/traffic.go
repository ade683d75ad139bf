package inventory

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/slim"
)

// DetachedAnnotation of a workload says when its pods were taken from behind
// their Services, in RFC 3339. Who detaches them writes it, so that when they
// are drained is known after a restart too.
const DetachedAnnotation = "gennaker.io/detached-at"

// PendingLabel of a workload says what is to happen to it when it is drained:
// [PendingDestroy], or what only its provider knows.
const (
	PendingLabel   = "gennaker.io/pending"
	PendingDestroy = "destroy"
)

// Annotations of a Service that exists for the weights of a route: whose pods
// it selects, and which HTTPRoute sends them requests. It counts as a way for
// requests only while the route has a share for it. The route itself says when
// its shares were last set.
const (
	WorkloadAnnotation = "gennaker.io/workload"
	RouteAnnotation    = "gennaker.io/route"
	ShiftedAnnotation  = "gennaker.io/shifted-at" // RFC 3339
)

// traffic is which pods are endpoints of which services, and when workloads
// ceased to have any.
//
// What a slice says of a pod may arrive before the pod does, and stay after it
// has gone; so pods are known here by name, or where a slice has no names by
// address, and what is known of them lasts as long as the pod or a slice does.
type traffic struct {
	settle    settle
	pods      map[key]*podTraffic
	addresses int // of pods, that are known by address
	workloads map[types.UID]*workloadTraffic
	shifted   *time.Timer // tells when gateways have followed the last change of a route
}

type podTraffic struct {
	exists  bool
	owner   types.UID
	slices  []mention // one of each slice that knows it
	leftAt  time.Time // when the last slice ceased to route to it
	departs time.Time // since when a service that routes to it does not select it
}

// mention is what a slice says of a pod.
type mention struct {
	slice   key
	service string
	ready   bool // gets new requests
	routed  bool // may get requests: ready, serving or terminating
}

type workloadTraffic struct {
	routes map[string]int // slices that route to its pods, by service
	leftAt time.Time
	timer  *time.Timer // tells when it is drained
}

func (t *traffic) init(given time.Duration) {
	t.settle.given = given
	t.pods, t.workloads = map[key]*podTraffic{}, map[types.UID]*workloadTraffic{}
}

func (t *traffic) stop() {
	if t.shifted != nil {
		t.shifted.Stop()
	}
	for _, w := range t.workloads {
		if w.timer != nil {
			w.timer.Stop()
		}
	}
}

// swap takes in that an object has become another, or has come or gone, and
// returns whose traffic that changes.
func (t *traffic) swap(x *index, was, is *object) []change {
	switch one(was, is).meta.(type) {
	case *corev1.Pod:
		return t.swapPod(x, was, is)
	case *discoveryv1.EndpointSlice:
		return t.swapSlice(x, was, is)
	}
	o := one(was, is)
	if o.kind == routeKind {
		if t.shifted != nil {
			t.shifted.Stop()
		}
		t.shifted = time.AfterFunc(t.settle.time(time.Now()), func() { x.tell(change{}) })
	}
	if is == nil && isWorkload(o.kind) {
		if w := t.workloads[o.meta.GetUID()]; w != nil && len(w.routes) == 0 {
			t.forget(o.meta.GetUID())
		}
	}
	return nil
}

// one returns the one that is there; an empty object if none is.
func one(was, is *object) *object {
	switch {
	case is != nil:
		return is
	case was != nil:
		return was
	}
	return &object{}
}

func (t *traffic) forget(uid types.UID) {
	if w := t.workloads[uid]; w != nil && w.timer != nil {
		w.timer.Stop()
	}
	delete(t.workloads, uid)
}

// names returns by what slices may know a pod: its name, or its addresses,
// marked by an "@", unless those are its node's.
func names(p *corev1.Pod) []key {
	out := []key{{Namespace: p.Namespace, Name: p.Name}}
	if p.Spec.HostNetwork {
		return out
	}
	for _, ip := range addresses(p) {
		out = append(out, key{Namespace: p.Namespace, Name: "@" + ip})
	}
	return out
}

func addresses(p *corev1.Pod) []string {
	if p.Status.PodIP == "" {
		return nil
	}
	out := []string{p.Status.PodIP}
	for _, ip := range p.Status.PodIPs {
		if ip.IP != p.Status.PodIP {
			out = append(out, ip.IP)
		}
	}
	return out
}

func (t *traffic) swapPod(x *index, was, is *object) []change {
	var changes []change
	if was != nil {
		for _, k := range names(was.meta.(*corev1.Pod)) { //nolint:forcetypeassert // the caller saw it
			if p := t.pods[k]; p != nil {
				p.exists = false
			}
		}
	}
	if is != nil {
		for _, k := range names(is.meta.(*corev1.Pod)) { //nolint:forcetypeassert // the caller saw it
			p := t.pods[k]
			if p == nil {
				if strings.HasPrefix(k.Name, "@") {
					continue // no slice knows it by its address
				}
				p = &podTraffic{}
				t.pods[k] = p
			}
			p.exists = true
			if was != nil {
				p.departing(x, was.meta.(*corev1.Pod), is.meta.(*corev1.Pod)) //nolint:forcetypeassert // the caller saw it
			}
			changes = append(changes, t.own(x, p, ownerOf(is))...)
		}
	}
	if was != nil {
		for _, k := range names(was.meta.(*corev1.Pod)) { //nolint:forcetypeassert // the caller saw it
			if p := t.pods[k]; p != nil && !p.exists && len(p.slices) == 0 {
				t.drop(k)
			}
		}
	}
	return changes
}

// drop forgets what is known of a pod by one of its names.
func (t *traffic) drop(k key) {
	delete(t.pods, k)
	if strings.HasPrefix(k.Name, "@") {
		t.addresses--
	}
}

// own gives what is known of a pod to its owner.
func (t *traffic) own(x *index, p *podTraffic, owner types.UID) []change {
	if p.owner == owner {
		return nil
	}
	var changes []change
	for _, m := range p.slices {
		changes = append(changes, t.count(x, p.owner, m, -1)...)
		changes = append(changes, t.count(x, owner, m, +1)...)
	}
	p.owner = owner
	return changes
}

func (t *traffic) swapSlice(x *index, was, is *object) []change {
	old, now := mentions(was), mentions(is)
	at := one(was, is).key()
	var changes []change
	for k, m := range now {
		p := t.pods[k]
		if p == nil {
			p = &podTraffic{}
			t.pods[k] = p
			if name, ok := strings.CutPrefix(k.Name, "@"); ok {
				t.addresses++
				t.findByAddress(x, p, k.Namespace, name)
			}
		}
		if !slices.Contains(p.slices, m) {
			changes = append(changes, t.mention(x, p, at, &m)...)
		}
	}
	for k := range old {
		p := t.pods[k]
		if _, still := now[k]; still || p == nil {
			continue
		}
		changes = append(changes, t.mention(x, p, at, nil)...)
		if !p.exists && len(p.slices) == 0 {
			t.drop(k)
		}
	}
	return changes
}

// findByAddress finds the pod of an endpoint that has no name. Few have none.
func (t *traffic) findByAddress(x *index, p *podTraffic, namespace, ip string) {
	for k, o := range x.kinds[podKind] {
		if pod, ok := o.meta.(*corev1.Pod); ok && k.Namespace == namespace && slices.Contains(names(pod), key{Namespace: namespace, Name: "@" + ip}) {
			p.exists, p.owner = true, ownerOf(o)
			return
		}
	}
}

// mention notes what a slice says of a pod now; nil is nothing.
func (t *traffic) mention(x *index, p *podTraffic, slice key, m *mention) []change {
	var changes []change
	now := time.Now()
	if lag, ok := p.departed(slice, m, now); ok {
		t.settle.observe(lag, now)
	}
	before := p.routed()
	had := slices.IndexFunc(p.slices, func(m mention) bool { return m.slice == slice })
	if m != nil {
		p.slices = append(p.slices, *m)
		changes = append(changes, t.count(x, p.owner, *m, +1)...)
	}
	if had >= 0 { // after the other, so that it never looks as if none were left
		have := p.slices[had]
		p.slices = slices.Delete(p.slices, had, had+1)
		changes = append(changes, t.count(x, p.owner, have, -1)...)
	}
	switch {
	case p.routed():
		p.leftAt = time.Time{}
	case before:
		p.leftAt = now
	}
	return append(changes, x.concernsOwner(p.owner)...)
}

func (p *podTraffic) routed() bool {
	for _, m := range p.slices {
		if m.routed {
			return true
		}
	}
	return false
}

// count counts one slice more or less that routes to a workload.
func (t *traffic) count(x *index, owner types.UID, m mention, n int) []change {
	if owner == "" || !m.routed {
		return nil
	}
	w := t.workloads[owner]
	if w == nil {
		w = &workloadTraffic{routes: map[string]int{}}
		t.workloads[owner] = w
	}
	if w.routes[m.service] += n; w.routes[m.service] <= 0 {
		delete(w.routes, m.service)
	}
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	switch {
	case len(w.routes) > 0:
		w.leftAt = time.Time{}
	case x.uids[owner] == nil:
		t.forget(owner)
	default:
		w.leftAt = time.Now()
		w.timer = time.AfterFunc(t.settle.time(w.leftAt), func() {
			x.mu.RLock()
			defer x.mu.RUnlock()
			x.tell(x.concernsOwner(owner)...)
		})
	}
	return x.concernsOwner(owner)
}

// mentions returns what a slice says, by the pods that it says it of.
func mentions(o *object) map[key]mention {
	if o == nil {
		return nil
	}
	s, ok := o.meta.(*discoveryv1.EndpointSlice)
	if !ok {
		return nil
	}
	out := make(map[key]mention, len(s.Endpoints))
	service := s.Labels[discoveryv1.LabelServiceName]
	for _, e := range s.Endpoints {
		is := func(b *bool) bool { return b != nil && *b }
		ready := e.Conditions.Ready == nil || *e.Conditions.Ready
		m := mention{slice: o.key(), service: service, ready: ready, routed: ready || is(e.Conditions.Serving) || is(e.Conditions.Terminating)}
		if e.TargetRef != nil {
			out[key{Namespace: e.TargetRef.Namespace, Name: e.TargetRef.Name}] = m
			continue
		}
		for _, ip := range e.Addresses {
			out[key{Namespace: s.Namespace, Name: "@" + ip}] = m
		}
	}
	return out
}

// of returns what slices say of a pod, once for each service. The answer is not
// to be changed.
func (t *traffic) of(p *corev1.Pod) []mention {
	var all []mention
	for _, k := range t.names(p) {
		pt := t.pods[k]
		switch {
		case pt == nil:
		case all == nil:
			all = pt.slices
		default:
			all = slices.Concat(all, pt.slices)
		}
	}
	if len(all) < 2 {
		return all
	}
	out := make([]mention, 0, len(all))
	for _, m := range all {
		if n := slices.IndexFunc(out, func(have mention) bool { return have.service == m.service }); n >= 0 {
			out[n].ready, out[n].routed = out[n].ready || m.ready, out[n].routed || m.routed
		} else {
			out = append(out, m)
		}
	}
	return out
}

// names returns by what slices know a pod, of what is in t.
func (t *traffic) names(p *corev1.Pod) []key {
	if t.addresses == 0 {
		return []key{{Namespace: p.Namespace, Name: p.Name}}
	}
	return names(p)
}

// Traffic returns by which services requests reach the pods of a workload
// ("replicaSet", "web-v003"). A workload that is not known has none. Until the
// account has been read once all are draining. Where endpoints may not be
// watched, the services that select the pods count as having them, and
// requests get twice the time to go away.
func (i *Inventory) Traffic(namespace, kind, name string) gennaker.ManifestTraffic {
	if !i.answers() {
		return gennaker.ManifestTraffic{Services: []string{}, Draining: true}
	}
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	o := x.find(namespace, kind, name)
	if o == nil {
		return gennaker.ManifestTraffic{Services: []string{}}
	}
	return x.trafficOf(o, time.Now())
}

// trafficOf returns how a workload gets requests; those of a Deployment are
// those of its ReplicaSets.
func (x *index) trafficOf(o *object, now time.Time) gennaker.ManifestTraffic {
	services, left := map[string]bool{}, time.Time{}
	for _, member := range x.members(o) {
		for service := range x.traffic.routes(member.meta.GetUID()) {
			if counts, _ := x.share(key{Namespace: o.meta.GetNamespace(), Name: service}); counts {
				services[service] = true
			}
		}
		if at := x.leftAt(member); at.After(left) {
			left = at
		}
		if x.isBlind(o.meta.GetNamespace()) {
			for _, service := range x.attached(member) {
				services[service] = true
			}
			if !left.IsZero() {
				left = left.Add(x.traffic.settle.time(now))
			}
		}
	}
	out := gennaker.ManifestTraffic{Services: slices.AppendSeq([]string{}, maps.Keys(services))}
	slices.Sort(out.Services)
	out.Pods = x.sentTo(o, out.Services)
	if len(services) == 0 && !left.IsZero() {
		drained := left.Add(x.traffic.settle.time(now))
		out.DrainedAt, out.Draining = gennaker.At(drained), now.Before(drained)
	}
	return out
}

// sentTo returns how many pods of a workload each service sends new requests to.
// Where endpoints may not be watched these are the pods that are ready.
func (x *index) sentTo(o *object, services []string) map[string]int {
	var out map[string]int
	send := func(service string) {
		if out == nil {
			out = make(map[string]int, len(services))
		}
		out[service]++
	}
	blind := x.isBlind(o.meta.GetNamespace())
	for _, member := range x.members(o) {
		for _, p := range x.pods(member) {
			for _, m := range x.traffic.of(p) {
				if m.ready && slices.Contains(services, m.service) {
					send(m.service)
				}
			}
			if ready, _ := isReady(p); blind && ready {
				for _, s := range services {
					send(s)
				}
			}
		}
	}
	return out
}

// attached returns the services that select a workload's pods, or those that it
// will make.
func (x *index) attached(o *object) []string {
	var out []string
	note := func(labels map[string]string) {
		services, _ := x.selecting(o.meta.GetNamespace(), labels)
		for _, s := range services {
			out = append(out, s.meta.GetName())
		}
	}
	if t := templateOf(o); t != nil {
		note(t.Labels)
	}
	for _, p := range x.pods(o) {
		note(p.Labels)
	}
	return out
}

// routes returns how many slices route to a workload, by service.
func (t *traffic) routes(uid types.UID) map[string]int {
	if w := t.workloads[uid]; w != nil {
		return w.routes
	}
	return nil
}

// share returns whether a service is a way for requests, and of one that is not
// since when: one that exists for a route's weights needs a share.
func (x *index) share(service key) (counts bool, since time.Time) {
	o := x.kinds[serviceKind][service]
	if o == nil || o.meta.GetAnnotations()[WorkloadAnnotation] == "" {
		return true, time.Time{}
	}
	for _, r := range x.kinds[routeKind] {
		route, ok := r.meta.(*gatewayv1.HTTPRoute)
		if ok && slices.ContainsFunc(backends(route), func(b backend) bool { return b.service == service && b.weight > 0 }) {
			return true, time.Time{}
		}
	}
	since = x.seenAll
	if r := x.kinds[routeKind][key{Namespace: service.Namespace, Name: o.meta.GetAnnotations()[RouteAnnotation]}]; r != nil {
		if t, err := time.Parse(time.RFC3339, r.meta.GetAnnotations()[ShiftedAnnotation]); err == nil {
			since = t
		}
	}
	return false, since
}

// members returns the controllers of a workload's pods: itself, the
// ReplicaSets of a Deployment, the Jobs of a CronJob.
func (x *index) members(o *object) []*object {
	if o.kind != deploymentKind && o.kind != cronJobKind {
		return []*object{o}
	}
	var out []*object
	for m := range x.owned[o.meta.GetUID()] {
		if isWorkload(m.kind) {
			out = append(out, m)
		}
	}
	return out
}

// leftAt returns when the last endpoint of a workload's pods went; zero if
// there are some, or never were any.
//
// Of what was detached before we watched it is not known exactly. It was after
// the detaching, and not after its services' slices were last written, nor after
// we first saw that there were none.
func (x *index) leftAt(o *object) time.Time {
	if w := x.traffic.workloads[o.meta.GetUID()]; w != nil && (len(w.routes) > 0 || !w.leftAt.IsZero()) {
		left := w.leftAt
		for service := range w.routes {
			counts, since := x.share(key{Namespace: o.meta.GetNamespace(), Name: service})
			if counts {
				return time.Time{}
			}
			if since.After(left) {
				left = since
			}
		}
		return left
	}
	annotations := o.meta.GetAnnotations()
	services := loadBalancers(annotations)
	detached, err := time.Parse(time.RFC3339, annotations[DetachedAnnotation])
	if err != nil {
		behind := len(services) > 0 && x.isDisabled(o) && o.meta.GetCreationTimestamp().Time.Before(x.seenAll)
		if behind {
			return x.seenAll
		}
		return time.Time{}
	}
	bound := x.seenAll
	if last := x.lastWritten(o.meta.GetNamespace(), services); !last.IsZero() && last.Before(bound) {
		bound = last
	}
	if detached.Nanosecond() == 0 { // the fraction may not have been written
		detached = detached.Add(time.Second)
	}
	if bound.After(detached) {
		return bound
	}
	return detached
}

// lastWritten returns when any slice of these services was last written, to the
// next full second; zero if that is not known.
func (x *index) lastWritten(namespace string, services []string) time.Time {
	var last time.Time
	for k, o := range x.kinds[sliceKind] {
		if k.Namespace != namespace || !slices.Contains(services, "service "+o.meta.GetLabels()[discoveryv1.LabelServiceName]) {
			continue
		}
		t, err := time.Parse(time.RFC3339, o.meta.GetAnnotations()[slim.ChangedAt])
		if err != nil {
			return time.Time{}
		}
		if t = t.Add(time.Second); t.After(last) {
			last = t
		}
	}
	return last
}

// loadBalancers returns what the annotation names: "service web".
func loadBalancers(annotations map[string]string) []string {
	var out []string
	if json.Unmarshal([]byte(annotations[manifest.LoadBalancersAnnotation]), &out) != nil {
		return nil
	}
	return out
}

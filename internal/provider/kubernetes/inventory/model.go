package inventory

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// find returns the object that a name means, nil if there is none.
func (x *index) find(namespace, kind, name string) *object {
	if k, known := manifest.LookupKind(kind); known {
		return x.kinds[schema.GroupKind{Group: k.Group, Kind: k.Name}][key{Namespace: namespace, Name: name}]
	}
	for gk, all := range x.kinds {
		if sameKind(kind, gk) {
			if o := all[key{Namespace: namespace, Name: name}]; o != nil {
				return o
			}
		}
	}
	return nil
}

// shown returns whether answers hold an object.
func (i *Inventory) shown(o *object) bool {
	annotations := o.meta.GetAnnotations()
	if annotations[manifest.IgnoreAnnotation] == "true" {
		return false
	}
	return !i.cfg.OnlyManaged || annotations[manifest.ApplicationAnnotation] != ""
}

// workloads returns those of an application, or of all for "", of some kinds.
func (x *index) workloads(application string, kinds ...schema.GroupKind) []*object {
	var out []*object
	if application != "" {
		for o := range x.apps[strings.ToLower(application)] {
			if slices.Contains(kinds, o.kind) {
				out = append(out, o)
			}
		}
		return out
	}
	for _, kind := range kinds {
		for _, o := range x.kinds[kind] {
			out = append(out, o)
		}
	}
	return out
}

// ServerGroups implements [provider.Inventory].
//
// Errors: Unavailable until the account has been read once; then its last known
// state is the answer.
func (i *Inventory) ServerGroups(_ context.Context, application string) ([]gennaker.ServerGroup, error) {
	if err := i.ready(); err != nil {
		return nil, err
	}
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := []gennaker.ServerGroup{}
	now := time.Now()
	for _, o := range x.workloads(application, serverGroupKinds...) {
		if i.shown(o) {
			out = append(out, i.serverGroup(o, now))
		}
	}
	slices.SortFunc(out, func(a, b gennaker.ServerGroup) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Region, b.Region))
	})
	return out, nil
}

// ServerGroup implements [provider.Inventory]: region is the namespace, and the
// name "replicaSet web-v003".
//
// Errors: NotFound; Unavailable until the account has been read once.
func (i *Inventory) ServerGroup(_ context.Context, region, name string) (gennaker.ServerGroup, error) {
	if err := i.ready(); err != nil {
		return gennaker.ServerGroup{}, err
	}
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	if kind, bare, err := gennaker.ParseManifestName(name); err == nil {
		if o := x.find(region, kind, bare); o != nil && slices.Contains(serverGroupKinds, o.kind) {
			return i.serverGroup(o, time.Now()), nil
		}
	}
	return gennaker.ServerGroup{}, gennaker.Errorf(gennaker.NotFound, "there is no server group %q in %s/%s", name, i.cfg.Account, region)
}

// placed returns where a server group belongs, and what sends it requests or
// will when it is enabled again, without what it is made of.
func (i *Inventory) placed(o *object) gennaker.ServerGroup {
	x := &i.index
	moniker := x.monikerOf(o)
	g := gennaker.ServerGroup{
		Name: o.name(), Kind: o.kind.Kind, Account: i.cfg.Account, Region: o.meta.GetNamespace(), CloudProvider: CloudProvider,
		Moniker: moniker, Cluster: moniker.Cluster, CreatedTime: gennaker.At(o.meta.GetCreationTimestamp().Time), LoadBalancers: []string{},
	}
	if t := templateOf(o); t != nil {
		services, _ := x.selecting(g.Region, t.Labels)
		for _, s := range services {
			g.LoadBalancers = append(g.LoadBalancers, s.name())
		}
	}
	for _, lb := range loadBalancers(o.meta.GetAnnotations()) { // those that it is to come behind again
		if !slices.Contains(g.LoadBalancers, lb) {
			g.LoadBalancers = append(g.LoadBalancers, lb)
		}
	}
	return g
}

func (i *Inventory) serverGroup(o *object, now time.Time) gennaker.ServerGroup {
	x := &i.index
	g := i.placed(o)
	g.Disabled = x.isDisabled(o)
	g.Capacity, g.Weight = x.capacity(o), 100
	g.Labels, g.Destroying, g.AsOf = o.meta.GetLabels(), o.destroying(), i.asOf()
	if template := templateOf(o); template != nil {
		g.BuildInfo.Images = images(&template.Spec)
		if len(template.Spec.Containers) > 0 {
			g.Image = template.Spec.Containers[0].Image
		}
	}
	if d := x.uids[ownerOf(o)]; d != nil && d.kind == deploymentKind {
		g.Managers = []gennaker.ServerGroupManagerRef{{Account: g.Account, Location: g.Region, Name: d.name()}}
	}
	g.Instances = x.instances(o, &g, now)
	g.InstanceCounts = gennaker.CountInstances(g.Instances)
	return g
}

// monikerOf returns where a workload belongs: a ReplicaSet that says nothing of
// its cluster is of its Deployment's.
func (x *index) monikerOf(o *object) gennaker.Moniker {
	m := *o.moniker
	if owner := x.uids[ownerOf(o)]; owner != nil && o.meta.GetAnnotations()[manifest.ClusterAnnotation] == "" {
		sequence := m.Sequence
		m = *owner.moniker
		m.Sequence = sequence
	}
	return m
}

// templateOf returns what the pods of a workload are made from.
func templateOf(o *object) *corev1.PodTemplateSpec {
	switch w := o.meta.(type) {
	case *appsv1.ReplicaSet:
		return &w.Spec.Template
	case *appsv1.StatefulSet:
		return &w.Spec.Template
	case *appsv1.DaemonSet:
		return &w.Spec.Template
	case *appsv1.Deployment:
		return &w.Spec.Template
	case *batchv1.Job:
		return &w.Spec.Template
	case *batchv1.CronJob:
		return &w.Spec.JobTemplate.Spec.Template
	}
	return nil
}

func images(spec *corev1.PodSpec) []string {
	var out []string
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		if !slices.Contains(out, c.Image) {
			out = append(out, c.Image)
		}
	}
	return out
}

// destroying returns whether an object is being deleted, or will be when it is
// drained.
func (o *object) destroying() bool {
	return o.meta.GetDeletionTimestamp() != nil || o.meta.GetLabels()[PendingLabel] == PendingDestroy
}

// isDisabled returns whether a workload names services and none selects it.
//
// Source: strategies, B5.
func (x *index) isDisabled(o *object) bool {
	t := templateOf(o)
	if t == nil || len(loadBalancers(o.meta.GetAnnotations())) == 0 {
		return false
	}
	services, _ := x.selecting(o.meta.GetNamespace(), t.Labels)
	return len(services) == 0
}

// capacity returns how many instances a workload has, within what its
// autoscaler allows.
func (x *index) capacity(o *object) gennaker.Capacity {
	n := 0
	switch w := o.meta.(type) {
	case *appsv1.ReplicaSet:
		n = number(w.Spec.Replicas, 1)
	case *appsv1.StatefulSet:
		n = number(w.Spec.Replicas, 1)
	case *appsv1.Deployment:
		n = number(w.Spec.Replicas, 1)
	case *appsv1.DaemonSet:
		n = int(w.Status.DesiredNumberScheduled)
	case *batchv1.Job:
		n = number(w.Spec.Parallelism, 1)
	case *batchv1.CronJob:
		n = len(w.Status.Active)
	}
	c := gennaker.Capacity{Min: n, Max: n, Desired: n}
	targets := []*object{o}
	if d := x.uids[ownerOf(o)]; d != nil && n > 0 {
		targets = append(targets, d)
	}
	for _, scaler := range x.kinds[scalerKind] {
		h, ok := scaler.meta.(*autoscalingv2.HorizontalPodAutoscaler)
		if !ok || h.Namespace != o.meta.GetNamespace() {
			continue
		}
		for _, t := range targets {
			if ref := h.Spec.ScaleTargetRef; ref.Kind == t.kind.Kind && ref.Name == t.meta.GetName() {
				c.Min, c.Max = min(n, number(h.Spec.MinReplicas, 1)), max(n, int(h.Spec.MaxReplicas))
			}
		}
	}
	return c
}

func number(n *int32, otherwise int) int {
	if n == nil {
		return otherwise
	}
	return int(*n)
}

// podsOf returns the pods of a workload, in no order.
func (x *index) podsOf(o *object) iter.Seq[*corev1.Pod] {
	return func(yield func(*corev1.Pod) bool) {
		for _, m := range x.members(o) {
			for owned := range x.owned[m.meta.GetUID()] {
				if p, ok := owned.meta.(*corev1.Pod); ok && !yield(p) {
					return
				}
			}
		}
	}
}

// pods returns the pods of a workload, oldest first.
func (x *index) pods(o *object) []*corev1.Pod {
	out := slices.Collect(x.podsOf(o))
	slices.SortFunc(out, func(a, b *corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return out
}

func (x *index) instances(o *object, g *gennaker.ServerGroup, now time.Time) []gennaker.Instance {
	pods := x.pods(o)
	out := make([]gennaker.Instance, 0, len(pods))
	left := x.leftAt(o)
	var by selection
	for n, p := range pods {
		if n == 0 || !maps.Equal(by.labels, p.Labels) { // those of one template have the same
			by = x.selection(p)
		}
		out = append(out, x.instance(p, g, by, left, now))
	}
	return out
}

// selection is the services that select a pod, as index.selecting has them.
type selection struct {
	labels   map[string]string
	services []*object
	spare    bool
}

func (x *index) selection(p *corev1.Pod) selection {
	services, spare := x.selecting(p.Namespace, p.Labels)
	return selection{p.Labels, services, spare}
}

// instance returns a pod of a server group, from which traffic went at left.
func (x *index) instance(p *corev1.Pod, g *gennaker.ServerGroup, by selection, left, now time.Time) gennaker.Instance {
	h := x.health(p, g, by, left, now)
	in := gennaker.Instance{
		ID: string(p.UID), Name: gennaker.ManifestRef{Kind: podKind.Kind, Name: p.Name}.ManifestName(),
		HealthState: h.State, Health: []gennaker.Health{h}, Reason: h.Reason,
		Zone: p.Namespace, Address: p.Status.PodIP, Node: p.Spec.NodeName, Containers: containers(p),
	}
	if p.Status.StartTime != nil {
		in.LaunchTime = gennaker.At(p.Status.StartTime.Time)
	}
	for _, c := range in.Containers {
		in.Restarts += c.Restarts
	}
	return in
}

func containers(p *corev1.Pod) []gennaker.Container {
	all := p.Status.ContainerStatuses
	if len(p.Status.InitContainerStatuses) > 0 {
		all = slices.Concat(p.Status.InitContainerStatuses, all)
	}
	out := make([]gennaker.Container, 0, len(all))
	for i := range all {
		c := &all[i]
		g := gennaker.Container{Name: c.Name, Image: c.Image, Ready: c.Ready, Restarts: int(c.RestartCount), Init: i < len(p.Status.InitContainerStatuses)}
		switch {
		case c.State.Running != nil:
			g.State, g.Since = gennaker.ContainerRunning, gennaker.At(c.State.Running.StartedAt.Time)
		case c.State.Waiting != nil:
			g.State, g.Reason, g.Message = gennaker.ContainerWaiting, c.State.Waiting.Reason, c.State.Waiting.Message
		case c.State.Terminated != nil:
			t := c.State.Terminated
			g.State, g.Reason, g.Message = gennaker.ContainerTerminated, t.Reason, t.Message
			g.Since, g.ExitCode = gennaker.At(t.FinishedAt.Time), new(int(t.ExitCode))
		}
		if t := c.LastTerminationState.Terminated; t != nil {
			g.Last = &gennaker.Termination{
				ExitCode: int(t.ExitCode), Signal: int(t.Signal), Reason: t.Reason, Message: t.Message,
				Started: gennaker.At(t.StartedAt.Time), Finished: gennaker.At(t.FinishedAt.Time),
			}
		}
		out = append(out, g)
	}
	return out
}

// PodHealth is the type of the health that the inventory reports.
const PodHealth = "KubernetesPod"

// health returns what to think of a pod: Up if it is ready and every service
// that selects it has it among its ready endpoints; Draining from when none
// selects it any more, though some did, until requests have gone out of it.
func (x *index) health(p *corev1.Pod, g *gennaker.ServerGroup, by selection, left, now time.Time) gennaker.Health {
	state, reason := x.judge(p, g, by, left, now)
	return gennaker.Health{Type: PodHealth, Class: gennaker.PlatformClass, State: state, Reason: reason}
}

func (x *index) judge(p *corev1.Pod, g *gennaker.ServerGroup, by selection, left, now time.Time) (gennaker.HealthState, string) {
	routes := x.traffic.of(p)
	none := func(m mention) bool {
		counts, _ := x.share(key{Namespace: p.Namespace, Name: m.service})
		return !counts
	}
	if slices.ContainsFunc(routes, none) {
		routes = slices.DeleteFunc(slices.Clone(routes), none)
	}
	routed := slices.ContainsFunc(routes, func(m mention) bool { return m.routed })
	switch {
	case p.Status.Phase == corev1.PodSucceeded:
		return gennaker.Done, ""
	case p.Status.Phase == corev1.PodFailed:
		return gennaker.Failed, trouble(p)
	case p.DeletionTimestamp != nil && routed:
		return gennaker.Draining, "it is being deleted, and still an endpoint of " + serviceNames(routes)
	case p.DeletionTimestamp != nil:
		return gennaker.Down, "it is being deleted"
	case p.Status.Phase == corev1.PodUnknown:
		return gennaker.Unknown, cmp.Or(p.Status.Message, "its node does not answer")
	}
	if ready, since := isReady(p); !ready {
		if why := trouble(p); why != "" {
			return gennaker.Down, why
		}
		if wasReady(p, since) {
			return gennaker.Down, "it is no longer ready"
		}
		return gennaker.Starting, ""
	}
	for _, s := range by.services {
		ready := slices.ContainsFunc(routes, func(m mention) bool { return m.ready && m.service == s.meta.GetName() })
		if !ready && !x.isBlind(p.Namespace) {
			return gennaker.Starting, fmt.Sprintf("it is ready, and not yet among the endpoints of %s", s.name())
		}
	}
	switch {
	case len(by.services) > 0 || !g.Disabled && len(g.LoadBalancers) == 0 && !by.spare:
		return gennaker.Up, ""
	case routed:
		return gennaker.Draining, "it is still an endpoint of " + serviceNames(routes)
	}
	for _, k := range x.traffic.names(p) {
		if t := x.traffic.pods[k]; t != nil && !t.leftAt.IsZero() {
			left = t.leftAt
		}
	}
	if drained := left.Add(x.traffic.settle.time(now)); !left.IsZero() && now.Before(drained) {
		return gennaker.Draining, "proxies may still send it requests"
	}
	return gennaker.OutOfService, "no service selects it"
}

func serviceNames(routes []mention) string {
	var out []string
	for _, m := range routes {
		if m.routed {
			out = append(out, "service "+m.service)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func isReady(p *corev1.Pod) (ready bool, since time.Time) {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue, c.LastTransitionTime.Time
		}
	}
	return false, time.Time{}
}

// wasReady returns whether a pod that is not ready since then was so before: it
// ceased to be after all of its containers had started.
func wasReady(p *corev1.Pod, since time.Time) bool {
	for _, c := range p.Status.ContainerStatuses {
		if c.State.Running == nil || !since.After(c.State.Running.StartedAt.Time) {
			return false
		}
	}
	return len(p.Status.ContainerStatuses) > 0
}

// ordinary are reasons to wait that pass by themselves.
var ordinary = []string{"", "ContainerCreating", "PodInitializing"}

// trouble returns what keeps a pod from becoming ready, in short; "" if it may
// only need time.
func trouble(p *corev1.Pod) string {
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		switch w, t := c.State.Waiting, c.State.Terminated; {
		case w != nil && !slices.Contains(ordinary, w.Reason):
			return fmt.Sprintf("container %s: %s", c.Name, cmp.Or(w.Message, w.Reason))
		case t != nil && t.ExitCode != 0:
			return fmt.Sprintf("container %s ended with exit code %d (%s)", c.Name, t.ExitCode, t.Reason)
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return c.Message
		}
	}
	return p.Status.Message
}

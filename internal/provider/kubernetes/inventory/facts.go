package inventory

import (
	"cmp"
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker/internal/provider/kubernetes/diagnose"
)

// maxDiagnosed bounds the pods that are looked at to explain one workload.
const maxDiagnosed = 500

// logBytes is how much of a container's output a diagnosis reads.
const logBytes = 4 << 10

// Explain says why a workload, or a pod, is not ready; ok is false if nothing is
// wrong that can be seen. It may ask the cluster for the last lines of one
// container.
func (i *Inventory) Explain(ctx context.Context, namespace, kind, name string) (cause diagnose.Cause, ok bool) {
	facts := i.Facts(namespace, kind, name)
	cause, ok = diagnose.Explain(facts)
	if !ok || !cause.WantsLogs {
		return cause, ok
	}
	for _, previous := range []bool{true, false} { // of one that runs again, what it wrote before
		text, err := i.Output(ctx, namespace, cause.Pod, cause.Container, logBytes, previous)
		if err == nil && text != "" {
			facts.Logs = map[string]string{cause.Pod + "/" + cause.Container: text}
			return diagnose.Explain(facts)
		}
	}
	return cause, ok
}

// Facts returns what is known of a workload, or of a pod, that may say why it is
// not ready: of a Deployment, and of what else makes workloads, the newest one.
func (i *Inventory) Facts(namespace, kind, name string) diagnose.Facts {
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	o := x.find(namespace, kind, name)
	if o == nil {
		return diagnose.Facts{}
	}
	if p, ok := o.meta.(*corev1.Pod); ok {
		f := diagnose.Facts{Pods: []*corev1.Pod{p}}
		x.addEvents(&f, p)
		return f
	}
	f := diagnose.Facts{Workload: o.meta}
	x.addEvents(&f, o.meta)
	members := x.members(o)
	if len(members) > 0 && members[0] != o {
		newest := slices.MaxFunc(members, func(a, b *object) int {
			return cmp.Or(a.meta.GetCreationTimestamp().Compare(b.meta.GetCreationTimestamp().Time), cmp.Compare(sequence(a), sequence(b)))
		})
		f.Members = []metav1.Object{newest.meta}
		x.addEvents(&f, newest.meta)
		members = []*object{newest}
	}
	for _, m := range members {
		f.Pods = append(f.Pods, x.pods(m)...)
	}
	f.Pods = f.Pods[:min(len(f.Pods), maxDiagnosed)]
	for _, p := range f.Pods {
		x.addEvents(&f, p)
		x.addClaims(&f, p)
	}
	return f
}

func sequence(o *object) int {
	if o.moniker == nil || o.moniker.Sequence == nil {
		return 0
	}
	return *o.moniker.Sequence
}

func (x *index) addEvents(f *diagnose.Facts, about metav1.Object) {
	for o := range x.owned[about.GetUID()] {
		if e, ok := o.meta.(*corev1.Event); ok {
			f.Events = append(f.Events, e)
		}
	}
}

func (x *index) addClaims(f *diagnose.Facts, p *corev1.Pod) {
	for _, v := range p.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		o := x.kinds[claimKind][key{Namespace: p.Namespace, Name: v.PersistentVolumeClaim.ClaimName}]
		if o == nil {
			continue
		}
		if c, ok := o.meta.(*corev1.PersistentVolumeClaim); ok && !slices.Contains(f.Claims, c) {
			f.Claims = append(f.Claims, c)
			x.addEvents(f, c)
		}
	}
}

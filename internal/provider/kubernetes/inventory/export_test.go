package inventory

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gennaker/gennaker/internal/provider/kubernetes/slim"
)

// Put puts an object into the index as a watch does.
func (i *Inventory) Put(kind schema.GroupKind, m metav1.Object) error {
	o, err := slim.Object(m)
	if err != nil {
		return err
	}
	i.index.put(kind, o.(metav1.Object))
	return nil
}

// Remove takes an object out of the index as a watch does.
func (i *Inventory) Remove(kind schema.GroupKind, m metav1.Object) {
	i.index.remove(kind, m.GetNamespace(), m.GetName(), m.GetUID())
}

// Complete makes the inventory answer without a cluster.
func (i *Inventory) Complete(now time.Time) {
	i.index.began(now)
	close(i.synced)
}

// Unknown returns how many pods, workloads and events the index still knows of
// besides the objects in it: records that should have gone with them.
func (i *Inventory) Unknown() int {
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	n := 0
	for k := range x.traffic.pods {
		if x.kinds[podKind][k] == nil {
			n++
		}
	}
	for uid := range x.traffic.workloads {
		if x.uids[uid] == nil {
			n++
		}
	}
	for uid, owned := range x.owned {
		for o := range owned {
			if x.kinds[o.kind][o.key()] != o {
				n++
			}
		}
		_ = uid
	}
	return n
}

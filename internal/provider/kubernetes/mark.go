package kubernetes

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/inventory"
)

// Annotations of ours, on the objects of the cluster.
const (
	operationAnnotation = "gennaker.io/operation"      // marks of the operations that changed it, newest first
	replicasAnnotation  = "gennaker.io/replicas"       // how many pods it is to have, once those too many are drained
	detachedAnnotation  = inventory.DetachedAnnotation // since when its Services do not select it
	shiftedAnnotation   = inventory.ShiftedAnnotation  // since when a route has its weights
	workloadAnnotation  = inventory.WorkloadAnnotation // whose pods the Service of a share selects: "replicaSet web-v003"
	routeAnnotation     = inventory.RouteAnnotation    // the HTTPRoute that this Service is for
)

// pendingLabel marks what is to be carried out when no request can reach the
// object any more, so that it is found again after a crash. Its values are
// pendingDestroy and pendingResize on a ReplicaSet, pendingTerminate on a pod.
const (
	pendingLabel     = inventory.PendingLabel
	pendingDestroy   = inventory.PendingDestroy
	pendingResize    = "resize"
	pendingTerminate = "terminate"
)

// maxMarks is how many operations an object remembers: a task that is repeated
// after a crash finds its mark unless so many others came between.
const maxMarks = 8

// mark is what an operation with key leaves on what it changes. It is short,
// and nobody learns a key from it.
func mark(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// checkKey refuses an operation that could not be told from another.
func checkKey(key string) error {
	if key == "" {
		return gennaker.Errorf(gennaker.Invalid, "the operation has no key")
	}
	return nil
}

func marks(annotations map[string]string) []string {
	return strings.FieldsFunc(annotations[operationAnnotation], func(r rune) bool { return r == ',' })
}

// done reports whether the operation with key has changed the object.
func done(annotations map[string]string, key string) bool {
	return slices.Contains(marks(annotations), mark(key))
}

// newest reports whether no other operation has changed the object since the
// one with key did.
func newest(annotations map[string]string, key string) bool {
	all := marks(annotations)
	return len(all) > 0 && all[0] == mark(key)
}

// marked returns the annotation's value after the operation with key.
func marked(annotations map[string]string, key string) string {
	m := mark(key)
	all := slices.DeleteFunc(marks(annotations), func(s string) bool { return s == m })
	all = append([]string{m}, all...)
	return strings.Join(all[:min(len(all), maxMarks)], ",")
}

// memory holds the marks of operations that leave no object behind which could
// hold them: deletions. It is lost with the process, and bounded; after that a
// repeated deletion deletes what has the name then.
type memory struct {
	mu   sync.Mutex
	seen map[string]bool
	list []string // oldest first
}

const maxMemory = 10_000

func (m *memory) has(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen[mark(key)]
}

func (m *memory) add(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := mark(key)
	if m.seen[k] {
		return
	}
	if m.seen == nil {
		m.seen = map[string]bool{}
	}
	m.seen[k] = true
	if m.list = append(m.list, k); len(m.list) > maxMemory {
		delete(m.seen, m.list[0])
		m.list = m.list[1:]
	}
}

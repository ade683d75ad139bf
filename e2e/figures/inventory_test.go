package figures

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/e2e/lab"
)

// What the inventory is measured with: applications of groups of pods.
const (
	applications = 100
	groups       = 5
	pods         = 20
	changes      = 100 // looked at in one turn
)

// BenchmarkInventory measures what 10,000 pods in 500 server groups cost the real
// server: memory, the time from a pod's change to our event, and the answer
// about the clusters of an application.
func BenchmarkInventory(b *testing.B) {
	w := newWorld(b, lab.Nodes(45))
	before := w.server.Resident()
	w.populate()
	w.seen()
	events := w.events()
	defer events.Close()
	objects := applications * groups * (pods + 1)
	grown := w.server.Resident() - before
	var told, answered []time.Duration
	for b.Loop() {
		for range changes {
			app := appName(rand.IntN(applications))
			told = append(told, w.change(events, app))
			answered = append(answered, timed(func() {
				if _, err := w.server.Clusters(b.Context(), app); err != nil {
					b.Fatal(err)
				}
			}))
		}
	}
	b.ReportMetric(float64(grown)/float64(objects), "B/object") // of all memory of the process
	b.ReportMetric(float64(percentile(told, 99).Microseconds())/1000, "p99-ms/event")
	b.ReportMetric(float64(percentile(answered, 95).Microseconds())/1000, "p95-ms/clusters")
}

func appName(n int) string { return fmt.Sprintf("app%d", n) }

func percentile(of []time.Duration, p int) time.Duration {
	slices.Sort(of)
	return of[len(of)*p/100]
}

// populate fills the cluster.
func (w *world) populate() {
	w.Helper()
	var all sync.WaitGroup
	for i := range applications {
		all.Go(func() {
			for v := range groups {
				name := fmt.Sprintf("%s-v%03d", appName(i), v)
				s := replicaSet(name, w.namespace, pods, map[string]string{"app": appName(i), "version": name})
				if _, err := w.lab.Client.AppsV1().ReplicaSets(w.namespace).Create(w.Context(), s, meta.CreateOptions{}); err != nil {
					w.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// seen waits until the server shows all pods as they are.
func (w *world) seen() {
	w.Helper()
	events := w.events()
	defer func() { events.Close() }()
	for i := range applications {
		for !w.complete(appName(i)) {
			if _, err := events.Next(); err != nil { // it was too slow for them
				events.Close()
				events = w.events()
			}
		}
	}
}

func (w *world) events() *client.EventStream {
	w.Helper()
	events, err := w.server.Events(w.Context(), client.EventQuery{})
	if err != nil {
		w.Fatal(err)
	}
	return events
}

// complete reports whether all pods of an application run.
func (w *world) complete(app string) bool {
	w.Helper()
	list, err := w.server.ServerGroups(w.Context(), app)
	if gennaker.KindOf(err) == gennaker.Unavailable { // the cluster is being read for the first time
		return false
	}
	if err != nil {
		w.Fatal(err)
	}
	n := 0
	for _, g := range list {
		n += g.InstanceCounts.Up + g.InstanceCounts.OutOfService
	}
	return n == groups*pods
}

// change makes a pod of an application unready, and returns how long it took
// until an event told of it.
func (w *world) change(events *client.EventStream, app string) time.Duration {
	w.Helper()
	all := w.lab.Client.CoreV1().Pods(w.namespace)
	list, err := all.List(w.Context(), meta.ListOptions{LabelSelector: "app=" + app, Limit: 1})
	if err != nil || len(list.Items) == 0 {
		w.Fatalf("a pod of %s: %v", app, err)
	}
	pod := list.Items[0]
	patch := []byte(`{"status":{"conditions":[{"type":"Ready","status":"False"}]}}`)
	if bytes.Contains(fmt.Append(nil, pod.Status.Conditions), []byte("False")) {
		patch = bytes.ReplaceAll(patch, []byte("False"), []byte("True"))
	}
	began := time.Now()
	if _, err := all.Patch(w.Context(), pod.Name, types.StrategicMergePatchType, patch, meta.PatchOptions{}, "status"); err != nil {
		w.Fatal(err)
	}
	for {
		e, err := events.Next()
		if err != nil {
			w.Fatal(err)
		}
		if strings.EqualFold(e.Application, app) {
			return time.Since(began)
		}
	}
}

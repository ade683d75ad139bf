package inventory_test

import (
	"maps"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gennaker/gennaker"
)

// TestSettleDerived tells the time: a cluster that is slow to take endpoints away
// gets longer until it is believed that no request comes any more.
func TestSettleDerived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inv := offline(t, 0)
		web := service("web", map[string]string{"lb": "web"})
		web.Namespace, web.UID, web.ResourceVersion = "default", "uid-web", "1"
		put(t, inv, serviceKind, web)
		versions := 1
		// leave has a pod of web-v001 join the service and leave it by its labels;
		// its endpoint follows after some time, and another change came long before.
		leave := func(after time.Duration) {
			slice, pods, rs := version("web", 1, 1, map[string]string{"lb": "web", "round": strconv.Itoa(versions)})
			put(t, inv, replicaSetKind, rs)
			next := func(labels map[string]string) {
				versions++
				pod := pods[0].DeepCopy()
				pod.Labels, pod.ResourceVersion = labels, strconv.Itoa(versions)
				put(t, inv, podKind, pod)
			}
			labels := maps.Clone(pods[0].Labels)
			next(labels)
			slice.ResourceVersion = strconv.Itoa(versions)
			put(t, inv, sliceKind, slice.DeepCopy())
			labels = maps.Clone(labels)
			labels["other"] = "label"
			next(labels)
			time.Sleep(time.Minute)
			labels = maps.Clone(labels)
			delete(labels, "lb")
			next(labels)
			time.Sleep(after)
			versions++
			slice.ResourceVersion, slice.Endpoints = strconv.Itoa(versions), nil
			put(t, inv, sliceKind, slice.DeepCopy())
		}
		expect := func(what string, want time.Duration) {
			t.Helper()
			if got := inv.Settle(); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		expect("at first", 5*time.Second)
		leave(time.Second)
		expect("a quick one", 5*time.Second)
		leave(4 * time.Second)
		expect("a slow one", 12*time.Second)
		traffic(t, inv, gennaker.ManifestTraffic{Services: []string{}, DrainedAt: gennaker.At(time.Now().Add(12 * time.Second)), Draining: true})
		leave(time.Second)
		expect("the slow one counts still", 12*time.Second)
		time.Sleep(10 * time.Minute)
		expect("long after", 5*time.Second)
		leave(time.Hour)
		expect("bounded", time.Minute)
	})
}

// TestSettleGiven: what is configured is what counts.
func TestSettleGiven(t *testing.T) {
	t.Parallel()
	if got := offline(t, time.Second).Settle(); got != time.Second {
		t.Errorf("got %s", got)
	}
}

package balancer_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker/internal/node/balancer"
)

func TestWeights(t *testing.T) {
	t.Parallel()
	a, b, c, d := named(t, "a"), named(t, "b"), named(t, "c"), named(t, "d")
	type groups = []balancer.Group
	cases := map[string]struct {
		groups groups
		want   string // who answers, one after the other
	}{
		"3 to 1":            {groups{{"v1", 300, []balancer.Target{a}}, {"v2", 100, []balancer.Target{b}}}, "aabaaaba"},
		"without targets":   {groups{{"v1", 900, nil}, {"v2", 100, []balancer.Target{b}}, {"v3", 100, []balancer.Target{c}}}, "bcbc"},
		"no weight":         {groups{{"v1", 0, []balancer.Target{a}}, {"v2", -1, []balancer.Target{c}}, {"v3", 1, []balancer.Target{b}}}, "bbb"},
		"size is no weight": {groups{{"v1", 1, []balancer.Target{a, b, c}}, {"v2", 1, []balancer.Target{d}}}, "adbdcdad"},
		"huge":              {groups{{"v1", 1 << 62, []balancer.Target{a}}, {"v2", 1 << 62, []balancer.Target{b}}}, "abab"},
		"round robin":       {groups{{"v1", 1, []balancer.Target{a, b, c, a}}}, "abcabc"},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.Set(balancer.Table{"lb": tt.groups})
			var got strings.Builder
			for range tt.want {
				got.WriteString(strings.TrimPrefix(f.get(), "200 "))
				idle(f, "a", "b", "c", "d")
				f.Set(balancer.Table{"lb": tt.groups}) // does not disturb the order
			}
			if got.String() != tt.want {
				t.Errorf("answered by %s, want %s", &got, tt.want)
			}
		})
	}
}

// idle waits until the balancer has noticed that all responses ended.
func idle(f *fixture, targets ...string) {
	f.t.Helper()
	eventually(f.t, "the end of all requests", func() bool {
		for _, id := range targets {
			if f.InFlight(id) != 0 {
				return false
			}
		}
		return true
	})
}

func TestLeastConnections(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	arrived, release := make(chan string, 10), make(chan struct{})
	hold := func(id string) balancer.Target {
		return backend(t, id, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hold" {
				arrived <- id
				<-release
			}
			_, _ = io.WriteString(w, id)
		})
	}
	f.Set(one(hold("a"), hold("b"), hold("c")))
	var busy []string
	answers := make(chan error, 2)
	for range 2 {
		go func() {
			_, _, err := f.do(http.MethodGet, "/hold", nil)
			answers <- err
		}()
		busy = append(busy, <-arrived)
	}
	if diff := cmp.Diff([]string{"a", "b"}, busy); diff != "" {
		t.Errorf("busy (-want +got):\n%s", diff)
	}
	for range 5 {
		if got := f.get(); got != "200 c" {
			t.Errorf("got %s, want c", got)
		}
		idle(f, "c")
	}
	close(release)
	for range 2 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
}

func TestTraffic(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	status := func(id string, code int) balancer.Target {
		return backend(t, id, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
	}
	table := balancer.Table{"lb": {
		{"good", 1, []balancer.Target{status("a", 200), status("b", 404)}}, {"bad", 1, []balancer.Target{status("c", 500)}},
	}}
	f.Set(table)
	for range 8 {
		if _, _, err := f.do(http.MethodGet, "/", nil); err != nil {
			t.Fatal(err)
		}
	}
	idle(f, "a", "b", "c")
	f.Set(nil) // the figures stay
	f.get()
	want := map[string][3]int64{"": {9, 5, 0}, "good": {4, 0, 0}, "bad": {4, 4, 0}, "unknown": {}}
	for group, n := range want {
		eventually(t, "the figures of "+group, func() bool {
			got := f.Traffic("lb", group)
			return [3]int64{got.Requests, got.Errors, got.InFlight} == n && (got.LatencyMS > 0) == (n[0] > 0)
		})
	}
	f.Set(table)
	if got := f.Traffic("lb", "good"); got.Requests != 4 {
		t.Errorf("after another Set: %+v", got)
	}
	if got := f.Traffic("unknown", ""); got.Requests != 0 {
		t.Errorf("unknown load balancer: %+v", got)
	}
}

package strategy_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/strategy"
)

func rs(name string) gennaker.ServerGroupRef {
	return gennaker.ServerGroupRef{Account: "k8s", Region: "prod", Name: "replicaSet " + name}
}

func TestTrafficCheck(t *testing.T) {
	t.Parallel()
	web := []string{"service web"}
	for name, tt := range map[string]struct {
		traffic strategy.Traffic
		ok      bool
	}{
		"none at all":               {strategy.Traffic{}, true},
		"none with services":        {strategy.Traffic{Strategy: "None", Services: web}, true},
		"redblack":                  {strategy.Traffic{Strategy: "redblack", Services: web}, true},
		"bluegreen, in any case":    {strategy.Traffic{Strategy: "BlueGreen", Services: web}, true},
		"no services":               {strategy.Traffic{Strategy: "highlander"}, false},
		"no such strategy":          {strategy.Traffic{Strategy: "custom", Services: web}, false},
		"canary":                    {strategy.Traffic{Strategy: "canary", Services: web, Route: "httpRoute web"}, true},
		"canary without a route":    {strategy.Traffic{Strategy: "canary", Services: web}, false},
		"canary of two services":    {strategy.Traffic{Strategy: "canary", Services: []string{"a", "b"}, Route: "httpRoute web"}, false},
		"percentages that fall":     {strategy.Traffic{Strategy: "canary", Services: web, Route: "r x", Percentages: []int{50, 20}}, false},
		"a percentage of nothing":   {strategy.Traffic{Strategy: "canary", Services: web, Route: "r x", Percentages: []int{0, 20}}, false},
		"more than everything":      {strategy.Traffic{Strategy: "canary", Services: web, Route: "r x", Percentages: []int{101}}, false},
		"a negative delay":          {strategy.Traffic{Strategy: "redblack", Services: web, Delay: -1}, false},
		"refuse the second":         {strategy.Traffic{Strategy: "redblack", Services: web, Concurrent: "refuse"}, true},
		"neither wait nor refuse":   {strategy.Traffic{Strategy: "redblack", Services: web, Concurrent: "race"}, false},
		"delays of a scale down":    {strategy.Traffic{Strategy: "redblack", Services: web, ScaleDownWait: 5}, true},
		"a negative scale down one": {strategy.Traffic{Strategy: "redblack", Services: web, ScaleDownWait: -5}, false},
	} {
		if err := tt.traffic.Check(); (err == nil) != tt.ok || err != nil && gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("%s: %v, want allowed %v", name, err, tt.ok)
		}
	}
}

func TestTrafficAfter(t *testing.T) { // B5, and ours
	t.Parallel()
	type M = []strategy.Move
	created := rs("web-v002")
	v0, v1 := strategy.Workload{Ref: rs("web-v000")}, strategy.Workload{Ref: rs("web-v001"), Serving: true}
	dead := strategy.Workload{Ref: rs("web-v000"), Hopeless: true}
	pipeline := strategy.Pipeline{Application: "shop", ID: "42"}
	shares := func(p int) strategy.ShiftTraffic {
		return strategy.ShiftTraffic{Shares: []strategy.Share{{Workload: v1.Ref, Weight: 100 - p}, {Workload: created, Weight: p}}, Percent: p}
	}
	all := strategy.ShiftTraffic{Shares: []strategy.Share{{Workload: created, Weight: 100}}, Percent: 100}
	on := strategy.EnableManifest{Workload: created}
	off := func(w strategy.Workload) strategy.Move {
		return strategy.DisableManifest{Workload: w.Ref, KeepServing: w.Serving}
	}
	for name, tt := range map[string]struct {
		traffic strategy.Traffic
		old     []strategy.Workload
		want    M
	}{
		"none":                        {strategy.Traffic{Strategy: "none", Enable: true}, []strategy.Workload{v1}, nil},
		"redblack of the first":       {strategy.Traffic{Strategy: "redblack", Enable: true}, nil, M{on}},
		"redblack":                    {strategy.Traffic{Strategy: "redblack", Enable: true}, []strategy.Workload{v1, v0}, M{on, off(v1), off(v0)}},
		"one that is dead is deleted": {strategy.Traffic{Strategy: "bluegreen", Enable: true}, []strategy.Workload{v1, dead}, M{on, off(v1), strategy.DeleteManifest{Workload: dead.Ref}}},
		"enableTraffic is not set":    {strategy.Traffic{Strategy: "bluegreen"}, []strategy.Workload{v1}, M{on, off(v1)}},
		"what is asked before the switch": {
			strategy.Traffic{Strategy: "bluegreen", Enable: true, Delay: 5, Validation: pipeline}, []strategy.Workload{v1},
			M{on, strategy.Wait{Name: "Wait Before Disable", Seconds: 5}, strategy.Validate{Pipeline: pipeline, Percent: 100, Deployed: created, Source: &v1.Ref}, off(v1)},
		},
		"scale down": {
			strategy.Traffic{Strategy: "bluegreen", Enable: true, ScaleDown: true, ScaleDownWait: 7}, []strategy.Workload{v1, v0},
			M{on, off(v1), off(v0), strategy.Wait{Name: "Wait Before Scale Down", Seconds: 7}, strategy.ScaleManifest{Workload: v1.Ref}},
		},
		"highlander": {
			strategy.Traffic{Strategy: "highlander", Enable: true}, []strategy.Workload{v1, v0},
			M{on, off(v1), off(v0), strategy.DeleteManifest{Workload: v1.Ref}, strategy.DeleteManifest{Workload: v0.Ref}},
		},
		"highlander disables the dead too": {
			strategy.Traffic{Strategy: "highlander", Enable: true}, []strategy.Workload{dead}, M{on, off(dead), strategy.DeleteManifest{Workload: dead.Ref}},
		},
		"rollingredblack": {
			strategy.Traffic{Strategy: "rollingredblack"}, []strategy.Workload{v1, v0},
			M{shares(50), all, on, off(v1), off(v0)},
		},
		"canary": {
			strategy.Traffic{Strategy: "canary", Percentages: []int{5, 25, 100}, Delay: 60, Validation: pipeline}, []strategy.Workload{v1},
			M{
				shares(5), strategy.Wait{Name: "Wait", Seconds: 60}, strategy.Validate{Pipeline: pipeline, Percent: 5, Deployed: created, Source: &v1.Ref},
				shares(25), strategy.Wait{Name: "Wait", Seconds: 60}, strategy.Validate{Pipeline: pipeline, Percent: 25, Deployed: created, Source: &v1.Ref},
				all, strategy.Wait{Name: "Wait", Seconds: 60}, strategy.Validate{Pipeline: pipeline, Percent: 100, Deployed: created, Source: &v1.Ref},
				on, off(v1),
			},
		},
		"canary of the first":          {strategy.Traffic{Strategy: "canary"}, nil, M{all, on}},
		"canary against what is there": {strategy.Traffic{Strategy: "canary"}, []strategy.Workload{v0}, M{all, on, off(v0)}},
	} {
		if diff := cmp.Diff(tt.want, tt.traffic.After(created, tt.old)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTrafficOnFailure(t *testing.T) {
	t.Parallel()
	type M = []strategy.Move
	no := false
	created, old := strategy.Workload{Ref: rs("web-v001"), Serving: true}, strategy.Workload{Ref: rs("web-v000")}
	serves := old
	serves.Serving = true
	shared := created
	shared.Weight = 20
	enable, disable := strategy.EnableManifest{Workload: old.Ref}, strategy.DisableManifest{Workload: created.Ref, KeepServing: true}
	for name, tt := range map[string]struct {
		traffic strategy.Traffic
		failure strategy.TrafficFailure
		want    M
	}{
		"nothing was there": {strategy.Traffic{Strategy: "redblack"}, strategy.TrafficFailure{Created: []strategy.Workload{created}}, nil},
		"none":              {strategy.Traffic{}, strategy.TrafficFailure{Created: []strategy.Workload{created}, Before: []strategy.Workload{serves}}, nil},
		"before the switch": {strategy.Traffic{Strategy: "redblack"}, strategy.TrafficFailure{Created: []strategy.Workload{created}, Before: []strategy.Workload{serves}}, M{disable}},
		"after the switch":  {strategy.Traffic{Strategy: "redblack"}, strategy.TrafficFailure{Created: []strategy.Workload{created}, Before: []strategy.Workload{old}, Stable: true}, M{enable, disable}},
		"the old one is gone": {
			strategy.Traffic{Strategy: "highlander"}, strategy.TrafficFailure{Created: []strategy.Workload{created}, Before: []strategy.Workload{old}, Gone: 1, Stable: true}, nil,
		},
		"left alone": {
			strategy.Traffic{Strategy: "redblack", Rollback: &strategy.Rollback{OnFailure: &no}},
			strategy.TrafficFailure{Created: []strategy.Workload{created}, Before: []strategy.Workload{serves}}, nil,
		},
		"destroyed": {
			strategy.Traffic{Strategy: "redblack", Rollback: &strategy.Rollback{DestroyLatest: true}},
			strategy.TrafficFailure{Created: []strategy.Workload{created}, Before: []strategy.Workload{serves}}, M{disable, strategy.DeleteManifest{Workload: created.Ref}},
		},
		"a share": {
			strategy.Traffic{Strategy: "canary"}, strategy.TrafficFailure{Created: []strategy.Workload{shared}, Before: []strategy.Workload{serves}, Stable: true},
			M{enable, strategy.ShiftTraffic{Shares: []strategy.Share{{Workload: old.Ref, Weight: 100}}}, disable},
		},
	} {
		if diff := cmp.Diff(tt.want, tt.traffic.OnFailure(tt.failure)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// model is a cluster of workloads behind one Service, and a route that sends
// requests to it until shares are set. Moves may fail: before they did
// anything, or after.
type model struct {
	t      *rapid.T
	ready  map[string]bool
	behind map[string]bool
	shares map[string]int
	trace  []any
}

func (m *model) service() bool {
	return slices.ContainsFunc(keys(m.behind), func(w string) bool { return m.behind[w] && m.ready[w] })
}

// route reports whether every share of the route is answered.
func (m *model) route() bool {
	if len(m.shares) == 0 {
		return m.service()
	}
	return !slices.ContainsFunc(keys(m.shares), func(w string) bool { return m.shares[w] > 0 && !m.ready[w] })
}

func keys[V any](of map[string]V) []string {
	var out []string
	for k := range of {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// do makes one move as the stages do, and reports whether it succeeded.
func (m *model) do(move strategy.Move, shaky bool) bool {
	how := 0
	if shaky {
		how = rapid.IntRange(0, 9).Draw(m.t, "how it goes") // 8 fails before it acts, 9 after
	}
	m.trace = append(m.trace, move, how)
	if how == 8 {
		return false
	}
	switch move := move.(type) {
	case strategy.EnableManifest:
		m.behind[move.Workload.Name] = true
		if !m.ready[move.Workload.Name] {
			return false
		}
	case strategy.DisableManifest:
		was := m.behind[move.Workload.Name]
		m.behind[move.Workload.Name] = false
		if move.KeepServing && was && m.ready[move.Workload.Name] && !m.service() {
			m.behind[move.Workload.Name] = true // refused
			return false
		}
	case strategy.DeleteManifest:
		delete(m.ready, move.Workload.Name)
		delete(m.behind, move.Workload.Name)
	case strategy.ScaleManifest:
		m.ready[move.Workload.Name] = false
	case strategy.ShiftTraffic:
		shares := map[string]int{}
		for _, s := range move.Shares {
			if !m.ready[s.Workload.Name] {
				return false
			}
			shares[s.Workload.Name] = s.Weight
		}
		m.shares = shares
	}
	return how != 9
}

// look is what a deployment sees of a version.
func (m *model) look(name string) strategy.Workload {
	return strategy.Workload{
		Ref: rs(name), Serving: m.behind[rs(name).Name] && m.ready[rs(name).Name] || m.shares[rs(name).Name] > 0, Weight: m.shares[rs(name).Name],
		Hopeless: !m.ready[rs(name).Name],
	}
}

// TestTrafficNeverServesNothing: whatever strategy, and whatever move fails, no
// move takes the last version away that serves; a deployment that succeeded
// serves the new version alone, and one that failed the old one.
func TestTrafficNeverServesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		traffic := strategy.Traffic{
			Strategy: rapid.SampledFrom([]string{"redblack", "highlander", "rollingredblack", "canary"}).Draw(t, "strategy"),
			Services: []string{"service web"}, Route: "httpRoute web", Enable: rapid.Bool().Draw(t, "enable"), ScaleDown: rapid.Bool().Draw(t, "scale down"),
			Percentages: rapid.SampledFrom([][]int{nil, {1}, {20, 60}, {100}}).Draw(t, "percentages"),
		}
		shaky := rapid.Bool().Draw(t, "moves may fail")
		m := &model{t: t, ready: map[string]bool{}, behind: map[string]bool{}, shares: map[string]int{}}
		m.ready[rs("old").Name], m.behind[rs("old").Name] = true, true
		m.ready[rs("new").Name], m.behind[rs("new").Name] = true, false
		if traffic.Weighted() && rapid.Bool().Draw(t, "shifted before") {
			m.shares = map[string]int{rs("old").Name: 100}
		}
		var older []strategy.Workload
		if rapid.Bool().Draw(t, "an older one") {
			m.ready[rs("older").Name] = rapid.Bool().Draw(t, "older is ready")
			older = []strategy.Workload{m.look("older")}
		}
		run := func(moves []strategy.Move, shaky, all bool) bool {
			ok := true
			for _, move := range moves {
				service, route := m.service(), m.route()
				done := m.do(move, shaky)
				if service && !m.service() || route && !m.route() {
					t.Fatalf("nothing serves after %T: %v", move, m.trace)
				}
				if ok = ok && done; !done && !all {
					return false
				}
			}
			return ok
		}
		if run(traffic.After(rs("new"), append([]strategy.Workload{m.look("old")}, older...)), shaky, false) {
			if !m.behind[rs("new").Name] || m.behind[rs("old").Name] || m.shares[rs("old").Name] > 0 {
				t.Fatalf("the old version still serves: %v", m.trace)
			}
			return
		}
		x := strategy.TrafficFailure{Created: []strategy.Workload{m.look("new")}, Stable: true}
		if _, there := m.ready[rs("old").Name]; there && m.ready[rs("old").Name] {
			x.Before = append(x.Before, m.look("old"))
		} else {
			x.Gone++
		}
		if !run(traffic.OnFailure(x), false, true) {
			t.Fatalf("the way back failed: %v", m.trace)
		}
		if x.Gone == 0 && (!m.behind[rs("old").Name] || m.behind[rs("new").Name] || m.shares[rs("new").Name] > 0) {
			t.Fatalf("the new version was not taken back: %v", m.trace)
		}
	})
}

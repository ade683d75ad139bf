package strategy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/strategy"
)

// group is demo-v<n>, created n minutes after the epoch; an instance is Up for
// each 'u', OutOfService for 'o', Starting for 's', Down for 'd', Draining for
// 'D'.
func group(n int, disabled bool, instances string) gennaker.ServerGroup {
	g := gennaker.ServerGroup{
		Name: fmt.Sprintf("demo-v%03d", n), Account: "local", Region: "local", Cluster: "demo", Disabled: disabled,
		CreatedTime: gennaker.At(time.Unix(int64(60*(n+1)), 0)),
		Capacity:    gennaker.Capacity{Min: len(instances), Max: len(instances), Desired: len(instances)},
	}
	states := map[rune]gennaker.HealthState{
		'u': gennaker.Up, 'o': gennaker.OutOfService, 's': gennaker.Starting, 'd': gennaker.Down, 'D': gennaker.Draining,
	}
	for i, r := range instances {
		g.Instances = append(g.Instances, gennaker.Instance{
			Name: fmt.Sprintf("%s-%d", g.Name, i), HealthState: states[r],
			Health: []gennaker.Health{
				{Type: "Process", Class: gennaker.PlatformClass, State: gennaker.Unknown},
				{Type: "LoadBalancer", State: states[r]},
			},
		})
	}
	return g
}

func on(n int, instances string) gennaker.ServerGroup  { return group(n, false, instances) }
func off(n int, instances string) gennaker.ServerGroup { return group(n, true, instances) }

func names(gs []gennaker.ServerGroup) []string {
	out := []string{}
	for _, g := range gs {
		out = append(out, g.Name)
	}
	return out
}

func TestVictims(t *testing.T) { // A10
	t.Parallel()
	type G = []gennaker.ServerGroup
	type operation interface {
		Victims(c strategy.Cluster) []gennaker.ServerGroup
	}
	tests := map[string]struct {
		op       operation
		groups   G
		deployed []string
		want     []string
	}{
		"shrink keeps the newest inactive": {
			strategy.ShrinkCluster{To: 1}, G{off(0, "o"), off(1, "o"), off(2, "o")}, nil, []string{"demo-v001", "demo-v000"},
		},
		"shrink spares active ones, and counts them": {
			strategy.ShrinkCluster{To: 2}, G{off(0, "o"), on(1, "u"), off(2, "o")}, nil, []string{"demo-v000"},
		},
		"shrink to fewer than are active destroys all inactive": {
			strategy.ShrinkCluster{To: 1}, G{on(0, "u"), on(1, "u"), off(2, "o")}, nil, []string{"demo-v002"},
		},
		"disabled with an instance Up is active": {
			strategy.ShrinkCluster{To: 1}, G{off(0, "u"), on(1, "u")}, nil, []string{},
		},
		"shrink with allowDeleteActive keeps active ones first": {
			strategy.ShrinkCluster{To: 1, AllowDeleteActive: true}, G{on(0, "u"), off(1, "o")}, nil, []string{"demo-v001"},
		},
		"shrink with retainLargerOverNewer": {
			strategy.ShrinkCluster{To: 1, RetainLarger: true}, G{off(0, "oo"), off(1, "o")}, nil, []string{"demo-v001"},
		},
		"shrink counts what was just deployed": {
			strategy.ShrinkCluster{To: 1, AllowDeleteActive: true}, G{on(0, "u"), on(1, "u"), on(2, "u")}, []string{"demo-v002"},
			[]string{"demo-v001", "demo-v000"},
		},
		"nothing newer than what was deployed is touched": {
			strategy.ShrinkCluster{To: 1, AllowDeleteActive: true}, G{on(0, "u"), on(1, "u"), on(2, "u")}, []string{"demo-v001"},
			[]string{"demo-v000"},
		},
		"disable keeps the newest": {
			strategy.DisableCluster{Remaining: 1}, G{on(0, "uu"), on(1, "u"), off(2, "o")}, nil, []string{"demo-v000"},
		},
		"disable prefers the larger": {
			strategy.DisableCluster{Remaining: 1, PreferLarger: true}, G{on(0, "uu"), on(1, "u")}, nil, []string{"demo-v001"},
		},
		"disable all but what was deployed": {
			strategy.DisableCluster{Remaining: 1}, G{on(0, "u"), on(1, "u"), on(2, "u")}, []string{"demo-v002"},
			[]string{"demo-v001", "demo-v000"},
		},
		"disable keeps two, one of them deployed": {
			strategy.DisableCluster{Remaining: 2}, G{on(0, "u"), on(1, "u"), on(2, "u")}, []string{"demo-v002"}, []string{"demo-v000"},
		},
		"scale down only inactive": {
			strategy.ScaleDownCluster{Remaining: 1}, G{off(0, "o"), on(1, "u"), on(2, "u")}, nil, []string{"demo-v000"},
		},
		"scale down active too": {
			strategy.ScaleDownCluster{Remaining: 1, AllowActive: true}, G{off(0, "o"), on(1, "u"), on(2, "u")}, nil,
			[]string{"demo-v001", "demo-v000"},
		},
		"scale down counts after the active filter": {
			strategy.ScaleDownCluster{Remaining: 2}, G{off(0, "o"), off(1, "o"), on(2, "u")}, nil, []string{"demo-v000"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := names(tt.op.Victims(strategy.NewCluster(tt.groups, tt.deployed)))
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error("victims (-want +got):\n" + d)
			}
		})
	}
}

func TestNewClusterLeavesOutWhatIsDestroyed(t *testing.T) {
	t.Parallel()
	gone := off(0, "o")
	gone.Destroying = true
	c := strategy.NewCluster([]gennaker.ServerGroup{gone, on(1, "u")}, nil)
	if d := cmp.Diff([]string{"demo-v001"}, names(c.All)); d != "" {
		t.Error(d)
	}
}

func TestNewerKnowsThatNumbersWrap(t *testing.T) { // A1: 999 is followed by 000
	t.Parallel()
	a, b := on(999, "u"), on(0, "u")
	a.CreatedTime, b.CreatedTime = b.CreatedTime, a.CreatedTime
	if strategy.Newer(b, a) >= 0 {
		t.Error("v000, created after v999, is not newer")
	}
	a.CreatedTime = b.CreatedTime
	if strategy.Newer(a, b) >= 0 {
		t.Error("of two of one time, the larger number is not newer")
	}
}

func TestKeepServing(t *testing.T) {
	t.Parallel()
	type G = []gennaker.ServerGroup
	tests := map[string]struct {
		groups G
		loss   strategy.Loss
		ok     bool
	}{
		"the last healthy ones":     {G{on(0, "uu"), on(1, "ss")}, strategy.WholeGroups(G{on(0, "uu")}), false},
		"others are healthy":        {G{on(0, "uu"), on(1, "us")}, strategy.WholeGroups(G{on(0, "uu")}), true},
		"nothing is healthy anyway": {G{on(0, "ds")}, strategy.WholeGroups(G{on(0, "ds")}), true},
		"half of them":              {G{on(0, "uu")}, strategy.PartOf(on(0, "uu"), 50), true},
		"half of one":               {G{on(0, "u")}, strategy.PartOf(on(0, "u"), 50), false},
		"half are out already":      {G{on(0, "uo")}, strategy.PartOf(on(0, "uo"), 50), true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := strategy.KeepServing(tt.groups, tt.loss)
			if (err == nil) != tt.ok || err != nil && gennaker.KindOf(err) != gennaker.Conflict {
				t.Errorf("got %v, want allowed %v", err, tt.ok)
			}
		})
	}
}

func TestCheckGuard(t *testing.T) { // A10 traffic guards
	t.Parallel()
	type G = []gennaker.ServerGroup
	tests := map[string]struct {
		groups G
		going  G
		ratio  float64
		ok     bool
	}{
		"all capacity goes":               {G{on(0, "uu")}, G{on(0, "uu")}, 0, false},
		"some stays":                      {G{on(0, "uu"), on(1, "u")}, G{on(0, "uu")}, 0, true},
		"some stays, but not enough":      {G{on(0, "uuu"), on(1, "u")}, G{on(0, "uuu")}, 0.25, false},
		"just more than the ratio":        {G{on(0, "uuu"), on(1, "u")}, G{on(0, "uuu")}, 0.2, true},
		"no capacity now":                 {G{on(0, "dd")}, G{on(0, "dd")}, 0, true},
		"what goes is not healthy":        {G{on(0, "d"), on(1, "u")}, G{on(0, "d")}, 0.4, true},
		"several pinned ones of one size": {G{on(0, "u"), on(1, "u"), on(2, "u"), on(3, "u")}, G{on(0, "u"), on(1, "u"), on(2, "u")}, 0.4, true},
		"several of different sizes":      {G{on(0, "u"), on(1, "uu"), on(2, "u")}, G{on(0, "u"), on(1, "uu")}, 0.4, false},
		"all pinned ones of one size":     {G{on(0, "u"), on(1, "u")}, G{on(0, "u"), on(1, "u")}, 0.4, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := strategy.CheckGuard(tt.groups, strategy.WholeGroups(tt.going), tt.ratio)
			if (err == nil) != tt.ok || err != nil && gennaker.KindOf(err) != gennaker.Conflict {
				t.Errorf("got %v, want allowed %v", err, tt.ok)
			}
		})
	}
}

func TestTrafficGuardGuards(t *testing.T) { // A10 traffic guards
	t.Parallel()
	m := gennaker.Moniker{App: "demo", Stack: "prod", Cluster: "demo-prod"}
	tests := map[string]struct {
		guard strategy.TrafficGuard
		want  bool
	}{
		"exact":              {strategy.TrafficGuard{Account: "a", Location: "r", Stack: "prod"}, true},
		"wildcards":          {strategy.TrafficGuard{Account: "*", Location: "*", Stack: "*", Detail: "*"}, true},
		"empty stack":        {strategy.TrafficGuard{Account: "a", Location: "r"}, false},
		"other account":      {strategy.TrafficGuard{Account: "b", Location: "r", Stack: "prod"}, false},
		"other location":     {strategy.TrafficGuard{Account: "a", Location: "s", Stack: "prod"}, false},
		"detail not there":   {strategy.TrafficGuard{Account: "a", Location: "r", Stack: "prod", Detail: "x"}, false},
		"switched off":       {strategy.TrafficGuard{Account: "a", Location: "r", Stack: "prod", Enabled: new(false)}, false},
		"switched on":        {strategy.TrafficGuard{Account: "a", Location: "r", Stack: "prod", Enabled: new(true)}, true},
		"wildcard of a part": {strategy.TrafficGuard{Account: "a", Location: "r", Stack: "*"}, true},
	}
	for name, tt := range tests {
		if got := tt.guard.Guards("a", "r", m); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestTargetFind(t *testing.T) { // A11
	t.Parallel()
	groups := []gennaker.ServerGroup{on(0, "u"), off(1, "o"), on(2, "u"), off(3, "o")}
	for target, want := range map[strategy.Target]string{
		"current_asg_dynamic": "demo-v002", "current_asg": "demo-v002", "ancestor_asg_dynamic": "demo-v002",
		"ancestor_asg": "demo-v002", "oldest_asg_dynamic": "demo-v000",
	} {
		if g, err := target.Find(groups); err != nil || g.Name != want {
			t.Errorf("%s: got %s, %v, want %s", target, g.Name, err, want)
		}
	}
	for target, groups := range map[strategy.Target][]gennaker.ServerGroup{
		"current_asg_dynamic": {off(0, "o")}, "ancestor_asg_dynamic": {on(0, "u")}, "oldest_asg_dynamic": nil,
	} {
		if _, err := target.Find(groups); gennaker.KindOf(err) != gennaker.NotFound {
			t.Errorf("%s: got %v, want NotFound", target, err)
		}
	}
	if _, err := strategy.Target("newest").Find(groups); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("got %v, want Invalid", err)
	}
}

func TestFindSource(t *testing.T) { // A2 source resolution
	t.Parallel()
	type G = []gennaker.ServerGroup
	tests := map[string]struct {
		groups G
		most   bool
		want   string
	}{
		"newest enabled":               {G{on(0, "u"), on(1, "u"), off(2, "o")}, false, "demo-v001"},
		"newest if none is enabled":    {G{off(0, "o"), off(1, "o")}, false, "demo-v001"},
		"most instances":               {G{on(0, "uu"), on(1, "u"), off(2, "ooo")}, true, "demo-v000"},
		"oldest of those with as many": {G{on(0, "uu"), on(1, "uu")}, true, "demo-v000"},
		"none":                         {nil, false, ""},
	}
	for name, tt := range tests {
		got := ""
		if g := strategy.FindSource(tt.groups, tt.most); g != nil {
			got = g.Name
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

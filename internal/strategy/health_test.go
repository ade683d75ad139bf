package strategy_test

import (
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/strategy"
)

func instance(healths ...gennaker.Health) gennaker.Instance {
	return gennaker.Instance{Health: healths}
}

func lb(s gennaker.HealthState) gennaker.Health {
	return gennaker.Health{Type: "LoadBalancer", State: s}
}

func platform(s gennaker.HealthState) gennaker.Health {
	return gennaker.Health{Type: "Process", State: s, Class: gennaker.PlatformClass}
}

func TestIsUpIsDown(t *testing.T) { // A13
	t.Parallel()
	tests := map[string]struct {
		i        gennaker.Instance
		names    []string
		up, down bool
	}{
		"no health":                        {instance(), nil, false, true},
		"up":                               {instance(platform(gennaker.Unknown), lb(gennaker.Up)), nil, true, false},
		"starting":                         {instance(platform(gennaker.Unknown), lb(gennaker.Starting)), nil, false, true},
		"draining is neither":              {instance(platform(gennaker.Unknown), lb(gennaker.Draining)), nil, false, false},
		"out of service":                   {instance(platform(gennaker.Unknown), lb(gennaker.OutOfService)), nil, false, true},
		"down":                             {instance(platform(gennaker.Down), lb(gennaker.Down)), nil, false, true},
		"one up and one down":              {instance(lb(gennaker.Up), lb(gennaker.Down)), nil, false, false},
		"one up and one starting":          {instance(lb(gennaker.Up), lb(gennaker.Starting)), nil, false, false},
		"platform unknown alone":           {instance(platform(gennaker.Unknown)), nil, false, true},
		"platform unknown, interesting":    {instance(platform(gennaker.Unknown), lb(gennaker.Down)), []string{"Process"}, true, true},
		"platform down, interesting":       {instance(platform(gennaker.Down), lb(gennaker.Up)), []string{"Process"}, false, true},
		"only the interesting one counts":  {instance(platform(gennaker.Down), lb(gennaker.Up)), []string{"LoadBalancer"}, true, false},
		"the interesting one is not there": {instance(lb(gennaker.Up)), []string{"Discovery"}, false, true},
		"succeeded is not up":              {instance(lb(gennaker.Done)), nil, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strategy.IsUp(tt.i, tt.names); got != tt.up {
				t.Errorf("IsUp is %v", got)
			}
			if got := strategy.IsDown(tt.i, tt.names); got != tt.down {
				t.Errorf("IsDown is %v", got)
			}
		})
	}
}

func TestTargetSize(t *testing.T) { // A13
	t.Parallel()
	pinned := func(n int) *gennaker.Capacity { return &gennaker.Capacity{Min: n, Max: n, Desired: n} }
	loose := &gennaker.Capacity{Min: 1, Max: 10, Desired: 5}
	tests := map[string]struct {
		want    strategy.Want
		current gennaker.Capacity
		size    int
	}{
		"nothing configured":                     {strategy.Want{}, capacity(1, 3, 9), 3},
		"config pinned":                          {strategy.Want{Capacity: pinned(2)}, capacity(1, 3, 9), 2},
		"current pinned":                         {strategy.Want{Capacity: loose}, capacity(3, 3, 3), 5},
		"autoscaled":                             {strategy.Want{Capacity: loose}, capacity(1, 3, 9), 3},
		"percent rounds":                         {strategy.Want{HealthyPercentage: new(50)}, capacity(1, 3, 9), 2},
		"percent rounds down":                    {strategy.Want{HealthyPercentage: new(40)}, capacity(1, 3, 9), 1},
		"percent is at least one":                {strategy.Want{HealthyPercentage: new(1)}, capacity(1, 3, 9), 1},
		"zero percent":                           {strategy.Want{HealthyPercentage: new(0)}, capacity(1, 3, 9), 0},
		"percent of nothing":                     {strategy.Want{HealthyPercentage: new(50)}, capacity(0, 0, 0), 0},
		"desired percentage":                     {strategy.Want{DesiredPercentage: new(50)}, capacity(10, 10, 10), 5},
		"desired percentage rounds up":           {strategy.Want{DesiredPercentage: new(34)}, capacity(3, 3, 3), 2},
		"desired percentage of a loose capacity": {strategy.Want{DesiredPercentage: new(50)}, capacity(1, 5, 10), 0},
	}
	for name, tt := range tests {
		if got := tt.want.TargetSize(tt.current); got != tt.size {
			t.Errorf("%s: got %d, want %d", name, got, tt.size)
		}
	}
}

func TestEnough(t *testing.T) { // A13 waitForUpInstances
	t.Parallel()
	failing := on(3, "uss")
	failing.Instances[1].Reason = "demo-v003-1 answered GET /health with 503."
	tests := map[string]struct {
		want   strategy.Want
		group  gennaker.ServerGroup
		ok     bool
		reason string
	}{
		"all up":                    {strategy.Want{}, on(0, "uu"), true, ""},
		"none wanted":               {strategy.Want{}, on(0, ""), true, ""},
		"not healthy":               {strategy.Want{}, failing, false, "2 of 3 instances of demo-v003 are not healthy: demo-v003-1 answered GET /health with 503; demo-v003-2 is Starting"},
		"one not healthy":           {strategy.Want{}, on(1, "ud"), false, "1 of 2 instances of demo-v001 is not healthy: demo-v001-1 is Down"},
		"many not healthy":          {strategy.Want{}, on(1, "ddddd"), false, "5 of 5 instances of demo-v001 are not healthy: demo-v001-0 is Down; demo-v001-1 is Down; demo-v001-2 is Down; and 2 more"},
		"a third suffices":          {strategy.Want{HealthyPercentage: new(33)}, failing, true, ""},
		"no health providers":       {strategy.Want{HealthProviders: []string{}}, on(0, "dd"), true, ""},
		"no health providers, none": {strategy.Want{Capacity: &gennaker.Capacity{Min: 1, Max: 1, Desired: 1}, HealthProviders: []string{}}, on(0, ""), false, "demo-v000 has 0 of 1 instances"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ok, reason := tt.want.Enough(tt.group)
			if ok != tt.ok || reason != tt.reason {
				t.Errorf("got %v, %q, want %v, %q", ok, reason, tt.ok, tt.reason)
			}
		})
	}
	want := "2 of 3 instances of demo-v003 did not become healthy within 20s: demo-v003-1 answered GET /health with 503; demo-v003-2 is Starting"
	if got := (strategy.Want{}).ExplainTimeout(failing, "20s"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDownEnough(t *testing.T) { // A13 waitForDown
	t.Parallel()
	tests := map[string]struct {
		instances string
		percent   int
		names     []string
		ok        bool
	}{
		"all down":                {"oo", 100, nil, true},
		"one is draining":         {"oD", 100, nil, false},
		"one is up":               {"ou", 100, nil, false},
		"half suffice":            {"ou", 50, nil, true},
		"half of three are two":   {"ouu", 50, nil, false},
		"no instances":            {"", 100, nil, true},
		"no health providers":     {"uu", 100, []string{}, true},
		"not the health asked of": {"uu", 100, []string{"Discovery"}, true},
	}
	for name, tt := range tests {
		ok, reason := strategy.DownEnough(on(0, tt.instances), tt.percent, tt.names)
		if ok != tt.ok || ok == (reason != "") {
			t.Errorf("%s: got %v, %q", name, ok, reason)
		}
	}
}

func TestCrashLooping(t *testing.T) {
	t.Parallel()
	g := on(0, "dd")
	g.Instances[0].Restarts, g.Instances[1].Restarts = 5, 4
	if ok, _ := strategy.CrashLooping(g, 5); ok {
		t.Error("crash-looping although one instance ended 4 times only")
	}
	g.Instances[1].Restarts = 6
	g.Instances[0].Reason = "exited with status 1"
	ok, why := strategy.CrashLooping(g, 5)
	if want := "all 2 instances of demo-v000 end again and again, each at least 5 times: demo-v000-0 exited with status 1; demo-v000-1 is Down"; !ok || why != want {
		t.Errorf("got %v, %q, want %q", ok, why, want)
	}
	g.Instances[0].HealthState = gennaker.Up
	if ok, _ := strategy.CrashLooping(g, 5); ok {
		t.Error("crash-looping although one instance is Up")
	}
	if ok, _ := strategy.CrashLooping(on(0, ""), 5); ok {
		t.Error("crash-looping without instances")
	}
}

package strategy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/strategy"
)

func TestSearch(t *testing.T) { // A14 rollbackCluster
	t.Parallel()
	type G = []gennaker.ServerGroup
	tests := map[string]struct {
		search        strategy.Search
		groups        G
		from, restore string
		healthy       int
	}{
		"newest enabled to the next newest": {strategy.Search{}, G{off(0, "o"), off(1, "o"), on(2, "u")}, "demo-v002", "demo-v001", 100},
		"to the original":                   {strategy.Search{Original: "demo-v000"}, G{off(0, "o"), off(1, "o"), on(2, "u")}, "demo-v002", "demo-v000", 100},
		"the original is gone":              {strategy.Search{Original: "demo-v007"}, G{off(1, "o"), on(2, "u")}, "demo-v002", "demo-v001", 100},
		"the original serves already":       {strategy.Search{Original: "demo-v002"}, G{off(1, "o"), on(2, "u")}, "", "", 0},
		"never to a newer one":              {strategy.Search{}, G{on(0, "u"), on(1, "u"), off(2, "o")}, "demo-v001", "demo-v000", 100},
		"unless there is no older one":      {strategy.Search{}, G{on(1, "u"), off(2, "o"), off(3, "o")}, "demo-v001", "demo-v003", 100},
		"given percentage":                  {strategy.Search{Healthy: new(50)}, G{off(1, "o"), on(2, "u")}, "demo-v002", "demo-v001", 50},
		"ten instances":                     {strategy.Search{}, G{off(1, "o"), on(2, strings.Repeat("u", 10))}, "demo-v002", "demo-v001", 90},
		"twenty instances":                  {strategy.Search{}, G{off(1, "o"), on(2, strings.Repeat("u", 20))}, "demo-v002", "demo-v001", 95},
		"one server group":                  {strategy.Search{}, G{on(0, "u")}, "", "", 0},
		"none enabled":                      {strategy.Search{}, G{off(0, "o"), off(1, "o")}, "", "", 0},
		"only enabled":                      {strategy.Search{OnlyEnabled: true}, G{on(0, "u"), off(1, "o"), on(2, "u")}, "demo-v002", "demo-v000", 100},
		"only enabled, there is none":       {strategy.Search{OnlyEnabled: true}, G{off(1, "o"), on(2, "u")}, "", "", 0},
		"only enabled, or the original":     {strategy.Search{OnlyEnabled: true, Original: "demo-v001"}, G{off(1, "o"), on(2, "u")}, "demo-v002", "demo-v001", 100},
		"from a given one":                  {strategy.Search{From: "demo-v001"}, G{on(0, "u"), on(1, "u"), on(2, "u")}, "demo-v001", "demo-v000", 100},
		"from a given one that is disabled": {strategy.Search{From: "demo-v001"}, G{on(0, "u"), off(1, "o")}, "", "", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := tt.search.Find(tt.groups)
			if c == nil {
				c = &strategy.Candidate{}
			}
			if c.From.Name != tt.from || c.Restore.Name != tt.restore || c.Healthy != tt.healthy {
				t.Errorf("got %s to %s at %d %%, want %s to %s at %d %%", c.From.Name, c.Restore.Name, c.Healthy, tt.from, tt.restore, tt.healthy)
			}
		})
	}
}

func TestRollbackPlan(t *testing.T) { // A14 rollbackServerGroup EXPLICIT
	t.Parallel()
	type M = []strategy.Move
	from, restore := on(2, "uuu"), off(1, "o")
	from.Capacity.Min = 2
	c := strategy.Candidate{From: from, Restore: restore, Healthy: 90}
	enable := strategy.EnableServerGroup{Group: restore.Ref(), HealthyPercentage: 90}
	disable := strategy.DisableServerGroup{Group: from.Ref(), Percent: 100}
	same := c
	same.Restore.Capacity = capacity(3, 3, 3)
	tests := map[string]struct {
		candidate strategy.Candidate
		options   strategy.RollbackOptions
		want      M
	}{
		"disable only":            {c, strategy.RollbackOptions{DisableOnly: true}, M{disable}},
		"enable and disable only": {c, strategy.RollbackOptions{EnableAndDisableOnly: true}, M{enable, disable}},
		"everything": {c, strategy.RollbackOptions{DelayBeforeDisable: 5}, M{
			enable,
			strategy.ResizeServerGroup{Group: restore.Ref(), To: capacity(3, 3, 3), HealthyPercentage: 90},
			strategy.Wait{Name: "Wait Before Disable", Seconds: 5},
			disable,
			strategy.Unpin{Group: restore.Ref(), Min: 2},
		}},
		"no resize if it is as large": {same, strategy.RollbackOptions{}, M{enable, disable}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, tt.candidate.Plan(tt.options)); d != "" {
				t.Error("moves (-want +got):\n" + d)
			}
		})
	}
}

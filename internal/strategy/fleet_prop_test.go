package strategy_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/strategy"
)

// fleet is a model of one cluster. Instances that start are healthy or not at
// random, and never change on their own. Every move may fail: before it did
// anything, or after it did, or in the middle of several server groups.
type fleet struct {
	t      *rapid.T
	groups []gennaker.ServerGroup
	served bool // there was a healthy instance in service at the beginning
	clock  int
	shaky  bool // moves may fail
	trace  []string
}

func (f *fleet) logf(format string, args ...any) {
	f.trace = append(f.trace, fmt.Sprintf(format, args...))
}

func (f *fleet) chance(label string, percent int) bool {
	return rapid.IntRange(0, 99).Draw(f.t, label) >= 100-percent
}

func (f *fleet) fails(what string) bool { return f.shaky && f.chance("fail "+what, 15) }

func (f *fleet) find(name string) *gennaker.ServerGroup {
	for i := range f.groups {
		if f.groups[i].Name == name {
			return &f.groups[i]
		}
	}
	return nil
}

func (f *fleet) serving() int {
	n := 0
	for _, g := range f.groups {
		n += strategy.UpInstances(g)
	}
	return n
}

// observe is called after every effect: it is the property.
func (f *fleet) observe(what string) {
	f.logf("%s: %d serving", what, f.serving())
	if f.served && f.serving() == 0 {
		f.t.Fatalf("nothing serves after %s; %v", what, f.trace)
	}
}

func (f *fleet) state(g *gennaker.ServerGroup, i int, s gennaker.HealthState) {
	g.Instances[i].HealthState = s
	g.Instances[i].Health = []gennaker.Health{platform(gennaker.Unknown), lb(s)}
}

// healthy says whether an instance can be healthy; it never changes.
func healthy(i gennaker.Instance) bool { return i.PID == 1 }

func (f *fleet) resize(name string, c gennaker.Capacity) {
	g := f.find(name)
	if g == nil {
		return
	}
	g.Capacity = c
	for len(g.Instances) > c.Desired {
		g.Instances = g.Instances[:len(g.Instances)-1]
	}
	for len(g.Instances) < c.Desired {
		i := gennaker.Instance{Name: fmt.Sprintf("%s-%d", name, len(g.Instances))}
		if f.chance("healthy", 75) {
			i.PID = 1
		}
		g.Instances = append(g.Instances, i)
		f.start(g, len(g.Instances)-1)
	}
	f.observe(fmt.Sprintf("resize %s to %+v", name, c))
}

func (f *fleet) start(g *gennaker.ServerGroup, i int) {
	switch {
	case g.Disabled:
		f.state(g, i, gennaker.OutOfService)
	case healthy(g.Instances[i]):
		f.state(g, i, gennaker.Up)
	default:
		f.state(g, i, gennaker.Starting)
	}
}

func (f *fleet) create(disabled bool, c gennaker.Capacity) gennaker.ServerGroupRef {
	f.clock++
	ref := gennaker.ServerGroupRef{Account: "local", Region: "local", Name: fmt.Sprintf("demo-v%03d", f.clock)}
	f.groups = append(f.groups, gennaker.ServerGroup{
		Name: ref.Name, Account: ref.Account, Region: ref.Region, Disabled: disabled,
		CreatedTime: gennaker.At(time.Unix(int64(f.clock), 0)),
	})
	f.resize(ref.Name, c)
	return ref
}

func (f *fleet) disable(name string, percent int) {
	g := f.find(name)
	if g == nil {
		return
	}
	g.Disabled = g.Disabled || percent >= 100
	out := (len(g.Instances)*percent + 99) / 100
	for _, i := range g.Instances {
		if i.HealthState == gennaker.OutOfService {
			out--
		}
	}
	// The worst choice: the healthy ones go first.
	for _, up := range []bool{true, false} {
		for i, in := range g.Instances {
			if out > 0 && in.HealthState != gennaker.OutOfService && (in.HealthState == gennaker.Up) == up {
				f.state(g, i, gennaker.OutOfService)
				out--
			}
		}
	}
	f.observe(fmt.Sprintf("disable %d %% of %s", percent, name))
}

func (f *fleet) enable(name string) {
	if g := f.find(name); g != nil {
		g.Disabled = false
		for i := range g.Instances {
			f.start(g, i)
		}
		f.observe("enable " + name)
	}
}

func (f *fleet) destroy(name string) {
	f.groups = slices.DeleteFunc(f.groups, func(g gennaker.ServerGroup) bool { return g.Name == name })
	f.observe("destroy " + name)
}

// enough is waitForUpInstances: what is not healthy now never will be.
func (f *fleet) enough(name string, percent *int) bool {
	g := f.find(name)
	if g == nil {
		return false
	}
	ok, why := strategy.Want{HealthyPercentage: percent}.Enough(*g)
	if !ok {
		f.logf("%s", why)
	}
	return ok
}

// each carries out op on victims one after the other, if that is allowed.
func (f *fleet) each(what string, victims []gennaker.ServerGroup, op func(name string)) bool {
	if err := strategy.KeepServing(f.groups, strategy.WholeGroups(victims)); err != nil {
		f.logf("%s refused", what)
		return false
	}
	for _, v := range victims {
		if f.fails(what) {
			return false
		}
		op(v.Name)
	}
	return !f.fails(what)
}

// run carries out one move and reports whether it succeeded.
func (f *fleet) run(m strategy.Move, deployed []string) bool {
	f.logf("%T", m)
	if f.fails("before") {
		return false
	}
	cluster := strategy.NewCluster(f.groups, deployed)
	switch m := m.(type) {
	case strategy.Wait, strategy.Validate:
	case strategy.DetermineTarget:
		return f.find(m.Target.Name) != nil
	case strategy.Pin:
		return f.min(m.Group.Name, -1)
	case strategy.Unpin:
		return f.min(m.Group.Name, m.Min)
	case strategy.Grow:
		base := gennaker.Capacity{}
		if m.Source != nil {
			base = f.find(m.Source.Name).Capacity
		}
		to, err := m.Resize().Apply(base)
		if err != nil {
			f.t.Fatalf("grow %+v: %v", m, err)
		}
		f.resize(m.Group.Name, to)
		return f.enough(m.Group.Name, m.HealthyPercentage)
	case strategy.ResizeServerGroup:
		f.resize(m.Group.Name, m.To)
		return f.enough(m.Group.Name, &m.HealthyPercentage)
	case strategy.DisableServerGroup:
		g := f.find(m.Group.Name)
		if g == nil || strategy.KeepServing(f.groups, strategy.PartOf(*g, m.Percent)) != nil {
			return false
		}
		f.disable(m.Group.Name, m.Percent)
	case strategy.EnableServerGroup:
		f.enable(m.Group.Name)
		return f.enough(m.Group.Name, &m.HealthyPercentage)
	case strategy.DestroyServerGroup:
		if g := f.find(m.Group.Name); g != nil {
			if m.KeepServing && strategy.KeepServing(f.groups, strategy.WholeGroups([]gennaker.ServerGroup{*g})) != nil {
				return false
			}
			f.destroy(m.Group.Name)
		}
	case strategy.ShrinkCluster:
		if !f.all(m.Before(), deployed) {
			return false
		}
		return f.each("shrink", m.Victims(strategy.NewCluster(f.groups, deployed)), f.destroy)
	case strategy.DisableCluster:
		return f.each("disable", m.Victims(cluster), func(n string) { f.disable(n, 100) })
	case strategy.ScaleDownCluster:
		return f.each("scale down", m.Victims(cluster), func(n string) { f.resize(n, gennaker.Capacity{}) })
	case strategy.RollbackCluster:
		return f.rollback(m)
	}
	return !f.fails("after")
}

func (f *fleet) rollback(m strategy.RollbackCluster) bool {
	c := strategy.Search{From: m.From.Name, Original: m.To, OnlyEnabled: m.OnlyEnabled}.Find(f.groups)
	if c == nil {
		return true
	}
	return f.all(c.Plan(strategy.RollbackOptions{DisableOnly: m.DisableOnly, EnableAndDisableOnly: m.EnableAndDisableOnly}), nil)
}

func (f *fleet) min(name string, to int) bool {
	g := f.find(name)
	if g == nil {
		return false
	}
	r := strategy.Resize{Action: strategy.ScaleToServerGroup, PinMin: to < 0, UnpinMin: to >= 0, OriginalMin: new(max(0, to))}
	c, err := r.Apply(g.Capacity)
	if err != nil {
		f.t.Fatalf("pin %s to %d: %v", name, to, err)
	}
	f.resize(name, c)
	return true
}

func (f *fleet) all(moves []strategy.Move, deployed []string) bool {
	for _, m := range moves {
		if !f.run(m, deployed) {
			return false
		}
	}
	return true
}

// drawFleet makes a cluster of up to four server groups.
func drawFleet(t *rapid.T) *fleet {
	f := &fleet{t: t}
	for range rapid.IntRange(0, 4).Draw(t, "server groups") {
		c := gennaker.Capacity{Desired: rapid.IntRange(0, 4).Draw(t, "desired")}
		c.Min, c.Max = rapid.IntRange(0, c.Desired).Draw(t, "min"), c.Desired+rapid.IntRange(0, 2).Draw(t, "more")
		f.create(rapid.Bool().Draw(t, "disabled"), c)
	}
	f.shaky = rapid.Bool().Draw(t, "moves may fail")
	f.served = f.serving() > 0
	return f
}

func drawFields(t *rapid.T) strategy.Fields {
	n := rapid.IntRange(0, 4).Draw(t, "new desired")
	f := strategy.Fields{
		Strategy:             rapid.SampledFrom([]string{"none", "highlander", "redblack", "rollingredblack"}).Draw(t, "strategy"),
		ScaleDown:            rapid.Bool().Draw(t, "scaleDown"),
		MaxRemaining:         rapid.IntRange(0, 3).Draw(t, "maxRemaining"),
		AllowDeleteActive:    rapid.Bool().Draw(t, "allowDeleteActive"),
		AllowScaleDownActive: rapid.Bool().Draw(t, "allowScaleDownActive"),
		TargetPercentages:    rapid.SampledFrom([][]int{nil, {50}, {50, 100}, {0, 10, 40, 100}}).Draw(t, "percentages"),
		Capacity:             gennaker.Capacity{Min: n, Max: n, Desired: n},
	}
	if rapid.Bool().Draw(t, "some healthy suffice") {
		f.HealthyPercentage = new(rapid.IntRange(0, 100).Draw(t, "healthy %"))
	}
	if rapid.Bool().Draw(t, "rollback set") {
		f.Rollback = &strategy.Rollback{OnFailure: new(rapid.Bool().Draw(t, "onFailure")), DestroyLatest: rapid.Bool().Draw(t, "destroyLatest")}
	}
	return f.Begin()
}

// deploy is a whole deployment; it reports the server groups and whether the
// deployment succeeded.
func (f *fleet) deploy(fields strategy.Fields) (source *strategy.Source, created gennaker.ServerGroupRef, ok bool) {
	if g := strategy.FindSource(f.groups, false); g != nil {
		source = &strategy.Source{ServerGroupRef: g.Ref(), Capacity: g.Capacity}
	}
	failure := strategy.Failure{Source: source, Launching: true, Clone: f.chance("clone", 20)}
	if !f.fails("create") {
		created = f.create(false, fields.Capacity)
		failure.Created = &created
		if f.enough(created.Name, fields.HealthyPercentage) && !f.fails("launch") {
			failure.Launching = false
			moves, err := strategy.After(fields, source, created)
			if err != nil {
				f.t.Fatal(err)
			}
			if f.all(moves, []string{created.Name}) {
				return source, created, true
			}
		}
	}
	for _, m := range strategy.OnFailure(fields, failure) {
		f.logf("on failure")
		f.run(m, []string{created.Name})
	}
	return source, created, false
}

// Whatever fails, a deployment never takes the last healthy instance of its
// cluster out of service; and what it reports as done is done.
func TestDeployNeverStopsServing(t *testing.T) {
	t.Parallel()
	check(t, func(t *rapid.T) {
		f := drawFleet(t)
		fields := drawFields(t)
		wasServing := f.serving()
		source, created, ok := f.deploy(fields)
		if !ok {
			f.checkFailed(fields, source, created)
			return
		}
		if wasServing == 0 {
			return
		}
		name, _ := strategy.Parse(fields.Strategy)
		for _, g := range f.groups {
			older := source != nil && g.Name <= source.Name
			switch {
			case name == strategy.Highlander && g.Name != created.Name:
				t.Fatalf("highlander left %s; %v", g.Name, f.trace)
			case name == strategy.RedBlack && older && !g.Disabled:
				t.Fatalf("redblack left %s in service; %v", g.Name, f.trace)
			case name == strategy.RollingRedBlack && source != nil && g.Name == source.Name && !g.Disabled:
				t.Fatalf("rollingredblack left %s in service; %v", g.Name, f.trace)
			}
		}
	})
}

// checkFailed: after a failure that nothing disturbed, a new server group which
// never became healthy is out of service if another one serves.
func (f *fleet) checkFailed(fields strategy.Fields, source *strategy.Source, created gennaker.ServerGroupRef) {
	name, _ := strategy.Parse(fields.Strategy)
	g := f.find(created.Name)
	if f.shaky || g == nil || source == nil || fields.Rollback != nil || name == strategy.None {
		return
	}
	if ok, _ := (strategy.Want{HealthyPercentage: fields.HealthyPercentage}).Enough(*g); ok {
		return
	}
	old := f.find(source.Name)
	if old != nil && strategy.UpInstances(*old) > 0 && len(old.Instances) == strategy.UpInstances(*old) && !g.Disabled {
		f.t.Fatalf("%s failed and is still in service beside %s; %v", g.Name, old.Name, f.trace)
	}
}

// rollingredblack takes all of the old server group out of service only when
// the new one has its full size.
func TestRollingDisablesOnlyBehindFullSize(t *testing.T) {
	t.Parallel()
	check(t, func(t *rapid.T) {
		f := drawFleet(t)
		fields := drawFields(t)
		fields.Strategy, fields.SavedCapacity = "rollingredblack", nil
		before := len(f.groups)
		source, created, ok := f.deploy(fields.Begin())
		if source == nil || !ok || before == 0 {
			return
		}
		old, young := f.find(source.Name), f.find(created.Name)
		size := source.Capacity
		if size.Desired == 0 {
			size = fields.Capacity
		}
		if want := size.Desired; young.Capacity.Desired != want || len(young.Instances) != want {
			t.Fatalf("%s has %d instances of %d when %s is disabled; %v", young.Name, len(young.Instances), want, old.Name, f.trace)
		}
		if young.Capacity.Min != size.Min || young.Capacity.Max != size.Max {
			t.Fatalf("%s ends with %+v, %s began with %+v", young.Name, young.Capacity, old.Name, source.Capacity)
		}
		if !fields.ScaleDown && old.Capacity != source.Capacity {
			t.Fatalf("%s was left with %+v, it had %+v", old.Name, old.Capacity, source.Capacity)
		}
	})
}

// A cluster operation on its own never takes the last healthy instance, and
// leaves as many server groups as it was told to.
func TestClusterOperationsKeepTheirPromise(t *testing.T) {
	t.Parallel()
	check(t, func(t *rapid.T) {
		f := drawFleet(t)
		var deployed []string
		if len(f.groups) > 0 && rapid.Bool().Draw(t, "one was deployed") {
			deployed = []string{rapid.SampledFrom(f.groups).Draw(t, "deployed").Name}
		}
		keep, flag, prefer := rapid.IntRange(0, 3).Draw(t, "keep"), rapid.Bool().Draw(t, "flag"), rapid.Bool().Draw(t, "prefer")
		before := len(f.groups)
		switch rapid.IntRange(0, 2).Draw(t, "operation") {
		case 0:
			f.run(strategy.ShrinkCluster{To: keep, AllowDeleteActive: flag, RetainLarger: prefer}, deployed)
			if len(f.groups) < min(keep, before) {
				t.Fatalf("shrink to %d left %d of %d", keep, len(f.groups), before)
			}
		case 1:
			was := 0
			for _, g := range f.groups {
				if strategy.Active(g) {
					was++
				}
			}
			f.run(strategy.DisableCluster{Remaining: keep, PreferLarger: prefer}, deployed)
			if deployed == nil {
				left := 0
				for _, g := range f.groups {
					if strategy.Active(g) {
						left++
					}
				}
				if left < min(keep, was) {
					t.Fatalf("disable all but %d left %d of %d", keep, left, was)
				}
			}
		case 2:
			f.run(strategy.ScaleDownCluster{Remaining: keep, AllowActive: flag, PreferLarger: prefer}, deployed)
		}
		for _, name := range deployed {
			if f.find(name) == nil {
				t.Fatalf("%s was just deployed and is gone", name)
			}
		}
	})
}

// A rollback never takes the last healthy instance either.
func TestRollbackNeverStopsServing(t *testing.T) {
	t.Parallel()
	check(t, func(t *rapid.T) {
		f := drawFleet(t)
		c := strategy.Search{}.Find(f.groups)
		if c == nil {
			return
		}
		ok := f.all(c.Plan(strategy.RollbackOptions{DelayBeforeDisable: 1}), nil)
		if from := f.find(c.From.Name); ok && !from.Disabled {
			t.Fatalf("rolled back, but %s is in service; %v", from.Name, f.trace)
		}
	})
}

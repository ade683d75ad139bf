package state

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
)

// Format is the version of the files that this package writes.
const Format = 1

// MaxKeys bounds how many keys of done operations a server group remembers.
const MaxKeys = 64

// Group is the record of a server group: what was asked for, and what must be
// known after a crash.
type Group struct {
	Format     int                      `json:"format"`
	Name       string                   `json:"name"`
	Cluster    string                   `json:"cluster"`
	Serial     int                      `json:"serial"` // its number in the cluster, before wrapping
	Key        string                   `json:"key"`    // of the operation that made it
	Spec       gennaker.ServerGroupSpec `json:"spec"`   // as asked for, capacity as it was at first
	Artifact   Artifact                 `json:"artifact"`
	Created    gennaker.Time            `json:"created"`
	Capacity   gennaker.Capacity        `json:"capacity"`
	Disabled   bool                     `json:"disabled,omitzero"`
	Destroying bool                     `json:"destroying,omitzero"`
	Keys       []string                 `json:"keys,omitzero"`      // of the operations done, oldest first, at most MaxKeys
	LastSuffix int                      `json:"lastSuffix"`         // of the instance made last
	Instances  []Instance               `json:"instances,omitzero"` // in the order of their making
}

// Artifact is where the files of a server group were unpacked.
type Artifact struct {
	Dir        string `json:"dir"`
	Digest     string `json:"digest"`
	Executable string `json:"executable,omitzero"` // absolute; the only one, if there is only one
}

// Instance is the record of an instance. That it is there means that a process
// of its may be running; PID 0 that none was recorded for this attempt.
type Instance struct {
	Suffix       int           `json:"suffix"`
	Leaving      bool          `json:"leaving,omitzero"` // drains, stops, and is forgotten
	Replace      bool          `json:"replace,omitzero"` // leaving, and another takes its place afterwards
	OutOfService bool          `json:"outOfService,omitzero"`
	Attempt      int           `json:"attempt"` // of starting it, from 1
	Boot         string        `json:"boot,omitzero"`
	PID          int           `json:"pid,omitzero"`
	StartTicks   uint64        `json:"startTicks,omitzero"` // with Boot and PID names the process for ever
	Port         int           `json:"port,omitzero"`
	Launched     gennaker.Time `json:"launched,omitzero"`
	Restarts     int           `json:"restarts,omitzero"`
	Healthy      bool          `json:"healthy,omitzero"` // when last looked at
}

// InstanceName returns the name of the instance of g with a suffix.
func (g *Group) InstanceName(suffix int) string { return fmt.Sprintf("%s-%04d", g.Name, suffix) }

// Find returns the instance with a suffix, or nil.
func (g *Group) Find(suffix int) *Instance {
	i := slices.IndexFunc(g.Instances, func(i Instance) bool { return i.Suffix == suffix })
	if i < 0 {
		return nil
	}
	return &g.Instances[i]
}

// Clone returns a copy of g that can be changed without changing g. Spec and
// Artifact are shared: they never change.
func (g *Group) Clone() Group {
	c := *g
	c.Keys = slices.Clone(g.Keys)
	c.Instances = slices.Clone(g.Instances)
	return c
}

// Done reports whether the operation with key was done.
func (g *Group) Done(key string) bool { return key != "" && slices.Contains(g.Keys, key) }

// Remember notes that the operation with key was done.
func (g *Group) Remember(key string) {
	if key == "" {
		return
	}
	g.Keys = append(g.Keys, key)
	if n := len(g.Keys) - MaxKeys; n > 0 {
		g.Keys = slices.Delete(g.Keys, 0, n)
	}
}

// Resize sets the capacity and makes the instances fit.
//
// Errors: Invalid for a capacity that cannot be.
func (g *Group) Resize(to gennaker.Capacity) error {
	if err := to.Check(); err != nil {
		return err
	}
	g.Capacity = to
	g.Fit()
	return nil
}

// Enable puts every instance in service.
func (g *Group) Enable() {
	g.Disabled = false
	for i := range g.Instances {
		g.Instances[i].OutOfService = false
	}
}

// Disable takes ceil(percent/100 × instances) out of service, counting those
// that are already, and at 100 the instances to come too. The oldest go first.
//
// Errors: Invalid for a percentage that is not in 0..100.
func (g *Group) Disable(percent int) error {
	if percent < 0 || percent > 100 {
		return gennaker.Errorf(gennaker.Invalid, "%d percent cannot be disabled", percent).
			WithHint("give a percentage from 0 to 100")
	}
	staying, out := 0, 0
	for _, i := range g.Instances {
		if !i.Leaving {
			staying++
			if i.OutOfService {
				out++
			}
		}
	}
	want := (staying*percent + 99) / 100
	for i := range g.Instances {
		if in := &g.Instances[i]; out < want && !in.Leaving && !in.OutOfService {
			in.OutOfService = true
			out++
		}
	}
	if percent == 100 {
		g.Disabled = true
		for i := range g.Instances {
			g.Instances[i].OutOfService = true
		}
	}
	return nil
}

// Destroy disables g and lets all its instances leave.
func (g *Group) Destroy() {
	g.Destroying = true
	g.Disabled = true
	g.Fit()
}

// Terminate lets the instances with these names leave; each is replaced when it
// is gone. Other names are ignored.
func (g *Group) Terminate(names []string) {
	for i := range g.Instances {
		in := &g.Instances[i]
		if !in.Leaving && slices.Contains(names, g.InstanceName(in.Suffix)) {
			in.Leaving, in.Replace = true, true
		}
	}
}

// Forget removes an instance that is gone, and replaces it if it must be.
func (g *Group) Forget(suffix int) {
	g.Instances = slices.DeleteFunc(g.Instances, func(i Instance) bool { return i.Suffix == suffix })
	g.Fit()
}

// Fit adds instances, or lets some leave, until as many stay as are desired.
// Those that are not healthy leave first, then those out of service, then the
// youngest.
func (g *Group) Fit() {
	desired := g.Capacity.Desired
	if g.Destroying {
		desired = 0
	}
	count := 0
	for _, i := range g.Instances {
		if !i.Leaving || i.Replace {
			count++
		}
	}
	for ; count < desired; count++ {
		g.LastSuffix++
		g.Instances = append(g.Instances, Instance{Suffix: g.LastSuffix, OutOfService: g.Disabled, Attempt: 1})
	}
	for ; count > desired; count-- {
		i := g.leastUseful()
		i.Leaving, i.Replace = true, false
	}
}

// leastUseful returns the counted instance that goes first.
func (g *Group) leastUseful() *Instance {
	rank := func(i *Instance) int {
		switch {
		case i.Leaving:
			return 0
		case !i.Healthy:
			return 1
		case i.OutOfService:
			return 2
		}
		return 3
	}
	var least *Instance
	for n := range g.Instances {
		i := &g.Instances[n]
		if i.Leaving && !i.Replace {
			continue
		}
		if least == nil || rank(i) <= rank(least) {
			least = i
		}
	}
	return least
}

// DrainTime is how long requests in flight may take.
func (g *Group) DrainTime() time.Duration { return seconds(g.Spec.DrainSeconds, 30) }

// StopTime is how long an instance may take to stop before it is killed.
func (g *Group) StopTime() time.Duration { return seconds(g.Spec.StopSeconds, 10) }

func seconds(n, unset int) time.Duration {
	if n <= 0 {
		n = unset
	}
	return time.Duration(n) * time.Second
}

// Weight is the share of traffic of each instance of g.
func (g *Group) Weight() int {
	if g.Spec.Weight <= 0 {
		return 100
	}
	return g.Spec.Weight
}

// check reports what a record read from a file must satisfy for the rest of
// the node to rely on it.
func (g *Group) check() error {
	m := gennaker.ParseServerGroupName(g.Name)
	switch {
	case m.Sequence == nil || m.Cluster != g.Cluster || g.Serial < 0 || gennaker.ServerGroupName(g.Cluster, g.Serial) != g.Name:
		return fmt.Errorf("name %q does not fit cluster %q and serial %d", g.Name, g.Cluster, g.Serial)
	case strings.ContainsAny(g.Name, "/\x00"):
		return fmt.Errorf("name %q is not allowed", g.Name)
	case len(g.Keys) > MaxKeys:
		return fmt.Errorf("%d keys", len(g.Keys))
	}
	if err := g.Capacity.Check(); err != nil {
		return err
	}
	last := 0
	for _, i := range g.Instances {
		if i.Suffix <= last || i.Suffix > g.LastSuffix || i.Attempt < 1 || i.PID < 0 || i.Port < 0 || i.Port > 65535 {
			return fmt.Errorf("instance %d is not possible", i.Suffix)
		}
		last = i.Suffix
	}
	return nil
}

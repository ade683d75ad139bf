package strategy

import "github.com/gennaker/gennaker"

// Move is one thing that a strategy does after, or instead of, another. It is
// one of the types of this file.
type Move interface{ move() }

// Wait does nothing for a while.
type Wait struct {
	Name    string
	Seconds int
}

// DetermineTarget makes sure that the server group which was created is there.
type DetermineTarget struct{ Target gennaker.ServerGroupRef }

// Pin sets the min of a server group to its desired, so that nothing shrinks it
// while another one is compared with it.
type Pin struct{ Group gennaker.ServerGroupRef }

// Unpin sets the min of a server group back. Failed is set if that is part of
// the way back from a failure.
type Unpin struct {
	Group  gennaker.ServerGroupRef
	Min    int
	Failed bool
}

// Grow resizes a server group to Percent of the desired size of Source, or of
// To if there is no source. Below 100 percent its capacity is pinned; at 100
// percent its min becomes Min, or To.Min without a source.
type Grow struct {
	Group             gennaker.ServerGroupRef
	Percent           int
	Source            *gennaker.ServerGroupRef
	Min               int
	To                gennaker.Capacity
	HealthyPercentage *int
}

// Capacity returns what the server group is resized to; source is the live
// capacity of Source.
func (g Grow) Capacity(source gennaker.Capacity) (gennaker.Capacity, error) {
	r := g.Resize()
	return r.Apply(r.Base(gennaker.Capacity{}, source))
}

// Resize returns g as a resize operation.
func (g Grow) Resize() Resize {
	r := Resize{
		Action: ScaleExact, Percent: new(g.Percent),
		Pin: g.Percent < 100, PinMin: g.Percent < 100, UnpinMin: g.Percent >= 100,
		OriginalMin: new(g.To.Min), Capacity: ExactCapacity(g.To),
	}
	if g.Source != nil {
		r.Action, r.OriginalMin, r.Capacity = ScaleToServerGroup, new(g.Min), PartialCapacity{}
	}
	return r
}

// Validate runs a pipeline that may stop the deployment.
type Validate struct {
	Pipeline Pipeline
	Percent  int
	Deployed gennaker.ServerGroupRef
	Source   *gennaker.ServerGroupRef
}

// DisableServerGroup takes Percent of the instances of a server group out of
// service, provided that [KeepServing] allows it.
type DisableServerGroup struct {
	Group   gennaker.ServerGroupRef
	Percent int
}

// EnableServerGroup puts a server group into service and waits until
// HealthyPercentage of it is healthy.
type EnableServerGroup struct {
	Group             gennaker.ServerGroupRef
	HealthyPercentage int
}

// ResizeServerGroup sets a server group's capacity.
type ResizeServerGroup struct {
	Group             gennaker.ServerGroupRef
	To                gennaker.Capacity
	HealthyPercentage int
}

// DestroyServerGroup disables a server group and destroys it; with KeepServing
// only if [KeepServing] allows it.
type DestroyServerGroup struct {
	Group       gennaker.ServerGroupRef
	KeepServing bool
}

// RollbackCluster takes the cluster of server group From back to server group
// To, or if To is empty to the newest one before.
type RollbackCluster struct {
	From                              gennaker.ServerGroupRef
	To                                string
	OnlyEnabled                       bool
	DisableOnly, EnableAndDisableOnly bool
}

func (Wait) move()               {}
func (DetermineTarget) move()    {}
func (Pin) move()                {}
func (Unpin) move()              {}
func (Grow) move()               {}
func (Validate) move()           {}
func (DisableServerGroup) move() {}
func (EnableServerGroup) move()  {}
func (ResizeServerGroup) move()  {}
func (DestroyServerGroup) move() {}
func (RollbackCluster) move()    {}
func (ShrinkCluster) move()      {}
func (DisableCluster) move()     {}
func (ScaleDownCluster) move()   {}

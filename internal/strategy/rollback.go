package strategy

import (
	"slices"

	"github.com/gennaker/gennaker"
)

// Candidate is a rollback: from one server group to another, of which Healthy
// percent must be healthy.
type Candidate struct {
	From, Restore gennaker.ServerGroup
	Healthy       int
}

// Search is what to look for in a cluster to roll back.
//
// Units: Healthy in percent; nil is 100, but 90 from 10 and 95 from 20
// instances on.
type Search struct {
	From        string // server group to roll back from; empty is the newest that is enabled
	Original    string // server group to restore, if it is there
	OnlyEnabled bool   // restore none that is disabled, unless it is the original
	Healthy     *int
}

// Find returns what to roll back in a cluster, all server groups of which in one
// location are given; nil if there is nothing: fewer than two server groups, or
// none that is enabled to roll back from, or no other to restore. Without an
// original the next older one is restored, or if there is none the newest other:
// what is newer than the version in service was rolled back before, or failed.
//
// Source: Spinnaker's DetermineRollbackCandidatesTask.
func (s Search) Find(groups []gennaker.ServerGroup) *Candidate {
	all := NewCluster(groups, nil).All
	slices.SortFunc(all, Newer)
	i := slices.IndexFunc(all, func(g gennaker.ServerGroup) bool {
		return !g.Disabled && (s.From == "" || g.Name == s.From)
	})
	if i < 0 || all[i].Name == s.Original {
		return nil // nothing serves, or what is to be restored does
	}
	c := Candidate{From: all[i], Healthy: healthyPercentage(all[i].Capacity.Desired)}
	if s.Healthy != nil {
		c.Healthy = *s.Healthy
	}
	fits := func(g gennaker.ServerGroup) bool { return !s.OnlyEnabled || !g.Disabled }
	others := slices.Concat(all[i+1:], all[:i]) // the older ones first
	j := slices.IndexFunc(others, func(g gennaker.ServerGroup) bool { return g.Name == s.Original })
	if j < 0 {
		j = slices.IndexFunc(others, fits)
	}
	if j < 0 {
		return nil
	}
	c.Restore = others[j]
	return &c
}

func healthyPercentage(desired int) int {
	switch {
	case desired < 10:
		return 100
	case desired < 20:
		return 90
	}
	return 95
}

// RollbackOptions are the ways of a rollback.
//
// Units: DelayBeforeDisable in seconds.
type RollbackOptions struct {
	DisableOnly          bool
	EnableAndDisableOnly bool
	DelayBeforeDisable   int
}

// Plan returns the moves of the rollback, in order: the restored server group
// is in service, and as large as the other one, before that is disabled.
//
// Source: Spinnaker's ExplicitRollback.
func (c Candidate) Plan(o RollbackOptions) []Move {
	disable := DisableServerGroup{Group: c.From.Ref(), Percent: 100}
	if o.DisableOnly {
		return []Move{disable}
	}
	moves := []Move{EnableServerGroup{Group: c.Restore.Ref(), HealthyPercentage: c.Healthy}}
	if o.EnableAndDisableOnly {
		return append(moves, disable)
	}
	to := gennaker.Capacity{
		Max:     max(c.From.Capacity.Max, c.Restore.Capacity.Max),
		Desired: max(c.From.Capacity.Desired, c.Restore.Capacity.Desired),
	}
	to.Min = to.Desired
	resized := to != c.Restore.Capacity
	if resized {
		moves = append(moves, ResizeServerGroup{Group: c.Restore.Ref(), To: to, HealthyPercentage: c.Healthy})
	}
	moves = wait(moves, "Wait Before Disable", o.DelayBeforeDisable)
	moves = append(moves, disable)
	if resized && c.From.Capacity.Min < to.Min {
		moves = append(moves, Unpin{Group: c.Restore.Ref(), Min: c.From.Capacity.Min})
	}
	return moves
}

// Package simulate runs pipelines without doing anything: on the engine that
// runs them in earnest, in told time, against server groups that only exist in
// memory.
//
//	s, err := simulate.New(simulate.World{Registry: types, Pipelines: all, Now: now})
//	id, err := s.Start(ctx, p, trigger)
//	s.Run(30 * 24 * time.Hour) // until nothing more happens
//	x, err := s.Execution(ctx, id)
//	s.Moves() // what was done to server groups
//
// Stages that only steer, and those about server groups, are the real ones.
// Others, which would ask a machine outside, are assumed to succeed. Of any
// stage a script may say instead how it ends.
package simulate

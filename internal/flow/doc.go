// Package flow decides what happens next in an execution. It is a pure machine
// over the skeleton of an execution: stages, references, statuses, tasks,
// policies and deadlines, never contexts or outputs. It does no I/O, starts no
// goroutine and reads no clock: time comes with each event.
//
// A runtime keeps this loop:
//
//	effects := state.Apply(event)
//	store(effects)            // what changed, before anything is done about it
//	do(effects.Commands)      // plan a stage, run a task, …: each ends in another event
//
// The state of an execution is what must happen next: Outstanding returns every
// command that has no answer yet, so that after a crash nothing is lost and
// nothing needs to be remembered but the state.
//
// Source: Spinnaker orca-queue's message handlers; the sections of its rules
// are named at each function. Where Orca would leave a running child behind a
// finished parent, flow waits for it.
package flow

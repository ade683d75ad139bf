// Package node runs server groups as processes of this machine, behind load
// balancers of its own, and jobs, which are processes that end.
//
// A node owns a directory. What must run is written there before it is done,
// so that a node that was killed goes on where it was: its instances run
// without it, and the next node adopts them. Never do two processes run for one
// instance, and none is forgotten.
//
// Others talk to it by HTTP over a unix socket that only the same user may use;
// package provider/local is the client.
//
//	err := node.Run(ctx, node.Config{Dir: dir, Log: log})
//
// How it is built: a server group has a record (package state), which changes
// under its change lock and is durable before it counts, and for each instance
// of the record one goroutine, which starts or adopts the process, asks for its
// health, starts it again, and drains and stops it when the record says so.
//
// A job has a record too, a directory, and a goroutine that sees it through. It
// is run by a process of its own (package shim), which claims it, so that it
// never runs twice, and records how it ended, so that this is known though the
// node was away.
package node

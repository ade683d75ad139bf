// Package local is the provider of this machine: server groups that are
// processes of a node.
//
// It is a client of the node in a data directory and keeps no state, so that it
// does not matter when either is restarted. While the node is away, calls
// return Unavailable.
//
//	c := local.New(dir, "local")
//	if err := c.Wait(ctx); err != nil { ... }
//	fleet.Put(c.Provider())
package local

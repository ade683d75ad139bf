// Package deploy is the stages that create, resize, enable, disable, destroy
// and roll back server groups and clusters, and that make load balancers.
//
//	var r stage.Registry
//	deploy.Register(&r, fleet, deploy.Config{})
//
// What to do is decided by package strategy; the stages here read the inventory
// of the account, live, carry the decisions out with idempotent operations, and
// wait for what they caused. They wait for changes of the fleet, never by
// polling. A wait that fails, times out or is canceled says which instances are
// not as they should be, and why; meanwhile the same stands in the context as
// lastCapacityCheck.reason.
//
// Task names are Spinnaker's. Tasks that exist there only because of its cache
// or of its asynchronous operations are left out: forceCacheRefresh, and
// monitorServerGroup and its like; also tagServerGroup, and the repetitions of
// a capacity of zero. A server group that is not in the inventory is not there,
// so that no time is spent on hoping for it.
//
// # When a deployment fails
//
// The new version is out of service before the stage ends, and the old one is
// as it was: see [strategy.OnFailure] for which moves are made. They are made
// too where continuePipeline ignores the failure, in the place of the moves
// that would have taken the old version out of service. If the user cancels
// while the new version starts, it is taken out of service as well; a cancel
// later leaves both versions as they are, since both are healthy. A user who
// sets rollback.onFailure to false wants the failed version left alone, and a
// strategy of none says nothing about the old one, so there nothing is done.
//
// No move of a strategy and no cluster operation that is to leave something
// takes the last healthy instance of a cluster out of service: it waits while
// another one starts, and otherwise fails.
//
// With failFast, which is on unless a stage sets it to false, a wait for a new
// server group fails as soon as every one of its instances has ended five
// times, instead of after two hours.
//
// A rollback that fails takes what it put into service out again, if the other
// version still serves.
//
// A disable is observed here (requests in flight are done), so there is no
// least time of 90 seconds for disableCluster unless Config says so.
//
// # Not supported
//
// Rollbacks to a previous image, and the strategies that [strategy.Parse]
// refuses.
package deploy

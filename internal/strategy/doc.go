// Package strategy decides: which moves a deployment strategy consists of, which
// server groups a cluster operation is for, to what size a server group is
// resized, and whether it is healthy. It is pure: no I/O, no clock, no chance.
// Who carries the moves out reads the inventory, asks here, and acts:
//
//	for _, m := range strategy.After(fields, source, created) {
//		// make a stage of m
//	}
//	victims := strategy.DisableCluster{Remaining: 1}.Victims(strategy.NewCluster(groups, deployed))
//	err := strategy.KeepServing(groups, strategy.WholeGroups(victims))
//
// The decisions are Spinnaker's, with these differences, each of them because a
// failure must not cost the service that was there before:
//
//   - A move that takes server groups out of service is refused by [KeepServing]
//     if it would take the last healthy instance that gets requests, unless a
//     user asked for exactly that server group.
//   - A deployment that fails takes its new version out of service also if
//     rollback.onFailure is not set; it is left there only if that is false, or
//     if the strategy is none, or if nothing was there before. See [OnFailure].
//   - Strategies that are known but not supported (custom, monitored,
//     rollingpush, cfrollingredblack) are refused, not taken for none.
//   - rollingredblack grows to the configured size, not to that of the source, if
//     the source has no instances: it would end with none.
//   - A server group that is being destroyed is not counted any more.
//
// Source: Spinnaker orca-clouddriver, as its documentation and behaviour show.
package strategy

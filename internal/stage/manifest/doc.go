// Package manifest is the stages that make, change and remove the objects of
// clusters that manifests describe, and that move traffic between versions of
// them.
//
//	var r stage.Registry
//	manifest.Register(&r, fleet, manifest.Config{Artifact: bind.Artifact, Artifacts: bind.Artifacts})
//
// What an object is, and when it is stable, the provider of its account knows.
// Which moves a strategy is made of is decided by package strategy. The stages
// here ask, act under the key of their step, and wait for changes of the fleet;
// every half minute they look without having been told.
//
// Task names are Spinnaker's. Those that exist only because its operations are
// asynchronous are left out (monitorDeploy and its like, promoteOutputs), but
// for monitorEnable, monitorDisable and monitorDelete, which wait here for what
// they say: endpoints, no requests, and gone.
//
// # Secrets
//
// What a stage takes its manifests from (manifests, manifest, patchBody) is
// evaluated in the task that needs it and never stored evaluated. What is stored
// of objects is as the provider gives it, with the data of Secrets masked. If a
// Secret's data stand in the stage itself, they are masked there too as soon as
// it is deployed; to restart such a stage the pipeline is started anew.
//
// # Traffic
//
// With trafficManagement a deployment first waits until no other stage deploys
// the same cluster of workloads ([strategy.Traffic], concurrent). It remembers
// which versions serve. A new version is waited for as any object is. Then come
// the moves of the strategy as stages behind its tasks: an old version loses its
// traffic only when the new one is behind the same Services, and its pods only
// when no request can reach them any more.
//
// When a deployment fails or is canceled before its new version is stable, and
// when a move fails, what served before serves again, and the new version
// leaves traffic before the stage ends: see [strategy.Traffic.OnFailure]. That
// is done also where continuePipeline ignores the failure.
//
// Source: Spinnaker orca-clouddriver, package kato.pipeline and tasks.manifest;
// stage types, section 4; strategies, part B.
package manifest

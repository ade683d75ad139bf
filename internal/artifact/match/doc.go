// Package match finds the artifacts that pipelines and stages expect: which
// artifact fits an expected one, where each is looked for, and what an execution
// or a stage has to look in. It is pure.
//
// Where it differs from Spinnaker: a field that is empty is one that is not
// there, also in the artifact that is looked at; a pattern is matched in bounded
// time, and one of more than 1,000 bytes fits only what equals it; an artifact
// that stands twice in an earlier execution is one; errors name the artifact in
// a few words and, as a hint, the nearest one that does not fit.
//
// Source: Spinnaker kork-artifacts ExpectedArtifact; orca ArtifactResolver,
// ArtifactUtils and DependentPipelineStarter.
package match

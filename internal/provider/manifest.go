package provider

import (
	"context"
	"time"

	"github.com/gennaker/gennaker"
)

// Manifests reads and changes the objects of a cluster. What changes something
// has a key, as [Operations] do: called again with the same key after it was
// done, it changes nothing and answers the same. It returns when the cluster
// has accepted the change; how far that got shows in Manifest, and Inventory's
// Watch tells of changes, with the application that the object belongs to.
type Manifests interface {
	// Deploy makes objects what their manifests say, in the order of their
	// kinds, those of one kind's priority at the same time. Nothing is changed
	// before all of them have been checked as far as that is possible.
	// Errors: Invalid, naming the manifest by its place and field; Conflict if
	// another field manager owns a field; Denied by access rules or admission.
	// When it fails half way Deployed holds what was done.
	Deploy(ctx context.Context, key string, d ManifestDeploy) (Deployed, error)
	// Manifest returns an object as it is now. Errors: NotFound; Invalid for a
	// kind that the cluster does not have.
	Manifest(ctx context.Context, ref gennaker.ManifestRef) (gennaker.ManifestView, error)
	// FindManifests returns the objects that q names, oldest first.
	FindManifests(ctx context.Context, q ManifestQuery) ([]gennaker.Manifest, error)
	// PatchManifest changes a part of an object, and returns it.
	// Errors: NotFound, Invalid, Conflict.
	PatchManifest(ctx context.Context, key string, ref gennaker.ManifestRef, p ManifestPatch) (gennaker.Manifest, error)
	// DeleteManifest begins to delete an object. One that does not exist is
	// deleted.
	DeleteManifest(ctx context.Context, key string, ref gennaker.ManifestRef, how ManifestDelete) error
	// Rollout changes how a workload runs. Errors: NotFound; Invalid for a kind
	// that cannot do it, or a revision that is not there.
	Rollout(ctx context.Context, key string, ref gennaker.ManifestRef, change Rollout) error
	// Attach puts the pods of a workload behind Services ("service web"), or
	// takes them away: those given, or else those of its annotation. Taken away,
	// ManifestView.Serving says when no request can reach them any more.
	// Errors: NotFound; Invalid if a Service selects by nothing, or by labels
	// that the workload itself selects by.
	Attach(ctx context.Context, key string, ref gennaker.ManifestRef, services []string, on bool) error
	// Output returns the last limit bytes that a container of a Job's (or other
	// workload's) newest pod wrote; "" is the only or first container.
	// Errors: NotFound; Unavailable while it has not begun.
	Output(ctx context.Context, ref gennaker.ManifestRef, container string, limit int64) (string, error)
}

// ManifestDeploy is what to deploy.
//
// Source: deployManifest, stage types section 4; strategies, part B.
type ManifestDeploy struct {
	Application string              // of the moniker
	Manifests   []gennaker.Manifest // in the author's order
	Namespace   string              // of all of them that can have one; "" leaves theirs, or "default"
	Required    []gennaker.Artifact // must be bound by some manifest
	Optional    []gennaker.Artifact // bound where they fit
	Unbound     bool                // bind no artifacts (enableArtifactBinding false)
	Versioned   *bool               // overrides the kind's default; a manifest's annotation overrides this
	Services    []string            // "service web": behind which the ReplicaSets come
	Dark        bool                // they come without traffic
	SkipLabels  bool                // leave the labels of pod templates alone (skipSpecTemplateLabels)
	Selectors   []LabelSelector     // deploy only the objects that all of them select
	Recreate    bool                // delete what is there first, as for the Job of runJobManifest
}

// Deployed is what a deployment made.
type Deployed struct {
	Manifests []gennaker.Manifest // as the cluster accepted them, in order of deployment; data of Secrets masked
	Bound     []gennaker.Artifact
	Created   []gennaker.Artifact    // one per object: type kubernetes/<kind>
	Obsolete  []gennaker.ManifestRef // versions older than strategy.spinnaker.io/max-version-history keeps
	Warnings  []string
}

// LabelSelector chooses by a label. Kind is EQUALS, NOT_EQUALS, CONTAINS,
// NOT_CONTAINS, EXISTS or NOT_EXISTS.
type LabelSelector struct {
	Key    string   `json:"key"`             // of the label
	Kind   string   `json:"kind"`            // how its value is compared
	Values []string `json:"values,omitzero"` // with what; EQUALS and NOT_EQUALS look at the first
}

// ManifestQuery chooses objects of one location: of Kinds, and where given of a
// cluster of server groups ("replicaSet web") of an application, and by labels.
type ManifestQuery struct {
	Location    string
	Kinds       []string
	Application string
	Cluster     string
	Selectors   []LabelSelector
}

// ManifestPatch is a change of an object.
type ManifestPatch struct {
	Strategy string // strategic, merge, json
	Body     []byte // JSON: one object, or of json a list of operations

	// As of ManifestDeploy; nothing is bound in the operations of json.
	Required []gennaker.Artifact
	Optional []gennaker.Artifact
}

// ManifestDelete is how to delete.
type ManifestDelete struct {
	Orphan bool // leave what the object owns
	Grace  *int64
}

// Rollout is a change of how a workload runs; exactly one field is set.
type Rollout struct {
	Scale   *int // replicas
	Undo    int  // revisions back
	To      int  // revision
	Restart bool
	Pause   bool
	Resume  bool
}

// Routes moves shares of traffic between workloads, by the weights of a
// route's rules (Gateway API HTTPRoute).
type Routes interface {
	// Shift sets which shares of a route's requests workloads get; workloads
	// that are not named get none. It makes what it needs (a Service for each
	// workload, which goes with it), and moves nothing before the workloads that
	// get a share have endpoints. Errors: NotFound; Invalid if the route sends
	// requests to something else too, or a workload that gets a share is not
	// ready; Conflict if another key holds the route.
	Shift(ctx context.Context, key string, route gennaker.ManifestRef, base string, shares []Share) error
	// Route returns the shares as they are, and whether every gateway follows.
	Route(ctx context.Context, route gennaker.ManifestRef) (RouteState, error)
}

// Share is the weight of a workload in a route.
type Share struct {
	Workload string `json:"workload"` // "replicaSet web-v003"
	Weight   int    `json:"weight"`
}

// RouteState is where a route sends its requests.
type RouteState struct {
	Shares     []Share
	Programmed bool          // every parent gateway has accepted this generation
	Since      time.Time     // when the shares were set
	Settle     time.Duration // how long gateways may need after Since to follow
	Reason     string        // why it is not programmed
}

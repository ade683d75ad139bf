// Package manifest holds what Spinnaker knows of Kubernetes objects: how they
// are read, named, numbered, labelled, ordered, bound to artifacts, selected,
// put behind Services, and when they are stable. It is pure: it asks no cluster
// and no clock.
//
// Objects are [gennaker.Manifest] values: what Parse, Normalize or a cluster
// returns, with numbers as int64 or float64. Functions that change an object
// return a changed copy; what they are given stays as it is. All are safe for
// concurrent use.
//
// Source: Spinnaker clouddriver-kubernetes, but for what a function's comment
// says of itself. Where it differs:
//   - Custom resources are stable when kstatus says so, not at once; Gateways and
//     HTTPRoutes when their controllers have accepted them.
//   - The version of an object is read from its name too, so that a wrong
//     annotation cannot make two versions one.
//   - The version in use is never obsolete, however old it is.
//   - An image's name ends before the tag even where the registry has a port and
//     the image no tag.
//   - Config maps and secrets are bound in plain Pods as well.
package manifest

// Package artifact fetches what a server group runs into a store on this
// machine, under its digest.
//
// The one idea: what was checked is what runs. The digest is computed from the
// bytes that are copied, while they are copied, and the copy gets its name in the
// store only when it is complete, verified and on disk. Later calls find it by
// that name.
//
//	u, err := artifact.Unpack(ctx, spec.Artifact, filepath.Join(data, "artifacts"))
//	cmd := exec.Command(filepath.Join(u.Dir, u.Executable))
//
// An artifact is a directory, a .tar.gz or an executable file. Archives are not
// trusted: their size, number of files, path lengths and expansion are bounded;
// absolute paths, "..", links that lead out, devices and fifos are refused; no
// file is setuid. What is in the store is read-only.
//
// All functions may be called concurrently, by several processes too; but Prune
// must not run while an artifact that it does not keep is being unpacked or used.
package artifact

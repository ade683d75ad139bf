// Package cache keeps bytes on disk by their digest, and remembers under which
// key each was last seen.
//
// Layout: blobs/<sha-256 in hex> holds the bytes, keys/<sha-256 of the key> a
// JSON record that names a blob. Both are written beside their place and
// renamed, and nothing is trusted on reading: a blob whose digest is not its
// name is removed and missing. So nothing needs fsync, and whatever a crash
// leaves behind costs a download and no more.
package cache

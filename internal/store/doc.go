// Package store keeps executions, applications, pipelines and the audit trail
// in one SQLite file.
//
// State is data: an execution is a row for what never changes, a row for each
// stage's skeleton and one for its open JSON, so that a step of a large
// execution rewrites little, and a new release reads what an old one wrote.
//
//	db, err := store.Open(ctx, filepath.Join(dir, "gennaker.db"), log)
//	…
//	defer db.Close()
//
// One process at a time has the file. All writes go through one connection in
// immediate transactions, durable (WAL, synchronous=FULL) before a method
// returns; reads are snapshots on connections of their own and wait for no
// write. A *DB is safe for concurrent use.
//
// Errors for users are *gennaker.Error: Unavailable when the disk is full, the
// file is locked or damaged, with what to do about it.
package store

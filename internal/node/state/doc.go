// Package state is what a node remembers: its server groups, load balancers, jobs
// and the numbers it gave away, each in one JSON file.
//
// The types are plain values; the methods of [Group] decide what an operation
// makes of it and touch nothing else. A [Store] writes a value so that after a
// crash at any moment either the old or the new one is there. A file that
// cannot be read is moved aside, never guessed at and never deleted.
package state

// Command bench measures the figures that Gennaker promises, each beside its
// reference in the same run, and prints them as one table:
//
//	go run ./internal/bench [-quick] [-runs N] [-only name,…]
//
// What each figure is, how it is measured and what it was when it was last
// written down stand in docs/reference/benchmarks.md.
package main

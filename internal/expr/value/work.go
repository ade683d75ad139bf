// Package value is what expressions compute with: the types of values, Java's
// methods and constants of them, operators and conversions, within limits. It
// is pure.
//
// Values are nil, bool, int64, float64, string, []any and map[string]any, and a
// few that are not JSON and exist only while an expression is evaluated. There
// is no reflection: an expression can call nothing but what the tables in this
// package name.
package value

import (
	"fmt"
	"time"

	"github.com/gennaker/gennaker/internal/expr/java"
	"github.com/gennaker/gennaker/internal/expr/regex"
)

// Limits bound what one call of Evaluate may use, over all its expressions.
type Limits struct {
	Steps int // nodes evaluated and elements visited; zero is 1,000,000
	Bytes int // of all values made on the way; zero is 32 MiB
	Depth int // of values within values; zero is 100
}

// Work is one evaluation: what is left of its limits, the present, and chance.
// It is for one goroutine.
type Work struct {
	now       time.Time
	steps     int
	bytes     int
	maxDepth  int
	random    *java.Random
	overspent error
	patterns  map[string]*regex.Regexp // those that were read
}

// NewWork returns the work within limits. The location of now is the time zone
// of dates; seed is where random numbers and UUIDs start.
func NewWork(limits Limits, now time.Time, seed uint64) *Work {
	w := &Work{now: now, steps: limits.Steps, bytes: limits.Bytes, maxDepth: limits.Depth, random: java.NewRandom(seed)}
	if w.steps == 0 {
		w.steps = 1_000_000
	}
	if w.bytes == 0 {
		w.bytes = 32 << 20
	}
	if w.maxDepth == 0 {
		w.maxDepth = 100
	}
	return w
}

// MaxDepth is how deep values may nest.
func (r *Work) MaxDepth() int { return r.maxDepth }

// Spend counts bytes that were made, and the time that they took.
func (r *Work) Spend(bytes int) error {
	r.bytes -= bytes
	if r.bytes < 0 {
		r.overspent = Refuse("evaluate less in one place", "the expressions make more data than is allowed")
	}
	return r.overspent
}

// Step counts n steps.
func (r *Work) Step(n int) error {
	r.steps -= n
	if r.steps < 0 {
		r.overspent = Refuse("evaluate less in one place", "the expressions take more steps than are allowed")
	}
	return r.overspent
}

// Descend counts a step into a value that is depth deep.
func (r *Work) Descend(depth int) error {
	if depth > r.maxDepth {
		return fmt.Errorf("the value nests more than %d deep", r.maxDepth)
	}
	return r.Step(1)
}

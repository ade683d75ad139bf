// Package expr is the language of the expressions in pipelines, ${ … }: Spring's
// expression language as Spinnaker's pipelines use it. It is pure.
//
//	out, summary := expr.Evaluate(stage, expr.Env{Root: root, Now: now})
//	for _, f := range summary.Findings {
//		fmt.Println(f) // comments: byte 12: there is no stage named 'Deploy prod'; did you mean …
//	}
//
// Evaluate evaluates what it can and leaves the rest as it is written, with a
// reason and a position for each. Check finds what can never be right without
// evaluating. Values are nil, bool, int64, float64, string, []any and
// map[string]any; there is no reflection over Go values, so an expression can
// call nothing but what the tables in package value name. Time, data and depth
// are bounded, by counting: an evaluation is the same on every machine.
//
// What differs from Spinnaker: whole numbers have 64 bits and do not wrap around,
// maps are ordered by key, lists and maps that an expression makes have methods,
// and sentences in the summary are our own. testdata/vectors/difference.txt has
// them all.
package expr

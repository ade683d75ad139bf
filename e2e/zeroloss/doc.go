// Package zeroloss counts lost requests while versions replace one another on a
// real node: through a Service's selector, and by the weights of a route.
//
//	make e2e-node
//
// The report is docs/reference/zero-loss.md.
package zeroloss

// Package balancer is the reverse proxy of a node: listeners that spread HTTP
// requests over the instances of server groups.
//
// The one idea: which instances there are, and how many requests each of them
// has, live under one lock. A request is sent to an instance only if it was
// counted there while the instance was listed; so after Set returned without an
// instance no new request can reach it, and after Drained returned nothing that
// was sent to it is outstanding.
//
//	b := balancer.New(log)
//	err := b.Listen(ctx, "shop", "127.0.0.1:8080")
//	b.Set(balancer.Table{"shop": {{Name: "shop-v001", Weight: 100, Targets: ts}}})
//	err = b.Drained(ctx, "shop-v001-a") // after a Set without that target
//
// A server group gets its weight's share of the requests (smoothly, not in
// runs); within it the instance with the fewest requests in flight gets the next
// one. HTTP/1.1, HTTP/2 without TLS, gRPC, WebSocket and other upgrades pass
// through; bodies are streamed in both directions.
//
// A request is sent again, to another instance if there is one, when that cannot
// make anything happen twice: if nothing of it was sent, or once if its method is
// idempotent, its body is at hand and no response has begun. Everything else is
// not retried. A forwarding header that a client sent is replaced, not believed.
//
// All methods may be called concurrently.
package balancer

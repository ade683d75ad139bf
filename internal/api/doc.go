// Package api is the server of HTTP: admission, permissions, decoding, answers,
// errors, streams. What it serves are routes, which the packages
// below it make: the paths and shapes of Spinnaker's Gate at the root, as
// spin and Deck use them, and what is ours under /api/v1.
//
//	s := api.New(api.Config{Log: log, Routes: slices.Concat(fleet.Routes(…), …)})
//	go s.Serve(listener)
//	defer s.Shutdown(ctx)
//
// There is one table of routes (see [Server.Routes]). From it come the mux, the
// permission that is checked before a handler runs, the decoder, the bounds of
// the body, the label of the metrics, and OpenAPI. A handler is a function from
// a request to a value or an error; nothing but this package writes to the wire.
//
// It holds no state of its own but open streams.
package api

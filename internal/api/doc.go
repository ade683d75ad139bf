// Package api serves Gennaker over HTTP: the paths and shapes of Spinnaker's
// Gate at the root, as spin and Deck use them, and what is ours under /api/v1.
//
//	s := api.New(api.Config{Log: log, Catalog: store, History: store, Executions: engine, …})
//	go s.Serve(listener)
//	defer s.Shutdown(ctx)
//
// There is one table of routes (see [Server.Routes]). From it come the mux, the
// permission that is checked before a handler runs, the bounds of the body and
// the label of the metrics. A handler is a function from a request to a value
// or an error; nothing but route.go and stream.go writes to the wire.
//
// What the package needs of the engine, the stage registry and the store it
// declares as interfaces. It holds no state of its own but open streams.
package api

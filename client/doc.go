// Package client is the Go client of Gennaker's HTTP API.
//
//	c, err := client.New(client.Config{URL: "http://127.0.0.1:8084"})
//	id, err := c.StartPipeline(ctx, "shop", "Deploy to prod", client.Start{})
//	for e, err := range c.Watch(ctx, id) {
//		fmt.Println(e.Status, err)
//	}
//
// There is one file per noun. What the server refuses comes back as a
// *gennaker.Error with the server's kind, message, hint and problems; a server
// that cannot be reached as one of kind Unavailable that wraps [ErrUnreachable].
//
// A Client is safe for concurrent use. It reads no environment, keeps no state,
// and never repeats a request that may change something.
package client

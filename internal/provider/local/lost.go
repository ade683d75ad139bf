package local

import (
	"context"
	"time"
)

// Lost returns when the node is gone, or ctx ends. It holds a connection that
// says nothing and ends with the node's process, so nothing is polled.
func (c *Client) Lost(ctx context.Context) {
	for ctx.Err() == nil {
		conn, err := c.dial(ctx, "", "")
		if err != nil {
			return
		}
		stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Now()) })
		_, _ = conn.Read(make([]byte, 1))
		stop()
		conn.Close()
		if _, err := c.Ping(ctx); err != nil {
			return
		} // else the node only closed a connection that was idle
	}
}

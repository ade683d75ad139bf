package egress

import (
	"net"
	"time"
)

// Patient returns conn as a connection of the client that waits for at most
// limit.
func Patient(conn net.Conn, limit time.Duration) net.Conn { return patient{Conn: conn, limit: limit} }

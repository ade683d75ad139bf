package node

import (
	"context"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"

	"github.com/gennaker/gennaker"
)

// Ports are taken from below the range that the system uses for outgoing
// connections, which would take one between the choice and its use.
const (
	firstPort = 20_000
	lastPort  = 31_999
)

// ports are those in use by instances.
type ports struct {
	mu   sync.Mutex
	used map[int]bool
}

func newPorts() *ports { return &ports{used: map[int]bool{}} }

// take returns a port on which nobody listens, and keeps it from others until
// it is given back.
//
// Errors: Unavailable.
func (p *ports) take(ctx context.Context) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if !p.used[port] && free(ctx, port) {
			p.used[port] = true
			return port, nil
		}
	}
	return 0, gennaker.Errorf(gennaker.Unavailable, "there is no free port from %d to %d", firstPort, lastPort)
}

// hold keeps the port of an adopted instance.
func (p *ports) hold(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used[port] = true
}

func (p *ports) giveBack(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.used, port)
}

// free reports whether one can listen on a port of all addresses.
func free(ctx context.Context, port int) bool {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	return ln.Close() == nil
}

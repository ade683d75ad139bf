package app

import (
	"context"
	"sync"

	"github.com/gennaker/gennaker"
)

// hub hands events to whoever listens.
type hub struct {
	mu        sync.Mutex
	last      uint64
	listeners map[chan gennaker.Event]bool
}

// listenerBuffer is how far behind a listener may be before it is cut off.
const listenerBuffer = 1024

// publish gives ev its number and hands it out. It does not block: a listener
// that is too slow is cut off, so that it knows that it missed something.
func (h *hub) publish(ev gennaker.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	ev.ID = h.last
	for c := range h.listeners {
		select {
		case c <- ev:
		default:
			delete(h.listeners, c)
			close(c)
		}
	}
}

// Subscribe returns all events from now on, until ctx ends or the channel is
// full; then it is closed.
func (h *hub) Subscribe(ctx context.Context) <-chan gennaker.Event {
	c := make(chan gennaker.Event, listenerBuffer)
	h.mu.Lock()
	if h.listeners == nil {
		h.listeners = map[chan gennaker.Event]bool{}
	}
	h.listeners[c] = true
	h.mu.Unlock()
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.listeners[c] {
			delete(h.listeners, c)
			close(c)
		}
	})
	return c
}

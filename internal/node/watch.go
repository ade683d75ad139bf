package node

import "sync"

// Change says that something about a server group, or with an empty name a load
// balancer or a job, is different. One line of GET /watch is one Change in JSON; the
// first, with nothing in it, says that the watch has begun.
type Change struct {
	Application string `json:"application,omitzero"`
	ServerGroup string `json:"serverGroup,omitzero"`
	Version     uint64 `json:"version,omitzero"` // grows with every change of the node
}

// maxPending bounds what a slow watcher has waiting; beyond, it is told that
// anything may have changed.
const maxPending = 10_000

// hub tells watchers of changes. One who is slow gets the newest of a server
// group, not all.
type hub struct {
	mu       sync.Mutex
	version  uint64
	watchers map[*watcher]bool
}

// watcher is who wants to know.
type watcher struct {
	ready   chan struct{} // has room for one
	pending map[Change]uint64
}

func newHub() *hub { return &hub{watchers: map[*watcher]bool{}} }

func (h *hub) publish(application, serverGroup string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.version++
	for w := range h.watchers {
		application, serverGroup := application, serverGroup
		if len(w.pending) >= maxPending {
			clear(w.pending)
			application, serverGroup = "", ""
		}
		w.pending[Change{Application: application, ServerGroup: serverGroup}] = h.version
		select {
		case w.ready <- struct{}{}:
		default:
		}
	}
}

func (h *hub) subscribe() *watcher {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := &watcher{ready: make(chan struct{}, 1), pending: map[Change]uint64{}}
	h.watchers[w] = true
	return w
}

func (h *hub) unsubscribe(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, w)
}

// take returns what changed since the last call.
func (h *hub) take(w *watcher) []Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Change, 0, len(w.pending))
	for c, v := range w.pending {
		c.Version = v
		all = append(all, c)
	}
	clear(w.pending)
	return all
}

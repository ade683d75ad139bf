package inventory

import (
	"context"
	"sync"

	"github.com/gennaker/gennaker/internal/provider"
)

// maxPending bounds the changes that one listener has yet to hear of; more are
// told as one, that anything may have changed.
const maxPending = 1000

// change is what a listener is told.
type change = provider.Change

// audience is those who listen for changes. Telling them never waits: each has
// its own set of what it has not heard yet.
type audience struct {
	mu        sync.Mutex
	listeners map[*listener]struct{}
}

type listener struct {
	mu      sync.Mutex
	pending map[change]struct{}
	order   []change
	wake    chan struct{}
}

// tell notes changes for every listener.
func (a *audience) tell(changes ...change) {
	if len(changes) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for l := range a.listeners {
		l.note(changes)
	}
}

func (l *listener) note(changes []change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range changes {
		if _, all := l.pending[change{}]; all {
			break
		}
		if _, ok := l.pending[c]; ok {
			continue
		}
		if c == (change{}) || len(l.pending) >= maxPending {
			l.pending, l.order = map[change]struct{}{{}: {}}, []change{{}}
			break
		}
		l.pending[c] = struct{}{}
		l.order = append(l.order, c)
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *listener) take() []change {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.order
	l.pending, l.order = map[change]struct{}{}, nil
	return out
}

// Watch implements [provider.Inventory]. Changes of the same server group that
// come faster than changed returns are told once.
func (i *Inventory) Watch(ctx context.Context, changed func(provider.Change)) {
	l := &listener{pending: map[change]struct{}{}, wake: make(chan struct{}, 1)}
	l.note([]change{{}})
	i.audience.add(l)
	defer i.audience.remove(l)
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		for _, c := range l.take() {
			if ctx.Err() != nil {
				return
			}
			changed(c)
		}
	}
}

func (a *audience) add(l *listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.listeners == nil {
		a.listeners = map[*listener]struct{}{}
	}
	a.listeners[l] = struct{}{}
}

func (a *audience) remove(l *listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.listeners, l)
}

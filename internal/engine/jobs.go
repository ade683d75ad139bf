package engine

import (
	"context"
	"fmt"
	"sync"
)

// jobQueue runs functions on at most max goroutines, first in, first out. It
// never blocks who adds to it, and idle it holds no goroutine.
type jobQueue struct {
	max int

	mu     sync.Mutex
	queue  []func()
	active int
	idle   chan struct{} // closed when active falls to zero; made by wait
}

func (q *jobQueue) add(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = append(q.queue, f)
	if q.active < q.max {
		q.active++
		go q.work()
	}
}

// waiting returns how many functions no goroutine runs yet.
func (q *jobQueue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.queue)
}

func (q *jobQueue) work() {
	for {
		q.mu.Lock()
		if len(q.queue) == 0 {
			q.queue = nil
			if q.active--; q.active == 0 && q.idle != nil {
				close(q.idle)
				q.idle = nil
			}
			q.mu.Unlock()
			return
		}
		f := q.queue[0]
		q.queue[0] = nil
		q.queue = q.queue[1:]
		q.mu.Unlock()
		f()
	}
}

// wait returns when nothing is left to do.
func (q *jobQueue) wait(ctx context.Context) error {
	q.mu.Lock()
	if q.active == 0 {
		q.mu.Unlock()
		return nil
	}
	if q.idle == nil {
		q.idle = make(chan struct{})
	}
	idle := q.idle
	q.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for running tasks: %w", ctx.Err())
	}
}

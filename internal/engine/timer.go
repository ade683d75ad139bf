package engine

import (
	"container/heap"
	"time"
)

// timerQueue holds the executions that have something to do at a known time,
// the first one on top. It belongs to the writer.
type timerQueue struct{ heap timerHeap }

// set makes r due at at; never for the zero time.
func (q *timerQueue) set(r *run, at time.Time) {
	switch {
	case at.IsZero() && r.slot < 0, r.slot >= 0 && at.Equal(r.wake):
		return
	case at.IsZero():
		heap.Remove(&q.heap, r.slot)
	case r.slot < 0:
		r.wake = at
		heap.Push(&q.heap, r)
	default:
		r.wake = at
		heap.Fix(&q.heap, r.slot)
	}
}

// due takes out and returns the executions that are due.
func (q *timerQueue) due(now time.Time) []*run {
	var out []*run
	for len(q.heap) > 0 && !q.heap[0].wake.After(now) {
		r, _ := heap.Pop(&q.heap).(*run)
		out = append(out, r)
	}
	return out
}

// wait returns how long until the next one is due.
func (q *timerQueue) wait(now time.Time) time.Duration {
	if len(q.heap) == 0 {
		return time.Hour
	}
	return max(q.heap[0].wake.Sub(now), 0)
}

// timerHeap implements heap.Interface.
type timerHeap []*run

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].wake.Before(h[j].wake) }

// Swap keeps each run's slot.
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

// Push appends a *run.
func (h *timerHeap) Push(x any) {
	r, _ := x.(*run)
	r.slot = len(*h)
	*h = append(*h, r)
}

// Pop takes the last *run.
func (h *timerHeap) Pop() any {
	old := *h
	r := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	r.slot = -1
	return r
}

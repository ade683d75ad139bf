package engine

import (
	"sync"
)

// signals knows which tasks wait for which topics, and which topics were
// signaled since when, so that no signal is lost that comes while a task runs.
type signals struct {
	mu      sync.Mutex
	seq     uint64
	floor   uint64            // signals before it are not remembered one by one
	last    map[string]uint64 // topic → seq of its last signal
	waiting map[string]map[waiter]bool
}

type waiter struct {
	r *run
	p place
}

// maxSignals bounds how many topics are remembered.
const maxSignals = 10_000

// now returns a mark of this moment.
func (s *signals) now() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq
}

// note remembers a signal, and reports whether anyone waits for it.
func (s *signals) note(topic string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	if s.last == nil || len(s.last) >= maxSignals {
		s.last, s.floor = map[string]uint64{}, s.seq
	}
	s.last[topic] = s.seq
	return len(s.waiting[topic]) > 0
}

// listen registers a task, unless a topic was signaled since the mark: then it
// returns false.
func (s *signals) listen(r *run, p place, topics []string, since uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range topics {
		if s.last[t] > since || since < s.floor {
			return false
		}
	}
	for _, t := range topics {
		if s.waiting == nil {
			s.waiting = map[string]map[waiter]bool{}
		}
		if s.waiting[t] == nil {
			s.waiting[t] = map[waiter]bool{}
		}
		s.waiting[t][waiter{r, p}] = true
	}
	return true
}

func (s *signals) unlisten(r *run, p place, topics []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range topics {
		delete(s.waiting[t], waiter{r, p})
		if len(s.waiting[t]) == 0 {
			delete(s.waiting, t)
		}
	}
}

// waiters returns who waits for topic.
func (s *signals) waiters(topic string) []waiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []waiter
	for w := range s.waiting[topic] {
		out = append(out, w)
	}
	return out
}

// all notes a signal of every topic, and returns those that somebody waits for.
// A task that runs meanwhile, and is going to wait, is not among them: it runs
// once more.
func (s *signals) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	s.floor = s.seq
	var out []string
	for t := range s.waiting {
		out = append(out, t)
	}
	return out
}

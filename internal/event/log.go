// Package event keeps what changed, for as many readers as like to follow it: a
// log in memory, bounded in number and bytes, of which readers hold no copy.
//
//	log := event.NewLog()
//	log.Publish(gennaker.Event{Type: gennaker.ExecutionChanged, …})
//	reader, known := log.Read(place) // or "" to begin now
//	for {
//		entries, more, ok := reader.Next()
//		…
//	}
//
// A reader that is slow holds up nobody, and costs nothing: once what it has not
// read is gone it is told so, and begins anew.
package event

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gennaker/gennaker"
)

// Bounds of a log, unless it says otherwise.
const (
	DefaultEntries = 16_384
	DefaultBytes   = 16 << 20
)

// maxBatch is how many entries Next returns at most.
const maxBatch = 64

// Entry is an event that was published. Its methods are safe for concurrent use.
type Entry struct {
	gennaker.Event

	epoch string
	once  sync.Once
	text  []byte
}

// Place returns where the event is, as Log.Read takes it.
func (e *Entry) Place() string { return place(e.epoch, e.ID) }

func place(epoch string, n uint64) string { return epoch + "-" + strconv.FormatUint(n, 10) }

// JSON returns the event as JSON, which is written once, when it is first asked
// for. It is not to be changed.
func (e *Entry) JSON() []byte {
	e.once.Do(func() {
		var err error
		if e.text, err = json.Marshal(e.Event); err != nil {
			e.text = []byte("{}") // cannot be: it holds texts and numbers
		}
	})
	return e.text
}

// size is about how many bytes of memory the entry takes, with its JSON.
func (e *Entry) size() int {
	const fixed, sample = 500, 150
	texts := len(e.Type) + len(e.Kind) + len(e.Application) + len(e.Account) + len(e.Region) + len(e.Execution) + len(e.Stage) + len(e.Task) + len(e.Status) + len(e.Name)
	for _, s := range e.Traffic {
		texts += sample + len(s.LoadBalancer) + len(s.Account) + len(s.Region) + len(s.ServerGroup)
	}
	return fixed + 2*texts
}

// Log holds the newest events. The zero value is ready. Its methods are safe for
// concurrent use, and do not wait for anything.
type Log struct {
	// Entries and Bytes (of memory, about) bound what is held; 0 is DefaultEntries
	// and DefaultBytes. The newest event is held in any case.
	Entries, Bytes int

	mu      sync.Mutex
	epoch   string        // names the process; "" before the first use
	last    uint64        // number of the newest event; 0 is none
	entries []*Entry      // with the numbers up to last; a part that was handed out never changes
	bytes   int           // of entries
	more    chan struct{} // closed at the next event

	followers atomic.Int64
}

// Follow counts somebody to whom events are passed on, until leave is called,
// once. Who publishes what is worth nothing unread looks at Followers.
func (l *Log) Follow() (leave func()) {
	l.followers.Add(1)
	return func() { l.followers.Add(-1) }
}

// Followers returns how many there are.
func (l *Log) Followers() int { return int(l.followers.Load()) }

// Held returns how many events are held, and in how many bytes of memory, about.
func (l *Log) Held() (events, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries), l.bytes
}

// begin makes the zero value a log. The caller holds mu.
func (l *Log) begin() {
	if l.epoch == "" {
		l.epoch, l.more = strings.ToLower(rand.Text()[:13]), make(chan struct{})
	}
}

// Publish numbers an event, keeps it, and wakes the readers. Events have the
// order of the calls.
func (l *Log) Publish(e gennaker.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begin()
	l.last++
	e.ID = l.last
	entry := &Entry{Event: e, epoch: l.epoch}
	l.entries = append(l.entries, entry)
	l.bytes += entry.size()
	for len(l.entries) > 1 && (len(l.entries) > cmp.Or(l.Entries, DefaultEntries) || l.bytes > cmp.Or(l.Bytes, DefaultBytes)) {
		l.bytes -= l.entries[0].size()
		l.entries = l.entries[1:] // the next append that needs room leaves it behind
	}
	close(l.more)
	l.more = make(chan struct{})
}

// Read returns a reader of what comes behind a place; "" is now. If what comes
// behind it is not all held any more, or the place is one of another process,
// known is false, and the reader begins now.
func (l *Log) Read(behind string) (reader *Reader, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begin()
	at, known := l.last, true
	if behind != "" {
		if n, ok := l.number(behind); ok && n >= l.oldest() {
			at = n
		} else {
			known = false
		}
	}
	return &Reader{log: l, at: at}, known
}

// number returns the number of a place of this log.
func (l *Log) number(at string) (uint64, bool) {
	epoch, text, _ := strings.Cut(at, "-")
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil && epoch == l.epoch && n <= l.last && place(epoch, n) == at
}

// oldest is the number behind which everything is held.
func (l *Log) oldest() uint64 { return l.last - uint64(len(l.entries)) }

// Reader reads a log from a place on. Use it from one goroutine.
type Reader struct {
	log *Log
	at  uint64 // number of the last event that was read
}

// Place returns where the reader is: another one begins there with Log.Read.
func (r *Reader) Place() string {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	return place(r.log.epoch, r.at)
}

// Next returns some of the entries that were not read yet, in order, or else a
// channel that is closed when there are any. ok is false when some of them are
// gone: then the reader has ended.
func (r *Reader) Next() (entries []*Entry, more <-chan struct{}, ok bool) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.at < l.oldest() {
		return nil, nil, false
	}
	if r.at == l.last {
		return nil, l.more, true
	}
	unread := l.entries[r.at-l.oldest():]
	n := min(len(unread), maxBatch)
	r.at += uint64(n)
	return unread[:n:n], nil, true
}

// Package event keeps what changed, for as many readers as like to follow it: a
// log in memory, bounded in number and bytes, of which readers hold no copy.
//
//	log := event.NewLog()
//	log.Publish(gennaker.Event{Type: gennaker.ExecutionChanged, …})
//	reader, known := log.Read(lastID) // or "" to begin now
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

	"github.com/gennaker/gennaker"
)

// Bounds of a log, unless it says otherwise.
const (
	DefaultEntries = 16_384
	DefaultBytes   = 8 << 20
)

// maxBatch is how many entries Next returns at most.
const maxBatch = 64

// Entry is an event that was published.
type Entry struct {
	gennaker.Event
	ID   string // of the event and of the process: what Log.Read takes
	JSON []byte // the event; not to be changed
}

// Log holds the newest events. The zero value is ready. Its methods are safe for
// concurrent use, and do not wait for anything.
type Log struct {
	// Entries and Bytes (of JSON) bound what is held; 0 is DefaultEntries and
	// DefaultBytes. The newest event is held in any case.
	Entries, Bytes int

	mu      sync.Mutex
	epoch   string        // names the process; "" before the first use
	last    uint64        // number of the newest event; 0 is none
	entries []Entry       // with the numbers up to last; a part that was handed out never changes
	bytes   int           // of entries
	more    chan struct{} // closed at the next event
}

// begin makes the zero value a log. The caller holds mu.
func (l *Log) begin() {
	if l.epoch == "" {
		l.epoch, l.more = strings.ToLower(rand.Text()[:13]), make(chan struct{})
	}
}

// id returns the ID of the event with that number.
func (l *Log) id(n uint64) string { return l.epoch + "-" + strconv.FormatUint(n, 10) }

// Publish numbers an event, keeps it, and wakes the readers. Events have the
// order of the calls.
func (l *Log) Publish(e gennaker.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begin()
	l.last++
	e.ID = l.last
	text, err := json.Marshal(e)
	if err != nil {
		text = []byte("{}") // cannot be: it holds texts and numbers
	}
	l.entries = append(l.entries, Entry{e, l.id(e.ID), text})
	l.bytes += len(text)
	for len(l.entries) > 1 && (len(l.entries) > cmp.Or(l.Entries, DefaultEntries) || l.bytes > cmp.Or(l.Bytes, DefaultBytes)) {
		l.bytes -= len(l.entries[0].JSON)
		l.entries = l.entries[1:] // the next append that needs room leaves it behind
	}
	close(l.more)
	l.more = make(chan struct{})
}

// Read returns a reader of what comes behind the event with that ID; "" is of
// what comes from now on. If what comes behind it is not all held any more, or
// the ID is of another process, known is false, and the reader begins now.
func (l *Log) Read(id string) (reader *Reader, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begin()
	at, known := l.last, true
	if id != "" {
		if n, ok := l.number(id); ok && n >= l.oldest() {
			at = n
		} else {
			known = false
		}
	}
	return &Reader{log: l, at: at}, known
}

// number returns the number in an ID of this log.
func (l *Log) number(id string) (uint64, bool) {
	epoch, text, _ := strings.Cut(id, "-")
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil && epoch == l.epoch && n <= l.last && l.id(n) == id
}

// oldest is the number behind which everything is held.
func (l *Log) oldest() uint64 { return l.last - uint64(len(l.entries)) }

// Reader reads a log from a place on. Use it from one goroutine.
type Reader struct {
	log *Log
	at  uint64 // number of the last event that was read
}

// ID returns where the reader is: a new one begins there with Log.Read.
func (r *Reader) ID() string {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	return r.log.id(r.at)
}

// Next returns some of the entries that were not read yet, in order, or else a
// channel that is closed when there are any. ok is false when some of them are
// gone: then the reader has ended.
func (r *Reader) Next() (entries []Entry, more <-chan struct{}, ok bool) {
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

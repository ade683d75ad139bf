package event_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/event"
)

// publish publishes n events, named by their numbers.
func publish(l *event.Log, n int) {
	for range n {
		l.Publish(gennaker.Event{Type: gennaker.ExecutionChanged})
	}
}

// numbers reads all that there is.
func numbers(t testing.TB, r *event.Reader) (out []uint64, ok bool) {
	t.Helper()
	for {
		entries, more, ok := r.Next()
		if !ok || more != nil {
			return out, ok
		}
		for _, e := range entries {
			out = append(out, e.ID)
			var decoded gennaker.Event
			if err := json.Unmarshal(e.JSON(), &decoded); err != nil || decoded.ID != e.ID {
				t.Errorf("event %d is written as %s: %v", e.ID, e.JSON(), err)
			}
		}
	}
}

func TestReadersGoOnWhereTheyWere(t *testing.T) {
	t.Parallel()
	l := &event.Log{Entries: 3}
	from := func(id string) (*event.Reader, bool) { return l.Read(id) }
	start, known := from("")
	if !known {
		t.Error("the beginning is not known")
	}
	first := start.Place()
	publish(l, 2)
	if got, ok := numbers(t, start); !ok || cmp.Diff([]uint64{1, 2}, got) != "" {
		t.Errorf("a reader from the beginning got %v, %t", got, ok)
	}
	second := start.Place()
	publish(l, 2)
	epoch, _, _ := strings.Cut(first, "-")
	for name, tt := range map[string]struct {
		id    string
		known bool
		want  []uint64
	}{
		"behind the second":       {second, true, []uint64{3, 4}},
		"the oldest that is held": {epoch + "-1", true, []uint64{2, 3, 4}},
		"the newest":              {epoch + "-4", true, nil},
		"no more held":            {first, false, nil},
		"not yet":                 {epoch + "-5", false, nil},
		"of another process":      {"other-2", false, nil},
		"no number":               {epoch + "-x", false, nil},
		"a number only":           {"2", false, nil},
		"padded":                  {epoch + "-02", false, nil},
		"signed":                  {epoch + "-+2", false, nil},
	} {
		r, known := from(tt.id)
		if got, ok := numbers(t, r); known != tt.known || !ok || cmp.Diff(tt.want, got) != "" {
			t.Errorf("%s: known %t, got %v, %t", name, known, got, ok)
		}
	}
	if other, _ := new(event.Log).Read(""); strings.HasPrefix(other.Place(), epoch) {
		t.Errorf("two processes share the epoch %s", epoch)
	}
}

func TestSlowReadersAreToldWhatTheyMissed(t *testing.T) {
	t.Parallel()
	l := &event.Log{Entries: 2}
	slow, _ := l.Read("")
	publish(l, 3)
	if entries, more, ok := slow.Next(); ok || entries != nil || more != nil {
		t.Errorf("got %v, %v, %t", entries, more, ok)
	}
}

func TestBytesAreBounded(t *testing.T) {
	t.Parallel()
	l := &event.Log{Bytes: 2000}
	r, _ := l.Read("")
	first := r.Place()
	l.Publish(gennaker.Event{Name: strings.Repeat("x", 5000)})
	if got, ok := numbers(t, r); !ok || len(got) != 1 {
		t.Errorf("one that is larger than the bound: %v, %t", got, ok)
	}
	publish(l, 3)
	if _, known := l.Read(first); known {
		t.Error("the large one is still held")
	}
	if got, ok := numbers(t, r); !ok || len(got) != 3 {
		t.Errorf("the small ones: %v, %t", got, ok)
	}
}

// TestBatchesDoNotChange holds that what was handed out stays as it is while the
// log goes on.
func TestBatchesDoNotChange(t *testing.T) {
	t.Parallel()
	l := &event.Log{Entries: 8}
	r, _ := l.Read("")
	publish(l, 8)
	batch, _, _ := r.Next()
	publish(l, 100)
	for i, e := range batch {
		if e.ID != uint64(i+1) {
			t.Errorf("entry %d became event %d", i, e.ID)
		}
	}
}

func TestReadersWakeUp(t *testing.T) {
	t.Parallel()
	l := &event.Log{}
	const readers, events = 50, 500
	var work sync.WaitGroup
	for range readers {
		r, _ := l.Read("")
		work.Go(func() {
			var last uint64
			for last < events {
				entries, more, ok := r.Next()
				if !ok {
					t.Error("a reader lost events that the log holds")
					return
				}
				if more != nil {
					<-more
				}
				for _, e := range entries {
					if e.ID != last+1 {
						t.Errorf("event %d behind %d", e.ID, last)
					}
					last = e.ID
				}
			}
		})
	}
	publish(l, events)
	work.Wait()
}

// TestResume is the property of the whole: whatever was read before a break,
// going on from its ID reads the rest, or is told that it cannot.
func TestResume(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := &event.Log{Entries: rapid.IntRange(1, 20).Draw(t, "entries"), Bytes: rapid.IntRange(1, 20_000).Draw(t, "bytes")}
		r, _ := l.Read("")
		var seen, published uint64
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			n := rapid.IntRange(0, 25).Draw(t, "published")
			for range n {
				l.Publish(gennaker.Event{Name: strings.Repeat("x", rapid.IntRange(0, 100).Draw(t, "size"))})
			}
			published += uint64(n)
			ok := true
			if rapid.Bool().Draw(t, "break") {
				r, ok = l.Read(r.Place())
			}
			for ok {
				var entries []*event.Entry
				var more <-chan struct{}
				if entries, more, ok = r.Next(); more != nil {
					break
				}
				for _, e := range entries {
					if seen++; e.ID != seen {
						t.Fatalf("event %d where %d was due", e.ID, seen)
					}
				}
			}
			if !ok { // told so: begin anew
				r, _ = l.Read("")
				seen = published
			}
			if seen != published {
				t.Fatalf("read up to %d of %d", seen, published)
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, id := range []string{"", "-", "x-1", "1", "-1", "18446744073709551615"} {
		f.Add(id, true)
		f.Add(id, false)
	}
	f.Fuzz(func(t *testing.T, id string, own bool) {
		l := &event.Log{Entries: 5}
		publish(l, 9)
		r, _ := l.Read("")
		if own {
			epoch, _, _ := strings.Cut(r.Place(), "-")
			id = epoch + "-" + id
		}
		r, known := l.Read(id)
		got, ok := numbers(t, r)
		if !ok || !known && len(got) > 0 {
			t.Fatalf("%q: known %t, got %v, %t", id, known, got, ok)
		}
		if known && id != "" {
			if want := fmt.Sprint(9 - len(got)); !strings.HasSuffix(id, "-"+want) {
				t.Fatalf("%q was followed by %v", id, got)
			}
		}
	})
}

package balancer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gennaker/gennaker/internal/node/balancer"
)

// witness is a backend that notices requests which should not reach it.
type witness struct {
	id      string
	address string
	gate    *gate
	removed atomic.Int64 // time of the clock when Set had returned without it
	drained atomic.Bool
	active  atomic.Int64
	wrong   atomic.Pointer[string]
}

func (w *witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.active.Add(1)
	defer w.active.Add(-1) // before the response is sent, because it is small
	began, _ := strconv.ParseInt(r.Header.Get("X-Began"), 10, 64)
	if began >= w.removed.Load() {
		w.fail(fmt.Sprintf("a request that began at %d reached %s, which was removed before %d", began, w.id, w.removed.Load()))
	}
	if w.drained.Load() {
		w.fail("a request reached " + w.id + " after it was drained")
	}
	if r.Header.Get("X-Hold") != "" {
		w.gate.wait()
	}
	_, _ = io.WriteString(rw, w.id)
}

func (w *witness) fail(text string) { w.wrong.CompareAndSwap(nil, &text) }

// gate holds requests until it is opened; then a new one is closed.
type gate struct {
	mu sync.Mutex
	ch chan struct{}
}

func (g *gate) wait() {
	g.mu.Lock()
	ch := g.ch
	g.mu.Unlock()
	<-ch
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.ch)
	g.ch = make(chan struct{})
}

// keepOpen opens g again and again until done is closed: a request may come to it
// at any time.
func (g *gate) keepOpen(done <-chan struct{}) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		g.open()
		select {
		case <-tick.C:
		case <-done:
			return
		}
	}
}

// TestSetAndDrainedProperty: under any sequence of Set and concurrent requests, a
// request that began after Set returned never reaches a target that it left out,
// and when Drained returns the target has nothing left and gets nothing more.
func TestSetAndDrainedProperty(t *testing.T) {
	t.Parallel()
	g := &gate{ch: make(chan struct{})}
	witnesses := make([]*witness, 4)
	for i := range witnesses {
		w := &witness{id: fmt.Sprint("t", i), gate: g}
		s := httptest.NewServer(w)
		t.Cleanup(s.Close)
		w.address = s.Listener.Addr().String()
		witnesses[i] = w
	}
	rapid.Check(t, func(rt *rapid.T) { checkSequence(rt, g, witnesses) })
}

func checkSequence(t *rapid.T, g *gate, witnesses []*witness) {
	b := balancer.New(slog.New(slog.DiscardHandler))
	if err := b.Listen(context.Background(), "lb", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var clock atomic.Int64
	clock.Store(1)
	for _, w := range witnesses {
		w.removed.Store(0) // not in the table yet: nothing may reach it
		w.drained.Store(true)
	}
	stop, workers := startWorkers(b, &clock)
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		close(stop)
		ended := make(chan struct{})
		go func() {
			workers.Wait()
			close(ended)
		}()
		g.keepOpen(ended)
		if err := b.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	listed := map[*witness]bool{}
	for range rapid.IntRange(2, 5).Draw(t, "steps") {
		subset := rapid.SliceOfDistinct(rapid.IntRange(0, len(witnesses)-1), rapid.ID[int]).Draw(t, "listed")
		next := map[*witness]bool{}
		table := balancer.Table{}
		for n, i := range subset {
			w := witnesses[i]
			next[w] = true
			w.drained.Store(false)
			w.removed.Store(math.MaxInt64)
			group := balancer.Group{Name: fmt.Sprint("v", n%2), Weight: n + 1, Targets: []balancer.Target{{ID: w.id, Address: w.address}}}
			table["lb"] = append(table["lb"], group)
		}
		b.Set(table)
		now := clock.Add(1)
		for w := range listed {
			if !next[w] {
				w.removed.Store(now)
			}
		}
		listed = next
		if rapid.Bool().Draw(t, "drain") {
			drainAll(t, b, g, witnesses, listed)
		}
		for _, w := range witnesses {
			if text := w.wrong.Swap(nil); text != nil {
				t.Fatal(*text)
			}
		}
	}
}

// drainAll waits for all that are not listed while requests go on.
func drainAll(t *rapid.T, b *balancer.Balancer, g *gate, witnesses []*witness, listed map[*witness]bool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var wg sync.WaitGroup
	for _, w := range witnesses {
		if listed[w] {
			continue
		}
		wg.Go(func() {
			if err := b.Drained(ctx, w.id); err != nil {
				w.fail(err.Error())
			}
			if n := w.active.Load(); n != 0 {
				w.fail(fmt.Sprintf("%s was drained with %d requests active", w.id, n))
			}
			if n := b.InFlight(w.id); n != 0 {
				w.fail(fmt.Sprintf("%s was drained with %d requests in flight", w.id, n))
			}
			w.drained.Store(true)
		})
	}
	ended := make(chan struct{})
	go func() {
		wg.Wait()
		close(ended)
	}()
	g.keepOpen(ended)
}

// startWorkers sends requests one after the other, each with the time at which
// it began, until stop is closed.
func startWorkers(b *balancer.Balancer, clock *atomic.Int64) (chan struct{}, *sync.WaitGroup) {
	stop := make(chan struct{})
	url := "http://" + b.Addr("lb")
	workers := &sync.WaitGroup{}
	for i := range 6 {
		workers.Go(func() {
			tr := &http.Transport{DisableKeepAlives: i%2 == 0}
			defer tr.CloseIdleConnections()
			for {
				select {
				case <-stop:
					return
				default:
				}
				req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
				if err != nil {
					return
				}
				req.Header.Set("X-Began", strconv.FormatInt(clock.Load(), 10))
				if i < 2 {
					req.Header.Set("X-Hold", "1")
				}
				res, err := tr.RoundTrip(req)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	return stop, workers
}

// TestReplacingTargetsLosesNothing replaces the only target again and again under
// load: the old server is closed for good as soon as it is drained.
func TestReplacingTargetsLosesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	start := func(n int) (*httptest.Server, balancer.Target) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body)
		}))
		return s, balancer.Target{ID: fmt.Sprint("t", n), Address: s.Listener.Addr().String()}
	}
	old, target := start(0)
	f.Set(one(target))
	hammer := newHammer(f, func() string { return f.Addr("lb") })
	for n := 1; n <= 12; n++ {
		hammer.passes(t, 20)
		s, next := start(n)
		f.Set(one(next))
		if err := f.Drained(t.Context(), target.ID); err != nil {
			t.Error(err)
		}
		old.CloseClientConnections() // as hard as it gets
		old.Close()
		old, target = s, next
	}
	hammer.stop(t)
	old.Close()
	if got := f.Traffic("lb", ""); got.Errors != 0 {
		t.Errorf("traffic %+v", got)
	}
}

// hammer sends requests all the time, over kept and new connections.
type hammer struct {
	wg   sync.WaitGroup
	quit chan struct{}
	done atomic.Int64
	mu   sync.Mutex
	lost []error
}

func newHammer(f *fixture, address func() string) *hammer {
	h := &hammer{quit: make(chan struct{})}
	for i := range 6 {
		client := f.client
		if i%2 == 0 {
			client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		}
		h.wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-h.quit:
					return
				default:
				}
				err := once(client, "http://"+address(), n)
				for errors.Is(err, syscall.ECONNREFUSED) { // it has moved meanwhile: ask again
					err = once(client, "http://"+address(), n)
				}
				if err != nil {
					h.mu.Lock()
					h.lost = append(h.lost, err)
					h.mu.Unlock()
				}
				h.done.Add(1)
			}
		})
	}
	return h
}

// once sends one request, a POST every other time.
func once(client *http.Client, url string, n int) error {
	body := fmt.Sprint("request ", n)
	method := http.MethodPost
	if n%2 == 0 {
		body, method = "", http.MethodGet
	}
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || string(got) != body) {
		err = fmt.Errorf("status %d, %q", res.StatusCode, got)
	}
	return err
}

// passes waits until so many more requests have ended.
func (h *hammer) passes(t *testing.T, n int64) {
	t.Helper()
	from := h.done.Load()
	eventually(t, "more requests", func() bool { return h.done.Load() >= from+n })
}

// stop ends it and reports what was lost.
func (h *hammer) stop(t *testing.T) {
	t.Helper()
	close(h.quit)
	h.wg.Wait()
	if len(h.lost) > 0 {
		t.Errorf("%d of %d requests were lost: %v", len(h.lost), h.done.Load(), errors.Join(h.lost[:min(5, len(h.lost))]...))
	}
}

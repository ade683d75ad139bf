package load_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/demo/load"
)

const patience = 30 * time.Second

// run sends load to h until enough is true, and returns the result.
func run(t *testing.T, c load.Config, h http.HandlerFunc, enough func(load.Snapshot) bool) load.Snapshot {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c.URL = s.URL + "/base/"
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	l, err := load.Run(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, l, enough)
	cancel()
	got := l.Wait()
	if got.Sent != got.Done+got.Lost || got.InFlight != 0 {
		t.Errorf("sent %d, done %d, lost %d, in flight %d at the end", got.Sent, got.Done, got.Lost, got.InFlight)
	}
	return got
}

func eventually(t *testing.T, l *load.Load, ok func(load.Snapshot) bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok(l.Snapshot()) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("did not happen: %+v", l.Snapshot())
		}
	}
}

func done(n int64) func(load.Snapshot) bool {
	return func(s load.Snapshot) bool { return s.Done+s.Lost >= n }
}

func TestCounts(t *testing.T) {
	t.Parallel()
	var requests, fine, wrong atomic.Int64
	got := run(t, load.Config{Rate: 1000}, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if body, err := io.ReadAll(r.Body); err != nil || len(body) == 0 {
				t.Errorf("POST body %q, %v", body, err)
			}
		}
		n := requests.Add(1)
		w.Header().Set("X-Version", "v1")
		switch n % 5 {
		case 0:
			wrong.Add(1)
			w.WriteHeader(http.StatusBadGateway)
		case 1:
			wrong.Add(1)
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush() // a client repeats what got no byte at all
			panic(http.ErrAbortHandler)
		case 2:
			fine.Add(1)
			w.WriteHeader(http.StatusNotFound)
		default:
			fine.Add(1)
			w.Header().Set("X-Version", "v2")
		}
	}, done(500))
	if got.Done != fine.Load() || got.Lost != wrong.Load() {
		t.Errorf("done %d, lost %d; the server answered %d well and %d not", got.Done, got.Lost, fine.Load(), wrong.Load())
	}
	if got.Versions["v1"]+got.Versions["v2"] != got.Done || got.Versions["v1"] == 0 || got.Versions["v2"] == 0 {
		t.Errorf("versions %v of %d", got.Versions, got.Done)
	}
	if len(got.Samples) != 20 {
		t.Errorf("%d samples", len(got.Samples))
	}
	for _, s := range got.Samples {
		text := s.String()
		if !strings.Contains(text, "status 502") && !strings.Contains(text, "broke off after 4 bytes") {
			t.Errorf("sample %q", text)
		}
	}
	if l := got.Latency; l.P50 <= 0 || l.P50 > l.P90 || l.P90 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max || l.Mean <= 0 {
		t.Errorf("latency %+v", l)
	}
}

func TestOpenLoop(t *testing.T) {
	t.Parallel()
	const crowd = 60
	var present atomic.Int64
	all := make(chan struct{})
	got := run(t, load.Config{Rate: 500}, func(_ http.ResponseWriter, r *http.Request) {
		if present.Add(1) == crowd {
			close(all)
		}
		select {
		case <-all: // nobody is answered before so many wait
		case <-r.Context().Done():
		}
	}, done(crowd))
	if got.Lost != 0 {
		t.Errorf("%d lost: %v", got.Lost, got.Samples)
	}
}

func TestNeverAheadOfSchedule(t *testing.T) {
	t.Parallel()
	start := time.Now()
	const rate = 400
	run(t, load.Config{Rate: rate}, func(http.ResponseWriter, *http.Request) {}, func(s load.Snapshot) bool {
		sent, limit := s.Sent, time.Since(start).Seconds()*rate+1
		if float64(sent) > limit {
			t.Errorf("%d sent when at most %.1f were due", sent, limit)
		}
		return sent >= 200
	})
}

func TestMix(t *testing.T) {
	t.Parallel()
	var fresh, kept, get, post, slow atomic.Int64
	got := run(t, load.Config{Rate: 1000, PostShare: 0.3, PostPath: "/echo", SlowShare: 0.1, SlowPath: "slow?ms=1"},
		func(_ http.ResponseWriter, r *http.Request) {
			if r.Close {
				fresh.Add(1)
			} else {
				kept.Add(1)
			}
			switch r.Method + " " + r.RequestURI {
			case "GET /base/":
				get.Add(1)
			case "POST /echo":
				post.Add(1)
			case "GET /base/slow?ms=1":
				slow.Add(1)
			default:
				t.Errorf("unexpected %s %s", r.Method, r.RequestURI)
			}
		}, done(1000))
	between := func(what string, n int64, low, high float64) {
		t.Helper()
		if s := float64(n) / float64(got.Sent); s < low || s > high {
			t.Errorf("share of %s: %.2f, want %.2f to %.2f", what, s, low, high)
		}
	}
	between("new connections", fresh.Load(), 0.4, 0.6)
	between("kept connections", kept.Load(), 0.4, 0.6)
	between("POST", post.Load(), 0.2, 0.35)
	between("slow", slow.Load(), 0.05, 0.16)
	between("GET", get.Load(), 0.5, 0.75)
}

func TestTooManyInFlight(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	got := run(t, load.Config{Rate: 1000, MaxInFlight: 5}, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}, func(s load.Snapshot) bool {
		if s.InFlight > 6 { // one more between counting and giving up
			t.Errorf("%d in flight", s.InFlight)
		}
		if s.Lost < 10 {
			return false
		}
		select {
		case <-release:
		default:
			close(release)
		}
		return true
	})
	if len(got.Samples) == 0 || !strings.Contains(got.Samples[0].Reason, "in flight") || got.Done < 5 {
		t.Errorf("done %d, samples %v", got.Done, got.Samples)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	got := run(t, load.Config{Rate: 100, Timeout: 20 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}, done(5))
	if got.Done != 0 || !strings.Contains(got.Samples[0].Reason, "deadline") {
		t.Errorf("done %d, samples %v", got.Done, got.Samples)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(nil)
	s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l, err := load.Run(ctx, load.Config{URL: s.URL, Rate: 500})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, l, done(10))
	cancel()
	if got := l.Wait(); got.Done != 0 || got.Lost != got.Sent {
		t.Errorf("got %+v", got)
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	var running, most, times atomic.Int64
	got := run(t, load.Config{Rate: 1, DownloadPath: "/download?x=1"}, func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI != "/download?x=1" {
			return
		}
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		w.Header().Set("Content-Length", "8")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		if times.Add(1)%3 == 0 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "full")
	}, func(s load.Snapshot) bool { return s.Downloads >= 4 && s.Lost >= 1 })
	if most.Load() != 1 {
		t.Errorf("%d downloads at a time", most.Load())
	}
	if want := times.Load() / 3; got.Lost != want || !strings.Contains(got.Samples[0].Reason, "broke off after 4 bytes") {
		t.Errorf("lost %d, want %d; samples %v", got.Lost, want, got.Samples)
	}
}

func TestDownloadStalls(t *testing.T) {
	t.Parallel()
	got := run(t, load.Config{Rate: 1, DownloadPath: "/download", Timeout: 50 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/download" {
			_, _ = io.WriteString(w, "some")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}, func(s load.Snapshot) bool {
		return len(s.Samples) > 0 && strings.Contains(s.Samples[0].Request, "/download")
	})
	if !strings.Contains(got.Samples[0].Reason, "stalled") {
		t.Errorf("samples %v", got.Samples)
	}
}

func TestWaitsForWhatIsInFlight(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}, 1000), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	l, err := load.Run(ctx, load.Config{URL: s.URL, Rate: 100})
	if err != nil {
		t.Fatal(err)
	}
	<-arrived
	cancel()
	result := make(chan load.Snapshot, 1)
	go func() { result <- l.Wait() }()
	select {
	case <-result:
		t.Error("did not wait")
	default:
	}
	close(release)
	if got := <-result; got.Done == 0 || got.Lost != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestInvalid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]load.Config{
		"no URL":    {Rate: 1},
		"no host":   {URL: "/x", Rate: 1},
		"no rate":   {URL: "http://127.0.0.1:1"},
		"high rate": {URL: "http://127.0.0.1:1", Rate: 1e9},
		"bad path":  {URL: "http://127.0.0.1:1", Rate: 1, SlowPath: ":"},
	} {
		if _, err := load.Run(t.Context(), c); gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

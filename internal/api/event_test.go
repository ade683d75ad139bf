package api_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// changed are events of several kinds.
func changed() []gennaker.Event {
	return []gennaker.Event{
		{Type: gennaker.ExecutionChanged, Application: "demo", Execution: "x", Status: gennaker.Running},
		{Type: gennaker.ExecutionChanged, Application: "demo", Execution: "y"},
		{Type: gennaker.DocumentChanged, Application: "Shop"},
		{Type: gennaker.ServerGroupChanged},
	}
}

// place returns where a stream begins, from its first event.
func place(t *testing.T, first string) (epoch, number string) {
	t.Helper()
	rest, ok := strings.CutPrefix(first, "retry: 1000\nid: ")
	id, _, _ := strings.Cut(rest, "\n")
	epoch, number, found := strings.Cut(id, "-")
	if !ok || !found {
		t.Fatalf("a stream begins with %q", first)
	}
	return epoch, number
}

func TestEvents(t *testing.T) {
	t.Parallel()
	data := []string{
		"event: execution\ndata: {\"id\":1,\"type\":\"execution\",\"at\":null,\"application\":\"demo\",\"execution\":\"x\",\"status\":\"RUNNING\"}\n",
		"event: execution\ndata: {\"id\":2,\"type\":\"execution\",\"at\":null,\"application\":\"demo\",\"execution\":\"y\"}\n",
		"event: document\ndata: {\"id\":3,\"type\":\"document\",\"at\":null,\"application\":\"Shop\"}\n",
		"event: serverGroup\ndata: {\"id\":4,\"type\":\"serverGroup\",\"at\":null}\n",
	}
	tests := map[string]struct {
		query string
		want  []int // of the events
	}{
		"all":         {"", []int{0, 1, 2, 3}},
		"application": {"?application=SHOP", []int{2, 3}},
		"execution":   {"?execution=y", []int{1}},
		"both":        {"?application=shop&execution=x", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s, base, _ := listen(t, w)
			res := get(t, base+"/api/v1/events"+tt.query)
			if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
				t.Errorf("content type %q", got)
			}
			in := bufio.NewReader(res.Body)
			epoch, number := place(t, nextEvent(t, in))
			if number != "0" {
				t.Errorf("begins at %s", number)
			}
			for _, e := range changed() {
				w.events.Publish(e)
			}
			for _, i := range tt.want {
				want := "id: " + epoch + "-" + string(rune('1'+i)) + "\n" + data[i]
				if diff := cmp.Diff(want, nextEvent(t, in)); diff != "" {
					t.Error(diff)
				}
			}
			if err := s.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
				t.Errorf("ends with %q, %v", rest, err)
			}
		})
	}
}

// TestEventsGoOn holds that a client that comes back gets what it missed, or is
// told that it cannot.
func TestEventsGoOn(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header, query string // with E for the epoch
		want          []string
	}{
		"behind the second":     {header: "E-2", want: []string{"id: E-3\nevent: document\n", "id: E-4\nevent: serverGroup\n"}},
		"in the query":          {query: "E-2", want: []string{"id: E-3\nevent: document\n", "id: E-4\nevent: serverGroup\n"}},
		"the header counts":     {header: "E-3", query: "E-1", want: []string{"id: E-4\nevent: serverGroup\n"}},
		"nothing missed":        {header: "E-4"},
		"before the first":      {header: "E-0", want: []string{"id: E-1\nevent: execution\n"}},
		"another process":       {header: "other-2", want: []string{"reset"}},
		"a server of before":    {header: "2", want: []string{"reset"}},
		"not yet":               {header: "E-5", want: []string{"reset"}},
		"what is no ID at all":  {query: "%F0%9F%92%A3", want: []string{"reset"}},
		"of a filtered stream":  {header: "E-1", query: "&application=shop", want: []string{"id: E-3\nevent: document\n", "id: E-4\nevent: serverGroup\n"}},
		"of another filter too": {header: "E-1", query: "&execution=y", want: []string{"id: E-2\nevent: execution\n"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, base, _ := listen(t, w)
			first := get(t, base+"/api/v1/events")
			epoch, _ := place(t, nextEvent(t, bufio.NewReader(first.Body)))
			for _, e := range changed() {
				w.events.Publish(e)
			}
			here := func(s string) string { return strings.ReplaceAll(s, "E-", epoch+"-") }
			res := get(t, base+"/api/v1/events?lastEventId="+here(tt.query), "Last-Event-ID", here(tt.header))
			in := bufio.NewReader(res.Body)
			begin := nextEvent(t, in)
			place(t, begin)
			if len(tt.want) == 1 && tt.want[0] == "reset" {
				if want := "retry: 1000\nid: " + epoch + "-4\nevent: reset\ndata: {\"type\":\"reset\"}\n"; begin != want {
					t.Errorf("begins with %q, not %q", begin, want)
				}
				tt.want = nil
			} else if strings.Contains(begin, "reset") {
				t.Errorf("begins with %q", begin)
			}
			w.events.Publish(gennaker.Event{Type: "last", Application: "shop", Execution: "y"})
			for i, want := range append(tt.want, "id: E-5\nevent: last\n") {
				got := nextEvent(t, in)
				if strings.HasPrefix(want, "id: E-1") { // the first of all
					for range 3 {
						nextEvent(t, in)
					}
				}
				if !strings.HasPrefix(got, here(want)) {
					t.Errorf("event %d is %q, not %q", i, got, here(want))
				}
			}
		})
	}
}

func TestEventIDsAreBounded(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	failure(t, call(s, "GET", "/api/v1/events?lastEventId="+strings.Repeat("x", 101), ""), http.StatusBadRequest)
}

// stalled is a client that takes nothing until it is let.
type stalled struct {
	*httptest.ResponseRecorder
	open chan struct{}
}

func (s stalled) Write(b []byte) (int, error) {
	<-s.open
	return s.ResponseRecorder.Write(b)
}

// TestSlowClientsAreCutOff holds that a client that takes nothing costs nothing,
// and is sent away once it missed something.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.events.Entries = 10
		s := api.New(w.config())
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost/api/v1/events", nil)
		r.RemoteAddr = "127.0.0.1:1"
		out := stalled{httptest.NewRecorder(), make(chan struct{})}
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.ServeHTTP(out, r)
		}()
		synctest.Wait()
		for range 100 {
			w.events.Publish(gennaker.Event{})
		}
		close(out.open)
		<-done // by itself
		if got := out.Body.String(); !strings.HasSuffix(got, "\n\n: too slow; come again\n\n") || strings.Contains(got, "event:") {
			t.Errorf("got %q", got)
		}
	})
}

// TestAThousandStreams holds that a thousand clients at once all get everything.
func TestAThousandStreams(t *testing.T) {
	t.Parallel()
	const clients, events = 1000, 100
	w := newWorld(t)
	s, base, _ := listen(t, w)
	c := &http.Client{Transport: &http.Transport{}}
	var opened, done sync.WaitGroup
	for range clients {
		opened.Add(1)
		done.Go(func() {
			res, err := c.Get(base + "/api/v1/events")
			opened.Done()
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			in, n := bufio.NewScanner(res.Body), 0
			for n < events && in.Scan() {
				if strings.HasPrefix(in.Text(), "data: ") {
					n++
				}
			}
			if n != events {
				t.Errorf("a client got %d events of %d: %v", n, events, in.Err())
			}
		})
	}
	opened.Wait() // each has its place
	if n := s.OpenStreams(); n != clients {
		t.Errorf("%d streams are open", n)
	}
	for range events {
		w.events.Publish(gennaker.Event{Type: gennaker.ExecutionChanged, Application: "demo"})
	}
	done.Wait()
}

func TestEventsHaveAHeartbeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := api.New(newWorld(t).config())
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, "GET", "http://localhost/api/v1/events", nil)
		r.RemoteAddr = "127.0.0.1:1"
		out := httptest.NewRecorder()
		go s.ServeHTTP(out, r)
		<-time.After(7 * time.Second)
		synctest.Wait()
		_, rest, _ := strings.Cut(out.Body.String(), "\n\n")
		if rest != ": still here\n\n: still here\n\n" {
			t.Errorf("after 7 seconds: %q", out.Body)
		}
		cancel()
		synctest.Wait()
	})
}

// FuzzResume comes back with any ID, in both ways, and any filter.
func FuzzResume(f *testing.F) {
	f.Add("x-1", "", "demo")
	f.Add("", "18446744073709551616", "")
	f.Add("\n", "-", "\x00")
	f.Fuzz(func(t *testing.T, header, query, application string) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			for _, e := range changed() {
				w.events.Publish(e)
			}
			s := api.New(w.config())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r := httptest.NewRequestWithContext(ctx, "GET", "http://localhost/api/v1/events", nil)
			q := r.URL.Query()
			q.Set("lastEventId", query)
			q.Set("application", application)
			r.URL.RawQuery, r.RemoteAddr = q.Encode(), "127.0.0.1:1"
			r.Header.Set("Last-Event-ID", header)
			out := httptest.NewRecorder()
			go s.ServeHTTP(out, r)
			synctest.Wait()
			cancel()
			synctest.Wait()
			fine := len(header) <= 100 && len(query) <= 100 && utf8.ValidString(query) && utf8.ValidString(application)
			if out.Code == http.StatusBadRequest && fine || out.Code >= 500 {
				t.Fatalf("status %d: %s", out.Code, out.Body)
			}
			if reset := strings.Contains(out.Body.String(), "event: reset\n"); out.Code == 200 && reset == (header == "" && query == "") {
				t.Fatalf("reset %t for %q and %q", reset, header, query)
			}
		})
	})
}

package api_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gennaker/gennaker/internal/api"
)

// pipes is a listener whose connections are in memory, so that time is the
// test's own.
type pipes struct{ conns chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error { close(p.conns); return nil }
func (pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// everyone may do everything.
type everyone struct{}

func (everyone) Caller(*http.Request) (api.Caller, error)       { return api.Caller{User: "ann"}, nil }
func (everyone) Allow(api.Caller, api.Permission, string) error { return nil }

// inMemory runs test with a connection to a server of its own.
func inMemory(t *testing.T, test func(t *testing.T, w *world, conn net.Conn)) {
	t.Helper()
	inMemoryWith(t, func(*api.Config, chan<- time.Duration) {}, func(t *testing.T, w *world, conn net.Conn, _ <-chan time.Duration) {
		test(t, w, conn)
	})
}

// inMemoryWith is inMemory for a server that is configured, and a channel of the
// same time.
func inMemoryWith(t *testing.T, configure func(*api.Config, chan<- time.Duration), test func(*testing.T, *world, net.Conn, <-chan time.Duration)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w, seen := newWorld(t), make(chan time.Duration, 10)
		cfg := w.config()
		cfg.Access = everyone{}
		configure(&cfg, seen)
		s := api.New(cfg)
		ln := pipes{make(chan net.Conn)}
		served := make(chan error, 1)
		go func() { served <- s.Serve(ln) }()
		client, server := net.Pipe()
		ln.conns <- server
		test(t, w, client, seen)
		_ = client.Close()
		if err := errors.Join(s.Shutdown(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	})
}

// TestSlowClients: nobody is waited for longer than a while, neither who writes
// slowly nor who reads nothing.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sent string
		most time.Duration
	}{
		"half a header":            {"GET /applications HTTP/1.1\r\nHost: local", 11 * time.Second},
		"nothing":                  {"", 11 * time.Second},
		"nothing after an answer":  {"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n", 3 * time.Minute},
		"a large header and stops": {"GET /version HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1<<10), 11 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inMemory(t, func(t *testing.T, _ *world, conn net.Conn) {
				began := time.Now()
				if _, err := io.WriteString(conn, tt.sent); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadAll(conn); err != nil {
					t.Fatal(err)
				}
				if held := time.Since(began); held > tt.most {
					t.Errorf("the connection was held for %v", held)
				}
			})
		})
	}
}

// TestAnswerToAClientThatDoesNotRead: it is given up, and with it what it was to
// be told.
func TestAnswerToAClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	inMemory(t, func(t *testing.T, w *world, conn net.Conn) {
		w.apps = long(t).apps
		if _, err := io.WriteString(conn, "GET /applications HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-time.After(31 * time.Second)
		text, err := io.ReadAll(conn)
		if err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Fatal(err)
		}
		if strings.HasSuffix(string(text), "]\n") {
			t.Errorf("after 31 seconds all of the answer came, %d bytes", len(text))
		}
	})
}

func TestBodyThatNeverEnds(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"read":    "POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
		"ignored": "PUT /pipelines/01E2/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
		"refused": "PUT /nothing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inMemory(t, func(t *testing.T, _ *world, conn net.Conn) {
				began := time.Now()
				if _, err := io.WriteString(conn, head); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadAll(conn); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > time.Minute {
					t.Errorf("the connection was held for %v", took)
				}
			})
		})
	}
}

func TestStreamOutlivesTheDeadlinesOfRequestsBefore(t *testing.T) {
	t.Parallel()
	inMemory(t, func(t *testing.T, w *world, conn net.Conn) {
		in := bufio.NewReader(conn)
		for _, head := range []string{
			"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
			"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n",
		} {
			if _, err := io.WriteString(conn, head); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode == http.StatusBadRequest { // as the first shall be
				_, _ = io.Copy(io.Discard, res.Body)
				continue
			}
			began, events := time.Now(), bufio.NewReader(res.Body)
			if got := nextEvent(t, events); !strings.HasPrefix(got, "retry: 1000\nid: ") {
				t.Errorf("begins with %q", got)
			}
			for time.Since(began) < time.Hour {
				if got := nextEvent(t, events); got != ": still here\n" {
					t.Errorf("goes on with %q", got)
				}
			}
		}
	})
}

func TestStreamToAClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	inMemory(t, func(t *testing.T, w *world, conn net.Conn) {
		if _, err := io.WriteString(conn, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Minute)
		// What is left to read is an end, not a stream.
		if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Fatal(err)
		}
	})
}

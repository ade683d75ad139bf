package egress_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gennaker/gennaker/internal/egress"
)

// TestPatience: a connection waits as long as bytes come or go, and then for
// its limit.
func TestPatience(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		other func(conn net.Conn) // what the other end does
		write []time.Duration     // when this end writes, while it reads
		want  time.Duration       // when it gives up
	}{
		"silence":       {func(net.Conn) {}, nil, 20 * time.Second},
		"bytes that go": {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, []time.Duration{15 * time.Second, 30 * time.Second}, 50 * time.Second},
		"bytes that come": {func(c net.Conn) {
			for range 3 {
				time.Sleep(19 * time.Second)
				_, _ = c.Write([]byte("x"))
			}
		}, nil, 77 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				here, there := net.Pipe()
				conn, began := egress.Patient(here, 20*time.Second), time.Now()
				go tt.other(there)
				for _, at := range tt.write {
					time.AfterFunc(at, func() { _, _ = conn.Write([]byte("y")) })
				}
				var err error
				for b := make([]byte, 1); err == nil; {
					_, err = conn.Read(b)
				}
				if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != tt.want {
					t.Errorf("gave up after %v: %v", time.Since(began), err)
				}
				conn.Close()
				there.Close()
			})
		})
	}
}

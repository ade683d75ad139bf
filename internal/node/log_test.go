package node_test

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/gennaker/gennaker/internal/node"
)

// TestOwnLogIsBounded: the log that a server keeps for its node gives its oldest
// part back.
func TestOwnLogIsBounded(t *testing.T) {
	h := newHarness(t)
	h.kill()
	path := node.LogPath(h.dir)
	if err := os.WriteFile(path, bytes.Repeat([]byte("a line\n"), 1<<17), 0o600); err != nil {
		t.Fatal(err)
	}
	r := inProcess(t, h, nodeConfig{logBytes: 64 << 10})
	defer r.stop(false)
	h.until(func() string {
		info, err := os.Stat(path)
		if err != nil {
			return err.Error()
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return "no size is known"
		}
		if used := stat.Blocks * 512; used > 80<<10 {
			return fmt.Sprintf("%s takes %d bytes", path, used)
		}
		return ""
	})
}

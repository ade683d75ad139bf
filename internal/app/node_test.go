package app

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/gennaker/gennaker/internal/api/meta"
	"github.com/gennaker/gennaker/internal/node"
	"github.com/gennaker/gennaker/internal/provider/local"
)

// TestNodeSaysHowItIs holds what the server tells of its node, while that runs and
// when it does not.
func TestNodeSaysHowItIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ask := nodeBody(local.New(dir, LocalAccount))
	if b := ask(t.Context()); b.State != meta.NodeDown || b.Reason == "" {
		t.Errorf("before it starts: %+v", b)
	}
	began := time.Now().Truncate(time.Millisecond)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- node.Run(ctx, node.Config{Dir: dir, Version: "1.2.3"}) }()
	if err := local.New(dir, LocalAccount).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := ask(t.Context())
	if b.State != meta.NodeUp || b.Version != "1.2.3" || b.Since.Before(began) || b.Since.After(time.Now()) || b.PID != os.Getpid() || b.Instances != 0 || b.Balancers != 0 || b.Jobs != 0 {
		t.Errorf("while it runs: %+v", b)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if b := ask(t.Context()); b.State != meta.NodeDown || b.Reason == "" {
		t.Errorf("when it ended: %+v", b)
	}
}

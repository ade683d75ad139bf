package app

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/access"
	"github.com/gennaker/gennaker/internal/store"
)

// memory is an accountStore in memory.
type memory map[string]map[string]any

func (m memory) Accounts(context.Context) ([]map[string]any, error) {
	var out []map[string]any
	for _, settings := range m {
		out = append(out, settings)
	}
	return out, nil
}

func (m memory) SaveAccount(_ context.Context, name string, settings map[string]any, _ string) error {
	m[name] = settings
	return nil
}

func (m memory) DeleteAccount(_ context.Context, name, _ string) error {
	delete(m, name)
	return nil
}

// clusters opens accounts as fakes; those in refused fail.
type clusters struct {
	mu      sync.Mutex
	refused map[string]error
	running map[string]bool
	watched map[string]int
	told    []string // accounts of which something was told
}

// locked calls f while nothing else uses c.
func (c *clusters) locked(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func newAccounts(t *testing.T, s accountStore) (*accounts, *clusters) {
	t.Helper()
	c := &clusters{refused: map[string]error{}, running: map[string]bool{}, watched: map[string]int{}}
	return &accounts{
		log: slog.New(slog.DiscardHandler), fleet: provider.NewFleet(fake.New(fake.Config{}).Provider()), store: s,
		open: func(_ context.Context, a access.Account) (place, error) {
			var err error
			if c.locked(func() { err = c.refused[a.Name] }); err != nil {
				return place{}, err
			}
			p := fake.New(fake.Config{Account: a.Place()}).Provider()
			return place{Provider: p, run: func(ctx context.Context) {
				c.locked(func() { c.running[a.Name] = true })
				<-ctx.Done()
				c.locked(func() { delete(c.running, a.Name) })
			}}, nil
		},
		watch: func(ctx context.Context, p provider.Provider, look func()) {
			c.locked(func() { c.watched[p.Account.Name]++ })
			look()
			<-ctx.Done()
		},
		changed: func(name string) { c.locked(func() { c.told = append(c.told, name) }) },
	}, c
}

func states(t *testing.T, a *accounts) map[string]string {
	t.Helper()
	all, err := a.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, v := range all {
		out[v.Name] = strings.TrimSpace(v.Source + " " + v.State.Reason)
	}
	return out
}

// TestAccountsTell: who listens hears of an account when it is made, when its
// state is another, and when it is gone; and not more.
func TestAccountsTell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, c := newAccounts(t, memory{})
		if err := a.load(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { a.run(ctx); close(done) }()
		told := func(what string, want ...string) {
			t.Helper()
			synctest.Wait()
			c.locked(func() {
				if !slices.Equal(c.told, want) {
					t.Errorf("%s: told of %q, want %q", what, c.told, want)
				}
				c.told = nil
			})
		}
		told("begin", "fake")
		c.locked(func() { c.refused["new"] = errors.New("there is no kubeconfig /x") })
		if _, err := a.Save(ctx, map[string]any{"name": "new"}, "ann"); err != nil {
			t.Fatal(err)
		}
		told("made, and refused", "new", "new")
		time.Sleep(time.Minute)
		told("refused again")
		c.locked(func() { delete(c.refused, "new") })
		time.Sleep(2 * time.Minute)
		told("connected", "new")
		if err := a.Delete(ctx, "new", "ann"); err != nil {
			t.Fatal(err)
		}
		told("removed", "new")
		stop()
		<-done
	})
}

func TestAccountsComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, c := newAccounts(t, memory{"old": {"name": "old"}})
		if err := a.load(t.Context(), []map[string]any{{"name": "main", "namespaces": []any{"shop"}}}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		c.refused["new"] = errors.New("there is no kubeconfig /x")
		done := make(chan struct{})
		go func() { a.run(ctx); close(done) }()
		synctest.Wait()
		if _, err := a.Save(ctx, map[string]any{"name": "new"}, "ann"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want := map[string]string{"fake": "builtin", "main": "configuration", "old": "stored", "new": "stored there is no kubeconfig /x"}
		if diff := cmp.Diff(want, states(t, a)); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"fake", "main", "old"}, a.fleet.Accounts()); diff != "" {
			t.Errorf("the fleet (-want +got):\n%s", diff)
		}

		c.locked(func() { delete(c.refused, "new") }) // it mends itself
		time.Sleep(2 * lastPause)
		synctest.Wait()
		if diff := cmp.Diff([]string{"fake", "main", "new", "old"}, a.fleet.Accounts()); diff != "" {
			t.Errorf("the fleet later (-want +got):\n%s", diff)
		}

		if err := a.Delete(ctx, "old", "ann"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := a.fleet.For("old"); err == nil || c.running["old"] {
			t.Error("a deleted account is still in use")
		}
		stop()
		<-done
		if len(c.running) > 0 {
			t.Errorf("still running: %v", c.running)
		}
	})
}

// TestAccountsBeforeTheyAreConnected: what a server finds interrupted must wait
// for its account, not fail.
func TestAccountsBeforeTheyAreConnected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, c := newAccounts(t, memory{"old": {"name": "old"}})
		if err := a.load(t.Context(), []map[string]any{{"name": "main"}}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"main", "old"} {
			if _, err := a.fleet.For(name); gennaker.KindOf(err) != gennaker.Unavailable {
				t.Errorf("%s before it is connected: %v", name, err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		c.refused["old"] = gennaker.Errorf(gennaker.Invalid, "there is no kubeconfig /x")
		done := make(chan struct{})
		go func() { a.run(ctx); close(done) }()
		synctest.Wait()
		if _, err := a.fleet.For("main"); err != nil {
			t.Errorf("main when it is connected: %v", err)
		}
		if _, err := a.fleet.For("old"); gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(err.Error(), "there is no kubeconfig /x") {
			t.Errorf("an account that cannot be used: %v", err)
		}
		stop()
		<-done
	})
}

func TestAccountsSavedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, c := newAccounts(t, memory{})
		if err := a.load(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { a.run(ctx); close(done) }()
		synctest.Wait()
		for _, environment := range []string{"test", "prod"} {
			if _, err := a.Save(ctx, map[string]any{"name": "x", "environment": environment}, "ann"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			p, err := a.fleet.For("x")
			if err != nil || p.Account.Environment != environment {
				t.Errorf("got %+v, %v", p.Account, err)
			}
		}
		if c.watched["x"] != 2 || !c.running["x"] {
			t.Errorf("watched %v, running %v", c.watched, c.running)
		}
		stop()
		<-done
	})
}

func TestAccountsRefuse(t *testing.T) {
	t.Parallel()
	a, _ := newAccounts(t, memory{})
	if err := a.load(t.Context(), []map[string]any{{"name": "main", "allowExec": true}}); err != nil {
		t.Fatal(err)
	}
	save := func(settings map[string]any) error {
		_, err := a.Save(t.Context(), settings, "ann")
		return err
	}
	for name, tt := range map[string]struct {
		err  error
		kind gennaker.Kind
	}{
		"change the builtin":       {save(map[string]any{"name": "fake"}), gennaker.Conflict},
		"change the configuration": {save(map[string]any{"name": "main"}), gennaker.Conflict},
		"delete the configuration": {a.Delete(t.Context(), "main", "ann"), gennaker.Conflict},
		"delete none":              {a.Delete(t.Context(), "gone", "ann"), gennaker.NotFound},
		"run commands":             {save(map[string]any{"name": "x", "allowExec": true}), gennaker.Denied},
		"an unknown field":         {save(map[string]any{"name": "x", "namespace": "shop"}), gennaker.Invalid},
		"a credential":             {save(map[string]any{"name": "x", "kubeconfigContents": "apiVersion: v1"}), gennaker.Invalid},
		"twice in the file":        {a.load(t.Context(), []map[string]any{{"name": "m"}, {"name": "m"}}), gennaker.Invalid},
	} {
		if gennaker.KindOf(tt.err) != tt.kind {
			t.Errorf("%s: got %v, want %s", name, tt.err, tt.kind)
		}
	}
}

func TestAccountsAreKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "db")
	for range 2 {
		db, err := store.Open(t.Context(), path, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		a, _ := newAccounts(t, db)
		if err := a.load(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Save(t.Context(), map[string]any{"name": "x", "context": "c"}, "ann"); err != nil {
			t.Fatal(err)
		}
		if got := states(t, a); got["x"] == "" {
			t.Errorf("got %v", got)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/access"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/inventory"
)

// openCluster makes the provider of an account. Nothing is asked of the cluster
// before it runs.
func (a *App) openCluster(ctx context.Context, account access.Account) (place, error) {
	client, err := account.Client(ctx, secret)
	if err != nil {
		return place{}, err
	}
	var settle time.Duration
	if s := account.SettleSeconds; s != nil {
		settle = max(time.Duration(*s)*time.Second, time.Millisecond) // 0 stands for the default there
	}
	p, err := kubernetes.New(kubernetes.Config{
		Account: account.Place(), REST: client, Version: a.cfg.Version,
		Namespaces: account.Namespaces, OmitNamespaces: account.OmitNamespaces, Kinds: account.Kinds, OmitKinds: account.OmitKinds,
		OnlyManaged: account.OnlySpinnakerManaged, Custom: account.Custom(), Settle: settle, Log: a.log,
	})
	if err != nil {
		return place{}, fmt.Errorf("open account %s: %w", account.Name, err)
	}
	out := place{Provider: p.Provider(), run: p.Run}
	out.State = func() gennaker.AccountState { return clusterState(p.Inventory().State(), client.Host) }
	return out, nil
}

// clusterState says in words how fresh the answers of an account are.
func clusterState(s inventory.State, host string) gennaker.AccountState {
	out := gennaker.AccountState{Connected: s.Live && s.Synced, Since: gennaker.At(s.Since), Objects: s.Objects}
	if !s.Since.IsZero() {
		out.SeenAt = gennaker.At(time.Now().Add(-s.Age))
	}
	own, ours := errors.AsType[*gennaker.Error](s.Err)
	switch {
	case ours:
		out.Reason, out.Hint = own.Message, own.Hint
	case s.Err != nil:
		problem := access.Explain(s.Err, host)
		out.Reason, out.Hint = problem.Message, problem.Hint
	case !s.Synced:
		out.Reason = "its objects are being read for the first time"
	case len(s.LeftOut) > 0:
		out.Reason = "not allowed to watch " + strings.Join(s.LeftOut, ", ")
		out.Hint = "gennaker account check says which permissions are missing"
	}
	return out
}

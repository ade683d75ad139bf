package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/provider"
)

// answerWithin bounds how long lists wait for one account.
const answerWithin = 10 * time.Second

// gather asks accounts at the same time, and returns what they answer, in their
// order. One that does not answer hides none of the others: it is named in
// [api.StaleHeader], and so is one that answers with its last known state. If none
// answers, there is no answer.
func gather[T any](h handlers, r *api.Request, all []provider.Provider, within time.Duration, ask func(context.Context, provider.Provider) ([]T, error)) ([]T, error) {
	ctx, cancel := context.WithTimeout(r.Context(), within)
	defer cancel()
	answers, failures := make([][]T, len(all)), make([]error, len(all))
	var wg sync.WaitGroup
	for i, p := range all {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil { // nobody else would: this is another goroutine than the handler's
					failures[i] = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
				}
			}()
			answers[i], failures[i] = ask(ctx, p)
		})
	}
	wg.Wait()
	var (
		out  []T
		lost error // why an account is not in it
		some bool  // one is
	)
	for i, p := range all {
		if err := failures[i]; err != nil {
			level := slog.LevelDebug // whoever watches the account says it already
			if gennaker.KindOf(err) != gennaker.Unavailable {
				level = slog.LevelWarn
			}
			h.Log.Log(ctx, level, "answer without an account", "account", p.Account.Name, "error", err)
			note(r, stale(p.Account.Name, gennaker.AccountState{}))
			if lost == nil {
				lost = err
			}
			continue
		}
		some = true
		out = append(out, answers[i]...)
		aged(r, p)
	}
	if lost != nil && !some {
		return nil, lost
	}
	return out, nil
}

// aged notes that the answer shows the last known state of p, if that is so.
func aged(r *api.Request, p provider.Provider) {
	if p.State == nil {
		return
	}
	if state := p.State(); !state.Connected {
		note(r, stale(p.Account.Name, state))
	}
}

// note adds a value to [api.StaleHeader], once.
func note(r *api.Request, value string) {
	if !slices.Contains(r.Answer.Values(api.StaleHeader), value) {
		r.Answer.Add(api.StaleHeader, value)
	}
}

// stale returns a value of [api.StaleHeader]. Names of accounts are the
// configuration's, and might be anything.
func stale(account string, state gennaker.AccountState) string {
	account = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, account)
	at := state.SeenAt
	if at.IsZero() {
		at = state.Since
	}
	if at.IsZero() {
		return account
	}
	return account + "=" + at.UTC().Format(time.RFC3339)
}

// absent returns the accounts that the answer lacks.
func absent(r *api.Request) []string {
	return slices.DeleteFunc(slices.Clone(r.Answer[api.StaleHeader]), func(v string) bool { return strings.Contains(v, "=") })
}

package fetch

import (
	"context"
	"sync"

	"github.com/gennaker/gennaker/internal/artifact/fetch/cache"
)

// flights lets those who want the same thing at the same time wait for one
// download. It goes on as long as somebody waits.
type flights struct {
	mu    sync.Mutex
	byKey map[string]*flight
}

type flight struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiting int

	mu    sync.Mutex // of what is below
	told  map[*Progress]struct{}
	entry cache.Entry
	err   error
}

// do returns the result of run, which was started now or by another call with
// the same key.
func (f *flights) do(ctx context.Context, key string, progress Progress, run func(context.Context, Progress) (cache.Entry, error)) (cache.Entry, error) {
	if err := ctx.Err(); err != nil {
		return cache.Entry{}, err
	}
	f.mu.Lock()
	if f.byKey == nil {
		f.byKey = map[string]*flight{}
	}
	fl, ok := f.byKey[key]
	if !ok {
		shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
		fl = &flight{done: make(chan struct{}), cancel: cancel, told: map[*Progress]struct{}{}}
		f.byKey[key] = fl
		go func() {
			defer cancel()
			entry, err := run(shared, fl.tell)
			fl.mu.Lock()
			fl.entry, fl.err = entry, err
			fl.mu.Unlock()
			f.mu.Lock()
			if f.byKey[key] == fl {
				delete(f.byKey, key)
			}
			f.mu.Unlock()
			close(fl.done)
		}()
	}
	fl.waiting++
	f.mu.Unlock()
	fl.listen(&progress, true)
	defer fl.listen(&progress, false)
	select {
	case <-fl.done:
		fl.mu.Lock()
		defer fl.mu.Unlock()
		return fl.entry, fl.err
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl.waiting--; fl.waiting == 0 {
		fl.cancel()
		if f.byKey[key] == fl {
			delete(f.byKey, key) // who comes now starts anew
		}
	}
	return cache.Entry{}, ctx.Err()
}

// listen adds or removes a listener; after removing it is not called any more.
func (fl *flight) listen(p *Progress, on bool) {
	if *p == nil {
		return
	}
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if on {
		fl.told[p] = struct{}{}
	} else {
		delete(fl.told, p)
	}
}

func (fl *flight) tell(done, total int64) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	for p := range fl.told {
		(*p)(done, total)
	}
}

package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// atOnce bounds how many requests one operation makes at the same time.
const atOnce = 16

// parallel calls do with each of all, some at the same time, and returns the
// first error in the order of all. After one has failed no further one is
// begun; those that were are completed.
func parallel[T any](ctx context.Context, all []T, do func(context.Context, T) error) error {
	errs := make([]error, len(all))
	room := make(chan struct{}, atOnce)
	var failed sync.Once
	stop := make(chan struct{})
	var wg sync.WaitGroup
begin:
	for i, x := range all {
		select {
		case <-ctx.Done():
			errs[i] = ctx.Err()
			break begin
		case <-stop:
			break begin
		case room <- struct{}{}:
		}
		wg.Go(func() {
			defer func() { <-room }()
			if errs[i] = do(ctx, x); errs[i] != nil {
				failed.Do(func() { close(stop) })
			}
		})
	}
	wg.Wait()
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return fmt.Errorf("%w (and %d more failed)", errs[0], len(errs)-1)
}

// sleep returns false if ctx ended before d passed.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

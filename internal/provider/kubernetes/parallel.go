package kubernetes

import (
	"context"
	"errors"
	"sync"
	"time"
)

// atOnce bounds how many requests one operation makes at the same time.
const atOnce = 16

// parallel calls do with each of all, some at the same time, and returns their
// errors, which are in the order of all. After one has failed no further one is
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
	for _, err := range errs {
		if err != nil && errorCount(errs) == 1 {
			return err
		}
	}
	return errors.Join(errs...)
}

func errorCount(errs []error) (n int) {
	for _, err := range errs {
		if err != nil {
			n++
		}
	}
	return n
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

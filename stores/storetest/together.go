package storetest

import (
	"context"
	"errors"
	"sync"
	"time"
)

// together runs n goroutines and reports their errors. The first error ends the others' context, and so does the
// timeout; goroutines that do not end even then are taken to be deadlocked in the store and left behind.
func (e *env[K, V]) together(n int, run func(ctx context.Context, i int) error) {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), e.cfg.Timeout)
	defer cancel()
	errs := make(chan error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := run(ctx, i); err != nil {
				errs <- err
				cancel()
			}
		})
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	e.await(ctx, done)
	close(errs)
	e.report(ctx, errs)
}

func (e *env[K, V]) await(ctx context.Context, done <-chan struct{}) {
	e.Helper()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	grace := time.NewTimer(time.Second + e.cfg.Timeout/4)
	defer grace.Stop()
	select {
	case <-done:
	case <-grace.C:
		e.Fatalf("the store does not return although the context is done (timeout %v): it is deadlocked", e.cfg.Timeout)
	}
}

// report shows the first errors. The very first one ended the context; those of goroutines that were stopped by that say
// nothing.
func (e *env[K, V]) report(ctx context.Context, errs <-chan error) {
	e.Helper()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		e.Errorf("not done after %v: the store is far too slow, or nobody gets on", e.cfg.Timeout)
	}
	shown := 0
	for err := range errs {
		if shown == 0 || shown < 3 && !errors.Is(err, ctx.Err()) {
			e.Error(err)
			shown++
		}
	}
}

// inTime runs a step that a store with locks in the wrong place hangs in.
func (e *env[K, V]) inTime(run func(ctx context.Context) error) {
	e.Helper()
	e.together(1, func(ctx context.Context, _ int) error { return run(ctx) })
}

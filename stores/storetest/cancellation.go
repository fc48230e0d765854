package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// testCancellation checks that a context that is done before a call leaves no trace, and that a scan that is cancelled
// does not look like one that is complete.
func testCancellation[K, V any](e *env[K, V]) {
	for name, done := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"cancelled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		},
		"past its deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithDeadline(ctx, time.Unix(0, 0))
		},
	} {
		e.fresh(name, func(e *env[K, V]) {
			ctx, cancel := done(e.Context())
			defer cancel()
			key, gone := e.newKey(), e.newKey()
			live := e.plant(key, stores.Meta{Version: e.stamp()}, 1)
			tomb := e.plant(gone, stores.Meta{Version: e.stamp(), Deleted: true}, 0)
			for op, err := range e.callAll(ctx, key, live.Version, gone, tomb.Version) {
				if isUnsupported(err) {
					e.Logf("%s: the store has none", op)
					continue
				}
				e.isError(op, err, ctx.Err())
			}
			e.holds(key, live)
			e.holds(gone, tomb)
		})
	}
	e.fresh("during a write", testEndsDuringACall[K, V])
	e.fresh("during a scan", func(e *env[K, V]) {
		e.fill(scanned)
		ctx, cancel := context.WithCancel(e.Context())
		defer cancel()
		if err := e.scanUntil(ctx, 10, scanned, cancel, context.Canceled); err != nil {
			e.Error(err)
		}
	})
}

// callAll calls everything that takes a context, in ways that would have an effect, and returns the errors by operation.
func (e *env[K, V]) callAll(ctx context.Context, key K, v stores.Version, gone K, tomb stores.Version) map[string]error {
	e.Helper()
	next := e.stamp()
	w := stores.Write[K, V]{Key: key, Record: e.record(stores.Meta{Version: next}, 2), If: stores.IfOlder(next)}
	errs := map[string]error{}
	_, errs["get"] = e.s.Get(ctx, key)
	errs["put"] = e.s.Put(ctx, w)
	errs["scan"] = scanError(ctx, e.s)
	if b, ok := e.s.(stores.BatchReader[K, V]); ok {
		res, err := b.GetMany(ctx, []K{key})
		for _, r := range res {
			err = errors.Join(err, r.Err)
		}
		errs["get many"] = err
	}
	if b, ok := e.s.(stores.BatchWriter[K, V]); ok {
		items, err := b.PutMany(ctx, []stores.Write[K, V]{w})
		errs["put many"] = errors.Join(append(items, err)...)
	}
	if sg, ok := e.s.(stores.Segmenter); ok {
		_, errs["segments"] = sg.Segments(ctx, 2)
	}
	if c, ok := e.s.(stores.Counter); ok {
		_, errs["approximate count"] = c.ApproxCount(ctx)
	}
	if p, ok := e.s.(stores.Purger[K]); ok {
		items, err := p.Purge(ctx, []stores.PurgeTarget[K]{{Key: key, Version: v}, {Key: gone, Version: tomb}})
		errs["purge"] = errors.Join(append(items, err)...)
	}
	if p, ok := e.s.(stores.PairWriter[K, V]); ok {
		other := w
		other.Key = gone
		errs["put pair"] = p.PutPair(ctx, w, e.s, other)
	}
	return errs
}

func scanError[K, V any](ctx context.Context, s stores.Store[K, V]) error {
	for _, err := range s.Scan(ctx, "", nil) {
		return err
	}
	return errors.New("the scan yields nothing")
}

func isUnsupported(err error) bool { return errors.Is(err, errors.ErrUnsupported) }

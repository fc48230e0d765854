package storetest

import (
	"context"
	"sync/atomic"

	"github.com/dualwrite/dualwrite/stores"
)

// ending is a context that ends while a call looks at it: when it is asked for the n-th time.
type ending struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func newEnding(ctx context.Context, n int) *ending {
	e := new(ending)
	e.Context, e.cancel = context.WithCancel(ctx)
	e.left.Store(int64(n))
	return e
}

func (e *ending) look() {
	if e.left.Add(-1) == 0 {
		e.cancel()
	}
}

func (e *ending) Err() error            { e.look(); return e.Context.Err() }
func (e *ending) Done() <-chan struct{} { e.look(); return e.Context.Done() }

// testEndsDuringACall lets contexts end at every moment of a write: whatever the answer is, it has to be true.
func testEndsDuringACall[K, V any](e *env[K, V]) {
	for name, put := range map[string]func(context.Context, stores.Write[K, V]) error{"put": e.s.Put, "put many": e.putInBatch} {
		for n := range 12 {
			key, v := e.newKey(), e.stamp()
			ctx := newEnding(e.Context(), n+1)
			err := put(ctx, stores.Write[K, V]{Key: key, Record: e.record(stores.Meta{Version: v}, 1), If: stores.IfOlder(v)})
			ctx.cancel()
			outcome, _ := stores.OutcomeOf(err)
			got, gone := stores.OrAbsent(e.s.Get(e.Context(), key))
			switch applied := got.Version.Same(v); {
			case gone != nil:
				e.Error(gone)
			case outcome == stores.OutcomeApplied && !applied:
				e.Errorf("%s: the context ends at look %d: the write is acknowledged and is not there", name, n+1)
			case outcome != stores.OutcomeApplied && outcome != stores.OutcomeUnknown && applied:
				e.Errorf("%s: the context ends at look %d: the write is there, and the answer is that it certainly had no effect: %v", name, n+1, err)
			}
		}
	}
}

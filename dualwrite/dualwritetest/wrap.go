package dualwritetest

import (
	"context"
	"errors"
	"iter"

	"github.com/dualwrite/dualwrite/stores"
)

// untouchable is the place that a phase has nothing to do with. It hides what the store can do beside the four methods on
// purpose, as each call of those that it has is an error.
type untouchable[K, V any] struct {
	inner stores.Store[K, V]
	f     *fixture[K, V]
}

// Keys implements [stores.Store]; it is no I/O.
func (u untouchable[K, V]) Keys() stores.KeyCodec[K] { return u.inner.Keys() }

// Get implements [stores.Store].
func (u untouchable[K, V]) Get(ctx context.Context, key K) (stores.Record[V], error) {
	u.f.Errorf("%v reads from the other place", u.f.world.from)
	return u.inner.Get(ctx, key)
}

// Put implements [stores.Store].
func (u untouchable[K, V]) Put(ctx context.Context, w stores.Write[K, V]) error {
	u.f.Errorf("%v writes to the other place", u.f.world.from)
	return u.inner.Put(ctx, w)
}

// Scan implements [stores.Store].
func (u untouchable[K, V]) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[K, V], error] {
	u.f.Errorf("%v scans the other place", u.f.world.from)
	return u.inner.Scan(ctx, seg, after)
}

// watched calls written after each write to a place. It has no batches and no pair writes, so that every write comes by: one
// place after the other, also where both can commit together.
type watched[K, V any] struct {
	stores.Forward[K, V]
	written func()
}

// PutMany implements [stores.BatchWriter].
func (watched[K, V]) PutMany(context.Context, []stores.Write[K, V]) ([]error, error) {
	return nil, errors.ErrUnsupported
}

// PutPair implements [stores.PairWriter].
func (watched[K, V]) PutPair(context.Context, stores.Write[K, V], stores.Store[K, V], stores.Write[K, V]) error {
	return errors.ErrUnsupported
}

// Put implements [stores.Store].
func (w watched[K, V]) Put(ctx context.Context, wr stores.Write[K, V]) error {
	err := w.Store.Put(ctx, wr)
	if err == nil {
		w.written()
	}
	return err
}

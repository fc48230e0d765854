package dualwritetest

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"

	"github.com/dualwrite/dualwrite/stores"
)

// place is one of the configuration's stores in one schedule: texts under one key, whose calls are made outside.
type place[K, V any] struct {
	store   stores.Store[K, V]
	texts   *texts[K, V]
	outside *outside
	calls   *atomic.Int64
}

// Keys implements [stores.Store].
func (p *place[K, V]) Keys() stores.KeyCodec[string] { return stores.StringKeys[string]() }

// Get implements [stores.Store].
func (p *place[K, V]) Get(_ context.Context, _ string) (r stores.Record[string], err error) {
	p.do(func(ctx context.Context) {
		var found stores.Record[V]
		if found, err = p.store.Get(ctx, p.texts.key); err != nil {
			err = plain(err)
			return
		}
		r = p.texts.record(found)
	})
	return r, err
}

// Put implements [stores.Store].
func (p *place[K, V]) Put(_ context.Context, w stores.Write[string, string]) (err error) {
	p.do(func(ctx context.Context) {
		var mine stores.Write[K, V]
		if mine, err = p.texts.write(w); err == nil {
			err = plain(p.store.Put(ctx, mine))
		}
	})
	return err
}

// PutPair implements [stores.PairWriter] for stores that can.
func (p *place[K, V]) PutPair(
	_ context.Context, w stores.Write[string, string], other stores.Store[string, string], theirs stores.Write[string, string],
) (err error) {
	o, ok := other.(*place[K, V])
	if !ok {
		return errors.ErrUnsupported
	}
	p.do(func(ctx context.Context) {
		mine, err1 := p.texts.write(w)
		yours, err2 := p.texts.write(theirs)
		if err = errors.Join(err1, err2); err == nil {
			err = plain(stores.PutPair(ctx, p.store, mine, o.store, yours))
		}
	})
	return err
}

// Scan implements [stores.Store]. Nobody asks for it: in a schedule, which has a single key, a scan is a Get.
func (p *place[K, V]) Scan(context.Context, stores.Segment, []byte) iter.Seq2[stores.Entry[string, string], error] {
	return func(yield func(stores.Entry[string, string], error) bool) {
		yield(stores.Entry[string, string]{}, errors.ErrUnsupported)
	}
}

func (p *place[K, V]) do(f func(ctx context.Context)) {
	p.calls.Add(1)
	p.outside.do(f)
}

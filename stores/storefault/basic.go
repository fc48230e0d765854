package storefault

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/dualwrite/dualwrite/stores"
)

// Close closes the inner store if it can be closed. Later calls answer [stores.ErrClosed] either way.
func (s *Store[K, V]) Close() error {
	s.closed.Store(true)
	if c, ok := s.Store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Get implements [stores.Store].
func (s *Store[K, V]) Get(ctx context.Context, key K) (r stores.Record[V], err error) {
	err = s.call(ctx, OpGet, func() []Item { return []Item{s.keyItem(key)} }, func() (err error) {
		r, err = s.Store.Get(ctx, key)
		return err
	})
	if err != nil {
		return stores.Record[V]{}, err
	}
	return r, nil
}

// Put implements [stores.Store].
func (s *Store[K, V]) Put(ctx context.Context, w stores.Write[K, V]) error {
	return s.call(ctx, OpPut, func() []Item { return []Item{s.writeItem(w)} }, func() error { return s.Store.Put(ctx, w) })
}

// Scan implements [stores.Store]. A scan is one call, from its first record to its last.
func (s *Store[K, V]) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[K, V], error] {
	return s.scan(ctx, s.Store.Scan(ctx, seg, after))
}

// ScanNoting implements [stores.ExactScanner]; it is an OpScan.
func (s *Store[K, V]) ScanNoting(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[K, V], error] {
	return s.scan(ctx, s.forward.ScanNoting(ctx, seg, after))
}

// ScanMeta implements [stores.MetaReader]; it is an OpScan.
func (s *Store[K, V]) ScanMeta(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[K, V], error] {
	return s.scan(ctx, s.forward.ScanMeta(ctx, seg, after))
}

func (s *Store[K, V]) scan(ctx context.Context, inner iter.Seq2[stores.Entry[K, V], error]) iter.Seq2[stores.Entry[K, V], error] {
	return func(yield func(stores.Entry[K, V], error) bool) {
		left := false
		err, late := s.around(ctx, OpScan, noItems, func(_ Call, f *Fault) error {
			if f.prevents() {
				return f.strike()
			}
			n := 0
			for e, err := range inner {
				if f.Kind == FailAfter && n == f.Records {
					break
				}
				if err != nil && !isRecordError(err) {
					return err
				}
				n++
				if !yield(e, err) {
					left = true
					return nil
				}
			}
			if f.Kind == FailAfter {
				return f.strike()
			}
			return nil
		})
		if late != nil {
			err = late
		}
		if err != nil && !left {
			yield(stores.Entry[K, V]{}, err)
		}
	}
}

func isRecordError(err error) bool {
	var bad *stores.RecordError
	return errors.As(err, &bad)
}

func noItems() []Item { return nil }

package stores

import (
	"context"
	"errors"
	"iter"
)

// Forward is a store around another one that changes nothing: embed it in a wrapper, and write only the methods that the
// wrapper is about. It has every capability of this package, and answers [errors.ErrUnsupported] where the inner store has none,
// which the functions of this package take for "has none". So no wrapper drops a capability, one that is added later included.
//
// A wrapper that has to see every call of a kind writes all methods of that kind, or answers errors.ErrUnsupported in those
// that it does without: then the fallback comes by.
//
//   - reads: Get, GetMany, GetMetas, Scan, ScanMeta, ScanNoting
//   - writes: Put, PutMany, PutPair, Purge. The inner store looks through a wrapper for the other half of a pair, so that this does
//     not come by the other store's wrapper.
//   - what needs no I/O: Keys, Check, RoundTrip, CheckContext, Range, SamePlace
//
// Forward has no Close: whoever opened the inner store closes it, or the wrapper has one of its own.
type Forward[K, V any] struct {
	// Store is the inner store.
	Store[K, V]
}

// Unwrap implements [Wrapper].
func (f Forward[K, V]) Unwrap() Store[K, V] { return f.Store }

// GetMany implements [BatchReader].
func (f Forward[K, V]) GetMany(ctx context.Context, keys []K) ([]Result[V], error) {
	if b, ok := f.Store.(BatchReader[K, V]); ok {
		return b.GetMany(ctx, keys)
	}
	return nil, unsupported("batch read", f.Store)
}

// ScanMeta implements [MetaReader].
func (f Forward[K, V]) ScanMeta(ctx context.Context, seg Segment, after []byte) iter.Seq2[Entry[K, V], error] {
	if m, ok := f.Store.(MetaReader[K, V]); ok {
		return m.ScanMeta(ctx, seg, after)
	}
	return noScan[K, V](unsupported("scan of metadata", f.Store))
}

// GetMetas implements [MetaReader].
func (f Forward[K, V]) GetMetas(ctx context.Context, keys []K) ([]Result[V], error) {
	if m, ok := f.Store.(MetaReader[K, V]); ok {
		return m.GetMetas(ctx, keys)
	}
	return nil, unsupported("read of metadata", f.Store)
}

// ScanNoting implements [ExactScanner].
func (f Forward[K, V]) ScanNoting(ctx context.Context, seg Segment, after []byte) iter.Seq2[Entry[K, V], error] {
	if e, ok := f.Store.(ExactScanner[K, V]); ok {
		return e.ScanNoting(ctx, seg, after)
	}
	return noScan[K, V](unsupported("noting scan", f.Store))
}

// PutMany implements [BatchWriter].
func (f Forward[K, V]) PutMany(ctx context.Context, writes []Write[K, V]) ([]error, error) {
	if b, ok := f.Store.(BatchWriter[K, V]); ok {
		return b.PutMany(ctx, writes)
	}
	return nil, unsupported("batch write", f.Store)
}

// Segments implements [Segmenter].
func (f Forward[K, V]) Segments(ctx context.Context, n int) ([]Segment, error) {
	if sg, ok := f.Store.(Segmenter); ok {
		return sg.Segments(ctx, n)
	}
	return nil, unsupported("segments", f.Store)
}

// Bounds implements [KeyOrdered].
func (f Forward[K, V]) Bounds(ctx context.Context, n int) ([][]byte, error) {
	return Bounds(ctx, f.Store, n)
}

// Range implements [KeyOrdered].
func (f Forward[K, V]) Range(from, to []byte) (Segment, error) { return Range(f.Store, from, to) }

// ApproxCount implements [Counter].
func (f Forward[K, V]) ApproxCount(ctx context.Context) (int64, error) {
	return ApproxCount(ctx, f.Store)
}

// Purge implements [Purger].
func (f Forward[K, V]) Purge(ctx context.Context, targets []PurgeTarget[K]) ([]error, error) {
	return Purge(ctx, f.Store, targets)
}

// PutPair implements [PairWriter].
func (f Forward[K, V]) PutPair(ctx context.Context, mine Write[K, V], other Store[K, V], theirs Write[K, V]) error {
	return PutPair(ctx, f.Store, mine, other, theirs)
}

// SamePlace implements [SamePlacer].
func (f Forward[K, V]) SamePlace(other Store[K, V]) bool { return SamePlace(f.Store, other) }

// Check implements [Checker].
func (f Forward[K, V]) Check(w Write[K, V]) error {
	if c, ok := f.Store.(Checker[K, V]); ok {
		return c.Check(w)
	}
	return unsupported("check", f.Store)
}

// RoundTrip implements [RoundTripper].
func (f Forward[K, V]) RoundTrip(key K, v V) (V, error) {
	if r, ok := f.Store.(RoundTripper[K, V]); ok {
		return r.RoundTrip(key, v)
	}
	return v, unsupported("round trip", f.Store)
}

// CheckContext implements [ContextChecker].
func (f Forward[K, V]) CheckContext(ctx context.Context) error { return CheckContext(ctx, f.Store) }

// noScan is how a scan says that there is none of its kind: an error that Is errors.ErrUnsupported, and nothing before it.
func noScan[K, V any](err error) iter.Seq2[Entry[K, V], error] {
	return func(yield func(Entry[K, V], error) bool) { yield(Entry[K, V]{}, err) }
}

// scanOr is the scan of a capability, or the plain one where there is none.
func scanOr[K, V any](special, plain iter.Seq2[Entry[K, V], error]) iter.Seq2[Entry[K, V], error] {
	return func(yield func(Entry[K, V], error) bool) {
		first := true
		for e, err := range special {
			if first && err != nil && errors.Is(err, errors.ErrUnsupported) && !isRecordError(err) {
				plain(yield)
				return
			}
			if first = false; !yield(e, err) {
				return
			}
		}
	}
}

func isRecordError(err error) bool {
	var bad *RecordError
	return errors.As(err, &bad)
}

package storetest

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"strings"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
)

// Wrapper finds what a store around another one drops: every capability that inner has has to be there in outer too, and work.
// [stores.Forward] gives a wrapper all of them. The calls that it makes change nothing; key and value are any that the store
// takes. [Run] does this by itself for a store that is a [stores.Wrapper].
func Wrapper[K, V any](tb testing.TB, inner, outer stores.Store[K, V], key K, value V) {
	tb.Helper()
	w := stores.Write[K, V]{Key: key, Record: stores.Record[V]{Value: value}} // no store takes it: it has no version
	_, wraps := outer.(stores.Wrapper[K, V])
	for _, c := range capabilities[K, V]() {
		switch name, _, _ := strings.Cut(c.is.Name(), "["); {
		case c.is == reflect.TypeFor[stores.Wrapper[K, V]]():
			if !c.in(outer) {
				tb.Errorf("%T has no Unwrap: a pair write and SamePlace do not see that it is around %T; embed stores.Forward", outer, inner)
			}
		case c.below && wraps && !c.in(outer): // it is found in the inner store
		case !c.in(inner) || errors.Is(c.ask(tb.Context(), inner, w), errors.ErrUnsupported):
		case !c.in(outer):
			tb.Errorf("%T is no stores.%s, which %T is: embed stores.Forward", outer, name, inner)
		case errors.Is(c.ask(tb.Context(), outer, w), errors.ErrUnsupported):
			tb.Errorf("%T answers that it has no stores.%s, which %T has", outer, name, inner)
		}
	}
}

// testWrapper is for stores that are around another one.
func testWrapper[K, V any](e *env[K, V]) {
	e.fresh("has all capabilities", func(e *env[K, V]) {
		w, ok := e.s.(stores.Wrapper[K, V])
		if !ok {
			e.Skip("the store is around no other one")
		}
		Wrapper(e, w.Unwrap(), e.s, e.cfg.Key(0), e.cfg.Value(0))
	})
}

// capability is an optional interface of package stores, and a call of it that has no effect.
type capability[K, V any] struct {
	is  reflect.Type
	ask func(context.Context, stores.Store[K, V], stores.Write[K, V]) error
	// below says that it is looked for in what a wrapper is around, too.
	below bool
}

func (c capability[K, V]) in(s stores.Store[K, V]) bool {
	return s != nil && reflect.TypeOf(s).Implements(c.is)
}

// of makes a capability of a call.
func of[C, K, V any](ask func(context.Context, C, stores.Write[K, V]) error) capability[K, V] {
	return capability[K, V]{is: reflect.TypeFor[C](), ask: func(ctx context.Context, s stores.Store[K, V], w stores.Write[K, V]) error {
		return ask(ctx, s.(C), w)
	}}
}

func (c capability[K, V]) foundBelow() capability[K, V] {
	c.below = true
	return c
}

// capabilities are all that there are.
func capabilities[K, V any]() []capability[K, V] {
	type (
		store = stores.Store[K, V]
		write = stores.Write[K, V]
	)
	return []capability[K, V]{
		of(func(context.Context, stores.Wrapper[K, V], write) error { return nil }),
		of(func(ctx context.Context, s stores.BatchReader[K, V], _ write) error {
			return second(s.GetMany(ctx, nil))
		}),
		of(func(ctx context.Context, s stores.MetaReader[K, V], _ write) error {
			if noScan(s.ScanMeta(ctx, "", nil)) {
				return errors.ErrUnsupported
			}
			return second(s.GetMetas(ctx, nil))
		}),
		of(func(ctx context.Context, s stores.ExactScanner[K, V], _ write) error {
			if noScan(s.ScanNoting(ctx, "", nil)) {
				return errors.ErrUnsupported
			}
			return nil
		}),
		of(func(ctx context.Context, s stores.BatchWriter[K, V], _ write) error {
			return second(s.PutMany(ctx, nil))
		}),
		of(func(ctx context.Context, s stores.Segmenter, _ write) error { return second(s.Segments(ctx, 1)) }),
		of(func(ctx context.Context, s stores.KeyOrdered, _ write) error {
			_, err := s.Bounds(ctx, 1)
			return errors.Join(err, second(s.Range(nil, nil)))
		}),
		of(func(ctx context.Context, s stores.Counter, _ write) error { return second(s.ApproxCount(ctx)) }),
		of(func(ctx context.Context, s stores.Purger[K], _ write) error { return second(s.Purge(ctx, nil)) }),
		of(func(ctx context.Context, s stores.PairWriter[K, V], w write) error {
			return s.PutPair(ctx, w, s.(store), w)
		}),
		of(func(_ context.Context, s stores.SamePlacer[K, V], _ write) error {
			if !s.SamePlace(s.(store)) {
				return errors.ErrUnsupported
			}
			return nil
		}).foundBelow(),
		of(func(_ context.Context, s stores.Checker[K, V], w write) error { return s.Check(w) }),
		of(func(_ context.Context, s stores.RoundTripper[K, V], w write) error {
			return second(s.RoundTrip(w.Key, w.Record.Value))
		}),
		of(func(ctx context.Context, s stores.ContextChecker, _ write) error { return s.CheckContext(ctx) }).foundBelow(),
	}
}

func second[T any](_ T, err error) error { return err }

// noScan tells a scan that says that there is none of its kind.
func noScan[E any](scan iter.Seq2[E, error]) bool {
	for _, err := range scan {
		return errors.Is(err, errors.ErrUnsupported)
	}
	return false
}

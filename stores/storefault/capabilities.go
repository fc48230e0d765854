package storefault

import (
	"context"
	"errors"

	"github.com/dualwrite/dualwrite/stores"
)

// GetMany implements [stores.BatchReader].
func (s *Store[K, V]) GetMany(ctx context.Context, keys []K) ([]stores.Result[V], error) {
	inner, ok := s.Store.(stores.BatchReader[K, V])
	if !ok {
		return nil, errors.ErrUnsupported
	}
	fail := func(err error) stores.Result[V] { return stores.Result[V]{Err: err} }
	res, err, late := batch(ctx, s, OpGetMany, keys, s.keyItem, fail, func(keys []K) ([]stores.Result[V], error) {
		return inner.GetMany(ctx, keys)
	})
	if late != nil {
		return nil, late
	}
	return res, err
}

// GetMetas implements [stores.MetaReader]; it is an OpGetMany.
func (s *Store[K, V]) GetMetas(ctx context.Context, keys []K) ([]stores.Result[V], error) {
	inner, ok := s.Store.(stores.MetaReader[K, V])
	if !ok {
		return nil, errors.ErrUnsupported
	}
	fail := func(err error) stores.Result[V] { return stores.Result[V]{Err: err} }
	res, err, late := batch(ctx, s, OpGetMany, keys, s.keyItem, fail, func(keys []K) ([]stores.Result[V], error) {
		return inner.GetMetas(ctx, keys)
	})
	if late != nil {
		return nil, late
	}
	return res, err
}

// PutMany implements [stores.BatchWriter].
func (s *Store[K, V]) PutMany(ctx context.Context, writes []stores.Write[K, V]) ([]error, error) {
	inner, ok := s.Store.(stores.BatchWriter[K, V])
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return batchOfWrites(ctx, s, OpPutMany, writes, s.writeItem, inner.PutMany)
}

// Purge implements [stores.Purger].
func (s *Store[K, V]) Purge(ctx context.Context, targets []stores.PurgeTarget[K]) ([]error, error) {
	inner, ok := s.Store.(stores.Purger[K])
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return batchOfWrites(ctx, s, OpPurge, targets, s.purgeItem, inner.Purge)
}

// batchOfWrites turns an error of the After hook into one for each item: an error for the whole batch would say that
// nothing was tried.
func batchOfWrites[K, V, A any](
	ctx context.Context, s *Store[K, V], op Op, args []A, item func(A) Item, do func(context.Context, []A) ([]error, error),
) ([]error, error) {
	fail := func(err error) error { return err }
	errs, err, late := batch(ctx, s, op, args, item, fail, func(args []A) ([]error, error) { return do(ctx, args) })
	if late != nil {
		errs, err = make([]error, len(args)), nil
		for i := range errs {
			errs[i] = late
		}
	}
	return errs, err
}

// Segments implements [stores.Segmenter].
func (s *Store[K, V]) Segments(ctx context.Context, n int) (segs []stores.Segment, err error) {
	inner, ok := s.Store.(stores.Segmenter)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	err = s.call(ctx, OpSegments, noItems, func() (err error) {
		segs, err = inner.Segments(ctx, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	return segs, nil
}

// ApproxCount implements [stores.Counter].
func (s *Store[K, V]) ApproxCount(ctx context.Context) (n int64, err error) {
	inner, ok := s.Store.(stores.Counter)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	err = s.call(ctx, OpApproxCount, noItems, func() (err error) {
		n, err = inner.ApproxCount(ctx)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// PutPair implements [stores.PairWriter]. It is a call of this store: if the other one is a storefault too, that one's
// rules, hooks and counts do not see it.
func (s *Store[K, V]) PutPair(ctx context.Context, mine stores.Write[K, V], other stores.Store[K, V], theirs stores.Write[K, V]) error {
	inner, ok := s.Store.(stores.PairWriter[K, V])
	if !ok {
		return errors.ErrUnsupported
	}
	items := itemsOf([]stores.Write[K, V]{mine, theirs}, s.writeItem)
	return s.call(ctx, OpPutPair, items, func() error { return inner.PutPair(ctx, mine, other, theirs) })
}

// Check implements [stores.Checker].
func (s *Store[K, V]) Check(w stores.Write[K, V]) error {
	inner, ok := s.Store.(stores.Checker[K, V])
	if !ok {
		return errors.ErrUnsupported
	}
	return s.call(context.Background(), OpCheck, func() []Item { return []Item{s.writeItem(w)} }, func() error { return inner.Check(w) })
}

// RoundTrip implements [stores.RoundTripper].
func (s *Store[K, V]) RoundTrip(key K, v V) (rv V, err error) {
	inner, ok := s.Store.(stores.RoundTripper[K, V])
	if !ok {
		return rv, errors.ErrUnsupported
	}
	err = s.call(context.Background(), OpRoundTrip, noItems, func() (err error) {
		rv, err = inner.RoundTrip(key, v)
		return err
	})
	return rv, err
}

// Bounds implements [stores.KeyOrdered]; it is an OpSegments.
func (s *Store[K, V]) Bounds(ctx context.Context, n int) (keys [][]byte, err error) {
	inner, ok := s.Store.(stores.KeyOrdered)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	err = s.call(ctx, OpSegments, noItems, func() (err error) {
		keys, err = inner.Bounds(ctx, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

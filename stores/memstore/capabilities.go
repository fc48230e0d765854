package memstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
)

// GetMany implements [stores.BatchReader].
func (s *Store[K, V]) GetMany(ctx context.Context, keys []K) ([]stores.Result[V], error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	res := make([]stores.Result[V], len(keys))
	for i, key := range keys {
		res[i].Record, res[i].Err = s.get(key)
	}
	return res, nil
}

// PutMany implements [stores.BatchWriter]: one write after the other, in argument order.
func (s *Store[K, V]) PutMany(ctx context.Context, writes []stores.Write[K, V]) ([]error, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	errs := make([]error, len(writes))
	for i := range writes {
		errs[i] = s.put(&writes[i])
	}
	return errs, nil
}

// ApproxCount implements [stores.Counter]; the number is exact.
func (s *Store[K, V]) ApproxCount(ctx context.Context) (int64, error) {
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return int64(len(s.index.byKey)), nil
}

// Check implements [stores.Checker]: it encodes, there is no limit of size.
func (s *Store[K, V]) Check(w stores.Write[K, V]) error {
	buf, _, err := s.prepare(&w)
	s.buffers.Put(buf)
	return err
}

// RoundTrip implements [stores.RoundTripper].
func (s *Store[K, V]) RoundTrip(_ K, v V) (V, error) {
	r := stores.Record[V]{Meta: stores.Meta{Version: stores.Unstamped}, Value: v}
	kept, err := s.codec.pack(&r)
	if err == nil {
		r, err = s.codec.unpack(r.Meta, kept)
	}
	return r.Value, err
}

// Purge implements [stores.Purger].
func (s *Store[K, V]) Purge(ctx context.Context, targets []stores.PurgeTarget[K]) ([]error, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	errs := make([]error, len(targets))
	for i, t := range targets {
		errs[i] = s.purge(t)
	}
	return errs, nil
}

func (s *Store[K, V]) purge(t stores.PurgeTarget[K]) error {
	buf, err := s.canonical(t.Key)
	defer s.buffers.Put(buf)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.index.get(*buf)
	switch {
	case e == nil || !e.meta.Version.Same(t.Version):
		return &stores.ConditionError{Stored: s.index.stored(*buf)}
	case e.meta.Deleted:
		s.index.remove(*buf)
	default:
		e.meta = stores.Meta{Version: stores.Unstamped}
	}
	return nil
}

// PutPair implements [stores.PairWriter] for any two memstores of one type, wrapped or not; one may be both, for two
// different keys.
func (s *Store[K, V]) PutPair(ctx context.Context, mine stores.Write[K, V], other stores.Store[K, V], theirs stores.Write[K, V]) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	o, ok := stores.As[*Store[K, V]](other)
	if !ok {
		return fmt.Errorf("memstore: no pair write with a %T: %w", other, errors.ErrUnsupported)
	}
	if err := o.ready(ctx); err != nil {
		return err
	}
	bufMine, keptMine, errMine := s.prepare(&mine)
	defer s.buffers.Put(bufMine)
	bufTheirs, keptTheirs, errTheirs := o.prepare(&theirs)
	defer o.buffers.Put(bufTheirs)
	if s == o && string(*bufMine) == string(*bufTheirs) {
		return stores.Permanent(errors.New("memstore: a pair of writes is to two records, not twice to one"))
	}

	unlock := lockBoth(s, o)
	defer unlock()
	if errMine == nil {
		errMine = s.index.refuse(*bufMine, mine.If)
	}
	if errTheirs == nil {
		errTheirs = o.index.refuse(*bufTheirs, theirs.If)
	}
	if errMine != nil || errTheirs != nil {
		return &stores.PairError{First: errMine, Second: errTheirs}
	}
	s.index.set(*bufMine, mine.MetaOver(s.index.stored(*bufMine).Version), keptMine)
	o.index.set(*bufTheirs, theirs.MetaOver(o.index.stored(*bufTheirs).Version), keptTheirs)
	return nil
}

// lockBoth waits for one lock and only tries the other, so that two pairs that name the stores in opposite order can not
// wait for each other.
func lockBoth[K, V any](a, b *Store[K, V]) (unlock func()) {
	a.mu.Lock()
	if a == b {
		return a.mu.Unlock
	}
	for !b.mu.TryLock() {
		a.mu.Unlock()
		a, b = b, a
		a.mu.Lock()
	}
	return func() {
		a.mu.Unlock()
		b.mu.Unlock()
	}
}

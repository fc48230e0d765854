package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
)

// PutPair commits a write to this view and one to another view of the same file in one transaction, or neither. See
// stores.PairWriter. It looks through stores.Wrapper to find the other view; errors.ErrUnsupported if that is none of
// this file.
func (s *Store[K, V]) PutPair(ctx context.Context, mine stores.Write[K, V], other stores.Store[K, V], theirs stores.Write[K, V]) error {
	o, ok := stores.As[*Store[K, V]](other)
	if !ok || o.db != s.db {
		return fmt.Errorf("boltstore: a pair write needs two views of one file: %w", errors.ErrUnsupported)
	}
	j := newJob()
	defer j.free()
	j.pair = true
	for i, w := range []*stores.Write[K, V]{&mine, &theirs} {
		if err := []*Store[K, V]{s, o}[i].add(j, w); err != nil {
			j.reject(err)
		}
	}
	if a, b := &j.ops[0], &j.ops[1]; a.err == nil && bytes.Equal(a.bucket, b.bucket) && bytes.Equal(a.key, b.key) {
		return stores.Permanent(errors.New("boltstore: a pair of writes is to two records, not twice to one"))
	}
	s.db.writes.do(ctx, j)
	if j.err != nil {
		return j.err
	}
	if j.ops[0].err != nil || j.ops[1].err != nil {
		return &stores.PairError{First: j.ops[0].err, Second: j.ops[1].err}
	}
	return nil
}

// SamePlace tells whether another store is a view of the same bucket. See stores.SamePlacer.
func (s *Store[K, V]) SamePlace(other stores.Store[K, V]) bool {
	o, ok := stores.As[*Store[K, V]](other)
	return ok && o.db == s.db && bytes.Equal(o.bucket, s.bucket)
}

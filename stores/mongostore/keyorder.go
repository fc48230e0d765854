package mongostore

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores"
)

// sortedAlike tells whether the server sorts ids of K as their default canonical forms sort. It sorts binaries by their length
// first, sub-documents by field, and numbers of several types by value.
func sortedAlike[K any]() bool {
	t := reflect.TypeFor[K]()
	return t == reflect.TypeFor[bson.ObjectID]() || !encodesItself(t) && (t.Kind() == reflect.String || t.Kind() == reflect.Int64)
}

// Bounds implements [stores.KeyOrdered], for ids that are strings, 64-bit integers or ObjectIDs with the default
// [Options.Keys]. Ids of other types are foreign keys.
func (s *Store[K, V]) Bounds(ctx context.Context, n int) ([][]byte, error) {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	if !s.ordered {
		return nil, s.at(nil, fmt.Errorf("keys of this kind have no order that other stores share: %w", errors.ErrUnsupported))
	}
	bounds, err := s.bounds(ctx, n)
	if err != nil {
		return nil, err
	}
	var keys [][]byte
	for _, bound := range bounds {
		if _, canon, err := s.keyOf(bound); err == nil {
			keys = append(keys, canon)
		}
	}
	return keys, nil
}

// Range implements [stores.KeyOrdered].
func (s *Store[K, V]) Range(from, to []byte) (stores.Segment, error) {
	var r idRange
	for _, bound := range []struct {
		canon []byte
		value *bson.RawValue
	}{{from, &r.from}, {to, &r.to}} {
		if bound.canon == nil {
			continue
		}
		v, err := s.position(bound.canon)
		if err != nil {
			return "", s.at(bound.canon, stores.Permanent(err))
		}
		*bound.value = v
	}
	return r.segment(), nil
}

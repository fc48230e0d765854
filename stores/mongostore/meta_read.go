package mongostore

import (
	"context"
	"iter"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores"
)

// reading is how much of a document is read, and what is made of it.
type reading[V any] struct {
	fields bson.D // the projection; nil for all
	record func(doc bson.Raw, canon []byte) (stores.Record[V], error)
	noting bool // what V does not hold is to be told
}

func (s *Store[K, V]) full() reading[V] { return reading[V]{fields: s.fields, record: s.record} }

// metaOnly leaves the values on the server, where nothing depends on them.
func (s *Store[K, V]) metaOnly() reading[V] {
	return reading[V]{fields: s.refusalFields(), record: func(doc bson.Raw, canon []byte) (r stores.Record[V], err error) {
		if r.Meta, err = s.metaOf(doc); err != nil {
			err = &stores.RecordError{Key: canon, Err: s.at(nil, err)}
		}
		return r, err
	}}
}

// ScanMeta implements [stores.MetaReader].
func (s *Store[K, V]) ScanMeta(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[K, V], error] {
	return s.scanAs(ctx, seg, after, s.metaOnly())
}

// GetMetas implements [stores.MetaReader].
func (s *Store[K, V]) GetMetas(ctx context.Context, keys []K) ([]stores.Result[V], error) {
	return s.getMany(ctx, keys, s.metaOnly())
}

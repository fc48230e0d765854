package mongostore

import (
	"bytes"
	"context"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/stores"
)

// readBatch is how many keys one query asks for.
const readBatch = 1000

// GetMany implements [stores.BatchReader], with one query for each 1,000 keys; with [Options.Linearizable], one for each key.
func (s *Store[K, V]) GetMany(ctx context.Context, keys []K) ([]stores.Result[V], error) {
	return s.getMany(ctx, keys, s.full())
}

func (s *Store[K, V]) getMany(ctx context.Context, keys []K, as reading[V]) ([]stores.Result[V], error) {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	res := make([]stores.Result[V], len(keys))
	if s.linear {
		for i, key := range keys {
			res[i].Record, res[i].Err = s.Get(ctx, key)
		}
		return res, nil
	}
	ids := make([]id, len(keys))
	for i, key := range keys {
		ids[i], res[i].Err = s.id(key)
	}
	docs, err := s.findMany(ctx, keys, ids, as.fields)
	if err != nil {
		return nil, s.at(nil, err)
	}
	for i := range res {
		if res[i].Err != nil {
			continue
		}
		res[i].Record, res[i].Err = as.record(docs[string(ids[i].canon)], ids[i].canon)
		if res[i].Err == nil && res[i].Record.Version.IsAbsent() {
			res[i] = stores.Result[V]{Err: stores.ErrNotFound}
		}
	}
	return res, nil
}

// findMany reads documents by their ids, into a map by canonical key. Ids without a canonical form are passed over.
func (s *Store[K, V]) findMany(ctx context.Context, keys []K, ids []id, projection bson.D) (map[string]bson.Raw, error) {
	docs := make(map[string]bson.Raw, len(ids))
	for start := 0; start < len(ids); start += readBatch {
		end := min(start+readBatch, len(ids))
		filter := s.filterMany(keys[start:end], ids[start:end])
		if filter == nil {
			continue
		}
		whole, err := s.findRange(ctx, ids[start:end], projection, docs)
		if err == nil && !whole {
			_, err = s.findInto(ctx, filter, 0, projection, docs)
		}
		if err != nil {
			return nil, classify(err)
		}
	}
	return docs, nil
}

// findInto adds up to limit documents and returns how many the server has given. It asks for them in the order of the index: a
// server may otherwise look up each id on its own.
func (s *Store[K, V]) findInto(ctx context.Context, filter bson.D, limit int64, projection bson.D, docs map[string]bson.Raw) (n int64, err error) {
	o := options.Find().SetBatchSize(2*readBatch + 1).SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(limit)
	if projection != nil {
		o.SetProjection(projection)
	}
	cursor, err := s.coll.Find(ctx, filter, o)
	if err != nil {
		return 0, err
	}
	defer closeCursor(ctx, cursor)
	for ; cursor.Next(ctx); n++ {
		if _, canon, err := s.keyOf(cursor.Current.Lookup("_id")); err == nil {
			docs[string(canon)] = bytes.Clone(cursor.Current) // what the cursor has is good until its next step
		}
	}
	return n, cursor.Err()
}

// tooFew are too few ids to guess from that all between them are wanted.
const tooFew = 100

// findRange reads from the first to the last of ids that are in order, as a page of a scan of another store is: a range is several
// times cheaper than as many single ids. It gives up, whole being false, when it finds twice as many documents as are wanted, and then
// lets the next calls be.
func (s *Store[K, V]) findRange(ctx context.Context, ids []id, projection bson.D, docs map[string]bson.Raw) (whole bool, err error) {
	if len(ids) < tooFew || s.shardKey != nil || !ascending(ids) || !s.dense.try() {
		return false, nil
	}
	limit := int64(2 * len(ids))
	r := bson.D{{Key: "$gte", Value: ids[0].value}, {Key: "$lte", Value: ids[len(ids)-1].value}}
	n, err := s.findInto(ctx, bson.D{{Key: "_id", Value: r}}, limit, projection, docs)
	if err != nil {
		return false, err
	}
	s.dense.tell(n < limit)
	return n < limit, nil
}

// ascending tells whether ids are of one type and in the order of the server. Where that is not the order of their
// bytes, the answer is false.
func ascending(ids []id) bool {
	t := ids[0].value.Type
	if t != bson.TypeString && t != bson.TypeObjectID {
		return false
	}
	for i := 1; i < len(ids); i++ {
		if ids[i].value.Type != t || bytes.Compare(content(ids[i-1].value), content(ids[i].value)) >= 0 {
			return false
		}
	}
	return true
}

// content is what strings and object ids are compared by.
func content(v bson.RawValue) []byte {
	if v.Type == bson.TypeString {
		return v.Value[4:]
	}
	return v.Value
}

// dense remembers whether reading a range was worth it, and when to try again.
type dense struct{ skip atomic.Int32 }

// pause is how many calls go without a try after one that was not worth it.
const pause = 50

func (d *dense) try() bool { return d.skip.Add(-1) < 0 }

func (d *dense) tell(worth bool) {
	if worth {
		d.skip.Store(0)
	} else {
		d.skip.Store(pause)
	}
}

// filterMany finds several documents; nil if there is nothing to find. A sharded collection is asked by shard key too.
func (s *Store[K, V]) filterMany(keys []K, ids []id) bson.D {
	var values bson.A
	var filters []bson.D
	for i, id := range ids {
		if id.canon == nil {
			continue
		}
		values = append(values, id.value)
		if s.shardKey != nil {
			filters = append(filters, s.filter(keys[i], id, nil))
		}
	}
	switch {
	case values == nil:
		return nil
	case s.shardKey != nil:
		return anyOf(filters...)
	default:
		return bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: values}}}}
	}
}

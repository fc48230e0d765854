package mongostore

import (
	"context"

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
		o := options.Find().SetBatchSize(readBatch)
		if projection != nil {
			o.SetProjection(projection)
		}
		cursor, err := s.coll.Find(ctx, filter, o)
		if err != nil {
			return nil, classify(err)
		}
		var found []bson.Raw
		if err := cursor.All(ctx, &found); err != nil {
			return nil, classify(err)
		}
		for _, doc := range found {
			if _, canon, err := s.keyOf(doc.Lookup("_id")); err == nil {
				docs[string(canon)] = doc
			}
		}
	}
	return docs, nil
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

package mongostore

import (
	"context"
	"slices"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// sampled is how many ids are looked at for each segment, so that their sizes differ by about a fifth.
const sampled = 32

// samples remembers the last random sample of ids: a job copies and verifies over the same store, and there are servers that read the
// whole collection for a sample.
type samples struct {
	mu    sync.Mutex
	ids   []bson.RawValue // in order
	n     int             // how many were asked for
	count int64           // how many documents there were
}

// get is the sample that was kept, if it still says how ids are spread.
func (m *samples) get(n int, count int64) (ids []bson.RawValue, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ids, m.n >= n && 2*m.count >= count && m.count <= 2*count
}

func (m *samples) keep(ids []bson.RawValue, n int, count int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ids, m.n, m.count = ids, n, count
}

// bounds are up to n-1 ids, in order, that divide the collection into parts of about the same size.
func (s *Store[K, V]) bounds(ctx context.Context, n int) ([]bson.RawValue, error) {
	if n <= 1 {
		return nil, nil
	}
	count, err := s.coll.EstimatedDocumentCount(ctx)
	if err != nil {
		return nil, s.at(nil, classify(err))
	}
	ids, ok := s.samples.get(n*sampled, count)
	if !ok {
		if ids, err = s.sample(ctx, n*sampled); err != nil {
			return nil, s.at(nil, classify(err))
		}
		s.samples.keep(ids, n*sampled, count)
	}
	return quantiles(ids, n), nil
}

// sample is some ids, in order. It may name one twice.
func (s *Store[K, V]) sample(ctx context.Context, n int) ([]bson.RawValue, error) {
	cursor, err := s.coll.Aggregate(ctx, []bson.D{
		{{Key: "$sample", Value: bson.D{{Key: "size", Value: n}}}},
		{{Key: "$project", Value: bson.D{{Key: "_id", Value: 1}}}},
		{{Key: "$sort", Value: bson.D{{Key: "_id", Value: 1}}}},
	})
	if err != nil {
		return nil, err
	}
	var docs []bson.Raw
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, err
	}
	ids := make([]bson.RawValue, len(docs))
	for i, doc := range docs {
		ids[i] = doc.Lookup("_id")
	}
	return ids, nil
}

// quantiles picks up to n-1 different bounds between n parts of sorted ids. The first id is none: nothing is before it.
func quantiles(ids []bson.RawValue, n int) []bson.RawValue {
	ids = slices.CompactFunc(slices.Clone(ids), bson.RawValue.Equal)
	var bounds []bson.RawValue
	last := 0
	for i := 1; i < n; i++ {
		if at := i * len(ids) / n; at > last {
			bounds = append(bounds, ids[at])
			last = at
		}
	}
	return bounds
}

package mongostore

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"

	"github.com/dualwrite/dualwrite/stores"
)

// Purge implements [stores.Purger], eight records at a time. The tombstone of a view leaves the document of the others; a
// document that has nothing but its _id then goes with it.
func (s *Store[K, V]) Purge(ctx context.Context, targets []stores.PurgeTarget[K]) ([]error, error) {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	errs := make([]error, len(targets))
	var g errgroup.Group
	g.SetLimit(singles)
	for i, t := range targets {
		g.Go(func() error {
			errs[i] = s.purge(ctx, t)
			return nil
		})
	}
	_ = g.Wait() // each outcome is in errs
	return errs, nil
}

func (s *Store[K, V]) purge(ctx context.Context, t stores.PurgeTarget[K]) error {
	id, err := s.id(t.Key)
	if err != nil {
		return err
	}
	if _, stamped := t.Version.Stamp(); !stamped {
		return s.at(id.canon, stores.Permanent(fmt.Errorf("a record is purged at a stamp, not at %v", t.Version)))
	}
	for range tries {
		purged, err := s.purgeOnce(ctx, t, id)
		if purged || err != nil {
			return s.at(id.canon, err)
		}
		doc, err := s.find(ctx, t.Key, id, s.refusalFields())
		if err != nil {
			return s.at(id.canon, stores.Transient(err))
		}
		m, err := s.metaOf(doc)
		switch {
		case err != nil:
			return s.at(id.canon, stores.Permanent(&stores.RecordError{Key: id.canon, Err: err}))
		case !m.Version.Same(t.Version):
			return &stores.ConditionError{Stored: m}
		}
	}
	return s.at(id.canon, stores.Transient(fmt.Errorf("not found %d times, and there when it was read", tries)))
}

// purgeOnce takes the record for a live one, and then for a tombstone.
func (s *Store[K, V]) purgeOnce(ctx context.Context, t stores.PurgeTarget[K], id id) (bool, error) {
	v := &s.codec.view
	dead := v.meta + "." + deletedField
	unset := bson.D{{Key: "$unset", Value: bson.D{{Key: v.meta, Value: ""}}}}
	live := s.filter(t.Key, id, append(v.stamp("$eq", t.Version), bson.E{Key: dead, Value: bson.D{{Key: "$ne", Value: true}}}))
	if r, err := s.coll.UpdateOne(ctx, live, unset); err != nil || r.MatchedCount > 0 {
		return err == nil, classify(err)
	}
	tombstone := s.filter(t.Key, id, append(v.stamp("$eq", t.Version), bson.E{Key: dead, Value: true}))
	if v.whole {
		r, err := s.coll.DeleteOne(ctx, tombstone)
		return err == nil && r.DeletedCount > 0, classify(err)
	}
	r, err := s.coll.UpdateOne(ctx, tombstone, unset)
	if err != nil || r.MatchedCount == 0 {
		return false, classify(err)
	}
	if _, err := s.coll.DeleteOne(ctx, s.bare(t.Key, id)); err != nil {
		// Without a mark: the record is purged, and only the document that is left is not.
		return true, fmt.Errorf("removing what may be an empty document: %w", err)
	}
	return true, nil
}

// bare finds a document that has nothing but its _id and the shard key.
func (s *Store[K, V]) bare(key K, id id) bson.D {
	f := s.filter(key, id, nil)
	return append(f, bson.E{Key: "$expr", Value: bson.D{{Key: "$eq", Value: bson.A{
		len(f), bson.D{{Key: "$size", Value: bson.D{{Key: "$objectToArray", Value: "$$ROOT"}}}},
	}}}})
}

package mongostore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/stores"
)

// This file writes the documents that a server does not take, or does not take as they are, in an insert or a replacement.

// dollars tells whether a field's name begins with a dollar, which MongoDB takes in an insert and not in a replacement.
func (c *change[K, V]) dollars() bool {
	return slices.ContainsFunc(c.fields, func(f element) bool { return strings.HasPrefix(f.name, "$") })
}

// zeroTimestamp tells whether a field is Timestamp(0,0). MongoDB replaces it by its own time in an insert and in a replacement, at
// the top level of a document only. It stays as it is in an update by operators or by a pipeline.
func (c *change[K, V]) zeroTimestamp() bool {
	zero := func(f element) bool {
		return f.value.Type == bson.TypeTimestamp && len(f.value.Value) == 8 && binary.LittleEndian.Uint64(f.value.Value) == 0
	}
	return slices.ContainsFunc(c.fields, zero) || slices.ContainsFunc(c.shard, zero)
}

// insert stores a document where none is. It is refused where one is.
func (s *Store[K, V]) insert(ctx context.Context, c *change[K, V]) (refused bool, err error) {
	if c.zeroTimestamp() {
		return s.insertLiteral(ctx, c)
	}
	_, err = s.coll.InsertOne(ctx, s.document(c))
	return answer(1, err)
}

// replaceWith is the pipeline that makes a document another one, whatever its names and values.
func replaceWith(doc bson.Raw) []bson.D {
	return []bson.D{{{Key: "$replaceWith", Value: literal(doc)}}}
}

// sendLiteral replaces a document by a pipeline, which may have any names, or inserts it. It does not leave the insert to the server:
// of an upsert by a pipeline the order of the fields is not promised.
func (s *Store[K, V]) sendLiteral(ctx context.Context, c *change[K, V], filter bson.D, upsert bool) (refused bool, err error) {
	refused, err = updated(s.coll.UpdateOne(ctx, filter, replaceWith(s.document(c))))
	if !refused || err != nil || !upsert {
		return refused, err
	}
	return s.insert(ctx, c) // refused if there is a document, which then did not match
}

// insertLiteral inserts a document by a pipeline. The filter matches nothing, so that a document with the _id is refused as a
// duplicate.
func (s *Store[K, V]) insertLiteral(ctx context.Context, c *change[K, V]) (refused bool, err error) {
	doc := s.document(c)
	nothing := bson.D{{Key: s.codec.view.meta, Value: bson.D{{Key: "$in", Value: bson.A{}}}}}
	refused, err = updated(s.coll.UpdateOne(ctx, s.filter(c.Key, c.id, nothing), replaceWith(doc), options.UpdateOne().SetUpsert(true)))
	if refused || err != nil || !s.codec.view.all {
		return refused, err
	}
	if err = classify(s.reorder(ctx, c, doc)); err == nil {
		return false, nil
	}
	if outcome, _ := stores.OutcomeOf(err); outcome != stores.OutcomeUnknown {
		err = errors.New(err.Error()) // whatever became of the order, the document is there
	}
	return false, err
}

// reorder puts the fields of a document that was just inserted into its order, if the server did not: of an upsert by a pipeline the
// order is not promised. If another write came in between, there is nothing to do.
func (s *Store[K, V]) reorder(ctx context.Context, c *change[K, V], doc bson.Raw) error {
	stored, err := s.find(ctx, c.Key, c.id, nil)
	if err != nil || len(stored) != len(doc) || bytes.Equal(stored, doc) {
		return err
	}
	// In another order the document is another one to the server: this very write is meant, or nothing.
	same := bson.D{{Key: "$expr", Value: bson.D{{Key: "$eq", Value: bson.A{"$$ROOT", literal(stored)}}}}}
	_, err = s.coll.UpdateOne(ctx, s.filter(c.Key, c.id, same), replaceWith(doc))
	return err
}

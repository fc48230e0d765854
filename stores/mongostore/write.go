package mongostore

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/stores"
)

// tries bounds how often a write is sent again because what was read after its refusal would not have refused it.
const tries = 10

// change is a write that is ready to be sent.
type change[K, V any] struct {
	*stores.Write[K, V]
	id     id
	fields []element // what is set, without the metadata
	guard  bson.RawValue
	shard  []element
}

// prepare encodes a write. The error is permanent.
func (s *Store[K, V]) prepare(w *stores.Write[K, V]) (*change[K, V], error) {
	id, err := s.id(w.Key)
	if err != nil {
		return nil, err
	}
	if err := w.Validate(); err != nil {
		return nil, s.at(id.canon, err)
	}
	c := &change[K, V]{Write: w, id: id}
	if err := s.encode(c); err != nil {
		return nil, s.at(id.canon, stores.Permanent(err))
	}
	if err := checkDepth(c.fields, s.found.depth); err != nil {
		return nil, s.at(id.canon, stores.Permanent(err))
	}
	if s.sizeHint(c) <= maxDocument {
		return c, nil
	}
	if size := len(s.document(c)); size > maxDocument {
		return nil, s.at(id.canon, stores.Permanent(fmt.Errorf("the document has %d bytes, MongoDB takes at most %d", size, maxDocument)))
	}
	return c, nil
}

func (s *Store[K, V]) encode(c *change[K, V]) error {
	if !c.Record.Deleted {
		fields, own, err := s.codec.fields(c.Record.Value)
		if err != nil {
			return err
		}
		if err := s.sameKey(own, c.id); err != nil {
			return err
		}
		c.fields = fields
		if !s.codec.view.whole && len(fields) == 0 && c.Record.Version.IsUnstamped() {
			return errors.New("an unstamped record of a view has at least one of its fields: this value has none")
		}
	}
	if err := s.splitGuard(c); err != nil {
		return err
	}
	return s.addShardKey(c)
}

// sameKey checks the _id that a value brings along.
func (s *Store[K, V]) sameKey(own bson.RawValue, id id) error {
	if own.IsZero() || zeroValue(own) {
		return nil
	}
	if _, canon, err := s.keyOf(own); err == nil && string(canon) == string(id.canon) {
		return nil
	}
	return fmt.Errorf("the value has _id %v, and is written under the key %v", own, id.value)
}

// document is the whole document as it is inserted.
func (s *Store[K, V]) document(c *change[K, V]) bson.Raw {
	d := openDocument(s.sizeHint(c))
	d.append("_id", c.id.value)
	d.appendAll(c.shard)
	d.appendAll(c.fields)
	if !c.guard.IsZero() {
		d.append(s.guard, plusOne(c.guard))
	}
	s.appendMeta(d, c)
	return d.close()
}

// sizeHint is at least the size of the document.
func (s *Store[K, V]) sizeHint(c *change[K, V]) int {
	n := 128 + len(c.id.value.Value) + len(s.codec.view.meta) + len(s.guard)
	for _, fields := range [][]element{c.fields, c.shard} {
		for _, f := range fields {
			n += len(f.name) + len(f.value.Value) + 2
		}
	}
	return n
}

func (s *Store[K, V]) appendMeta(d *document, c *change[K, V]) {
	if !c.Record.Version.IsUnstamped() {
		appendMeta(d, s.codec.view.meta, c.Record.Meta)
	}
}

// update sets the fields that the value has and takes the others of the view away.
func (s *Store[K, V]) update(c *change[K, V]) bson.Raw { return updateOf(half[K, V]{s, c}) }

// half is a write to a view of a document that may be written to another view as well.
type half[K, V any] struct {
	s *Store[K, V]
	c *change[K, V]
}

func updateOf[K, V any](halves ...half[K, V]) bson.Raw {
	d := openDocument(256)
	d.open("$set")
	var missing []string
	for _, h := range halves {
		d.appendAll(h.c.shard)
		d.appendAll(h.c.fields)
		h.s.appendMeta(d, h.c)
		missing = append(missing, h.s.missing(h.c)...)
	}
	d.end()
	if len(missing) > 0 {
		d.open("$unset")
		for _, name := range missing {
			d.string(name, "")
		}
		d.end()
	}
	return d.close()
}

// missing are the fields of the view that the record does not have.
func (s *Store[K, V]) missing(c *change[K, V]) []string {
	var names []string
	for _, name := range s.codec.view.owned {
		if !has(c.fields, name) && !has(c.shard, name) && (c.guard.IsZero() || name != s.guard) {
			names = append(names, name)
		}
	}
	return names
}

func has(fields []element, name string) bool {
	for _, f := range fields {
		if f.name == name {
			return true
		}
	}
	return false
}

// Put implements [stores.Store].
func (s *Store[K, V]) Put(ctx context.Context, w stores.Write[K, V]) error {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	c, err := s.prepare(&w)
	if err != nil {
		return err
	}
	return s.at(c.id.canon, s.put(ctx, c))
}

// put sends a write until it is stored, or refused by what is stored.
func (s *Store[K, V]) put(ctx context.Context, c *change[K, V]) error {
	cond := s.codec.view.condition(c.If)
	for attempt := range tries {
		if attempt > 0 {
			if err := stores.Backoff(stores.DefaultBackoff).Wait(ctx, attempt); err != nil {
				return stores.Transient(err)
			}
		}
		refused, err := s.send(ctx, c, cond)
		if !refused {
			return err
		}
		_, otherIndex := duplicate(err)
		again, why := s.refusal(ctx, c)
		switch {
		case why != nil:
			return why
		case otherIndex:
			return s.otherIndexError(err, c.Record.Deleted)
		}
		cond = again
	}
	return stores.Transient(fmt.Errorf("refused %d times by what was gone when it was read", tries))
}

// send sends a write once. A refusal comes with the error that it was told by, which may be nil.
func (s *Store[K, V]) send(ctx context.Context, c *change[K, V], cond filtered) (refused bool, err error) {
	if cond.insert {
		return s.insert(ctx, c)
	}
	filter := s.filter(c.Key, c.id, append(cond.filter, s.guardFilter(c)...))
	switch {
	case !c.guard.IsZero():
		return updated(s.coll.UpdateOne(ctx, filter, s.guardedUpdate(c), options.UpdateOne().SetUpsert(cond.upsert)))
	case s.replaces(c) && !c.dollars() && !c.zeroTimestamp():
		return updated(s.coll.ReplaceOne(ctx, filter, s.document(c), options.Replace().SetUpsert(cond.upsert)))
	case s.replaces(c):
		return s.sendLiteral(ctx, c, filter, cond.upsert)
	default:
		return updated(s.coll.UpdateOne(ctx, filter, s.update(c), options.UpdateOne().SetUpsert(cond.upsert)))
	}
}

// replaces tells whether nothing else in the document survives a write: where the record has all fields, and in the tombstone
// of a whole document. What remained of that would come back with the next record of the key.
func (s *Store[K, V]) replaces(c *change[K, V]) bool {
	return s.codec.view.all || s.codec.view.whole && c.Record.Deleted
}

func updated(r *mongo.UpdateResult, err error) (refused bool, _ error) {
	if err != nil {
		return answer(0, err)
	}
	return answer(r.MatchedCount+r.UpsertedCount, nil)
}

// answer tells a refusal from an error, by how many documents were written.
func answer(written int64, err error) (refused bool, _ error) {
	if is, _ := duplicate(err); is {
		return true, err
	}
	return err == nil && written == 0, classify(err)
}

// refusal reads what refused a write. If that would not refuse it, it returns the condition to send it again with.
func (s *Store[K, V]) refusal(ctx context.Context, c *change[K, V]) (filtered, error) {
	doc, err := s.find(ctx, c.Key, c.id, s.refusalFields())
	if err != nil {
		return filtered{}, stores.Transient(fmt.Errorf("refused, and by what could not be read: %w", err))
	}
	m, err := s.metaOf(doc)
	if err != nil {
		return filtered{}, stores.Permanent(&stores.RecordError{Key: c.id.canon, Err: err})
	}
	if !c.If.Holds(m.Version) || !s.guardHolds(c, doc) {
		return filtered{}, &stores.ConditionError{Stored: m}
	}
	cond := s.codec.view.condition(c.If)
	if doc != nil && m.Version.IsAbsent() && s.expiresAt != nil {
		// An unstamped record has expired. What stands for absent is this very document.
		cond = filtered{filter: bson.D{{Key: "$expr", Value: bson.D{{Key: "$eq", Value: bson.A{
			"$$ROOT", bson.D{{Key: "$literal", Value: doc}},
		}}}}}}
	}
	return cond, nil
}

// refusalFields is what has to be read to tell why a write was refused.
func (s *Store[K, V]) refusalFields() bson.D {
	switch {
	case s.expiresAt != nil:
		return nil
	case s.codec.view.whole && s.guard == "":
		return bson.D{{Key: s.codec.view.meta, Value: 1}}
	default:
		return s.fields
	}
}

// metaOf is the metadata of the record in a document, nil for none. Of the value it needs only what says whether it has expired.
func (s *Store[K, V]) metaOf(doc bson.Raw) (stores.Meta, error) {
	if doc == nil {
		return stores.Meta{Version: stores.Absent}, nil
	}
	if s.expiresAt != nil {
		// One that does not decode has not expired.
		if r, err := s.record(doc, nil); err == nil {
			return r.Meta, nil
		}
	}
	return s.codec.view.metaOf(doc)
}

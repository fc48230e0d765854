package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/stores"
)

// tombstone is what a tombstone has beside its _id and the metadata: the fields that none has are lost, and the others are
// as they were in the record.
type tombstone struct {
	meta string
	lost func(field string) bool
}

// tombstones are the kinds of tombstone of a view. That of shared documents leaves the fields of others, if there are any.
func tombstones(v *view, shard []string) []tombstone {
	bare := func(field string) bool { return field != "_id" && field != v.meta && !slices.Contains(shard, field) }
	if v.whole {
		return []tombstone{{v.meta, bare}}
	}
	shared := func(field string) bool { return bare(field) && v.owns(field) }
	return []tombstone{{v.meta, shared}, {v.meta, bare}}
}

// shardFields are the fields of [Options.ShardKey], as it names them for the zero key, or if it has no answer for that, for one that is
// stored. Without either they are not known, and an index may be taken for one that holds no tombstones.
func (s *Store[K, V]) shardFields(ctx context.Context) ([]string, error) {
	if s.shardKey == nil {
		return nil, nil
	}
	var zero K
	if names, ok := s.shardNames(zero); ok {
		return names, nil
	}
	doc, err := s.coll.FindOne(ctx, bson.D{}, options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Raw()
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return nil, err
	}
	if key, _, err := s.keyOf(doc.Lookup("_id")); err == nil {
		names, _ := s.shardNames(key)
		return names, nil
	}
	return nil, nil
}

func (s *Store[K, V]) shardNames(key K) (names []string, ok bool) {
	defer func() { ok = recover() == nil }() // the caller's function may not be made for the zero key
	for _, e := range s.shardKey(key) {
		names = append(names, e.Key)
	}
	return names, true
}

// collide decides from what a tombstone has whether two of them can be one key of a unique index, although their records were not.
func (t tombstone) collide(i *index) bool {
	lost, kept := 0, 0
	for _, e := range i.Key {
		switch field, _, _ := strings.Cut(e.Key, "."); {
		case e.Key == "_id":
			return false
		case t.lost(field):
			lost++
		default:
			kept++
		}
	}
	switch {
	case !i.Unique || lost == 0:
		return false
	case i.Sparse:
		return kept > 0 // the index has a document that has one of the fields
	default:
		return !t.outside(i.Partial)
	}
}

// outside tells whether a partial index leaves each tombstone of the kind out.
func (t tombstone) outside(filter bson.Raw) bool {
	elements, err := filter.Elements()
	return err == nil && slices.ContainsFunc(elements, func(e bson.RawElement) bool { return t.excluded(e.Key(), e.Value()) })
}

// excluded tells whether a condition holds for no tombstone of the kind.
func (t tombstone) excluded(path string, cond bson.RawValue) bool {
	clause := func(v bson.RawValue) bool {
		doc, ok := v.DocumentOK()
		return ok && t.outside(doc)
	}
	field, _, _ := strings.Cut(path, ".")
	switch {
	case path == "$and":
		return slices.ContainsFunc(arrayOf(cond), clause)
	case path == "$or":
		clauses := arrayOf(cond)
		return len(clauses) > 0 && !slices.ContainsFunc(clauses, func(v bson.RawValue) bool { return !clause(v) })
	case strings.HasPrefix(path, "$"):
		return false
	case path == t.meta+"."+deletedField:
		return cond.Type == bson.TypeBoolean && !cond.Boolean() || cond.Type == bson.TypeNull
	default:
		return t.lost(field) && requiresValue(cond)
	}
}

// requiresValue tells whether a condition on a field holds for no document without it.
func requiresValue(v bson.RawValue) bool {
	doc, ok := v.DocumentOK()
	if !ok {
		return v.Type != bson.TypeNull
	}
	elements, err := doc.Elements()
	if err != nil || len(elements) == 0 || !strings.HasPrefix(elements[0].Key(), "$") {
		return err == nil
	}
	return slices.ContainsFunc(elements, func(e bson.RawElement) bool {
		operand := e.Value()
		switch e.Key() {
		case "$exists":
			n, whole := wholeNumber(operand)
			return operand.Type == bson.TypeBoolean && operand.Boolean() || whole && n != 0
		case "$type":
			return true
		case "$eq":
			return operand.Type != bson.TypeNull
		case "$in":
			isNull := func(v bson.RawValue) bool { return v.Type == bson.TypeNull }
			return operand.Type == bson.TypeArray && !slices.ContainsFunc(arrayOf(operand), isNull)
		case "$gt", "$gte", "$lt", "$lte": // all that is missing is above MinKey and below MaxKey
			return operand.Type != bson.TypeNull && operand.Type != bson.TypeMinKey && operand.Type != bson.TypeMaxKey
		}
		return false
	})
}

func arrayOf(v bson.RawValue) []bson.RawValue {
	a, _ := v.ArrayOK()
	values, _ := a.Values()
	return values
}

// collision is a unique index in which tombstones collide, and the statements that put another one in its place.
type collision struct {
	index, statements string
	bare              bool // only those of a view that are alone in their documents
}

// advise says of each unique index what its owner should know.
func (f *findings) advise(coll string, v *view, indexes []index) {
	kinds := tombstones(v, f.shard)
	for n := range indexes {
		i := &indexes[n]
		if !i.Unique || slices.ContainsFunc(i.Key, func(e bson.E) bool { return e.Key == "_id" }) {
			continue
		}
		if at := slices.IndexFunc(kinds, func(t tombstone) bool { return t.collide(i) }); at >= 0 {
			c := collision{i.Name, i.replacing(coll, kinds[at]), at > 0}
			f.collisions = append(f.collisions, c)
			which := "tombstones"
			if c.bare {
				which = "tombstones of records that had no document"
			}
			f.advice = append(f.advice, fmt.Sprintf("unique index %q holds %s, of which the second is refused: before the first delete, and at the latest before "+
				"read-new/write-both, make one of live records and then drop this one: %s", c.index, which, c.statements))
		}
		f.advice = append(f.advice, fmt.Sprintf("unique index %q: if this is the new place of a migration, make it unique only in new-only: until then a mirror that "+
			"swaps values between two records can be refused for ever", i.Name))
	}
}

// replacing are the statements of the shell that put an index of live records in the place of one that holds tombstones. Both are
// there for a moment, so that values are unique all the time; MongoDB 5.0 is the first that takes two with one key.
func (i *index) replacing(coll string, t tombstone) string {
	at := len(i.Key) - 1 // from the end, as the first fields may be the shard key's
	for field := i.Key[at].Key; at > 0; at, field = at-1, i.Key[at-1].Key {
		if field, _, _ = strings.Cut(field, "."); t.lost(field) {
			break
		}
	}
	var filter any = bson.D{{Key: i.Key[at].Key, Value: bson.D{{Key: "$exists", Value: true}}}}
	if i.Partial != nil {
		filter = bson.D{{Key: "$and", Value: bson.A{i.Partial, filter}}}
	}
	with := bson.D{{Key: "name", Value: i.Name + "_live"}}
	for _, e := range i.spec {
		switch e.Key {
		case "v", "ns", "key", "name", "sparse", "background", "partialFilterExpression":
		default:
			with = append(with, e)
		}
	}
	with = append(with, bson.E{Key: "partialFilterExpression", Value: filter})
	coll = fmt.Sprintf("db.getCollection(%q)", coll)
	return fmt.Sprintf("%s.createIndex(%s, %s); %s.dropIndex(%q)", coll, shellJSON(i.Key), shellJSON(with), coll, i.Name)
}

func shellJSON(d bson.D) []byte {
	b, _ := bson.MarshalExtJSON(d, false, false) // it came from the server
	return b
}

// otherIndexError is the answer where an index beside that of _id refuses a document. A tombstone has nothing to be unique.
func (s *Store[K, V]) otherIndexError(err error, deleted bool) error {
	if !deleted {
		return stores.Permanent(fmt.Errorf("another unique index of the collection refuses the document: %w", err))
	}
	c := s.refusing(err)
	return stores.Permanent(fmt.Errorf("unique index %q refuses the tombstone: it holds another tombstone, or a record without the field, and takes the two for equal; "+
		"put an index of live records in its place, and delete again: %s: %w", c.index, c.statements, err))
}

// refusing is the index that a duplicate was found in, as the server's message says.
func (s *Store[K, V]) refusing(err error) collision {
	_, rest, _ := strings.Cut(err.Error(), "index: ")
	for _, c := range s.found.collisions {
		if strings.HasPrefix(rest, c.index+" ") {
			return c
		}
	}
	name, _, _ := strings.Cut(rest, " ")
	return collision{index: name, statements: "it is partial on a field that each live record has; the Advice of a store that is opened now has the statements"}
}

// checkCollision refuses a tombstone that the place may refuse for good after the other place has taken it. An intent comes before
// that: the place may answer by itself.
func (s *Store[K, V]) checkCollision(r stores.Meta) error {
	if !r.Deleted || r.Intent {
		return nil
	}
	for _, c := range s.found.collisions {
		if c.bare {
			continue
		}
		return stores.Permanent(fmt.Errorf("unique index %q holds tombstones, of which the second would be refused when the other place has taken it; "+
			"put an index of live records in its place, and open the store again: %s", c.index, c.statements))
	}
	return nil
}

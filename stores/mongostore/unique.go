package mongostore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/stores"
)

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

// collision is a unique index that holds tombstones, and the statements that put another one in its place.
type collision struct {
	index, statements string
	second            bool // a second tombstone may be refused, and not only another record
	bare              bool // only those of a view that are alone in their documents
}

// advise says of each unique index what its owner should know.
func (f *findings) advise(coll string, v *view, indexes []index) {
	kinds := tombstones(v, f.shard)
	for n := range indexes {
		i := &indexes[n]
		if !i.Unique && !i.Prepared || len(i.Key) == 1 && i.Key[0].Key == "_id" {
			continue
		}
		if at, second := i.holding(v, kinds); at >= 0 {
			c := collision{i.Name, i.replacing(coll, kinds[at]), second, at > 0}
			f.collisions = append(f.collisions, c)
			f.advice = append(f.advice, c.advice())
		}
		f.advice = append(f.advice, fmt.Sprintf("unique index %q: if this is the new place of a migration, make it unique only in new-only: until then a mirror that "+
			"swaps values between two records can be refused for ever", i.Name))
	}
}

// holding is the first kind of tombstones that is in others' way in a unique index, or -1. Where the fields of others stay, so do their
// values in the index, and only a second tombstone would be in the way.
func (i *index) holding(v *view, kinds []tombstone) (at int, second bool) {
	for n, t := range kinds {
		if held, second := t.holds(i); second || held && (v.whole || n > 0) {
			return n, second
		}
	}
	return -1, false
}

func (c *collision) advice() string {
	of, refused := "tombstones", "a second one is refused"
	if c.bare {
		of = "tombstones of records that had no document"
	}
	if !c.second {
		refused = "another record of the same values is refused"
	}
	return fmt.Sprintf("unique index %q holds %s, and %s: before the first delete, and at the latest before "+
		"read-new/write-both, make one of live records and then drop this one: %s", c.index, of, refused, c.statements)
}

// live is the filter of an index that holds no tombstone of a kind, and the records that the index holds: those with the last field of
// its key that a tombstone loses, so that queries by it find the index. From the end, as the first fields may be the shard key's.
func (i *index) live(t tombstone) any {
	var filter any = bson.D{{Key: t.meta + "." + deletedField, Value: nil}}
	for at := len(i.Key) - 1; at >= 0; at-- {
		// The key of an index of texts is no field.
		if path := i.Key[at].Key; t.at(path) == missing && !strings.HasPrefix(path, t.meta+".") && !strings.HasPrefix(path, "_fts") {
			filter = bson.D{{Key: path, Value: bson.D{{Key: "$exists", Value: true}}}}
			break
		}
	}
	if i.Partial == nil {
		return filter
	}
	return bson.D{{Key: "$and", Value: bson.A{i.Partial, filter}}}
}

// replacing are the statements of the shell that put an index of live records in the place of one that holds tombstones. Both are
// there for a moment, so that values are unique all the time; MongoDB 5.0 is the first that takes two with one key.
func (i *index) replacing(coll string, t tombstone) string {
	with := bson.D{{Key: "name", Value: i.Name + "_live"}}
	for _, e := range i.spec {
		switch e.Key {
		case "v", "ns", "key", "name", "sparse", "background", "partialFilterExpression":
		default:
			with = append(with, e)
		}
	}
	with = append(with, bson.E{Key: "partialFilterExpression", Value: i.live(t)})
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
		if c.bare || !c.second {
			continue
		}
		return stores.Permanent(fmt.Errorf("unique index %q holds tombstones, of which the second would be refused when the other place has taken it; "+
			"put an index of live records in its place, and open the store again: %s", c.index, c.statements))
	}
	return nil
}

package mongostore

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// What a tombstone has decides whether two of them collide in a unique index.
func TestTombstonesThatCollide(t *testing.T) {
	t.Parallel()
	type kinds struct {
		view  view
		shard []string
	}
	whole, sharded := kinds{view: view{meta: "_dw", whole: true, all: true}}, kinds{view{meta: "_dw", whole: true, all: true}, []string{"tenant"}}
	shared := kinds{view: view{meta: "_dw", owned: []string{"title"}}}
	exists := func(name string) bson.D { return d(name, d("$exists", true)) }
	const no, yes, record, bare = "no", "yes", "with another record only", "only those without a document"
	for _, c := range []struct {
		s         kinds
		keys      string
		sparse    bool
		partial   bson.D
		weights   bson.D
		collation string
		want      string
	}{
		{s: whole, keys: "email", want: yes}, {s: whole, keys: "_id", want: no}, {s: whole, keys: "email _id", want: no}, {s: whole, keys: "_id.a email", want: yes}, {s: whole, keys: "_id.a", want: record},
		{s: whole, keys: "email", sparse: true, want: no}, {s: whole, keys: "tenant email", sparse: true, want: no}, {s: whole, keys: "profile.email", want: yes},
		{s: whole, keys: "_dw.s", want: no}, {s: whole, keys: "_dw.d email", sparse: true, want: yes},
		{s: whole, keys: "email", partial: exists("email"), want: no}, {s: whole, keys: "email", partial: exists("other"), want: no}, {s: whole, keys: "email", partial: exists("_id"), want: yes},
		{s: whole, keys: "email", partial: exists("_dw.s"), want: yes}, {s: whole, keys: "email", partial: d("_dw.d", true), want: yes}, {s: whole, keys: "email", partial: d("_dw.d", nil), want: no},
		{s: whole, keys: "email", partial: d("a", nil), want: yes}, {s: whole, keys: "email", partial: d("a", d("$eq", nil)), want: yes}, {s: whole, keys: "email", partial: d("a", d("$exists", false)), want: yes},
		{s: whole, keys: "email", partial: d("a", 1), want: no}, {s: whole, keys: "email", partial: d("a", d("$exists", 1)), want: no}, {s: whole, keys: "email", partial: d("a", d("$type", 2)), want: no},
		{s: whole, keys: "email", partial: d("a", d("$gt", 1)), want: no}, {s: whole, keys: "email", partial: d("a", d("$gte", bson.MinKey{})), want: yes}, {s: whole, keys: "email", partial: d("a", d("$lt", bson.MaxKey{})), want: yes},
		{s: whole, keys: "email", partial: d("a", d("$in", bson.A{1, 2})), want: no}, {s: whole, keys: "email", partial: d("a", d("$in", bson.A{1, nil})), want: yes},
		{s: whole, keys: "email", partial: d("$and", bson.A{exists("_id"), exists("a")}), want: no}, {s: whole, keys: "email", partial: d("$and", bson.A{exists("_id")}), want: yes},
		{s: whole, keys: "email", partial: d("$or", bson.A{exists("a"), exists("b")}), want: no}, {s: whole, keys: "email", partial: d("$or", bson.A{exists("a"), exists("_id")}), want: yes},
		// The shard key stays in a tombstone.
		{s: sharded, keys: "tenant email", want: yes}, {s: sharded, keys: "tenant email", sparse: true, want: yes}, {s: sharded, keys: "tenant email", partial: exists("tenant"), want: yes},
		{s: sharded, keys: "tenant email", partial: exists("email"), want: no}, {s: sharded, keys: "tenant", want: record}, {s: sharded, keys: "email", sparse: true, want: no},
		{s: sharded, keys: "tenant", partial: exists("email"), want: no}, {s: sharded, keys: "tenant", partial: d("email", nil), want: yes}, {s: sharded, keys: "tenant", partial: d("_dw.d", true), want: yes},
		// What a tombstone has in its metadata.
		{s: whole, keys: "_dw", want: no}, {s: whole, keys: "email _dw.s", want: no}, {s: whole, keys: "_dw.d", want: yes}, {s: whole, keys: "_dw.x email", sparse: true, want: no}, {s: whole, keys: "_dw.p", sparse: true, want: yes},
		{s: whole, keys: "email", partial: d("_dw.d", d("$eq", false)), want: no}, {s: whole, keys: "email", partial: d("_dw.d", d("$in", bson.A{false, nil})), want: no}, {s: whole, keys: "email", partial: d("_dw.d", d("$lt", true)), want: no},
		{s: whole, keys: "email", partial: d("_dw.d", d("$lte", true)), want: yes}, {s: whole, keys: "email", partial: d("_dw.d", d("$type", "bool")), want: yes}, {s: whole, keys: "email", partial: d("_dw.d", d("$type", bson.A{"int", "string"})), want: no},
		{s: whole, keys: "email", partial: exists("_dw.x"), want: no}, {s: whole, keys: "email", partial: d("_dw.s", d("$type", "string")), want: no}, {s: whole, keys: "email", partial: d("_dw", nil), want: no}, {s: whole, keys: "email", partial: d("_dw.s", d("$gt", "")), want: no},
		{s: whole, keys: "email", partial: d("a", d("$gte", nil)), want: yes}, {s: whole, keys: "email", partial: d("a", d("$gt", nil)), want: no}, {s: whole, keys: "email", partial: d("a", d("$geoWithin", d("$box", bson.A{}))), want: no},
		// An index of places or texts goes by these alone, whatever else is in its key.
		{s: whole, keys: "email:2d", want: no}, {s: sharded, keys: "loc:2dsphere tenant", want: no}, {s: sharded, keys: "tenant loc:2d", want: no}, {s: shared, keys: "tenant loc:2dsphere title", want: yes}, {s: shared, keys: "tenant title:2d", want: no},
		{s: sharded, keys: "tenant _fts:text _ftsx", weights: d("note", 1), want: no}, {s: sharded, keys: "tenant _fts:text _ftsx", weights: d("$**", 1), want: yes}, {s: whole, keys: "email:hashed", want: yes},
		// Two ids may be equal to a collation, and two stamps never.
		{s: whole, keys: "_id email", collation: "en", want: yes}, {s: whole, keys: "_id email", collation: "simple", want: no}, {s: whole, keys: "_dw.s email", collation: "en", want: no},
		// The fields of others stay when the record of a view goes.
		{s: shared, keys: "title", want: yes}, {s: shared, keys: "tenant title", want: yes}, {s: shared, keys: "tenant title", sparse: true, want: yes}, {s: shared, keys: "tenant title", partial: exists("tenant"), want: yes},
		{s: shared, keys: "tenant title", partial: exists("title"), want: no}, {s: shared, keys: "title", sparse: true, want: no},
		{s: shared, keys: "email", want: bare}, {s: shared, keys: "email", sparse: true, want: no}, {s: shared, keys: "email", partial: exists("email"), want: no}, {s: shared, keys: "tenant email", want: bare},
	} {
		i := index{Name: "i", Unique: true, Sparse: c.sparse}
		for _, key := range strings.Fields(c.keys) {
			if name, kind, special := strings.Cut(key, ":"); special {
				i.Key = append(i.Key, bson.E{Key: name, Value: kind})
			} else {
				i.Key = append(i.Key, bson.E{Key: key, Value: 1})
			}
		}
		if c.weights != nil {
			i.spec = append(i.spec, bson.E{Key: "weights", Value: c.weights})
		}
		if c.collation != "" {
			i.spec = append(i.spec, bson.E{Key: "collation", Value: d("locale", c.collation)})
		}
		if c.partial != nil {
			i.Partial, _ = bson.Marshal(c.partial)
		}
		got := no
		at, second := i.holding(&c.s.view, tombstones(&c.s.view, c.s.shard))
		if at >= 0 {
			live, err := bson.Marshal(i.live(tombstones(&c.s.view, c.s.shard)[at]))
			other := index{Key: i.Key, Unique: true, Partial: live, spec: i.spec}
			if still, _ := other.holding(&c.s.view, tombstones(&c.s.view, c.s.shard)); err != nil || still >= 0 && still <= at {
				t.Errorf("index on %s, sparse %v, partial %v: the one to put in its place, partial on %v, holds tombstones as well; %v", c.keys, c.sparse, c.partial, bson.Raw(live), err)
			}
			if bytes.Contains(live, []byte("_fts")) {
				t.Errorf("index on %s: partial on %v, which is no field", c.keys, bson.Raw(live))
			}
		}
		switch {
		case at == 0 && second:
			got = yes
		case at == 0:
			got = record
		case at == 1:
			got = bare
		}
		if got != c.want {
			t.Errorf("index on %s, sparse %v, partial %v: %s, want %s", c.keys, c.sparse, c.partial, got, c.want)
		}
		i.Unique, i.Prepared = false, true
		if at, _ := i.holding(&c.s.view, tombstones(&c.s.view, c.s.shard)); at >= 0 != (got != no) {
			t.Errorf("index on %s that is prepared to be unique: %v", c.keys, at)
		}
		i.Prepared = false
		if at, _ := i.holding(&c.s.view, tombstones(&c.s.view, c.s.shard)); at >= 0 {
			t.Errorf("index on %s is not unique, and tombstones collide", c.keys)
		}
	}
}

// prepare carries out the statements of an advice, and looks whether values are unique all the time.
func prepare(t *testing.T, coll *mongo.Collection, advice string, unique func() error) {
	t.Helper()
	text := regexp.MustCompile(`db\.getCollection\("(.*?)"\)\.createIndex\((\{.*?\}), (\{.*\})\); db\.getCollection\("(.*?)"\)\.dropIndex\("(.*?)"\)`).FindStringSubmatch(advice)
	if text == nil || text[1] != coll.Name() || text[4] != coll.Name() {
		t.Fatalf("no statements for %s in %q", coll.Name(), advice)
	}
	var keys, spec bson.D
	if err := errors.Join(bson.UnmarshalExtJSON([]byte(text[2]), false, &keys), bson.UnmarshalExtJSON([]byte(text[3]), false, &spec)); err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	command := bson.D{{Key: "createIndexes", Value: coll.Name()}, {Key: "indexes", Value: bson.A{append(bson.D{{Key: "key", Value: keys}}, spec...)}}}
	if err := coll.Database().RunCommand(t.Context(), command).Err(); err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	if err := unique(); !mongo.IsDuplicateKeyError(err) {
		t.Errorf("between the statements two records of one value: %v", err)
	}
	if err := coll.Indexes().DropOne(t.Context(), text[5]); err != nil {
		t.Fatal(err)
	}
	if err := unique(); !mongo.IsDuplicateKeyError(err) {
		t.Errorf("after the statements two records of one value: %v", err)
	}
}

// A service starts with an ordinary unique index: the second tombstone is refused, with what to do about it, and nothing else is.
func TestUniqueIndexHoldsTombstones(t *testing.T) {
	t.Parallel()
	type value = bson.D
	tenant := func(k string) bson.D { return bson.D{{Key: "tenant", Value: k[:1]}} } // has no answer for the zero key
	unique := func() *options.IndexOptionsBuilder { return options.Index().SetUnique(true) }
	ofView := &Options[string, value]{Fields: []string{"email"}, Encode: func(v value) (bson.D, error) { return v, nil },
		Decode: func(raw bson.Raw) (v value, err error) { return v, bson.Unmarshal(raw, &v) }}
	for name, c := range map[string]struct {
		o     *Options[string, value]
		keys  bson.D
		index *options.IndexOptionsBuilder
		doc   bson.D // what is in each document besides
	}{
		"ordinary":           {keys: d("email", 1), index: unique()},
		"named and collated": {keys: d("email", -1), index: unique().SetName("by mail").SetCollation(&options.Collation{Locale: "en"})},
		"nested":             {keys: d("email.work", 1), index: unique()},
		"partial":            {keys: d("email", 1), index: unique().SetPartialFilterExpression(d("_id", d("$gt", "")))},
		"shard key":          {o: &Options[string, value]{ShardKey: tenant}, keys: d("tenant", 1, "email", 1), index: unique()},
		"shard key, sparse":  {o: &Options[string, value]{ShardKey: tenant}, keys: d("tenant", 1, "email", 1), index: unique().SetSparse(true)},
		"shard key, partial": {o: &Options[string, value]{ShardKey: tenant}, keys: d("tenant", 1, "email", 1), index: unique().SetPartialFilterExpression(d("tenant", d("$exists", true)))},
		"view":               {o: ofView, keys: d("email", 1), index: unique()},
		"view, sparse":       {o: ofView, keys: d("theirs", 1, "email", 1), index: unique().SetSparse(true), doc: d("theirs", 1)},
		"view, partial":      {o: ofView, keys: d("theirs", 1, "email", 1), index: unique().SetPartialFilterExpression(d("theirs", d("$exists", true))), doc: d("theirs", 1)},
		"view, no documents": {o: ofView, keys: d("theirs", 1), index: unique()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			coll := mongotest.Collection(t)
			if _, err := coll.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: c.keys, Options: c.index}); err != nil {
				t.Fatal(err)
			}
			email := func(k string) any {
				if strings.Contains(c.keys[0].Key, ".") {
					return d("work", k)
				}
				return k
			}
			bare := name == "view, no documents"
			for _, k := range []string{"ta", "tb", "tc"} {
				doc := append(append(d("_id", k), c.doc...), bson.E{Key: "email", Value: email(k)})
				if c.o != nil && c.o.ShardKey != nil {
					doc = append(doc, bson.E{Key: "tenant", Value: "t"})
				}
				if bare {
					break
				}
				if _, err := coll.InsertOne(t.Context(), doc); err != nil {
					t.Fatal(err)
				}
			}
			s := open(t, coll, c.o)
			advice := strings.Join(s.Advice(), "\n")
			if !strings.Contains(advice, "holds tombstones") {
				t.Errorf("advice is %q", advice)
			}
			gone := func(k string) stores.Write[string, value] {
				v := newStamp(t)
				return stores.Write[string, value]{Key: k, If: stores.IfOlder(v), Record: stores.Record[value]{Meta: stores.Meta{Version: v, Deleted: true}}}
			}
			if err := s.Put(t.Context(), gone("ta")); err != nil {
				t.Fatalf("the first tombstone: %v", err)
			}
			index := collisionsOf(s)
			second := gone("tb")
			refusedAs(t, s, second, stores.OutcomeRejected, "unique index", index, "refuses the tombstone", "partialFilterExpression", "createIndex(", "dropIndex(")
			if err := s.Put(t.Context(), gone("ta")); err != nil {
				t.Errorf("the same tombstone again: %v", err)
			}
			// What would block a key if it came after the other place's half is refused before; an intent is not, and what may be stored is not.
			intent := second
			intent.Record.Intent = true
			if err := s.Check(intent); err != nil {
				t.Errorf("check of an intent: %v", err)
			}
			if err := s.Check(second); (err == nil) != bare || err != nil && (!errors.Is(err, stores.ErrPermanent) || !strings.Contains(err.Error(), index)) {
				t.Errorf("check of a tombstone: %v", err)
			}

			if bare {
				return // the index is about the field of others
			}
			prepare(t, coll, advice, func() error {
				doc := append(append(d("_id", "td"), c.doc...), bson.E{Key: "email", Value: email("tc")}, bson.E{Key: "tenant", Value: "t"})
				_, err := coll.InsertOne(t.Context(), doc)
				return err
			})
			for _, k := range []string{"tb", "tc"} {
				if err := s.Put(t.Context(), gone(k)); err != nil {
					t.Errorf("with the index prepared: %v", err)
				}
			}
			if s = open(t, coll, c.o); strings.Contains(strings.Join(s.Advice(), ""), "holds tombstones") {
				t.Errorf("advice on the index that the advice recommends: %q", s.Advice())
			}
			if err := s.Check(gone("tb")); err != nil {
				t.Errorf("check with the index prepared: %v", err)
			}
		})
	}
}

func collisionsOf[K, V any](s *Store[K, V]) string {
	if len(s.found.collisions) == 0 {
		return "no index"
	}
	return s.found.collisions[0].index
}

// Batches and pairs tell of the index as well.
func TestUniqueIndexInBatchesAndPairs(t *testing.T) {
	t.Parallel()
	db := mongotest.Database(t)
	coll := db.Collection("one")
	if _, err := coll.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: d("email", 1), Options: options.Index().SetUnique(true)}); err != nil {
		t.Fatal(err)
	}
	s, o := open[string, user](t, coll, nil), open[string, user](t, db.Collection("two"), nil)
	var gone []stores.Write[string, user]
	for _, k := range []string{"a", "b", "c"} {
		v := newStamp(t)
		gone = append(gone, stores.Write[string, user]{Key: k, If: stores.IfOlder(v), Record: stores.Record[user]{Meta: stores.Meta{Version: v, Deleted: true}}})
	}
	says := func(err error) bool {
		return errors.Is(err, stores.ErrPermanent) && strings.Contains(err.Error(), `unique index "email_1" refuses the tombstone`) && strings.Contains(err.Error(), "createIndex(")
	}
	errs, err := s.PutMany(t.Context(), gone[:2])
	if err != nil || (errs[0] == nil) == (errs[1] == nil) || !says(errors.Join(errs...)) {
		t.Errorf("many: %v, %v", err, errs)
	}
	var pair *stores.PairError
	if err := s.PutPair(t.Context(), gone[2], o, gone[2]); !errors.As(err, &pair) || !says(pair.First) || pair.Second != nil {
		t.Errorf("pair: %v", err)
	}
}

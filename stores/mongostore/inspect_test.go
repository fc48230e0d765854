package mongostore

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

type user struct {
	ID      string    `bson:"_id"`
	Email   string    `bson:"email,omitempty"`
	Expires time.Time `bson:"expires,omitempty"`
}

func expiry(u user) time.Time { return u.Expires }

// Of a clustered collection there are servers whose list of indexes does not tell that its documents expire.
func TestClusteredCollectionThatExpires(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options bson.D
		refused bool
	}{
		"clustered": {options: d("clusteredIndex", d("unique", true))},
		"expiring":  {options: bson.D{{Key: "clusteredIndex", Value: d("unique", true)}, {Key: "expireAfterSeconds", Value: int64(60)}}, refused: true},
		"at once":   {options: d("expireAfterSeconds", 0), refused: true},
	} {
		raw, err := bson.Marshal(c.options)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkCollection(collectionInfo{Type: "collection", Options: raw}); (err != nil) != c.refused || err != nil && !strings.Contains(err.Error(), "expireAfterSeconds") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A server that has such a collection is asked for it.
func TestExpiringClusterOnAServer(t *testing.T) {
	t.Parallel()
	db := mongotest.Database(t)
	err := db.RunCommand(t.Context(), bson.D{{Key: "create", Value: "clustered"}, {Key: "clusteredIndex", Value: bson.D{{Key: "key", Value: d("_id", 1)}, {Key: "unique", Value: true}}},
		{Key: "expireAfterSeconds", Value: 3600}}).Err()
	if err != nil {
		t.Fatal(err)
	}
	wrong[user](t, db.Collection("clustered"), nil, "expireAfterSeconds", "collMod")
}

// What would lose records or refuse tombstones is found at construction, with what to do about it.
func TestNewRefusesCollections(t *testing.T) {
	t.Parallel()
	schema := func(s bson.D) *options.CreateCollectionOptionsBuilder {
		return options.CreateCollection().SetValidator(bson.D{{Key: "$jsonSchema", Value: s}})
	}
	email := bson.D{{Key: "email", Value: 1}}
	for name, c := range map[string]struct {
		create *options.CreateCollectionOptionsBuilder
		index  *mongo.IndexModel
		o      Options[string, user]
		want   []string // parts of the error; nil: none
		advice string
	}{
		"plain":  {},
		"capped": {create: options.CreateCollection().SetCapped(true).SetSizeInBytes(1 << 20), want: []string{"capped"}},
		"collation": {
			create: options.CreateCollection().SetCollation(&options.Collation{Locale: "en", Strength: 2}), want: []string{"collation", `"en"`},
		},
		"closed schema": {
			create: schema(bson.D{{Key: "additionalProperties", Value: false}, {Key: "properties", Value: bson.D{{Key: "email", Value: bson.D{}}}}}),
			want:   []string{`"_dw"`, "properties"},
		},
		"closed schema with the metadata": {
			create: schema(bson.D{{Key: "additionalProperties", Value: false}, {Key: "properties", Value: bson.D{
				{Key: "_id", Value: bson.D{}}, {Key: "email", Value: bson.D{}}, {Key: "_dw", Value: bson.D{{Key: "bsonType", Value: "object"}}},
			}}}),
		},
		"required field":            {create: schema(bson.D{{Key: "required", Value: bson.A{"email"}}}), want: []string{"requires email", `"_dw.d"`}},
		"required field, only warn": {create: schema(bson.D{{Key: "required", Value: bson.A{"email"}}}).SetValidationAction("warn")},
		"required field of others":  {create: schema(bson.D{{Key: "required", Value: bson.A{"theirs"}}})},
		"unique index":              {index: &mongo.IndexModel{Keys: email, Options: options.Index().SetUnique(true)}, advice: `unique index "email_1" holds tombstones`},
		"unique sparse index":       {index: &mongo.IndexModel{Keys: email, Options: options.Index().SetUnique(true).SetSparse(true)}, advice: "swaps values"},
		"unique partial index": {
			index:  &mongo.IndexModel{Keys: email, Options: options.Index().SetUnique(true).SetPartialFilterExpression(bson.D{{Key: "email", Value: bson.D{{Key: "$exists", Value: true}}}})},
			advice: "swaps values",
		},
		"unique index, partial on tombstones too": {
			index:  &mongo.IndexModel{Keys: email, Options: options.Index().SetUnique(true).SetPartialFilterExpression(bson.D{{Key: "_dw.s", Value: bson.D{{Key: "$exists", Value: true}}}})},
			advice: `unique index "email_1" holds tombstones`,
		},
		"expiry that nobody named": {
			index: &mongo.IndexModel{Keys: bson.D{{Key: "expires", Value: 1}}, Options: options.Index().SetExpireAfterSeconds(3600)},
			want:  []string{"Options.ExpiresAt"},
		},
		"expiry": {
			index: &mongo.IndexModel{Keys: bson.D{{Key: "expires", Value: 1}}, Options: options.Index().SetExpireAfterSeconds(3600)},
			o:     Options[string, user]{ExpiresAt: expiry},
		},
		"expiry by a field of others": {
			index: &mongo.IndexModel{Keys: bson.D{{Key: "theirs", Value: 1}}, Options: options.Index().SetExpireAfterSeconds(3600)},
			o:     Options[string, user]{ExpiresAt: expiry},
			want:  []string{`"theirs"`, "V does not map"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			coll := mongotest.Collection(t)
			if c.create != nil {
				if err := coll.Database().CreateCollection(t.Context(), coll.Name(), c.create); err != nil {
					t.Fatal(err)
				}
			}
			if c.index != nil {
				if _, err := coll.Indexes().CreateOne(t.Context(), *c.index); err != nil {
					t.Fatal(err)
				}
			}
			s, err := New(t.Context(), coll, &c.o)
			if refusedWith(t, err, c.want); err != nil {
				return
			}
			advice := strings.Join(s.Advice(), "; ")
			if (advice == "") != (c.advice == "") || !strings.Contains(advice, c.advice) {
				t.Errorf("advice %q, want %q", advice, c.advice)
			}
		})
	}
}

func refusedWith(t *testing.T, err error, want []string) {
	t.Helper()
	if want == nil && err != nil || want != nil && err == nil {
		t.Fatalf("error %v, want %q", err, want)
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not say %q", err, part)
		}
	}
}

// putNow stores a value, or a tombstone, with a new stamp.
func putNow[K, V any](t *testing.T, s *Store[K, V], key K, v V, deleted bool) stores.Version {
	t.Helper()
	version := newStamp(t)
	w := stores.Write[K, V]{Key: key, Record: stores.Record[V]{Meta: stores.Meta{Version: version, Deleted: deleted}}, If: stores.IfOlder(version)}
	if !deleted {
		w.Record.Value = v
	}
	if err := s.Put(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return version
}

// clock makes the stamps of all tests.
var clock = sync.OnceValues(func() (*stores.Clock, error) { return stores.NewClock(nil) })

func newStamp(t *testing.T) stores.Version {
	t.Helper()
	c, err := clock()
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.Next()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A collection is one place however it was opened, unless two views have nothing in common.
func TestSamePlace(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	again := mongotest.Connect(t, mongotest.URI(t)).Database(coll.Database().Name()).Collection(coll.Name())
	view := func(coll *mongo.Collection, meta string, fields ...string) *Store[string, bson.D] {
		return open(t, coll, &Options[string, bson.D]{Meta: meta, Fields: fields,
			Encode: func(d bson.D) (bson.D, error) { return d, nil }, Decode: func(bson.Raw) (bson.D, error) { return nil, nil }})
	}
	whole := open(t, coll, &Options[string, bson.D]{})
	for name, c := range map[string]struct {
		a, b *Store[string, bson.D]
		want bool
	}{
		"one collection":          {whole, open(t, coll, &Options[string, bson.D]{Meta: "other"}), true},
		"another client":          {whole, open(t, again, &Options[string, bson.D]{}), true},
		"another collection":      {whole, open(t, coll.Database().Collection("other"), &Options[string, bson.D]{}), false},
		"another database":        {whole, open(t, mongotest.Collection(t), &Options[string, bson.D]{}), false},
		"a view of it":            {whole, view(coll, "a", "x"), true},
		"views of other fields":   {view(coll, "a", "x"), view(again, "b", "y"), false},
		"views that overlap":      {view(coll, "a", "x", "y"), view(coll, "b", "y", "z"), true},
		"views with one metadata": {view(coll, "a", "x"), view(coll, "a", "y"), true},
	} {
		if got := stores.SamePlace(c.a, c.b); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A transaction in the context is refused before any call; a session without one is left behind.
func TestTransactionInContext(t *testing.T) {
	t.Parallel()
	client := mongotest.Client(t)
	s := open(t, mongotest.Collection(t), &Options[string, user]{})
	session, err := client.StartSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.EndSession(context.WithoutCancel(t.Context()))
	ctx := mongo.NewSessionContext(t.Context(), session)
	if _, err := s.Get(ctx, "a"); !isNotFound(err) {
		t.Errorf("in a session without a transaction: %v", err)
	}
	if err := session.StartTransaction(); err != nil {
		t.Fatal(err)
	}
	v := newStamp(t)
	w := stores.Write[string, user]{Key: "a", Record: stores.Record[user]{Meta: stores.Meta{Version: v}}, If: stores.IfOlder(v)}
	_, getErr := s.Get(ctx, "a")
	_, manyErr := s.GetMany(ctx, []string{"a"})
	_, putManyErr := s.PutMany(ctx, []stores.Write[string, user]{w})
	var scanErr error
	for _, err := range s.Scan(ctx, "", nil) {
		scanErr = err
	}
	for what, err := range map[string]error{
		"get": getErr, "get many": manyErr, "put": s.Put(ctx, w), "put many": putManyErr, "scan": scanErr,
		"pair": s.PutPair(ctx, w, s, w), "check": stores.CheckContext(ctx, stores.Store[string, user](s)),
	} {
		if !isInTransaction(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := session.AbortTransaction(ctx); err != nil {
		t.Fatal(err)
	}
}

func isNotFound(err error) bool { return errors.Is(err, stores.ErrNotFound) }

func isInTransaction(err error) bool {
	return errors.Is(err, stores.ErrInTransaction) && errors.Is(err, stores.ErrPermanent)
}

// Fields that V does not map stay where they are in a write, and are told of by scans that are asked to.
func TestUnmappedFields(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "a"}, {Key: "email", Value: "x"}, {Key: "theirs", Value: 1}, {Key: "EMAIL", Value: "z"}}); err != nil {
		t.Fatal(err)
	}
	s := open(t, coll, &Options[string, user]{})
	putNow(t, s, "a", user{Email: "y"}, false)
	for want, scan := range map[string]iter.Seq2[stores.Entry[string, user], error]{
		"": s.Scan(t.Context(), "", nil), "EMAIL theirs": s.ScanNoting(t.Context(), "", nil),
	} {
		for e, err := range scan {
			if err != nil || e.Record.Value.Email != "y" || strings.Join(e.Lost, " ") != want {
				t.Fatalf("%+v, %v; want %q named", e, err, want)
			}
		}
	}
	var doc bson.M
	if err := coll.FindOne(t.Context(), bson.D{}).Decode(&doc); err != nil || doc["theirs"] != int32(1) || doc["email"] != "y" {
		t.Errorf("the document is %v, %v", doc, err)
	}
}

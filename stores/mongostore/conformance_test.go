package mongostore

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

type doc struct {
	Name string           `bson:"name"`
	Tags []string         `bson:"tags"`
	At   time.Time        `bson:"at"`
	More map[string]int64 `bson:"more,omitempty"`
	Nick *string          `bson:"nick,omitempty"`
}

func newDoc(i int) doc {
	d := doc{Name: fmt.Sprint("doc ", i), Tags: []string{"a", "b"}, At: time.UnixMilli(int64(i)).UTC(), More: map[string]int64{"n": int64(i)}}
	if i%2 == 1 {
		d.Nick = new("nick")
	}
	return d
}

func mutate(d *doc) {
	d.Tags[0] = "mutated"
	d.More["n"]--
}

func open[K, V any](tb testing.TB, coll *mongo.Collection, o *Options[K, V]) *Store[K, V] {
	tb.Helper()
	s, err := New(tb.Context(), coll, o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// corrupt makes a document that the store can not decode.
func corrupt[K, V any](update func(s *Store[K, V]) bson.D) func(testing.TB, stores.Store[K, V], K) {
	return func(tb testing.TB, st stores.Store[K, V], key K) {
		s, _ := stores.As[*Store[K, V]](st)
		id, err := s.id(key)
		if err != nil {
			tb.Fatal(err)
		}
		r, err := s.coll.UpdateOne(tb.Context(), bson.D{{Key: "_id", Value: id.value}}, bson.D{{Key: "$set", Value: update(s)}})
		if err != nil || r.MatchedCount != 1 {
			tb.Fatal(r, err)
		}
	}
}

func config[K, V any](o *Options[K, V], key func(int) K, value func(int) V) storetest.Config[K, V] {
	again := func(tb testing.TB, st stores.Store[K, V]) stores.Store[K, V] {
		s, _ := stores.As[*Store[K, V]](st)
		return open(tb, s.coll, o)
	}
	return storetest.Config[K, V]{
		Timeout: 10 * time.Minute, // on a busy machine a server takes minutes for many writers of one key
		Open:    func(tb testing.TB) stores.Store[K, V] { return open(tb, mongotest.Collection(tb), o) },
		Key:     key,
		Value:   value,
		Corrupt: corrupt(func(s *Store[K, V]) bson.D {
			return bson.D{{Key: s.codec.view.meta, Value: "damaged"}}
		}),
		Reopen: again, Again: again,
		OpenPair: func(tb testing.TB) (a, b stores.Store[K, V]) {
			db := mongotest.Database(tb)
			return open(tb, db.Collection("a"), o), open(tb, db.Collection("b"), o)
		},
	}
}

func stringKey(i int) string { return fmt.Sprintf("key-%d", i) }

func TestConformance(t *testing.T) {
	t.Run("struct", func(t *testing.T) {
		cfg := config(nil, stringKey, newDoc)
		cfg.Mutate = mutate
		cfg.AddField = func(tb testing.TB, st stores.Store[string, doc], key string) string {
			s := st.(*Store[string, doc])
			r, err := s.coll.UpdateByID(tb.Context(), key, bson.D{{Key: "$set", Value: bson.D{{Key: "theirs", Value: 1}}}})
			if err != nil || r.MatchedCount != 1 {
				tb.Fatal(r, err)
			}
			return "theirs"
		}
		storetest.Run(t, cfg)
	})
}

func TestConformanceMap(t *testing.T) {
	t.Parallel()
	cfg := config(nil, func(i int) bson.ObjectID {
		return bson.ObjectID{byte(i * 37), byte(i >> 8), byte(i), 11: 1}
	}, func(i int) bson.M { return bson.M{"n": int64(i), "list": bson.A{"a", int32(i)}} })
	cfg.Rounds = 20
	cfg.Mutate = func(m *bson.M) { (*m)["list"].(bson.A)[0] = "mutated" }
	storetest.Run(t, cfg)
}

// Ids of every type in one collection.
func TestConformanceMixedIDs(t *testing.T) {
	t.Parallel()
	cfg := config(&Options[bson.RawValue, bson.D]{Meta: "meta"}, mixedID, func(i int) bson.D { return bson.D{{Key: "n", Value: int64(i)}} })
	cfg.Rounds = 20
	storetest.Run(t, cfg)
}

func mixedID(i int) bson.RawValue {
	ids := []any{
		int64(i), fmt.Sprint(i), bson.D{{Key: "a", Value: int64(i)}}, bson.Binary{Subtype: 4, Data: slices.Repeat([]byte{byte(i), byte(i >> 8)}, 8)},
		bson.ObjectID{0: byte(i), 5: byte(i >> 8)}, float64(i) + .5, bson.DateTime(i), bson.Timestamp{T: uint32(i)},
	}
	t, b, err := bson.MarshalValue(ids[i%len(ids)])
	if err != nil {
		panic(err)
	}
	return bson.RawValue{Type: t, Value: b}
}

// Two views of the same documents, which hold a field of somebody else's besides.
func TestConformanceView(t *testing.T) {
	t.Parallel()
	o := viewOptions("")
	cfg := config(o, stringKey, newDoc)
	cfg.Rounds = 20
	cfg.Mutate = mutate
	cfg.OpenPair = func(tb testing.TB) (a, b stores.Store[string, doc]) {
		coll := mongotest.Collection(tb)
		second := viewOptions("2")
		second.Encode = func(d doc) (bson.D, error) {
			return bson.D{{Key: "name2", Value: d.Name}, {Key: "rest2", Value: bson.D{
				{Key: "tags", Value: d.Tags}, {Key: "at", Value: d.At}, {Key: "more", Value: d.More}, {Key: "nick", Value: d.Nick},
			}}}, nil
		}
		second.Decode = func(raw bson.Raw) (d doc, err error) {
			if err = raw.Lookup("rest2").Unmarshal(&d); err == nil {
				err = raw.Lookup("name2").Unmarshal(&d.Name)
			}
			return d, err
		}
		return open(tb, coll, viewOptions("")), open(tb, coll, second)
	}
	storetest.Run(t, cfg)
}

func viewOptions(suffix string) *Options[string, doc] {
	if suffix != "" {
		return &Options[string, doc]{Meta: "_dw" + suffix, Fields: []string{"name" + suffix, "rest" + suffix}}
	}
	return &Options[string, doc]{Fields: []string{"name", "tags", "at", "more", "nick"}}
}

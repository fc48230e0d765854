package mongostore

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// BenchmarkPut writes 1,000 records over and over on a condition: with the store, and with the driver's own update, which
// is given the same filter and the same value.
func BenchmarkPut(b *testing.B) {
	const keys = 1000
	clock, err := stores.NewClock(nil)
	if err != nil {
		b.Fatal(err)
	}
	next := func() stores.Version {
		v, err := clock.Next()
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
	b.Run("store", func(b *testing.B) {
		s := open(b, mongotest.Collection(b), &Options[string, doc]{})
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			v := next()
			w := stores.Write[string, doc]{
				Key: fmt.Sprint("key", i%keys), Record: stores.Record[doc]{Meta: stores.Meta{Version: v}, Value: newDoc(i)}, If: stores.IfOlder(v),
			}
			if err := s.Put(b.Context(), w); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("driver", func(b *testing.B) {
		coll := mongotest.Collection(b)
		coll = coll.Clone(options.Collection().SetWriteConcern(writeconcern.Majority()))
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			v := stampValue(next())
			filter := bson.D{{Key: "_id", Value: fmt.Sprint("key", i%keys)}, {Key: "$and", Value: bson.A{bson.D{{Key: "$or", Value: bson.A{
				bson.D{{Key: "_dw", Value: bson.D{{Key: "$exists", Value: false}}}}, bson.D{{Key: "_dw.s", Value: bson.D{{Key: "$lt", Value: v}}}},
			}}}}}}
			set := bson.D{{Key: "$set", Value: struct {
				doc  `bson:",inline"`
				Meta bson.D `bson:"_dw"`
			}{newDoc(i), bson.D{{Key: "s", Value: v}}}}}
			if _, err := coll.UpdateOne(b.Context(), filter, set, options.UpdateOne().SetUpsert(true)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCodec is what a write and a read cost in this process.
func BenchmarkCodec(b *testing.B) {
	s := open(b, mongotest.Collection(b), &Options[string, doc]{})
	w := stores.Write[string, doc]{Key: "key", Record: stores.Record[doc]{Meta: stores.Meta{Version: stores.Unstamped}, Value: newDoc(1)}, If: stores.IfOlder(stores.Unstamped)}
	c, err := s.prepare(&w)
	if err != nil {
		b.Fatal(err)
	}
	raw := s.document(c)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c, err := s.prepare(&w)
			if err != nil {
				b.Fatal(err)
			}
			s.document(c)
		}
	})
	b.Run("encode, driver", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := bson.Marshal(w.Record.Value); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.record(raw, c.id.canon); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode, driver", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var d doc
			if err := bson.Unmarshal(raw, &d); err != nil {
				b.Fatal(err)
			}
		}
	})
}

package mongostore

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/internal/hostile"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

// Names that an update takes for a path or an operator, in a store that owns the whole document.
func TestConformanceNames(t *testing.T) {
	t.Parallel()
	cfg := config(nil, stringKey, func(i int) bson.D {
		return bson.D{{Key: "$set", Value: int64(i)}, {Key: "a.b", Value: bson.A{"x", int32(i)}}, {Key: "", Value: "empty"}, {Key: "$", Value: bson.D{{Key: "$x.y", Value: ""}}}}
	})
	cfg.Rounds = 20
	cfg.Mutate = func(d *bson.D) { (*d)[1].Value.(bson.A)[0] = "mutated" }
	storetest.Run(t, cfg)
}

// asStored is a document as it is, without the metadata; nil for none.
func asStored(t *testing.T, coll *mongo.Collection, id bson.RawValue) bson.Raw {
	t.Helper()
	doc, err := coll.FindOne(t.Context(), bson.D{{Key: "_id", Value: id}}).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil
	}
	d := openDocument(len(doc))
	if err := errors.Join(err, walk(doc, func(name []byte, v bson.RawValue) error {
		if string(name) != DefaultMeta {
			d.append(string(name), v)
		}
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	return d.close()
}

// fieldsOf is a document without its _id.
func fieldsOf(t *testing.T, doc bson.Raw) bson.Raw {
	t.Helper()
	d := openDocument(len(doc))
	if err := walk(doc, func(name []byte, v bson.RawValue) error {
		if string(name) != "_id" {
			d.append(string(name), v)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return d.close()
}

// Every kind of write stores a document as it is, whatever the names in it, and every tombstone takes all of it away.
func TestAnyNameInAnyWrite(t *testing.T) {
	t.Parallel()
	db := mongotest.Database(t)
	coll, beside := db.Collection("one"), db.Collection("two")
	s, o := open[bson.RawValue, bson.Raw](t, coll, nil), open[bson.RawValue, bson.Raw](t, beside, nil)
	for _, d := range hostile.Documents() {
		if d.Kind != hostile.Names {
			continue
		}
		value, n := fieldsOf(t, d.Raw), int64(0)
		write := func(deleted bool, cond func(prev, this stores.Version) stores.Condition) stores.Write[bson.RawValue, bson.Raw] {
			n++
			w := stores.Write[bson.RawValue, bson.Raw]{Key: d.ID, If: cond(stampAt(n-1), stampAt(n))}
			w.Record.Version, w.Record.Deleted = stampAt(n), deleted
			if !deleted {
				w.Record.Value = value
			}
			return w
		}
		put := func(w stores.Write[bson.RawValue, bson.Raw]) error { return s.Put(t.Context(), w) }
		many := func(w stores.Write[bson.RawValue, bson.Raw]) error {
			errs, err := s.PutMany(t.Context(), []stores.Write[bson.RawValue, bson.Raw]{w})
			return errors.Join(append(errs, err)...)
		}
		pair := func(w stores.Write[bson.RawValue, bson.Raw]) error {
			other := w
			other.If = stores.IfOlder(w.Record.Version)
			return s.PutPair(t.Context(), w, o, other)
		}
		absent := func(_, _ stores.Version) stores.Condition { return stores.IfStamp(stores.Absent) }
		unstamped := func(_, _ stores.Version) stores.Condition { return stores.IfStamp(stores.Unstamped) }
		exactly := func(prev, _ stores.Version) stores.Condition { return stores.IfStamp(prev) }
		older := func(_, this stores.Version) stores.Condition { return stores.IfOlder(this) }
		atMost := func(prev, _ stores.Version) stores.Condition { return stores.IfAtMost(prev, stores.Unknown) }
		for _, step := range []struct {
			name    string
			send    func(stores.Write[bson.RawValue, bson.Raw]) error
			cond    func(prev, this stores.Version) stores.Condition
			deleted bool
			before  func() // makes what the condition is about
		}{
			{name: "insert", send: put, cond: absent}, {name: "exactly", send: put, cond: exactly}, {name: "older", send: put, cond: older}, {name: "at most", send: put, cond: atMost},
			{name: "many over it", send: many, cond: older}, {name: "tombstone", send: put, cond: exactly, deleted: true}, {name: "over a tombstone", send: put, cond: exactly},
			{name: "pair", send: pair, cond: exactly}, {name: "pair over it", send: pair, cond: atMost}, {name: "pair of tombstones", send: pair, cond: older, deleted: true},
			{name: "many over a tombstone", send: many, cond: atMost}, {name: "many tombstones", send: many, cond: older, deleted: true},
			{name: "older, of nothing", send: put, cond: older, before: func() { remove(t, coll, d.ID) }},
			{name: "many of nothing", send: many, cond: older, before: func() { remove(t, coll, d.ID) }},
			{name: "at most, of nothing", send: put, cond: atMost, before: func() { remove(t, coll, d.ID) }},
			{name: "pair of nothing", send: pair, cond: older, before: func() { remove(t, coll, d.ID); remove(t, beside, d.ID) }},
			{name: "over an unstamped record", send: put, cond: unstamped, before: func() { purge(t, s, d, stampAt(n)) }},
			{name: "older, over an unstamped record", send: many, cond: older, before: func() { purge(t, s, d, stampAt(n)) }},
		} {
			if d.Twice && mongotest.Ours() && step.name != "insert" && step.name != "many of nothing" {
				continue // the server would keep one of two fields
			}
			if step.before != nil {
				step.before()
			}
			w := write(step.deleted, step.cond)
			if err := s.Check(w); err != nil {
				t.Fatalf("%s: %s: check: %v", d.Name, step.name, err)
			}
			if err := step.send(w); err != nil {
				t.Fatalf("%s: %s: %v", d.Name, step.name, err)
			}
			want := d.Raw
			if step.deleted {
				want, _ = bson.Marshal(bson.D{{Key: "_id", Value: d.ID}})
			}
			if got := asStored(t, coll, d.ID); !bytes.Equal(got, want) {
				t.Errorf("%s: %s: stored is %v, want %v", d.Name, step.name, got, want)
			}
			if r, err := s.Get(t.Context(), d.ID); err != nil || !step.deleted && !bytes.Equal(r.Value, value) {
				t.Errorf("%s: %s: read is %x, %v", d.Name, step.name, []byte(r.Value), err)
			}
			late := w
			late.If, late.Record.Version = stores.IfAtMost(stampAt(1), stores.Unknown), stampAt(2)
			if n > 2 {
				var refused *stores.ConditionError
				if err := step.send(late); !errors.As(err, &refused) && !pairRefused(err) {
					t.Errorf("%s: %s: a late write: %v", d.Name, step.name, err)
				}
			}
			if got := asStored(t, coll, d.ID); !bytes.Equal(got, want) {
				t.Errorf("%s: %s: after a late write stored is %v, want %v", d.Name, step.name, got, want)
			}
		}
		if back, err := s.RoundTrip(d.ID, value); err != nil || !bytes.Equal(back, value) {
			t.Errorf("%s: round trip: %x, %v", d.Name, []byte(back), err)
		}
	}
}

func pairRefused(err error) bool {
	var pair *stores.PairError
	var refused *stores.ConditionError
	return errors.As(err, &pair) && errors.As(pair.First, &refused)
}

func remove(t *testing.T, coll *mongo.Collection, id bson.RawValue) {
	t.Helper()
	if _, err := coll.DeleteOne(t.Context(), bson.D{{Key: "_id", Value: id}}); err != nil {
		t.Fatal(err)
	}
}

// purge takes the metadata off a live record, and looks whether the rest stays.
func purge(t *testing.T, s *Store[bson.RawValue, bson.Raw], d hostile.Document, at stores.Version) {
	t.Helper()
	errs, err := s.Purge(t.Context(), []stores.PurgeTarget[bson.RawValue]{{Key: d.ID, Version: at}})
	if err != nil || errs[0] != nil {
		t.Fatal(d.Name, err, errs)
	}
	if doc, err := s.coll.FindOne(t.Context(), bson.D{{Key: "_id", Value: d.ID}}).Raw(); err != nil || !bytes.Equal(doc, d.Raw) {
		t.Errorf("%s: purged is %x, %v", d.Name, []byte(doc), err)
	}
}

// Of two who write at once one is refused, also where a write takes two operations.
func TestOneOfManyReplacesADollar(t *testing.T) {
	t.Parallel()
	s := open[string, bson.D](t, mongotest.Collection(t), nil)
	for round := range int64(10) {
		base := stampAt(10*round + 1)
		first := stores.Write[string, bson.D]{Key: "k", If: stores.IfOlder(base), Record: stores.Record[bson.D]{Meta: stores.Meta{Version: base}, Value: bson.D{{Key: "$n", Value: round}}}}
		if err := s.Put(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		const writers = 4
		answers := make(chan error, writers)
		for i := range int64(writers) {
			go func() {
				w := first
				w.If, w.Record.Version = stores.IfAtMost(base, stores.Unknown), stampAt(10*round+2+i)
				answers <- s.Put(t.Context(), w)
			}()
		}
		applied := 0
		for range writers {
			var refused *stores.ConditionError
			switch err := <-answers; {
			case err == nil:
				applied++
			case !errors.As(err, &refused):
				t.Error(err)
			}
		}
		if applied != 1 {
			t.Errorf("%d of %d writers of one base were accepted", applied, writers)
		}
	}
}

// A version field, an expiry and a shard key work beside any names.
func TestOptionsBesideAnyName(t *testing.T) {
	t.Parallel()
	type value = bson.D
	awkward := func(more ...bson.E) value {
		return append(value{{Key: "$x", Value: "x"}, {Key: "a.b", Value: int32(1)}, {Key: "", Value: "y"}}, more...)
	}
	at := func(n int64, v value, cond stores.Condition) stores.Write[string, value] {
		return stores.Write[string, value]{Key: "t/k", If: cond, Record: stores.Record[value]{Meta: stores.Meta{Version: stampAt(n)}, Value: v}}
	}
	puts := func(s *Store[string, value], ws ...stores.Write[string, value]) {
		t.Helper()
		for i, w := range ws {
			if err := s.Put(t.Context(), w); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		}
	}
	id := rawID(t, "t/k")
	is := func(coll *mongo.Collection, want value) {
		t.Helper()
		raw, err := bson.Marshal(append(bson.D{{Key: "_id", Value: id}}, want...))
		if err != nil {
			t.Fatal(err)
		}
		if got := asStored(t, coll, id); !bytes.Equal(got, raw) {
			t.Errorf("stored is %v, want %v", got, bson.Raw(raw))
		}
	}

	coll := mongotest.Collection(t)
	guarded := open(t, coll, &Options[string, value]{Guard: "version"})
	puts(guarded, at(1, awkward(bson.E{Key: "version", Value: int64(0)}), stores.IfStamp(stores.Absent)),
		at(2, awkward(bson.E{Key: "version", Value: int64(1)}), stores.IfStamp(stampAt(1))), at(3, awkward(bson.E{Key: "version", Value: int64(0)}), stores.IfOlder(stampAt(3))))
	is(coll, awkward(bson.E{Key: "version", Value: int64(3)}))
	refusedAs(t, guarded, at(4, append(awkward(), awkward()...), stores.IfOlder(stampAt(4))), stores.OutcomeRejected, "twice")

	coll = mongotest.Collection(t)
	expiring := open(t, coll, &Options[string, value]{ExpiresAt: func(value) time.Time { return time.Unix(1, 0) }})
	for n, cond := range []stores.Condition{stores.IfStamp(stores.Absent), stores.IfOlder(stampAt(9))} {
		remove(t, coll, id)
		if _, err := coll.InsertOne(context.WithoutCancel(t.Context()), append(bson.D{{Key: "_id", Value: "t/k"}}, awkward()...)); err != nil {
			t.Fatal(err)
		}
		puts(expiring, at(int64(n+2), awkward(bson.E{Key: "$n", Value: int64(n)}), cond))
		is(coll, awkward(bson.E{Key: "$n", Value: int64(n)}))
	}

	coll = mongotest.Collection(t)
	sharded := open(t, coll, &Options[string, value]{ShardKey: func(k string) bson.D { return bson.D{{Key: "tenant", Value: k[:1]}} }})
	inTheMiddle := awkward(bson.E{Key: "tenant", Value: "t"}, bson.E{Key: "z", Value: "z"})
	puts(sharded, at(1, inTheMiddle, stores.IfOlder(stampAt(1))), at(2, inTheMiddle, stores.IfOlder(stampAt(2))))
	is(coll, inTheMiddle)
	refusedAs(t, sharded, at(3, awkward(bson.E{Key: "tenant", Value: "t"}, bson.E{Key: "tenant", Value: "t"}), stores.IfOlder(stampAt(3))), stores.OutcomeRejected, "twice")
	gone := at(4, nil, stores.IfOlder(stampAt(4)))
	gone.Record.Deleted = true
	puts(sharded, gone)
	is(coll, value{{Key: "tenant", Value: "t"}})
}

// A struct that owns the whole document may name such fields itself; one that shares it may not.
func TestStructsWithAnyName(t *testing.T) {
	t.Parallel()
	type whole struct {
		Dotted string                   `bson:"a.b"`
		Dollar string                   `bson:"$x"`
		Rest   map[string]bson.RawValue `bson:",inline"`
	}
	coll := mongotest.Collection(t)
	s := open[string, whole](t, coll, nil)
	for n := range int64(2) {
		w := stores.Write[string, whole]{Key: "k", If: stores.IfOlder(stampAt(n + 1)), Record: stores.Record[whole]{Meta: stores.Meta{Version: stampAt(n + 1)},
			Value: whole{"1", "2", map[string]bson.RawValue{"": rawID(t, "3")}}}}
		if err := s.Put(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Get(t.Context(), "k"); err != nil || r.Value.Dotted != "1" || r.Value.Dollar != "2" || r.Value.Rest[""].StringValue() != "3" {
			t.Errorf("read is %v, %v", r, err)
		}
	}
	wrong(t, coll, &Options[string, whole]{Fields: []string{"a"}}, `"a.b" contains a dot`, `"$x" begins with a dollar`)
}

// A struct is written by operators, but for its first write, which is an insert.
func TestZeroTimestampsOfAStructStay(t *testing.T) {
	t.Parallel()
	type event struct {
		At bson.Timestamp `bson:"at"`
		N  int64          `bson:"n"`
	}
	s := open[string, event](t, mongotest.Collection(t), &Options[string, event]{Guard: "n"})
	o := open[string, event](t, mongotest.Collection(t), nil)
	for _, s := range []*Store[string, event]{s, o} {
		w := stores.Write[string, event]{Key: "one", If: stores.IfOlder(stampAt(1)), Record: stores.Record[event]{Meta: stores.Meta{Version: stampAt(1)}}}
		many := w
		many.Key = "many"
		errs, err := s.PutMany(t.Context(), []stores.Write[string, event]{many})
		if err := errors.Join(append(errs, err, s.Put(t.Context(), w))...); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"one", "many"} {
			if r, err := s.Get(t.Context(), key); err != nil || !r.Value.At.IsZero() {
				t.Errorf("%s: %+v, %v", key, r.Value, err)
			}
		}
	}
}

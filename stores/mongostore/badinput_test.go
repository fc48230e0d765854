package mongostore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// wrong expects New to refuse, naming the collection and everything else that is listed.
func wrong[V any](t *testing.T, coll *mongo.Collection, o *Options[string, V], says ...string) {
	t.Helper()
	_, err := New(t.Context(), coll, o)
	if err == nil {
		t.Errorf("%+v is accepted", o)
		return
	}
	if coll != nil {
		says = append(says, coll.Database().Name()+"."+coll.Name())
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%v does not say %q", err, text)
		}
	}
}

func TestNewSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	type one struct {
		A string `bson:"a"`
	}
	type dotted struct {
		A string `bson:"a.b"`
	}
	type dollar struct {
		A string `bson:"$a"`
	}
	type meta struct {
		A string `bson:"_dw"`
	}
	type channel struct {
		C chan int `bson:"c"`
	}
	wrong[one](t, nil, nil, "collection")
	wrong(t, coll, &Options[string, one]{Fields: []string{"b"}}, `"a"`, "Options.Fields")
	wrong(t, coll, &Options[string, one]{Fields: []string{}}, "empty")
	wrong(t, coll, &Options[string, one]{Fields: []string{"a", "a"}}, "twice")
	wrong(t, coll, &Options[string, one]{Fields: []string{"a", "_id"}}, `"_id"`)
	wrong(t, coll, &Options[string, one]{Fields: []string{"a", "x.y"}}, `"x.y"`, "dot")
	wrong(t, coll, &Options[string, one]{Fields: []string{"a", "$x"}}, `"$x"`, "dollar")
	wrong(t, coll, &Options[string, one]{Fields: []string{"a", "m"}, Meta: "m"}, `"m"`)
	wrong(t, coll, &Options[string, one]{Meta: "_id"}, "_id")
	wrong(t, coll, &Options[string, one]{Meta: "a.b", Timeout: -1, Encode: func(one) (bson.D, error) { return nil, nil }},
		"dot", "Timeout", "Decode") // all at once
	wrong(t, coll, &Options[string, one]{Guard: "version"}, "version")
	wrong(t, coll, &Options[string, dotted]{}, "a.b")
	wrong(t, coll, &Options[string, dollar]{}, "$a")
	wrong(t, coll, &Options[string, meta]{}, "_dw", "Options.Meta")
	wrong(t, coll, &Options[string, channel]{}, "C", "chan int")
	wrong(t, coll, &Options[string, int]{}, "int")
}

// Types that can be stored, and whose zero value can not.
func TestTypesWithoutAZeroValue(t *testing.T) {
	t.Parallel()
	type raw struct {
		Raw   bson.Raw      `bson:"raw"`
		Value bson.RawValue `bson:"value"`
	}
	s := open[string, raw](t, mongotest.Collection(t), nil)
	doc, err := bson.Marshal(bson.D{{Key: "a", Value: 1}})
	if err != nil {
		t.Fatal(err)
	}
	v := raw{doc, rawID(t, "text")}
	w := stores.Write[string, raw]{Key: "a", Record: stores.Record[raw]{Meta: stores.Meta{Version: stampAt(1)}, Value: v}, If: stores.IfOlder(stampAt(1))}
	if err := s.Put(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Get(t.Context(), "a"); err != nil || !cmp.Equal(r.Value, v, cmp.Comparer(bson.RawValue.Equal)) {
		t.Errorf("got %v, %v", r, err)
	}
	w.Record.Value, w.Key = raw{}, "b"
	refusedAs(t, s, w, stores.OutcomeRejected)
}

type base struct {
	Hidden string `bson:"hidden"`
}

// What the driver does not encode is not the store's, and survives.
func TestFieldsThatTheDriverPassesOver(t *testing.T) {
	t.Parallel()
	type value struct {
		base    `bson:",inline"`
		Name    string `bson:"name"`
		skipped string
	}
	coll := mongotest.Collection(t)
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "a"}, {Key: "hidden", Value: "h"}, {Key: "skipped", Value: "s"}}); err != nil {
		t.Fatal(err)
	}
	s := open[string, value](t, coll, nil)
	w := stores.Write[string, value]{Key: "a", Record: stores.Record[value]{Meta: stores.Meta{Version: stampAt(1)}, Value: value{Name: "n", skipped: "x"}}, If: stores.IfOlder(stampAt(1))}
	if err := s.Put(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if doc := document1(t, coll, "a"); doc["hidden"] != "h" || doc["skipped"] != "s" || doc["name"] != "n" {
		t.Errorf("stored: %v", doc)
	}
}

// document1 is a document as it is.
func document1(tb testing.TB, coll *mongo.Collection, id any) bson.M {
	tb.Helper()
	var doc bson.M
	if err := coll.FindOne(tb.Context(), bson.D{{Key: "_id", Value: id}}).Decode(&doc); err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		tb.Fatal(err)
	}
	return doc
}

func TestValuesThatCanNotBeStored(t *testing.T) {
	t.Parallel()
	s := open[string, bson.D](t, mongotest.Collection(t), nil)
	write := func(v bson.D) stores.Write[string, bson.D] {
		return stores.Write[string, bson.D]{Key: "k", Record: stores.Record[bson.D]{Meta: stores.Meta{Version: stampAt(1)}, Value: v}, If: stores.IfOlder(stampAt(1))}
	}
	for says, v := range map[string]bson.D{
		"metadata":    {{Key: "_dw", Value: 1}},
		`"_dw.s"`:     {{Key: "_dw.s", Value: 1}}, // reads as a part of the metadata
		"_id":         {{Key: "_id", Value: "other"}},
		"there twice": {{Key: "_id", Value: "k"}, {Key: "_id", Value: "k"}},
		"chan":        {{Key: "c", Value: make(chan int)}},
	} {
		refusedAs(t, s, write(v), stores.OutcomeRejected, says)
	}
	if err := s.Put(t.Context(), write(bson.D{{Key: "_id", Value: "k"}, {Key: "a", Value: 1}})); err != nil {
		t.Errorf("the key itself as _id: %v", err)
	}
	type pair struct{ A, B int }
	type keyed struct {
		ID pair `bson:"_id"`
		N  int  `bson:"n"`
	}
	p := open[pair, keyed](t, mongotest.Collection(t), nil)
	for _, tc := range []struct {
		id pair
		ok bool
	}{{pair{}, true}, {pair{1, 2}, true}, {pair{2, 1}, false}} {
		w := stores.Write[pair, keyed]{Key: pair{1, 2}, Record: stores.Record[keyed]{Meta: stores.Meta{Version: stampAt(1)}, Value: keyed{tc.id, 1}}, If: stores.IfOlder(stampAt(1))}
		if err := p.Check(w); (err == nil) != tc.ok || err != nil && !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("value with _id %v under the key {1 2}: %v", tc.id, err)
		}
	}
}

// damages of a record's metadata, none of which a write may replace: it would be a guess.
func damages() []any {
	stamp := stampValue(stampAt(3))
	with := func(e bson.E) bson.D { return bson.D{{Key: "s", Value: stamp}, e} }
	return []any{
		"text", nil, int64(1), bson.D{}, bson.D{{Key: "s", Value: "text"}}, bson.D{{Key: "s", Value: nil}},
		bson.D{{Key: "s", Value: bson.Binary{}}}, bson.D{{Key: "s", Value: bson.Binary{Data: make([]byte, 16)}}},
		with(bson.E{Key: "d", Value: "yes"}), with(bson.E{Key: "p", Value: "what"}), with(bson.E{Key: "x", Value: 1}),
	}
}

// A record that does not decode is named, and the scan goes on.
func TestDamagedRecords(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	s := open[string, counter](t, coll, nil)
	all := append(damages(), "value") // the last one's value is damaged
	for i, damage := range all {
		doc := bson.D{{Key: "_id", Value: fmt.Sprintf("%02d", 2*i)}, {Key: "n", Value: 1}, {Key: "_dw", Value: damage}}
		if i == len(all)-1 {
			doc = bson.D{doc[0], {Key: "n", Value: "text"}}
		}
		if _, err := coll.InsertMany(t.Context(), []bson.D{doc, {{Key: "_id", Value: fmt.Sprintf("%02d", 2*i+1)}, {Key: "n", Value: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	positions, good := scanAll(t, s, nil)
	if len(positions) != 2*len(all) || good != len(all) {
		t.Errorf("%d records, %d of them good; want %d and %d", len(positions), good, 2*len(all), len(all))
	}
	for i, damage := range all {
		key := fmt.Sprintf("%02d", 2*i)
		_, err := s.Get(t.Context(), key)
		var bad *stores.RecordError
		if !errors.As(err, &bad) || string(bad.Key) != key || !strings.Contains(err.Error(), s.namespace) {
			t.Errorf("%v: %v", damage, err)
		}
		if rest, _ := scanAll(t, s, []byte(key)); len(rest) != 2*len(all)-2*i-1 {
			t.Errorf("%d records after %s", len(rest), key)
		}
	}
}

func TestDamagedMetadataIsNotOverwritten(t *testing.T) {
	t.Parallel()
	for _, o := range []*Options[string, counter]{nil, {Fields: []string{"n"}}, {Encode: encodeCounter, Decode: decodeCounter}} {
		coll := mongotest.Collection(t)
		s := open(t, coll, o)
		for i, damage := range damages()[:8] { // the others have a stamp, and conditions are about the stamp
			key := fmt.Sprint(i)
			if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: key}, {Key: "n", Value: 1}, {Key: "_dw", Value: damage}}); err != nil {
				t.Fatal(err)
			}
			before := document1(t, coll, key)
			for _, cond := range []stores.Condition{
				stores.IfOlder(stampAt(9)), stores.IfAtMost(stampAt(9), stores.Unknown), stores.IfStamp(stores.Absent), stores.IfStamp(stores.Unstamped),
			} {
				refusedAs(t, s, put(key, 9, cond), stores.OutcomeRejected, "metadata")
			}
			if diff := cmp.Diff(before, document1(t, coll, key)); diff != "" {
				t.Errorf("%v: %s", damage, diff)
			}
		}
	}
}

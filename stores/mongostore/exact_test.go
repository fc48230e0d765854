package mongostore

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

type inner struct {
	Zip  string           `bson:"zip"`
	Note string           `bson:"note,omitempty"`
	Deep map[string]inner `bson:"deep,omitempty"`
}

type outer struct {
	ID    string           `bson:"_id"`
	Text  string           `bson:"text"`
	Float float64          `bson:"float"`
	Int   int64            `bson:"int"`
	Flag  bool             `bson:"flag"`
	Time  time.Time        `bson:"time"`
	Dec   bson.Decimal128  `bson:"dec"`
	Ptr   *string          `bson:"ptr"`
	Any   any              `bson:"any"`
	Two   [2]int32         `bson:"two"`
	Maybe string           `bson:"maybe,omitempty"`
	Zero  int32            `bson:"zero,omitempty"`
	When  time.Time        `bson:"when,omitempty"`
	On    bool             `bson:"on,omitempty"`
	Oid   bson.ObjectID    `bson:"oid,omitempty"`
	Bytes []byte           `bson:"bytes,omitempty"`
	Sub   inner            `bson:"sub"`
	Subs  []inner          `bson:"subs"`
	Map   map[string]int64 `bson:"map"`
	Subm  map[string]inner `bson:"subm"`
	Guard int64            `bson:"guard"`
}

// namedOf are the fields that a scan names which finds one document.
func namedOf[V any](t *testing.T, o *Options[string, V], fields bson.D) string {
	t.Helper()
	c, err := o.build()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := bson.Marshal(append(bson.D{{Key: "_id", Value: "key"}, {Key: c.view.meta, Value: nil}}, fields...))
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.value(doc)
	if err != nil {
		t.Fatalf("%v: %v", bson.Raw(doc), err)
	}
	s := &Store[string, V]{codec: c, guard: o.Guard}
	var lost typeshape.Lost
	s.note(&lost, doc, stores.Record[V]{Meta: stores.Meta{Version: stores.Unstamped}, Value: v})
	return strings.Join(lost.Take(), " ")
}

func d(nameAndValue ...any) (d bson.D) {
	for i := 0; i < len(nameAndValue); i += 2 {
		d = append(d, bson.E{Key: nameAndValue[i].(string), Value: nameAndValue[i+1]})
	}
	return d
}

// What V does not give back as it is stored is named, and nothing else.
func TestWhatVDoesNotHoldIsNamed(t *testing.T) {
	t.Parallel()
	dec := func(s string) bson.Decimal128 {
		v, err := bson.ParseDecimal128(s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	zip := d("zip", "1")
	for _, c := range []struct {
		stored bson.D
		want   string
	}{
		{d(), ""},
		{d("text", "a", "float", 1.5, "int", int64(1), "flag", true, "time", time.UnixMilli(1), "sub", zip, "subs", bson.A{zip, zip}, "guard", 7), ""},
		{d("flag", true, "text", "a"), ""},
		// Numbers are equal whatever type they have.
		{d("int", int32(1), "float", int64(1<<53), "dec", dec("1.50"), "any", 1.0), ""}, {d("int", 7.0), ""}, {d("float", math.Copysign(0, -1)), ""},
		{d("float", int64(1<<53+1)), "float"}, {d("float", math.NaN()), ""}, {d("int", true), "int"},
		{d("flag", -1.5), "flag"}, {d("flag", int32(1)), "flag"}, {d("time", int64(1)), "time"}, {d("bytes", "text"), "bytes"},
		// A null is kept where there is one in V.
		{d("ptr", nil, "any", nil, "subs", nil, "map", nil), ""}, {d("text", nil), "text"}, {d("int", nil), "int"}, {d("time", nil), "time"}, {d("sub", nil), "sub"},
		// What the encoding leaves out is no loss if it is nothing.
		{d("maybe", "", "zero", int32(0), "when", time.Time{}, "on", false, "oid", bson.ObjectID{}, "bytes", []byte{}), ""},
		{d("maybe", nil, "zero", nil, "when", nil, "on", nil, "oid", nil, "bytes", nil), ""},
		{d("zero", 0.0, "maybe", bson.Undefined{}), ""},
		{d("on", 0.0), ""}, {d("sub", d("zip", "1", "note", nil, "deep", d())), ""}, {d("sub", d("zip", "1", "deep", d("x", d("zip", "", "note", "")))), ""},
		// On all levels, and by the path as long as names are no data.
		{d("sub", d("zip", "1", "more", 1)), "sub.more"}, {d("sub", d("zip", "1", "more", nil)), "sub.more"}, {d("sub", d("ZIP", "1")), "sub.ZIP"},
		{d("sub", d("zip", nil)), "sub.zip"}, {d("subs", bson.A{zip, d("zip", "1", "more", 1)}), "subs.more"},
		{d("subm", d("key", d("zip", "1", "more", 1))), "subm"}, {d("subm", d("a", zip, "b", zip)), ""}, {d("map", d("a", int32(1), "b", int64(1))), ""}, {d("map", d("a", nil)), "map"},
		// Documents without an order, lists with one.
		{d("sub", d("note", "x", "zip", "1")), ""}, {d("two", bson.A{int32(1), int32(2)}), ""}, {d("two", bson.A{int32(1)}), "two"}, {d("any", bson.A{1, d("x", nil)}), ""},
		{d("sub", append(d("note", "x"), d("note", "y")...)), "sub.note"},
		// What counts the writes is no content.
		{d("guard", true), ""},
		// What is nobody's.
		{d("theirs", 1, "text", nil), "text theirs"}, {d("TEXT", "a"), "TEXT"},
	} {
		if got := namedOf(t, &Options[string, outer]{Guard: "guard"}, c.stored); got != c.want {
			t.Errorf("%v: named are %q, want %q", c.stored, got, c.want)
		}
	}
}

// A view answers for its own fields, and a raw document holds all there is.
func TestWhatStoresOfOtherKindsName(t *testing.T) {
	t.Parallel()
	type view struct {
		A string `bson:"a,omitempty"`
	}
	stored := d("a", nil, "b", 1, "c", d("d", 1))
	type optional struct {
		Sub inner `bson:"sub,omitempty"`
	}
	omits := &Options[string, optional]{BSONOptions: &options.BSONOptions{OmitZeroStruct: true}}
	for name, got := range map[string]string{
		"sub":   namedOf(t, omits, d("sub", d("zip", "", "note", nil))) + namedOf(t, omits, d("sub", d("zip", "", "more", nil))),
		"":      namedOf(t, &Options[string, view]{Fields: []string{"a"}}, stored) + namedOf(t, &Options[string, bson.Raw]{}, stored) + namedOf(t, &Options[string, bson.M]{}, stored),
		"b":     namedOf(t, &Options[string, view]{Fields: []string{"a", "b"}}, stored),
		"b c":   namedOf(t, &Options[string, view]{}, stored),
		"a b c": namedOf(t, &Options[string, map[string]string]{}, d("a", nil, "b", nil, "c", nil)),
		"c": namedOf(t, &Options[string, view]{Decode: func(bson.Raw) (v view, err error) { return v, nil },
			Encode: func(view) (bson.D, error) { return d("b", 1.0), nil }}, stored),
		"bin": namedOf(t, &Options[string, bson.M]{BSONOptions: &options.BSONOptions{BinaryAsSlice: true}}, d("bin", bson.Binary{Subtype: bson.TypeBinaryBinaryOld, Data: []byte("x")})),
		"id":  namedOf(t, &Options[string, struct{ ID string }]{BSONOptions: &options.BSONOptions{ObjectIDAsHexString: true}}, d("id", bson.ObjectID{1})),
	} {
		if name != got {
			t.Errorf("named are %q, want %q", got, name)
		}
	}
	refuses := &Options[string, view]{Decode: func(bson.Raw) (v view, err error) { return v, nil }, Encode: func(view) (bson.D, error) { return nil, errors.New("read only") }}
	if got := namedOf(t, refuses, stored); got != "" {
		t.Errorf("named are %q, which nobody can know", got)
	}
}

// Many fields in another order are found all the same.
func TestFieldsInAnyOrder(t *testing.T) {
	t.Parallel()
	stored, again := bson.D{}, bson.D{}
	for i := range 200 {
		stored = append(stored, bson.E{Key: fmt.Sprint(i), Value: i + 1})
	}
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(200) {
		again = append(again, stored[i])
	}
	value := func(d bson.D) bson.RawValue {
		b, err := bson.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		return bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: b}
	}
	if _, lost := changed(value(stored), value(again), nil); lost {
		t.Error("a field of many was not found")
	}
	if _, lost := changed(value(stored), value(again[:199]), nil); !lost {
		t.Error("a field that is missing was found")
	}
}

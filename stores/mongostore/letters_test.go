package mongostore

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

type (
	lettersLeaf struct {
		Name string `bson:"name"`
		N    int64  `bson:"n,omitempty"`
	}
	lettersOpen struct {
		Name string                   `bson:"name"`
		Kids []lettersOpen            `bson:"kids,omitempty"`
		Rest map[string]bson.RawValue `bson:",inline"`
	}
	lettersAny struct {
		Name string         `bson:"name"`
		Rest map[string]any `bson:",inline"`
	}
	LettersInline struct {
		Name string `bson:"name"`
	}
	lettersTop struct {
		Visits int64                  `bson:"visits"`
		Leaf   lettersLeaf            `bson:"leaf"`
		Ptr    *lettersLeaf           `bson:"ptr"`
		List   []lettersLeaf          `bson:"list"`
		Lists  [][]*lettersLeaf       `bson:"lists"`
		Map    map[string]lettersLeaf `bson:"map"`
		Open   lettersOpen            `bson:"open"`
		Any    *lettersAny            `bson:"any"`
		D      bson.D                 `bson:"d"`
		In     LettersInline          `bson:",inline"`
		Rest   map[string]lettersOpen `bson:",inline"`
	}
	lettersClosed struct {
		Visits int64                   `bson:"visits"`
		Name   string                  `bson:"name"`
		Leaf   lettersLeaf             `bson:"leaf"`
		Maps   map[string]lettersOpen  `bson:"maps"`
		Ptrs   map[string]*lettersOpen `bson:"ptrs"`
	}
)

// both has a name in the right letters and in others, and one that only is in others.
func both(more ...bson.E) bson.D {
	return append(bson.D{{Key: "NAME", Value: "other"}, {Key: "name", Value: "right"}, {Key: "Name", Value: "another"}, {Key: "\xffname", Value: "escaped"}}, more...)
}

// Names match exactly on all levels: what has other letters is in the inline map, or is no part of the value.
func TestNamesMatchExactly(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]*Options[string, lettersTop]{
		"plain": nil, "registry": {Registry: bson.NewRegistry()}, "options": {BSONOptions: &options.BSONOptions{UseJSONStructTags: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if o == nil {
				o = &Options[string, lettersTop]{}
			}
			c, err := o.build()
			if err != nil {
				t.Fatal(err)
			}
			leaf := bson.D{{Key: "name", Value: "right"}, {Key: "Name", Value: "other"}, {Key: "N", Value: "no number"}}
			opened := both(bson.E{Key: "kids", Value: bson.A{both()}})
			doc := bson.D{{Key: "_id", Value: "k"}}
			doc = append(doc, both(
				bson.E{Key: "leaf", Value: leaf}, bson.E{Key: "ptr", Value: leaf}, bson.E{Key: "list", Value: bson.A{leaf}}, bson.E{Key: "lists", Value: bson.A{bson.A{leaf}}},
				bson.E{Key: "map", Value: bson.D{{Key: "Name", Value: leaf}}}, bson.E{Key: "open", Value: opened}, bson.E{Key: "any", Value: both()}, bson.E{Key: "d", Value: bson.D{{Key: "Key", Value: 1}, {Key: "key", Value: 2}}},
			)...)
			for i, e := range doc {
				switch e.Key {
				case "NAME", "Name", "\xffname": // of the top: they go to the inline map, which holds documents
					doc[i].Value = both()
				}
			}
			raw, err := bson.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.value(raw)
			if err != nil {
				t.Fatal(err)
			}
			str := func(s string) bson.RawValue {
				_, b, _ := bson.MarshalValue(s)
				return bson.RawValue{Type: bson.TypeString, Value: b}
			}
			rest := map[string]bson.RawValue{"NAME": str("other"), "Name": str("another"), "\xffname": str("escaped")}
			opn := lettersOpen{Name: "right", Rest: rest}
			kids := lettersOpen{Name: "right", Kids: []lettersOpen{opn}, Rest: rest}
			right := lettersLeaf{Name: "right"}
			want := lettersTop{
				Leaf: right, Ptr: &right, List: []lettersLeaf{right}, Lists: [][]*lettersLeaf{{&right}}, Map: map[string]lettersLeaf{"Name": right}, Open: kids,
				Any: &lettersAny{"right", map[string]any{"NAME": "other", "Name": "another", "\xffname": "escaped"}},
				D:   bson.D{{Key: "Key", Value: int32(1)}, {Key: "key", Value: int32(2)}}, In: LettersInline{"right"},
				Rest: map[string]lettersOpen{"NAME": opn, "Name": opn, "\xffname": opn},
			}
			equal := cmp.Comparer(func(a, b bson.RawValue) bool { return a.Type == b.Type && string(a.Value) == string(b.Value) })
			if d := cmp.Diff(want, got, equal); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// A struct without an inline map leaves what it does not map at the top alone, and a scan names what it has no place for below.
func TestOtherLettersAreLeftAloneOrNamed(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	s := open[string, lettersClosed](t, coll, nil)
	leaf := bson.D{{Key: "Name", Value: "only"}}
	doc := bson.D{
		{Key: "_id", Value: "k"}, {Key: "Name", Value: "top"}, {Key: "leaf", Value: leaf}, {Key: "maps", Value: bson.D{{Key: "m", Value: both()[:3]}}},
		{Key: "ptrs", Value: bson.D{{Key: "m", Value: both()[:3]}}},
	}
	if _, err := coll.InsertOne(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	for e, err := range s.ScanNoting(t.Context(), "", nil) {
		if d := cmp.Diff([]string{"Name", "leaf.Name"}, e.Lost); d != "" || err != nil {
			t.Errorf("%v %s", err, d)
		}
	}
	r, err := s.Get(t.Context(), "k")
	if err != nil || r.Value.Name != "" || r.Value.Leaf.Name != "" {
		t.Fatalf("%+v, %v", r.Value, err)
	}
	r.Value.Visits++
	w := stores.Write[string, lettersClosed]{Key: "k", If: stores.IfStamp(stores.Unstamped), Record: stores.Record[lettersClosed]{Meta: stores.Meta{Version: stampAt(1)}, Value: r.Value}}
	if err := s.Put(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	stored, err := coll.FindOne(t.Context(), bson.D{}).Raw()
	if err != nil || stored.Lookup("Name").StringValue() != "top" {
		t.Errorf("%v, %v", stored, err)
	}
	for _, path := range [][]string{{"maps", "m"}, {"ptrs", "m"}} {
		var m bson.M
		if err := errors.Join(stored.Lookup(path...).Unmarshal(&m)); err != nil || m["NAME"] != "other" || m["name"] != "right" || m["Name"] != "another" {
			t.Errorf("%v: %v, %v", path, m, err)
		}
	}
}

// Of a field that is there twice an update sets the first. That one is read, or who reads what was acknowledged would not find it.
func TestOfTwoFieldsTheFirstIsRead(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	doc := bson.D{{Key: "_id", Value: "k"}, {Key: "name", Value: "first"}, {Key: "n", Value: int64(1)}, {Key: "name", Value: "second"}}
	if _, err := coll.InsertOne(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	s := open[string, lettersLeaf](t, coll, nil)
	if r, err := s.Get(t.Context(), "k"); err != nil || r.Value.Name != "first" {
		t.Errorf("%+v, %v", r.Value, err)
	}
}

// A field that is there twice is named unless V keeps both, also if both are equal, and on each level.
func TestTwoFieldsOfOneNameAreNamed(t *testing.T) {
	t.Parallel()
	type rest struct {
		Rest map[string]bson.RawValue `bson:",inline"`
	}
	type sub struct {
		A   string          `bson:"a"`
		Sub *sub            `bson:"sub,omitempty"`
		M   map[string]bool `bson:"m,omitempty"`
	}
	differ, equal, deep := d("a", "x", "b", 1, "a", "y"), d("a", "x", "b", 1, "a", "x"), d("a", "x", "sub", d("a", "x", "b", "", "a", "x"))
	deepMap := d("a", "x", "m", d("k", true, "k", true))
	var many bson.D
	for i := range 50 {
		many = append(many, bson.E{Key: fmt.Sprint("n", i), Value: int32(i)})
	}
	many = append(many, many[45])
	is := func(want string, got ...string) {
		t.Helper()
		for i, got := range got {
			if got != want {
				t.Errorf("%d: %q is named, want %q", i, got, want)
			}
		}
	}
	is("", namedOf[bson.D](t, &Options[string, bson.D]{}, differ), namedOf[bson.Raw](t, &Options[string, bson.Raw]{}, equal), namedOf[bson.D](t, &Options[string, bson.D]{}, deep),
		namedOf[bson.M](t, &Options[string, bson.M]{}, deep), namedOf[any](t, &Options[string, any]{}, equal), namedOf[any](t, &Options[string, any]{}, deep))
	for _, doc := range []bson.D{differ, equal} {
		is("a", namedOf[bson.M](t, &Options[string, bson.M]{}, doc), namedOf[map[string]any](t, &Options[string, map[string]any]{}, doc), namedOf[rest](t, &Options[string, rest]{}, doc))
		is("a b", namedOf[sub](t, &Options[string, sub]{}, doc))
		is("a", namedOf[bson.D](t, &Options[string, bson.D]{Fields: []string{"a", "b"}}, doc), namedOf[bson.M](t, &Options[string, bson.M]{Fields: []string{"a", "b"}}, doc))
	}
	is("n45", namedOf[bson.M](t, &Options[string, bson.M]{}, many), namedOf[map[string]any](t, &Options[string, map[string]any]{}, many))
	is("sub", namedOf[map[string]bson.M](t, &Options[string, map[string]bson.M]{}, d("sub", d("a", 1, "a", 1))))
	is("sub.a", namedOf[sub](t, &Options[string, sub]{}, d("a", "x", "sub", d("a", "x", "a", "x"))))
	is("m", namedOf[sub](t, &Options[string, sub]{}, deepMap))
}

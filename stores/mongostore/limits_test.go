package mongostore

import (
	"errors"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// nested is a document of so many levels, of documents or of lists, around a value or around nothing.
func nested(levels int, lists, empty bool) bson.D {
	var v any = 1
	if empty {
		v = bson.D{}
	}
	for range levels - 1 {
		if lists {
			v = bson.A{v}
		} else {
			v = bson.D{{Key: "", Value: v}}
		}
	}
	return bson.D{{Key: "f", Value: v}}
}

// TestLimits: what Check says of a record just below, at and above each limit that is known before it is sent, Put says too. The test
// server takes any depth; it is the reading of the server's source that 180 levels are the last.
func TestLimits(t *testing.T) {
	t.Parallel()
	s := open[string, bson.D](t, mongotest.Collection(t), nil)
	if s.found.depth != usualDepth {
		t.Skipf("this server has another limit: %d", s.found.depth)
	}
	for _, c := range []struct {
		name  string
		key   string
		value bson.D
		says  string // empty: it is stored
	}{
		{"levels of documents, below", "a", nested(179, false, false), ""},
		{"levels of documents, at", "b", nested(180, false, false), ""},
		{"levels of documents, above", "c", nested(181, false, false), "180 levels"},
		{"levels of lists, at", "d", nested(180, true, false), ""},
		{"levels of lists, above", "e", nested(181, true, false), "180 levels"},
		{"an empty level is none", "f", nested(180, false, true), ""},
		{"levels around an empty one, above", "g", nested(181, true, true), "180 levels"},
		{"a zero byte in a name", "h", bson.D{{Key: "a\x00b", Value: 1}}, "null bytes"},
		{"a zero byte in a nested name", "i", d("x", d("a\x00b", 1)), "null bytes"},
		{"a zero byte in text", "j", d("x", "a\x00b"), ""},
		{"the metadata's name", "k", d("_dw", 1), "Options.Meta"},
		{"a path into the metadata", "l", d("_dw.s", 1), "Options.Meta"},
		{"a name with dots, dollars and none at all", "m", bson.D{{Key: "a.b", Value: 1}, {Key: "$x", Value: 1}, {Key: "", Value: 1}}, ""},
		{"a key with a zero byte", "n\x00", d("x", 1), ""},
		{"the empty key", "", d("x", 1), "no key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := stores.Write[string, bson.D]{Key: c.key, Record: stores.Record[bson.D]{Meta: stores.Meta{Version: stampAt(1)}, Value: c.value}, If: stores.IfOlder(stampAt(1))}
			check, put := s.Check(w), s.Put(t.Context(), w)
			if errors.Is(check, stores.ErrPermanent) != (c.says != "") || errors.Is(put, stores.ErrPermanent) != (c.says != "") || (check == nil) != (put == nil) {
				t.Errorf("check: %v; put: %v", check, put)
			}
			if c.says != "" && check != nil && !strings.Contains(check.Error(), c.says) {
				t.Errorf("%v does not say %q", check, c.says)
			}
		})
	}
}

// What may not be an _id is refused before it is sent, by its type.
func TestLimitsOfIDs(t *testing.T) {
	t.Parallel()
	s := open[bson.RawValue, bson.D](t, mongotest.Collection(t), nil)
	for name, c := range map[string]struct {
		id   any
		fits bool
	}{
		"text": {"a", true}, "null": {nil, true}, "document": {d("a", 1), true}, "deep document": {d("a", nested(100, false, false)), true}, "date": {bson.DateTime(1), true},
		"list": {bson.A{1}, false}, "regex": {bson.Regex{Pattern: "a"}, false}, "undefined": {bson.Undefined{}, false}, "operator": {d("$a", 1), false},
	} {
		raw, err := bson.Marshal(bson.D{{Key: "", Value: c.id}})
		if err != nil {
			t.Fatal(err)
		}
		w := stores.Write[bson.RawValue, bson.D]{Key: bson.Raw(raw).Lookup(""), Record: stores.Record[bson.D]{Meta: stores.Meta{Version: stampAt(1)}, Value: bson.D{}}, If: stores.IfOlder(stampAt(1))}
		check, put := s.Check(w), s.Put(t.Context(), w)
		if (check == nil) != c.fits || (put == nil) != c.fits || !c.fits && (!errors.Is(check, stores.ErrPermanent) || !errors.Is(put, stores.ErrPermanent)) {
			t.Errorf("%s: check: %v; put: %v", name, check, put)
		}
	}
}

// A value that is too short for the limit is not looked into, and one that is long enough is.
func TestDepthOfShortValues(t *testing.T) {
	t.Parallel()
	for _, levels := range []int{1, 2, 3, 7, 50} {
		for _, lists := range []bool{false, true} {
			raw, err := bson.Marshal(nested(levels, lists, false))
			if err != nil {
				t.Fatal(err)
			}
			if v := bson.Raw(raw).Lookup("f"); deeper(v, levels-1) || levels > 1 && !deeper(v, levels-2) {
				t.Errorf("%d levels, lists %v: %v, %v", levels, lists, deeper(v, levels-1), deeper(v, levels-2))
			}
		}
	}
}

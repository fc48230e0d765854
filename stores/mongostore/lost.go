package mongostore

import (
	"bytes"
	"errors"
	"iter"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

// fieldFinder finds fields of a document by name, fastest in the order that they are in.
type fieldFinder struct {
	doc    bson.Raw
	next   int // where the field after the last one begins; 0 before the first
	misses int
	index  map[string]bson.RawValue // once many were in another order
}

// maxMisses is how often a document is searched from its beginning.
const maxMisses = 16

func (f *fieldFinder) find(name []byte) (bson.RawValue, bool) {
	if len(f.doc) < 5 {
		return bson.RawValue{}, false
	}
	if f.index == nil {
		f.next = max(f.next, 4)
		if v, found, _ := f.step(name); found {
			return v, true
		}
		if f.misses++; f.misses <= maxMisses {
			return f.search(name)
		}
		f.index = make(map[string]bson.RawValue)
		_ = walk(f.doc, func(name []byte, v bson.RawValue) error {
			f.index[string(name)] = v
			return nil
		})
	}
	v, ok := f.index[string(name)]
	return v, ok
}

// step looks at the next field, and goes past it if it has the name; else more says that there is one, and size where it ends.
func (f *fieldFinder) step(name []byte) (v bson.RawValue, found bool, end int) {
	e, _, ok := bsoncore.ReadElement(bsoncore.Document(f.doc[f.next : len(f.doc)-1]))
	if !ok {
		return v, false, 0
	}
	end = f.next + len(e)
	if !e.CompareKey(name) {
		return v, false, end
	}
	f.next = end
	return bson.RawValue{Type: bson.Type(e[0]), Value: e[len(name)+2:]}, true, end
}

// search looks at all fields, and stays where it was if there is none of the name.
func (f *fieldFinder) search(name []byte) (bson.RawValue, bool) {
	was := f.next
	f.next = 4
	for {
		v, found, end := f.step(name)
		if found {
			return v, true
		}
		if end == 0 {
			f.next = was
			return v, false
		}
		f.next = end
	}
}

// lost tells whether a stored field is missing or another one in the document of f. The path leads to what is lost as far as
// names are those of struct fields; it is empty where they are data.
func (f *fieldFinder) lost(name []byte, stored bson.RawValue, in *typeshape.Shape) (path string, lost bool) {
	back, there := f.find(name)
	if there && back.Type == stored.Type && bytes.Equal(back.Value, stored.Value) {
		return "", false
	}
	field, is := in.At(string(name))
	if there {
		path, lost = changed(stored, back, field)
	} else {
		lost = is == typeshape.Unmapped || !nothing(stored, field)
	}
	switch {
	case !lost, is == typeshape.Data:
		return "", lost
	case path == "":
		return string(name), true
	}
	return string(name) + "." + path, true
}

// changed compares a stored value with what V made of it, as the server compares but without the order of fields: a map has none.
func changed(stored, back bson.RawValue, in *typeshape.Shape) (path string, changed bool) {
	if stored.Type == back.Type && (stored.Type == bson.TypeEmbeddedDocument || stored.Type == bson.TypeArray) {
		return changedWithin(stored, back, in)
	}
	a, whole := wholeNumber(stored)
	b, also := wholeNumber(back)
	if whole || also {
		return "", a != b || whole != also
	}
	same, err := sameID(stored, back)
	return "", !same || err != nil
}

// errFound ends a walk.
var errFound = errors.New("found")

func changedWithin(stored, back bson.RawValue, in *typeshape.Shape) (path string, lost bool) {
	f, n := &fieldFinder{doc: back.Value}, 0
	err := walk(stored.Value, func(name []byte, v bson.RawValue) error {
		if n++; stored.Type == bson.TypeArray {
			if b, there := f.find(name); !there {
				lost = true
			} else if !v.Equal(b) {
				path, lost = changed(v, b, in)
			}
		} else {
			path, lost = f.lost(name, v, in)
		}
		if lost {
			return errFound
		}
		return nil
	})
	if err == nil && stored.Type == bson.TypeArray { // a Go array has all its elements
		values, _ := bson.RawArray(back.Value).Values()
		lost = len(values) > n
	}
	if err == nil && !lost && f.misses > 0 && stored.Type == bson.TypeEmbeddedDocument {
		for name := range twice(stored.Value) {
			if isTwice(back.Value, name) {
				continue
			}
			if _, is := in.At(name); is != typeshape.Data {
				path = name
			}
			return path, true
		}
	}
	return path, lost || err != nil
}

// isTwice tells whether a document has a name more than once.
func isTwice(doc bson.Raw, name string) bool {
	for other := range twice(doc) {
		if other == name {
			return true
		}
	}
	return false
}

// fewNames is how many names are compared with each other. More are looked up.
const fewNames = 32

// twice yields the names that a document has more than once.
func twice(doc bson.Raw) iter.Seq[string] {
	return func(yield func(string) bool) {
		var few [fewNames][]byte
		var many map[string]bool
		n := 0
		_ = walk(doc, func(name []byte, _ bson.RawValue) error {
			there := many[string(name)]
			for i := 0; i < min(n, fewNames) && !there; i++ {
				there = string(few[i]) == string(name)
			}
			switch {
			case there && !yield(string(name)):
				return errFound
			case there:
			case n < fewNames:
				few[n] = name
				n++
			default:
				if many == nil {
					many = make(map[string]bool)
				}
				many[string(name)] = true
			}
			return nil
		})
	}
}

// nothing tells the values that a codec may leave out, if it has a place for all that is in them.
func nothing(v bson.RawValue, in *typeshape.Shape) bool {
	switch v.Type {
	case bson.TypeNull, bson.TypeUndefined:
		return true
	case bson.TypeString:
		return v.StringValue() == ""
	case bson.TypeBoolean:
		return !v.Boolean()
	case bson.TypeObjectID:
		return v.ObjectID().IsZero()
	case bson.TypeBinary:
		_, b := v.Binary()
		return len(b) == 0
	case bson.TypeDateTime:
		return v.Time().Equal(time.Time{})
	case bson.TypeArray:
		return len(v.Value) == 5
	case bson.TypeEmbeddedDocument:
		return walk(v.Value, func(name []byte, v bson.RawValue) error {
			if field, is := in.At(string(name)); is == typeshape.Unmapped || !nothing(v, field) {
				return errFound
			}
			return nil
		}) == nil
	default:
		n, whole := wholeNumber(v)
		return whole && n == 0
	}
}

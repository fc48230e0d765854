package mongostore

import (
	"bytes"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/internal/hostile"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

// fuzzed is a struct with what the driver's decoder folds, drops or converts.
type fuzzed struct {
	Name string                 `bson:"name"`
	V    any                    `bson:"v,omitempty"`
	N    int64                  `bson:"n,truncate"`
	Kids []*fuzzed              `bson:"kids,omitempty"`
	Map  map[string]lettersLeaf `bson:"map,omitempty"`
	Rest map[string]any         `bson:",inline"`
}

// FuzzDocument: of any document each field comes back as it was stored, or is named. An _id has one canonical form, which is read as the
// same _id.
func FuzzDocument(f *testing.F) {
	for _, d := range hostile.Documents() {
		if len(d.Raw) < 1<<12 {
			f.Add([]byte(d.Raw))
		}
	}
	for _, doc := range []bson.D{both(), both(bson.E{Key: "kids", Value: bson.A{both()}}, bson.E{Key: "n", Value: 1.5}, bson.E{Key: "map", Value: bson.D{{Key: "Name", Value: both()}}})} {
		raw, err := bson.Marshal(append(bson.D{{Key: "_id", Value: "k"}}, doc...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		doc := bson.Raw(b)
		if doc.Validate() != nil {
			return
		}
		if id, err := doc.LookupErr("_id"); err == nil {
			fuzzID(t, id)
		}
		fuzzValue[bson.D](t, doc)
		fuzzValue[bson.M](t, doc)
		fuzzValue[fuzzed](t, doc)
	})
}

func fuzzID(t *testing.T, id bson.RawValue) {
	canon, err := appendCanonical(nil, id)
	if err != nil || checkID(id) != nil {
		return
	}
	key, err := parseBSONKey[bson.RawValue](canon)
	if err != nil {
		t.Fatalf("_id %v is %x, which is no key: %v", id, canon, err)
	}
	if same, err := sameID(id, key); !same || err != nil {
		t.Fatalf("_id %v was read as %v: %v", id, key, err)
	}
	if again, err := appendCanonical(nil, key); err != nil || !bytes.Equal(canon, again) {
		t.Fatalf("_id %v is %x and %x: %v", id, canon, again, err)
	}
}

// fuzzValue looks for a field that is neither named nor in what would be written.
func fuzzValue[V any](t *testing.T, doc bson.Raw) {
	c, err := (&Options[string, V]{}).build()
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.value(doc)
	if err != nil {
		return
	}
	fields, _, err := c.fields(v)
	if err != nil {
		return // refused
	}
	d := openDocument(len(doc))
	d.appendAll(fields)
	written, stored := fieldFinder{doc: d.close()}, 0
	s := &Store[string, V]{codec: c}
	var lost typeshape.Lost
	s.note(&lost, doc, stores.Record[V]{Meta: stores.Meta{Version: stores.Unstamped}, Value: v})
	if lost.Take() != nil {
		return // a scan says so
	}
	_ = walk(doc, func(name []byte, v bson.RawValue) error {
		if string(name) == "_id" || string(name) == DefaultMeta {
			return nil
		}
		stored++
		if _, there := written.find(name); !there && !nothing(v, nil) {
			t.Fatalf("%q of %v is lost: %v", name, doc, written.doc)
		}
		return nil
	})
	if len(fields) < stored {
		for name := range twice(doc) {
			t.Fatalf("%q is there twice in %v, and once in %v", name, doc, written.doc)
		}
	}
}

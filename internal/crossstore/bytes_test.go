package crossstore

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/flags/flagtest"
	"github.com/dualwrite/dualwrite/internal/hostile"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// touched is the field that live writes add to a document and take away again.
const touched = "touched"

// rawBytes and listBytes add a field to a value.
func rawBytes(v bson.Raw, with string) bson.Raw {
	raw, err := bson.Marshal(append(elementsOf(v), bson.E{Key: touched, Value: with}))
	if err != nil {
		panic(err)
	}
	return raw
}

func listBytes(v bson.D, with string) bson.D {
	return append(v[:len(v):len(v)], bson.E{Key: touched, Value: with})
}

// elementsOf are the fields of a document with their bytes.
func elementsOf(doc bson.Raw) (d bson.D) {
	elements, err := doc.Elements()
	if err != nil {
		panic(err)
	}
	for _, e := range elements {
		d = append(d, bson.E{Key: e.Key(), Value: e.Value()})
	}
	return d
}

// without is a document without one field.
func without(doc bson.Raw, name string) bson.Raw {
	var d bson.D
	for _, e := range elementsOf(doc) {
		if e.Key != name {
			d = append(d, e)
		}
	}
	raw, err := bson.Marshal(d)
	if err != nil {
		panic(err)
	}
	return raw
}

// place is one side of the migration, looked at from outside.
type bytesPlace struct{ *mongo.Collection }

// document is one as it is stored, without the metadata; nil for none. It is looked for among all, as no filter finds each _id.
func (p bytesPlace) documents(t *testing.T) map[string]bson.Raw {
	t.Helper()
	cursor, err := p.Find(t.Context(), bson.D{}, options.Find().SetBatchSize(500))
	if err != nil {
		t.Fatal(err)
	}
	var docs []bson.Raw
	if err := cursor.All(t.Context(), &docs); err != nil {
		t.Fatal(err)
	}
	found := map[string]bson.Raw{}
	for _, doc := range docs {
		id := doc.Lookup("_id")
		found[fmt.Sprintf("%d %x", id.Type, id.Value)] = without(doc, mongostore.DefaultMeta)
	}
	return found
}

// holds compares what is stored with what should be. A tombstone is the _id alone.
func (p bytesPlace) holds(t *testing.T, when string, docs []hostile.Document, want func(hostile.Document) bson.Raw) {
	t.Helper()
	found := p.documents(t)
	if len(found) != len(docs) {
		t.Errorf("%s: %s has %d documents of %d", when, p.Name(), len(found), len(docs))
	}
	for _, d := range docs {
		if is, want := found[fmt.Sprintf("%d %x", d.ID.Type, d.ID.Value)], want(d); !bytes.Equal(is, want) {
			t.Errorf("%s: %s: %s:\nis  %x\nwas %x", when, p.Name(), d.Name, []byte(is), []byte(want))
		}
	}
}

// writable tells whether the server can change a document. Ours keeps only one of two fields of one name, and takes no replacement under
// two of the _ids.
func writable(d hostile.Document) bool {
	return !mongotest.Ours() || !d.Twice && d.ID.Type != bson.TypeMinKey && d.ID.Type != bson.TypeMaxKey
}

// TestEveryDocumentArrivesAsItIs copies documents of every kind that MongoDB takes, and in each phase changes, deletes and restores them.
func TestEveryDocumentArrivesAsItIs(t *testing.T) {
	t.Parallel()
	for name, separate := range map[string]bool{"in pairs": false, "one place after the other": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("bson.Raw", func(t *testing.T) { t.Parallel(); migrateBytes(t, rawBytes, separate) })
			t.Run("bson.D", func(t *testing.T) { t.Parallel(); migrateBytes(t, listBytes, separate) })
		})
	}
}

func migrateBytes[V any](t *testing.T, touch func(V, string) V, separate bool) {
	db := mongotest.Database(t)
	var docs []hostile.Document
	from, to := bytesPlace{db.Collection("old")}, bytesPlace{db.Collection("new")}
	for _, d := range hostile.Documents() {
		switch err := mongotest.Plant(t.Context(), from.Collection, d.Raw); {
		case err == nil:
			docs = append(docs, d)
		case mongotest.Ours() && d.Kind == hostile.IDs && strings.Contains(err.Error(), "_id is of a type the Rust server does not support"):
			t.Logf("%s: %v", d.Name, err)
		default:
			t.Fatalf("%s: %v", d.Name, err)
		}
	}
	asWas := func(d hostile.Document) bson.Raw { return d.Raw }
	from.holds(t, "before", docs, asWas)
	old, err := mongostore.New[bson.RawValue, V](t.Context(), from.Collection, nil)
	if err != nil {
		t.Fatal(err)
	}
	new, err := mongostore.New[bson.RawValue, V](t.Context(), to.Collection, nil)
	if err != nil {
		t.Fatal(err)
	}
	copyBytes := func(when string) {
		copied, verified, err := copier.CopyAndVerify(t.Context(), old, new, nil)
		if err != nil || !copied.Clean() || !verified.Clean() {
			t.Errorf("%s: %v: copy %v, verify %v: %v", when, err, copied, verified, append(copied.Findings, verified.Findings...))
		}
	}
	copyBytes("first copy")
	to.holds(t, "copied", docs, asWas)

	phase := flagtest.NewSource(flags.OldOnly)
	r, err := dualwrite.New(old, new, phase, &dualwrite.Options{SeparateWrites: separate})
	if err != nil {
		t.Fatal(err)
	}
	m := bytesMigration[V]{r, touch, docs}
	m.write(t, "old-only", from)
	copyBytes("copy after old-only")
	to.holds(t, "copied after old-only", docs, asWas)
	for _, step := range []struct {
		phase  flags.Phase
		places []bytesPlace
	}{
		{flags.ReadOldWriteBoth, []bytesPlace{from, to}}, {flags.ReadNewWriteBoth, []bytesPlace{from, to}}, {flags.NewOnly, []bytesPlace{to}},
	} {
		phase.Set(step.phase)
		m.write(t, step.phase.String(), step.places...)
	}
}

type bytesMigration[V any] struct {
	r     *dualwrite.Repository[bson.RawValue, V]
	touch func(V, string) V
	docs  []hostile.Document
}

// write changes each document, deletes it and puts it back as it was.
func (m *bytesMigration[V]) write(t *testing.T, phase string, places ...bytesPlace) {
	t.Helper()
	was := make([]V, len(m.docs))
	m.each(t, phase+": update", func(i int, key bson.RawValue) error {
		_, err := m.r.Update(t.Context(), key, func(v *V) error {
			was[i] = *v
			*v = m.touch(*v, phase)
			return nil
		})
		return err
	})
	m.hold(t, phase+": update", places, func(d hostile.Document) bson.Raw { return rawBytes(d.Raw, phase) })
	m.each(t, phase+": delete", func(_ int, key bson.RawValue) error { return m.r.Delete(t.Context(), key) })
	m.hold(t, phase+": delete", places, func(d hostile.Document) bson.Raw {
		raw, err := bson.Marshal(bson.D{{Key: "_id", Value: d.ID}})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	})
	m.each(t, phase+": put", func(i int, key bson.RawValue) error {
		_, err := m.r.Put(t.Context(), key, was[i])
		return err
	})
	m.hold(t, phase+": put", places, func(d hostile.Document) bson.Raw { return d.Raw })
	m.each(t, phase+": put again", func(i int, key bson.RawValue) error { // over a live record
		_, err := m.r.Put(t.Context(), key, was[i])
		return err
	})
	m.hold(t, phase+": put again", places, func(d hostile.Document) bson.Raw { return d.Raw })
}

func (m *bytesMigration[V]) each(t *testing.T, what string, do func(i int, key bson.RawValue) error) {
	t.Helper()
	for i, d := range m.docs {
		if !writable(d) {
			continue
		}
		if err := do(i, d.ID); err != nil {
			t.Errorf("%s: %s: %v", what, d.Name, err)
		}
	}
}

func (m *bytesMigration[V]) hold(t *testing.T, what string, places []bytesPlace, want func(hostile.Document) bson.Raw) {
	t.Helper()
	for _, p := range places {
		p.holds(t, what, m.docs, func(d hostile.Document) bson.Raw {
			if !writable(d) {
				return d.Raw
			}
			return want(d)
		})
	}
}

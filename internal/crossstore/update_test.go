package crossstore

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/flags/flagtest"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/hostile"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/boltstore"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// This file is one property: a document after an Update of another field is the same document but for that field, for every store,
// kind of value and phase, over the hostile corpus; unless a scan had named what V does not hold.

// phased is what a repository does in each phase of a migration, and where it is seen.
type phased[V any] struct {
	old, new stores.Store[string, V]
	touch    func(v V, with string) V
	keys     []string
	// same compares what is stored in a place with what was planted, but for the touched field, which is to be with.
	same func(t *testing.T, place int, key, with string)
}

// run goes through the phases: an update of each record in each of them, and a copy before new is read.
func (p *phased[V]) run(t *testing.T) {
	phase := flagtest.NewSource(flags.OldOnly)
	r, err := dualwrite.New(p.old, p.new, phase, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		phase  flags.Phase
		places []int
	}{
		{flags.OldOnly, []int{0}}, {flags.ReadOldWriteBoth, []int{0, 1}}, {flags.ReadNewWriteBoth, []int{0, 1}}, {flags.NewOnly, []int{1}},
	} {
		phase.Set(step.phase)
		for _, key := range p.keys {
			with := step.phase.String()
			if _, err := r.Update(t.Context(), key, func(v *V) error { *v = p.touch(*v, with); return nil }); err != nil {
				if !mongotest.Ours() || !strings.Contains(err.Error(), "the Rust server does not support") {
					t.Errorf("%s: %s: %v", step.phase, key, err)
				}
				continue
			}
			for _, place := range step.places {
				p.same(t, place, key, with)
			}
		}
		if step.phase == flags.ReadOldWriteBoth {
			if _, err := copier.Copy(t.Context(), p.old, p.new, nil); err != nil {
				t.Error(err)
			}
		}
	}
}

// kept are the keys of which a scan names nothing that V does not hold. Fields that a struct leaves alone are no loss to an Update
// within one place, but a copy leaves them behind: others says that V has no place for them.
func kept[V any](t *testing.T, s stores.Store[string, V], others bool) (keys []string, lost map[string][]string) {
	t.Helper()
	lost = map[string][]string{}
	for e, err := range stores.ScanNoting(t.Context(), s, "", nil) {
		switch {
		case err != nil:
			t.Fatal(err)
		case len(e.Lost) == 0 || others:
			keys = append(keys, e.Key)
		default:
			lost[e.Key] = e.Lost
		}
	}
	return keys, lost
}

// What the kinds of values are that documents are read as.
type (
	touchedDocument struct {
		Touched string `bson:"touched"`
	}
	inlineRaw struct {
		Touched string                   `bson:"touched"`
		Name    bson.RawValue            `bson:"name,omitempty"`
		Nested  *inlineNested            `bson:"nested,omitempty"`
		Rest    map[string]bson.RawValue `bson:",inline"`
	}
	inlineNested struct {
		Name bson.RawValue            `bson:"name,omitempty"`
		Rest map[string]bson.RawValue `bson:",inline"`
	}
	inlineAny struct {
		Touched string         `bson:"touched"`
		Rest    map[string]any `bson:",inline"`
	}
	valueAndNested struct {
		Touched string `bson:"touched"`
		V       any    `bson:"v"`
		In      bson.D `bson:"in"`
	}
)

func TestAnUpdateOfADocumentChangesOneField(t *testing.T) {
	t.Parallel()
	t.Run("bson.M", func(t *testing.T) {
		updateDocuments(t, documentKind{}, func(v bson.M, with string) bson.M { v["touched"] = with; return v })
	})
	t.Run("map", func(t *testing.T) {
		updateDocuments(t, documentKind{}, func(v map[string]any, with string) map[string]any { v["touched"] = with; return v })
	})
	t.Run("any", func(t *testing.T) {
		updateDocuments(t, documentKind{twice: true}, func(v any, with string) any {
			d := slices.DeleteFunc(slices.Clone(v.(bson.D)), func(e bson.E) bool { return e.Key == "touched" })
			return append(d, bson.E{Key: "touched", Value: with})
		})
	})
	t.Run("struct", func(t *testing.T) {
		updateDocuments(t, documentKind{others: true}, func(v touchedDocument, with string) touchedDocument { v.Touched = with; return v })
	})
	t.Run("struct of any", func(t *testing.T) {
		updateDocuments(t, documentKind{only: "value-"}, func(v valueAndNested, with string) valueAndNested { v.Touched = with; return v })
	})
	t.Run("inline RawValue", func(t *testing.T) {
		updateDocuments(t, documentKind{}, func(v inlineRaw, with string) inlineRaw { v.Touched = with; return v })
	})
	t.Run("inline any", func(t *testing.T) {
		updateDocuments(t, documentKind{}, func(v inlineAny, with string) inlineAny { v.Touched = with; return v })
	})
}

// documentKind is what a type of values has a place for.
type documentKind struct {
	twice  bool   // two fields of one name
	others bool   // has no place for other fields, which it leaves alone
	only   string // has a place for the documents with such an _id
}

func updateDocuments[V any](t *testing.T, kind documentKind, touch func(V, string) V) {
	t.Parallel()
	db := mongotest.Database(t)
	places := []bytesPlace{{db.Collection("old")}, {db.Collection("new")}}
	planted := map[string]bson.Raw{}
	for _, d := range hostile.Documents() {
		if d.Kind == hostile.IDs || !strings.HasPrefix(d.ID.StringValue(), kind.only) {
			continue
		}
		if err := mongotest.Plant(t.Context(), places[0].Collection, d.Raw); err != nil {
			t.Fatal(d.Name, err)
		}
		planted[d.ID.StringValue()] = d.Raw
	}
	var all [2]stores.Store[string, V]
	for i, p := range places {
		s, err := mongostore.New[string, V](t.Context(), p.Collection, nil)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = s
	}
	keys, lost := kept(t, all[0], kind.others)
	for _, d := range hostile.Documents() { // the names that are there twice, and nothing else
		key, _ := d.ID.StringValueOK()
		if named := lost[key] != nil; planted[key] != nil && !kind.others && named != (d.Twice && !kind.twice) {
			t.Errorf("%s: a scan names %v", d.Name, lost[key])
		}
		if !writable(d) {
			keys = slices.DeleteFunc(keys, func(k string) bool { return k == key })
		}
	}
	p := phased[V]{old: all[0], new: all[1], touch: touch, keys: keys}
	p.same = func(t *testing.T, place int, key, with string) {
		t.Helper()
		stored, err := places[place].FindOne(t.Context(), bson.D{{Key: "_id", Value: key}}).Raw()
		if err != nil {
			t.Errorf("%s: place %d: %v", key, place, err)
			return
		}
		if got := stored.Lookup("touched"); got.StringValue() != with {
			t.Errorf("%s: place %d: touched is %v, want %s", key, place, got, with)
		}
		if kind.others && place == 1 {
			return // a struct has no place for the rest, and the copy says so
		}
		is, was := fieldSet(without(without(stored, mongostore.DefaultMeta), "touched")), fieldSet(planted[key])
		if is != was {
			t.Errorf("%s: place %d after %s:\n is %s\nwas %s", key, place, with, is, was)
		}
	}
	p.run(t)
}

// fieldSet is the fields of a document without their order, which a map does not have, at the top.
func fieldSet(doc bson.Raw) string {
	var all []string
	for _, e := range elementsOf(doc) {
		v := e.Value.(bson.RawValue)
		if e.Key == "nested" { // inlineNested has a map too
			all = append(all, fmt.Sprintf("nested %s", fieldSet(v.Value)))
			continue
		}
		all = append(all, fmt.Sprintf("%q %d %x", e.Key, v.Type, v.Value))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

type touchedItem struct {
	Touched string `dynamodbav:"touched"`
}

func TestAnUpdateOfAnItemChangesOneAttribute(t *testing.T) {
	t.Parallel()
	t.Run("Item", func(t *testing.T) {
		updateItems(t, false, func(v dynamostore.Item, with string) dynamostore.Item { v["touched"] = avS(with); return v })
	})
	t.Run("struct", func(t *testing.T) {
		updateItems(t, true, func(v touchedItem, with string) touchedItem { v.Touched = with; return v })
	})
}

func updateItems[V any](t *testing.T, others bool, touch func(V, string) V) {
	t.Parallel()
	client := dynamotest.Client(t)
	tables := []string{dynamotest.Table(t, client, "id:S"), dynamotest.Table(t, client, "id:S")}
	for key, item := range hostile.Items() {
		item["id"] = avS(key)
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tables[0], Item: item}); err != nil {
			t.Fatal(key, err)
		}
	}
	planted := allItems(t, client, tables[0])
	var all [2]stores.Store[string, V]
	for i, table := range tables {
		s, err := dynamostore.New[string, V](t.Context(), client, table, nil)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = s
	}
	keys, lost := kept(t, all[0], others)
	if len(lost) > 0 {
		t.Errorf("a scan names %v", lost)
	}
	p := phased[V]{old: all[0], new: all[1], touch: touch, keys: keys}
	p.same = func(t *testing.T, place int, key, with string) {
		t.Helper()
		out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &tables[place], Key: dynamostore.Item{"id": avS(key)}})
		if err != nil {
			t.Error(err)
			return
		}
		if s, ok := out.Item["touched"].(*types.AttributeValueMemberS); !ok || s.Value != with {
			t.Errorf("%s: place %d: touched is %v, want %s", key, place, out.Item["touched"], with)
		}
		delete(out.Item, "touched")
		delete(out.Item, "_dw")
		if (!others || place == 0) && !sameItem(out.Item, planted[key]) {
			t.Errorf("%s: place %d after %s:\n is %v\nwas %v", key, place, with, show(out.Item), show(planted[key]))
		}
	}
	p.run(t)
}

type touchedValue struct {
	Touched string
	V       any
}

// Of the stores that keep JSON a value is acknowledged and stays as it is, in each phase, or is refused for good with nothing changed.
func TestAnUpdateOfAnyValueChangesOneField(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T, string) stores.Store[string, touchedValue]{"memstore": openMemory, "boltstore": openBolt} {
		for _, first := range []flags.Phase{flags.OldOnly, flags.ReadOldWriteBoth, flags.ReadNewWriteBoth} {
			t.Run(name+" "+first.String(), func(t *testing.T) {
				t.Parallel()
				updateValues(t, first, open(t, "old"), open(t, "new"))
			})
		}
	}
}

func openMemory(t *testing.T, _ string) stores.Store[string, touchedValue] {
	s, err := memstore.New[string, touchedValue](stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openBolt(t *testing.T, name string) stores.Store[string, touchedValue] {
	db, err := boltstore.Open(filepath.Join(t.TempDir(), name), &boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s, err := boltstore.View[string, touchedValue](db, name, stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func updateValues(t *testing.T, first flags.Phase, old, new stores.Store[string, touchedValue]) {
	r, err := dualwrite.New(old, new, flags.Static(first), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := phased[touchedValue]{old: old, new: new, touch: func(v touchedValue, with string) touchedValue { v.Touched = with; return v }}
	planted := map[string]any{}
	refused := 0
	for i, v := range hostile.Anything() {
		key := fmt.Sprint("v", i)
		if _, err := r.Put(t.Context(), key, touchedValue{V: v}); err != nil {
			refused++
			if !errors.Is(err, stores.ErrPermanent) {
				t.Errorf("%T %.50q: %v", v, fmt.Sprint(v), err)
			}
			for _, place := range []stores.Store[string, touchedValue]{old, new} {
				if stored, err := place.Get(t.Context(), key); !errors.Is(err, stores.ErrNotFound) {
					t.Errorf("%T %.50q was refused, and %v is stored, %v", v, fmt.Sprint(v), stored, err)
				}
			}
			continue
		}
		stored, err := old.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		p.keys, planted[key] = append(p.keys, key), stored.Value.V
		if text, ok := v.(string); ok && stored.Value.V != text {
			t.Errorf("%q was stored as %v", text, stored.Value.V)
		}
	}
	if len(planted) < 20 || refused < 10 {
		t.Errorf("the values are too easy or too hard: %d taken, %d refused", len(planted), refused)
	}
	p.same = func(t *testing.T, place int, key, with string) {
		t.Helper()
		got, err := []stores.Store[string, touchedValue]{old, new}[place].Get(t.Context(), key)
		if want := (touchedValue{with, planted[key]}); err != nil || !stores.DeepEqual(got.Value, want) {
			t.Errorf("%s: place %d is %+v, want %+v, %v", key, place, got.Value, want, err)
		}
	}
	p.run(t)
}

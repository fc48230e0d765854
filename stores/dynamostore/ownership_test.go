package dynamostore

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/stores"
)

func key(id string) Item { return Item{"id": avS(id)} }

func sameItem(t *testing.T, got, want Item) {
	t.Helper()
	if d := cmp.Diff(want, got, ignoreUnexported); d != "" {
		t.Error(d)
	}
}

// without is an item without some attributes.
func without(item Item, names ...string) Item {
	item = cloneItem(item)
	for _, n := range names {
		delete(item, n)
	}
	return item
}

// TestStructOwnsWhatItMaps: the rest of the item survives writes, and goes with a delete.
func TestStructOwnsWhatItMaps(t *testing.T) {
	t.Parallel()
	s := notes(t, nil)
	plant(t, s.client, s.table.name, Item{"id": avS("k"), "n": avN("1"), "text": avS("old"), "size": avN("9"), "deep": avM(Item{"x": avB("y")})})
	got, err := s.Get(t.Context(), "k")
	if err != nil || !got.Version.IsUnstamped() || got.Value.ID != "k" || got.Value.Text != "old" {
		t.Fatalf("%+v, %v", got, err)
	}
	mustPut(t, s, write{Key: "k", Record: live(stamp(2), stores.Unstamped, 2), If: stores.IfStamp(stores.Unstamped)})
	item := raw(t, s.client, s.table.name, key("k"))
	sameItem(t, without(item, s.opts.Meta), Item{"id": avS("k"), "n": avN("2"), "size": avN("9"), "deep": avM(Item{"x": avB("y")})})

	mustPut(t, s, write{Key: "k", Record: record{Meta: stores.Meta{Version: stamp(3), Deleted: true}}, If: stores.IfStamp(stamp(2))})
	item = raw(t, s.client, s.table.name, key("k"))
	sameItem(t, without(item, s.opts.Meta), key("k"))
}

// TestViewsDoNotTouchEachOther: each has its own attributes, metadata and tombstone.
func TestViewsDoNotTouchEachOther(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	table := newTable(t, client, "id:S")
	plant(t, client, table, Item{"id": avS("k"), "name": avS("Ada"), "else": avS("x")})
	before := open(t, client, table, &Options[string, map[string]string]{Attributes: []string{"name"}})
	after := open(t, client, table, &Options[string, map[string]string]{Attributes: []string{"order"}, Meta: "_dw2"})
	type w = stores.Write[string, map[string]string]
	mustPut(t, after, w{Key: "k", Record: stores.Record[map[string]string]{Meta: stores.Meta{Version: stamp(1)}, Value: map[string]string{"order": "1"}}, If: stores.IfStamp(stores.Absent)})
	if r, err := before.Get(t.Context(), "k"); err != nil || !r.Version.IsUnstamped() || !cmp.Equal(r.Value, map[string]string{"name": "Ada"}) {
		t.Errorf("%+v, %v", r, err)
	}
	mustPut(t, before, w{Key: "k", Record: stores.Record[map[string]string]{Meta: stores.Meta{Version: stamp(2), Deleted: true}}, If: stores.IfStamp(stores.Unstamped)})
	if r, err := after.Get(t.Context(), "k"); err != nil || r.Version != stamp(1) || !cmp.Equal(r.Value, map[string]string{"order": "1"}) {
		t.Errorf("%+v, %v", r, err)
	}
	for _, target := range []struct {
		s *Store[string, map[string]string]
		v stores.Version
	}{{before, stamp(2)}, {after, stamp(1)}} {
		errs, err := target.s.Purge(t.Context(), []stores.PurgeTarget[string]{{Key: "k", Version: target.v}})
		if err := errors.Join(append(errs, err)...); err != nil {
			t.Fatal(err)
		}
	}
	sameItem(t, raw(t, client, table, key("k")), Item{"id": avS("k"), "order": avS("1"), "else": avS("x")})
}

// TestViewRecordsAreThereOrNot: a record of a view that leaves no trace would be acknowledged and gone.
func TestViewRecordsAreThereOrNot(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	s := open(t, client, newTable(t, client, "id:S"), &Options[string, map[string]string]{Attributes: []string{"name"}})
	type w = stores.Write[string, map[string]string]
	unstamped := w{Key: "k", Record: stores.Record[map[string]string]{Meta: stores.Meta{Version: stores.Unstamped}}, If: stores.IfOlder(stores.Unstamped)}
	if err := s.Put(t.Context(), unstamped); !errors.Is(err, stores.ErrPermanent) {
		t.Errorf("an unstamped record without attributes: %v", err)
	}
	mustPut(t, s, w{Key: "k", Record: stores.Record[map[string]string]{Meta: stores.Meta{Version: stamp(1)}}, If: stores.IfStamp(stores.Absent)})
	errs, err := s.Purge(t.Context(), []stores.PurgeTarget[string]{{Key: "k", Version: stamp(1)}})
	if err != nil || !errors.Is(errs[0], stores.ErrPermanent) {
		t.Errorf("purge of a record without attributes: %v, %v", errs, err)
	}
	if r, err := s.Get(t.Context(), "k"); err != nil || r.Version != stamp(1) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestValuesThatContradictTheKey(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	table := newTable(t, client, "id:S")
	s := open[string, note](t, client, table, nil)
	w := write{Key: "k", Record: live(stamp(1), stores.Unknown, 1), If: stores.IfOlder(stamp(1))}
	w.Record.Value.ID = "other"
	if err := s.Put(t.Context(), w); !errors.Is(err, stores.ErrPermanent) || !strings.Contains(err.Error(), "id") {
		t.Errorf("another key in the value: %v", err)
	}
	w.Record.Value.ID = "k"
	mustPut(t, s, w)
	items := open[string, Item](t, client, table, nil)
	if r, err := items.Get(t.Context(), "k"); err != nil || r.Value["id"] != nil || r.Value["_dw"] != nil {
		t.Errorf("the raw item has its key or metadata: %v, %v", r, err)
	}
	for name, v := range map[string]Item{"key": {"id": avS("k")}, "metadata": {"_dw": avS("x")}, "nil": {"a": nil}} {
		bad := stores.Write[string, Item]{Key: "k", Record: stores.Record[Item]{Meta: stores.Meta{Version: stamp(2)}, Value: v}, If: stores.IfOlder(stamp(2))}
		if err := items.Put(t.Context(), bad); !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("%s in the value: %v", name, err)
		}
	}
}

// TestNamesAreNeverSyntax: attributes with the names of functions, with quotes and dots, alone and in batches.
func TestNamesAreNeverSyntax(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	s := open(t, client, newTable(t, client, "id:S"), &Options[string, Item]{Meta: "size(#0)"})
	v := Item{
		"it's": avN("1"), `say "x"`: avN("2"), "a.b": avN("3"), "size": avN("4"), "NULL": avN("5"), ":0": avN("6"), "#0": avN("7"), "日本": avN("8"),
		"','id':?}; DELETE": avN("9"), "a b": avN("10"),
	}
	var writes []stores.Write[string, Item]
	for _, id := range []string{"a", "b", "c"} {
		writes = append(writes, stores.Write[string, Item]{
			Key: id, Record: stores.Record[Item]{Meta: stores.Meta{Version: stamp(1)}, Value: v}, If: stores.IfOlder(stamp(1)),
		})
	}
	errs, err := s.PutMany(t.Context(), writes)
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	view := open(t, client, s.table.name, &Options[string, Item]{Meta: "size(#0)", Attributes: sortedNames(v)})
	for _, w := range writes {
		for _, s := range []*Store[string, Item]{s, view} {
			if r, err := s.Get(t.Context(), w.Key); err != nil || r.Version != stamp(1) || !cmp.Equal(r.Value, v, ignoreUnexported) {
				t.Errorf("%v, %v", r, err)
			}
		}
		w.Record.Version, w.If = stamp(2), stores.IfStamp(stamp(1))
		mustPut(t, view, w)
	}
}

// TestDamagedMetadataIsNeverOverwritten, whatever the write's condition: it is shown, and nobody knows what it meant.
func TestDamagedMetadataIsNeverOverwritten(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	table := newTable(t, client, "id:S")
	s := open[string, Item](t, client, table, nil)
	view := open(t, client, table, &Options[string, Item]{Attributes: []string{"n"}})
	good := metaValue(stores.Meta{Version: stamp(1)}).Value
	with := func(name string, av types.AttributeValue) types.AttributeValue {
		m := cloneItem(good)
		m[name] = av
		return avM(m)
	}
	for name, meta := range map[string]types.AttributeValue{
		"no map": avS("x"), "no stamp": avM(Item{}), "short": avM(Item{metaStamp: avB("short")}), "zero": avM(Item{metaStamp: avB(strings.Repeat("\x00", 16))}),
		"text": avM(Item{metaStamp: avS("0123456789abcdef")}), "long": avM(Item{metaStamp: avB("0123456789abcdefg")}),
	} {
		item := Item{"id": avS(name), "n": avN("1"), "_dw": meta}
		plant(t, client, table, item)
		for _, s := range []*Store[string, Item]{s, view} {
			r := stores.Record[Item]{Meta: stores.Meta{Version: stamp(9)}, Value: Item{"n": avN("2")}}
			for _, cond := range []stores.Condition{
				stores.IfStamp(stores.Absent), stores.IfStamp(stores.Unstamped), stores.IfStamp(stamp(1)), stores.IfOlder(stamp(9)),
				stores.IfAtMost(stamp(9), stores.Unknown), stores.IfAtMost(stores.Unstamped, stamp(1)), stores.IfAtMost(stores.Absent, stamp(1)),
			} {
				w := stores.Write[string, Item]{Key: name, Record: r, If: cond}
				errs, err := s.PutMany(t.Context(), []stores.Write[string, Item]{w, {Key: name, Record: r, If: cond}})
				for _, err := range append(errs, err, s.Put(t.Context(), w)) {
					var damaged *stores.RecordError
					if err != nil && (!errors.Is(err, stores.ErrPermanent) || !errors.As(err, &damaged)) {
						t.Errorf("%s, %v: %v", name, cond, err)
					}
				}
			}
			if _, err := s.Get(t.Context(), name); !errors.As(err, new(*stores.RecordError)) {
				t.Errorf("%s: get answers %v", name, err)
			}
		}
		sameItem(t, raw(t, client, table, key(name)), item)
	}
	for name, meta := range map[string]types.AttributeValue{
		"prev": with(metaPrev, avS("unknown")), "intent": with(metaIntent, avS("yes")), "deleted": with(metaDeleted, &types.AttributeValueMemberBOOL{}), "more": with("z", avS("x")),
	} {
		plant(t, client, table, Item{"id": avS(name), "_dw": meta})
		if _, err := s.Get(t.Context(), name); !errors.As(err, new(*stores.RecordError)) {
			t.Errorf("%s: get answers %v", name, err)
		}
	}
}

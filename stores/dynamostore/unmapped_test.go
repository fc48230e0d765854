package dynamostore

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

// TestUnmappedFields: a scan names the attributes that a struct has no room for, and nothing of another kind of store.
func TestUnmappedFields(t *testing.T) {
	t.Parallel()
	s := notes(t, nil)
	plant(t, s.client, s.table.name, Item{"id": avS("a"), "n": avN("1"), "theirs": avS("x"), "TEXT": avS("not ours"), "deep": avM(Item{"x": avB("y")})})
	plant(t, s.client, s.table.name, Item{"id": avS("b"), "tags": avS("of another type"), "last": avS("x")})
	mustPut(t, s, write{Key: "c", Record: live(stamp(1), stores.Absent, 1), If: stores.IfStamp(stores.Absent)})
	scanAll(t, s)
	if got, want := stores.UnmappedFields[string, note](s), []string{"TEXT", "deep", "last", "theirs"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	items := open[string, Item](t, s.client, s.table.name, nil)
	scanAll(t, items)
	view := open(t, s.client, s.table.name, &Options[string, map[string]string]{Attributes: []string{"text"}, Meta: "_view"})
	scanAll(t, view)
	if a, b := items.UnmappedFields(), view.UnmappedFields(); len(a)+len(b) > 0 {
		t.Errorf("%q of items, %q of a view", a, b)
	}
}

// TestUnmappedFieldsAreBounded: attributes may be named after data.
func TestUnmappedFieldsAreBounded(t *testing.T) {
	t.Parallel()
	s := notes(t, nil)
	for i := range 3 {
		item := Item{"id": avS(fmt.Sprint(i))}
		for j := range 50 {
			item[fmt.Sprint("visit-", i, "-", j)] = avN("1")
		}
		plant(t, s.client, s.table.name, item)
	}
	scanAll(t, s)
	if got := s.UnmappedFields(); len(got) != typeshape.MaxNames {
		t.Errorf("%d names, want %d", len(got), typeshape.MaxNames)
	}
}

// scanAll goes over a store by two scans at once; what does not decode is passed over.
func scanAll[K, V any](t *testing.T, s *Store[K, V]) {
	t.Helper()
	segs, err := s.Segments(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	inParallel(len(segs), len(segs), func(i int) {
		for _, err := range s.ScanNoting(t.Context(), segs[i], nil) {
			if err != nil && !isRecordError(err) {
				t.Error(err)
			}
		}
	})
}

package dynamostore

import (
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dualwrite/dualwrite/stores"
)

// TestWhatScansName: a scan names the attributes that a struct has no room for, record by record, and nothing of another kind of
// store.
func TestWhatScansName(t *testing.T) {
	t.Parallel()
	s := notes(t, nil)
	plant(t, s.client, s.table.name, Item{"id": avS("a"), "n": avN("1"), "theirs": avS("x"), "TEXT": avS("not ours"), "deep": avM(Item{"x": avB("y")})})
	plant(t, s.client, s.table.name, Item{"id": avS("b"), "tags": avS("of another type"), "last": avS("x")}) // does not decode
	mustPut(t, s, write{Key: "c", Record: live(stamp(1), stores.Absent, 1), If: stores.IfStamp(stores.Absent)})
	plant(t, s.client, s.table.name, Item{"id": avS("d"), "theirs": avS("x")})
	if got, want := namedByScans(t, s), "a: TEXT deep theirs; d: theirs"; got != want {
		t.Errorf("named are %q, want %q", got, want)
	}
	items := open[string, Item](t, s.client, s.table.name, nil)
	view := open(t, s.client, s.table.name, &Options[string, map[string]string]{Attributes: []string{"text"}, Meta: "_view"})
	if a, b := namedByScans(t, items), namedByScans(t, view); a+b != "" {
		t.Errorf("%q of items, %q of a view", a, b)
	}
	_, err := s.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &s.table.name, Key: Item{"id": avS("a")}})
	if got, want := namedByScans(t, s), "d: theirs"; err != nil || got != want {
		t.Errorf("with one gone, named are %q, want %q, %v", got, want, err)
	}
}

// namedByScans goes over a store by two scans at once; what does not decode is passed over.
func namedByScans[V any](t *testing.T, s *Store[string, V]) string {
	t.Helper()
	segs, err := s.Segments(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	named := map[string]string{}
	inParallel(len(segs), len(segs), func(i int) {
		for e, err := range s.ScanNoting(t.Context(), segs[i], nil) {
			if err != nil && !isRecordError(err) {
				t.Error(err)
			}
			if len(e.Lost) > 0 {
				mu.Lock()
				named[e.Key] = strings.Join(e.Lost, " ")
				mu.Unlock()
			}
		}
	})
	var all []string
	for _, key := range []string{"a", "b", "c", "d"} {
		if named[key] != "" {
			all = append(all, key+": "+named[key])
		}
	}
	return strings.Join(all, "; ")
}

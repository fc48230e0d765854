package boltstore

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dualwrite/dualwrite/internal/leaktest"
	"github.com/dualwrite/dualwrite/stores"
)

// TestMain lets the test binary be the other process of the tests that need one.
func TestMain(m *testing.M) {
	if mode := os.Getenv("BOLTSTORE_CHILD"); mode != "" {
		if err := child(mode, os.Getenv("BOLTSTORE_FILE")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	leaktest.Main(m)
}

type note struct {
	N    int64  `json:"n"`
	Text string `json:"text,omitempty"`
}

type (
	write  = stores.Write[string, note]
	record = stores.Record[note]
	view   = Store[string, note]
)

func open(t testing.TB) *DB {
	t.Helper()
	db, err := Open(filepath.Join(t.TempDir(), "test.bolt"), &Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func notes(t testing.TB, db *DB, name string) *view {
	t.Helper()
	s, err := View[string, note](db, name, stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stamp makes a stamp that sorts by n.
func stamp(n int) stores.Version {
	s := stores.Stamp{5: 1, 15: 1}
	s[6], s[7] = byte(n>>8), byte(n)
	return s.Version()
}

func live(v, prev stores.Version, n int64) record {
	return record{Meta: stores.Meta{Version: v, Prev: prev}, Value: note{N: n}}
}

func mustPut(t testing.TB, s *view, w write) {
	t.Helper()
	if err := s.Put(t.Context(), w); err != nil {
		t.Fatalf("put %s: %v", w.Key, err)
	}
}

// fill puts n records k00000, k00001 …
func fill(t testing.TB, s *view, n int) {
	t.Helper()
	ws := make([]write, n)
	for i := range ws {
		ws[i] = write{Key: fmt.Sprintf("k%05d", i), Record: live(stamp(1), stores.Unknown, int64(i)), If: stores.IfOlder(stamp(1))}
	}
	errs, err := s.PutMany(t.Context(), ws)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range errs {
		if err != nil {
			t.Fatalf("write %d: %v", i, err)
		}
	}
}

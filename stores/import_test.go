package stores_test

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

func newMem(t *testing.T) *memstore.Store[string, int] {
	t.Helper()
	s, err := memstore.New[string, int](stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func numbered(n int) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for i := range n {
			if !yield(fmt.Sprintf("%05d", i), i) {
				return
			}
		}
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	s := newMem(t)
	if n, err := stores.Import(t.Context(), s, numbered(1234)); n != 1234 || err != nil {
		t.Fatal(n, err)
	}
	seen := 0
	for e, err := range s.Scan(t.Context(), "", nil) {
		if err != nil || e.Record.Version != stores.Unstamped || e.Record.Value != seen {
			t.Fatal(e, err)
		}
		seen++
	}
	if seen != 1234 {
		t.Errorf("%d records", seen)
	}
}

func TestImportOverwritesNothingAndNamesTheKey(t *testing.T) {
	t.Parallel()
	s := newMem(t)
	w := stores.Write[string, int]{Key: "00700", Record: stores.Record[int]{Meta: stores.Meta{Version: at(1)}, Value: -1}, If: stores.IfOlder(at(1))}
	if err := s.Put(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	n, err := stores.Import(t.Context(), s, numbered(2000))
	var refused *stores.ConditionError
	var where *stores.Error
	if n != 999 || !errors.As(err, &refused) || refused.Stored.Version != at(1) || !errors.As(err, &where) || where.Key != `"00700"` {
		t.Errorf("%d imported, %v", n, err)
	}
	if got, err := s.Get(t.Context(), "00700"); got.Value != -1 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestImportIntoAClosedStore(t *testing.T) {
	t.Parallel()
	s := newMem(t)
	if err := io.Closer(s).Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := stores.Import(t.Context(), s, numbered(1)); n != 0 || !errors.Is(err, stores.ErrClosed) {
		t.Errorf("%d, %v", n, err)
	}
}

func TestSamePlace(t *testing.T) {
	t.Parallel()
	a, b := newMem(t), newMem(t)
	wrapped := storefault.New(storefault.New[string, int](a, nil), nil)
	for _, tt := range []struct {
		x, y stores.Store[string, int]
		want bool
	}{
		{a, a, true},
		{a, b, false},
		{wrapped, a, true},
		{a, wrapped, true},
		{wrapped, storefault.New[string, int](b, nil), false},
		{nil, a, false},
	} {
		if got := stores.SamePlace(tt.x, tt.y); got != tt.want {
			t.Errorf("%T, %T: %v", tt.x, tt.y, got)
		}
	}
}

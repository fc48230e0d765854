package dualwritetest_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/dualwrite/dualwrite/dualwrite/dualwritetest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

// owner holds its own key, and a pointer.
type owner struct {
	ID   string `json:"-"` // the key, which is not stored a second time
	Home *home
}

type home struct{ Street string }

// keyed fills in the id from the key, as a Decode does that is given it.
type keyed struct {
	stores.Store[string, owner]
}

func (s keyed) Get(ctx context.Context, key string) (stores.Record[owner], error) {
	r, err := s.Store.Get(ctx, key)
	if err == nil && r.Live() {
		r.Value.ID = key
	}
	return r, err
}

func (s keyed) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[string, owner], error] {
	return func(yield func(stores.Entry[string, owner], error) bool) {
		for e, err := range s.Store.Scan(ctx, seg, after) {
			if err == nil && e.Record.Live() {
				e.Record.Value.ID = e.Key
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func owners(t *testing.T) stores.Store[string, owner] {
	t.Helper()
	s, err := memstore.New[string, owner](stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	return keyed{s}
}

// Values are made for their key, and compared by what they point to.
func TestValuesThatHoldTheirID(t *testing.T) {
	t.Parallel()
	c := dualwritetest.Config[string, owner]{
		Open:  func(t *testing.T) (old, new stores.Store[string, owner]) { return owners(t), owners(t) },
		Key:   func(i int) string { return fmt.Sprintf("owner-%06d", i) },
		Value: func(key string, i int) owner { return owner{ID: key, Home: &home{fmt.Sprint(i)}} },
	}
	t.Run("run", func(t *testing.T) {
		t.Parallel()
		dualwritetest.Run(t, c)
	})
	t.Run("explore", func(t *testing.T) {
		t.Parallel()
		dualwritetest.Explore(t, c, &dualwritetest.ExploreOptions{Schedules: 50})
	})
}

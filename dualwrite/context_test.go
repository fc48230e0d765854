package dualwrite_test

import (
	"context"
	"errors"
	"testing"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

type transactionKey struct{}

// transactional is a store whose driver takes a transaction from the context.
type transactional struct{ *memory }

func (transactional) CheckContext(ctx context.Context) error {
	if ctx.Value(transactionKey{}) != nil {
		return stores.Permanent(stores.ErrInTransaction)
	}
	return nil
}

// A context with a transaction of either place is refused in every phase, before the other place is written; below
// wrappers too.
func TestTransactionInContext(t *testing.T) {
	t.Parallel()
	for _, phase := range []flags.Phase{phaseO, phaseA, phaseB, phaseN} {
		for _, first := range []bool{true, false} {
			plain, err := memstore.New[string, account](stores.StringKeys[string](), nil)
			if err != nil {
				t.Fatal(err)
			}
			inner, err := memstore.New[string, account](stores.StringKeys[string](), nil)
			if err != nil {
				t.Fatal(err)
			}
			var places [2]stores.Store[string, account]
			places[0], places[1] = plain, storefault.New[string, account](transactional{inner}, nil)
			if first {
				places[0], places[1] = places[1], places[0]
			}
			r, err := dualwrite.New(places[0], places[1], flags.Static(phase), nil)
			if err != nil {
				t.Fatal(err)
			}
			refusesTransaction(t, r)
			for _, s := range []*memory{plain, inner} {
				if n, err := s.ApproxCount(t.Context()); n != 0 || err != nil {
					t.Errorf("%v: %d records were written, %v", phase, n, err)
				}
			}
		}
	}
}

func refusesTransaction(t *testing.T, r *repo) {
	t.Helper()
	ctx := context.WithValue(t.Context(), transactionKey{}, true)
	refused := func(what string, err error) {
		if !errors.Is(err, dualwrite.ErrInTransaction) || !errors.Is(err, dualwrite.ErrPermanent) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := r.Put(ctx, "a", account{})
	refused("put", err)
	_, err = r.Get(ctx, "a")
	refused("get", err)
	refused("delete", r.Delete(ctx, "a"))
	_, err = r.GetMany(ctx, []string{"a"})
	refused("get many", err)
	for _, err := range r.Scan(ctx) {
		refused("scan", err)
	}
	if _, err := r.Get(t.Context(), "a"); !errors.Is(err, dualwrite.ErrNotFound) {
		t.Errorf("without a transaction: %v", err)
	}
}

package dualwrite_test

import (
	"errors"
	"testing"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

func TestSingle(t *testing.T) {
	t.Parallel()
	s, err := memstore.New[string, account](stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := dualwrite.Single(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Create(t.Context(), "k", account{Balance: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Update(t.Context(), "k", addOne); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Get(t.Context(), "k"); err != nil || got.Balance != 2 {
		t.Errorf("%v, %v", got, err)
	}
	if err := r.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Get(t.Context(), "k"); !errors.Is(err, dualwrite.ErrNotFound) {
		t.Error(err)
	}
	if _, err := dualwrite.Single[string, account](nil, &dualwrite.Options{Attempts: 1}); err == nil {
		t.Error("no store and one attempt were accepted")
	}
	if _, err := dualwrite.New(s, s, flags.Static(flags.OldOnly), nil); err == nil {
		t.Error("one place was accepted as both")
	}
}

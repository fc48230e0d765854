package dualwrite_test

import (
	"context"
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

func TestStatusOfASourceThatServesReadsOnly(t *testing.T) {
	t.Parallel()
	s, err := memstore.New[string, account](stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := memstore.New[string, account](stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := dualwrite.New(s, other, readsOnly{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	st := r.Status()
	if st.Phase != flags.OldOnly || st.PhaseErr != "" || st.WriteErr == "" || !st.Closed || st.Blocked == nil {
		t.Errorf("%+v", st)
	}
}

// readsOnly is a source that fell back to a phase it does not know for sure.
type readsOnly struct{}

func (readsOnly) Phase(_ context.Context, a flags.Access) (flags.Phase, error) {
	if a == flags.Write {
		return 0, flags.ErrPhaseUnknown
	}
	return flags.OldOnly, nil
}

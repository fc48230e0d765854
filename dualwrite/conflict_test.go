package dualwrite_test

import (
	"errors"
	"testing"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// Somebody else is faster each time: past the bound the answer is that nothing was written, and nothing was.
func TestConflict(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		r := newRig(t, p, &dualwrite.Options{Attempts: 5})
		r.both(0)
		deciding := r.old
		if p == phaseN {
			deciding = r.new
		}
		onPut(deciding, func(n int, it storefault.Item) { // in read-new/write-both a mirrored write of a neighbour
			r.plant(deciding, "k", live(r.stamp(it.Meta.Version, r.stored(deciding, "k").Version), int64(100*n)))
		})
		ran := 0
		v, err := r.Update(t.Context(), "k", func(a *account) error { ran++; return addOne(a) })
		r.wantErr(err, "", "k", dualwrite.ErrConflict)
		wantOnly(r, "update", err, dualwrite.ErrConflict)
		if !v.IsUnknown() || ran != 5 {
			t.Errorf("%v: version %v after %d attempts", p, v, ran)
		}
		for _, place := range []*place{r.old, r.new} {
			if got := r.stored(place, "k").Value.Balance; got%100 != 0 {
				t.Errorf("%v: balance %d: something was written", p, got)
			}
		}
		if n := len(r.events.of(dualwrite.EventRetry)); n < 4 {
			t.Errorf("%v: the observer saw %d repetitions", p, n)
		}
	}
}

// A change that loses once is derived again from what won, even if that has a smaller stamp than the change would have.
func TestUpdateIsDoneAgainOnTop(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		r := newRig(t, p, nil)
		r.both(0)
		deciding := r.old
		if p == phaseN {
			deciding = r.new
		}
		onPut(deciding, func(n int, _ storefault.Item) {
			if n == 1 {
				r.plant(deciding, "k", live(r.stamp(), 100))
			}
		})
		if _, err := r.Update(t.Context(), "k", addOne); err != nil {
			t.Errorf("%v: %v", p, err)
		}
		r.wantBalance(r.repo, "k", 101)
	}
}

// A conditional write that loses is not tried again: the version is another one now.
func TestPutIfThatLoses(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		r := newRig(t, p, nil)
		version := r.both(0)
		deciding := r.old
		if p == phaseN {
			deciding = r.new
		}
		onPut(deciding, func(n int, it storefault.Item) {
			if n == 1 {
				r.plant(deciding, "k", live(r.stamp(it.Meta.Version), 100))
			}
		})
		_, err := r.PutIf(t.Context(), "k", account{Balance: 7}, version)
		want := "old"
		if p >= phaseB {
			want = "new"
		}
		r.wantErr(err, want, "k", dualwrite.ErrVersion)
		r.wantBalance(r.repo, "k", 100)
	}
}

// An outcome that writes nothing is a read: while both are written it is not taken from new alone.
func TestOutcomesThatWriteNothingAreStrict(t *testing.T) {
	t.Parallel()
	mine := errors.New("mine")
	prepare := func() (r *rig, stale, version stores.Version) {
		r = newRig(t, phaseB, nil)
		stale = r.both(1)
		version = r.stamp()
		r.plant(r.old, "k", live(version, 2)) // its mirror was missed
		r.plant(r.old, "only old", live(r.stamp(), 3))
		return r, stale, version
	}
	r, stale, _ := prepare()
	_, err := r.PutIf(t.Context(), "k", account{}, stale)
	r.wantErr(err, "new", "k", dualwrite.ErrVersion)

	r, _, version := prepare()
	if _, err = r.PutIf(t.Context(), "k", account{Balance: 4}, version); err != nil {
		t.Error(err)
	}
	r.wantBalance(r.repo, "k", 4)

	r, _, _ = prepare()
	var saw []int64
	_, err = r.Update(t.Context(), "k", func(a *account) error { saw = append(saw, a.Balance); return mine })
	r.wantErr(err, "new", "k", mine)
	if len(saw) == 0 || saw[len(saw)-1] != 2 {
		t.Errorf("the error was derived from %v, the balance is 2", saw)
	}

	r, _, _ = prepare()
	_, err = r.Create(t.Context(), "only old", account{})
	r.wantErr(err, "new", "only old", dualwrite.ErrExists)

	r, _, _ = prepare()
	_, err = r.Update(t.Context(), "only old", func(*account) error { return mine })
	r.wantErr(err, "new", "only old", mine)

	r, _, _ = prepare()
	r.plant(r.old, "gone", record{Meta: stores.Meta{Version: r.stamp(), Deleted: true}})
	r.plant(r.new, "gone", live(stores.Unstamped, 1))
	_, err = r.Create(t.Context(), "gone", account{Balance: 5})
	if err != nil {
		t.Errorf("the record was deleted in old: %v", err)
	}

	r, _, _ = prepare() // and when old can not be asked, there is no answer
	r.old.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.FailBefore}, storefault.OpGet))
	_, err = r.Create(t.Context(), "k", account{})
	r.wantErr(err, "old", "k", stores.ErrTransient)
}

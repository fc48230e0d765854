package dualwrite_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// refuse makes new refuse one record for good, alone and in pairs.
func (r *rig) refuse(v stores.Version) {
	f := storefault.Fault{
		Kind: storefault.FailBefore, Err: stores.Permanent(errors.New("the validator says no")),
		Only: func(it storefault.Item) bool { return it.Meta.Version.Same(v) },
	}
	r.new.fault.SetRules(storefault.Always(f, storefault.OpPut, storefault.OpPutMany))
}

// stuck are the states in which old holds what new refuses, by name; each plants one and answers its version.
var stuck = map[string]func(r *rig) stores.Version{
	"an intent": func(r *rig) stores.Version {
		base := r.both(10)
		v := r.stamp(base)
		r.plant(r.old, "k", intent(v, base, 11))
		return v
	},
	"an intent on nothing": func(r *rig) stores.Version {
		v := r.stamp()
		r.plant(r.old, "k", intent(v, stores.Absent, 11))
		return v
	},
	"an intent with a stamp from the future": func(r *rig) stores.Version {
		base := r.both(10)
		v := later(r.T, time.Hour)
		r.plant(r.old, "k", intent(v, base, 11))
		return v
	},
	"a mirror that was missed": func(r *rig) stores.Version {
		v := r.stamp(r.both(10))
		r.plant(r.old, "k", live(v, 11))
		return v
	},
	"what was never copied": func(r *rig) stores.Version {
		r.plant(r.old, "k", live(stores.Unstamped, 11))
		return stores.Unstamped
	},
}

// A write that does not depend on what is there gets out of a record that new refuses: nobody has to flip the fleet
// back because of it. The key is off the list then.
func TestBlindWritesGetOutOfWhatNewRefuses(t *testing.T) {
	t.Parallel()
	for name, plant := range stuck {
		for how, write := range map[string]func(r *rig) error{
			"put":    func(r *rig) error { _, err := r.Put(r.Context(), "k", account{Balance: 20}); return err },
			"delete": func(r *rig) error { return r.Delete(r.Context(), "k") },
			"put many": func(r *rig) error {
				_, err := r.PutMany(r.Context(), []dualwrite.Item[string, account]{{Key: "k", Value: account{Balance: 20}}})
				return err
			},
			"delete many": func(r *rig) error { _, err := r.DeleteMany(r.Context(), []string{"k"}); return err },
		} {
			for _, pairs := range []bool{false, true} {
				r := newRigWith(t, phaseB, dualwrite.Options{SeparateWrites: !pairs})
				v := plant(r)
				r.refuse(v)
				_, err := r.Get(t.Context(), "k")
				r.wantErr(err, "new", "k", dualwrite.ErrBlocked)
				if blocked := r.Status().Blocked; len(blocked) != 1 || !strings.Contains(blocked[0].Cause, "a Put that new takes") {
					t.Fatalf("%s: blocked is %+v", name, blocked)
				}
				if err := write(r); err != nil {
					t.Fatalf("%s, %s, pairs %v: %v", name, how, pairs, err)
				}
				if blocked := r.Status().Blocked; len(blocked) != 0 {
					t.Errorf("%s, %s, pairs %v: still on the list: %+v", name, how, pairs, blocked)
				}
				r.settled(how+" over "+name, v)
			}
		}
	}
}

// settled checks that both places hold the same final record, above v, and that readers get it.
func (r *rig) settled(what string, v stores.Version) {
	r.Helper()
	old, now := r.stored(r.old, "k"), r.stored(r.new, "k")
	if old != now || old.Intent || !old.Version.Newer(v) || !old.Prev.IsUnknown() {
		r.Errorf("%s: old has %+v, new %+v", what, old, now)
	}
	_, err := r.Get(r.Context(), "k")
	switch {
	case old.Deleted:
		r.wantErr(err, "", "k", dualwrite.ErrNotFound)
	case err != nil:
		r.Errorf("%s: %v", what, err)
	}
}

// Everything that depends on what is there stays blocked, and leaves it alone.
func TestOtherWritesStayBlocked(t *testing.T) {
	t.Parallel()
	for name, plant := range stuck {
		for how, change := range changes {
			r := newRig(t, phaseB, nil)
			v := plant(r)
			r.refuse(v)
			before := r.stored(r.old, "k")
			_, err := change(t.Context(), r.repo, v)
			if how == "put" || how == "delete" {
				continue
			}
			r.wantErr(err, "new", "k", dualwrite.ErrBlocked)
			wantOnly(r, how+" over "+name, err, dualwrite.ErrBlocked)
			if got := r.stored(r.old, "k"); got != before {
				t.Errorf("%s over %s: old has %+v", how, name, got)
			}
		}
	}
}

// A put that new refuses too is in doubt, as the one before it was; the next one gets out of both.
func TestPutsThatNewRefusesToo(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseB, nil)
	stuck["an intent"](r)
	r.new.fault.SetRules(storefault.Always(rejecting("k"), storefault.OpPut))
	for range 2 {
		_, err := r.Put(t.Context(), "k", account{Balance: 30})
		r.wantErr(err, "new", "k", dualwrite.ErrIndeterminate)
		wantOnly(r, "put", err, dualwrite.ErrIndeterminate)
		if !strings.Contains(err.Error(), "announced in old") || !strings.Contains(err.Error(), "a Put that new takes") {
			t.Errorf("%q does not say what to do", err)
		}
	}
	if old := r.stored(r.old, "k"); old.Intent || old.Value.Balance != 30 {
		t.Errorf("old has %+v", old)
	}
	v := r.stored(r.old, "k").Version
	r.new.fault.SetRules()
	r.refuse(v)
	if err := r.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	r.settled("delete", v)
}

// In pairs, a put that new refuses too has no effect.
func TestPairsThatNewRefusesToo(t *testing.T) {
	t.Parallel()
	r := newPairRig(t, phaseB, nil)
	stuck["an intent"](r)
	before := r.stored(r.old, "k")
	err := stores.Permanent(errors.New("no"))
	r.new.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Err: err}, storefault.OpPut))
	r.old.before = func(_ context.Context, c storefault.Call) error {
		if c.Op == storefault.OpPutPair && c.Items[1].If.Kind == stores.KindIfOlder {
			return &stores.PairError{Second: err}
		}
		return nil
	}
	_, err = r.Put(t.Context(), "k", account{Balance: 30})
	r.wantErr(err, "new", "k", stores.ErrPermanent)
	wantOnly(r, "put", err, stores.ErrPermanent)
	if got := r.stored(r.old, "k"); got != before {
		t.Errorf("old has %+v", got)
	}
}

// Somebody else gets there first, between the look at old and the write: what they wrote is taken into account.
func TestOvertakingIsOvertaken(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseB, nil)
	v := stuck["an intent"](r)
	r.refuse(v)
	first := stores.Unknown
	onPut(r.old, func(n int, it storefault.Item) {
		if n == 2 { // the first is refused by the intent
			if it.If != stores.IfStamp(v) || it.Meta.Intent {
				t.Errorf("it is put %v, %+v", it.If, it.Meta)
			}
			first = r.stamp(v)
			r.plant(r.old, "k", live(first, 15))
		}
	})
	got, err := r.Put(t.Context(), "k", account{Balance: 20})
	if err != nil || !got.Newer(first) || first.IsUnknown() {
		t.Fatalf("%v, %v", got, err)
	}
	if now := r.stored(r.new, "k"); now.Value.Balance != 20 || !now.Prev.Same(first) {
		t.Errorf("new has %+v, want 20 on top of %v", now, first)
	}
}

// A write that succeeds takes its key off the list in whatever phase new has it then; one whose mirror is missed does not.
func TestWritesTakeKeysOffTheList(t *testing.T) {
	t.Parallel()
	for _, pairs := range []bool{false, true} {
		for _, p := range phases {
			r := newRigWith(t, phaseB, dualwrite.Options{SeparateWrites: !pairs})
			r.refuse(stuck["an intent"](r))
			_ = r.get()
			r.phase.set(p)
			if _, err := r.Put(t.Context(), "k", account{Balance: 20}); err != nil {
				t.Fatal(err)
			}
			want := 0
			if p == phaseO {
				want = 1
			}
			if blocked := r.Status().Blocked; len(blocked) != want {
				t.Errorf("%v, pairs %v: %+v are blocked", p, pairs, blocked)
			}
		}
	}
	r := newRig(t, phaseB, nil)
	r.refuse(stuck["an intent"](r))
	_ = r.get()
	r.phase.set(phaseA)
	r.new.fault.SetRules(storefault.Always(rejecting("k"), storefault.OpPut))
	if _, err := r.Put(t.Context(), "k", account{Balance: 20}); err != nil || len(r.Status().Blocked) != 1 {
		t.Errorf("%v, %+v", err, r.Status().Blocked)
	}
}

// So do reads of many, which find it in step.
func TestBatchReadsTakeKeysOffTheList(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseB, nil)
	v := stuck["an intent"](r)
	r.refuse(v)
	_ = r.get()
	r.plant(r.new, "k", r.stored(r.old, "k").Final())
	if _, err := r.GetMany(t.Context(), []string{"k"}); err != nil || len(r.Status().Blocked) != 0 {
		t.Errorf("%v, %+v", err, r.Status().Blocked)
	}
}

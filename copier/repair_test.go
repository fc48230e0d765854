package copier_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// Regression 24: what a repair may set right depends on its policy, and everything else is reported.
func TestRepairDoesWhatThePolicyAllows(t *testing.T) {
	t.Parallel()
	forward := []copier.Kind{copier.KindMissing, copier.KindStale}
	for name, tc := range map[string]struct {
		policy   copier.RepairPolicy
		repaired []copier.Kind
		left     []string // of the kinds above, keys that can not be repaired conditionally
		also     []string // keys of other kinds that are repaired
	}{
		"only new":     {repaired: forward},
		"old writable": {policy: copier.RepairPolicy{OldWritable: true}, repaired: append(forward, copier.KindDeadIntent, copier.KindNewAhead), also: []string{"extra"}},
		"old wins": {policy: copier.RepairPolicy{Winner: copier.OldWins}, left: []string{"foreign legacy"},
			repaired: append(forward, copier.KindForeign, copier.KindExtra, copier.KindLost)},
		"new wins": {policy: copier.RepairPolicy{OldWritable: true, Winner: copier.NewWins}, left: []string{"foreign legacy", "wiped"},
			repaired: append(forward, copier.KindDeadIntent, copier.KindNewAhead, copier.KindForeign, copier.KindExtra, copier.KindLost)},
	} {
		t.Run(name, func(t *testing.T) {
			old, new, all := inflict(t, 20)
			wasOld := dump(t, old)
			want, fixed := map[string]copier.Kind{}, int64(0)
			var keys [][]byte
			for key, d := range all {
				keys = append(keys, []byte(key))
				switch repaired := slices.Contains(tc.repaired, d.kind) || slices.Contains(tc.also, key); {
				case d.kind == "":
				case repaired && !slices.Contains(tc.left, key):
					fixed++
				default:
					want[key] = d.kind
				}
			}
			o := &copier.RepairOptions[user]{RepairPolicy: tc.policy, PassOptions: copier.PassOptions{Batch: 4}}
			r, err := copier.Repair(t.Context(), old, new, yieldKeys(keys), o)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]copier.Kind{}
			for _, f := range r.Findings {
				got[string(f.Key)] = f.Kind
				if f.Err == nil && f.Kind != copier.KindLost {
					t.Errorf("%v does not say why", f)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" || r.Repaired != fixed || r.Read != int64(len(all)) {
				t.Errorf("%d repaired, want %d: %s", r.Repaired, fixed, diff)
			}
			if !tc.policy.OldWritable {
				if diff := cmp.Diff(wasOld, dump(t, old), versions); diff != "" {
					t.Errorf("old was written: %s", diff)
				}
			}
			after, err := copier.Verify(t.Context(), old, new, &copier.VerifyOptions[user]{Grace: time.Microsecond})
			if err != nil {
				t.Fatal(err)
			}
			left := map[string]copier.Kind{}
			for _, f := range after.Findings {
				left[string(f.Key)] = f.Kind
			}
			if diff := cmp.Diff(want, left); diff != "" {
				t.Errorf("afterwards: %s", diff)
			}
			for e, err := range new.Scan(t.Context(), "", nil) {
				if err != nil || e.Record.Intent {
					t.Errorf("%s on new carries an intent", e.Key)
				}
			}
		})
	}
}

func yieldKeys(keys [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, k := range keys {
			if !yield(k, nil) {
				return
			}
		}
	}
}

// A repair carries the record that one side has, to the letter: version, base, tombstone, but never the intent.
func TestRepairCarriesTheRecord(t *testing.T) {
	t.Parallel()
	old, new, all := inflict(t, 0)
	o := &copier.RepairOptions[user]{RepairPolicy: copier.RepairPolicy{OldWritable: true}}
	var keys [][]byte
	for key := range all {
		keys = append(keys, []byte(key))
	}
	if _, err := copier.Repair(t.Context(), old, new, yieldKeys(keys), o); err != nil {
		t.Fatal(err)
	}
	for key, from := range map[string]struct {
		place *mem
		want  stores.Record[user]
	}{
		"stale":       {new, *all["stale"].old},
		"not deleted": {new, *all["not deleted"].old},
		"open intent": {new, all["open intent"].old.Final()},
		"dead intent": {old, *all["dead intent"].new},
		"new deleted": {old, *all["new deleted"].new},
		"extra":       {old, *all["extra"].new},
	} {
		got, err := from.place.Get(t.Context(), key)
		if diff := cmp.Diff(from.want, got, versions); err != nil || diff != "" {
			t.Errorf("%s: %v %s", key, err, diff)
		}
	}
}

// A live write that comes between the read and the write of a repair wins; the repair looks again.
func TestRepairLosesToLiveWrites(t *testing.T) {
	t.Parallel()
	inner, new := newMem(t), newMem(t)
	c := newClock(t)
	v1, v2, v3 := next(t, c), next(t, c), next(t, c)
	force(t, inner, "k", record(v3, v1, "dead", "intent"))
	force(t, new, "k", record(v2, v1, "b"))
	v4 := next(t, c)
	raced := false
	old := storefault.New[string, user](inner, &storefault.Options{Before: func(_ context.Context, call storefault.Call) error {
		if call.Op == storefault.OpPutMany && !raced {
			raced = true // an instance in read-new/write-both writes both, just before the repair's write to old
			force(t, inner, "k", record(v4, v2, "live", "intent"))
			force(t, new, "k", record(v4, v2, "live"))
		}
		return nil
	}})
	o := &copier.RepairOptions[user]{RepairPolicy: copier.RepairPolicy{OldWritable: true}, PassOptions: fast(copier.PassOptions{})}
	r, err := copier.Repair(t.Context(), old, new, yieldKeys([][]byte{[]byte("k")}), o)
	if err != nil || !raced || r.Repaired != 0 || r.Same != 1 || !r.Clean() {
		t.Fatalf("%v %+v", err, r)
	}
	for _, s := range []*mem{inner, new} {
		if got, err := s.Get(t.Context(), "k"); err != nil || got.Value.Name != "live" {
			t.Errorf("%v %+v", err, got)
		}
	}
}

// What a live writer changes each time that the repair looks is reported, and not called in order.
func TestRepairGivesUpOnARestlessRecord(t *testing.T) {
	t.Parallel()
	old, inner := newMem(t), newMem(t)
	c := newClock(t)
	v := next(t, c)
	force(t, old, "k", record(v, stores.Absent, "a"))
	new := storefault.New[string, user](inner, &storefault.Options{Before: func(_ context.Context, call storefault.Call) error {
		if call.Op == storefault.OpPutMany { // new gets the version that is to be put, and old moves on
			force(t, inner, "k", record(v, stores.Unknown, "a"))
			w := next(t, c, v)
			force(t, old, "k", record(w, v, "a"))
			v = w
		}
		return nil
	}})
	r, err := copier.Repair(t.Context(), old, new, yieldKeys([][]byte{[]byte("k")}), &copier.RepairOptions[user]{PassOptions: fast(copier.PassOptions{})})
	if err != nil || r.Clean() || r.Found[copier.KindUnsettled] != 1 {
		t.Fatalf("%v %+v", err, r)
	}
}

// New is read after old has answered: a verdict on an intent from an earlier read of new would be about a state that the
// intent's owner has long left.
func TestNewIsReadAfterOld(t *testing.T) {
	t.Parallel()
	innerOld, innerNew := newMem(t), newMem(t)
	c := newClock(t)
	v1, v2, v3, v4 := next(t, c), next(t, c), next(t, c), next(t, c)
	force(t, innerOld, "k", record(v2, v1, "b", "intent"))
	force(t, innerNew, "k", record(v1, stores.Absent, "a"))
	moved := false
	after := &storefault.Options{After: func(_ context.Context, call storefault.Call, _ error) error {
		if call.Op == storefault.OpGetMany && !moved {
			moved = true // between the two reads: two writes in read-new/write-both, and the intent of a third
			force(t, innerNew, "k", record(v2, v1, "b"))
			force(t, innerOld, "k", record(v3, v2, "c", "intent"))
			force(t, innerNew, "k", record(v3, v2, "c"))
			force(t, innerOld, "k", record(v4, v3, "d", "intent"))
		}
		return nil
	}}
	old, new := storefault.New[string, user](innerOld, after), storefault.New[string, user](innerNew, after)
	r, err := copier.Copy(t.Context(), old, new, nil)
	if err != nil || !moved || !r.Clean() {
		t.Fatalf("%v %+v", err, r)
	}
}

func TestRepairReportsWhatNewRejectsAndWhatFails(t *testing.T) {
	t.Parallel()
	old, inner := newMem(t), newMem(t)
	fill(t, old, 10)
	new := storefault.New[string, user](inner, nil)
	rejected := storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Err: stores.Permanent(errors.New("no")), Only: only(keyOf(1))}, storefault.OpPutMany)
	failing := storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Only: only(keyOf(2))}, storefault.OpPutMany)
	new.SetRules(func(c storefault.Call) (storefault.Fault, bool) {
		if touches(c, keyOf(1)) {
			return rejected(c)
		}
		return failing(c)
	})
	var keys [][]byte
	for i := range 10 {
		keys = append(keys, []byte(keyOf(i)))
	}
	r, err := copier.Repair(t.Context(), old, new, yieldKeys(keys), &copier.RepairOptions[user]{PassOptions: fast(copier.PassOptions{Attempts: 3, Batch: 1})})
	mustBe(t, err, copier.ErrIncomplete)
	if r.Repaired != 8 || r.Found[copier.KindRejected] != 1 || r.Found[copier.KindFailed] != 1 || r.Clean() {
		t.Fatalf("%+v", r)
	}
	broken := func(yield func([]byte, error) bool) { yield(nil, errors.New("the file ends early")) }
	if r, err := copier.Repair(t.Context(), old, new, broken, nil); err == nil || r.Clean() {
		t.Errorf("keys that could not be read: %v %+v", err, r)
	}
}

func TestVerifyRepairsInTheSamePass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, new, all := inflict(t, 300)
		o := &copier.VerifyOptions[user]{Repair: &copier.RepairPolicy{OldWritable: true}}
		r, err := copier.Verify(t.Context(), old, new, o)
		if err != nil || r.Clean() {
			t.Fatalf("a pass that repaired is no evidence: %v %+v", err, r)
		}
		repaired := int64(0)
		for _, f := range r.Findings {
			if f.Repaired {
				repaired++
			}
			if f.Kind != all[string(f.Key)].kind {
				t.Errorf("%v, want %s", f, all[string(f.Key)].kind)
			}
		}
		if r.Repaired != repaired || repaired == 0 {
			t.Errorf("%d repaired, %d findings say so", r.Repaired, repaired)
		}
		again, err := copier.Verify(t.Context(), old, new, o)
		if err != nil || again.Repaired != 0 || len(again.Findings) != len(r.Findings)-int(repaired) {
			t.Errorf("%v %v", err, again.Findings)
		}
	})
}

func TestCopyAndVerifyGoesOnUntilClean(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner, new := newMem(t), newMem(t)
		fill(t, inner, 500)
		c := newClock(t)
		missed := 0
		// Before the first two verify passes a mirror write is missed: old moves on, new does not.
		old := storefault.New[string, user](inner, &storefault.Options{Before: func(_ context.Context, call storefault.Call) error {
			if call.Op == storefault.OpSegments && (call.N == 2 || call.N == 3) {
				missed++
				was, err := inner.Get(t.Context(), keyOf(missed))
				force(t, inner, keyOf(missed), record(next(t, c, was.Version), was.Version, "missed"))
				return err
			}
			return nil
		}})
		copied, verified, err := copier.CopyAndVerify(t.Context(), old, new, &copier.CopyAndVerifyOptions[user]{Passes: 5})
		if err != nil || copied.Applied != 500 || !verified.Clean() || missed != 2 {
			t.Fatalf("%v\n%+v\n%+v", err, copied, verified)
		}
		mustBeClean(t, inner, new)

		force(t, new, "extra", record(next(t, c), stores.Absent, "x"))
		_, verified, err = copier.CopyAndVerify(t.Context(), old, new, nil)
		if err != nil || verified.Clean() || verified.Found[copier.KindExtra] != 1 {
			t.Fatalf("what can not be repaired is left: %v %+v", err, verified)
		}
	})
}

func TestKeysOfFindings(t *testing.T) {
	t.Parallel()
	findings := []copier.Finding{{Key: []byte("a")}, {Key: []byte("b")}}
	var got []string
	for k, err := range copier.Keys(findings) {
		got = append(got, fmt.Sprint(string(k), err))
	}
	if want := []string{"a<nil>", "b<nil>"}; !slices.Equal(got, want) {
		t.Error(got)
	}
}

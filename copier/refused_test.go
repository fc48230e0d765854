package copier_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

var errValidator = errors.New("the validator says no")

// refusing is a store that refuses one version for good.
func refusing(inner *mem, v stores.Version) *storefault.Store[string, user] {
	s := storefault.New[string, user](inner, nil)
	s.SetRules(storefault.Always(storefault.Fault{
		Kind: storefault.FailBefore, Err: stores.Permanent(errValidator),
		Only: func(it storefault.Item) bool { return it.Meta.Version.Same(v) },
	}, storefault.OpPut, storefault.OpPutMany))
	return s
}

// What new refuses is left where old has a say, with what to do about it; where new wins, old gets what new has.
func TestRepairOfWhatNewRefuses(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	base := next(t, c)
	v := next(t, c, base)
	was := record(base, stores.Unknown, "before")
	legacy := record(stores.Unstamped, stores.Unknown, "legacy")
	for name, tc := range map[string]struct {
		old stores.Record[user]
		new *stores.Record[user]
	}{
		"an intent":              {old: record(v, base, "refused", "intent"), new: &was},
		"an intent on nothing":   {old: record(v, stores.Absent, "refused", "intent")},
		"an intent on a legacy":  {old: record(v, stores.Unstamped, "refused", "intent"), new: &legacy},
		"a missed mirror":        {old: record(v, stores.Unknown, "refused"), new: &was},
		"what was never copied":  {old: record(v, stores.Unknown, "refused")},
		"a legacy, never copied": {old: record(stores.Unstamped, stores.Unknown, "refused")},
	} {
		for policy, p := range map[string]copier.RepairPolicy{
			"nobody": {OldWritable: true}, "old wins": {OldWritable: true, Winner: copier.OldWins}, "new wins": {OldWritable: true, Winner: copier.NewWins},
		} {
			old, inner := newMem(t), newMem(t)
			force(t, old, "k", tc.old)
			if tc.new != nil {
				force(t, inner, "k", *tc.new)
			}
			new := refusing(inner, tc.old.Version)
			r, err := copier.Repair(t.Context(), old, new, yieldKeys([][]byte{[]byte("k")}), &copier.RepairOptions[user]{RepairPolicy: p})
			if err != nil {
				t.Fatal(err)
			}
			if policy != "new wins" {
				if r.Clean() || len(r.Findings) != 1 || r.Findings[0].Kind != copier.KindRejected || r.Findings[0].Place != "new" ||
					!errors.Is(r.Findings[0].Err, errValidator) || !strings.Contains(r.Findings[0].Err.Error(), "NewWins") {
					t.Errorf("%s, %s: %v", name, policy, r.Findings)
				}
				continue
			}
			after, err := copier.Verify(t.Context(), old, new, &copier.VerifyOptions[user]{Grace: time.Microsecond})
			if err != nil || r.Repaired != 1 || len(r.Findings) != 0 || len(after.Findings) != 0 {
				t.Errorf("%s: %v, %d repaired, %v; afterwards %v", name, err, r.Repaired, r.Findings, after.Findings)
			}
			got, err := stores.OrAbsent(old.Get(t.Context(), "k"))
			if err != nil || got.Live() != (tc.new != nil) || tc.new != nil && got.Value.Name != tc.new.Value.Name {
				t.Errorf("%s: %v, old has %+v", name, err, got)
			}
		}
	}
}

// A live write that comes in between wins: the record that was refused is not the one that is there any more.
func TestRepairOfWhatNewRefusedBefore(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	base := next(t, c)
	v := next(t, c, base)
	inner, new := newMem(t), newMem(t)
	force(t, inner, "k", record(v, base, "refused", "intent"))
	force(t, new, "k", record(base, stores.Unknown, "before"))
	live := record(next(t, c, v), stores.Unknown, "live")
	refuses := refusing(new, v)
	rules := 0
	refuses.SetRules(func(call storefault.Call) (storefault.Fault, bool) {
		if len(call.Items) == 0 || !call.Items[0].Meta.Version.Same(v) {
			return storefault.Fault{}, false
		}
		if rules++; rules == 1 {
			force(t, inner, "k", live)
		}
		return storefault.Fault{Kind: storefault.FailBefore, Err: stores.Permanent(errValidator)}, true
	})
	r, err := copier.Repair(t.Context(), inner, refuses, yieldKeys([][]byte{[]byte("k")}), &copier.RepairOptions[user]{
		RepairPolicy: copier.RepairPolicy{OldWritable: true, Winner: copier.NewWins},
	})
	if err != nil || r.Repaired != 1 || rules != 1 {
		t.Fatalf("%v, %+v", err, r)
	}
	mustBeClean(t, inner, new)
	if got, err := new.Get(t.Context(), "k"); err != nil || got.Value.Name != "live" {
		t.Errorf("%v, new has %+v", err, got)
	}
}

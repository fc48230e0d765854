package dualwrite_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// scanned is how often a scan yields each key.
func scanned(r *rig) map[string]int {
	r.Helper()
	seen := map[string]int{}
	for it, err := range r.Scan(r.Context()) {
		if err != nil {
			r.Fatal(err)
		}
		seen[it.Key]++
	}
	return seen
}

// A record that only old holds when a scan begins may be brought over by anybody while it runs.
func TestScanSeesWhatIsBroughtOverMeanwhile(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before the scan of new", "after the scan of new"} {
		r := newRig(t, phaseB, nil)
		r.plant(r.old, "a", live(r.stamp(), 1))
		r.plant(r.old, "b", live(r.stamp(), 2))
		bringOver := func(c storefault.Call) {
			if c.Op == storefault.OpScan {
				r.wantBalance(r.repo, "b", 2)
			}
		}
		if when == "before the scan of new" {
			r.new.before = func(_ context.Context, c storefault.Call) error { bringOver(c); return nil }
		} else {
			r.new.after = func(_ context.Context, c storefault.Call, _ error) error { bringOver(c); return nil }
		}
		if diff := cmp.Diff(map[string]int{"a": 1, "b": 1}, scanned(r)); diff != "" {
			t.Errorf("b brought over %s: %s", when, diff)
		}
	}
}

// The other way round: what only new holds (a neighbour in new-only wrote it) may come to old while a scan runs.
func TestScanSeesWhatIsAnnouncedMeanwhile(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseB, nil)
	r.plant(r.new, "a", live(r.stamp(), 1))
	announce := func(_ context.Context, c storefault.Call) error {
		if c.Op != storefault.OpScan {
			return nil
		}
		_, err := r.Put(t.Context(), "a", account{Balance: 2})
		return err
	}
	r.old.before, r.new.before = announce, announce
	if diff := cmp.Diff(map[string]int{"a": 1}, scanned(r)); diff != "" {
		t.Error(diff)
	}
}

func TestScanOfManyPages(t *testing.T) {
	t.Parallel()
	const n = 1000
	for _, p := range phases {
		r := newRig(t, p, nil)
		want := map[string]int{}
		for i := range n {
			key, rec := fmt.Sprintf("%04d", i), live(r.stamp(), int64(i))
			rec.Deleted = i%10 == 0
			if p == phaseN || p == phaseB && i%3 != 0 {
				r.plant(r.new, key, rec)
			}
			if p != phaseN && (p != phaseB || i%3 != 1) {
				r.plant(r.old, key, rec)
			}
			if !rec.Deleted {
				want[key] = 1
			}
		}
		if diff := cmp.Diff(want, scanned(r)); diff != "" {
			t.Errorf("%v: %s", p, diff)
		}
	}
}

// What can not be yielded is named once, and everything else is yielded.
func TestScanGoesOnAfterARecordThatIsBlocked(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseB, nil)
	r.plant(r.old, "a", live(r.stamp(), 1))
	r.plant(r.old, "lost", intent(r.stamp(), r.stamp(), 2))
	older := r.stamp()
	r.plant(r.new, "refused", live(older, 3))
	r.plant(r.old, "refused", live(r.stamp(older), 4))
	r.plant(r.old, "z", live(r.stamp(), 5))
	r.new.fault.SetRules(storefault.Always(rejecting("refused"), storefault.OpPut))

	blocked, seen := map[string]int{}, map[string]int{}
	for it, err := range r.Scan(t.Context()) {
		if err == nil {
			seen[it.Key]++
			continue
		}
		r.wantErr(err, "new", it.Key, dualwrite.ErrBlocked)
		blocked[it.Key]++
	}
	if diff := cmp.Diff(map[string]int{"lost": 1, "refused": 1}, blocked); diff != "" {
		t.Errorf("blocked: %s", diff)
	}
	if diff := cmp.Diff(map[string]int{"a": 1, "z": 1}, seen); diff != "" {
		t.Errorf("seen: %s", diff)
	}
}

// A scan that is two phases behind would read from a place that may no longer be kept up to date.
func TestScanEndsTwoPhasesOn(t *testing.T) {
	t.Parallel()
	for _, from := range phases {
		for _, to := range phases {
			r := newRig(t, from, nil)
			for i := range 20 {
				rec := live(r.stamp(), 1)
				r.plant(r.old, fmt.Sprint(i), rec)
				r.plant(r.new, fmt.Sprint(i), rec)
			}
			n, changed := 0, false
			for _, err := range r.Scan(t.Context()) {
				r.phase.set(to)
				if n++; err != nil {
					changed = errors.Is(err, dualwrite.ErrPhaseChanged)
					if !changed {
						t.Fatal(err)
					}
				}
			}
			if changed == from.Adjacent(to) || changed && n > 2 {
				t.Errorf("from %v to %v: ended with ErrPhaseChanged: %v, after %d records", from, to, changed, n)
			}
		}
	}
}

func TestScanEnds(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		for _, op := range []storefault.Op{storefault.OpScan, storefault.OpGetMany} {
			for _, place := range []string{"old", "new"} {
				if op == storefault.OpGetMany && p != phaseB {
					continue
				}
				r := newRig(t, p, nil)
				rec := live(r.stamp(), 1)
				r.plant(r.old, "a", rec)
				r.plant(r.new, "a", rec)
				f := r.old
				if place == "new" {
					f = r.new
				}
				f.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.FailBefore}, op))
				var errs []error
				for _, err := range r.Scan(t.Context()) {
					if err != nil {
						errs = append(errs, err)
					}
				}
				reads := p == phaseB || (p <= phaseA) == (place == "old")
				switch {
				case !reads && len(errs) != 0:
					t.Errorf("%v: a scan asks %s, which it does not need: %v", p, place, errs)
				case reads && (len(errs) != 1 || !errors.Is(errs[0], stores.ErrTransient)):
					t.Errorf("%v, %s of %s fails: %v", p, op, place, errs)
				}
			}
		}
	}
}

func TestScanOnceLeftTouchesNothing(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		r := newRig(t, p, nil)
		for i := range 10 {
			rec := live(r.stamp(), 1)
			r.plant(r.old, fmt.Sprint(i), rec)
			r.plant(r.new, fmt.Sprint(i), rec)
		}
		for range r.Scan(t.Context()) { //nolint:errcheck // it is left at once
			break
		}
		if n := r.Status().InFlight; len(n) != 0 {
			t.Errorf("%v: %v in flight after the scan was left", p, slices.Collect(maps.Keys(n)))
		}
	}
}

package dualwrite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// Each kind of event, from what makes it happen to what an observer is told and what the status counts.
func TestEveryEvent(t *testing.T) {
	t.Parallel()
	permanent := storefault.Fault{Kind: storefault.FailBefore, Err: stores.Permanent(errors.New("too large"))}
	for kind, do := range map[dualwrite.EventKind]func(r *rig){
		dualwrite.EventMirrorMissed: func(r *rig) {
			r.phase.set(phaseA)
			r.new.fault.SetRules(storefault.Always(permanent, storefault.OpPut))
			_, _ = r.Put(r.Context(), "k", account{})
		},
		dualwrite.EventResolved: func(r *rig) {
			r.plant(r.old, "k", live(r.stamp(), 1))
			_, _ = r.Get(r.Context(), "k")
		},
		dualwrite.EventRetry: func(r *rig) {
			r.new.fault.SetRules(storefault.Nth(1, storefault.Fault{Kind: storefault.FailBefore}, storefault.OpPut))
			_, _ = r.Put(r.Context(), "k", account{})
		},
		dualwrite.EventRestamped: func(r *rig) {
			r.phase.set(phaseA)
			r.plant(r.new, "k", live(later(r, time.Second), 1))
			_, _ = r.Put(r.Context(), "k", account{})
		},
		dualwrite.EventBlocked: func(r *rig) {
			r.plant(r.old, "k", intent(r.stamp(), r.stamp(), 1))
			_, _ = r.Get(r.Context(), "k")
		},
		dualwrite.EventIndeterminate: func(r *rig) {
			r.new.fault.SetRules(storefault.Always(permanent, storefault.OpPut))
			_, _ = r.Put(r.Context(), "k", account{})
		},
		dualwrite.EventClockAhead: func(r *rig) {
			ahead := live(later(r, time.Hour), 1)
			r.plant(r.old, "k", ahead)
			r.plant(r.new, "k", ahead)
			_, _ = r.Put(r.Context(), "k", account{})
		},
	} {
		r := newRig(t, phaseB, nil)
		do(r)
		got := r.events.of(kind)
		if len(got) != 1 {
			t.Errorf("%v: seen %d times", kind, len(got))
			continue
		}
		e := got[0]
		if e.Key != `"k"` || e.Phase != r.Status().Phase || e.Op != "get" && e.Op != "put" {
			t.Errorf("%v: %+v", kind, e)
		}
		if n := r.Status().Events[kind.String()]; n != 1 {
			t.Errorf("%v: counted %d times", kind, n)
		}
	}
}

// A stamp from the future is followed and reported, for its record alone.
func TestClockAhead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ahead    time.Duration
		reported int
	}{{30 * time.Second, 0}, {2 * time.Minute, 1}} {
		for _, p := range phases {
			r := newRig(t, p, nil)
			version := later(t, c.ahead)
			r.plant(r.old, "k", live(version, 1))
			r.plant(r.new, "k", live(version, 1))
			v, err := r.Update(t.Context(), "k", addOne)
			if err != nil || !v.Newer(version) {
				t.Errorf("%v: %v, %v after %v", p, v, err, version)
			}
			got := r.events.of(dualwrite.EventClockAhead)
			if len(got) != c.reported || c.reported == 1 && !got[0].Version.Same(version) {
				t.Errorf("%v, %v ahead: the observer saw %+v", p, c.ahead, got)
			}
			if v, err := r.Put(t.Context(), "other", account{}); err != nil || v.Newer(later(t, time.Minute)) {
				t.Errorf("%v, %v ahead: another record gets %v, %v", p, c.ahead, v, err)
			}
		}
	}
}

// A stamp that can only come from damage, or from a clock that is entirely wrong, keeps its record from being written, and no
// other one.
func TestDamagedStamp(t *testing.T) {
	t.Parallel()
	var last stores.Stamp
	for i := range last {
		last[i] = 0xff
	}
	last[7] = 0xfe // one is left above it
	for _, bad := range []stores.Version{last.Version(), later(t, 25*time.Hour)} {
		for _, p := range phases {
			r := newRig(t, p, nil)
			r.plant(r.old, "k", live(bad, 1))
			r.plant(r.new, "k", live(bad, 1))
			_, err := r.Update(t.Context(), "k", addOne)
			r.wantErr(err, "", "k", stores.ErrClockAhead)
			if got, err := r.Get(t.Context(), "k"); err != nil || got.Balance != 1 {
				t.Errorf("%v: get: %v, %v", p, got, err)
			}
			if v, err := r.Put(t.Context(), "other", account{}); err != nil || v.Newer(later(t, time.Minute)) {
				t.Errorf("%v: another record gets %v, %v", p, v, err)
			}
		}
	}
}

func TestEventNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := dualwrite.EventMirrorMissed; k <= dualwrite.EventClockAhead; k++ {
		if name := k.String(); name == "" || name == "invalid" || seen[name] {
			t.Errorf("kind %d is %q", k, name)
		}
		seen[k.String()] = true
	}
	for _, k := range []dualwrite.EventKind{0, dualwrite.EventClockAhead + 1} {
		if k.String() != "invalid" {
			t.Errorf("kind %d is %q", k, k.String())
		}
	}
}

// The status is read by programs.
func TestStatusJSON(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseB, nil)
	r.plant(r.old, "k", intent(r.stamp(), r.stamp(), 1))
	if _, err := r.Get(t.Context(), "k"); err == nil {
		t.Fatal("the key is not blocked")
	}
	text, err := json.Marshal(r.Status())
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	blocked := got["blocked"].([]any)[0].(map[string]any)
	if !strings.Contains(fmt.Sprint(blocked["cause"]), "lost data") || blocked["time"] == "" {
		t.Errorf("blocked: %v", blocked)
	}
	delete(blocked, "cause")
	delete(blocked, "time")
	want := map[string]any{
		"phase": "read-new/write-both", "in_flight": map[string]any{}, "writes_in_flight": map[string]any{}, "blocked": []any{map[string]any{"key": `"k"`}},
		"events": map[string]any{
			"mirror_missed": 0.0, "resolved": 0.0, "retry": 0.0, "restamped": 0.0, "blocked": 1.0, "indeterminate": 0.0, "clock_ahead": 0.0,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The observer gets the caller's context, so that it can tell whose operation it was.
func TestObserverGetsTheCallersContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	var seen any
	r := newRig(t, phaseA, &dualwrite.Options{Observer: dualwrite.ObserverFunc(func(ctx context.Context, _ dualwrite.Event) {
		seen = ctx.Value(key{})
	})})
	r.new.fault.SetRules(storefault.Always(rejecting("k"), storefault.OpPut))
	if _, err := r.Put(context.WithValue(t.Context(), key{}, "request 7"), "k", account{}); err != nil || seen != "request 7" {
		t.Errorf("%v, %v", err, seen)
	}
}

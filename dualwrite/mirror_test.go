package dualwrite_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// The unproven place can not hurt users: whatever it answers, the write stands, and a strict read finds it.
func TestMissedMirrorsNeverFailTheCaller(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]storefault.Fault{
		"down":        {Kind: storefault.FailBefore},
		"rejects":     {Kind: storefault.FailBefore, Err: stores.Permanent(errors.New("too large"))},
		"closed":      {Kind: storefault.FailBefore, Err: stores.ErrClosed},
		"unreachable": {Kind: storefault.Lost},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, phaseA, &dualwrite.Options{Backoff: stores.DefaultBackoff})
			r.new.fault.SetRules(storefault.Always(f, storefault.OpPut))
			v, err := r.Put(t.Context(), "k", account{Balance: 1})
			if got := r.stored(r.old, "k"); err != nil || !got.Version.Same(v) || got.Value.Balance != 1 {
				t.Errorf("new is %s: %v, old has %+v", name, err, got)
			}
			missed := r.events.of(dualwrite.EventMirrorMissed)
			if len(missed) != 1 || missed[0].Err == nil || missed[0].Key != `"k"` || missed[0].Place != "new" ||
				!missed[0].Version.Same(v) || missed[0].Op != "put" || missed[0].Phase != phaseA {
				t.Errorf("new is %s: the observer saw %+v", name, missed)
			}
			if n := r.Status().Events["mirror_missed"]; n != 1 {
				t.Errorf("new is %s: the status counts %d missed mirrors", name, n)
			}
			r.new.fault.SetRules()
			r.phase.set(phaseB)
			r.wantBalance(r.repo, "k", 1)
		})
	}
}

// A hanging new place costs a caller MirrorTimeout and no more, whatever the caller's own deadline is.
func TestMirrorTimeout(t *testing.T) {
	t.Parallel()
	for _, caller := range []time.Duration{time.Millisecond, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, phaseA, &dualwrite.Options{MirrorTimeout: 300 * time.Millisecond})
			r.new.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.Slow, Delay: time.Hour}))
			ctx, cancel := context.WithTimeout(t.Context(), caller)
			defer cancel()
			begun := time.Now()
			_, err := r.Put(ctx, "k", account{})
			if took := time.Since(begun); err != nil || took != 300*time.Millisecond {
				t.Errorf("a deadline of %v: %v after %v", caller, err, took)
			}
		})
	}
}

// The mirror is not given up with the caller: old has accepted.
func TestMirrorOutlivesTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, phaseA, nil)
		r.new.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.Slow, Delay: time.Second / 2}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		v, err := r.Put(ctx, "k", account{})
		if err != nil || !r.stored(r.new, "k").Version.Same(v) {
			t.Errorf("%v, new has %+v", err, r.stored(r.new, "k"))
		}
	})
}

// Nor is it left out when the caller is gone by the time that old has accepted.
func TestMirrorBeginsWithoutTheCaller(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseA, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r.old.after = func(context.Context, storefault.Call, error) error { cancel(); return nil }
	v, err := r.Put(ctx, "k", account{})
	if err != nil || ctx.Err() == nil || !r.stored(r.new, "k").Version.Same(v) {
		t.Errorf("%v, new has %+v", err, r.stored(r.new, "k"))
	}
}

// The mirror carries the record as old has it, whole, and does not ask again what the caller asked: new may not have yet
// what an update would be applied to, or a version be compared with.
func TestMirrorCarriesTheWholeRecord(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		for _, copied := range []bool{true, false} {
			r := newRig(t, phaseA, nil)
			before := live(r.stamp(), 9)
			base := live(r.stamp(before.Version), 10)
			base.Value.Owner = "ann"
			r.plant(r.old, "k", base)
			if copied { // and then missed a write
				r.plant(r.new, "k", before)
			}
			v, err := change(t.Context(), r.repo, base.Version)
			want := r.stored(r.old, "k")
			if err != nil || !want.Version.Same(v) || name == "update" && want.Value.Owner != "ann" {
				t.Errorf("%s: %v, old has %+v", name, err, want)
			}
			if got := r.stored(r.new, "k"); !mirrors(want, got) || name != "put" && got != want {
				t.Errorf("%s, copied %v: new has %+v, old %+v", name, copied, got, want)
			}
		}
	}
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, phaseA, &dualwrite.Options{ReportMissedMirrors: true})
		r.new.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.Slow, Delay: time.Hour}, storefault.OpPut))
		put := func() (time.Duration, error) {
			begun := time.Now()
			_, err := r.Put(t.Context(), "k", account{})
			return time.Since(begun), err
		}
		for i := range 5 {
			if took, err := put(); took != time.Second || !errors.Is(err, dualwrite.ErrMirrorMissed) {
				t.Errorf("mirror %d: %v, %v", i, took, err)
			}
		}
		calls := r.new.fault.Calls()
		for range 100 { // open: nobody waits, nobody asks new, and everything is counted
			if took, err := put(); took != 0 || !errors.Is(err, dualwrite.ErrMirrorMissed) {
				t.Fatalf("%v, %v", took, err)
			}
		}
		if n := r.new.fault.Calls(); n != calls {
			t.Errorf("%d calls of new beside an open breaker", n-calls)
		}
		if n := r.Status().Events["mirror_missed"]; n != 105 {
			t.Errorf("%d missed mirrors are counted", n)
		}
		r.new.fault.SetRules()
		time.Sleep(6 * time.Second)
		if took, err := put(); took != 0 || err != nil {
			t.Errorf("new is back: %v, %v", took, err)
		}
	})
}

// A record that new does not take says nothing about new.
func TestRejectedMirrorsLeaveTheBreakerClosed(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseA, &dualwrite.Options{ReportMissedMirrors: true})
	r.new.fault.SetRules(storefault.Always(rejecting("large"), storefault.OpPut))
	for range 20 {
		if _, err := r.Put(t.Context(), "large", account{}); !errors.Is(err, dualwrite.ErrMirrorMissed) {
			t.Fatal(err)
		}
	}
	if _, err := r.Put(t.Context(), "small", account{}); err != nil {
		t.Error(err)
	}
}

// The breaker is for mirrors: where both places are needed, or new decides, it is not asked.
func TestBreakerIsForMirrorsOnly(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		asked := 0
		r := newRig(t, p, &dualwrite.Options{Breaker: breakerFunc(func() (func(error), error) {
			asked++
			return nil, errors.New("open")
		})})
		if _, err := r.Put(t.Context(), "k", account{}); err != nil {
			t.Errorf("%v: %v", p, err)
		}
		if (asked > 0) != (p == phaseA) {
			t.Errorf("%v: the breaker was asked %d times", p, asked)
		}
	}
}

type breakerFunc func() (func(error), error)

func (b breakerFunc) Allow() (func(error), error) { return b() }

// The breaker hears of a store that panics, too: otherwise a half-open one would wait for an answer for ever.
func TestBreakerHearsOfAPanic(t *testing.T) {
	t.Parallel()
	var heard []error
	r := newRig(t, phaseA, &dualwrite.Options{Breaker: breakerFunc(func() (func(error), error) {
		return func(err error) { heard = append(heard, err) }, nil
	})})
	r.new.before = func(context.Context, storefault.Call) error { panic("broken") }
	if got := recovered(func() { _, _ = r.Put(t.Context(), "k", account{}) }); got != "broken" {
		t.Errorf("recovered %v", got)
	}
	if len(heard) != 1 || heard[0] == nil {
		t.Errorf("the breaker heard %v", heard)
	}
}

// New may hold a greater stamp, of a writer whose clock is ahead: the committed write is given one above it.
func TestRestamp(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseA, nil)
	ahead := later(t, time.Minute/2)
	r.plant(r.new, "k", live(ahead, 1))
	var sent []storefault.Item
	r.old.before = func(_ context.Context, c storefault.Call) error {
		if c.Op == storefault.OpPut {
			sent = append(sent, c.Items[0])
		}
		return nil
	}
	v, err := r.Put(t.Context(), "k", account{Balance: 2})
	if err != nil || !v.Newer(ahead) {
		t.Fatalf("version %v, %v; new held %v", v, err, ahead)
	}
	for _, p := range []*place{r.old, r.new} {
		if got := r.stored(p, "k"); !got.Version.Same(v) || got.Value.Balance != 2 || !got.Prev.Same(sent[0].Meta.Version) {
			t.Errorf("a place has %+v; the answer was %v, the first stamp %v", got, v, sent[0].Meta.Version)
		}
	}
	if len(sent) != 2 || sent[1].If != stores.IfStamp(sent[0].Meta.Version) {
		t.Errorf("old got %+v", sent)
	}
	if got := r.events.of(dualwrite.EventRestamped); len(got) != 1 || !got[0].Version.Same(v) || got[0].Place != "old" {
		t.Errorf("the observer saw %+v", got)
	}
}

// later is a stamp of a writer whose clock is ahead.
func later(tb testing.TB, by time.Duration) stores.Version {
	tb.Helper()
	c, err := stores.NewClock(&stores.ClockOptions{Now: func() time.Time { return time.Now().Add(by) }})
	if err != nil {
		tb.Fatal(err)
	}
	v, err := c.Next()
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// A second stamp whose outcome is not known is sent again as it is: a third one could be applied on top of it.
func TestRestampInDoubtKeepsItsStamp(t *testing.T) {
	t.Parallel()
	for _, kind := range []storefault.Kind{storefault.FailAfter, storefault.Lost} {
		r := newRig(t, phaseA, nil)
		r.plant(r.new, "k", live(later(t, time.Minute/2), 1))
		var sent []storefault.Item
		r.old.before = func(_ context.Context, c storefault.Call) error {
			if c.Op == storefault.OpPut {
				sent = append(sent, c.Items[0])
			}
			return nil
		}
		r.old.fault.SetRules(storefault.Nth(2, storefault.Fault{Kind: kind}, storefault.OpPut))
		v, err := r.Put(t.Context(), "k", account{Balance: 2})
		if err != nil || len(sent) != 3 || fmt.Sprint(sent[1]) != fmt.Sprint(sent[2]) {
			t.Errorf("%v: %v; old got %+v", kind, err, sent)
		}
		if !r.stored(r.old, "k").Version.Same(v) || !r.stored(r.new, "k").Version.Same(v) {
			t.Errorf("%v: the answer was %v, old has %v, new %v", kind, v, r.stored(r.old, "k").Version, r.stored(r.new, "k").Version)
		}
	}
}

// When a later write has taken over by then, its own mirror brings new up to date.
func TestNoRestampWhenALaterWriteTookOver(t *testing.T) {
	t.Parallel()
	for _, op := range []storefault.Op{storefault.OpGet, storefault.OpPut} { // before the look, and between look and stamp
		r := newRig(t, phaseA, nil)
		r.plant(r.new, "k", live(later(t, time.Minute/2), 1))
		n, taken := 0, later(t, time.Minute)
		r.old.before = func(_ context.Context, c storefault.Call) error {
			if n++; c.Op == op && n > 1 && !r.stored(r.old, "k").Version.Same(taken) {
				r.plant(r.old, "k", live(taken, 3))
			}
			return nil
		}
		if _, err := r.Put(t.Context(), "k", account{Balance: 2}); err != nil {
			t.Error(err)
		}
		if got := r.stored(r.old, "k"); !got.Version.Same(taken) {
			t.Errorf("old has %+v", got)
		}
		if n := len(r.events.of(dualwrite.EventRestamped)) + len(r.events.of(dualwrite.EventMirrorMissed)); n != 0 {
			t.Errorf("%d events", n)
		}
	}
}

// New that is always ahead: the write stays committed, and the answer is not that it had no effect.
func TestMirrorThatIsAlwaysOutrun(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseA, &dualwrite.Options{Attempts: 4, ReportMissedMirrors: true})
	r.new.before = func(_ context.Context, c storefault.Call) error {
		if c.Op == storefault.OpPut {
			r.plant(r.new, "k", live(r.stamp(c.Items[0].Meta.Version), 1))
		}
		return nil
	}
	v, err := r.Put(t.Context(), "k", account{Balance: 2})
	r.wantErr(err, "new", "k", dualwrite.ErrMirrorMissed)
	wantOnly(r, "outrun", err, dualwrite.ErrMirrorMissed)
	if got := r.stored(r.old, "k"); !got.Version.Same(v) || got.Value.Balance != 2 {
		t.Errorf("the answer was %v, old has %+v", v, got)
	}
}

// A mirror writes only what is older: a newer record of new stays, and a write that it is based upon counts as done.
func TestMirrorThatWasBuiltUpon(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseA, nil)
	var upon stores.Version
	r.new.before = func(_ context.Context, c storefault.Call) error {
		if c.Op == storefault.OpPut && upon.IsUnknown() {
			upon = r.stamp(c.Items[0].Meta.Version)
			rec := live(upon, 7)
			rec.Prev = c.Items[0].Meta.Version
			r.plant(r.new, "k", rec)
		}
		return nil
	}
	v, err := r.Put(t.Context(), "k", account{Balance: 2})
	if err != nil || upon.Same(v) || !r.stored(r.new, "k").Version.Same(upon) || !r.stored(r.old, "k").Version.Same(v) {
		t.Errorf("%v, %v; old has %+v, new %+v", v, err, r.stored(r.old, "k"), r.stored(r.new, "k"))
	}
	if n := len(r.events.of(dualwrite.EventRestamped)); n != 0 {
		t.Errorf("%d writes were restamped", n)
	}
}

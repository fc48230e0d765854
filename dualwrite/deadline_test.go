package dualwrite_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

func slow(d time.Duration) storefault.Rule {
	return storefault.Always(storefault.Fault{Kind: storefault.Slow, Delay: d}, storefault.OpPut)
}

// Once old has accepted, the operation belongs to nobody who could give it up: it is carried out to its end.
func TestCommitOutlivesTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, phaseB, nil)
		r.both(10)
		r.new.fault.SetRules(slow(2 * time.Second))
		type key struct{}
		var seen any
		r.new.after = func(ctx context.Context, _ storefault.Call, _ error) error { seen = ctx.Value(key{}); return nil }
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "request 7"), time.Second)
		defer cancel()
		begun := time.Now()
		v, err := r.Update(ctx, "k", addOne)
		if took := time.Since(begun); err != nil || took != 2*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		if !r.stored(r.new, "k").Version.Same(v) {
			t.Errorf("new has %+v, the answer was %v", r.stored(r.new, "k"), v)
		}
		if seen != "request 7" {
			t.Errorf("the values of the caller's context are lost: %v", seen)
		}
	})
}

// But not for ever.
func TestCommitEndsWithTheOperation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, phaseB, nil) // five seconds
		r.both(10)
		r.old.fault.SetRules(slow(time.Second))
		r.new.fault.SetRules(slow(time.Hour))
		begun := time.Now()
		_, err := r.Update(t.Context(), "k", addOne)
		if took := time.Since(begun); took != 6*time.Second {
			t.Errorf("answered after %v: five seconds from the intent on, which took one", took)
		}
		r.wantErr(err, "new", "k", dualwrite.ErrIndeterminate, context.DeadlineExceeded)
		r.new.fault.SetRules()
		r.wantBalance(r.repo, "k", 11) // it was announced
	})
}

// A caller whose deadline ends while the deciding write is under way waits until it is known what became of it.
func TestDeadlineWithinTheDecidingWrite(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		for _, recovers := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, p, nil)
				r.both(10)
				deciding, place := r.old, "old"
				if p == phaseN {
					deciding, place = r.new, "new"
				}
				deciding.fault.SetRules(slow(time.Hour))
				if recovers {
					deciding.fault.SetRules(storefault.Nth(1, storefault.Fault{Kind: storefault.Slow, Delay: time.Hour}, storefault.OpPut))
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				begun := time.Now()
				_, err := r.Update(ctx, "k", addOne)
				took := time.Since(begun)
				if recovers {
					if err != nil || took != time.Second {
						t.Errorf("%v: %v after %v", p, err, took)
					}
					r.wantBalance(r.repo, "k", 11)
					return
				}
				r.wantErr(err, place, "k", dualwrite.ErrIndeterminate, context.DeadlineExceeded)
				if took != 6*time.Second {
					t.Errorf("%v: answered after %v, want one second of the caller's and five of the operation", p, took)
				}
			})
		}
	}
}

// Before the first write the caller may give up at any time, and is told that nothing happened.
func TestDeadlineBeforeTheFirstWrite(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, p, nil)
			version := r.both(10)
			for _, place := range []*place{r.old, r.new} {
				place.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.Slow, Delay: time.Hour}, storefault.OpGet))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			begun := time.Now()
			_, err := r.Update(ctx, "k", addOne)
			want := "old"
			if p >= phaseB {
				want = "new"
			}
			r.wantErr(err, want, "k", context.DeadlineExceeded)
			wantOnly(r, p.String(), err, context.DeadlineExceeded)
			if took := time.Since(begun); took != time.Second {
				t.Errorf("%v: answered after %v", p, took)
			}
			if n := r.old.fault.Calls(storefault.OpPut) + r.new.fault.Calls(storefault.OpPut); n != 0 || !r.stored(r.old, "k").Version.Same(version) {
				t.Errorf("%v: %d writes", p, n)
			}
		})
	}
}

// Waiting between repetitions ends with the caller's context.
func TestDeadlineWithinABackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, phaseO, &dualwrite.Options{Backoff: func(int) time.Duration { return time.Hour }})
		r.old.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.FailBefore}, storefault.OpPut))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.Put(ctx, "k", account{})
		r.wantErr(err, "old", "k", context.DeadlineExceeded, stores.ErrTransient) // the last answer is not lost
	})
}

// A strict read costs the slower place's time, not both.
func TestStrictReadAsksBothAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, phaseB, nil)
		r.both(10)
		for _, place := range []*place{r.old, r.new} {
			place.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.Slow, Delay: time.Second}))
		}
		begun := time.Now()
		r.wantBalance(r.repo, "k", 10)
		if _, err := r.GetMany(t.Context(), []string{"k", "other"}); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took != 2*time.Second {
			t.Errorf("two reads took %v", took)
		}
	})
}

// Two places are needed where both are asked; one is enough everywhere else.
func TestReadsOfAPlaceThatIsDown(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		for _, down := range []string{"old", "new"} {
			r := newRig(t, p, nil)
			r.both(10)
			r.placeNamed(down).fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.FailBefore}))
			_, err := r.Get(t.Context(), "k")
			if needed := p == phaseB || (p <= phaseA) == (down == "old"); needed {
				r.wantErr(err, down, "k", stores.ErrTransient)
			} else if err != nil {
				t.Errorf("%v: %s is down: %v", p, down, err)
			}
		}
	}
}

// A drifting source, asked a second time once the operation is counted, decides.
func TestPhaseThatChangesOnEntry(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseA, nil)
	r.both(10)
	asked := 0
	answers := []flags.Phase{phaseA, phaseB, phaseB}
	instance := r.instance(sourceFunc(func() (flags.Phase, error) {
		asked++
		return answers[min(asked, len(answers))-1], nil
	}))
	sent := sentTo(r.old)
	if _, err := instance.Update(t.Context(), "k", addOne); err != nil {
		t.Fatal(err)
	}
	if !(*sent)[0].Meta.Intent {
		t.Error("the operation was carried out in a phase that was over before it was counted")
	}
	lost := r.instance(sourceFunc(func() (flags.Phase, error) {
		if asked++; asked%2 == 0 {
			return 0, errors.Join(flags.ErrPhaseUnknown, errors.New("flag service down"))
		}
		return phaseA, nil
	}))
	asked = 0
	_, err := lost.Update(t.Context(), "k", addOne)
	r.wantErr(err, "", "k", dualwrite.ErrPhaseUnknown)
	if n := lost.Status().InFlight; len(n) != 0 {
		t.Errorf("in flight: %v", n)
	}
}

type sourceFunc func() (flags.Phase, error)

func (f sourceFunc) Phase(context.Context) (flags.Phase, error) { return f() }

package dualwrite_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// pairFunc is a store whose pair writes are a function.
type pairFunc struct {
	*faulty
	pair func(send func() error) error
}

// PutPair implements [stores.PairWriter].
func (p pairFunc) PutPair(ctx context.Context, mine write, other stores.Store[string, account], theirs write) error {
	return p.pair(func() error { return p.faulty.PutPair(context.WithoutCancel(ctx), mine, other, theirs) })
}

// pairBy makes pair what becomes of every pair write of a rig.
func (r *rig) pairBy(pair func(send func() error) error) {
	r.Helper()
	repo, err := dualwrite.New[string, account](pairFunc{r.old.fault, pair}, r.new.fault, r.phase, &r.opts)
	if err != nil {
		r.Fatal(err)
	}
	r.repo = repo
}

// A pair that gets lost on the way arrives at any later moment: it is applied at most once, and never over anything.
func TestPairThatArrivesLate(t *testing.T) {
	t.Parallel()
	for _, p := range []flags.Phase{phaseA, phaseB} {
		for name, change := range changes {
			for moment := range 8 {
				r := newPairRig(t, p, nil)
				base := r.both(10)
				var held func() error
				calls, arrived := 0, false
				arrive := func() {
					if calls++; calls-1 == moment && held != nil && !arrived {
						arrived = true
						_ = held()
					}
				}
				for _, place := range []*place{r.old, r.new} { // before and after every call that follows
					place.before = func(context.Context, storefault.Call) error {
						if held != nil && !arrived {
							arrive()
						}
						return nil
					}
					place.after = func(_ context.Context, _ storefault.Call, err error) error {
						if held != nil && !arrived {
							arrive()
						}
						return nil
					}
				}
				r.pairBy(func(send func() error) error {
					if held == nil {
						held = send
						return errors.New("no answer")
					}
					return send()
				})
				what := fmt.Sprintf("%s in %v, arriving at moment %d", name, p, moment)
				v, err := change(t.Context(), r.repo, base)
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
				r.wantSame(what, v, 11)
				if !arrived { // after the answer, and after the next write
					next, err := r.Update(t.Context(), "k", addOne)
					if err != nil {
						t.Fatal(err)
					}
					if err := held(); !errors.As(err, new(*stores.PairError)) {
						t.Errorf("%s: answered %v", what, err)
					}
					r.wantSame(what, next, 12)
				}
			}
		}
	}
}

// The outcome stays unknown: the operation ends, says so, and what arrives after that is applied once or not at all.
func TestPairInDoubtStaysInB(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		for _, overtaken := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				r := newPairRig(t, phaseB, &dualwrite.Options{Backoff: stores.DefaultBackoff, OperationTimeout: 3 * time.Second})
				base := r.both(10)
				var held func() error
				lost := true
				r.pairBy(func(send func() error) error {
					if lost {
						held = send
						return errors.New("no answer")
					}
					return send()
				})
				begun := time.Now()
				_, err := change(t.Context(), r.repo, base)
				r.wantErr(err, "old", "k", dualwrite.ErrIndeterminate)
				if took := time.Since(begun); took != 3*time.Second {
					t.Errorf("%s: answered after %v", name, took)
				}
				r.wantEvents(name, map[dualwrite.EventKind]int{
					dualwrite.EventIndeterminate: 1, dualwrite.EventRetry: len(r.events.of(dualwrite.EventRetry)),
				})
				r.wantBalance(r.repo, "k", 10)
				lost = false
				if !overtaken {
					if err := held(); err != nil {
						t.Errorf("%s: %v", name, err)
					}
					r.wantBalance(r.repo, "k", 11)
					return
				}
				if _, err := r.Put(t.Context(), "k", account{Balance: 20}); err != nil {
					t.Fatal(err)
				}
				if err := held(); !errors.As(err, new(*stores.PairError)) {
					t.Errorf("%s: answered %v", name, err)
				}
				r.wantBalance(r.repo, "k", 20)
			})
		}
	}
}

// A hanging pair write costs a caller in read-old/write-both MirrorTimeout, and a hanging new place the same again.
func TestPairTimeout(t *testing.T) {
	t.Parallel()
	for _, caller := range []time.Duration{time.Millisecond, time.Hour} {
		for _, hangs := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				r := newPairRig(t, phaseA, &dualwrite.Options{MirrorTimeout: 300 * time.Millisecond})
				r.old.fault.SetRules(pairFault(storefault.Fault{Kind: storefault.Slow, Delay: time.Hour}))
				want := min(caller, 300*time.Millisecond)
				if hangs {
					r.new.fault.SetRules(slow(time.Hour))
					want += 300 * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(t.Context(), caller)
				defer cancel()
				begun := time.Now()
				v, err := r.Put(ctx, "k", account{Balance: 1})
				if took := time.Since(begun); err != nil || took != want {
					t.Errorf("a deadline of %v: %v after %v, want %v", caller, err, took, want)
				}
				if got := r.stored(r.old, "k"); !got.Version.Same(v) || hangs == r.stored(r.new, "k").Version.Same(v) {
					t.Errorf("old has %+v, new %+v", got, r.stored(r.new, "k"))
				}
			})
		}
	}
}

// A caller that gives up before anything was sent is told so, and nothing is; one that gives up while the pair is under
// way gets it done.
func TestPairAndTheCallersContext(t *testing.T) {
	t.Parallel()
	for _, p := range []flags.Phase{phaseA, phaseB} {
		r := newPairRig(t, p, nil)
		base := r.both(10)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := r.Update(ctx, "k", func(a *account) error { cancel(); return addOne(a) })
		r.wantErr(err, "old", "k", context.Canceled)
		wantOnly(r, "update", err, context.Canceled)
		if n := r.old.fault.Calls(storefault.OpPut, storefault.OpPutPair) + r.new.fault.Calls(storefault.OpPut); n != 0 {
			t.Errorf("%v: %d writes were sent", p, n)
		}
		r.wantSame(p.String(), base, 10)

		var heard []error
		r = newPairRig(t, p, &dualwrite.Options{Breaker: hearing(&heard)})
		r.both(10)
		ctx, cancel = context.WithCancel(t.Context())
		w := r.tap(atPair(1, func(stores.Version) { cancel() }))
		v, err := r.Update(ctx, "k", addOne)
		if err != nil {
			t.Errorf("%v: %v after %v", p, err, w)
		}
		r.wantSame(p.String(), v, 11)
		for _, err := range heard {
			if err != nil {
				t.Errorf("%v: the breaker heard %v, and it was the caller who did not wait", p, err)
			}
		}
	}
}

// hearing is a breaker that lets everything pass and remembers what it is told. Asked but not told, it remembers nil
// too much.
func hearing(heard *[]error) breakerFunc {
	return func() (func(error), error) {
		told := false
		return func(err error) {
			if told {
				panic("told twice")
			}
			told = true
			*heard = append(*heard, err)
		}, nil
	}
}

// What the breaker is told is what new did: an outage if it may have been one, else nothing.
func TestPairAndTheBreaker(t *testing.T) {
	t.Parallel()
	busy := stores.Transient(errors.New("busy"))
	lost := errors.New("no answer")
	large := stores.Permanent(errors.New("large"))
	for name, c := range map[string]struct {
		answer error
		outage bool
		mirror bool // new is asked again, by itself
	}{
		"applied":        {nil, false, false},
		"old refuses":    {&stores.PairError{First: &stores.ConditionError{Stored: stores.Meta{Version: later(t, time.Minute)}}}, false, false},
		"new refuses":    {&stores.PairError{Second: &stores.ConditionError{Stored: stores.Meta{Version: later(t, time.Minute)}}}, false, true},
		"old rejects":    {&stores.PairError{First: large}, false, true},
		"new rejects":    {&stores.PairError{Second: large}, false, true},
		"old is busy":    {&stores.PairError{First: busy}, false, true},
		"new is busy":    {&stores.PairError{Second: busy}, true, true},
		"busy":           {busy, true, true},
		"no answer":      {lost, true, true},
		"can not":        {errors.ErrUnsupported, false, true},
		"closed already": {stores.ErrClosed, false, true},
	} {
		var heard []error
		r := newPairRig(t, phaseA, &dualwrite.Options{Breaker: hearing(&heard)})
		n := 0
		r.pairBy(func(send func() error) error {
			if n++; n == 1 && c.answer != nil {
				return c.answer
			}
			return send()
		})
		if _, err := r.Put(t.Context(), "k", account{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(heard) == 0 || (heard[0] != nil) != c.outage {
			t.Errorf("%s: the breaker heard %v", name, heard)
		}
		if asked := r.new.fault.Calls(storefault.OpPut) > 0; asked != c.mirror {
			t.Errorf("%s: a mirror was sent: %v", name, asked)
		}
	}
}

// Beside an open breaker new is not written at all, and where both places are needed nobody asks one.
func TestPairBesideAnOpenBreaker(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		asked := 0
		r := newPairRig(t, p, &dualwrite.Options{Breaker: breakerFunc(func() (func(error), error) {
			asked++
			return nil, errors.New("open")
		})})
		w := r.tap(nil)
		v, err := r.Put(t.Context(), "k", account{Balance: 1})
		if err != nil || (asked > 0) != (p == phaseA) {
			t.Errorf("%v: %v; the breaker was asked %d times", p, err, asked)
		}
		if p == phaseA {
			w.want(t, "open", "put old")
			if missed := r.events.of(dualwrite.EventMirrorMissed); len(missed) != 1 || !missed[0].Version.Same(v) {
				t.Errorf("the observer saw %+v", missed)
			}
		}
	}
}

// The breaker that everybody has: open after some failures, closed again by the first pair that is applied.
func TestPairOpensAndClosesTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newPairRig(t, phaseA, &dualwrite.Options{Backoff: stores.DefaultBackoff})
		r.old.fault.SetRules(pairFault(storefault.Fault{Kind: storefault.Lost}))
		r.new.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.Lost}, storefault.OpPut))
		for range 100 {
			if _, err := r.Put(t.Context(), "k", account{}); err != nil {
				t.Fatal(err)
			}
		}
		if n := r.old.fault.Calls(storefault.OpPutPair); n > 5 {
			t.Errorf("%d pair writes were sent, and none was answered", n)
		}
		r.old.fault.SetRules()
		r.new.fault.SetRules()
		time.Sleep(6 * time.Second)
		w := r.tap(nil)
		for range 2 {
			if _, err := r.Put(t.Context(), "k", account{}); err != nil {
				t.Fatal(err)
			}
		}
		w.want(t, "after the outage", "pair", "pair")
	})
}

func TestPairThatPanics(t *testing.T) {
	t.Parallel()
	for _, p := range []flags.Phase{phaseA, phaseB} {
		var heard []error
		r := newPairRig(t, p, &dualwrite.Options{Breaker: hearing(&heard)})
		r.pairBy(func(func() error) error { panic("broken") })
		if got := recovered(func() { _, _ = r.Put(t.Context(), "k", account{}) }); got != "broken" {
			t.Errorf("%v: recovered %v", p, got)
		}
		if p == phaseA && (len(heard) != 1 || heard[0] == nil) {
			t.Errorf("the breaker heard %v", heard)
		}
		if n := r.Status().InFlight; len(n) != 0 {
			t.Errorf("%v: in flight: %v", p, n)
		}
	}
}

// Places that turn out not to commit together are asked once, and everything is written separately from then on; also
// by operations that find out at the same time.
func TestPairUnsupported(t *testing.T) {
	t.Parallel()
	for _, p := range []flags.Phase{phaseA, phaseB} {
		r := newPairRig(t, p, nil)
		r.both(10)
		asked := 0
		r.pairBy(func(func() error) error { asked++; return fmt.Errorf("two files: %w", errors.ErrUnsupported) })
		w := r.tap(nil)
		v := stores.Unknown
		for range 3 {
			var err error
			if v, err = r.Update(t.Context(), "k", addOne); err != nil {
				t.Fatal(err)
			}
		}
		if got := r.stored(r.new, "k"); asked != 1 || !got.Version.Same(v) || got.Value.Balance != 13 {
			t.Errorf("%v: asked %d times; new has %+v", p, asked, got)
		}
		one := []string{"get old", "put old", "put new"}
		if p == phaseB {
			one[0] = "get new"
		}
		w.want(t, p.String(), append(append(one, one...), one...)...)
		r.wantEvents(p.String(), map[dualwrite.EventKind]int{})

		r = newPairRig(t, p, nil)
		var all sync.WaitGroup
		var at atomic.Int64
		found := make(chan struct{})
		r.pairBy(func(func() error) error {
			if at.Add(1) == 8 {
				close(found)
			}
			<-found
			return errors.ErrUnsupported
		})
		for i := range 8 {
			all.Go(func() {
				if _, err := r.Put(t.Context(), fmt.Sprint(i), account{Balance: int64(i)}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for i := range 8 {
			r.wantBalance(r.repo, fmt.Sprint(i), int64(i))
		}
	}
}

// ErrUnsupported after a pair in doubt does not say that nothing was written.
func TestPairInDoubtThenUnsupported(t *testing.T) {
	t.Parallel()
	r := newPairRig(t, phaseB, nil)
	r.both(10)
	n := 0
	r.pairBy(func(send func() error) error {
		if n++; n == 1 {
			_ = send()
			return errors.New("no answer")
		}
		return errors.ErrUnsupported
	})
	_, err := r.Update(t.Context(), "k", addOne)
	r.wantErr(err, "old", "k", dualwrite.ErrIndeterminate)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v says that nothing was done", err)
	}
	r.wantBalance(r.repo, "k", 11)
}

// Instances that write in pairs and instances that do not, in neighbouring phases, add to one number.
func TestPairsBesideSeparateWrites(t *testing.T) {
	t.Parallel()
	const each, writers = 50, 4
	for _, phases := range [][2]flags.Phase{
		{phaseO, phaseA}, {phaseA, phaseA}, {phaseA, phaseB}, {phaseB, phaseA}, {phaseB, phaseB}, {phaseB, phaseN}, {phaseN, phaseB},
	} {
		r := newPairRig(t, phaseB, &dualwrite.Options{Attempts: 10_000})
		r.both(0)
		var applied, unsure atomic.Int64
		var all sync.WaitGroup
		for i := range writers {
			r.opts.SeparateWrites = i%2 == 1
			repo := r.instance(flags.Static(phases[i%2]))
			all.Go(func() {
				for range each {
					switch _, err := repo.Update(t.Context(), "k", addOne); {
					case err == nil:
						applied.Add(1)
					case errors.Is(err, dualwrite.ErrIndeterminate):
						unsure.Add(1)
					default:
						t.Errorf("%v: %v", phases, err)
					}
				}
			})
		}
		all.Wait()
		got, err := r.Get(t.Context(), "k")
		if err != nil || got.Balance < applied.Load() || got.Balance > applied.Load()+unsure.Load() {
			t.Errorf("%v: %d, %v; %d were applied, %d are in doubt", phases, got.Balance, err, applied.Load(), unsure.Load())
		}
		if old, now := r.stored(r.old, "k").Value, r.stored(r.new, "k").Value; phases[0] < phaseN && phases[1] < phaseN {
			if d := cmp.Diff(old, now); d != "" {
				t.Errorf("%v: old and new:\n%s", phases, d)
			}
		}
	}
}

package dualwrite_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// sentTo remembers the writes that a place gets.
func sentTo(p *place) *[]storefault.Item {
	sent := &[]storefault.Item{}
	p.before = func(_ context.Context, c storefault.Call) error {
		if c.Op == storefault.OpPut {
			*sent = append(*sent, c.Items[0])
		}
		return nil
	}
	return sent
}

// The writes that an operation makes, by phase.
var writesOf = []struct {
	phase flags.Phase
	place string
}{
	{phaseO, "old"},
	{phaseA, "old"},
	{phaseA, "new"},
	{phaseB, "old"},
	{phaseB, "new"},
	{phaseN, "new"},
}

func (r *rig) placeNamed(name string) *place {
	if name == "old" {
		return r.old
	}
	return r.new
}

// changes are the writes of a caller. Each adds to or replaces a balance of 10.
var changes = map[string]func(ctx context.Context, r *repo, v stores.Version) (stores.Version, error){
	"put": func(ctx context.Context, r *repo, _ stores.Version) (stores.Version, error) {
		return r.Put(ctx, "k", account{Balance: 11})
	},
	"update": func(ctx context.Context, r *repo, _ stores.Version) (stores.Version, error) {
		return r.Update(ctx, "k", addOne)
	},
	"put if": func(ctx context.Context, r *repo, v stores.Version) (stores.Version, error) {
		return r.PutIf(ctx, "k", account{Balance: 11}, v)
	},
}

// An acknowledgement that gets lost, or a request: the same write is sent again, and the caller does not notice.
func TestUnknownOutcomeIsFoundOut(t *testing.T) {
	t.Parallel()
	for _, w := range writesOf {
		for name, change := range changes {
			for _, kind := range []storefault.Kind{storefault.FailAfter, storefault.Lost} {
				r := newRig(t, w.phase, nil)
				base := live(r.stamp(), 10)
				r.plant(r.old, "k", base)
				r.plant(r.new, "k", base)
				p := r.placeNamed(w.place)
				sent := sentTo(p)
				p.fault.SetRules(
					storefault.Nth(1, storefault.Fault{Kind: kind}, storefault.OpPut),
					storefault.Nth(2, storefault.Fault{Kind: kind}, storefault.OpPut),
				)
				what := fmt.Sprintf("%s in %v, %s: %v", name, w.phase, w.place, kind)
				v, err := change(t.Context(), r.repo, base.Version)
				if got := r.stored(p, "k"); err != nil || got.Value.Balance != 11 || !got.Version.Same(v) || got.Intent != (w.phase == phaseB && p == r.old) {
					t.Errorf("%s: %v; it has %+v", what, err, got)
				}
				if n := len(r.events.of(dualwrite.EventMirrorMissed)) + len(r.events.of(dualwrite.EventIndeterminate)); n != 0 {
					t.Errorf("%s: %d missed or indeterminate", what, n)
				}
				wantOneWrite(t, what, *sent, 3)
			}
		}
	}
}

// wantOneWrite checks that one write was sent, so many times.
func wantOneWrite(t *testing.T, what string, sent []storefault.Item, times int) {
	t.Helper()
	if len(sent) < times {
		t.Errorf("%s: %d tries", what, len(sent))
	}
	for _, again := range sent {
		if again.Meta != sent[0].Meta || again.If != sent[0].If {
			t.Errorf("%s: first sent %+v, then %+v", what, sent[0], again)
		}
	}
}

// An outcome that stays unknown: still one write only, for as long as an operation may take, and the truth in the end.
func TestUnknownOutcomeStays(t *testing.T) {
	t.Parallel()
	for _, w := range writesOf {
		for name, change := range changes {
			for _, kind := range []storefault.Kind{storefault.FailAfter, storefault.Lost} {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, w.phase, &dualwrite.Options{Backoff: stores.DefaultBackoff, OperationTimeout: 3 * time.Second})
					base := live(r.stamp(), 10)
					r.plant(r.old, "k", base)
					r.plant(r.new, "k", base)
					p := r.placeNamed(w.place)
					sent := sentTo(p)
					p.fault.SetRules(storefault.Always(storefault.Fault{Kind: kind}, storefault.OpPut))
					what, begun := fmt.Sprintf("%s in %v, %s: %v", name, w.phase, w.place, kind), time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					_, err := change(ctx, r.repo, base.Version)
					wait := 3 * time.Second
					if w.phase == phaseA && p == r.new { // the write is committed
						wait = time.Second
						if err != nil || len(r.events.of(dualwrite.EventMirrorMissed)) != 1 {
							t.Errorf("%s: %v", what, err)
						}
					} else {
						r.wantErr(err, w.place, "k", dualwrite.ErrIndeterminate)
						if got := r.events.of(dualwrite.EventIndeterminate); len(got) != 1 || got[0].Place != w.place || got[0].Err == nil {
							t.Errorf("%s: the observer saw %+v", what, got)
						}
					}
					if took := time.Since(begun); took != wait {
						t.Errorf("%s: answered after %v, want %v", what, took, wait)
					}
					wantOneWrite(t, what, *sent, 10)
					p.fault.SetRules()
					applied := kind == storefault.FailAfter || w.phase == phaseA && p == r.new || w.phase == phaseB && p == r.new
					want := int64(10)
					if applied { // of B the intent is on old, and whoever reads next completes it
						want = 11
					}
					r.wantBalance(r.repo, "k", want)
				})
			}
		}
	}
}

// A write in doubt that then is refused by another one: it may have been applied before that one, so it is not done again.
func TestUnknownOutcomeThenRefused(t *testing.T) {
	t.Parallel()
	for _, w := range writesOf {
		if w.phase == phaseA && w.place == "new" {
			continue // not what the answer depends on
		}
		for name, change := range changes {
			r := newRig(t, w.phase, nil)
			base := live(r.stamp(), 10)
			r.plant(r.old, "k", base)
			r.plant(r.new, "k", base)
			p, n := r.placeNamed(w.place), 0
			p.before = func(_ context.Context, c storefault.Call) error {
				if n++; c.Op == storefault.OpPut && n > 1 && r.stored(p, "k").Value.Balance < 50 {
					r.plant(p, "k", live(r.stamp(c.Items[0].Meta.Version), 50)) // nobody knows on what
				}
				return nil
			}
			p.fault.SetRules(storefault.Nth(1, storefault.Fault{Kind: storefault.Lost}, storefault.OpPut))
			_, err := change(t.Context(), r.repo, base.Version)
			r.wantErr(err, w.place, "k", dualwrite.ErrIndeterminate)
			if got := r.stored(p, "k"); got.Value.Balance != 50 {
				t.Errorf("%s in %v: %s has %+v", name, w.phase, w.place, got)
			}
		}
	}
}

// A store that looks only after it has refused may answer with something that satisfies the condition: that is no refusal.
func TestRefusalThatSatisfiesTheCondition(t *testing.T) {
	t.Parallel()
	for _, w := range writesOf {
		r := newRig(t, w.phase, nil)
		base := live(r.stamp(), 10)
		r.plant(r.old, "k", base)
		r.plant(r.new, "k", base)
		p := r.placeNamed(w.place)
		sent := sentTo(p)
		p.fault.SetRules(storefault.Nth(1, storefault.Fault{
			Kind: storefault.FailBefore, Err: &stores.ConditionError{Stored: base.Meta},
		}, storefault.OpPut))
		if _, err := r.Update(t.Context(), "k", addOne); err != nil {
			t.Errorf("%v, %s: %v", w.phase, w.place, err)
		}
		if got := r.stored(p, "k").Value.Balance; got != 11 {
			t.Errorf("%v, %s: balance %d", w.phase, w.place, got)
		}
		wantOneWrite(t, fmt.Sprint(w.phase, w.place), *sent, 2)
	}
}

// What certainly had no effect is sent again: a bounded number of times, and the answer says that there was none; or,
// once old has accepted, until the time is over.
func TestTransientFailures(t *testing.T) {
	t.Parallel()
	for _, w := range writesOf {
		for _, often := range []int{3, math.MaxInt} {
			synctest.Test(t, func(t *testing.T) { testTransientFailures(t, w.phase, w.place, often) })
		}
	}
}

func testTransientFailures(t *testing.T, phase flags.Phase, place string, often int) {
	r := newRig(t, phase, &dualwrite.Options{Attempts: 5, Backoff: stores.DefaultBackoff})
	base := live(r.stamp(), 10)
	r.plant(r.old, "k", base)
	r.plant(r.new, "k", base)
	n := 0
	r.placeNamed(place).fault.SetRules(func(c storefault.Call) (storefault.Fault, bool) {
		if c.Op != storefault.OpPut {
			return storefault.Fault{}, false
		}
		n++
		return storefault.Fault{Kind: storefault.FailBefore}, n <= often
	})
	began := time.Now()
	_, err := r.Update(t.Context(), "k", addOne)
	took := time.Since(began)
	mirror, commit := phase == phaseA && place == "new", phase == phaseB && place == "new"
	switch {
	case often == 3 || mirror:
		if err != nil {
			t.Errorf("%v, %s fails %d times: %v", phase, place, often, err)
		}
	case commit: // announced already: it may still be completed
		r.wantErr(err, place, "k", dualwrite.ErrIndeterminate)
	default:
		r.wantErr(err, place, "k", stores.ErrTransient)
		wantOnly(r, "transient", err, stores.ErrTransient)
	}
	most := time.Duration(0) // the time that a detached operation has
	if mirror {
		most = time.Second
	} else if commit {
		most = 5 * time.Second
	}
	switch {
	case most == 0 && n > 5:
		t.Errorf("%v, %s: %d tries", phase, place, n)
	case most != 0 && often > 3 && (n <= 5 || took != most):
		t.Errorf("%v, %s: %d tries in %v", phase, place, n, took)
	}
}

// A write in doubt that then is rejected may still arrive.
func TestUnknownOutcomeThenRejected(t *testing.T) {
	t.Parallel()
	for _, w := range writesOf {
		r := newRig(t, w.phase, nil)
		r.both(10)
		r.placeNamed(w.place).fault.SetRules(
			storefault.Nth(1, storefault.Fault{Kind: storefault.Lost}, storefault.OpPut),
			storefault.Nth(2, rejecting("k"), storefault.OpPut),
		)
		_, err := r.Update(t.Context(), "k", addOne)
		if w.phase == phaseA && w.place == "new" {
			if err != nil || len(r.events.of(dualwrite.EventMirrorMissed)) != 1 {
				t.Errorf("%v, %s: %v", w.phase, w.place, err)
			}
			continue
		}
		r.wantErr(err, w.place, "k", dualwrite.ErrIndeterminate)
		wantOnly(r, w.place, err, dualwrite.ErrIndeterminate)
	}
}

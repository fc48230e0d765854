package dualwrite_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// newPairRig returns a rig over places that can commit together.
func newPairRig(t *testing.T, p flags.Phase, o *dualwrite.Options) *rig {
	t.Helper()
	if o == nil {
		o = &dualwrite.Options{}
	}
	return newRigWith(t, p, *o)
}

// wire is what went to the places, in order.
type wire struct {
	mu    sync.Mutex // a strict read asks both places at once
	calls []string   // "pair", or "put old" and the like
	pairs [][]storefault.Item
	puts  []storefault.Item
}

func (w *wire) note(place string, c storefault.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch c.Op {
	case storefault.OpPutPair:
		w.calls, w.pairs = append(w.calls, "pair"), append(w.pairs, c.Items)
	case storefault.OpPut:
		w.calls, w.puts = append(w.calls, "put "+place), append(w.puts, c.Items[0])
	case storefault.OpGet:
		w.calls = append(w.calls, "get "+place)
	}
}

func (w *wire) String() string { return strings.Join(w.calls, ", ") }

// tap remembers what an operation sends. do, if there is one, sees each call before it arrives.
func (r *rig) tap(do func(place string, c storefault.Call)) *wire {
	w := &wire{}
	for name, p := range map[string]*place{"old": r.old, "new": r.new} {
		p.before = func(_ context.Context, c storefault.Call) error {
			w.note(name, c)
			if do != nil {
				do(name, c)
			}
			return nil
		}
	}
	return w
}

// atPair is for tap: fn runs before the n-th pair arrives.
func atPair(n int, fn func(v stores.Version)) func(string, storefault.Call) {
	return func(_ string, c storefault.Call) {
		if c.Op == storefault.OpPutPair && c.N == n {
			fn(c.Items[0].Meta.Version)
		}
	}
}

func (w *wire) want(t *testing.T, what string, calls ...string) {
	t.Helper()
	if d := cmp.Diff(calls, w.calls); d != "" {
		t.Errorf("%s: calls (-want +got):\n%s", what, d)
	}
}

// wantSame checks that both places hold the same final record, with this balance and version.
func (r *rig) wantSame(what string, v stores.Version, balance int64) {
	r.Helper()
	old, now := r.stored(r.old, "k"), r.stored(r.new, "k")
	if !mirrors(old, now) || !now.Version.Same(v) || now.Value.Balance != balance || now.Intent {
		r.Errorf("%s: old has %+v, new %+v; want balance %d as %v", what, old, now, balance, v)
	}
}

func (r *rig) wantEvents(what string, want map[dualwrite.EventKind]int) {
	r.Helper()
	got := map[dualwrite.EventKind]int{}
	for _, e := range r.events.all {
		got[e.Kind]++
	}
	if d := cmp.Diff(want, got); d != "" {
		r.Errorf("%s: events (-want +got):\n%s", what, d)
	}
}

// One call writes both places, under the conditions that the two calls would have had.
func TestPairWrite(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		for _, p := range []flags.Phase{phaseA, phaseB} {
			r := newPairRig(t, p, nil)
			base := r.both(10)
			w := r.tap(nil)
			v, err := change(t.Context(), r.repo, base)
			what := fmt.Sprintf("%s in %v", name, p)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			r.wantSame(what, v, 11)
			want, ifOld, ifNew := []string{"get old", "pair"}, stores.IfStamp(base), stores.IfOlder(v)
			switch {
			case p == phaseB:
				want, ifOld, ifNew = []string{"get new", "pair"}, stores.IfAtMost(base, stores.Unknown), stores.IfStamp(base)
			case name == "put":
				want, ifOld, base = want[1:], stores.IfOlder(v), stores.Unknown
			}
			w.want(t, what, want...)
			meta := stores.Meta{Version: v, Prev: base}
			if mine, theirs := w.pairs[0][0], w.pairs[0][1]; mine.Meta != meta || theirs.Meta != meta || mine.If != ifOld || theirs.If != ifNew {
				t.Errorf("%s: sent %+v", what, w.pairs)
			}
			r.wantEvents(what, map[dualwrite.EventKind]int{})
		}
	}
}

// Who does not want pair writes, or has a phase that writes one place, gets none.
func TestNoPairWrite(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		r := newPairRig(t, p, &dualwrite.Options{SeparateWrites: p == phaseA || p == phaseB})
		r.both(10)
		w := r.tap(nil)
		if _, err := r.Update(t.Context(), "k", addOne); err != nil {
			t.Errorf("%v: %v", p, err)
		}
		if slices.Contains(w.calls, "pair") {
			t.Errorf("%v: %v", p, w)
		}
	}
}

// Old has moved: nothing was written anywhere, and the change is made again on top.
func TestPairRefusedByOldInA(t *testing.T) {
	t.Parallel()
	r := newPairRig(t, phaseA, nil)
	ahead := later(t, 1e10)
	w := r.tap(atPair(1, func(stores.Version) { r.plant(r.old, "k", live(ahead, 50)) }))
	v, err := r.Put(t.Context(), "k", account{Balance: 11})
	if err != nil || !v.Newer(ahead) {
		t.Errorf("%v, %v", v, err)
	}
	r.wantSame("put", v, 11)
	w.want(t, "put", "pair", "pair")

	r = newPairRig(t, phaseA, nil)
	r.both(10)
	var mid record
	w = r.tap(atPair(1, func(stores.Version) { mid = live(r.stamp(), 50); r.plant(r.old, "k", mid) }))
	v, err = r.Update(t.Context(), "k", addOne)
	if err != nil || !r.stored(r.old, "k").Prev.Same(mid.Version) {
		t.Errorf("%v; old has %+v", err, r.stored(r.old, "k"))
	}
	r.wantSame("update", v, 51)
	w.want(t, "update", "get old", "pair", "get old", "pair")
}

// New has something newer: it does not stand in the way of old, and is dealt with as any mirror would.
func TestPairRefusedByNewInA(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		r := newPairRig(t, phaseA, nil)
		base := r.both(10)
		ahead := later(t, 1e10)
		r.plant(r.new, "k", live(ahead, 1))
		w := r.tap(nil)
		v, err := change(t.Context(), r.repo, base)
		if err != nil || !v.Newer(ahead) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
		r.wantSame(name, v, 11)
		want := []string{"get old", "pair", "put old", "put new", "get old", "put old", "put new"}
		if name == "put" {
			want = want[1:]
		}
		w.want(t, name, want...)
		if first := w.pairs[0][0]; w.puts[0].Meta != first.Meta || w.puts[0].If != first.If {
			t.Errorf("%s: to both went %+v, to old alone %+v", name, first, w.puts[0])
		}
		r.wantEvents(name, map[dualwrite.EventKind]int{dualwrite.EventRestamped: 1, dualwrite.EventRetry: 1}) // the mirror began again
	}
}

// What only new can not hold is committed on old, and missed on new.
func TestPairRejectedInA(t *testing.T) {
	t.Parallel()
	tooLarge := stores.Permanent(errors.New("too large"))
	r := newPairRig(t, phaseA, &dualwrite.Options{ReportMissedMirrors: true})
	r.old.fault.SetRules(pairFault(storefault.Fault{Kind: storefault.FailBefore, Err: &stores.PairError{Second: tooLarge}}))
	r.new.fault.SetRules(storefault.Always(rejecting("k"), storefault.OpPut))
	for range 20 { // the breaker stays closed
		w := r.tap(nil)
		v, err := r.Put(t.Context(), "k", account{Balance: 11})
		r.wantErr(err, "new", "k", dualwrite.ErrMirrorMissed)
		w.want(t, "by new", "pair", "put old", "put new")
		if got := r.stored(r.old, "k"); !got.Version.Same(v) || !w.puts[0].Meta.Version.Same(w.pairs[0][0].Meta.Version) {
			t.Errorf("old has %+v", got)
		}
	}
	r.wantEvents("by new", map[dualwrite.EventKind]int{dualwrite.EventMirrorMissed: 20})

	r = newPairRig(t, phaseA, nil)
	r.old.fault.SetRules(
		pairFault(storefault.Fault{Kind: storefault.FailBefore, Err: &stores.PairError{First: tooLarge}}),
		storefault.Always(rejecting("k"), storefault.OpPut),
	)
	_, err := r.Put(t.Context(), "k", account{})
	r.wantErr(err, "old", "k", stores.ErrPermanent)
	wantOnly(r, "by old", err, stores.ErrPermanent)
}

func pairFault(f storefault.Fault) storefault.Rule { return storefault.Always(f, storefault.OpPutPair) }

// The answer of a pair gets lost, or the pair: the same write goes to old alone, which tells, and the mirror follows.
func TestPairInDoubtInA(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		for _, kind := range []storefault.Kind{storefault.FailAfter, storefault.Lost} {
			r := newPairRig(t, phaseA, nil)
			base := r.both(10)
			w := r.tap(nil)
			r.old.fault.SetRules(pairFault(storefault.Fault{Kind: kind}))
			v, err := change(t.Context(), r.repo, base)
			what := fmt.Sprintf("%s, %v", name, kind)
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			r.wantSame(what, v, 11)
			want := []string{"get old", "pair", "put old", "put new"}
			if name == "put" {
				want = want[1:]
			}
			w.want(t, what, want...)
			for i := range w.puts {
				if w.puts[i].Meta != w.pairs[0][i].Meta || w.puts[i].If != w.pairs[0][i].If {
					t.Errorf("%s: to both went %+v, then %+v", what, w.pairs[0], w.puts)
				}
			}
			r.wantEvents(what, map[dualwrite.EventKind]int{dualwrite.EventRetry: 1})
		}
	}
}

// A pair in doubt, and then something else is on old: it may have been there in between, so it is not done again.
func TestPairInDoubtThenRefusedInA(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		for _, then := range []error{nil, stores.Permanent(errors.New("full")), stores.Transient(errors.New("busy"))} {
			r := newPairRig(t, phaseA, nil)
			base := r.both(10)
			w := r.tap(func(place string, c storefault.Call) {
				if then == nil && c.Op == storefault.OpPut && place == "old" && c.N == 1 {
					r.plant(r.old, "k", live(r.stamp(c.Items[0].Meta.Version), 50))
				}
			})
			rules := []storefault.Rule{pairFault(storefault.Fault{Kind: storefault.Lost})}
			if then != nil {
				rules = append(rules, storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Err: then}, storefault.OpPut))
			}
			r.old.fault.SetRules(rules...)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if errors.Is(then, stores.ErrTransient) {
				r.opts.OperationTimeout, r.opts.MirrorTimeout = 1e7, 1e7
				r.repo = r.instance(r.phase)
			}
			_, err := change(ctx, r.repo, base)
			r.wantErr(err, "old", "k", dualwrite.ErrIndeterminate)
			wantOnly(r, name, err, dualwrite.ErrIndeterminate)
			if n := len(w.pairs); n != 1 || slices.Contains(w.calls, "put new") {
				t.Errorf("%s, then %v: %v", name, then, w)
			}
		}
	}
}

// Old is ahead: that is brought over first, and an intent that can never commit is named as one that may be replaced.
func TestPairRefusedByOldInB(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// ahead plants what is in the way, based on base.
		ahead func(r *rig, base stores.Version)
		want  int64
		calls []string
		// dead: what is on old may be replaced.
		dead bool
	}{
		"a mirror was missed": {
			ahead: func(r *rig, base stores.Version) { r.plant(r.old, "k", live(r.stamp(base), 20)) },
			want:  21,
			calls: []string{"get new", "pair", "get old", "get new", "put new", "get new", "pair"},
		},
		"a live intent": {
			ahead: func(r *rig, base stores.Version) { r.plant(r.old, "k", intent(r.stamp(base), base, 20)) },
			want:  21,
			calls: []string{"get new", "pair", "get old", "get new", "put new", "get new", "pair"},
		},
		"a dead intent": {
			ahead: func(r *rig, base stores.Version) {
				r.plant(r.old, "k", intent(later(r.T, 0), base, 20))
				r.plant(r.new, "k", record{Meta: stores.Meta{Version: r.stamp(base), Prev: base}, Value: account{Balance: 30}})
			},
			want: 31, dead: true,
			calls: []string{"get new", "pair", "get old", "get new", "get new", "pair"},
		},
	} {
		r := newPairRig(t, phaseB, nil)
		c.ahead(r, r.both(10))
		before := r.stored(r.old, "k").Version
		w := r.tap(nil)
		v, err := r.Update(t.Context(), "k", addOne)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r.wantSame(name, v, c.want)
		w.want(t, name, c.calls...)
		if last := w.pairs[len(w.pairs)-1][0].If; last.OrDead.Same(before) != c.dead {
			t.Errorf("%s: the condition was %+v, old had %v", name, last, before)
		}
	}

	r := newPairRig(t, phaseB, nil) // new has lost what the intent was based on
	pending := intent(r.stamp(), r.stamp(), 10)
	r.plant(r.old, "k", pending)
	_, err := r.Put(t.Context(), "k", account{})
	r.wantErr(err, "new", "k", dualwrite.ErrBlocked)
	if got := r.stored(r.old, "k"); got != pending || !r.stored(r.new, "k").Version.IsAbsent() || len(r.Status().Blocked) != 1 {
		t.Errorf("old has %+v, new %+v; blocked: %+v", got, r.stored(r.new, "k"), r.Status().Blocked)
	}
}

// A pair in doubt, and then something that does not tell is on old: it may have been there in between.
func TestPairInDoubtThenRefusedByOldInB(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		r := newPairRig(t, phaseB, nil)
		base := r.both(10)
		r.old.fault.SetRules(storefault.Nth(1, storefault.Fault{Kind: storefault.Lost}, storefault.OpPutPair))
		w := r.tap(atPair(2, func(v stores.Version) { r.plant(r.old, "k", live(r.stamp(v), 50)) }))
		_, err := change(t.Context(), r.repo, base)
		r.wantErr(err, "old", "k", dualwrite.ErrIndeterminate)
		wantOnly(r, name, err, dualwrite.ErrIndeterminate)
		w.want(t, name, "get new", "pair", "pair")
		r.wantBalance(r.repo, "k", 50)
	}
}

// New has moved past the base: nothing was written anywhere. Only if an earlier try is in doubt, its traces are looked for.
func TestPairRefusedByNewInB(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meddle func(r *rig, v, base stores.Version)
		doubt  bool // the first try gets lost
		want   int64
		unsure bool
	}{
		"overtaken":                 {meddle: overtake, want: 51},
		"overtaken, in doubt":       {meddle: overtake, doubt: true, want: 51},
		"overtaken twice":           {meddle: overtakeTwice, want: 51},
		"overtaken twice, in doubt": {meddle: overtakeTwice, doubt: true, want: 50, unsure: true},
		"overwritten blindly": {
			meddle: func(r *rig, _, base stores.Version) { r.plant(r.new, "k", live(r.stamp(base), 50)) }, want: 51,
		},
		"built upon twice, in doubt": {
			meddle: func(r *rig, v, _ stores.Version) {
				first := r.stamp(v)
				r.plant(r.old, "k", record{Meta: stores.Meta{Version: first, Prev: v}, Value: account{Balance: 12}})
				r.plant(r.new, "k", record{Meta: stores.Meta{Version: r.stamp(first), Prev: first}, Value: account{Balance: 50}})
			},
			doubt: true, want: 50,
		},
	} {
		r := newPairRig(t, phaseB, nil)
		base, n := r.both(10), 1
		if c.doubt {
			r.old.fault.SetRules(storefault.Nth(1, storefault.Fault{Kind: storefault.Lost}, storefault.OpPutPair))
			n = 2
		}
		var first stores.Version
		w := r.tap(atPair(n, func(v stores.Version) { first = v; c.meddle(r, v, base) }))
		v, err := r.Update(t.Context(), "k", addOne)
		switch {
		case c.unsure:
			r.wantErr(err, "new", "k", dualwrite.ErrIndeterminate)
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case v.Same(first) != (c.want == 50):
			t.Errorf("%s: the answer was %v, the first stamp %v", name, v, first)
		}
		if got := r.stored(r.new, "k"); got.Value.Balance != c.want {
			t.Errorf("%s: new has %+v, want balance %d; %v", name, got, c.want, w)
		}
		if slices.Contains(w.calls, "put old") || r.stored(r.old, "k").Intent {
			t.Errorf("%s: %v; old has %+v", name, w, r.stored(r.old, "k"))
		}
	}
}

func overtake(r *rig, _, base stores.Version) {
	r.plant(r.new, "k", record{Meta: stores.Meta{Version: r.stamp(base), Prev: base}, Value: account{Balance: 50}})
}

func overtakeTwice(r *rig, _, base stores.Version) {
	first := r.stamp(base)
	r.plant(r.new, "k", record{Meta: stores.Meta{Version: r.stamp(first), Prev: first}, Value: account{Balance: 50}})
}

// What one place can not hold is written to neither, blocks nothing, and says whose fault it is.
func TestPairRejectedInB(t *testing.T) {
	t.Parallel()
	tooLarge := stores.Permanent(errors.New("too large"))
	for name, refused := range map[string]stores.PairError{"new": {Second: tooLarge}, "old": {First: tooLarge}} {
		for _, doubt := range []bool{false, true} {
			r := newPairRig(t, phaseB, nil)
			base := r.both(10)
			rules := []storefault.Rule{pairFault(storefault.Fault{Kind: storefault.FailBefore, Err: &refused})}
			if doubt {
				rules = slices.Insert(rules, 0, storefault.Nth(1, storefault.Fault{Kind: storefault.Lost}, storefault.OpPutPair))
			}
			r.old.fault.SetRules(rules...)
			w := r.tap(nil)
			_, err := r.Update(t.Context(), "k", addOne)
			if want := stores.ErrPermanent; !doubt {
				r.wantErr(err, name, "k", want)
				wantOnly(r, name, err, want)
				w.want(t, name, "get new", "pair")
			} else { // the first may still arrive
				r.wantErr(err, name, "k", dualwrite.ErrIndeterminate)
				wantOnly(r, name, err, dualwrite.ErrIndeterminate)
				w.want(t, name, "get new", "pair", "pair")
			}
			r.wantSame(name, base, 10)
			r.wantBalance(r.repo, "k", 10)
			if blocked := r.Status().Blocked; len(blocked) != 0 {
				t.Errorf("%s: blocked: %+v", name, blocked)
			}
		}
	}
}

// The same pair is sent until it is known what became of it.
func TestPairInDoubtInB(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		for _, kind := range []storefault.Kind{storefault.FailAfter, storefault.Lost, storefault.FailBefore} {
			r := newPairRig(t, phaseB, nil)
			base := r.both(10)
			w := r.tap(nil)
			r.old.fault.SetRules(storefault.Nth(1, storefault.Fault{Kind: kind}, storefault.OpPutPair), storefault.Nth(2, storefault.Fault{Kind: kind}, storefault.OpPutPair))
			v, err := change(t.Context(), r.repo, base)
			what := fmt.Sprintf("%s, %v", name, kind)
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			r.wantSame(what, v, 11)
			w.want(t, what, "get new", "pair", "pair", "pair")
			for _, again := range w.pairs {
				if d := cmp.Diff(fmt.Sprint(w.pairs[0]), fmt.Sprint(again)); d != "" {
					t.Errorf("%s: first and again:\n%s", what, d)
				}
			}
			r.wantEvents(what, map[dualwrite.EventKind]int{dualwrite.EventRetry: 2})
		}
	}
}

// Every answer that a pair of writes can have, and what follows it.
func TestPairAnswers(t *testing.T) {
	t.Parallel()
	busy := stores.Transient(errors.New("busy"))
	base := stores.Stamp{1}.Version()
	ahead := stores.Stamp{2}.Version()
	holds := &stores.ConditionError{Stored: stores.Meta{Version: base}} // the store looked after the refusal
	moved := &stores.ConditionError{Stored: stores.Meta{Version: ahead}}
	alone, again, over := []string{"pair", "put old", "put new"}, []string{"pair", "pair"}, []string{"pair", "get new", "pair"}
	for name, c := range map[string]struct {
		first, second error
		inA, inB      []string
	}{
		"old had what was required":           {holds, nil, alone, again},
		"new had what was required":           {nil, holds, alone, again},
		"new would have moved":                {nil, moved, []string{"pair", "put old", "put new"}, over},
		"both had what was required":          {holds, holds, alone, again},
		"old is busy":                         {busy, nil, alone, again},
		"new is busy":                         {nil, busy, alone, again},
		"both are busy":                       {busy, busy, alone, again},
		"old is busy, new has moved":          {busy, moved, alone, over},
		"old has moved":                       {moved, nil, []string{"pair", "get old", "pair"}, []string{"pair", "get old", "get new", "get new", "pair"}},
		"old has moved, new is busy":          {moved, busy, []string{"pair", "get old", "pair"}, []string{"pair", "get old", "get new", "get new", "pair"}},
		"old has moved, new looked after all": {moved, holds, []string{"pair", "get old", "pair"}, []string{"pair", "get old", "get new", "get new", "pair"}},
		"both have moved":                     {moved, moved, []string{"pair", "get old", "pair"}, []string{"pair", "get old", "get new", "get new", "pair"}},
		"neither says why":                    {nil, nil, alone, again},
		"new does not say what":               {nil, errors.New("odd"), alone, again},
	} {
		for _, p := range []flags.Phase{phaseA, phaseB} {
			r := newPairRig(t, p, nil)
			r.plant(r.old, "k", live(base, 10))
			r.plant(r.new, "k", live(base, 10))
			w := r.tap(nil)
			second := c.second
			if _, there := stores.OutcomeOf(second); p == phaseA && there.Version.Same(ahead) { // a mirror replaces whatever is older
				second = &stores.ConditionError{Stored: stores.Meta{Version: later(t, 1e10)}}
			} else if p == phaseA && there.Version.Same(base) {
				second = &stores.ConditionError{Stored: stores.Meta{Version: stores.Absent}}
			}
			r.old.fault.SetRules(storefault.Nth(1, storefault.Fault{
				Kind: storefault.FailBefore, Err: &stores.PairError{First: c.first, Second: second},
			}, storefault.OpPutPair))
			v, err := r.Update(t.Context(), "k", addOne)
			what := fmt.Sprintf("%s, %v", name, p)
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			r.wantSame(what, v, 11)
			want := c.inA
			if p == phaseB {
				want = c.inB
			}
			if d := cmp.Diff(want, w.calls[1:]); d != "" {
				t.Errorf("%s: calls (-want +got):\n%s", what, d)
			}
		}
	}
}

// A refusal by the write itself, or by what was built on it, means that it was applied: drivers retry behind one's back.
func TestPairRefusedByItself(t *testing.T) {
	t.Parallel()
	for _, p := range []flags.Phase{phaseA, phaseB} {
		for name, c := range map[string]func(v stores.Version) stores.PairError{
			"old has it": func(v stores.Version) stores.PairError {
				return refusals(stores.Meta{Version: v}, stores.Meta{Version: v})
			},
			"old has a later": func(v stores.Version) stores.PairError {
				return refusals(stores.Meta{Version: later(t, 0), Prev: v}, stores.Meta{Version: v})
			},
			"only new shows it": func(v stores.Version) stores.PairError {
				return refusals(stores.Meta{Version: later(t, 0)}, stores.Meta{Version: v})
			},
			"new has a later": func(v stores.Version) stores.PairError {
				return refusals(stores.Meta{Version: later(t, 0)}, stores.Meta{Version: later(t, 0), Prev: v})
			},
			"only old shows it": func(v stores.Version) stores.PairError {
				return refusals(stores.Meta{Version: v}, stores.Meta{Version: later(t, 0)})
			},
			"new would take one": func(v stores.Version) stores.PairError {
				e := refusals(stores.Meta{Version: v}, stores.Meta{})
				e.Second = nil
				return e
			},
		} {
			r := newPairRig(t, p, nil)
			r.both(10)
			w := r.tap(nil)
			r.old.fault.SetRules(func(call storefault.Call) (storefault.Fault, bool) {
				if call.Op != storefault.OpPutPair {
					return storefault.Fault{}, false
				}
				e := c(call.Items[0].Meta.Version)
				return storefault.Fault{Kind: storefault.FailAfter, Err: &e}, true
			})
			v, err := r.Update(t.Context(), "k", addOne)
			if err != nil || len(w.calls) != 2 {
				t.Errorf("%s in %v: %v after %v", name, p, err, w)
			}
			r.wantSame(name, v, 11)
		}
	}
}

func refusals(old, now stores.Meta) stores.PairError {
	return stores.PairError{First: &stores.ConditionError{Stored: old}, Second: &stores.ConditionError{Stored: now}}
}

// mirrors tells whether new has the record of old; it does not know what a blind write has noted on old.
func mirrors(old, now record) bool {
	if now.Prev.IsUnknown() {
		old.Prev = stores.Unknown
	}
	return old == now
}

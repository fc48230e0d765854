package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

func testPair[K, V any](e *env[K, V]) {
	e.Run("unrelated store", func(t *testing.T) {
		e := &env[K, V]{T: t, cfg: e.cfg}
		e.use(e.cfg.Open(t))
		stranger := unrelated[K, V]{Store: e.s}
		key, v := e.newKey(), e.stamp()
		w := stores.Write[K, V]{Key: key, Record: e.record(stores.Meta{Version: v}, 1), If: stores.IfOlder(v)}
		e.isError("pair with a store of another kind", stores.PutPair(t.Context(), e.s, w, stranger, w), errors.ErrUnsupported)
		e.empty(key)
	})
	if e.cfg.OpenPair == nil {
		e.Log("no Config.OpenPair: pair writes are not tested")
		return
	}
	e.pair("outcomes", testPairOutcomes[K, V])
	e.pair("through wrappers", func(p *pair[K, V]) {
		wa, wb := p.a.blind(p.key, 1), p.b.blind(p.key, 2)
		if err := stores.PutPair(p.a.Context(), storefault.New(p.a.s, nil), wa, storefault.New(p.b.s, nil), wb); err != nil {
			p.a.Fatal(err)
		}
		p.hold(wa.Record, wb.Record)
	})
	e.pair("context done", func(p *pair[K, V]) {
		ctx, cancel := context.WithCancel(p.a.Context())
		cancel()
		err := stores.PutPair(ctx, p.a.s, p.a.blind(p.key, 1), p.b.s, p.b.blind(p.key, 2))
		p.a.isError("pair", err, context.Canceled)
		p.a.empty(p.key)
		p.b.empty(p.key)
	})
	e.pair("concurrency", testPairConcurrency[K, V])
}

// unrelated is a store that can not commit together with any other.
type unrelated[K, V any] struct{ stores.Store[K, V] }

// pair is a subtest with two stores and a key.
type pair[K, V any] struct {
	a, b *env[K, V]
	key  K
}

func (e *env[K, V]) pair(name string, run func(*pair[K, V])) {
	e.Run(name, func(t *testing.T) {
		a, b := &env[K, V]{T: t, cfg: e.cfg}, &env[K, V]{T: t, cfg: e.cfg}
		sa, sb := e.cfg.OpenPair(t)
		a.use(sa)
		b.use(sb)
		b.clock = a.clock
		run(&pair[K, V]{a, b, a.newKey()})
	})
}

func (p *pair[K, V]) hold(a, b stores.Record[V]) {
	p.a.Helper()
	p.a.holds(p.key, a)
	p.b.holds(p.key, b)
}

// blind is a write with a new stamp.
func (e *env[K, V]) blind(key K, i int) stores.Write[K, V] {
	e.Helper()
	v := e.stamp()
	return stores.Write[K, V]{Key: key, Record: e.record(stores.Meta{Version: v}, i), If: stores.IfOlder(v)}
}

func testPairOutcomes[K, V any](p *pair[K, V]) {
	t, ctx := p.a.T, p.a.Context()
	wa, wb := p.a.blind(p.key, 1), p.b.blind(p.key, 2)
	if err := stores.PutPair(ctx, p.a.s, wa, p.b.s, wb); err != nil {
		t.Fatal(err)
	}
	p.hold(wa.Record, wb.Record)

	fits := stores.IfStamp
	refused := func(stores.Version) stores.Condition { return stores.IfStamp(stores.Absent) }
	invalid := func(stores.Version) stores.Condition { return stores.Condition{} }
	for name, c := range map[string]struct {
		a, b func(stores.Version) stores.Condition
	}{
		"first refused":                  {refused, fits},
		"second refused":                 {fits, refused},
		"both refused":                   {refused, refused},
		"first invalid":                  {invalid, fits},
		"second invalid":                 {fits, invalid},
		"first refused, second invalid":  {refused, invalid},
		"first invalid, second refused ": {invalid, refused},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := *p.a, *p.b
			a.T, b.T = t, t
			na, nb := a.blind(p.key, 3), b.blind(p.key, 4)
			na.If, nb.If = c.a(wa.Record.Version), c.b(wb.Record.Version)
			var both *stores.PairError
			if err := stores.PutPair(ctx, a.s, na, b.s, nb); !errors.As(err, &both) {
				t.Fatalf("error %v, want a PairError", err)
			}
			a.pairOutcome(both.First, na.If, wa.Record)
			b.pairOutcome(both.Second, nb.If, wb.Record)
			(&pair[K, V]{&a, &b, p.key}).hold(wa.Record, wb.Record)
		})
	}
}

// pairOutcome checks one half of a PairError against what Put would have answered.
func (e *env[K, V]) pairOutcome(err error, cond stores.Condition, stored stores.Record[V]) {
	e.Helper()
	switch {
	case cond.Validate() != nil:
		e.isError("invalid write", err, stores.ErrPermanent)
	case !cond.Holds(stored.Version):
		e.refused(err, stored.Meta)
	case err != nil:
		e.Errorf("the half that could have been stored: %v", err)
	}
}

// testPairConcurrency lets goroutines replace both records together, naming the stores in either order: the two never
// get out of step.
func testPairConcurrency[K, V any](p *pair[K, V]) {
	first := p.a.blind(p.key, 0)
	if err := stores.PutPair(p.a.Context(), p.a.s, first, p.b.s, first); err != nil {
		p.a.Fatal(err)
	}
	l := newLedger()
	l.enter(first.Record.Version, 0)
	rounds := max(p.a.cfg.Rounds/10, 1)
	var writing atomic.Int64
	writing.Store(int64(p.a.cfg.Writers))
	p.a.together(p.a.cfg.Writers+2, func(ctx context.Context, i int) error {
		x, y := p.a, p.b
		if i%2 == 1 {
			x, y = y, x
		}
		if i >= p.a.cfg.Writers {
			return watchPair(ctx, x, y, l, p.key, &writing)
		}
		defer writing.Add(-1)
		for done := 0; done < rounds; {
			applied, err := incrementPair(ctx, x, y, l, p.key)
			if err != nil {
				return err
			}
			if applied {
				done++
			}
		}
		return nil
	})
	if p.a.Failed() {
		return
	}
	ra, na, errA := p.a.read(p.a.Context(), l, p.key)
	rb, nb, errB := p.b.read(p.a.Context(), l, p.key)
	want := p.a.cfg.Writers * rounds
	if errA != nil || errB != nil || na != want || nb != want || ra.Version != rb.Version {
		p.a.Errorf("%d pairs were written; the sums are %d (%v) and %d (%v)", want, na, errA, nb, errB)
	}
}

// watchPair reads one half and then the other: whoever has seen the first sees the second.
func watchPair[K, V any](ctx context.Context, x, y *env[K, V], l *ledger, key K, writing *atomic.Int64) error {
	for writing.Load() > 0 {
		_, first, err := x.read(ctx, l, key)
		if err != nil {
			return err
		}
		_, second, err := y.read(ctx, l, key)
		if err != nil {
			return err
		}
		if second < first {
			return fmt.Errorf("one half of pair %d was read, and after it the other half of pair %d", first, second)
		}
	}
	return nil
}

func incrementPair[K, V any](ctx context.Context, x, y *env[K, V], l *ledger, key K) (applied bool, err error) {
	r, n, err := x.read(ctx, l, key)
	if err != nil {
		return false, err
	}
	t, err := x.clock.Next(r.Version)
	if err != nil {
		return false, err
	}
	l.enter(t, n+1)
	meta := stores.Meta{Version: t, Prev: r.Version}
	w := stores.Write[K, V]{Key: key, Record: x.record(meta, n+1), If: stores.IfStamp(r.Version)}
	err = stores.PutPair(ctx, x.s, w, y.s, w)
	switch outcome, stored := stores.OutcomeOf(err); outcome {
	case stores.OutcomeApplied:
		return true, nil
	case stores.OutcomeRefused:
		return stored.Shows(t), l.refusal(stored, w.If)
	case stores.OutcomeFailed:
		return false, nil
	default:
		return false, fmt.Errorf("pair: %w", err)
	}
}

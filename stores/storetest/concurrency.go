package storetest

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/dualwrite/dualwrite/stores"
)

func testConcurrency[K, V any](e *env[K, V]) {
	e.fresh("compare and set adds up", testCompareAndSet[K, V])
	e.fresh("the greatest stamp wins", func(e *env[K, V]) { e.checkBlindRace(e.s.Put) })
	e.fresh("the greatest stamp wins in batches", func(e *env[K, V]) { e.checkBlindRace(e.putInBatch) })
	e.fresh("one insert wins", testInsertRace[K, V])
}

// testCompareAndSet lets many goroutines each carry out a number of successful read-modify-writes of one record: a lost
// update would show in the sum. Readers must never see it go back. Some write and read one record at a time and some in
// batches, through one store or through two.
func testCompareAndSet[K, V any](e *env[K, V]) {
	l, key := newLedger(), e.newKey()
	first := stores.Meta{Version: e.stamp()}
	l.enter(first.Version, 0)
	e.plant(key, first, 0)
	again := *e
	if e.cfg.Again != nil {
		again.s = e.cfg.Again(e.T, e.s)
		e.closeLater(again.s)
	}
	var writing atomic.Int64
	writing.Store(int64(e.cfg.Writers))
	e.together(e.cfg.Writers+1, func(ctx context.Context, i int) error {
		if i == e.cfg.Writers {
			return e.watch(ctx, l, key, &writing)
		}
		defer writing.Add(-1)
		clock, err := stores.NewClock(nil)
		if err != nil {
			return err
		}
		by := e
		if i%4 >= 2 {
			by = &again
		}
		put := by.s.Put
		if i%2 == 1 {
			put = by.putInBatch
		}
		for done := 0; done < e.cfg.Rounds; {
			applied, err := by.increment(ctx, l, clock, key, put)
			if err != nil {
				return err
			}
			if applied {
				done++
			}
		}
		return nil
	})
	if e.Failed() {
		return
	}
	if _, n, err := e.read(e.Context(), l, key); err != nil || n != e.cfg.Writers*e.cfg.Rounds {
		e.Errorf("%d goroutines had %d successes each, and the sum is %d (%v)", e.cfg.Writers, e.cfg.Rounds, n, err)
	}
}

// putter is Put, or what stands in for it.
type putter[K, V any] func(context.Context, stores.Write[K, V]) error

// increment reads the record and replaces its value by the next one, if nobody was faster.
func (e *env[K, V]) increment(ctx context.Context, l *ledger, clock *stores.Clock, key K, put putter[K, V]) (applied bool, err error) {
	r, n, err := e.read(ctx, l, key)
	if err != nil {
		return false, err
	}
	t, err := clock.Next(r.Version)
	if err != nil {
		return false, err
	}
	l.enter(t, n+1)
	cond := stores.IfStamp(r.Version)
	err = put(ctx, stores.Write[K, V]{Key: key, Record: e.record(stores.Meta{Version: t, Prev: r.Version}, n+1), If: cond})
	switch outcome, stored := stores.OutcomeOf(err); outcome {
	case stores.OutcomeApplied:
		return true, nil
	case stores.OutcomeRefused:
		return stored.Shows(t), l.refusal(stored, cond)
	case stores.OutcomeFailed:
		return false, nil
	default:
		return false, fmt.Errorf("compare and set: %w", err)
	}
}

// watch reads until nobody writes any more.
func (e *env[K, V]) watch(ctx context.Context, l *ledger, key K, writing *atomic.Int64) error {
	last := 0
	for i := 0; writing.Load() > 0; i++ {
		get := e.s.Get
		if i%2 == 1 {
			get = e.getInBatch
		}
		_, n, err := e.readBy(ctx, l, key, get)
		if err != nil {
			return err
		}
		if n < last {
			return fmt.Errorf("read the value of update %d after that of update %d", n, last)
		}
		last = n
	}
	return nil
}

func (e *env[K, V]) putInBatch(ctx context.Context, w stores.Write[K, V]) error {
	errs, err := stores.PutMany(ctx, e.s, []stores.Write[K, V]{w})
	if err != nil {
		return err
	}
	return errs[0]
}

// checkBlindRace lets goroutines write to one key without reading it, each with stamps of its own.
func (e *env[K, V]) checkBlindRace(put func(context.Context, stores.Write[K, V]) error) {
	l, key := newLedger(), e.newKey()
	greatest := make([]stores.Version, e.cfg.Writers)
	e.together(e.cfg.Writers, func(ctx context.Context, i int) error {
		clock, err := stores.NewClock(nil)
		if err != nil {
			return err
		}
		for round := range max(e.cfg.Rounds/4, 1) {
			t, err := clock.Next()
			if err != nil {
				return err
			}
			value := i*e.cfg.Rounds + round
			l.enter(t, value)
			cond := stores.IfOlder(t)
			err = put(ctx, stores.Write[K, V]{Key: key, Record: e.record(stores.Meta{Version: t}, value), If: cond})
			switch outcome, stored := stores.OutcomeOf(err); outcome {
			case stores.OutcomeApplied:
				greatest[i] = t
			case stores.OutcomeRefused:
				if err := l.refusal(stored, cond); err != nil {
					return err
				}
			case stores.OutcomeFailed:
			default:
				return err
			}
		}
		return nil
	})
	if e.Failed() {
		return
	}
	winner := stores.Absent
	for _, v := range greatest {
		if v.Newer(winner) {
			winner = v
		}
	}
	if r, _, err := e.read(e.Context(), l, key); err != nil || !r.Version.Same(winner) {
		e.Errorf("stored is %+v (%v), the greatest stamp accepted was %v", r.Meta, err, winner)
	}
}

// testInsertRace lets everybody create the same records: each is created once, and the others learn by whom.
func testInsertRace[K, V any](e *env[K, V]) {
	const records = 20
	l := newLedger()
	keys := make([]K, records)
	for i := range keys {
		keys[i] = e.newKey()
	}
	var created [records]atomic.Int64
	e.together(e.cfg.Writers, func(ctx context.Context, g int) error {
		for i, key := range keys {
			t := e.stamp()
			l.enter(t, g)
			cond := stores.IfStamp(stores.Absent)
			err := e.s.Put(ctx, stores.Write[K, V]{Key: key, Record: e.record(stores.Meta{Version: t, Prev: stores.Absent}, g), If: cond})
			switch outcome, stored := stores.OutcomeOf(err); {
			case outcome == stores.OutcomeApplied, outcome == stores.OutcomeRefused && stored.Shows(t):
				created[i].Add(1)
			case outcome == stores.OutcomeRefused:
				if err := l.refusal(stored, cond); err != nil {
					return err
				}
			case outcome != stores.OutcomeFailed:
				return err
			}
		}
		return nil
	})
	for i, key := range keys {
		if n := created[i].Load(); n != 1 {
			e.Errorf("%d goroutines created record %v", n, key)
		}
		if _, _, err := e.read(e.Context(), l, key); err != nil {
			e.Error(err)
		}
	}
}

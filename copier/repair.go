package copier

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"golang.org/x/sync/errgroup"

	"github.com/dualwrite/dualwrite/stores"
)

// RepairPolicy says what a repair may do. The zero value only brings new up to what old has, which is right at any time
// before new-only.
type RepairPolicy struct {
	// OldWritable says that no instance can be in old-only or read-old/write-both any more, so that a record on old may
	// be replaced by a newer one of new: dead intents and what instances in new-only wrote. While old decides for
	// anybody, that would take an answer back. Default false: such records are reported.
	OldWritable bool
	// Winner is whose record survives where the versions do not tell: a writer outside the SDK changed one side, new has
	// a record that old never had, or new lost data; and, for NewWins, where new refuses what old is ahead by. OldWins deletes what only new has: never use it while an instance
	// may be in new-only. NewWins needs OldWritable. Default Nobody: such records are reported.
	Winner Winner
}

func (o RepairPolicy) policy() (policy, error) {
	if o.Winner > NewWins {
		return policy{}, fmt.Errorf("Winner is %d: want Nobody, OldWins or NewWins", o.Winner)
	}
	if o.Winner == NewWins && !o.OldWritable {
		return policy{}, errors.New("NewWins writes old, and needs OldWritable")
	}
	clock, err := stores.NewClock(nil)
	if err != nil {
		return policy{}, err
	}
	return policy{oldWritable: o.OldWritable, winner: o.Winner, next: clock.Next}, nil
}

// RepairOptions are the options of [Repair]; nil means the zero value.
type RepairOptions[V any] struct {
	// PassOptions as everywhere. A repair has no checkpoint: run it again.
	PassOptions
	RepairPolicy
	// Equal is as in VerifyOptions.
	Equal func(a, b V) bool
}

// Repair sets single records right: those of the keys given in canonical form ([Keys] takes them from findings). Each is
// read afresh, first in old and then in new, and if they still differ one conditional write makes them the same. It
// carries the version that one of them has already, so that a live write that comes in between wins and the key is
// looked at again. What the policy does not allow, and what can not be stored, is a finding of the Report. Reading the
// keys ends at their first error, which is returned.
//
// Errors are as those of [Copy].
func Repair[K, V any](ctx context.Context, old, new stores.Store[K, V], keys iter.Seq2[[]byte, error], o *RepairOptions[V]) (Report, error) {
	if o == nil {
		o = &RepairOptions[V]{}
	}
	po, err := prepare(o.PassOptions, Resume{}, old, new)
	if err == nil && keys == nil {
		err = errors.New("copier: a repair needs keys")
	}
	if err != nil {
		return Report{Op: opRepair}, err
	}
	pol, err := o.policy()
	if err != nil {
		return Report{Op: opRepair}, fmt.Errorf("copier: %w", err)
	}
	s, err := newState(ctx, opRepair, po)
	if err != nil {
		return Report{Op: opRepair}, err
	}
	p := &pass[K, V]{state: s, throttle: newThrottle(&po.PassOptions), places: []place[K, V]{{name: placeOld, store: old}}}
	r := &repairing[K, V]{pass: p, keys: keys, fixer: newRepairer(p, old, new, &comparer[K, V]{old: old, new: new, equal: o.Equal}, pol)}
	return p.run(ctx, nil, r.all)
}

// newRepairer makes the fixer that keeps repair's rule.
func newRepairer[K, V any](p *pass[K, V], old, new stores.Store[K, V], c *comparer[K, V], pol policy) *fixer[K, V] {
	f := &fixer[K, V]{p: p, old: old, new: new, advice: errNewRefuses, plan: func(x *pair[K, V]) step[V] {
		kind, _ := c.kindOf(x.key, x.old, x.new) // what one of the places cannot hold is nothing to repair
		return planRepair(kind, x.old, x.new, pol)
	}}
	if pol.winner == NewWins {
		f.refused = func(x *pair[K, V]) step[V] {
			kind, _ := c.kindOf(x.key, x.old, x.new)
			return planRefused(kind, x.old, x.new, pol)
		}
	}
	return f
}

// repairing is one run of Repair.
type repairing[K, V any] struct {
	*pass[K, V]
	keys  iter.Seq2[[]byte, error]
	fixer *fixer[K, V]
}

// all repairs the keys in batches, as many at a time as there are workers.
func (r *repairing[K, V]) all(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.o.Workers)
	var batch [][]byte
	var bad error
	for k, err := range r.keys {
		if err != nil {
			bad = fmt.Errorf("copier: reading the keys to repair: %w", err)
			break
		}
		if batch = append(batch, append([]byte(nil), k...)); len(batch) < r.throttle.batch() {
			continue
		}
		full := batch
		batch = nil
		g.Go(func() error { return r.some(ctx, full) })
		if ctx.Err() != nil {
			break
		}
	}
	if bad == nil {
		g.Go(func() error { return r.some(ctx, batch) })
	}
	return errors.Join(g.Wait(), bad)
}

func (r *repairing[K, V]) some(ctx context.Context, canon [][]byte) error {
	if err := r.throttle.wait(ctx, len(canon)); err != nil || len(canon) == 0 {
		return err
	}
	fates, err := r.fixer.fix(ctx, canon)
	if err != nil {
		return err
	}
	d := delta{counts: Counts{Read: int64(len(canon))}}
	var failed []Finding
	for i, f := range fates {
		switch f.kind {
		case inOrder:
			d.counts.Same++
		case fixed:
			d.counts.Repaired++
		case failing:
			failed = append(failed, f.found)
			d.pending = append(d.pending, canon[i])
		default:
			d.find(f.found)
		}
	}
	if err := r.fail(failed); err != nil {
		return err
	}
	return r.commit(ctx, -1, nil, &d)
}

package dualwrite

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/dualwrite/dualwrite/stores"
)

// Pair writes: where both places can commit together, one call does what the two of read-old/write-both or of
// read-new/write-both do. It carries both conditions, so it is the same as the two calls with nothing in between:
// instances that write in pairs and instances that do not may run side by side.

// pairing remembers whether the two places can commit together.
type pairing struct{ never atomic.Bool }

// pairs tells whether to try a pair write.
func (r *Repository[K, V]) pairs() bool { return !r.pairing.never.Load() }

// both is old, where a Put writes the same record to new as well, or to neither.
type both[K, V any] struct {
	stores.Store[K, V]
	new     stores.Store[K, V]
	ifNew   stores.Condition
	pairing *pairing
	// there is what stood in the way in new at the last Put; nil if nothing did.
	there *stores.Meta
}

// errNewRefuses is the answer of a pair write that old alone would have taken.
var errNewRefuses = errors.New("new holds another version")

func (o *op[K, V]) both(ifNew stores.Condition) *both[K, V] {
	return &both[K, V]{Store: o.r.old.store, new: o.r.new.store, ifNew: ifNew, pairing: &o.r.pairing}
}

// Put implements [stores.Store]. A refusal is old's; one of new alone is ErrPermanent, and there says by what. As the
// record gets nowhere but by such a write, it was applied if either place shows it.
func (b *both[K, V]) Put(ctx context.Context, w stores.Write[K, V]) error {
	b.there = nil
	err := stores.PutPair(ctx, b.Store, w, b.new, stores.Write[K, V]{Key: w.Key, Record: w.Record, If: b.ifNew})
	if errors.Is(err, errors.ErrUnsupported) {
		b.pairing.never.Store(true)
	}
	var refused *stores.PairError
	if !errors.As(err, &refused) {
		return err
	}
	byOld, old := stores.OutcomeOf(refused.First)
	byNew, now := stores.OutcomeOf(refused.Second)
	switch {
	case byOld == stores.OutcomeRefused && old.Shows(w.Record.Version), byNew == stores.OutcomeRefused && now.Shows(w.Record.Version):
		return nil
	case byNew == stores.OutcomeRefused && b.ifNew.Holds(now.Version):
		return stores.Transient(err) // the store looked after the refusal: send it again
	case byNew == stores.OutcomeRefused:
		b.there = &now
	}
	switch {
	case refused.First != nil:
		return refused.First
	case b.there != nil:
		return stores.Permanent(fmt.Errorf("%w: %w", errNewRefuses, cause{refused.Second}))
	default:
		return refused.Second
	}
}

// decide puts a record to the place that decides; in read-old/write-both to new with it, if that can be done. mirrored:
// it has been done. It is tried once: new must not stand in the way of a write, whatever is the matter with it, so
// anything but a refusal by old is followed by the same write to old alone.
func (o *op[K, V]) decide(p *place[K, V], rec stores.Record[V], cond stores.Condition) (res putResult, mirrored bool) {
	if o.route().mirror && o.r.pairs() {
		res = o.putBoth(rec, cond)
		if res.outcome == stores.OutcomeApplied || res.outcome == stores.OutcomeRefused {
			return res, res.outcome == stores.OutcomeApplied
		}
	}
	return o.put(p, rec, cond, true, res.doubt), false
}

// putBoth tries a pair write in read-old/write-both. The breaker and the time of a mirror bound what new can cost.
func (o *op[K, V]) putBoth(rec stores.Record[V], cond stores.Condition) (res putResult) {
	res.outcome = stores.OutcomeFailed
	done, err := o.r.opts.Breaker.Allow()
	if err != nil {
		return res
	}
	outage := errPanicked
	defer func() { done(outage) }()
	ctx, cancel := context.WithTimeout(o.ctx, o.r.opts.MirrorTimeout)
	defer cancel()
	err = o.both(stores.IfOlder(rec.Version)).Put(ctx, stores.Write[K, V]{Key: o.key, Record: rec, If: cond})
	res.outcome, res.stored = stores.OutcomeOf(err)
	switch outage = nil; res.outcome {
	case stores.OutcomeUnknown:
		res.doubt, outage = true, err
		o.detach(o.r.opts.OperationTimeout)
	case stores.OutcomeFailed:
		outage = err
	}
	return res
}

// commitBoth writes a record to both places in read-new/write-both, without an intent: there is no moment between
// announcing and committing. Neither committed nor an error: start over; died is as for announce.
func (o *op[K, V]) commitBoth(rec stores.Record[V], dead stores.Version) (committed bool, died stores.Version, err error) {
	b := o.both(stores.IfStamp(rec.Prev))
	res := o.put(&place[K, V]{name: o.r.old.name, store: b}, rec, stores.IfAtMost(rec.Prev, dead), true, false)
	switch {
	case res.outcome == stores.OutcomeApplied:
		return true, dead, nil
	case b.there != nil && b.there.Prev.Same(rec.Prev):
		return false, dead, nil // what replaced the base directly is not this write, even if an earlier try is in doubt
	case res.outcome == stores.OutcomeRefused && !res.doubt:
		died, err = o.giveWay(dead)
		return false, died, err
	case b.there != nil && !res.doubt:
		return false, dead, nil
	case b.there != nil:
		committed, err = o.builtUpon(rec, res.err)
		return committed, dead, err
	default:
		return false, dead, o.undecided(&o.r.old, rec.Version, res)
	}
}

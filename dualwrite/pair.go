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

// both is old, where a Put writes the same record to new as well, or to neither. The other fields are about its last Put.
type both[K, V any] struct {
	stores.Store[K, V]
	new     stores.Store[K, V]
	ifNew   stores.Condition
	pairing *pairing
	// there is what stood in the way in new; nil if nothing did.
	there *stores.Meta
	// newAlone: old would have taken the record.
	newAlone bool
	// outage is a failure that new may be to blame for; nil if new has answered, be it with a refusal.
	outage error
}

// errNewRefuses is the answer to a pair write that new has refused and old has not.
var errNewRefuses = errors.New("new holds another version")

func (o *op[K, V]) both(ifNew stores.Condition) *both[K, V] {
	return &both[K, V]{Store: o.r.old.store, new: o.r.new.store, ifNew: ifNew, pairing: &o.r.pairing}
}

// Put implements [stores.Store]. A refusal is old's; one of new alone is ErrPermanent, and there says by what.
func (b *both[K, V]) Put(ctx context.Context, w stores.Write[K, V]) error {
	b.there, b.newAlone, b.outage = nil, false, nil
	err := stores.PutPair(ctx, b.Store, w, b.new, stores.Write[K, V]{Key: w.Key, Record: w.Record, If: b.ifNew})
	var neither *stores.PairError
	if errors.As(err, &neither) {
		return b.judge(w.Record.Version, neither)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		b.pairing.never.Store(true)
	}
	b.outage = blame(err)
	return err
}

// judge turns the two answers of a pair write that was not carried out into one. As the record gets nowhere but by such a
// write, it was applied earlier if either place shows it.
func (b *both[K, V]) judge(v stores.Version, neither *stores.PairError) error {
	byOld, old := stores.OutcomeOf(neither.First)
	byNew, now := stores.OutcomeOf(neither.Second)
	if byOld == stores.OutcomeRefused && old.Shows(v) || byNew == stores.OutcomeRefused && now.Shows(v) {
		return nil
	}
	b.newAlone = neither.First == nil
	b.outage = blame(neither.Second)
	if byNew == stores.OutcomeRefused && !b.ifNew.Holds(now.Version) {
		b.there = &now
	}
	// The condition that new refuses is named as text only: as an error it would pass for a refusal by old.
	switch {
	case byOld == stores.OutcomeRefused:
		return neither.First
	case b.there != nil:
		return stores.Permanent(fmt.Errorf("%w: %s", errNewRefuses, neither.Second.Error()))
	case neither.First != nil:
		return neither.First
	case byNew == stores.OutcomeRefused: // new looked after the refusal: send it again
		return stores.Transient(fmt.Errorf("%w no longer: %s", errNewRefuses, neither.Second.Error()))
	case neither.Second != nil:
		return neither.Second
	default:
		return neither
	}
}

// blame returns an error that may be an outage, not one that is an answer.
func blame(err error) error {
	switch outcome, _ := stores.OutcomeOf(err); outcome {
	case stores.OutcomeUnknown, stores.OutcomeFailed:
		return err
	default:
		return nil
	}
}

// putTogether puts a record to old, which decides, and to new with it. mirrored: new has it. It is tried once: new must not
// stand in the way of a write, whatever is the matter with it, so anything but a refusal by old is followed by the same
// write to old alone.
func (o *op[K, V]) putTogether(rec stores.Record[V], cond stores.Condition) (res putResult, mirrored bool) {
	if o.ctx.Err() == nil {
		res = o.putBoth(rec, cond)
		switch {
		case res.outcome == stores.OutcomeApplied:
			return res, true
		case res.outcome == stores.OutcomeRefused && !cond.Holds(res.stored.Version):
			return res, false
		}
	}
	return o.put(&o.r.old, rec, cond, true, res.doubt), false
}

// putBoth tries a pair write in read-old/write-both. The breaker and the time of a mirror bound what new can cost.
func (o *op[K, V]) putBoth(rec stores.Record[V], cond stores.Condition) (res putResult) {
	done, err := o.r.opts.Breaker.Allow()
	if err != nil {
		return putResult{outcome: stores.OutcomeFailed}
	}
	outage := errPanicked
	defer func() { done(outage) }()
	ctx, cancel := context.WithTimeout(o.ctx, o.r.opts.MirrorTimeout)
	defer cancel()
	b := o.both(stores.IfOlder(rec.Version))
	res.err = b.Put(ctx, stores.Write[K, V]{Key: o.key, Record: rec, If: cond, NotePrev: o.notes(&o.r.old, rec, cond)})
	if outage = b.outage; o.ctx.Err() != nil {
		outage = nil // it was the caller who did not wait
	}
	res.outcome, res.stored = stores.OutcomeOf(res.err)
	if res.outcome == stores.OutcomeUnknown {
		res.doubt = true
		o.detach(o.r.opts.OperationTimeout)
	}
	if b.outage != nil { // of anything else that new has answered, its mirror tells
		o.observe(EventRetry, o.r.old.name, rec.Version, 1, res.err)
	}
	return res
}

// commitBoth writes a record to both places in read-new/write-both, without an intent: there is no moment between
// announcing and committing. Neither committed nor an error: start over; met is as for announce.
func (o *op[K, V]) commitBoth(rec stores.Record[V], ifOld, ifNew stores.Condition) (committed bool, met obstacle, err error) {
	met.dead = ifOld.OrDead
	b := o.both(ifNew)
	res := o.put(&place[K, V]{name: o.r.old.name, store: b}, rec, ifOld, true, false)
	switch {
	case res.outcome == stores.OutcomeApplied:
		return true, met, nil
	case b.there != nil && b.there.Prev.Same(rec.Prev):
		return false, met, nil // what replaced the base directly is not this write, even if an earlier try is in doubt
	case res.outcome == stores.OutcomeRefused && !res.doubt:
		met, err = o.giveWay(met.dead)
		return false, met, err
	case b.there != nil && !res.doubt:
		return false, met, nil
	case b.newAlone:
		return false, met, o.undecided(&o.r.new, rec.Version, res)
	default:
		return false, met, o.undecided(&o.r.old, rec.Version, res)
	}
}

package dualwrite

import (
	"context"
	"errors"
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
)

// write carries out a change in the phase of the moment and returns the last version that it stored.
func (r *Repository[K, V]) write(ctx context.Context, name string, key K, c *change[V]) (stores.Version, error) {
	phase, err := r.enter(ctx, writing)
	if err != nil {
		return stores.Unknown, r.fail(name, "", key, err)
	}
	o := op[K, V]{r: r, name: name, key: key, phase: phase, as: writing, ctx: ctx}
	defer o.end()
	if o.route().intent {
		return o.writeIntent(c)
	}
	rec, mirrored, err := o.writeDeciding(c)
	if err != nil {
		return stores.Unknown, err
	}
	if o.route().mirror && !mirrored {
		return o.mirror(rec)
	}
	if mirrored || o.route().decides == newSide {
		r.unblock(key)
	}
	return rec.Version, nil
}

// writeDeciding writes to the one place that decides: in old-only, read-old/write-both and new-only. mirrored: new has
// been given the record with it.
func (o *op[K, V]) writeDeciding(c *change[V]) (rec stores.Record[V], mirrored bool, err error) {
	p := o.decider()
	refused := stores.Unknown // the version that the last blind write lost to
	for attempt := 0; ; attempt++ {
		if err := o.pause(attempt); err != nil {
			return rec, false, err
		}
		var cond stores.Condition
		if rec, cond, err = o.prepare(p, c, refused); err != nil {
			return rec, false, err
		}
		var res putResult
		if o.route().mirror && o.r.pairs() {
			res, mirrored = o.putTogether(rec, cond)
		} else {
			res = o.put(p, rec, cond, true, false)
		}
		switch {
		case res.outcome == stores.OutcomeApplied:
			return rec, mirrored, nil
		case res.outcome == stores.OutcomeRefused && !res.doubt:
			refused = res.stored.Version
		default:
			return rec, false, o.undecided(p, rec.Version, res)
		}
	}
}

// prepare makes the record to write and its condition: blind on anything older, or conditioned on what it was read from.
func (o *op[K, V]) prepare(p *place[K, V], c *change[V], above stores.Version) (rec stores.Record[V], cond stores.Condition, err error) {
	var base stores.Record[V]
	if !c.blind() {
		if base, err = o.get(p); err != nil {
			return rec, cond, err
		}
		above = base.Version
	}
	if rec, err = c.apply(base); err != nil {
		return rec, cond, o.fail(p, err)
	}
	if rec.Version, err = o.next(above); err != nil {
		return rec, cond, err
	}
	if c.blind() {
		return rec, stores.IfOlder(rec.Version), nil
	}
	rec.Prev = base.Version
	return rec, stores.IfStamp(base.Version), nil
}

// undecided turns the result of a deciding write that was neither applied nor plainly refused into the caller's error.
func (o *op[K, V]) undecided(p *place[K, V], v stores.Version, res putResult) error {
	if res.doubt || res.outcome == stores.OutcomeUnknown {
		return o.indeterminate(p, v, res.err)
	}
	return o.fail(p, res.err)
}

// mirror puts a record that old has committed to new. Nothing that happens there changes the answer: what new misses
// stays behind, and is brought over by the next strict read, by a write in the next phase, or by verify.
func (o *op[K, V]) mirror(rec stores.Record[V]) (stores.Version, error) {
	done, err := o.r.opts.Breaker.Allow()
	if err != nil {
		return o.missed(rec.Version, fmt.Errorf("not tried: %w", err))
	}
	outage := errPanicked
	defer func() { done(outage) }()
	o.mirrorDeadline()
	rec, err, outage = o.mirrorUntilTaken(rec)
	if err != nil {
		return o.missed(rec.Version, err)
	}
	o.r.unblock(o.key)
	return rec.Version, nil
}

// errPanicked is what the circuit breaker hears of a mirror that did not return.
var errPanicked = errors.New("the store panicked")

// mirrorDeadline bounds the rest of the operation: by MirrorTimeout, and by what is left if it is detached already.
func (o *op[K, V]) mirrorDeadline() {
	if o.cancel == nil {
		o.detach(o.r.opts.MirrorTimeout)
		return
	}
	ctx, cancel := context.WithTimeout(o.ctx, o.r.opts.MirrorTimeout)
	detached := o.cancel
	o.ctx, o.cancel = ctx, func() { cancel(); detached() }
}

// mirrorUntilTaken repeats the mirror until new has the record or old has a later one. When new holds a greater stamp,
// the record is given one above that in both places. outage is what the circuit breaker counts.
func (o *op[K, V]) mirrorUntilTaken(rec stores.Record[V]) (_ stores.Record[V], err, outage error) {
	for attempt := 0; ; attempt++ {
		if err := o.pause(attempt); err != nil {
			return rec, err, nil
		}
		res := o.put(&o.r.new, rec, stores.IfOlder(rec.Version), true, false)
		switch res.outcome {
		case stores.OutcomeApplied:
			return rec, nil, nil
		case stores.OutcomeRefused:
		case stores.OutcomeRejected:
			return rec, res.err, nil
		default:
			return rec, res.err, res.err
		}
		higher, taken, err := o.restamp(rec, res.stored.Version)
		if err != nil || taken {
			return rec, err, nil
		}
		rec = higher
	}
}

// restamp gives a record that old has committed a stamp above the one that new holds. taken: old has a later record by
// now, whose own mirror takes over.
func (o *op[K, V]) restamp(rec stores.Record[V], above stores.Version) (higher stores.Record[V], taken bool, err error) {
	cur, err := o.get(&o.r.old)
	if err != nil {
		return rec, false, err
	}
	if !cur.Version.Same(rec.Version) {
		return rec, true, nil
	}
	higher = rec
	higher.Prev = rec.Version
	if higher.Version, err = o.next(above); err != nil {
		return rec, false, err
	}
	res := o.put(&o.r.old, higher, stores.IfStamp(rec.Version), true, false)
	switch res.outcome {
	case stores.OutcomeApplied:
		o.observe(EventRestamped, o.r.old.name, higher.Version, 0, nil)
		return higher, false, nil
	case stores.OutcomeRefused:
		return rec, true, nil
	default:
		return rec, false, res.err
	}
}

// missed is the answer of a committed write that new does not have yet.
func (o *op[K, V]) missed(v stores.Version, why error) (stores.Version, error) {
	o.observe(EventMirrorMissed, o.r.new.name, v, 0, why)
	if o.r.opts.ReportMissedMirrors {
		return v, o.fail(&o.r.new, fmt.Errorf("%w: %w", ErrMirrorMissed, cause{why}))
	}
	return v, nil
}

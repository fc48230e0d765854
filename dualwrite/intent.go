package dualwrite

import (
	"errors"
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
)

// writeIntent is the write of read-new/write-both: read new, announce in old, commit in new. Blind changes go the same
// way, as a stamp alone would not say what they replaced.
func (o *op[K, V]) writeIntent(c *change[V]) (stores.Version, error) {
	var met obstacle // what the last try has found on old
	for attempt := 0; ; attempt++ {
		if err := o.pause(attempt); err != nil {
			return stores.Unknown, err
		}
		base, err := o.get(&o.r.new)
		if err != nil {
			return stores.Unknown, err
		}
		rec, nothing := c.apply(base)
		if nothing != nil {
			if stands, err := o.confirm(base.Version); err != nil {
				return stores.Unknown, err
			} else if !stands {
				continue
			}
			return stores.Unknown, o.fail(&o.r.new, nothing)
		}
		if rec.Version, err = o.next(base.Version); err != nil {
			return stores.Unknown, err
		}
		rec.Prev = base.Version
		var committed bool
		if committed, met, err = o.commitOnce(rec, met.dead); err == nil && met.why != nil {
			if !c.blind() {
				return stores.Unknown, o.refused(met)
			}
			rec, committed, err = o.overtake(rec, met)
		}
		if err != nil {
			return stores.Unknown, err
		}
		if committed {
			o.r.unblock(o.key)
			return rec.Version, nil
		}
	}
}

// commitOnce writes a record to both places, in one call where that can be done. Neither committed nor an error: it
// certainly was not and never will be; met is then what is on old, the operation's own dead intent included.
func (o *op[K, V]) commitOnce(rec stores.Record[V], dead stores.Version) (committed bool, met obstacle, err error) {
	if o.r.pairs() {
		committed, met, err = o.commitBoth(rec, stores.IfAtMost(rec.Prev, dead), stores.IfStamp(rec.Prev))
		if !errors.Is(err, errors.ErrUnsupported) {
			return committed, met, err
		}
	}
	announced, met, err := o.announce(rec, dead)
	if err != nil || !announced {
		return false, met, err
	}
	committed, err = o.commit(rec, stores.IfStamp(rec.Prev))
	return committed, obstacle{dead: rec.Version}, err
}

// announce puts the intent to old. If old holds something newer that is brought over first: not announced, start over, and
// met is what could not be.
func (o *op[K, V]) announce(rec stores.Record[V], dead stores.Version) (announced bool, met obstacle, err error) {
	intent := rec
	intent.Intent = true
	cond := stores.IfAtMost(rec.Prev, dead)
	if err := o.check(intent, cond); err != nil {
		return false, met, err
	}
	res := o.put(&o.r.old, intent, cond, true, false)
	switch {
	case res.outcome == stores.OutcomeApplied:
		o.detach(o.r.opts.OperationTimeout)
		return true, met, nil
	case res.outcome == stores.OutcomeRefused && !res.doubt:
		met, err = o.giveWay(dead)
		return false, met, err
	default:
		return false, met, o.undecided(&o.r.old, rec.Version, res)
	}
}

// giveWay brings over what old is ahead by. What is not to come over is the answer; an intent that was dead before still is.
func (o *op[K, V]) giveWay(dead stores.Version) (met obstacle, err error) {
	old, err := o.get(&o.r.old)
	if err != nil {
		return met, err
	}
	if _, met, err = o.bringOver(old); met.dead.IsUnknown() {
		met.dead = dead
	}
	return met, err
}

// check encodes the record for both places, so that one that can not be stored is refused before anything is written.
func (o *op[K, V]) check(intent stores.Record[V], cond stores.Condition) error {
	if err := stores.Check(o.r.old.store, stores.Write[K, V]{Key: o.key, Record: intent, If: cond}); err != nil {
		return o.fail(&o.r.old, err)
	}
	final := stores.Write[K, V]{Key: o.key, Record: intent.Final(), If: stores.IfStamp(intent.Prev)}
	if err := stores.Check(o.r.new.store, final); err != nil {
		return o.fail(&o.r.new, err)
	}
	return nil
}

// commit puts a record to new that old has taken. Neither committed nor an error: it certainly was not and never will be, as
// new has moved past its base.
func (o *op[K, V]) commit(rec stores.Record[V], cond stores.Condition) (committed bool, err error) {
	p := &o.r.new
	res := o.put(p, rec, cond, true, false)
	switch res.outcome {
	case stores.OutcomeApplied:
		return true, nil
	case stores.OutcomeRefused:
		// Whatever replaced the base directly is not this write, even if an earlier try is in doubt.
		if res.stored.Prev.Same(rec.Prev) {
			return false, nil
		}
		old, err := o.get(&o.r.old)
		if err != nil {
			return false, o.indeterminate(&o.r.old, rec.Version, err)
		}
		if old.Prev.Same(rec.Version) { // somebody has built on it
			return true, nil
		}
		return false, o.indeterminate(p, rec.Version, res.err)
	case stores.OutcomeRejected:
		if !errors.Is(res.err, ErrClosed) { // which says nothing about the record
			res.err = fmt.Errorf("%w: %w", errAnnounced, res.err)
			_ = o.block(rec.Version, res.err) // the answer is that the outcome is not known
		}
	}
	return false, o.indeterminate(p, rec.Version, res.err)
}

// confirm tells whether an outcome that writes nothing still stands: it was derived from what new held, and does if old
// is not ahead of that. If old is, it is brought over, and the operation has to start over.
func (o *op[K, V]) confirm(seen stores.Version) (stands bool, err error) {
	old, err := o.get(&o.r.old)
	if err != nil {
		return false, err
	}
	if !old.Version.Newer(seen) {
		return true, nil
	}
	now, err := o.resolve(old)
	return err == nil && now.Version.Same(seen), err
}

// block reports a key whose state in old can not be brought to new.
func (o *op[K, V]) block(v stores.Version, why error) error {
	o.r.block(o.key, why)
	o.observe(EventBlocked, o.r.new.name, v, 0, why)
	return o.fail(&o.r.new, fmt.Errorf("%w: %w", ErrBlocked, cause{why}))
}

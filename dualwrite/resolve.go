package dualwrite

import (
	"errors"
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
)

// errNewLost is why a key is blocked when stores.Resolve answers Lost.
var errNewLost = errors.New("old holds an intent based on a version that new does not have any more: new has lost data (restored, expired or wiped); " +
	"compare both places and repair the key")

// Why a key is blocked when new refuses a record for good: one that old holds, or one's own that is announced there.
var (
	errNewRefusesOld = errors.New("old holds a newer state of the record, which new refuses for good; " + waysOut)
	errAnnounced     = errors.New("the write is announced in old, where readers in read-old/write-both see it, and new refuses it for good, " +
		"so that reads in read-new/write-both answer that the record is blocked; " + waysOut)
)

const waysOut = "a Delete, a Put that new takes, a repair for which new wins, or mending new gets out of it"

// obstacle is a record of old that is not to come to new.
type obstacle struct {
	// dead is the version of an intent that can never commit, and may be replaced; Unknown if there is none.
	dead stores.Version
	// refused is the version of a record that new refuses for good, and why what it answers; Unknown and nil if there is none.
	refused stores.Version
	why     error
}

// resolve brings new in step with what was just read from old, and answers what new then holds. If new refuses that for
// good, the answer is that the record is blocked.
func (o *op[K, V]) resolve(old stores.Record[V]) (now stores.Record[V], err error) {
	now, met, err := o.bringOver(old)
	if err == nil && met.why != nil {
		err = o.refused(met)
	}
	return now, err
}

// refused is the answer where new refuses what old is ahead by.
func (o *op[K, V]) refused(met obstacle) error {
	return o.block(met.refused, fmt.Errorf("%w: %w", errNewRefusesOld, met.why))
}

// bringOver puts to new what was just read from old, if that is ahead, and answers what new then holds, or what it has met.
// New is always read afresh, after old.
func (o *op[K, V]) bringOver(old stores.Record[V]) (now stores.Record[V], met obstacle, err error) {
	for attempt := 0; ; attempt++ {
		if err := o.pause(attempt); err != nil {
			return now, met, err
		}
		if attempt > 0 {
			if old, err = o.get(&o.r.old); err != nil {
				return now, met, err
			}
		}
		if now, err = o.get(&o.r.new); err != nil {
			return now, met, err
		}
		var cond stores.Condition
		switch stores.Resolve(old.Meta, now.Meta) {
		case stores.InStep:
			o.r.unblock(o.key)
			return now, met, nil
		case stores.Dead:
			o.r.unblock(o.key)
			return now, obstacle{dead: old.Version}, nil
		case stores.Lost:
			return now, met, o.block(old.Version, errNewLost)
		case stores.CopyOver:
			cond = stores.IfOlder(old.Version)
		case stores.Complete:
			cond = stores.IfStamp(old.Prev)
		}
		final := old.Final()
		res := o.put(&o.r.new, final, cond, false, false)
		switch res.outcome {
		case stores.OutcomeApplied:
			o.r.unblock(o.key)
			o.observe(EventResolved, o.r.new.name, old.Version, attempt, nil)
			return final, met, nil
		case stores.OutcomeRefused: // somebody else was at it: look again
		case stores.OutcomeRejected:
			if !errors.Is(res.err, ErrClosed) { // which says nothing about the record
				return now, obstacle{refused: old.Version, why: res.err}, nil
			}
			fallthrough
		default:
			return now, met, o.fail(&o.r.new, res.err)
		}
	}
}

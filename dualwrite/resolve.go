package dualwrite

import (
	"errors"

	"github.com/dualwrite/dualwrite/stores"
)

// errNewLost is why a key is blocked when stores.Resolve answers Lost.
var errNewLost = errors.New("old holds an intent based on a version that new does not have any more: new has lost data (restored, expired or wiped); " +
	"compare both places and repair the key")

// resolve brings new in step with what was just read from old, and answers what new then holds. New is always read
// afresh, after old. dead is the version of an intent that was found to be one that can never commit, else Unknown.
func (o *op[K, V]) resolve(old stores.Record[V]) (now stores.Record[V], dead stores.Version, err error) {
	for attempt := 0; ; attempt++ {
		if err := o.pause(attempt); err != nil {
			return now, dead, err
		}
		if attempt > 0 {
			if old, err = o.get(&o.r.old); err != nil {
				return now, dead, err
			}
		}
		if now, err = o.get(&o.r.new); err != nil {
			return now, dead, err
		}
		var cond stores.Condition
		switch stores.Resolve(old.Meta, now.Meta) {
		case stores.InStep:
			return now, stores.Unknown, nil
		case stores.Dead:
			return now, old.Version, nil
		case stores.Lost:
			return now, dead, o.block(old.Version, errNewLost)
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
			return final, stores.Unknown, nil
		case stores.OutcomeRefused: // somebody else was at it: look again
		case stores.OutcomeRejected:
			return now, dead, o.block(old.Version, res.err)
		default:
			return now, dead, o.fail(&o.r.new, res.err)
		}
	}
}

package dualwrite

import (
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
)

// putResult is what came of sending one conditional write, however often it was sent.
type putResult struct {
	outcome stores.Outcome
	// stored is what is there instead, if the outcome is OutcomeRefused.
	stored stores.Meta
	// doubt: a try before the last one had an unknown outcome. A refusal then does not say that the write was not applied.
	doubt bool
	// err is the last error.
	err error
}

// put sends one write until its outcome is known or it may not be sent again. It is always the same write: same stamp,
// same condition. If keep is set, an unknown outcome detaches the operation from its caller. One that is detached is
// pursued until its time is over; before that, or if nobody is owed the answer, the number of tries is bounded. doubt:
// the write was sent before in another way, and may have been applied.
func (o *op[K, V]) put(p *place[K, V], rec stores.Record[V], cond stores.Condition, keep, doubt bool) (res putResult) {
	res.doubt = doubt
	w := stores.Write[K, V]{Key: o.key, Record: rec, If: cond, NotePrev: o.notes(p, rec, cond)}
	for attempt := 1; ; attempt++ {
		if err := o.ctx.Err(); err != nil {
			return giveUp(res, err)
		}
		res.err = p.store.Put(o.ctx, w)
		res.outcome, res.stored = stores.OutcomeOf(res.err)
		switch res.outcome {
		case stores.OutcomeApplied, stores.OutcomeRejected:
			// A rejection is of the record, not of this try; but an earlier try that is in doubt may still arrive.
			if res.outcome == stores.OutcomeRejected && res.doubt {
				res.outcome = stores.OutcomeUnknown
			}
			return res
		case stores.OutcomeRefused:
			if res.stored.Shows(rec.Version) { // a try that was not acknowledged
				return putResult{outcome: stores.OutcomeApplied}
			}
			if !cond.Holds(res.stored.Version) {
				return res
			}
			// What is stored does satisfy the condition: the store looked after the refusal. Send it again.
		case stores.OutcomeUnknown:
			res.doubt = true
			if keep {
				o.detach(o.r.opts.OperationTimeout)
			}
		}
		if attempt >= o.r.opts.Attempts && (!keep || !o.detached()) {
			return giveUp(res, nil)
		}
		o.observe(EventRetry, p.name, rec.Version, attempt, res.err)
		if err := o.r.opts.Backoff.Wait(o.ctx, attempt); err != nil {
			return giveUp(res, err)
		}
	}
}

// notes tells whether a write is to note what it replaces: a blind one that decides. In new, a mirror or what is brought over
// must not: a base that it replaced there says nothing about what old had in between.
func (o *op[K, V]) notes(p *place[K, V], rec stores.Record[V], cond stores.Condition) bool {
	return !o.route().intent && p.name == o.decider().name && cond.Kind == stores.KindIfOlder && rec.Prev.IsUnknown()
}

// giveUp is the result when no further try may be made: failed, if it is certain that none of them had an effect.
func giveUp(res putResult, err error) putResult {
	res.outcome = stores.OutcomeFailed
	if res.doubt {
		res.outcome = stores.OutcomeUnknown
	}
	switch {
	case res.err == nil:
		res.err = err
	case err != nil:
		res.err = fmt.Errorf("%w; the last answer was: %w", err, res.err)
	}
	return res
}

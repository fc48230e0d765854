package dualwrite

import (
	"errors"

	"github.com/dualwrite/dualwrite/stores"
)

// overtake writes a blind change over a record of old that new refuses for good, which would block the key otherwise. It does
// so as a write in read-old/write-both: final, over just that record, and to new over anything older. So it does not matter
// whether new refuses that record for ever, nor who has seen it. It does not say what it is based on: who wrote that record
// must not take it for lost. Neither committed nor an error: start over.
func (o *op[K, V]) overtake(rec stores.Record[V], met obstacle) (_ stores.Record[V], committed bool, err error) {
	rec.Prev = stores.Unknown
	if rec.Version, err = o.next(met.refused); err != nil {
		return rec, false, err
	}
	over, older := stores.IfStamp(met.refused), stores.IfOlder(rec.Version)
	if o.r.pairs() {
		committed, _, err = o.commitBoth(rec, over, older)
		if !errors.Is(err, errors.ErrUnsupported) {
			return rec, committed, err
		}
	}
	res := o.put(&o.r.old, rec, over, true, false)
	switch {
	case res.outcome == stores.OutcomeApplied:
		o.detach(o.r.opts.OperationTimeout)
		committed, err = o.commit(rec, older)
		return rec, committed, err
	case res.outcome == stores.OutcomeRefused && !res.doubt:
		return rec, false, nil
	default:
		return rec, false, o.undecided(&o.r.old, rec.Version, res)
	}
}

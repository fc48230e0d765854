package copier

import (
	"context"
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
)

// Confirmation is a statement that only the caller can make.
type Confirmation string

// NobodyWritesBoth states that no instance is, or can come back to be, in a phase that writes both places, and that no
// copy or repair is running: every version and tombstone that [Finish] removes is what such a writer would need in order
// not to overwrite something newer.
const NobodyWritesBoth Confirmation = "nobody-writes-both"

// FinishOptions are the options of [Finish].
type FinishOptions struct {
	PassOptions
	Resume
	// AllowEmpty says that the store may be empty. Default false: a pass that has read nothing is not clean.
	AllowEmpty bool
	// Confirm has to be NobodyWritesBoth.
	Confirm Confirmation
}

// finishRounds is how often a record is tried that is written again meanwhile.
const finishRounds = 3

// Finish ends a migration in one place: it removes the tombstones and takes the metadata off every other record, each on
// the condition that the record still has the version that was read. What a live writer writes again and again
// meanwhile is counted as LiveAgain and keeps the report from being clean: run it once more when the wrapper is gone. An
// intent is never touched and is a finding.
//
// Every record is unstamped afterwards: versions that were handed out to clients before are void, and stores.Unstamped
// says nothing about the contents. A service that sends them as ETags stops doing so first.
//
// Errors are as those of [Copy]; without FinishOptions.Confirm nothing is done, and a store that can not purge answers
// errors.ErrUnsupported.
func Finish[K, V any](ctx context.Context, store stores.Store[K, V], o *FinishOptions) (Report, error) {
	if o == nil {
		o = &FinishOptions{}
	}
	po, err := prepare(o.PassOptions, o.Resume, store)
	if err == nil && o.Confirm != NobodyWritesBoth {
		err = fmt.Errorf("copier: Finish removes what protects from lost updates: set Confirm to %q when no instance is in a dual phase any more", NobodyWritesBoth)
	}
	if err != nil {
		return Report{Op: opFinish}, err
	}
	po.allowEmpty = o.AllowEmpty
	p, err := newPass(ctx, opFinish, po, place[K, V]{store: store})
	if err != nil {
		return Report{Op: opFinish, Job: po.Job}, err
	}
	f := &finishing[K, V]{pass: p, store: store}
	return p.run(ctx, f.visitor, f.settle)
}

// finishing is one pass of Finish.
type finishing[K, V any] struct {
	*pass[K, V]
	store stores.Store[K, V]
}

func (f *finishing[K, V]) visitor() visitor[K, V] {
	var targets []stores.PurgeTarget[K]
	return func(ctx context.Context, pg *page[K, V]) error {
		pg.reportBad()
		targets = targets[:0]
		for i := range pg.entries {
			e := &pg.entries[i]
			targets = f.target(targets, e.Key, e.Record.Meta, &pg.delta)
		}
		failed, err := f.purge(ctx, targets, &pg.delta, f.notStuck)
		if err != nil {
			return err
		}
		for _, x := range failed {
			pg.delta.pending = append(pg.delta.pending, x.Key)
		}
		if err := f.commit(ctx, pg.at, pg.last, &pg.delta); err != nil {
			return err
		}
		return f.notTooMany()
	}
}

// target adds a record to what is to be purged, or says why it is not.
func (f *finishing[K, V]) target(targets []stores.PurgeTarget[K], key K, m stores.Meta, d *delta) []stores.PurgeTarget[K] {
	switch _, stamped := m.Version.Stamp(); {
	case !stamped: // none, or purged already
		d.counts.Plain++
		return targets
	case m.Intent:
		d.find(Finding{Kind: KindIntent, Key: f.canonical(key), Old: m})
		return targets
	default:
		return append(targets, stores.PurgeTarget[K]{Key: key, Version: m.Version})
	}
}

// purge deals with the targets to the end, and returns those that failed and may work later. check may end the pass.
func (f *finishing[K, V]) purge(ctx context.Context, targets []stores.PurgeTarget[K], d *delta, check func([]answer) error) (failed []Finding, err error) {
	for round := 1; len(targets) > 0; round++ {
		answers, err := f.send(ctx, len(targets), nil, func(which []int) ([]error, error) {
			return stores.Purge(ctx, f.store, pick(targets, which))
		})
		if err != nil {
			return nil, err
		}
		if err := check(answers); err != nil {
			return nil, err
		}
		var again []stores.PurgeTarget[K]
		for i := range answers {
			a, key := &answers[i], targets[i].Key
			switch {
			case a.outcome == stores.OutcomeApplied, a.outcome == stores.OutcomeRefused && a.doubt && !f.hasStamp(a):
				d.counts.Purged++
			case a.outcome == stores.OutcomeRefused && f.hasStamp(a) && round == finishRounds:
				d.counts.LiveAgain++
			case a.outcome == stores.OutcomeRefused:
				again = f.target(again, key, a.stored, d)
			case a.outcome == stores.OutcomeRejected:
				d.find(Finding{Kind: KindRejected, Key: f.canonical(key), Err: a.err})
			default:
				failed = append(failed, Finding{Kind: KindFailed, Key: f.canonical(key), Err: a.err})
			}
		}
		targets = again
	}
	return failed, nil
}

func (f *finishing[K, V]) hasStamp(a *answer) bool {
	_, stamped := a.stored.Version.Stamp()
	return stamped
}

// settle tries once more what failed in the scan.
func (f *finishing[K, V]) settle(ctx context.Context) error {
	canon := f.waiting()
	for len(canon) > 0 {
		n := min(len(canon), f.o.Batch)
		if err := f.again(ctx, canon[:n]); err != nil {
			return err
		}
		canon = canon[n:]
	}
	return nil
}

func (f *finishing[K, V]) again(ctx context.Context, canon [][]byte) error {
	keys, err := parseKeys(f.store.Keys(), canon)
	if err != nil {
		return err
	}
	res, err := f.readMany(ctx, f.store, keys)
	if err != nil {
		return err
	}
	var d delta
	var targets []stores.PurgeTarget[K]
	var failed []Finding
	for i := range res {
		rec, err := stores.OrAbsent(res[i].Record, res[i].Err)
		switch {
		case err == nil:
			targets = f.target(targets, keys[i], rec.Meta, &d)
		case isBroken(err):
			d.find(Finding{Kind: KindUndecodable, Key: canon[i], Err: err})
		default:
			failed = append(failed, Finding{Kind: KindFailed, Key: canon[i], Err: err})
		}
	}
	more, err := f.purge(ctx, targets, &d, func([]answer) error { return nil })
	if err != nil {
		return err
	}
	failed = append(failed, more...)
	d.settled = without(canon, failed)
	if err := f.fail(failed); err != nil {
		return err
	}
	return f.commit(ctx, -1, nil, &d)
}

// without returns the keys that have no finding.
func without(canon [][]byte, findings []Finding) (rest [][]byte) {
	found := make(map[string]bool, len(findings))
	for _, f := range findings {
		found[string(f.Key)] = true
	}
	for _, k := range canon {
		if !found[string(k)] {
			rest = append(rest, k)
		}
	}
	return rest
}

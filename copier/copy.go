package copier

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// CopyOptions are the options of [Copy]; nil means the zero value.
type CopyOptions[V any] struct {
	PassOptions
	Resume
	// MirroringSince and AllowEmpty are as in VerifyOptions.
	MirroringSince time.Time
	AllowEmpty     bool
	// AcceptLoss is as in VerifyOptions.
	AcceptLoss []string
	// Equal tells whether a value is still the same after new's codec had it. A copy counts and names values that are
	// not (Report.Changed), so that it is known before anybody reads from new what it can not hold. Default stores.DeepEqual.
	Equal func(a, b V) bool
}

// Copy brings new up to what old holds, record by record and tombstone by tombstone, beside live writers that mirror
// their own writes to new (read-old/write-both). Each write is conditional: it takes effect only where new has an older
// version or nothing, so that nothing newer is overwritten and nothing deleted comes back, whatever runs at the same
// time, another copy included. Records from before the SDK stay unstamped. An intent is never copied but resolved.
//
// The pass is over the records that are there when it begins; what is written meanwhile is mirrored by its writer. It
// ends although records keep coming, as it follows them at the speed of a scan.
//
// The Report says what was done, also beside an error. The error is nil when the end was reached, even with findings:
// look at Report.Clean. It Is the context's error after a cancellation, with everything done so far in the checkpoint;
// ErrIncomplete if some records failed; ErrCheckpoint if the checkpoint does not fit.
func Copy[K, V any](ctx context.Context, old, new stores.Store[K, V], o *CopyOptions[V]) (Report, error) {
	if o == nil {
		o = &CopyOptions[V]{}
	}
	po, err := prepare(o.PassOptions, o.Resume, old, new)
	if err != nil {
		return Report{Op: opCopy}, err
	}
	return copyAs(ctx, opCopy, old, new, o, po)
}

func copyAs[K, V any](ctx context.Context, op string, old, new stores.Store[K, V], o *CopyOptions[V], set settings) (Report, error) {
	set.mirroringSince, set.allowEmpty, set.acceptLoss = o.MirroringSince, o.AllowEmpty, o.AcceptLoss
	p, err := newPass(ctx, op, set, place[K, V]{name: placeOld, store: old, noting: true})
	if err != nil {
		return Report{Op: op, Job: set.Job}, err
	}
	c := &copying[K, V]{pass: p, new: new, loss: newChanges(new, o.Equal), fixer: fixer[K, V]{p: p, old: old, new: new, plan: func(x *pair[K, V]) step[V] {
		return planCopy(x.old, x.new)
	}}}
	return p.run(ctx, c.visitor, c.settle)
}

// copying is one pass of Copy.
type copying[K, V any] struct {
	*pass[K, V]
	new   stores.Store[K, V]
	loss  changes[K, V]
	fixer fixer[K, V]
	again atomic.Bool // most of the last page was there already
}

// visitor writes a page to new in one batch; intents are resolved one by one.
func (c *copying[K, V]) visitor() visitor[K, V] {
	var writes []stores.Write[K, V]
	var answers []answer
	return func(ctx context.Context, pg *page[K, V]) error {
		pg.reportBad()
		clear(writes)
		writes = writes[:0]
		var intents [][]byte
		c.note(pg)
		entries, err := c.skip(ctx, pg)
		if err != nil {
			return err
		}
		for i := range entries {
			letOthersRun(i + 1)
			e := &entries[i]
			if e.Record.Intent {
				intents = append(intents, c.canonical(e.Key))
				continue
			}
			writes = append(writes, stores.Write[K, V]{Key: e.Key, Record: e.Record, If: stores.IfOlder(e.Record.Version)})
		}
		if len(writes) > 0 {
			if answers, err = c.sendWrites(ctx, c.new, writes, answers); err != nil {
				return err
			}
			if err := c.notStuck(answers); err != nil {
				return err
			}
			c.judge(writes, answers, &pg.delta)
		}
		if err := c.resolve(ctx, intents, &pg.delta, false); err != nil {
			return err
		}
		c.again.Store(2*pg.delta.counts.AlreadyThere > int64(len(pg.entries)))
		if err := c.commit(ctx, pg.at, pg.last, &pg.delta); err != nil {
			return err
		}
		return errors.Join(c.notTooMany(), c.mirrors.check())
	}
}

// note finds what records lose on their way to new, also those that are there already: a second copy says so again.
func (c *copying[K, V]) note(pg *page[K, V]) {
	for i := range pg.entries {
		e := &pg.entries[i]
		if len(e.Lost) > 0 {
			pg.delta.unmapped = append(pg.delta.unmapped, lostFields{canon: c.canonical(e.Key), fields: e.Lost})
		}
		if !e.Record.Live() {
			continue
		}
		if changed := c.loss.of(e.Key, e.Record.Value); changed != nil {
			pg.delta.change(c.canonical(e.Key), changed)
		}
	}
}

// skip leaves out what new has already, once most of a page was found there: a read of the metadata is cheaper than
// writes that are refused. What it can not read, or find there, is written.
func (c *copying[K, V]) skip(ctx context.Context, pg *page[K, V]) ([]stores.Entry[K, V], error) {
	m, ok := c.new.(stores.MetaReader[K, V])
	if !ok || !c.again.Load() {
		return pg.entries, nil
	}
	keys := make([]K, len(pg.entries))
	for i := range pg.entries {
		keys[i] = pg.entries[i].Key
	}
	metas, err := m.GetMetas(ctx, keys)
	if err != nil || len(metas) != len(keys) {
		return pg.entries, ctx.Err()
	}
	missing := make([]stores.Entry[K, V], 0, len(pg.entries))
	for i, e := range pg.entries {
		if e.Record.Intent || metas[i].Err != nil || stores.IfOlder(e.Record.Version).Holds(metas[i].Record.Version) {
			missing = append(missing, e)
		} else {
			pg.delta.counts.AlreadyThere++
			c.mirrors.saw(e.Record.Version, true)
		}
	}
	return missing, nil
}

// judge counts what became of the writes of a page.
func (c *copying[K, V]) judge(writes []stores.Write[K, V], answers []answer, d *delta) {
	for i := range answers {
		a, w := &answers[i], &writes[i]
		switch {
		case a.applied(w.Record.Version):
			d.counts.Applied++
			if c.mirrors.saw(w.Record.Version, false) {
				d.counts.Unmirrored++
			}
		case a.outcome == stores.OutcomeRefused:
			d.counts.AlreadyThere++
			c.mirrors.saw(w.Record.Version, true)
		case a.outcome == stores.OutcomeRejected:
			d.find(Finding{Kind: KindRejected, Key: c.canonical(w.Key), Place: placeNew, Old: w.Record.Meta, Err: a.err})
		default:
			d.pending = append(d.pending, c.canonical(w.Key))
		}
	}
}

// resolve brings single keys up to date. What fails is pending, or in the last round a finding.
func (c *copying[K, V]) resolve(ctx context.Context, canon [][]byte, d *delta, last bool) error {
	if len(canon) == 0 {
		return nil
	}
	fates, err := c.fixer.fix(ctx, canon)
	if err != nil {
		return err
	}
	var failed []Finding
	for i, f := range fates {
		switch {
		case f.kind == failing && last:
			failed = append(failed, f.found)
			continue
		case f.kind == failing:
			d.pending = append(d.pending, canon[i])
			continue
		case f.kind == inOrder:
			d.counts.AlreadyThere++
		case f.kind == fixed:
			d.counts.Applied++
		default:
			d.find(f.found)
		}
		if last {
			d.settled = append(d.settled, canon[i])
		}
	}
	return c.fail(failed)
}

// settle tries once more what failed in the scan.
func (c *copying[K, V]) settle(ctx context.Context) error {
	keys := c.waiting()
	for len(keys) > 0 {
		n := min(len(keys), c.o.Batch)
		var d delta
		if err := c.resolve(ctx, keys[:n], &d, true); err != nil {
			return err
		}
		if err := c.commit(ctx, -1, nil, &d); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// notTooMany gives up when too many records have failed.
func (p *pass[K, V]) notTooMany() error {
	if n := p.waitingCount(); n > p.o.MaxPending {
		return tooMany(n)
	}
	return nil
}

func tooMany(n int) error {
	return fmt.Errorf("%w: %d failed so far, which is more than MaxPending", ErrIncomplete, n)
}

// canonical is the canonical form of a key that a store gave us.
func (p *pass[K, V]) canonical(key K) []byte {
	b, err := p.places[0].store.Keys().Append(nil, key)
	if err != nil {
		return nil // can not be: the store has the record
	}
	return b
}

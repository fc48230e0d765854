package copier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// VerifyOptions are the options of [Verify]; nil means the zero value.
type VerifyOptions[V any] struct {
	PassOptions
	Resume
	// MirroringSince says that every writer has been mirroring its writes to new without a break since then. Only a caller
	// knows: it is when the last instance left old-only. What a pass read before cannot prove anything about now, so an
	// unfinished pass of the checkpoint that began before is not resumed, and a new one begins. Default: not known; the
	// report of a resumed pass is not clean then, as the writers may have been in old-only while it was interrupted.
	MirroringSince time.Time
	// AllowEmpty says that old and new may be empty. Default false: a pass that has read nothing is not clean, as a wrong
	// name of a place looks like that.
	AllowEmpty bool
	// AcceptLoss names the fields that may get lost, as Report.Unmapped and Report.ChangedFields name them. A field that gets lost
	// and is not named keeps a report from being clean. Default: none.
	AcceptLoss []string
	// Grace is how long a difference is given to go away before it is looked at again: a write may be in flight. It has
	// to be longer than the slowest write takes. Default 1 s.
	Grace time.Duration
	// Rounds is how often a record that keeps moving is looked at again before it is reported as unsettled. Default 10.
	Rounds int
	// Equal replaces the comparison of contents. Default: stores.DeepEqual of both values, or of both after a round trip
	// through both codecs: what one of the places can not hold is no difference to repair, and is counted in Report.Changed.
	Equal func(a, b V) bool
	// Repair repairs what differs in the same pass. A difference that was repaired is still a finding: only a pass that
	// found none is clean. Default nil: nothing is written.
	Repair *RepairPolicy
}

// Verify compares two places both ways. Where both are scanned in the order of their keys it goes over them side by side;
// else it goes over old and looks each record up in new, and goes over new for what old does not have. Versions and contents have to be the same; the base version and the intent flag do not count. It
// reads and, without VerifyOptions.Repair, never writes; a difference counts only if it is still there after a grace
// period and nothing has moved in between.
//
// Report.Clean is the answer. It is evidence only for the time after every writer had reached the present phases: start
// the pass after that. A pass that was resumed is evidence only with VerifyOptions.MirroringSince. Errors are as those of [Copy].
func Verify[K, V any](ctx context.Context, old, new stores.Store[K, V], o *VerifyOptions[V]) (Report, error) {
	if o == nil {
		o = &VerifyOptions[V]{}
	}
	po, err := prepare(o.PassOptions, o.Resume, old, new)
	if err != nil {
		return Report{Op: opVerify}, err
	}
	return verifyAs(ctx, opVerify, old, new, o, po)
}

func verifyAs[K, V any](ctx context.Context, op string, old, new stores.Store[K, V], o *VerifyOptions[V], po settings) (Report, error) {
	po.mirroringSince, po.allowEmpty, po.acceptLoss = o.MirroringSince, o.AllowEmpty, o.AcceptLoss
	pol, grace, rounds, err := o.filled()
	if err != nil {
		return Report{Op: op, Job: po.Job}, fmt.Errorf("copier: %w", err)
	}
	v := &verifying[K, V]{old: old, new: new, rounds: rounds, same: comparer[K, V]{old: old, new: new, equal: o.Equal}}
	v.suspects.grace, v.policy, v.repair = grace, pol, o.Repair != nil
	places := []place[K, V]{{name: placeOld, store: old}, {name: placeNew, store: new, keysOnly: true}}
	p, err := newPassAs(ctx, op, po, places, (*pass[K, V]).divideBoth)
	if err != nil {
		return Report{Op: op, Job: po.Job}, err
	}
	v.pass = p
	v.fixer = newRepairer(p, old, new, &v.same, v.policy)
	v.resume()
	return p.run(ctx, v.visitor, v.settle)
}

// filled returns what a verify has beside the options of every pass, with defaults, or everything that is wrong with it.
func (o *VerifyOptions[V]) filled() (pol policy, grace time.Duration, rounds int, err error) {
	grace, rounds = o.Grace, o.Rounds
	if o.Repair != nil {
		pol, err = o.Repair.policy()
	}
	err = errors.Join(err, positive("Grace", &grace, time.Second), positive("Rounds", &rounds, 10))
	return pol, grace, rounds, err
}

// verifying is one pass of Verify.
type verifying[K, V any] struct {
	*pass[K, V]
	old, new stores.Store[K, V]
	rounds   int
	same     comparer[K, V]
	policy   policy
	fixer    *fixer[K, V]
	repair   bool
	suspects suspects
}

// resume queues what an interrupted pass had not settled.
func (v *verifying[K, V]) resume() {
	var again []suspect
	for _, k := range v.waiting() {
		again = append(again, suspect{canon: k})
	}
	v.suspects.add(again)
}

// visitor compares a page with the other place, and settles what is due.
func (v *verifying[K, V]) visitor() visitor[K, V] {
	var keys []K
	var found []suspect
	return func(ctx context.Context, pg *page[K, V]) error {
		keys = keys[:0]
		for i := range pg.entries {
			keys = append(keys, pg.entries[i].Key)
		}
		var err error
		switch pg.place {
		case placeBoth:
			found = v.match(pg, found[:0])
		case placeOld:
			found, err = v.compare(ctx, pg, keys, found[:0])
		default:
			found, err = v.extras(ctx, pg, keys, found[:0])
		}
		if err != nil {
			return err
		}
		for _, s := range found {
			pg.delta.pending = append(pg.delta.pending, s.canon)
		}
		if err := v.commit(ctx, pg.at, pg.last, &pg.delta); err != nil {
			return err
		}
		v.suspects.add(found)
		return v.drain(ctx, v.o.MaxPending)
	}
}

// compare looks a page of old up in new.
func (v *verifying[K, V]) compare(ctx context.Context, pg *page[K, V], keys []K, found []suspect) ([]suspect, error) {
	pg.reportBad()
	news, err := v.readMany(ctx, v.new, keys)
	if err != nil {
		return nil, err
	}
	for i := range pg.entries {
		letOthersRun(i + 1)
		x := pair[K, V]{key: keys[i], old: pg.entries[i].Record}
		x.new, x.err = stores.OrAbsent(news[i].Record, news[i].Err)
		found = v.first(&x, found, &pg.delta)
	}
	return found, nil
}

// match compares a page of both.
func (v *verifying[K, V]) match(pg *page[K, V], found []suspect) []suspect {
	for i := range pg.pairs {
		letOthersRun(i + 1)
		if x := &pg.pairs[i]; x.err != nil {
			pg.delta.find(x.unreadable())
		} else {
			found = v.first(x, found, &pg.delta)
		}
	}
	return found
}

// first judges a pair at first sight: it is the same, or a suspect.
func (v *verifying[K, V]) first(x *pair[K, V], found []suspect, d *delta) []suspect {
	if x.err != nil {
		return append(found, suspect{canon: v.canonical(x.key)})
	}
	kind, changed := v.same.kindOf(x.key, x.old, x.new)
	switch {
	case kind != "":
		return append(found, suspect{canon: v.canonical(x.key), old: x.old.Meta, new: x.new.Meta, seen: true})
	case changed != nil:
		d.change(v.canonical(x.key), changed)
		fallthrough
	case !x.old.Version.IsAbsent():
		d.counts.Same++
		v.mirrors.saw(x.old.Version, true)
	}
	return found
}

// extras looks a page of new up in old: what is there at all has been compared from old's side.
func (v *verifying[K, V]) extras(ctx context.Context, pg *page[K, V], keys []K, found []suspect) ([]suspect, error) {
	for _, b := range pg.bad {
		if b.Foreign { // only the store knows what is meant
			pg.delta.find(undecodableIn(placeNew, b))
			continue
		}
		key, err := v.new.Keys().Parse(b.Key)
		if err != nil {
			return nil, &stores.Error{Op: opVerify, Place: placeNew, Key: stores.FormatKey(b.Key), Err: err}
		}
		keys = append(keys, key)
	}
	olds, err := v.read(ctx, v.old, keys, stores.GetMetas[K, V])
	if err != nil {
		return nil, err
	}
	for i, res := range olds {
		absent := errors.Is(res.Err, stores.ErrNotFound)
		s := suspect{canon: v.canonical(keys[i])}
		switch {
		case absent && i < len(pg.entries):
			s.old, s.new, s.seen = stores.Meta{Version: stores.Absent}, pg.entries[i].Record.Meta, true
			if s.new.Deleted {
				continue // see classify
			}
		case res.Err == nil || isUndecodable(res.Err):
			continue // it was found from old's side
		}
		found = append(found, s)
	}
	return found, nil
}

// settle looks at suspects until none is left.
func (v *verifying[K, V]) settle(ctx context.Context) error { return v.drain(ctx, 0) }

// drain looks at all suspects that are due, and waits for others as long as there are more than most.
func (v *verifying[K, V]) drain(ctx context.Context, most int) error {
	for {
		d, ok := v.suspects.wait()
		if !ok || d > 0 && v.suspects.len() <= most {
			return ctx.Err()
		}
		if d > 0 {
			if err := sleep(ctx, d); err != nil {
				return err
			}
		}
		if err := v.look(ctx, v.suspects.take(v.o.Batch)); err != nil {
			return err
		}
	}
}

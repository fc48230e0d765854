package dualwrite

import (
	"context"
	"fmt"
	"time"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// place is a store with the name that errors and events use.
type place[K, V any] struct {
	name  string
	store stores.Store[K, V]
}

// op is one operation of a caller on one key.
type op[K, V any] struct {
	r     *Repository[K, V]
	name  string
	key   K
	phase flags.Phase
	as    access
	// ctx is the caller's context until the operation may no longer be given up; see detach.
	ctx    context.Context
	cancel context.CancelFunc
}

func (o *op[K, V]) route() route { return routes[o.phase] }

// decider is the place that decides about the operation.
func (o *op[K, V]) decider() *place[K, V] { return o.r.place(o.route().decides) }

// detach takes the operation out of the caller's hands: from here on it ends when its outcome is known, or after the
// given time. The second call changes nothing.
func (o *op[K, V]) detach(most time.Duration) {
	if o.cancel == nil {
		o.ctx, o.cancel = context.WithTimeout(context.WithoutCancel(o.ctx), most)
	}
}

// detached tells whether the operation is out of its caller's hands: it is then pursued until its time is over.
func (o *op[K, V]) detached() bool { return o.cancel != nil }

// end gives back what detach took.
func (o *op[K, V]) end() {
	if o.cancel != nil {
		o.cancel()
	}
	o.r.running.leave(o.phase, o.as)
}

// get reads the record in a place; absence is a version.
func (o *op[K, V]) get(p *place[K, V]) (stores.Record[V], error) {
	rec, err := stores.OrAbsent(p.store.Get(o.ctx, o.key))
	if err != nil {
		return rec, o.fail(p, err)
	}
	if rec.Version.IsUnknown() {
		return rec, o.fail(p, fmt.Errorf("the store answered a record without a version: %w", stores.ErrPermanent))
	}
	return rec, nil
}

// next makes a version above all the given ones.
func (o *op[K, V]) next(after stores.Version) (stores.Version, error) {
	v, err := o.r.opts.Clock.Next(after)
	if err != nil {
		return v, o.fail(nil, err)
	}
	if o.r.isAhead(after, v) {
		o.observe(EventClockAhead, "", after, 0, nil)
	}
	return v, nil
}

// isAhead tells whether a stored version, from which next was made, is too far ahead of the local clock. Where the local
// clock decided about next, it is not, and the clock need not be asked again.
func (r *Repository[K, V]) isAhead(stored, next stores.Version) bool {
	s, stamped := stored.Stamp()
	n, _ := next.Stamp()
	return stamped && !n.Time().After(s.Time()) && s.Time().Sub(r.opts.Clock.Now()) > r.opts.MaxClockAhead
}

// pause waits before a repetition. Past the bound it answers ErrConflict.
func (o *op[K, V]) pause(attempt int) error {
	if attempt == 0 {
		return nil
	}
	if attempt >= o.r.opts.Attempts {
		return o.fail(nil, ErrConflict)
	}
	o.observe(EventRetry, "", stores.Unknown, attempt, nil)
	if err := o.r.opts.Backoff.Wait(o.ctx, attempt); err != nil {
		return o.fail(nil, err)
	}
	return nil
}

// fail wraps an error with the operation, once.
func (o *op[K, V]) fail(p *place[K, V], err error) error {
	name := ""
	if p != nil {
		name = p.name
	}
	return o.r.fail(o.name, name, o.key, err)
}

// indeterminate is the answer of an operation whose outcome can not be learned.
func (o *op[K, V]) indeterminate(p *place[K, V], v stores.Version, why error) error {
	o.observe(EventIndeterminate, p.name, v, 0, why)
	return o.fail(p, fmt.Errorf("%w: %w", ErrIndeterminate, cause{why}))
}

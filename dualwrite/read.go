package dualwrite

import (
	"context"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// read answers the record in the phase of the moment; it may be a tombstone or absent.
func (r *Repository[K, V]) read(ctx context.Context, name string, key K) (rec stores.Record[V], err error) {
	phase, err := r.enter(ctx, reading)
	if err != nil {
		return rec, r.fail(name, "", key, err)
	}
	if routes[phase].strict {
		return r.readBoth(ctx, name, phase, key)
	}
	o := op[K, V]{r: r, name: name, key: key, phase: phase, ctx: ctx}
	defer o.end()
	return o.get(o.decider())
}

// readBoth asks both places at once. If old is not ahead, what new holds is the answer; otherwise old's record is
// brought over first. (Its operation is shared with a goroutine; that of a plain read stays on the stack.)
func (r *Repository[K, V]) readBoth(ctx context.Context, name string, phase flags.Phase, key K) (stores.Record[V], error) {
	o := op[K, V]{r: r, name: name, key: key, phase: phase, ctx: ctx}
	defer o.end()
	old, now, err := o.getBoth()
	if err != nil {
		return now, err
	}
	if !old.Version.Newer(now.Version) {
		r.unblock(key)
		return now, nil
	}
	return o.resolve(old)
}

// getBoth reads the record in both places at the same time.
func (o *op[K, V]) getBoth() (old, now stores.Record[V], err error) {
	var both struct { // one thing to share, and not five
		old, now       stores.Record[V]
		oldErr, newErr error
	}
	together(
		func() { both.now, both.newErr = o.get(&o.r.new) },
		func() { both.old, both.oldErr = o.get(&o.r.old) },
	)
	if both.newErr != nil {
		return both.old, both.now, both.newErr
	}
	return both.old, both.now, both.oldErr
}

package dualwrite

import (
	"context"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// read answers the record in the phase of the moment; it may be a tombstone or absent.
func (r *Repository[K, V]) read(ctx context.Context, name string, key K) (rec stores.Record[V], err error) {
	phase, err := r.running.enter(ctx, r.phase, flags.Read)
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
	if err != nil || !old.Version.Newer(now.Version) {
		return now, err
	}
	now, _, err = o.resolve(old)
	return now, err
}

// getBoth reads the record in both places at the same time.
func (o *op[K, V]) getBoth() (old, now stores.Record[V], err error) {
	fromOld := inBackground(func() (stores.Record[V], error) { return o.get(&o.r.old) })
	now, newErr := o.get(&o.r.new)
	old, err = fromOld()
	if newErr != nil {
		err = newErr
	}
	return old, now, err
}

// inBackground runs fn in a goroutine of its own and returns the function that waits for it. A panic of fn is raised in
// the goroutine that waits, where the caller can recover it, instead of ending the process.
func inBackground[T any](fn func() (T, error)) (wait func() (T, error)) {
	type result struct {
		value    T
		err      error
		panicked any
	}
	done := make(chan result, 1)
	go func() {
		var res result
		defer func() {
			res.panicked = recover()
			done <- res
		}()
		res.value, res.err = fn()
	}()
	return func() (T, error) {
		res := <-done
		if res.panicked != nil {
			panic(res.panicked)
		}
		return res.value, res.err
	}
}

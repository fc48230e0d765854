package dualwrite

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// Item is a record as callers see it.
type Item[K, V any] struct {
	Key   K
	Value V
	// Version is the version that was read; PutMany does not look at it.
	Version stores.Version
}

// Result is the answer for one key of [Repository.GetMany].
type Result[V any] struct {
	Value   V
	Version stores.Version
	// Err is what Get would have answered for this key.
	Err error
}

// WriteResult is the answer for one key of [Repository.PutMany] and [Repository.DeleteMany].
type WriteResult struct {
	Version stores.Version
	// Err is what Put or Delete would have answered for this key.
	Err error
}

// GetMany reads many keys and answers each in the order of the arguments, as Get would; all in the same phase. The error
// is nil if every key was answered with a value or ErrNotFound; otherwise it says how many were not, and the first
// cause; the results that are there are right all the same.
func (r *Repository[K, V]) GetMany(ctx context.Context, keys []K) ([]Result[V], error) {
	const name = "get many"
	phase, err := r.enter(ctx, reading)
	if err != nil {
		return nil, &Error{Op: name, Err: err}
	}
	defer r.running.leave(phase, reading)
	recs, err := r.getMany(ctx, name, phase, keys)
	if err != nil {
		return nil, err
	}
	results := make([]Result[V], len(keys))
	var t tally
	for i, rec := range recs {
		switch {
		case rec.Err != nil:
			results[i].Err = t.add(rec.Err)
		case !rec.Record.Live():
			results[i].Err = r.fail(name, "", keys[i], ErrNotFound)
		default:
			results[i] = Result[V]{Value: rec.Record.Value, Version: rec.Record.Version}
		}
	}
	return results, t.err(name, len(keys))
}

// getMany reads keys as the phase says; absence is a version, and errors are wrapped.
func (r *Repository[K, V]) getMany(ctx context.Context, name string, phase flags.Phase, keys []K) ([]stores.Result[V], error) {
	if !routes[phase].strict {
		return r.getManyFrom(ctx, name, r.place(routes[phase].decides), keys)
	}
	var recs, olds []stores.Result[V]
	var err, oldErr error
	together(
		func() { recs, err = r.getManyFrom(ctx, name, &r.new, keys) },
		func() { olds, oldErr = r.getManyFrom(ctx, name, &r.old, keys) },
	)
	if err = errors.Join(err, oldErr); err != nil {
		return nil, err
	}
	for i := range recs {
		r.catchUp(ctx, name, phase, keys[i], olds[i], &recs[i])
	}
	return recs, nil
}

// catchUp turns what was read from new into the answer of a strict read, given what was read from old.
func (r *Repository[K, V]) catchUp(ctx context.Context, name string, phase flags.Phase, key K, old stores.Result[V], answer *stores.Result[V]) {
	switch {
	case answer.Err != nil:
	case old.Err != nil:
		answer.Err = old.Err
	case old.Record.Version.Newer(answer.Record.Version):
		o := op[K, V]{r: r, name: name, key: key, phase: phase, ctx: ctx}
		answer.Record, answer.Err = o.resolve(old.Record)
	default:
		r.unblock(key)
	}
}

func (r *Repository[K, V]) getManyFrom(ctx context.Context, name string, p *place[K, V], keys []K) ([]stores.Result[V], error) {
	recs, err := stores.GetMany(ctx, p.store, keys)
	if err != nil {
		return nil, &Error{Op: name, Place: p.name, Err: err}
	}
	for i := range recs {
		recs[i].Record, recs[i].Err = stores.OrAbsent(recs[i].Record, recs[i].Err)
		if recs[i].Err != nil {
			recs[i].Err = r.fail(name, p.name, keys[i], recs[i].Err)
		}
	}
	return recs, nil
}

// PutMany stores many values, each as Put would and with an answer of its own, in the order of the arguments. Items of
// the same key are written one after the other. The error is nil if every one was stored; otherwise it says how many
// were not, and the first cause.
func (r *Repository[K, V]) PutMany(ctx context.Context, items []Item[K, V]) ([]WriteResult, error) {
	return r.eachKey("put many", len(items), func(i int) K { return items[i].Key }, func(i int) (stores.Version, error) {
		return r.write(ctx, "put many", items[i].Key, &change[V]{kind: changePut, value: items[i].Value})
	})
}

// DeleteMany removes many records, each as Delete would and with an answer of its own. The error is as for PutMany.
func (r *Repository[K, V]) DeleteMany(ctx context.Context, keys []K) ([]WriteResult, error) {
	return r.eachKey("delete many", len(keys), func(i int) K { return keys[i] }, func(i int) (stores.Version, error) {
		return r.write(ctx, "delete many", keys[i], &change[V]{kind: changeDelete})
	})
}

// eachKey calls fn for 0 … n-1, BatchConcurrency of them at a time and those of one key in order.
func (r *Repository[K, V]) eachKey(name string, n int, key func(i int) K, fn func(i int) (stores.Version, error)) ([]WriteResult, error) {
	results := make([]WriteResult, n)
	lanes := make([][]int, min(n, r.opts.BatchConcurrency))
	seed := maphash.MakeSeed()
	var buf []byte
	for i := range n {
		var err error
		if buf, err = r.old.store.Keys().Append(buf[:0], key(i)); err != nil {
			results[i].Err = r.fail(name, "", key(i), err)
			continue
		}
		lane := maphash.Bytes(seed, buf) % uint64(len(lanes))
		lanes[lane] = append(lanes[lane], i)
	}
	work := make([]func(), len(lanes))
	for l, lane := range lanes {
		work[l] = func() {
			for _, i := range lane {
				results[i].Version, results[i].Err = fn(i)
			}
		}
	}
	together(work...)
	var t tally
	for _, res := range results {
		if res.Err != nil {
			_ = t.add(res.Err)
		}
	}
	return results, t.err(name, n)
}

// tally makes one error of many.
type tally struct {
	failed int
	first  error
}

func (t *tally) add(err error) error {
	t.failed++
	if t.first == nil {
		t.first = err
	}
	return err
}

func (t *tally) err(name string, of int) error {
	if t.failed == 0 {
		return nil
	}
	return &Error{Op: name, Err: fmt.Errorf("%d of %d keys failed, the first: %w", t.failed, of, t.first)}
}

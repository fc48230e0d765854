package dualwritetest

import (
	"context"
	"errors"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// cancelledBefore: whoever has given up already gets the context's error, and nothing happens.
func cancelledBefore[K, V any](f *fixture[K, V]) {
	version := f.put(0, 1)
	f.point()
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	_, err := f.Get(ctx, f.key(0))
	f.wantErr(err, 0, context.Canceled)
	v, err := f.Put(ctx, f.key(0), f.value(0, 2))
	f.wantRefused(v, err, 0, context.Canceled)
	v, err = f.Create(ctx, f.key(1), f.value(1, 2))
	f.wantRefused(v, err, 1, context.Canceled)
	v, err = f.Update(ctx, f.key(0), f.increment(0))
	f.wantRefused(v, err, 0, context.Canceled)
	v, err = f.PutIf(ctx, f.key(0), f.value(0, 2), version)
	f.wantRefused(v, err, 0, context.Canceled)
	f.wantErr(f.Delete(ctx, f.key(0)), 0, context.Canceled)
	if _, err := f.GetMany(ctx, []K{f.key(0)}); !errors.Is(err, context.Canceled) {
		f.Errorf("get many: %v", err)
	}
	results, err := f.PutMany(ctx, []dualwrite.Item[K, V]{{Key: f.key(0), Value: f.value(0, 2)}})
	if !errors.Is(err, context.Canceled) || len(results) != 1 || !errors.Is(results[0].Err, context.Canceled) {
		f.Errorf("put many: %v, %v", results, err)
	}
	n := 0
	for _, err := range f.Scan(ctx) {
		if n++; !errors.Is(err, context.Canceled) {
			f.Errorf("scan: %v", err)
		}
	}
	if n != 1 {
		f.Errorf("a scan that was given up yields %d times", n)
	}
	if v := f.want(0, 1); !v.Same(version) {
		f.Error("a write was carried out that had been given up before it began")
	}
	f.wantNone(1)
}

// cancelledBetween: whoever gives up when the first of two writes is done is told what became of both, and nothing is
// left half done.
func cancelledBetween[K, V any](f *fixture[K, V]) {
	f.put(0, 1)
	f.put(1, 1)
	f.point()
	giveUp := func(do func(ctx context.Context, r *dualwrite.Repository[K, V]) error) {
		f.Helper()
		ctx, cancel := context.WithCancel(f.Context())
		defer cancel()
		r := f.over(watched[K, V]{stores.Forward[K, V]{Store: f.old}, cancel}, watched[K, V]{stores.Forward[K, V]{Store: f.new}, cancel}, f.phase)
		if err := do(ctx, r); err != nil {
			f.Errorf("%v: a write that is stored answers %v", f.phase.get(), err)
		}
		if ctx.Err() == nil {
			f.Error("nothing was written")
		}
	}
	giveUp(func(ctx context.Context, r *dualwrite.Repository[K, V]) error {
		_, err := r.Update(ctx, f.key(0), f.increment(0))
		return err
	})
	giveUp(func(ctx context.Context, r *dualwrite.Repository[K, V]) error { return r.Delete(ctx, f.key(1)) })
	giveUp(func(ctx context.Context, r *dualwrite.Repository[K, V]) error {
		_, err := r.Put(ctx, f.key(2), f.value(2, 3))
		return err
	})
	if p := f.phase.get(); p == flags.ReadOldWriteBoth || p == flags.ReadNewWriteBoth {
		for i := range 3 {
			f.wantInStep(i)
		}
	}
	f.want(0, 2)
	f.wantNone(1)
	f.want(2, 3)
}

// wantInStep checks that both places hold the same version of a record, without bringing anything over.
func (f *fixture[K, V]) wantInStep(key int) {
	f.Helper()
	inOld, err := stores.OrAbsent(f.old.Get(f.Context(), f.key(key)))
	if err != nil {
		f.Fatal(err)
	}
	inNew, err := stores.OrAbsent(f.new.Get(f.Context(), f.key(key)))
	if err != nil {
		f.Fatal(err)
	}
	if !inOld.Version.Same(inNew.Version) {
		f.Errorf("%v: record %d has version %v in old and %v in new", f.phase.get(), key, inOld.Version, inNew.Version)
	}
}

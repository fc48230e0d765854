package copier_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// writer writes as an instance in read-old/write-both does, as far as a copy can tell: old decides, then new is
// mirrored. It remembers the last version of each key that old acknowledged.
type writer struct {
	clock *stores.Clock
	old   stores.Store[string, user]
	new   stores.Store[string, user]
}

// update writes one key, or deletes it. false: the key moved meanwhile.
func (w *writer) update(ctx context.Context, key, name string, remove bool) (stores.Record[user], bool, error) {
	was, err := stores.OrAbsent(w.old.Get(ctx, key))
	if err != nil {
		return was, false, err
	}
	t, err := w.clock.Next(was.Version)
	if err != nil {
		return was, false, err
	}
	r := stores.Record[user]{Meta: stores.Meta{Version: t, Prev: was.Version, Deleted: remove}}
	if !remove {
		r.Value.Name = name
	}
	var refused *stores.ConditionError
	err = w.old.Put(ctx, stores.Write[string, user]{Key: key, Record: r, If: stores.IfStamp(was.Version)})
	if errors.As(err, &refused) {
		return r, false, nil
	}
	if err == nil {
		err = w.new.Put(ctx, stores.Write[string, user]{Key: key, Record: r, If: stores.IfOlder(t)})
		if errors.As(err, &refused) {
			err = nil // something newer is there
		}
	}
	return r, err == nil, err
}

// Nothing is lost or comes back when a copy runs beside writers that create, change and delete. (Regressions 1, 2, 21.)
func TestCopyBesideLiveWriters(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	const keys = 600
	old, new := newMem(t), newMem(t)
	fill(t, old, keys/2)
	stop := make(chan struct{})
	last := make([]map[string]stores.Record[user], 4)
	var wg sync.WaitGroup
	for w := range last {
		last[w] = make(map[string]stores.Record[user])
		rng := rand.New(rand.NewPCG(seed, uint64(w)))
		wr := &writer{clock: newClock(t), old: old, new: new}
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key := keyOf(rng.IntN(keys))
				r, ok, err := wr.update(t.Context(), key, fmt.Sprint(w, " ", i), rng.IntN(3) == 0)
				if err != nil {
					t.Error(err)
					return
				}
				if ok {
					last[w][key] = r
				}
			}
		})
	}
	for range 20 {
		o := &copier.CopyOptions[user]{PassOptions: copier.PassOptions{Batch: 1 + rand.IntN(50), Workers: 3}}
		if r, err := copier.Copy(t.Context(), old, new, o); err != nil || !r.Clean() {
			t.Errorf("%v %v", err, r.Reasons())
		}
	}
	close(stop)
	wg.Wait()
	mustBeClean(t, old, new)
	for _, acknowledged := range last {
		for key, want := range acknowledged {
			got, err := new.Get(t.Context(), key)
			if err != nil || want.Version.Newer(got.Version) {
				t.Fatalf("%s: new has %v (%v), %v was acknowledged", key, got.Version, err, want.Version)
			}
		}
	}
}

// A worker that paused with a batch in its hands sends it when another copy has long ended and the records have moved on:
// it overwrites nothing, and brings nothing back. (Regression 21.)
func TestALateBatchChangesNothing(t *testing.T) {
	t.Parallel()
	old, inner := newMem(t), newMem(t)
	fill(t, old, 100)
	w := &writer{clock: newClock(t), old: old, new: inner}
	var want map[string]stores.Record[user]
	new := storefault.New[string, user](inner, &storefault.Options{Before: func(ctx context.Context, c storefault.Call) error {
		if c.Op != storefault.OpPutMany || want != nil {
			return nil
		}
		if _, err := copier.Copy(ctx, old, inner, nil); err != nil {
			t.Error(err)
		}
		for i := range 100 {
			if _, ok, err := w.update(ctx, keyOf(i), "live", i%2 == 0); !ok {
				t.Errorf("%s was not written: %v", keyOf(i), err)
			}
		}
		want = dump(t, inner)
		return nil
	}})
	r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: copier.PassOptions{Workers: 1}})
	if err != nil || len(want) != 100 || r.Applied != 0 || r.AlreadyThere != 100 {
		t.Fatalf("%v %+v", err, r)
	}
	if diff := cmp.Diff(want, dump(t, inner), versions); diff != "" {
		t.Error(diff)
	}
}

// Verify beside live writers finds nothing, as nothing is wrong: what differs is in flight, for a shorter time than the grace.
// (Regression 9.)
func TestVerifyBesideLiveWritersIsClean(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, new := newMem(t), newMem(t)
		fill(t, old, 2000)
		if _, err := copier.Copy(t.Context(), old, new, nil); err != nil {
			t.Fatal(err)
		}
		late := storefault.New[string, user](new, &storefault.Options{Before: func(ctx context.Context, _ storefault.Call) error {
			sleepy(ctx, time.Millisecond)
			return nil
		}})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		writes := 0
		for w := range 3 {
			wr := &writer{clock: newClock(t), old: old, new: late}
			wg.Go(func() {
				for i := 0; sleepy(ctx, 10*time.Microsecond); i++ {
					if _, _, err := wr.update(t.Context(), keyOf((700*w+i)%2100), fmt.Sprint(w, i), i%7 == 0); err != nil {
						t.Error(err)
						return
					}
					if w == 0 {
						writes++
					}
				}
			})
		}
		o := &copier.VerifyOptions[user]{PassOptions: copier.PassOptions{Batch: 20, Rate: 4000}, Grace: 5 * time.Millisecond, Rounds: 50}
		r, err := copier.Verify(t.Context(), old, new, o)
		stop()
		wg.Wait()
		if err != nil || !r.Clean() || writes < 100 {
			t.Fatalf("%v %v %v beside %d writes of one writer", err, r.Reasons(), r.Findings, writes)
		}
	})
}

// Regression 25: records that keep coming at the end do not keep the pass from ending, even with a rate limit below the
// rate at which they come.
func TestCopyEndsAlthoughRecordsKeepComing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, new := newMem(t), newMem(t)
		const before = 2000
		for i := range before {
			force(t, old, keyOf(i), record(stores.Unstamped, stores.Unknown, "plain"))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			clock := newClock(t)
			for i := before; sleepy(ctx, time.Millisecond); i++ {
				live := record(next(t, clock), stores.Absent, "live")
				force(t, old, keyOf(i), live)
				force(t, new, keyOf(i), live)
			}
		})
		r, err := copier.Copy(ctx, old, new, &copier.CopyOptions[user]{PassOptions: copier.PassOptions{Workers: 1, Rate: 400}})
		cancel()
		wg.Wait()
		if err != nil || r.Read < before || !r.Finished {
			t.Fatalf("%v %+v", err, r.Counts)
		}
	})
}

// sleepy sleeps; false if the context ended meanwhile.
func sleepy(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

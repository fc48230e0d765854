package copier_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// service rewrites random records of old, one each millisecond, and mirrors them to new a little later, unless missed says
// that the mirror of a write fails. It is called once a write.
func service(ctx context.Context, t *testing.T, old, new stores.Store[string, user], n int, missed func(i int) bool) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	clock, rng := newClock(t), rand.New(rand.NewPCG(1, 2))
	wg.Go(func() {
		for i := 0; sleepy(ctx, time.Millisecond); i++ {
			key, miss := keyOf(rng.IntN(n)), missed(i)
			was, err := old.Get(t.Context(), key)
			if err != nil {
				t.Error(err)
				return
			}
			rec := record(next(t, clock, was.Version), was.Version, "live")
			force(t, old, key, rec)
			time.Sleep(3 * time.Millisecond)
			if miss {
				continue
			}
			err = new.Put(t.Context(), stores.Write[string, user]{Key: key, Record: rec, If: stores.IfOlder(rec.Version)})
			if o, _ := stores.OutcomeOf(err); err != nil && o != stores.OutcomeRefused && !errors.Is(err, stores.ErrTransient) {
				t.Error(err)
			}
		}
	})
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

func always(int) bool { return true }

const served = 20_000 // records

// seed stores n records from before the SDK in each place.
func seed(t *testing.T, n int, places ...*mem) {
	for _, s := range places {
		for i := range n {
			force(t, s, keyOf(i), record(stores.Unstamped, stores.Unknown, "plain"))
		}
	}
}

// A copy or a verify that was begun before the services mirror says so within seconds, and not at its end.
func TestServicesThatDoNotMirrorAreNoticedEarly(t *testing.T) {
	t.Parallel()
	po := copier.PassOptions{Rate: 500, Batch: 100}
	for op, run := range map[string]func(ctx context.Context, old, new *mem) (copier.Report, error){
		"copy": func(ctx context.Context, old, new *mem) (copier.Report, error) {
			return copier.Copy(ctx, old, new, &copier.CopyOptions[user]{PassOptions: po})
		},
		"copy and verify": func(ctx context.Context, old, new *mem) (copier.Report, error) {
			r, _, err := copier.CopyAndVerify(ctx, old, new, &copier.CopyAndVerifyOptions[user]{PassOptions: po})
			return r, err
		},
		"verify": func(ctx context.Context, old, new *mem) (copier.Report, error) {
			seed(t, served, new)
			return copier.Verify(ctx, old, new, &copier.VerifyOptions[user]{PassOptions: po})
		},
	} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				old, new := newMem(t), newMem(t)
				seed(t, served, old)
				began := time.Now()
				stop := service(t.Context(), t, old, new, served, always)
				r, err := run(t.Context(), old, new)
				stop()
				mustBe(t, err, copier.ErrNotMirrored)
				if took := time.Since(began); took > 20*time.Second || r.Read > served/2 || r.Unmirrored < 50 || r.Clean() {
					t.Errorf("after %v: %+v", took, r.Counts)
				}
				if !strings.Contains(err.Error(), "old-only") {
					t.Errorf("it does not say why: %v", err)
				}
			})
		})
	}
}

// Services that mirror are never taken for some that do not: not if they miss a third of the mirrors, nor after an outage
// of new in which they missed all.
func TestServicesThatMirrorAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		missed func(i int) bool
		outage bool
	}{
		"all mirrored":      {missed: func(int) bool { return false }},
		"one in three lost": {missed: func(i int) bool { return i%3 == 0 }},
		"an outage":         {missed: func(int) bool { return false }, outage: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				old, inner := newMem(t), newMem(t)
				seed(t, served, old)
				began := time.Now()
				new := storefault.New(inner, &storefault.Options{Before: func(context.Context, storefault.Call) error {
					if at := time.Since(began); tc.outage && at > 100*time.Millisecond && at < 15*time.Second {
						return stores.Transient(errors.New("away"))
					}
					return nil
				}})
				stop := service(t.Context(), t, old, new, served, tc.missed)
				o := &copier.CopyAndVerifyOptions[user]{PassOptions: copier.PassOptions{Rate: 1000, Batch: 100, Attempts: 100}, Passes: 1}
				_, verified, err := copier.CopyAndVerify(t.Context(), old, new, o)
				stop()
				if err != nil || !verified.Finished {
					t.Errorf("%v %+v", err, verified.Counts)
				}
			})
		})
	}
}

// A pass that ended as the services did not mirror goes on when they do.
func TestAPassGoesOnWhenTheServicesMirror(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, new := newMem(t), newMem(t)
		seed(t, served, old)
		o := &copier.CopyAndVerifyOptions[user]{Resume: copier.Resume{Checkpoint: &memoryCheckpoint{}, Job: "j"}}
		o.Rate, o.Batch = 2000, 100
		stop := service(t.Context(), t, old, new, served, always)
		_, _, err := copier.CopyAndVerify(t.Context(), old, new, o)
		mustBe(t, err, copier.ErrNotMirrored)
		stop()
		stop = service(t.Context(), t, old, new, served, func(int) bool { return false })
		copied, verified, err := copier.CopyAndVerify(t.Context(), old, new, o)
		stop()
		if err != nil || copied.Resumed != 1 || !verified.Clean() {
			t.Errorf("%v\n%q\n%q", err, copied.Reasons(), verified.Reasons())
		}
		mustBeClean(t, old, new)
	})
}

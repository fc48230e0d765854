package dualwrite_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// Drained is what a gate waits for before the next step: an operation that began in the phase before keeps it waiting,
// whatever else goes on.
func TestDrainedUnderLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, phaseA, nil)
		r.old.fault.SetRules(storefault.Always(storefault.Fault{
			Kind: storefault.Slow, Delay: 10 * time.Second,
			Only: func(it storefault.Item) bool { return string(it.Key) == "slow" },
		}, storefault.OpPut))
		begun := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := r.Put(t.Context(), "slow", account{}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		r.phase.set(phaseB)
		for i := range 4 {
			wg.Go(func() { // load in the phase that follows
				for time.Since(begun) < 15*time.Second {
					if _, err := r.Upsert(t.Context(), keyText(i), func(a *account, _ bool) error { return addOne(a) }); err != nil {
						t.Error(err)
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		if n := r.Status().InFlight[phaseA]; n != 1 {
			t.Errorf("%d operations in flight in the phase before", n)
		}
		short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := r.Drained(short, phaseA); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		if err := r.Drained(t.Context(), phaseA); err != nil || time.Since(begun) != 10*time.Second {
			t.Errorf("drained: %v after %v, the operation takes 10 s", err, time.Since(begun))
		}
		wg.Wait()
	})
}

// Close refuses what comes and waits for what runs; giving up on it changes nothing, and it may be called again.
func TestCloseUnderLoad(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, p, nil)
			r.both(0)
			for _, place := range []*place{r.old, r.new} {
				place.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.Slow, Delay: 300 * time.Millisecond}))
			}
			done, refused := 0, 0
			var mu sync.Mutex
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for range 1000 {
						_, err := r.Put(t.Context(), "k", account{})
						mu.Lock()
						if errors.Is(err, dualwrite.ErrClosed) {
							refused++
						} else if done++; err != nil {
							t.Errorf("%v: %v", p, err)
						}
						mu.Unlock()
						if errors.Is(err, dualwrite.ErrClosed) {
							return
						}
					}
				})
			}
			time.Sleep(3100 * time.Millisecond)
			short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if err := r.Close(short); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v: operations run, but Close answers %v", p, err)
			}
			for range 2 {
				if err := r.Close(t.Context()); err != nil {
					t.Errorf("%v: %v", p, err)
				}
				calls := r.old.fault.Calls() + r.new.fault.Calls()
				time.Sleep(time.Minute)
				if n := r.old.fault.Calls() + r.new.fault.Calls(); n != calls {
					t.Errorf("%v: %d store calls after Close", p, n-calls)
				}
			}
			wg.Wait()
			if done < 8 || refused != 8 {
				t.Errorf("%v: %d done, %d refused", p, done, refused)
			}
		})
	}
}

// A query of the caller's own counts as running, too, and so does a scan that somebody is in the middle of.
func TestQueriesAndScansAreWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseA, nil)
	r.both(1)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := dualwrite.Read(t.Context(), r.repo, func(context.Context) (int, error) {
		if err := r.Drained(ended, phaseA); !errors.Is(err, context.Canceled) {
			t.Errorf("during a query: %v", err)
		}
		return 0, nil
	}, readNothing)
	if err != nil {
		t.Error(err)
	}
	n := 0
	for range r.Scan(t.Context()) { //nolint:errcheck // counted
		n++
		if err := r.Drained(ended, phaseA); !errors.Is(err, context.Canceled) {
			t.Errorf("during a scan: %v", err)
		}
	}
	if err := r.Drained(t.Context(), phaseA); err != nil || n != 1 {
		t.Errorf("%v after %d records", err, n)
	}
}

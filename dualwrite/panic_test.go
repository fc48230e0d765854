package dualwrite_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// A store that panics must do so where the caller can recover it (every HTTP server does), and with nothing of the
// operation still running.
func TestPanicReachesTheCaller(t *testing.T) {
	t.Parallel()
	keys := []string{"a", "b", "c", "d", "e"}
	operations := map[string]func(ctx context.Context, r *rig){
		"get":      func(ctx context.Context, r *rig) { _, _ = r.Get(ctx, "a") },
		"get many": func(ctx context.Context, r *rig) { _, _ = r.GetMany(ctx, keys) },
		"put":      func(ctx context.Context, r *rig) { _, _ = r.Put(ctx, "a", account{}) },
		"put many": func(ctx context.Context, r *rig) {
			_, _ = r.PutMany(ctx, []dualwrite.Item[string, account]{{Key: "a"}, {Key: "b"}})
		},
		"delete many": func(ctx context.Context, r *rig) { _, _ = r.DeleteMany(ctx, keys) },
		"scan": func(ctx context.Context, r *rig) {
			for range r.Scan(ctx) { //nolint:errcheck // it panics
			}
		},
	}
	for name, do := range operations {
		for _, place := range []string{"old", "new"} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, phaseB, nil)
				r.plant(r.old, "a", live(r.stamp(), 1))
				broken, slow := r.old, r.new
				if place == "new" {
					broken, slow = r.new, r.old
				}
				broken.before = func(context.Context, storefault.Call) error { panic("broken") }
				slow.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.Slow, Delay: time.Second}))
				var running atomic.Int32
				slow.before = func(context.Context, storefault.Call) error { running.Add(1); return nil }
				slow.after = func(context.Context, storefault.Call, error) error { running.Add(-1); return nil }

				got := recovered(func() { do(t.Context(), r) })
				if got != "broken" {
					t.Errorf("%s, %s panics: the caller recovers %v", name, place, got)
				}
				if n := running.Load(); n != 0 {
					t.Errorf("%s, %s panics: %d calls still running", name, place, n)
				}
				if n := r.Status().InFlight; len(n) != 0 {
					t.Errorf("%s, %s panics: %v in flight", name, place, n)
				}
			})
		}
	}
}

func recovered(fn func()) (what any) {
	defer func() { what = recover() }()
	fn()
	return nil
}

// panicky is a source, or a gate, that panics once.
type panicky struct {
	flags.Source
	asked, at int
}

func (p *panicky) tick() {
	if p.asked++; p.asked == p.at {
		panic("source")
	}
}

func (p *panicky) Phase(ctx context.Context) (flags.Phase, error) {
	p.tick()
	return p.Source.Phase(ctx)
}

func (p *panicky) WritesRefused() error { p.tick(); return nil }

// A flag that panics leaves no operation counted that is not running: Close would wait for it for ever.
func TestSourceThatPanics(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 3; at++ {
		r, err := dualwrite.New[string, account](newPlace(t).fault, newPlace(t).fault, &panicky{Source: flags.Static(flags.OldOnly), at: at}, nil)
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("question %d: the panic did not reach the caller", at)
				}
			}()
			_, _ = r.Put(t.Context(), "k", account{})
		}()
		if n := r.Status().InFlight; len(n) != 0 {
			t.Errorf("question %d: in flight are %v", at, n)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel() // there is nothing to wait for
		if err := r.Close(ended); err != nil {
			t.Errorf("question %d: close: %v", at, err)
		}
	}
}

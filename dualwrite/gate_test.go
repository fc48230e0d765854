package dualwrite_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/flags/flagtest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// While a gate refuses writes, none has an effect and each says why; reads go on.
func TestWritesAreRefused(t *testing.T) {
	t.Parallel()
	frozen := errors.New("frozen")
	for _, p := range phases {
		r := newRig(t, p, nil)
		r.both(7)
		source := flagtest.NewSource(p)
		repo := r.instance(source)
		source.RefuseWrites(frozen)
		calls := r.old.fault.Calls() + r.new.fault.Calls()
		for name, write := range map[string]func() error{
			"put":    func() error { _, err := repo.Put(t.Context(), "k", account{}); return err },
			"create": func() error { _, err := repo.Create(t.Context(), "k", account{}); return err },
			"update": func() error { _, err := repo.Update(t.Context(), "k", addOne); return err },
			"upsert": func() error {
				_, err := repo.Upsert(t.Context(), "k", func(*account, bool) error { return nil })
				return err
			},
			"put if":    func() error { _, err := repo.PutIf(t.Context(), "k", account{}, stores.Unstamped); return err },
			"delete":    func() error { return repo.Delete(t.Context(), "k") },
			"delete if": func() error { return repo.DeleteIf(t.Context(), "k", stores.Unstamped) },
			"put many": func() error {
				res, _ := repo.PutMany(t.Context(), []dualwrite.Item[string, account]{{Key: "k"}})
				return res[0].Err
			},
		} {
			r.wantErr(write(), "", "k", frozen)
			if n := r.old.fault.Calls() + r.new.fault.Calls(); n != calls {
				t.Errorf("%v, %s: %d store calls", p, name, n-calls)
			}
		}
		r.wantBalance(repo, "k", 7)
		if s := repo.Status(); s.WritesRefused != "frozen" || s.Phase != p || s.PhaseErr != "" || len(s.InFlight) != 0 {
			t.Errorf("%v: %+v", p, s)
		}
		source.RefuseWrites(nil)
		if _, err := repo.Update(t.Context(), "k", addOne); err != nil {
			t.Errorf("%v, no longer refused: %v", p, err)
		}
		if s := repo.Status(); s.WritesRefused != "" {
			t.Errorf("%v: %+v", p, s)
		}
	}
}

// Readers of a phase that stays in force never end; that writes have ended can be known all the same.
func TestDrainedWritesUnderReaders(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, p, nil)
			r.both(0)
			for _, place := range []*place{r.old, r.new} {
				place.fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.Slow, Delay: 2 * time.Millisecond}, storefault.OpGet),
					storefault.Always(storefault.Fault{Kind: storefault.Slow, Delay: 500 * time.Millisecond}, storefault.OpPut))
			}
			source := flagtest.NewSource(p)
			repo := r.instance(source)
			begun := time.Now()
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					time.Sleep(time.Duration(i) * 250 * time.Microsecond)
					for time.Since(begun) < 10*time.Second {
						r.wantBalance(repo, "k", 0)
					}
				})
			}
			wg.Go(func() {
				if _, err := repo.Put(t.Context(), "another", account{}); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(5 * time.Millisecond)
			source.RefuseWrites(errors.New("frozen"))
			if s := repo.Status(); s.WritesInFlight[p] != 1 || s.InFlight[p] < 8 {
				t.Errorf("%v: %v in flight, writes %v", p, s.InFlight, s.WritesInFlight)
			}
			if err := repo.DrainedWrites(t.Context(), p); err != nil || time.Since(begun) < 500*time.Millisecond || time.Since(begun) > 2*time.Second {
				t.Errorf("%v: %v after %v, the write takes half a second and more", p, err, time.Since(begun))
			}
			short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if err := repo.Drained(short, p); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v: readers run, but Drained answers %v", p, err)
			}
			wg.Wait()
			if err := repo.Drained(t.Context(), p); err != nil {
				t.Errorf("%v: %v", p, err)
			}
		})
	}
}

// asking is a source whose gate is a function.
type asking struct {
	flags.Static
	gate func() error
}

func (a asking) WritesRefused() error { return a.gate() }

// A write is counted before the gate is asked: whoever closes the gate, and sees that no write runs after that, can be sure.
func TestTheGateIsAskedOfAWriteThatCounts(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var repo *repo
	asked := 0
	r := newRig(t, phaseO, nil)
	repo = r.instance(asking{flags.Static(phaseO), func() error {
		asked++
		if err := repo.DrainedWrites(ended, phaseO); !errors.Is(err, context.Canceled) {
			t.Errorf("the gate is asked of a write that does not count as running: %v", err)
		}
		return nil
	}})
	if _, err := repo.Put(t.Context(), "k", account{}); err != nil || asked == 0 {
		t.Errorf("%v, asked %d times", err, asked)
	}
	if err := repo.DrainedWrites(t.Context(), phaseO); err != nil {
		t.Error(err)
	}
	if err := repo.DrainedWrites(t.Context(), 0); !errors.Is(err, dualwrite.ErrPhaseUnknown) {
		t.Errorf("no phase: %v", err)
	}
}

// The flag walks on a little too fast, and an instance that looks at it seldom has missed a step. It stays two phases behind,
// where what it writes is lost: so it stops to write, and says so to everybody.
func TestALateInstanceStopsToWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, phaseO, nil)
		r.both(0)
		p := flagtest.NewProvider(nil)
		p.DropEvents(true)
		p.Set("flag", flags.OldOnly.String())
		source, err := flags.NewOpenFeature(t.Context(), flagtest.NewClient(t, p), "flag", &flags.Options{Refresh: 25 * time.Second, StaleAfter: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		late := r.instance(source)
		time.Sleep(time.Second) // the events of the start
		for _, phase := range phases[1:3] {
			p.Set("flag", phase.String())
			time.Sleep(time.Second)
		}
		lastAcknowledged := time.Now()
		for range 3600 {
			time.Sleep(time.Second)
			if _, err = late.Update(t.Context(), "k", addOne); err == nil {
				lastAcknowledged = time.Now()
			}
			if _, err := late.Get(t.Context(), "k"); err != nil {
				t.Fatalf("reads go on: %v", err)
			}
		}
		r.wantErr(err, "", "k", dualwrite.ErrPhaseUnknown)
		if ago := time.Since(lastAcknowledged); ago < 58*time.Minute {
			t.Errorf("it has acknowledged writes until %v ago", ago)
		}
		if s := late.Status(); s.Phase != phaseO || !strings.Contains(s.WritesRefused, "read-new/write-both") {
			t.Errorf("%+v", s)
		}
	})
}

func TestAGateDoesNotAllocate(t *testing.T) {
	r, _, _ := over(t, flags.OldOnly, false)
	gated, err := dualwrite.New[string, account](&noop{}, &noop{}, flagtest.NewSource(flags.OldOnly), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, repo := range map[string]*repo{"without": r, "with": gated} {
		if n := testing.AllocsPerRun(200, func() {
			if _, err := repo.Put(context.Background(), "k", account{}); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("a put %s a gate: %v allocations", name, n)
		}
	}
}

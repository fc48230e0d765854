package copier_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
)

// Regression 26: the limit is for all workers together.
func TestRateIsForAllWorkersTogether(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 8} {
		synctest.Test(t, func(t *testing.T) {
			old, new := newMem(t), newMem(t)
			fill(t, old, 1000)
			time.Sleep(time.Second) // the stamps are from before the pass
			began := time.Now()
			o := copier.PassOptions{Workers: workers, Rate: 100, Batch: 50}
			r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: o})
			if err != nil || !r.Clean() {
				t.Fatalf("%v %+v", err, r)
			}
			if took := time.Since(began); took < 9900*time.Millisecond || took > 10100*time.Millisecond {
				t.Errorf("%d workers took %v for 1000 records at 100/s", workers, took)
			}
		})
	}
}

func TestThrottleFollowsAndPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, new := newMem(t), newMem(t)
		fill(t, old, 1000)
		time.Sleep(time.Second)
		began := time.Now()
		asked := 0
		throttle := func() float64 { // 100/s for 5 s, nothing for 10 s, then as fast as Rate allows
			asked++
			switch d := time.Since(began); {
			case d < 5*time.Second:
				return 100
			case d < 15*time.Second:
				return 0
			case asked%2 == 0:
				return math.Inf(1)
			default:
				return 1e6
			}
		}
		o := copier.PassOptions{Throttle: throttle, Rate: 500, Batch: 20}
		r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: o})
		if err != nil || !r.Clean() {
			t.Fatalf("%v %+v", err, r)
		}
		if took := time.Since(began); took < 15500*time.Millisecond || took > 16500*time.Millisecond {
			t.Errorf("took %v, want about 16 s", took)
		}
		if asked > 170 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// pages notes how many writes a store gets at a time, each of which takes a while.
type pages struct {
	*mem
	takes time.Duration
	mu    sync.Mutex
	sizes []int
}

func (s *pages) PutMany(ctx context.Context, w []stores.Write[string, user]) ([]error, error) {
	s.mu.Lock()
	s.sizes = append(s.sizes, len(w))
	s.mu.Unlock()
	time.Sleep(s.takes)
	return s.mem.PutMany(ctx, w)
}

// Under a limit, pages are as small as will do: no more than what the limit lets through in 5 ms (but not less than 16
// records), unless the calls take so long that small pages would not reach it.
func TestPagesUnderALimit(t *testing.T) {
	t.Parallel()
	const n = 40_000
	for name, c := range map[string]struct {
		limit   float64
		takes   time.Duration
		largest int
	}{
		"a fast store":              {10_000, 0, 50},
		"a faster one":              {40_000, 100 * time.Microsecond, 200},
		"a low limit":               {1000, 0, 16},
		"less than a page a second": {7, 0, 7},
		"as fast as the default":    {1e6, 0, 500},
		"calls that take long":      {4000, 200 * time.Millisecond, 500},
		"calls that take very long": {1000, time.Second, 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				old, new := newMem(t), &pages{mem: newMem(t), takes: c.takes}
				records := min(n, int(10*c.limit))
				fill(t, old, records)
				time.Sleep(time.Second) // the stamps are from before the pass
				began := time.Now()
				o := copier.PassOptions{Workers: 4, Rate: c.limit}
				if r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: o}); err != nil || !r.Clean() {
					t.Fatalf("%v %+v", err, r)
				}
				if got := slices.Max(new.sizes); got > c.largest {
					t.Errorf("a page of %d records, want %d at most", got, c.largest)
				}
				// Until the pages are large enough for calls that take long, it is behind.
				most := 1.25*float64(records)/c.limit + 5*c.takes.Seconds()
				if took := time.Since(began).Seconds(); took > most {
					t.Errorf("it took %.1f s for %d records, want %.1f at most", took, records, most)
				}
			})
		})
	}
}

func TestPauseEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, new := newMem(t), newMem(t)
		fill(t, old, 10)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, o := range []copier.PassOptions{{Throttle: func() float64 { return 0 }}, {Throttle: math.NaN}} {
			_, err := copier.Copy(ctx, old, new, &copier.CopyOptions[user]{PassOptions: o})
			mustBe(t, err, context.DeadlineExceeded)
		}
	})
}

func TestProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, new := newMem(t), newMem(t)
		fill(t, old, 1000)
		time.Sleep(time.Second)
		var events []copier.Progress
		o := copier.PassOptions{Rate: 100, Batch: 10, OnProgress: func(p copier.Progress) { events = append(events, p) }}
		if _, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: o}); err != nil {
			t.Fatal(err)
		}
		if n := len(events); n < 10 || n > 12 {
			t.Fatalf("%d events in 10 s", n)
		}
		for i, p := range events {
			last := i == len(events)-1
			if p.Final != last || p.Op != "copy" || p.Total != 1000 || p.Rate < 90 || p.Rate > 110 || p.Report.Read != p.Done {
				t.Errorf("event %d: %+v", i, p)
			}
			if left := time.Duration(1000-p.Done) * 10 * time.Millisecond; !last && (p.ETA < left-1500*time.Millisecond || p.ETA > left+1500*time.Millisecond) {
				t.Errorf("event %d: ETA %v, really %v", i, p.ETA, left)
			}
			if i > 0 && p.Done < events[i-1].Done {
				t.Errorf("event %d goes back", i)
			}
		}
		if p := events[len(events)-1]; p.Done != 1000 || !p.Report.Finished {
			t.Errorf("last event: %+v", p)
		}
	})
}

func TestBadOptionsAreAllNamed(t *testing.T) {
	t.Parallel()
	s := newMem(t)
	o := &copier.CopyOptions[user]{
		PassOptions: copier.PassOptions{Workers: -1, Batch: -1, Rate: -1, Attempts: -1, ProgressEvery: -1, MaxPending: -1},
		Resume:      copier.Resume{CheckpointEvery: -1, ResumeWithin: -1, Checkpoint: &memoryCheckpoint{}},
	}
	_, err := copier.Copy(t.Context(), s, nil, o)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, word := range []string{"Workers", "Batch", "Rate", "Attempts", "ProgressEvery", "CheckpointEvery", "ResumeWithin", "MaxPending", "Job", "store is missing"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not named in: %v", word, err)
		}
	}
	for what, err := range map[string]error{
		"one store twice":  second(copier.Copy[string, user](t.Context(), s, s, nil)),
		"negative grace":   second(copier.Verify(t.Context(), s, newMem(t), &copier.VerifyOptions[user]{Grace: -1})),
		"NewWins alone":    second(copier.Verify(t.Context(), s, newMem(t), &copier.VerifyOptions[user]{Repair: &copier.RepairPolicy{Winner: copier.NewWins}})),
		"unknown winner":   second(copier.Repair(t.Context(), s, newMem(t), yieldKeys(nil), &copier.RepairOptions[user]{RepairPolicy: copier.RepairPolicy{Winner: 9}})),
		"repair, no keys":  second(copier.Repair[string, user](t.Context(), s, newMem(t), nil, nil)),
		"finish, no store": second(copier.Finish[string, user](t.Context(), nil, &copier.FinishOptions{Confirm: copier.NobodyWritesBoth})),
	} {
		if err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

func second(_ copier.Report, err error) error { return err }

// A closed store ends the pass at once, and is not taken for rejected records.
func TestClosedStoreEndsThePass(t *testing.T) {
	t.Parallel()
	old, new := newMem(t), newMem(t)
	fill(t, old, 10)
	if err := new.Close(); err != nil {
		t.Fatal(err)
	}
	for _, new := range []stores.Store[string, user]{new, plainStore{new}} {
		r, err := copier.Copy(t.Context(), old, new, nil)
		mustBe(t, err, stores.ErrClosed)
		if len(r.Findings) != 0 {
			t.Errorf("%v", r.Findings)
		}
	}
}

// A stamp from the future says nothing about when its record was written: the limit counts it.
func TestRateCountsStampsFromTheFuture(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{5 * time.Minute, 10 * 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			old, new := newMem(t), newMem(t)
			clock, err := stores.NewClock(&stores.ClockOptions{Now: func() time.Time { return time.Now().Add(ahead) }})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 1000 {
				force(t, old, keyOf(i), record(next(t, clock), stores.Absent, "from the future"))
			}
			for name, run := range map[string]func(o copier.PassOptions) (copier.Report, error){
				"copy": func(o copier.PassOptions) (copier.Report, error) {
					return copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: o})
				},
				"verify": func(o copier.PassOptions) (copier.Report, error) {
					return copier.Verify(t.Context(), plainStore{old}, plainStore{newMem(t)}, &copier.VerifyOptions[user]{PassOptions: o})
				},
			} {
				began := time.Now()
				r, err := run(copier.PassOptions{Rate: 100, Batch: 50})
				if took := time.Since(began); err != nil || took < 9900*time.Millisecond {
					t.Errorf("%s: %d records at 100/s took %v, with clocks that are %v ahead; %v", name, r.Read, took, ahead, err)
				}
			}
		})
	}
}

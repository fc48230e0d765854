package dynamostore

import (
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestBudget: units per second are held over time, whatever a single call takes.
func TestBudget(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		read, write float64
		use         Usage
		calls       int
		atLeast     time.Duration // for all calls but the last one, which is not waited for
	}{
		{"writes", 0, 100, Usage{Write: 25, Read: 1e9}, 41, 10 * time.Second},
		{"reads", 50, 0, Usage{Read: 10, Write: 1e9}, 51, 10 * time.Second},
		{"what is short decides", 50, 100, Usage{Read: 10, Write: 100}, 11, 10 * time.Second},
		{"large calls", 0, 10, Usage{Write: 100}, 3, 20 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, err := NewBudget(tc.read, tc.write)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour) // nothing is saved up
				began := time.Now()
				for range tc.calls {
					for b.Rate() <= 0 {
						time.Sleep(10 * time.Millisecond)
					}
					b.Use(tc.use)
				}
				if took := time.Since(began); took < tc.atLeast || took > tc.atLeast*11/10+100*time.Millisecond {
					t.Errorf("took %v, want %v", took, tc.atLeast)
				}
			})
		})
	}
}

// TestBudgetIsOfAll: several users have one budget.
func TestBudgetIsOfAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, err := NewBudget(0, 100)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 50 {
					for b.Rate() <= 0 {
						time.Sleep(10 * time.Millisecond)
					}
					b.Use(Usage{Write: 5})
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took < 9*time.Second {
			t.Errorf("1,000 units took %v", took)
		}
	})
}

// TestBudgetIsSpentEvenly: a small record that is written takes a write unit; one that is read only takes none.
func TestBudgetIsSpentEvenly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, err := NewBudget(0, 100)
		if err != nil {
			t.Fatal(err)
		}
		b.Use(Usage{Read: 1})
		if got := b.Rate(); got != math.Inf(1) {
			t.Errorf("reads alone: %v", got)
		}
		b.Use(Usage{Write: 1})
		time.Sleep(time.Second)
		if got := b.Rate(); got != 100 {
			t.Errorf("after a write: %v", got)
		}
		time.Sleep(writesGoOn)
		if got := b.Rate(); got != math.Inf(1) {
			t.Errorf("long after it: %v", got)
		}
	})
}

// TestBudgetRestsAfterThrottling although nothing was consumed.
func TestBudgetRestsAfterThrottling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, err := NewBudget(10, 10)
		if err != nil || b.Rate() != 10 {
			t.Fatal(b.Rate(), err)
		}
		b.Use(Usage{Throttled: 1})
		if b.Rate() != 0 {
			t.Error("goes on at once")
		}
		time.Sleep(restAfterThrottling)
		if b.Rate() != math.Inf(1) {
			t.Error("does not go on")
		}
	})
}

func TestBudgetsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, units := range [][2]float64{{0, 0}, {-1, 1}, {1, -1}, {math.NaN(), 1}, {math.Inf(1), 0}} {
		if _, err := NewBudget(units[0], units[1]); err == nil {
			t.Errorf("%v is taken", units)
		}
	}
}

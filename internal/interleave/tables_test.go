package interleave

import (
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// seed chooses the scenarios that cover the tables, and draws the random schedules.
var seed = flag.Uint64("seed", 1, "seed of what is chosen at random")

// total adds up what several explorations came to.
type total struct {
	mu                 sync.Mutex
	Report             // schedules, states and so on
	scenarios, partial int
}

// explore runs a scenario and adds it up. A violation fails the test.
func (sum *total) explore(t *testing.T, s *Scenario, l Limits) {
	t.Helper()
	rep, err := Explore(t, s, l)
	if err != nil {
		t.Error(err)
		return
	}
	if rep.Violation != nil {
		t.Error(rep.Violation.Error())
	}
	sum.mu.Lock()
	defer sum.mu.Unlock()
	sum.scenarios++
	sum.Schedules += rep.Schedules
	sum.Judged += rep.Judged
	sum.States += rep.States
	sum.Indeterminate += rep.Indeterminate
	if !rep.Complete && l.Random == 0 {
		sum.partial++
	}
}

func (sum *total) String() string {
	return fmt.Sprintf("%d scenarios (%d cut off), %d schedules, %d states, %d judged, %d indeterminate without a fault",
		sum.scenarios, sum.partial, sum.Schedules, sum.States, sum.Judged, sum.Indeterminate)
}

// exploreAll runs scenarios on all processors. It stops at the first one that fails: the others tend to say the same.
func exploreAll(t *testing.T, list []*Scenario, limits func(s *Scenario) Limits) {
	t.Helper()
	begun := time.Now()
	var sum total
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(list)) && !t.Failed(); i = next.Add(1) - 1 {
				sum.explore(t, list[i], limits(list[i]))
			}
		})
	}
	workers.Wait()
	took := time.Since(begun)
	t.Logf("%v, %.0f schedules/s, %.1f scenarios/s, %v, seed %d", &sum, float64(sum.Schedules)/took.Seconds(),
		float64(sum.scenarios)/took.Seconds(), took.Round(time.Millisecond), *seed)
}

// some is a part of the scenarios, spread over all of them, in short tests and under the race detector.
func some(list []*Scenario) []*Scenario {
	if !testing.Short() && !raceEnabled {
		return list
	}
	var part []*Scenario
	for i := 0; i < len(list); i += 8 {
		part = append(part, list[i])
	}
	return part
}

// TestTables explores scenarios of each table without any fault.
func TestTables(t *testing.T) {
	for _, table := range Tables() {
		t.Run(table.Name, func(t *testing.T) {
			exploreAll(t, some(table.Cover(*seed, None)), quickLimits)
		})
	}
}

// TestFaults draws schedules with up to two faults.
func TestFaults(t *testing.T) {
	for _, table := range Tables() {
		t.Run(table.Name, func(t *testing.T) {
			exploreAll(t, some(table.Cover(*seed, None)), randomLimits)
		})
	}
}

// pairwise is what CI explores.
var pairwise = flag.Bool("pairwise", false, "explore scenarios that have every pair of values of two columns of a table, faults included")

// TestPairwise explores scenarios that have every two values that can occur together in two columns of a table, faults
// included, each with all its schedules.
func TestPairwise(t *testing.T) {
	if !*pairwise {
		t.Skip("give -pairwise")
	}
	for _, table := range Tables() {
		t.Run(table.Name, func(t *testing.T) {
			exploreAll(t, table.Cover(*seed, Faults()...), pairwiseLimits)
		})
	}
}

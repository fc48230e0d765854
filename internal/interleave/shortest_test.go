package interleave

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// someSmall is enough of them under the race detector.
func someSmall() []Named {
	list := small()
	if raceEnabled {
		list = slices.DeleteFunc(list, func(n Named) bool { return n.Limits.Faults > 0 })
	}
	return list
}

// TestNothingIsLost: an exploration sees every state that there is and comes to the verdicts that there are.
func TestNothingIsLost(t *testing.T) {
	for _, n := range someSmall() {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			want := enumerate(t, n.Scenario, n.Limits)
			e := newExplorer(n.Scenario, n.Limits)
			e.thorough = true
			var err error
			synctest.Test(t, func(*testing.T) { err = e.all() })
			if err != nil || !e.report.Complete {
				t.Fatalf("%+v, %v", e.report, err)
			}
			t.Logf("%d schedules, explored by %d", want.schedules, e.report.Schedules)
			if !slices.Equal(sortedKeys(e.seen), sortedKeys(want.states)) || e.report.Judged != len(want.ends) {
				t.Errorf("%d states, %d at the end; there are %d and %d", len(e.seen), e.report.Judged, len(want.states), len(want.ends))
			}
			if (e.report.Violation == nil) != (want.bad == nil) {
				t.Errorf("%v, want %v", e.report.Violation, want.bad)
			}
		})
	}
}

func sortedKeys[V any](m map[digest]V) []digest {
	return slices.SortedFunc(maps.Keys(m), func(a, b digest) int { return bytes.Compare(a[:], b[:]) })
}

// TestShortest: what Explore reports is what no schedule is shorter than, for violations of the scenarios and for others
// that are planted in states drawn from the seed.
func TestShortest(t *testing.T) {
	var plants, longer atomic.Int32
	t.Run("of", func(t *testing.T) {
		for i, n := range someSmall() {
			t.Run(n.Name, func(t *testing.T) {
				t.Parallel()
				every := enumerate(t, n.Scenario, n.Limits)
				if every.bad != nil {
					checkShortest(t, n.Scenario, n.Limits, every.bad)
				}
				rng := rand.New(rand.NewPCG(*seed, uint64(i)))
				states := sortedKeys(every.ways)
				for range 4 {
					d := states[rng.IntN(len(states))]
					want := every.ways[d]
					if len(want.Schedule) == 0 {
						continue
					}
					if every.bad != nil && every.bad.shorter(want) {
						want = every.bad
					}
					plants.Add(1)
					if checkShortest(t, plantedAt(n.Scenario, d), n.Limits, want) {
						longer.Add(1)
					}
				}
			})
		}
	})
	t.Logf("%d violations were planted, of %d the first that is found is not the shortest, seed %d", plants.Load(), longer.Load(), *seed)
	if longer.Load() == 0 {
		t.Error("whoever takes the first that is found would pass this test")
	}
}

// checkShortest compares the lengths. It tells whether the first violation that is found is a longer one.
func checkShortest(t *testing.T, s *Scenario, l Limits, want *Violation) (longer bool) {
	t.Helper()
	rep, err := Explore(t, s, l)
	if err != nil {
		t.Fatal(err)
	}
	v := rep.Violation
	if v == nil || !v.Shortest || v.shorter(want) || want.shorter(v) {
		t.Errorf("want faults %d, preemptions %d, steps %d:\n%v", want.faults, want.preemptions, len(want.Schedule), v)
		return false
	}
	if _, verdict, err := Replay(t, s, v.Schedule); err != nil || verdict == nil {
		t.Errorf("the replay says %v, %v:\n%v", verdict, err, v)
	}
	first := newExplorer(s, l)
	synctest.Test(t, func(*testing.T) { err = first.all() })
	return err == nil && want.shorter(first.report.Violation)
}

// TestShortestFound: a search that is cut off does not say that it was not.
func TestShortestFound(t *testing.T) {
	s, l := from("stamped both", by(phaseA, Put), by(phaseN, Get)), Limits{Preemptions: -1, Faults: 1}
	first := newExplorer(s, l)
	var err error
	synctest.Test(t, func(*testing.T) { err = first.all() })
	if err != nil || first.report.Violation == nil {
		t.Fatalf("%+v, %v", first.report, err)
	}
	for within, want := range map[int]string{1: "the shortest schedule found: ", shortestWithin: "the shortest schedule: "} {
		short := &shortening{scenario: s, limits: l, best: first.report.Violation}
		synctest.Test(t, func(*testing.T) { err = short.shorten(within) })
		if err != nil || !strings.Contains(short.best.Error(), want) {
			t.Errorf("within %d: %v, want something with %q:\n%v", within, err, want, short.best)
		}
	}
}

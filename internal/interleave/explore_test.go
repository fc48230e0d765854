package interleave

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	exploreFor = flag.Duration("explore", 0, "explore as many scenarios of all tables as there is time for")
	onlyTable  = flag.String("table", "", "explore this table only: pairs, sequences, windows or triples")
	cutOff     = flag.Int("cut", 100_000, "explore so many schedules of a scenario at most")
)

// TestExplore is the large run: scenarios in an order that the seed gives, each with a fault at every call.
func TestExplore(t *testing.T) {
	if *exploreFor == 0 {
		t.Skip("give -explore a duration")
	}
	for _, table := range Tables() {
		if *onlyTable != "" && *onlyTable != table.Name {
			continue
		}
		t.Run(table.Name, func(t *testing.T) {
			share := *exploreFor
			if *onlyTable == "" {
				share /= time.Duration(len(Tables()))
			}
			exploreUntil(t, table, time.Now().Add(share))
		})
	}
}

// exploreUntil explores scenarios until the time is over.
func exploreUntil(t *testing.T, table *Table, end time.Time) {
	rng := rand.New(rand.NewPCG(*seed, 0))
	drawn := func(yield func(*Scenario) bool) {
		for _, i := range rng.Perm(table.Len()) {
			s := table.At(i)
			if s != nil && (time.Now().After(end) || !yield(s)) {
				return
			}
		}
	}
	t.Logf("%d scenarios in the table", table.Len())
	exploreEach(t, drawn, func(s *Scenario) Limits {
		l := Limits{Faults: 1, Preemptions: -1, Schedules: *cutOff}
		if len(s.Actors) > 2 {
			l.Preemptions = 2
		}
		return l
	})
}

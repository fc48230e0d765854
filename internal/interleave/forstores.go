package interleave

// Scenarios for places that somebody else brings along.

// ForStores are the scenarios for stores that have not been explored before: first those that have a name, and then some
// that have every pair of values of two columns of a table, a fault among them. Together they are to take about as many
// schedules as are given; each scenario's share is in its limits. Which they are depends on the seed. Without paired, no
// scenario writes both places in one call.
func ForStores(seed uint64, schedules int, paired bool) (list []Named) {
	for _, named := range [][]Named{WhatBroke(), KnownOutcomes()} {
		for _, n := range named {
			if n.Forgets { // what the stores note is theirs to say
				continue
			}
			n.Limits.Schedules = max(1, min(namedMost, schedules/namedShare))
			list = append(list, n)
		}
	}
	var cover []*Scenario
	for _, t := range []*Table{Pairs(), Sequences(), Windows(), Handovers()} {
		cover = append(cover, t.Cover(seed, Faults()...)...)
	}
	left := max(1, schedules*2/3)
	step := max(1, (leastShare*len(cover)+left-1)/left)
	for i := 0; i < len(cover); i += step {
		s := cover[i]
		if !paired {
			s.separate()
		}
		l := Limits{Faults: 1, Kinds: []Fault{s.Fault}, Preemptions: -1, Schedules: max(1, left*step/len(cover))}
		if len(s.Actors) > 2 {
			l.Preemptions = 1
		}
		list = append(list, Named{Name: s.Name(), Hazard: "a place that is not what the protocol builds on", Limits: l, Scenario: s})
	}
	return list
}

const (
	// namedMost is more than any scenario with a name needs. It gets it if that is no greater part of all schedules than this.
	namedMost  = 1200
	namedShare = 25
	// leastShare: with fewer schedules a scenario says little, and some are left out instead.
	leastShare = 8
)

// separate makes every actor write one place at a time.
func (s *Scenario) separate() {
	s.pairs = separate
	for i := range s.Actors {
		s.Actors[i].Paired = false
	}
}

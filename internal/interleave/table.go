package interleave

import (
	"slices"
	"strings"
	"time"

	"github.com/dualwrite/dualwrite/flags"
)

// skew is a column of the table: whose clock is wrong, and how.
type skew struct {
	name  string
	first time.Duration // the first actor's
	start time.Duration // of the start state, over the hour that it is behind
}

var (
	skewNone = skew{name: "none"}
	// skewStart: the stamps of the start state are ahead of every clock.
	skewStart = skew{name: "start", start: time.Hour + 10*time.Second}
	skews     = []skew{skewNone, {name: "ahead", first: time.Second}, {name: "behind", first: -time.Second}, skewStart}
)

// beside is a column of the table: which helper runs at the same time.
type beside struct {
	name string
	kind Kind
}

// starts are the states that a pair of phases may find.
func starts(first, second flags.Phase) (list []Start) {
	if second <= phaseB {
		list = append(list, startsOld...)
	} else { // what verify has found clean
		for _, s := range startsOld {
			if s.Name == "absent" || strings.HasSuffix(s.Name, " both") {
				list = append(list, s)
			}
		}
	}
	if second >= phaseA && first >= phaseA {
		list = append(list, startsCopied[0])
		if second <= phaseB {
			list = append(list, startsCopied[1])
		}
		list = append(list, startsIntent...)
	}
	if second >= phaseA && first >= phaseA && second <= phaseB {
		list = append(list, startsOverIntent...)
	}
	if second == phaseN {
		list = append(list, startsNew...)
	}
	return list
}

// both are the states that are in two lists.
func both(a, b []Start) (list []Start) {
	for _, s := range a {
		if slices.ContainsFunc(b, func(t Start) bool { return t.Name == s.Name }) {
			list = append(list, s)
		}
	}
	return list
}

// besides are what may run beside a pair of phases.
func besides(first, second flags.Phase, s *Start) []beside {
	list := []beside{{name: "none"}}
	switch {
	case s.Foreign || second == phaseO:
	case first >= phaseB:
		list = append(list, beside{"repair", RepairBoth})
	case first == phaseA:
		list = append(list, beside{"copy", Copy}, beside{"repair", Repair})
	default:
		list = append(list, beside{"repair", Repair})
	}
	return list
}

// single are programs of one operation.
var single = [][]Kind{{Get}, {Put}, {Create}, {Update}, {Delete}, {PutIf}, {Refuse}}

// double are programs of two, of which the second knows or depends on what the first saw or did.
var double = [][]Kind{{Get, Get}, {Get, Put}, {Get, Update}, {Get, PutIf}, {Get, DeleteIf}, {Put, Get}, {Update, Update}, {Delete, Create}}

// Pairs are scenarios of two actors with one operation each: every pair of neighbouring phases, every pair of
// operations, every start state that such a pair may find, with and without a helper, and every skew of the clocks.
func Pairs() (all []*Scenario) {
	for first := phaseO; first <= phaseN; first++ {
		for second := first; second <= min(first+1, phaseN); second++ {
			states := starts(first, second)
			if first == phaseA && second == phaseA {
				states = append(states, startForeign)
			}
			for _, s := range states {
				for _, h := range besides(first, second, &s) {
					for _, k := range skews {
						all = append(all, pairsOf(first, second, s, h, k)...)
					}
				}
			}
		}
	}
	return all
}

// pairsOf are the scenarios of Pairs with every pair of operations.
func pairsOf(first, second flags.Phase, s Start, h beside, k skew) (list []*Scenario) {
	for i, p := range single {
		for j, q := range single {
			if first == second && j < i && k.first == 0 { // the same with the names exchanged
				continue
			}
			actors := []Actor{{Phase: first, Program: p, Skew: k.first}, {Phase: second, Program: q}}
			if h.kind != "" {
				actors = append(actors, Actor{Program: []Kind{h.kind}, Safe: true})
			}
			list = append(list, newScenario(s, k, actors, h.name))
		}
	}
	return list
}

// Sequences are scenarios of an actor with one write and another one that does two things in a row, in every pair of
// neighbouring phases, both ways round.
func Sequences() (all []*Scenario) {
	for first := phaseO; first <= phaseN; first++ {
		for second := max(first-1, phaseO); second <= min(first+1, phaseN); second++ {
			for _, s := range starts(min(first, second), max(first, second)) {
				for _, k := range skews {
					for _, p := range single[1:6] {
						for _, q := range double {
							all = append(all, newScenario(s, k, []Actor{
								{Phase: first, Program: p, Skew: k.first}, {Phase: second, Program: q},
							}))
						}
					}
				}
			}
		}
	}
	return all
}

// Windows are scenarios of a write in one window, which a fault may leave in flight, and a pair of operations in the
// next window.
func Windows() (all []*Scenario) {
	for _, w := range [][3]flags.Phase{
		{phaseO, phaseA, phaseA}, {phaseA, phaseA, phaseB}, {phaseA, phaseB, phaseB}, {phaseB, phaseB, phaseN}, {phaseB, phaseN, phaseN},
	} {
		for _, s := range both(starts(min(w[0], w[1]), w[1]), starts(w[1], w[2])) {
			for _, k := range skews {
				for _, p := range single[1:5] {
					for _, q := range single {
						for _, r := range single {
							all = append(all, newScenario(s, k, []Actor{
								{Phase: w[0], Program: p, Skew: k.first},
								{Phase: w[1], Program: q, Stage: 1}, {Phase: w[2], Program: r, Stage: 1},
							}))
						}
					}
				}
			}
		}
	}
	return all
}

// Triples are scenarios of three actors with one operation each.
func Triples() (all []*Scenario) {
	for first := phaseO; first <= phaseN; first++ {
		for second := first; second <= min(first+1, phaseN); second++ {
			for third := second; third <= min(first+1, phaseN); third++ {
				for _, s := range starts(first, third) {
					for _, k := range skews {
						for _, p := range single {
							for _, q := range single {
								for _, r := range single {
									all = append(all, newScenario(s, k, []Actor{
										{Phase: first, Program: p, Skew: k.first}, {Phase: second, Program: q}, {Phase: third, Program: r},
									}))
								}
							}
						}
					}
				}
			}
		}
	}
	return all
}

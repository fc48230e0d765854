package interleave

import (
	"slices"

	"github.com/dualwrite/dualwrite/flags"
)

// Named is a scenario that stands for something, with the limits that show it.
type Named struct {
	Name   string
	Hazard string
	Limits Limits
	*Scenario
}

// all are the limits without any.
var all = Limits{Preemptions: -1}

// by is an actor.
func by(p flags.Phase, program ...Kind) Actor { return Actor{Phase: p, Program: program} }

// paired is an actor that writes both places in one call.
func paired(p flags.Phase, program ...Kind) Actor {
	return Actor{Phase: p, Program: program, Paired: true}
}

// handedOver is the scenario with a last actor that is a verify, without which that before it does not start.
func handedOver(s *Scenario) *Scenario {
	n := len(s.Actors)
	s.Actors[n-1].Stage, s.Actors[n-2].Stage, s.Actors[n-2].Needs = 2, 3, n
	return s
}

// bothWays are the scenarios with places that note what a blind write replaces, and with places that do not. What is noted
// tells an operation what became of it, and so hides that another rule is broken.
func bothWays(list []Named) []Named {
	for _, n := range slices.Clone(list) {
		s := *n.Scenario
		s.Forgets = true
		list = append(list, Named{n.Name + ", nothing noted", n.Hazard, n.Limits, &s})
	}
	return list
}

// helper is an actor that is none of the repositories'.
func helper(k Kind) Actor { return Actor{Program: []Kind{k}, Safe: true} }

// from is a scenario with a start state by name, and clocks that agree.
func from(start string, actors ...Actor) *Scenario {
	for _, list := range [][]Start{startsOld, startsCopied, startsIntent, startsOverIntent, startsNew, startsWiped, startsRefused} {
		for _, s := range list {
			if s.Name == start {
				return newScenario(s, skewNone, actors)
			}
		}
	}
	panic("interleave: there is no start state " + start)
}

// WhatBroke are the scenarios that show what variants of the protocol get wrong which look harmless: one for each line
// of that section of the protocol, in its order, and some more. The code has to pass all of them.
func WhatBroke() []Named {
	timeout := Limits{Preemptions: -1, Faults: 1, Kinds: []Fault{Timeout}}
	wiped := from("new restored", by(phaseB, Get), by(phaseB, Update), helper(RepairBoth))
	wiped.Wiped = true
	empty := from("new wiped", by(phaseB, Put), by(phaseB, Refuse), helper(RepairBoth))
	empty.Wiped = true
	return bothWays([]Named{
		{"blind put", "a put of read-new/write-both is seen, built upon and applied again", all,
			from("stamped both", by(phaseB, Put), by(phaseA, Update, Update))},
		{"strict read", "a reader goes back in time", all,
			from("stamped both", by(phaseA, Put), by(phaseA, Get), by(phaseB, Get))},
		{"copy if absent", "a copy leaves behind what a mirror has missed", all,
			from("put missed", by(phaseA, Get), helper(Repair))},
		{"tombstones", "a deleted record comes back", all,
			from("delete missed", by(phaseA, Get), by(phaseB, Get), helper(Copy))},
		{"order of places", "each phase writes its own authority first, and the places differ", all,
			from("stamped both", by(phaseB, Put), by(phaseB, Get), by(phaseA, Get))},
		{"complete by prev", "a helper overwrites a newer new-only write", all,
			newScenario(startsIntent[0], skewStart, []Actor{by(phaseB, Get), by(phaseN, Put)})},
		{"refused after unknown", "a write of read-old/write-both is applied twice", timeout,
			from("stamped both", by(phaseA, Put), by(phaseA, Get, Put))},
		{"refused after unknown, intent", "a write of read-new/write-both is applied twice", timeout,
			from("stamped both", by(phaseB, Put), by(phaseA, Get, Put))},
		{"unknown is not absent", "an update of an absent record is completed, overwritten blindly, and applied twice", all,
			from("absent", by(phaseB, Put), by(phaseA, Get, Put))},
		{"fresh verdict", "a strict reader judges an intent by what new held before", all,
			from("update missed", by(phaseB, Get), by(phaseB, Update))},
		{"nothing written", "an outcome that writes nothing is taken from new alone", all,
			from("put missed", by(phaseB, Refuse), by(phaseB, PutIf))},
		{"less is not dead", "a repair destroys an acknowledged record after new was restored", all, wiped},
		{"nothing is not dead", "a write overwrites an acknowledged record after new was wiped", all, empty},
		{"lost race", "a write that was completed and overwritten is applied again", all,
			from("stamped both", by(phaseB, Put), by(phaseA, Get, Put))},
		{"foreign stamp", "new refuses a mirror for ever, and the places stay different", all,
			newScenario(startForeign, skewStart, []Actor{by(phaseA, Put), by(phaseA, Get)})},
		{"clean verify", "new-only begins before new has everything", all,
			handedOver(from("stamped old", by(phaseA, Get), by(phaseN, Get), helper(Verify)))},
		{"dead intent", "an intent that can never commit stands in the way for ever", all,
			from("intent dead", by(phaseB, Update), by(phaseN, Put))},
	})
}

// InPairs are scenarios of writes that go to both places in one call, beside such that do not.
func InPairs() (list []Named) {
	lost := Limits{Preemptions: -1, Faults: 1, Kinds: []Fault{Timeout, Reject}}
	for _, n := range []struct {
		hazard string
		*Scenario
	}{
		{"a pair whose answer is lost is sent again with another stamp", from("stamped both", paired(phaseB, Put), by(phaseB, Get, Update))},
		{"a pair whose answer is lost is overwritten and applied again", from("stamped both", paired(phaseB, Put), by(phaseA, Get, Put))},
		{"a pair that arrives late overwrites what was written since", from("stamped both", paired(phaseA, Put), by(phaseA, Get, Put))},
		{"a pair goes over an intent that can still commit", from("intent", paired(phaseA, Update), by(phaseB, Get, Update))},
		{"a pair goes over what only old has", from("update missed", paired(phaseB, Update), by(phaseA, Put))},
		{"a pair overwrites what new-only has written", from("stamped both", paired(phaseB, Update), by(phaseN, Get, Put))},
		{"a pair stands still because of a dead intent", from("intent dead", paired(phaseB, Update), by(phaseN, Put))},
		{"new stands in the way of a pair while old decides", newScenario(startForeign, skewStart, []Actor{paired(phaseA, Update), by(phaseA, Get)})},
	} {
		n.pairs = pairing{name: "first"}
		list = append(list, Named{n.Name(), n.hazard, lost, n.Scenario})
	}
	return bothWays(list)
}

// Found are schedules that went wrong once, by what did.
func Found() map[string]string {
	return map[string]string{
		"a scan leaves out, without an error, a record of old that it could not look up in new": "scan in B, from stamped old, skew none @ ao ant",
	}
}

// KnownOutcomes are scenarios in which an operation can always find out what became of it: nobody overwrites blindly, and
// whoever builds upon a write says so.
func KnownOutcomes() []Named {
	return certain(
		from("stamped both", by(phaseA, Put), Actor{Phase: phaseA, Program: []Kind{Update}, Safe: true}),
		from("stamped both", by(phaseA, Update), by(phaseA, Update)),
		from("stamped both", by(phaseB, Put), by(phaseB, Update)),
		from("stamped both", by(phaseB, Update), by(phaseA, Update)),
		from("stamped both", by(phaseB, Delete), by(phaseB, Upsert)),
	)
}

// NotedOutcomes are scenarios in which an operation can find that out, although it is overwritten blindly, if the stores note
// what a write replaces (stores.Write.NotePrev).
func NotedOutcomes() []Named {
	return certain(
		from("stamped both", by(phaseB, Put), Actor{Phase: phaseA, Program: []Kind{Put}, Safe: true}),
		from("absent", by(phaseB, Create), Actor{Phase: phaseA, Program: []Kind{Delete}, Safe: true}),
	)
}

func certain(scenarios ...*Scenario) (list []Named) {
	late := Limits{Preemptions: -1, Faults: 1, Kinds: []Fault{Timeout, Cancel, CancelAfter, Busy}}
	for _, s := range scenarios {
		s.Certain = true
		list = append(list, Named{s.Name(), "a write that was built upon is taken for lost", late, s})
	}
	return list
}

// Alone are scenarios of one actor with one write, which a fault hits, or two.
func Alone() (list []Named) {
	for p := phaseO; p <= phaseN; p++ {
		for _, s := range starts(window{p, p}) {
			for _, paired := range []bool{false, true} {
				if paired && (p == phaseO || p == phaseN) {
					continue
				}
				for _, program := range [][]Kind{{Put}, {Create}, {Update}, {Upsert}, {Delete}, {PutIf}, {DeleteIf}, {Scan}, {GetMany}} {
					sc := newScenario(s, skewNone, []Actor{{Phase: p, Program: program, Paired: paired}})
					if paired {
						sc.pairs = pairing{name: "all"}
					}
					limits := Limits{Preemptions: -1, Faults: 1}
					if s.Name == "absent" || s.Name == "stamped both" {
						limits.Faults = 2
					}
					list = append(list, Named{sc.Name(), "an operation depends on its caller", limits, sc})
				}
			}
		}
	}
	return list
}

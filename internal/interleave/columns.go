package interleave

import (
	"slices"
	"strings"
	"time"

	"github.com/dualwrite/dualwrite/flags"
)

// This file has what the tables are made of, column by column.

// window is a column: the phases of the actors, in their order.
type window []flags.Phase

func (w window) String() (s string) {
	for _, p := range w {
		s += short(p)
	}
	return s
}

// skew is a column: whose clock is wrong, and how.
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

// forgets is a column: whether the places do not note what a blind write replaces.
var forgets = []bool{false, true}

// beside is a column: which helpers run at the same time.
type beside struct {
	name  string
	kinds []Kind
}

var alone = beside{name: "nothing"}

// besides are the helpers that may run beside a window of two phases.
func besides(w window, s *Start) []beside {
	list := []beside{alone}
	first, last := slices.Min(w), slices.Max(w)
	switch {
	case s.Foreign || last == phaseO:
		return list
	case first >= phaseB:
		return append(list, beside{"repair", []Kind{RepairBoth}}, beside{"verify", []Kind{VerifyBoth}})
	case first == phaseA:
		list = append(list, beside{"copy", []Kind{Copy}}, beside{"copy and repair", []Kind{Copy, Repair}})
	}
	return append(list, beside{"repair", []Kind{Repair}}, beside{"verify", []Kind{VerifyRepair}})
}

// pairing is a column: which of the first two actors write both places in one call.
type pairing struct {
	name          string
	first, second bool
}

var separate = pairing{name: "none"}

// pairings are those that make a difference in a window.
func pairings(w window) []pairing {
	both := func(p flags.Phase) bool { return p == phaseA || p == phaseB }
	list := []pairing{separate}
	if both(w[0]) {
		list = append(list, pairing{name: "first", first: true})
	}
	if both(w[1]) {
		list = append(list, pairing{name: "second", second: true})
	}
	if both(w[0]) && both(w[1]) {
		list = append(list, pairing{"all", true, true})
	}
	return list
}

// starts are the states that a window may find.
func starts(w window) (list []Start) {
	first, last := slices.Min(w), slices.Max(w)
	if last <= phaseB {
		list = append(list, startsOld...)
	} else { // what verify has found clean
		for _, s := range startsOld {
			if s.Name == "absent" || strings.HasSuffix(s.Name, " both") {
				list = append(list, s)
			}
		}
	}
	if first >= phaseA {
		list = append(list, startsCopied[0])
		if last <= phaseB {
			list = append(list, startsCopied[1])
		}
		list = append(list, startsIntent...)
	}
	if first >= phaseA && last <= phaseB {
		list = append(list, startsOverIntent...)
	}
	if last == phaseN {
		list = append(list, startsNew...)
	}
	return list
}

// inBoth are the states that are in two lists.
func inBoth(a, b []Start) (list []Start) {
	for _, s := range a {
		if slices.ContainsFunc(b, func(t Start) bool { return t.Name == s.Name }) {
			list = append(list, s)
		}
	}
	return list
}

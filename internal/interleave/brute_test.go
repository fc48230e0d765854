package interleave

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// What an exploration leaves out, and what it says about the shortest violation, compared with an enumeration that leaves
// out nothing and thinks about nothing.

// enumeration is what all schedules of a scenario come to.
type enumeration struct {
	schedules int
	states    map[digest]string     // as an exploration within the same limits tells them apart, and what can follow
	ends      map[digest]string     // the states at the end, and what the judges are asked and say
	ways      map[digest]*Violation // the shortest way to each state, whichever limits
	bad       *Violation            // the shortest schedule that the judges reject
}

// enumerate runs every schedule within the limits, also if all that comes is known.
func enumerate(t *testing.T, s *Scenario, l Limits) *enumeration {
	t.Helper()
	e := &enumeration{states: map[digest]string{}, ends: map[digest]string{}, ways: map[digest]*Violation{}}
	synctest.Test(t, func(t *testing.T) {
		type decision struct{ taken, of int }
		var stack []decision
		for e.schedules == 0 || len(stack) > 0 {
			e.schedules++
			r, err := newRun(s)
			if err != nil {
				t.Fatal(err)
			}
			for depth := 0; ; depth++ {
				r.settle()
				choices := r.choices(nil, &l)
				e.visit(t, r, &l, choices)
				if len(choices) == 0 {
					break
				}
				if depth == len(stack) {
					stack = append(stack, decision{of: len(choices)})
				}
				r.next(choices[stack[depth].taken])
			}
			e.end(t, r, &l)
			r.close()
			for len(stack) > 0 {
				top := &stack[len(stack)-1]
				if top.taken++; top.taken < top.of {
					break
				}
				stack = stack[:len(stack)-1]
			}
		}
	})
	return e
}

// exactly tells states apart by the steps to them as well.
var exactly = Limits{Preemptions: -1, exact: true}

// plainly tells states apart as an exploration without a bound on preemptions does: however many steps lead to them.
var plainly = Limits{Preemptions: -1}

// way is how a run came to where it is, as far as lengths go.
func way(r *run) *Violation {
	return &Violation{faults: r.faults, preemptions: r.preemptions, Schedule: make([]string, r.steps)}
}

func (e *enumeration) visit(t *testing.T, r *run, l *Limits, choices []choice) {
	var tokens []string
	for _, ch := range choices {
		tokens = append(tokens, ch.token())
	}
	slices.Sort(tokens)
	d, follow := r.digest(l), strings.Join(tokens, " ")
	if known, ok := e.states[d]; ok && known != follow {
		t.Errorf("%s: from one state there are two ways on: %s and %s", r.scenario.Name(), known, follow)
	}
	e.states[d] = follow

	d = r.digest(&plainly)
	if w := way(r); w.shorter(e.ways[d]) {
		e.ways[d] = w
	}
}

func (e *enumeration) end(t *testing.T, r *run, l *Limits) {
	d, history := r.digest(l), unordered(r.history())
	j := judge{known: map[string]bool{}} // which remembers nothing
	err := j.verdict(r)
	if w := way(r); err != nil && w.shorter(e.bad) {
		e.bad = w
	}
	history += fmt.Sprintf("well: %v", err == nil)
	if known, ok := e.ends[d]; ok && known != history {
		t.Errorf("%s: two schedules lead to one state but not to one history:\n%s\n%s", r.scenario.Name(), known, history)
	}
	e.ends[d] = history
}

// unordered is the events and, for each, those that had ended before it began, however they are listed.
func unordered(events []event) string {
	var lines []string
	for _, e := range events {
		var before []string
		for _, f := range events {
			if f.ret < e.call {
				before = append(before, f.id+string(f.kind))
			}
		}
		slices.Sort(before)
		lines = append(lines, fmt.Sprintf("%v %v after %v\n", e, e.alias, before))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// plantedAt breaks the scenario in one state.
func plantedAt(s *Scenario, d digest) *Scenario {
	planted, take := *s, s.tamper
	if take == nil {
		take = (*run).take
	}
	planted.tamper = func(r *run, ch choice) {
		take(r, ch)
		r.settle()
		if r.digest(&plainly) == d {
			r.violation("planted")
		}
	}
	return &planted
}

// blind makes stores of the places that look at no condition.
func blind(s *Scenario) *Scenario {
	clock, _ := (&run{begun: time.Now()}).newClock(0xfe, 24*time.Hour)
	latest, err := clock.Next(stores.Unstamped)
	if err != nil {
		panic(err)
	}
	planted := *s
	planted.skew += ", stores blind"
	planted.tamper = func(r *run, ch choice) {
		if ch.call != nil && ch.call.put != nil {
			ch.call.put.If = stores.IfAtMost(latest, stores.Unknown)
		}
		r.take(ch)
	}
	return &planted
}

// small are scenarios with few enough schedules to run them all.
func small() (list []Named) {
	later := func(a Actor) Actor { a.Stage = 1; return a }
	for _, c := range []struct {
		faults, preemptions int
		kind                Fault // None for all
		*Scenario
	}{
		{0, -1, None, from("stamped both", by(phaseO, Update), by(phaseO, Update))},
		{1, -1, None, from("stamped both", by(phaseO, Update), by(phaseO, Update))},
		{2, -1, Timeout, from("stamped both", by(phaseO, Update), by(phaseO, Update))},
		{0, -1, None, from("stamped both", by(phaseO, Put), by(phaseO, Get, Put), by(phaseO, Get))},
		{1, 2, Timeout, from("stamped both", by(phaseO, Put), by(phaseO, Get, Get), by(phaseO, Get))},
		{1, -1, None, from("stamped both", by(phaseA, Put), by(phaseA, Get))},
		{1, -1, Timeout, from("stamped both", by(phaseA, Put), by(phaseA, Put))},
		{0, -1, None, from("put missed", by(phaseA, Get), helper(Repair))},
		{0, 2, None, from("update missed", by(phaseA, Get), by(phaseB, Get), helper(Copy))},
		{0, -1, None, from("stamped both", by(phaseB, Put), by(phaseB, Get))},
		{1, 2, Timeout, from("stamped both", by(phaseB, Put), by(phaseB, Get))},
		{2, -1, None, from("stamped both", by(phaseB, Put))},
		{1, -1, None, from("stamped both", by(phaseN, Delete), by(phaseN, Get, Put))},
		{0, -1, None, newScenario(startsIntent[0], skewStart, []Actor{by(phaseB, Get), by(phaseN, Put)})},
		{1, -1, None, from("absent", by(phaseO, Put), later(by(phaseA, Get)))},
		{1, -1, Crash, from("stamped both", by(phaseA, Put), later(by(phaseB, Update)))},
		{0, -1, None, from("put missed", by(phaseB, Get), helper(Verify))},
		{0, 1, None, from("put missed", by(phaseB, Put), helper(VerifyBoth))},
		{1, -1, Timeout, from("stamped both", paired(phaseB, Put), by(phaseB, Get))},
		{1, -1, Reject, from("stamped both", paired(phaseA, Update), by(phaseA, Put))},
		{0, 1, None, handedOver(from("put missed", by(phaseA, Put), by(phaseN, Get), helper(Verify)))},
		{0, 2, None, handedOver(from("put missed", Actor{Phase: phaseB, Program: []Kind{Put}, Stage: 2}, by(phaseN, Get), helper(Verify)))},
		// Which the judges reject: these phases, states and stores do not go together.
		{0, -1, None, newScenario(startForeign, skewNone, []Actor{by(phaseB, Get)})},
		{0, -1, None, from("stamped both", by(phaseO, Put), by(phaseN, Get))},
		{1, -1, Crash, from("stamped both", by(phaseA, Put), by(phaseN, Get))},
		{0, -1, None, from("put missed", by(phaseN, Get), by(phaseN, Get))},
		{1, -1, None, blind(from("stamped both", by(phaseO, Update), by(phaseO, Update)))},
		{1, -1, Timeout, blind(from("stamped both", by(phaseA, Put), by(phaseA, Update)))},
		{1, 1, Crash, blind(from("stamped both", by(phaseB, Update), by(phaseB, Get)))},
		{0, -1, None, blind(from("absent", by(phaseN, Create), by(phaseN, Get, Put, Get)))},
	} {
		l := Limits{Faults: c.faults, Preemptions: c.preemptions}
		if c.kind != None {
			l.Kinds = []Fault{c.kind}
		}
		list = append(list, Named{Name: fmt.Sprintf("%s, %d×%d, %d", c.Name(), c.faults, c.kind, c.preemptions), Limits: l, Scenario: c.Scenario})
	}
	for _, n := range KnownOutcomes()[:4] {
		n.Limits.Kinds, n.Limits.Preemptions = []Fault{Cancel}, 2
		list = append(list, n)
	}
	return list
}

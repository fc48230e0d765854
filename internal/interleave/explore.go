package interleave

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// bubbleStart is the time in every synctest bubble.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Limits bound an exploration.
type Limits struct {
	// Faults is how many faults may happen in one schedule, and Kinds which; nil for all.
	Faults int
	Kinds  []Fault
	// Preemptions is how often an actor that could go on may be interrupted; negative for any number.
	Preemptions int
	// Schedules is how many schedules are run at most; what is left is not explored then. Zero for all.
	Schedules int
	// Random runs that many schedules, each decision drawn from the seed, instead of going depth first. Zero for none.
	Random int
	Seed   uint64
	// exact: a state that is reached in another number of steps is another state.
	exact bool
}

// Report is what an exploration came to.
type Report struct {
	// Schedules were begun, Judged of them run to a state at the end that had not been seen before; States counts the
	// different states on the way.
	Schedules, Judged, States int
	// Indeterminate counts answers with unknown outcome to operations that no fault had hit.
	Indeterminate int
	// Complete: there is no further schedule within the limits.
	Complete bool
	// Violation is the shortest one, nil if there is none. With the first that is found the exploration ends and the search
	// for the shortest begins, whose schedules are not counted here.
	Violation *Violation
}

// Explore runs a scenario within the limits. An error is one of the scenario, not of what was found.
func Explore(t *testing.T, s *Scenario, l Limits) (rep Report, err error) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		e := newExplorer(s, l)
		if l.Random > 0 {
			err = e.sample()
		} else {
			err = e.all()
		}
		e.report.Indeterminate, e.report.States = e.judge.indeterminate, len(e.seen)
		rep = e.report
		if err == nil && rep.Violation != nil {
			short := &shortening{scenario: s, limits: l, best: rep.Violation}
			err = short.shorten(shortestWithin)
			rep.Violation = short.best
		}
	})
	if rep.Violation != nil && err == nil {
		rep.Violation.Trace, _, err = Replay(t, s, rep.Violation.Schedule)
	}
	return rep, err
}

// explorer walks the schedules of one scenario.
type explorer struct {
	scenario *Scenario
	limits   Limits
	// thorough: go on after a violation, and keep the shortest.
	thorough bool
	seen     map[digest]bool
	judge    judge
	report   Report
	path     []choice // of the schedule that is run
}

func newExplorer(s *Scenario, l Limits) *explorer {
	return &explorer{scenario: s, limits: l, seen: map[digest]bool{}, judge: judge{known: map[string]bool{}}}
}

// found tells whether there is nothing more to look for.
func (e *explorer) found() bool { return e.report.Violation != nil && !e.thorough }

// frame is one decision on the way to where an exploration is.
type frame struct {
	taken, of int
	mark      mark // of what was taken, once it was
}

// mark tells a choice from others in different runs of one schedule. It is what a token says, for comparing.
type mark struct {
	known bool
	tick  bool
	mend  bool
	actor int
	place place
	late  int
	fault Fault
}

func (ch choice) mark() mark {
	if ch.call == nil {
		return mark{known: true, tick: ch.tick, mend: ch.mend, actor: -1}
	}
	return mark{true, false, false, ch.call.from.id, ch.call.place, ch.late, ch.fault}
}

// all goes depth first. The stack holds, for each step of the present schedule, which of how many choices is taken.
func (e *explorer) all() error {
	var stack []frame
	for {
		err := e.schedule(func(depth int, r *run, choices []choice) int {
			if depth == len(stack) {
				if !e.fresh(r) {
					return followed
				}
				stack = append(stack, frame{of: len(choices)})
			}
			f := &stack[depth]
			if f.of != len(choices) {
				return nondeterministic
			}
			m := choices[f.taken].mark()
			if f.mark.known && f.mark != m {
				return nondeterministic
			}
			f.mark = m
			return f.taken
		})
		if err != nil {
			return err
		}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			top.mark = mark{}
			if top.taken++; top.taken < top.of {
				break
			}
			stack = stack[:len(stack)-1]
		}
		if len(stack) == 0 {
			e.report.Complete = true
			return nil
		}
		if e.report.Schedules == e.limits.Schedules || e.found() {
			return nil
		}
	}
}

// sample draws every decision.
func (e *explorer) sample() error {
	rng := rand.New(rand.NewPCG(e.limits.Seed, 0))
	for range e.limits.Random {
		err := e.schedule(func(_ int, _ *run, choices []choice) int {
			return draw(rng, choices)
		})
		if err != nil || e.found() {
			return err
		}
	}
	return nil
}

// draw picks one of the choices, and seldom one that is a fault.
func draw(rng *rand.Rand, choices []choice) int {
	plain := 0
	for plain < len(choices) && choices[plain].fault == None {
		plain++
	}
	if plain == len(choices) || rng.IntN(8) > 0 {
		return rng.IntN(plain)
	}
	return plain + rng.IntN(len(choices)-plain)
}

// fresh tells whether the state of a run was never seen before.
func (e *explorer) fresh(r *run) bool {
	before := len(e.seen)
	e.seen[r.digest(&e.limits)] = true
	return len(e.seen) > before
}

// What a decision can be instead of a choice.
const (
	followed         = -1 // what comes now has been explored
	nondeterministic = -2 // the same decisions did not lead to the same choices
)

// schedule runs one schedule; pick decides.
func (e *explorer) schedule(pick func(depth int, r *run, choices []choice) int) error {
	e.report.Schedules++
	e.path = e.path[:0]
	r, err := newRun(e.scenario)
	if err != nil {
		return err
	}
	defer r.close()
	var choices []choice
	for depth := 0; ; depth++ {
		r.settle()
		choices = r.choices(choices[:0], &e.limits)
		if len(choices) == 0 {
			e.conclude(r)
			return nil
		}
		i := pick(depth, r, choices)
		switch i {
		case followed:
			return nil
		case nondeterministic:
			return fmt.Errorf("interleave: %s: after %v the choices are not what they were: something but the schedule decides", e.scenario.Name(), e.tokens())
		}
		e.path = append(e.path, choices[i])
		r.next(choices[i])
	}
}

// conclude judges a complete schedule, unless one that came to the same was judged before.
func (e *explorer) conclude(r *run) {
	if !e.fresh(r) {
		return
	}
	e.report.Judged++
	err := e.judge.verdict(r)
	if err == nil {
		return
	}
	v := &Violation{
		Scenario: e.scenario.Name(), Schedule: e.tokens(), Err: err, faults: r.faults, preemptions: r.preemptions,
	}
	if v.shorter(e.report.Violation) {
		e.report.Violation = v
	}
}

// tokens are the schedule that is run, for a replay.
func (e *explorer) tokens() (list []string) {
	for _, ch := range e.path {
		list = append(list, ch.token())
	}
	return list
}

// next takes a choice, or leaves that to who tampers with the scenario.
func (r *run) next(ch choice) {
	if r.scenario.tamper != nil {
		r.scenario.tamper(r, ch)
		return
	}
	r.take(ch)
}

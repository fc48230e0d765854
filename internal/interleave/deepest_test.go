package interleave

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

// deepest is the last step of one of the longest schedules of an exploration: the one that was found last.
type deepest struct {
	last
	steps    int
	schedule int // the first with this step, from 1
}

// last is a choice in a state.
type last struct {
	before digest
	token  string
}

// watched is the scenario, with a look at every step of its exploration.
func (d *deepest) watched(s *Scenario) *Scenario {
	begun, known := 0, map[last]bool{}
	watched := *s
	watched.tamper = func(r *run, ch choice) {
		var at last
		if r.steps+1 >= d.steps {
			at = last{r.digest(&exactly), ch.token()}
		}
		if r.take(ch); r.steps == 1 {
			begun++
		}
		if r.steps < d.steps || r.steps == d.steps && known[at] {
			return
		}
		if r.steps > d.steps {
			clear(known)
		}
		known[at] = true
		*d = deepest{last: at, steps: r.steps, schedule: begun}
	}
	return &watched
}

// lying is the scenario with places that lie in this step alone: after it they hold what nobody has written.
func (d *deepest) lying(s *Scenario) *Scenario {
	lying := *s
	lying.tamper = func(r *run, ch choice) {
		there := r.steps+1 == d.steps && ch.token() == d.token && r.digest(&exactly) == d.before
		if r.take(ch); there {
			r.stores = [2]store{lie(), lie()}
		}
	}
	return &lying
}

// lie is a place that holds what nobody has written.
func lie() *memstore.Store[string, string] {
	s, err := memstore.New(stores.StringKeys[string](), &memstore.Options[string]{Clone: func(v string) string { return v }})
	if err != nil {
		panic(err)
	}
	clock, err := (&run{begun: time.Now()}).newClock(0xfe, time.Minute)
	if err != nil {
		panic(err)
	}
	rec := record{Value: "lie"}
	if rec.Version, err = clock.Next(stores.Unstamped); err != nil {
		panic(err)
	}
	if err := s.Put(context.Background(), write{Key: key, Record: rec, If: stores.IfStamp(stores.Absent)}); err != nil {
		panic(err)
	}
	return s
}

// TestDeepest: where a scenario is explored without a violation, one is found that is planted in the last step of the
// longest schedule, and is told with that step. It is out of reach of an exploration that is a little more bounded.
func TestDeepest(t *testing.T) {
	timeout, any := Limits{Faults: 1, Kinds: []Fault{Timeout}, Preemptions: -1}, Limits{Faults: 1, Preemptions: -1}
	twice, once := timeout, any
	twice.Preemptions, once.Preemptions = 2, 1
	list := []Named{
		{Limits: once, Scenario: from("put missed", by(phaseB, Update, Get), by(phaseA, Put))},
		{Limits: twice, Scenario: from("stamped both", by(phaseB, Put), by(phaseA, Get, Put), by(phaseA, Get))},
		{Limits: any, Scenario: from("stamped both", by(phaseA, Put, Get), by(phaseA, Get, Put))},
	}
	rng := rand.New(rand.NewPCG(*seed, 0))
	sequences := Sequences()
	for range 2 {
		list = append(list, Named{Limits: timeout, Scenario: sequences.At(rng.IntN(sequences.Len()))})
	}
	if raceEnabled {
		list = list[:1]
	}
	for _, n := range list {
		t.Run(n.Scenario.Name(), func(t *testing.T) {
			t.Parallel()
			checkDeepest(t, n.Scenario, n.Limits)
		})
	}
}

func checkDeepest(t *testing.T, s *Scenario, l Limits) {
	t.Helper()
	var d deepest
	rep := mustExplore(t, d.watched(s), l)
	if rep.Violation != nil || !rep.Complete {
		t.Fatalf("without the lie: %+v", rep)
	}
	lying := d.lying(s)
	v := mustExplore(t, lying, l).Violation
	if v == nil {
		t.Fatalf("nothing is found in schedule %d of %d, step %d", d.schedule, rep.Schedules, d.steps)
	}
	t.Logf("schedule %d of %d, faults %d, preemptions %d, steps %d: %v", d.schedule, rep.Schedules, v.faults, v.preemptions, len(v.Schedule), v.Err)
	if !v.Shortest || len(v.Schedule) != d.steps {
		t.Errorf("%d steps, want %d:\n%v", len(v.Schedule), d.steps, v)
	}
	if _, verdict, err := Replay(t, lying, v.Schedule); err != nil || verdict == nil || verdict.Error() != v.Err.Error() {
		t.Errorf("the replay says %v, %v; the exploration %v", verdict, err, v.Err)
	}
	if _, verdict, err := Replay(t, s, v.Schedule); err != nil || verdict != nil {
		t.Errorf("without the lie the replay says %v, %v", verdict, err)
	}

	cut, fewer, calmer := l, l, l
	cut.Schedules, fewer.Faults, calmer.Preemptions = d.schedule-1, v.faults-1, v.preemptions-1
	for what, l := range map[string]Limits{"schedules cut off": cut, "fewer faults": fewer, "fewer preemptions": calmer} {
		if l.Schedules < 0 || l.Faults < 0 || what == "fewer preemptions" && l.Preemptions < 0 {
			continue
		}
		if rep := mustExplore(t, lying, l); rep.Violation != nil {
			t.Errorf("%s: %v", what, rep.Violation)
		}
	}
}

func mustExplore(t *testing.T, s *Scenario, l Limits) Report {
	t.Helper()
	rep, err := Explore(t, s, l)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

package interleave

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var replay = flag.String("replay", "", "a schedule to run again, as a violation prints it")

// TestReplay runs one schedule again and tells it.
func TestReplay(t *testing.T) {
	text := *replay
	if text == "" {
		text = "put in A beside get in A beside get in B, from stamped both, skew none @ ao bo cn co cn an"
	}
	t.Logf("%s\n%s", text, mustReplay(t, text))
}

// mustReplay fails the test if the schedule goes wrong.
func mustReplay(t *testing.T, text string) (story string) {
	t.Helper()
	s, schedule, err := ParseReplay(text)
	if err != nil {
		t.Fatal(err)
	}
	story, verdict, err := Replay(t, s, schedule)
	if err != nil || verdict != nil {
		t.Errorf("%v, %v\n%s", err, verdict, story)
	}
	return story
}

func TestReplayNamesWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"no decisions": "is no replay",
		"nothing @ ao": "there is no scenario",
		"put in A beside get in A beside get in B, from stamped both, skew none @ ao ao": `step 2 is "ao"`,
	} {
		s, schedule, err := ParseReplay(text)
		if err == nil {
			_, _, err = Replay(t, s, schedule)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want something with %q", text, err, want)
		}
	}
}

// TestSameScheduleSameStory is what makes an exploration an exploration.
func TestSameScheduleSameStory(t *testing.T) {
	s := from("update missed", by(phaseB, Get, PutIf), by(phaseA, Update))
	schedule := strings.Fields("an bo bo ao an an")
	first, _, err := Replay(t, s, schedule)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, _, err := Replay(t, s, schedule)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestEverySchedule compares with what one can count by hand.
func TestEverySchedule(t *testing.T) {
	for _, test := range []struct {
		scenario *Scenario
		judged   int
	}{
		{from("absent", by(phaseO, Get), by(phaseO, Get)), 2},                 // who was first
		{from("stamped both", by(phaseN, Refuse), by(phaseN, Refuse)), 2},     // the same
		{from("stamped both", by(phaseB, Get)), 1},                            // the orders of its two reads come to the same
		{from("stamped both", by(phaseA, Get), helper(Copy)), 3},              // before, between and after two calls
		{from("stamped both", by(phaseA, Put), by(phaseA, Get, Get)), 6},      // two calls into two
		{from("absent", by(phaseO, Get, Get, Get), by(phaseO, Get, Get)), 10}, // three into two
	} {
		rep, err := Explore(t, test.scenario, all)
		if err != nil {
			t.Fatal(err)
		}
		if rep.Violation != nil || !rep.Complete || rep.Judged != test.judged {
			t.Errorf("%s: want %d ends, all of them well: %+v", test.scenario.Name(), test.judged, rep)
		}
	}
}

// TestPhysicalDeletes shows why a delete in old-only leaves a tombstone, even where nothing mirrors: without one a write that
// is sent again finds the place empty, as does a copy.
func TestPhysicalDeletes(t *testing.T) {
	resent := Limits{Preemptions: -1, Faults: 1, Kinds: []Fault{Timeout}}
	after := func(stage int, a Actor) Actor {
		a.Stage = stage
		return a
	}
	for _, test := range []struct {
		name     string
		scenario *Scenario
		limits   Limits
	}{
		{"another instance mirrors, and a copy follows", from("stamped old",
			by(phaseO, Delete), by(phaseA, Update), after(1, helper(Copy)), after(2, by(phaseB, Get))), all},
		{"nothing mirrors, a put is sent again", from("absent", by(phaseO, Put), by(phaseO, Get, Delete)), resent},
		{"nothing mirrors, a create is sent again", from("absent", by(phaseO, Create), by(phaseO, Get, Delete)), resent},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, removes := range []bool{false, true} {
				s := *test.scenario
				s.removes = removes
				rep, err := Explore(t, &s, test.limits)
				if err != nil {
					t.Fatal(err)
				}
				switch {
				case !removes && rep.Violation != nil:
					t.Errorf("with tombstones: %v", rep.Violation)
				case removes && (rep.Violation == nil || !strings.Contains(rep.Violation.Err.Error(), "no order")):
					t.Errorf("without tombstones: %+v", rep)
				case removes:
					t.Log(rep.Violation.Error())
				}
			}
		})
	}
}

// TestPlanted breaks the rules of the protocol instead of the code: the engine has to find it, and the shortest way there.
func TestPlanted(t *testing.T) {
	crash := Limits{Preemptions: -1, Faults: 1, Kinds: []Fault{Crash}}
	foreign := newScenario(startForeign, skewNone, []Actor{by(phaseB, Get)})
	for _, test := range []struct {
		name     string
		scenario *Scenario
		limits   Limits
		want     string // a part of what the violation says
		steps    int    // of the shortest schedule
	}{
		{"two phases apart, O and N", from("stamped both", by(phaseO, Put), by(phaseN, Get)), all, "no order", 2},
		{"two phases apart, A and N, after a crash", from("stamped both", by(phaseA, Put), by(phaseN, Get)), crash, "no order", 0},
		{"new-only before a clean verify", from("put missed", by(phaseN, Get), by(phaseN, Get)), all, "no order", 2},
		{"a value from nowhere", foreign, all, "no order", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			rep, err := Explore(t, test.scenario, test.limits)
			if err != nil {
				t.Fatal(err)
			}
			v := rep.Violation
			if v == nil {
				t.Fatalf("nothing was found: %+v", rep)
			}
			t.Log(v.Error())
			if !strings.Contains(v.Err.Error(), test.want) {
				t.Errorf("%v, want something with %q", v.Err, test.want)
			}
			if test.steps > 0 && len(v.Schedule) != test.steps {
				t.Errorf("%d steps, the shortest has %d", len(v.Schedule), test.steps)
			}
			if _, verdict, err := Replay(t, test.scenario, v.Schedule); err != nil || verdict == nil {
				t.Errorf("the replay says %v, %v", verdict, err)
			}
		})
	}
}

// TestCoverHasEveryPairOfColumns counts the pairs of values of a table in another way than Cover does.
func TestCoverHasEveryPairOfColumns(t *testing.T) {
	table := Sequences()
	want, got := map[[4]string]bool{}, map[[4]string]bool{}
	for i := range table.Len() {
		s := table.At(i)
		for _, s.Fault = range []Fault{None, Crash} {
			pairsOfValues(s, want)
		}
	}
	picked := table.Cover(*seed, None, Crash)
	for _, s := range picked {
		pairsOfValues(s, got)
	}
	if len(got) != len(want) || len(picked) > table.Len()/10 {
		t.Errorf("%d of %d scenarios cover %d of %d pairs", len(picked), table.Len(), len(got), len(want))
	}
}

// pairsOfValues adds what a scenario covers.
func pairsOfValues(s *Scenario, set map[[4]string]bool) {
	values := map[string]string{"start": s.Start.Name, "skew": s.skew, "fault": s.Fault.String(), "pairs": s.pairs.name, "window": ""}
	for i, a := range s.Actors {
		if a.Phase.Valid() {
			values["window"] += short(a.Phase)
			values[fmt.Sprint("program ", i)] = a.program()
		} else {
			values["beside"] = a.program()
		}
	}
	for i, a := range values {
		for j, b := range values {
			set[[4]string{i, a, j, b}] = true
		}
	}
}

// TestNamesAreUnique is what a replay relies on.
func TestNamesAreUnique(t *testing.T) {
	for _, table := range Tables() {
		seen := map[string]bool{}
		step := 1 + table.Len()/20_000
		for i := 0; i < table.Len(); i += step {
			s := table.At(i)
			if s == nil {
				continue
			}
			if name := s.Name(); seen[name] {
				t.Fatalf("two scenarios are called %q", name)
			} else {
				seen[name] = true
			}
		}
	}
}

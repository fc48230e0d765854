package interleave

import (
	"fmt"
	"strings"
	"time"

	"github.com/dualwrite/dualwrite/flags"
)

// Scenario is a start state and those who take part.
type Scenario struct {
	Start Start
	// StartSkew is how far the clock that made the start state was ahead; without it, it was an hour behind.
	StartSkew time.Duration
	Actors    []Actor
	// Certain: no operation that was committed may answer that its outcome is not known.
	Certain bool
	// Wiped: new has lost what old is based on, so that nothing can be answered and nothing may be written.
	Wiped bool
	// Forgets: the places do not note what a blind write replaces, as a store need not (stores.Write.NotePrev).
	Forgets bool
	// Mends: at any moment new may begin to take what it refused, as when what was in the way in a unique index goes away.
	Mends bool
	// Fault is the one that may happen, at any call; None for what the limits say.
	Fault Fault
	// checked: each answer of the places is compared with what it has to be; see Over.
	checked bool

	skew  string
	pairs pairing
	// removes: a delete in old-only leaves no tombstone, but takes the record away; for a test of why it must not.
	removes bool
	// places opens the two places of one schedule, empty; nil for places in memory.
	places func() ([2]store, error)
	// tamper takes the scheduler's choices in place of run.take, and may lie about what comes of them; for tests of the engine.
	tamper func(r *run, ch choice)
}

// The phases, as short as they are in the tables.
const (
	phaseO = flags.OldOnly
	phaseA = flags.ReadOldWriteBoth
	phaseB = flags.ReadNewWriteBoth
	phaseN = flags.NewOnly
)

func short(p flags.Phase) string {
	return [...]string{0: "-", phaseO: "O", phaseA: "A", phaseB: "B", phaseN: "N"}[p]
}

func newScenario(s Start, k skew, actors []Actor) *Scenario {
	return &Scenario{Start: s, StartSkew: k.start, skew: k.name, Actors: actors}
}

// Name tells scenarios apart, and finds them again for a replay.
func (s *Scenario) Name() string {
	var b strings.Builder
	for i, a := range s.Actors {
		switch {
		case i == 0:
		case a.Stage > s.Actors[i-1].Stage:
			b.WriteString(" then ")
		default:
			b.WriteString(" beside ")
		}
		b.WriteString(a.program())
		if a.Phase.Valid() {
			b.WriteString(" in " + short(a.Phase))
		}
	}
	fmt.Fprintf(&b, ", from %s, skew %s", s.Start.Name, s.skew)
	if s.pairs != (pairing{}) && s.pairs != separate {
		fmt.Fprintf(&b, ", pairs %s", s.pairs.name)
	}
	if s.Forgets {
		b.WriteString(", nothing noted")
	}
	if s.Fault != None {
		fmt.Fprintf(&b, ", fault %s", s.Fault)
	}
	return b.String()
}

// program is what the actor does, as it is in names.
func (a *Actor) program() string {
	if len(a.Program) == 1 {
		return string(a.Program[0])
	}
	var names []string
	for _, k := range a.Program {
		names = append(names, string(k))
	}
	return strings.Join(names, ",")
}

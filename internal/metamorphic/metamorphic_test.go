package metamorphic

import (
	"flag"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

var (
	seedFlag    = flag.Uint64("metamorphic.seed", 0, "first seed of the scripts; 0 is a random one")
	scriptsFlag = flag.Int("metamorphic.scripts", 1000, "how many scripts are run in each world")
)

const (
	o = flags.OldOnly
	a = flags.ReadOldWriteBoth
	b = flags.ReadNewWriteBoth
	n = flags.NewOnly
)

// The first is a plain store: the phase that everything else is compared with.
var worlds = []world{
	{name: "plain", start: []flags.Phase{o}},
	{name: "A", start: []flags.Phase{a}},
	{name: "B", start: []flags.Phase{b}},
	{name: "N", start: []flags.Phase{n}},
	{name: "O beside A", start: []flags.Phase{o, a}},
	{name: "A beside B", start: []flags.Phase{a, b}},
	{name: "A beside B, one separate", start: []flags.Phase{a, b}, separate: second},
	{name: "A beside B, separate, clock ahead", start: []flags.Phase{a, b}, separate: everybody, skew: time.Hour},
	{name: "B beside N", start: []flags.Phase{b, n}},
	{name: "B beside N, separate", start: []flags.Phase{b, n}, separate: everybody},
	{name: "walk", start: []flags.Phase{o}, walks: true, first: o, last: n},
	{name: "walk of two, one separate", start: []flags.Phase{o, o}, walks: true, first: o, last: n, separate: second},
	{name: "walk of two, separate, clock behind", start: []flags.Phase{o, o}, walks: true, first: o, last: n, separate: everybody, skew: -time.Hour},
	{name: "beside a copier", start: []flags.Phase{a, a}, walks: true, first: a, last: b, copies: true, separate: second},
	{name: "faults in O", start: []flags.Phase{o}, faulty: true},
	{name: "faults in N", start: []flags.Phase{n}, faulty: true},
	{name: "faults in a walk", start: []flags.Phase{o}, walks: true, first: o, last: n, faulty: true},
	{name: "faults in a walk of two", start: []flags.Phase{o, o}, walks: true, first: o, last: n, faulty: true, separate: second, skew: -time.Hour},
	{name: "faults in A beside B", start: []flags.Phase{a, b}, faulty: true, skew: time.Hour},
	{name: "faults in A beside B, separate", start: []flags.Phase{a, b}, faulty: true, separate: everybody, skew: time.Hour},
	{name: "faults in B beside N, one separate", start: []flags.Phase{n, b}, faulty: true, separate: second, skew: -time.Hour},
	{name: "faults in B beside N, clock behind", start: []flags.Phase{b, n}, faulty: true, skew: -time.Hour},
}

func TestOneHistory(t *testing.T) {
	t.Parallel()
	first, scripts := *seedFlag, *scriptsFlag
	if first == 0 {
		first = rand.Uint64()
	}
	if testing.Short() || raceDetector {
		scripts = max(1, scripts/10)
	}
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			doubts := 0
			for i := range scripts {
				seed := first + uint64(i)
				d, err := w.bubble(t, generate(seed))
				doubts += d
				if err != nil {
					w.report(t, seed, err)
					return
				}
			}
			t.Logf("%d scripts from seed %d, %d outcomes in doubt", scripts, first, doubts)
			if (doubts > 0) != w.faulty {
				t.Errorf("faults: %v, but %d outcomes were in doubt", w.faulty, doubts)
			}
		})
	}
}

// bubble plays a script; where faults make operations wait, in a time of its own.
func (w world) bubble(t *testing.T, s script) (doubts int, err error) {
	t.Helper()
	if !w.faulty {
		return w.play(t, s)
	}
	synctest.Test(t, func(t *testing.T) { doubts, err = w.play(t, s) })
	return doubts, err
}

// report shows the shortest script that fails in the same world.
func (w world) report(t *testing.T, seed uint64, err error) {
	t.Helper()
	tries := 1
	if w.copies {
		tries = 20
	}
	short, last := shrink(generate(seed), func(s script) error {
		for range tries {
			if _, err := w.bubble(t, s); err != nil {
				return err
			}
		}
		return nil
	})
	if last == nil {
		last = err
	}
	t.Errorf("%v\n\nafter this script, the shortest found of seed %d (-metamorphic.seed=%d -metamorphic.scripts=1):\n%v\n\nfirst seen: %v", last, seed, seed, short, err)
}

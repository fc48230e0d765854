package dualwritetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dualwrite/dualwrite/flags"
)

// topic is one part of what callers rely on. It runs over each world and says at which moments the phase may flip.
type topic[K, V any] struct {
	name string
	run  func(f *fixture[K, V])
}

// Run runs the whole kit as subtests of t: every topic over a single place, in every phase, and with a flip in each
// direction between neighbours at each moment that matters.
func Run[K, V any](t *testing.T, c Config[K, V]) {
	t.Helper()
	if err := c.validate(); err != nil {
		t.Fatal(err)
	}
	topics := []topic[K, V]{
		{"get and put", getAndPut[K, V]},
		{"create", create[K, V]},
		{"update", update[K, V]},
		{"upsert", upsert[K, V]},
		{"delete", remove[K, V]},
		{"conditional writes", conditional[K, V]},
		{"versions", versions[K, V]},
		{"refusals write nothing", refusals[K, V]},
		{"records from before", legacy[K, V]},
		{"get many", getMany[K, V]},
		{"write many", writeMany[K, V]},
		{"scan", scan[K, V]},
		{"scan of old records", scanLegacy[K, V]},
		{"errors", errorsOf[K, V]},
		{"read", routed[K, V]},
		{"status", status[K, V]},
		{"drained", drained[K, V]},
		{"close", closing[K, V]},
		{"cancelled before", cancelledBefore[K, V]},
		{"cancelled between", cancelledBetween[K, V]},
		{"counting together", counting[K, V]},
		{"creating together", creating[K, V]},
	}
	for _, tp := range topics {
		t.Run(tp.name, func(t *testing.T) {
			c.concurrently(t)
			tp.everywhere(t, &c)
		})
	}
}

func (c *Config[K, V]) concurrently(t *testing.T) {
	if !c.Serial {
		t.Parallel()
	}
}

// everywhere runs a topic over a single place, in each phase, and then with a flip at each of its points.
func (tp topic[K, V]) everywhere(t *testing.T, c *Config[K, V]) {
	if !t.Run("single", func(t *testing.T) { tp.in(t, c, world{from: flags.NewOnly, single: true}) }) {
		return // everything else would only say the same again
	}
	points := 0
	for _, p := range flags.Phases() {
		ok := t.Run(subtest(p.String()), func(t *testing.T) {
			points = tp.in(t, c, world{from: p})
		})
		if !ok {
			return
		}
	}
	for _, from := range flags.Phases() {
		for _, to := range flags.Phases() {
			if from == to || !from.Adjacent(to) {
				continue
			}
			for at := 1; at <= points; at++ {
				if testing.Short() && at != (points+1)/2 {
					continue
				}
				t.Run(subtest(fmt.Sprintf("from %v to %v at %d", from, to, at)), func(t *testing.T) {
					c.concurrently(t)
					tp.in(t, c, world{from: from, to: to, at: at})
				})
			}
		}
	}
}

// in runs a topic in one world and answers how many points it has.
func (tp topic[K, V]) in(t *testing.T, c *Config[K, V], w world) (points int) {
	f := newFixture(t, c, w)
	tp.run(f)
	return f.points
}

// subtest keeps the slash of a phase from looking like a level of subtests.
func subtest(name string) string { return strings.ReplaceAll(name, "/", "+") }

package dualwritetest

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/internal/interleave"
	"github.com/dualwrite/dualwrite/stores"
)

// exploration is one call of [Explore].
type exploration[K, V any] struct {
	*testing.T
	c        *Config[K, V]
	opts     ExploreOptions
	old, new stores.Store[K, V]
	paired   bool // the stores can commit together

	keys, calls atomic.Int64

	mu                   sync.Mutex
	scenarios, schedules int
	bounded              int // scenarios of which not every schedule was run
}

// workers is how many schedules run at the same time at least: a store that waits for a disk or a network keeps no
// processor busy.
const workers = 32

// all explores scenarios, several at a time, until one fails.
func (e *exploration[K, V]) all(list []interleave.Named) {
	e.Helper()
	begun := time.Now()
	next := make(chan *interleave.Named, len(list))
	for i := range list {
		next <- &list[i]
	}
	close(next)
	n := max(workers, runtime.GOMAXPROCS(0))
	if e.c.Serial {
		n = 1
	}
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			o := newOutside()
			defer o.close()
			for named := range next {
				if e.Failed() {
					return
				}
				e.scenario(named, o)
			}
		})
	}
	wg.Wait()
	took := time.Since(begun)
	e.Logf("%d of %d scenarios (%d bounded, having more orders than their share), %d schedules, %d store calls, %v, %.0f schedules/s, pair writes %v, seed %d",
		e.scenarios, len(list), e.bounded, e.schedules, e.calls.Load(), took.Round(time.Millisecond),
		float64(e.schedules)/took.Seconds(), e.paired, e.opts.Seed)
}

// scenario runs all schedules of a scenario; if there are too many, half of its share is drawn at random.
func (e *exploration[K, V]) scenario(n *interleave.Named, o *outside) {
	e.Helper()
	s := n.Over(e.opener(o))
	first, rest := n.Limits, n.Limits
	first.Schedules = (n.Limits.Schedules + 1) / 2
	rep, err := interleave.Explore(e.T, s, first)
	total := rep.Schedules
	if err == nil && rep.Violation == nil && !rep.Complete {
		rest.Random, rest.Seed = n.Limits.Schedules-first.Schedules, e.opts.Seed
		var drawn interleave.Report
		drawn, err = interleave.Explore(e.T, s, rest)
		rep.Violation = drawn.Violation
		total += drawn.Schedules
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.scenarios++
	e.schedules += total
	if !rep.Complete && rep.Violation == nil {
		e.bounded++
	}
	switch {
	case rep.Violation != nil && !e.Failed(): // what others have found at the same time tends to be the same
		e.Error(e.violation(rep.Violation))
	case err != nil:
		e.Error(err)
	}
}

// opener gives each schedule a record of its own.
func (e *exploration[K, V]) opener(o *outside) func() (old, new stores.Store[string, string], err error) {
	return func() (old, new stores.Store[string, string], err error) {
		n := int(e.keys.Add(1) - 1)
		var ts *texts[K, V]
		o.do(func(context.Context) { ts = &texts[K, V]{c: e.c, key: e.c.Key(n), first: n * 16 % valueCount} })
		return &place[K, V]{e.old, ts, o, &e.calls}, &place[K, V]{e.new, ts, o, &e.calls}, nil
	}
}

// legend says how to read a schedule.
const legend = `In the schedule, actors are a, b, …, and O, A, B, N are the phases old-only, read-old/write-both, read-new/write-both and
new-only. A record is its version, its value as a text and the version that it was based on; version a0 is the first that
actor a made, and s0 the first of those that were there before.`

func (e *exploration[K, V]) violation(v *interleave.Violation) string {
	replay := v.Scenario + " @ " + strings.Join(v.Schedule, " ")
	return fmt.Sprintf("%v\n\n%s\n%s\n\n%s\n\nTo run it again:\n%s='%s' go test -run '^%s$' .\nor set\nExploreOptions.Replay: %q",
		v.Err, v.Scenario, v.Trace, legend, replayVariable, replay, regexp.QuoteMeta(e.Name()), replay)
}

// replay runs one schedule and tells it.
func (e *exploration[K, V]) replay() {
	e.Helper()
	s, schedule, err := interleave.ParseReplay(e.opts.Replay)
	if err != nil {
		e.Fatal(err)
	}
	o := newOutside()
	defer o.close()
	story, verdict, err := interleave.Replay(e.T, s.Over(e.opener(o)), schedule)
	e.Logf("%s\n%s\n\n%s", s.Name(), story, legend)
	switch {
	case err != nil:
		e.Error(err)
	case verdict != nil:
		e.Error(verdict)
	}
}

package interleave

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

// run is one schedule of a scenario, from the start state on. It lives in a synctest bubble, in which time stands still.
type run struct {
	scenario *Scenario
	stores   [2]store
	initial  initial
	actors   []*actor
	// late are writes in flight whose owner does not wait for them any more.
	late []*call
	// ticks is how often time went on, for those who wait for it.
	ticks int
	// contents is what each version stands for.
	contents map[stores.Version]content
	stored   digest // of the contents

	begun  time.Time
	stage  int // that is under way
	steps  int
	faults int
	// rejected is how many of the faults were rejections.
	rejected int
	// refused: new has refused a value for good. mended: it does so no more.
	refused, mended bool
	ended           bool // the rest of the late writes never arrives
	// last and preemptions count for a bounded exploration.
	last        *actor
	preemptions int
	// broken is what was violated in a step; later steps change nothing about it.
	broken   error
	breaking sync.Mutex // two reads at once may go wrong
	trace    *trace     // nil unless somebody wants to read it
	buffer   []byte     // for digests

	over          atomic.Bool
	actorsRunning sync.WaitGroup
}

// content is what a version stands for.
type content struct {
	value   string
	deleted bool
	prev    stores.Version
}

// same tells whether both can be one record: a mirror does not know what the write that it carries has noted.
func (c content) same(d content) bool {
	if c.prev.IsUnknown() || d.prev.IsUnknown() {
		c.prev, d.prev = stores.Unknown, stores.Unknown
	}
	return c == d
}

func contentOf(r record) content { return content{value: r.Value, deleted: r.Deleted, prev: r.Prev} }

func newRun(s *Scenario) (*run, error) {
	r := &run{scenario: s, contents: map[stores.Version]content{}, begun: time.Now()}
	open := s.places
	if open == nil {
		open = inMemory
	}
	var err error
	if r.stores, err = open(); err != nil {
		return nil, err
	}
	if s.checked {
		r.check()
	}
	if err := r.fill(&s.Start); err != nil {
		return nil, err
	}
	for i, spec := range s.Actors {
		a, err := newActor(r, i, spec)
		if err != nil {
			return nil, err
		}
		r.actors = append(r.actors, a)
	}
	return r, nil
}

// inMemory opens the places that are explored unless a scenario has others.
func inMemory() (places [2]store, err error) {
	clone := &memstore.Options[string]{Clone: func(v string) string { return v }}
	for p := range places {
		if places[p], err = memstore.New(stores.StringKeys[string](), clone); err != nil {
			return places, err
		}
	}
	return places, nil
}

// startWriter is the id in the stamps of the start state.
const startWriter = 0xff

// fill puts the start state into the places.
func (r *run) fill(s *Start) error {
	clock, err := r.newClock(startWriter, r.scenario.StartSkew-time.Hour)
	if err != nil {
		return err
	}
	vs, err := newVersions(clock)
	if err != nil {
		return err
	}
	r.initial = initial{state: state{live: s.Value != "", value: s.Value}, version: vs.seen(s)}
	for p, stored := range [2]*Stored{s.Old, s.New} {
		if stored == nil {
			r.initial.held[p].Version = stores.Absent
			continue
		}
		rec := vs.record(stored)
		r.initial.held[p] = rec
		cond := stores.IfStamp(stores.Absent)
		if rec.Version.IsUnstamped() {
			cond = stores.IfOlder(stores.Unstamped)
		}
		if err := r.stores[p].Put(context.Background(), write{Key: key, Record: rec, If: cond}); err != nil && r.broken == nil {
			return fmt.Errorf("interleave: start state %q: %w", s.Name, err)
		}
		r.contents[rec.Version] = contentOf(rec)
	}
	return nil
}

// settle waits until every actor has come to the gate or to its end, starts those whose turn has come, and notes which
// operations have ended.
func (r *run) settle() {
	for {
		synctest.Wait()
		r.noteEnds()
		stage, found := 0, false
		for _, a := range r.actors {
			if !a.idle() && (!found || a.Stage < stage) {
				stage, found = a.Stage, true
			}
		}
		if found && r.cutsOff(stage) {
			return // until it is decided what becomes of those
		}
		r.stage = max(r.stage, stage)
		fresh := false
		for _, a := range r.actors {
			if found && a.Stage == stage && !a.started {
				a.start()
				fresh = true
			}
		}
		if !fresh {
			return
		}
	}
}

// cutsOff tells whether there are writes in flight that can not arrive any more once a stage has begun: two stages later
// nothing is still running.
func (r *run) cutsOff(stage int) bool {
	return slices.ContainsFunc(r.late, func(c *call) bool { return c.from.Stage+1 < stage })
}

// window is the phases of the last stage that was reached, in order.
func (r *run) window() (phases []flags.Phase) {
	last := 0
	for _, a := range r.actors {
		if a.Phase.Valid() && !a.barred() {
			last = max(last, a.Stage)
		}
	}
	for _, a := range r.actors {
		if a.Stage == last && a.Phase.Valid() && !a.barred() && !slices.Contains(phases, a.Phase) {
			phases = append(phases, a.Phase)
		}
	}
	slices.Sort(phases)
	return phases
}

// noteEnds notes the step after which each operation had ended.
func (r *run) noteEnds() {
	for _, a := range r.actors {
		for _, o := range a.ops {
			if o.ended && o.last == 0 && o.first != 0 {
				o.last = r.steps
				r.trace.ended(a, o)
			}
		}
	}
}

// endedOps has a bit for each operation that has ended.
func (r *run) endedOps() (set uint64) {
	bit := 0
	for _, a := range r.actors {
		for _, o := range a.ops {
			if o.ended {
				set |= 1 << bit
			}
			bit++
		}
	}
	return set
}

// carryOut makes the call and checks what the place does.
func (r *run) carryOut(c *call) answer {
	if err := r.refuses(c); err != nil {
		return answer{err: err}
	}
	if c.put == nil {
		rec, err := r.stores[c.place].Get(c.ctx, key)
		return answer{rec: rec, err: err}
	}
	put := *c.put
	put.NotePrev = put.NotePrev && !r.scenario.Forgets
	switch {
	case c.with != nil:
		old, now := r.held(oldPlace), r.held(newPlace)
		err := stores.PutPair(c.ctx, r.stores[oldPlace], put, r.stores[newPlace], *c.with)
		if err == nil {
			r.accepted(oldPlace, c.put.Record, old)
			r.accepted(newPlace, c.with.Record, now)
		}
		return answer{err: err}
	default:
		before := r.held(c.place)
		err := r.stores[c.place].Put(c.ctx, put)
		if err == nil {
			r.accepted(c.place, c.put.Record, before)
			r.remove(c)
		}
		return answer{err: err}
	}
}

// remove takes away the tombstone that a delete in old-only has left, in scenarios where it does.
func (r *run) remove(c *call) {
	if !r.scenario.removes || c.place != oldPlace || !c.put.Record.Deleted || c.from == nil || c.from.Phase != phaseO {
		return
	}
	targets := []stores.PurgeTarget[string]{{Key: key, Version: c.put.Record.Version}}
	if errs, err := stores.Purge(context.Background(), r.stores[oldPlace], targets); err != nil || errs[0] != nil {
		r.violation("removing a tombstone: %v, %v", err, errs)
	}
}

// accepted checks what a place has taken.
func (r *run) accepted(p place, rec, before record) {
	known, ok := r.contents[rec.Version]
	switch {
	case ok && !known.same(contentOf(rec)) && !rec.Version.IsUnstamped():
		r.violation("version %s stands for two things: %v and %v", stamp(rec.Version), known, contentOf(rec))
	case p == newPlace && rec.Intent:
		r.violation("new takes an intent: %s", describe(rec))
	case before.Version.Newer(rec.Version) && (p == newPlace || !before.Intent):
		r.violation("%v goes back from %s to %s", p, describe(before), describe(rec))
	case before.Version.Same(rec.Version):
		r.violation("%v takes version %s a second time", p, stamp(rec.Version))
	}
	if !ok {
		r.contents[rec.Version] = contentOf(rec)
		r.store(rec)
	}
	r.credit(rec.Version, p)
}

// credit notes for the operation that made a version that a place has taken it, whoever brought it there.
func (r *run) credit(v stores.Version, p place) {
	s, ok := v.Stamp()
	if !ok || s.Writer() > uint64(len(r.actors)) || s.Writer() == 0 {
		return
	}
	a := r.actors[s.Writer()-1]
	if o := a.current(); o != nil && !a.crashed {
		o.stored = true
		o.decided = o.decided || (p == newPlace) == (a.Phase >= phaseB)
	}
}

func (r *run) violation(format string, args ...any) {
	r.breaking.Lock()
	defer r.breaking.Unlock()
	if r.broken == nil {
		r.broken = fmt.Errorf(format, args...)
	}
}

// close ends everything that still waits, so that no goroutine is left.
func (r *run) close() {
	r.over.Store(true)
	for _, a := range r.actors {
		a.mu.Lock()
		waiting := a.waiting
		a.waiting = nil
		a.mu.Unlock()
		for _, c := range waiting {
			c.reply <- answer{err: errOver}
		}
	}
	for _, c := range r.late {
		c.answer(answer{err: errOver})
	}
	r.actorsRunning.Wait()
	for _, a := range r.actors {
		a.cancel()
	}
}

// answer replies unless there was a reply already.
func (c *call) answer(a answer) {
	select {
	case c.reply <- a:
	default:
	}
}

// errTimeout is an answer that does not tell the outcome.
var errTimeout = errors.New("injected: timed out, the outcome is not known")

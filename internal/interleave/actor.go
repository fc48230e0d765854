package interleave

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// Actor is who takes part in a scenario.
type Actor struct {
	// Phase is what the actor's flag says, all the time. A copy or repair does not look at it.
	Phase flags.Phase
	// Program is what the actor does, one after the other.
	Program []Kind
	// Skew is how far the actor's clock is ahead of the others'.
	Skew time.Duration
	// Stage: an actor starts when those of all earlier stages have ended or crashed.
	Stage int
	// Safe actors are hit by no fault.
	Safe bool
	// Paired: both places are written in one call, where the phase writes both.
	Paired bool
	// Needs is an actor of an earlier stage, from 1, that has to come out clean; otherwise this one never starts.
	Needs int
}

// actor is an Actor in one schedule.
type actor struct {
	Actor
	run   *run
	id    int
	clock *stores.Clock
	repo  *repository
	gates [2]*gate

	ctx       context.Context
	cancel    context.CancelFunc
	cancelled bool
	started   bool
	crashed   bool
	faulted   bool
	calls     int // let through so far
	// seen is a digest of all that the actor has been answered.
	seen digest

	// The rest is written by the actor's own goroutines and read by the scheduler while they all wait.
	mu      sync.Mutex
	waiting []*call
	ops     []*op
	done    bool
	clean   bool // what a verify found
}

// letter is the actor's name in a schedule.
func (a *actor) letter() string { return string(rune('a' + a.id)) }

// writerID is where the clock of an actor gets its id from.
type writerID uint64

func (w writerID) Read(b []byte) (int, error) {
	binary.BigEndian.PutUint64(b, uint64(w))
	return len(b), nil
}

// newClock makes a clock that begins with the schedule: a bubble is shared by many.
func (r *run) newClock(writer uint64, skew time.Duration) (*stores.Clock, error) {
	return stores.NewClock(&stores.ClockOptions{
		Now:  func() time.Time { return bubbleStart.Add(time.Since(r.begun) + skew) },
		Rand: writerID(writer),
	})
}

// attempts is more often than anything can get in between in the scenarios at hand: nobody may run out of tries.
const attempts = 16

func newActor(r *run, id int, spec Actor) (*actor, error) {
	a := &actor{Actor: spec, run: r, id: id}
	for p := range a.gates {
		a.gates[p] = &gate{from: a, place: place(p), keys: r.stores[p].Keys()}
	}
	var err error
	if a.clock, err = r.newClock(uint64(id+1), spec.Skew); err != nil {
		return nil, err
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	for i, kind := range spec.Program {
		o := &op{kind: kind, id: fmt.Sprintf("%s%d", a.letter(), i+1)}
		if kind.bad() {
			o.id += badMark
		}
		a.ops = append(a.ops, o)
	}
	a.repo, err = dualwrite.New[string, string](a.gates[oldPlace], a.gates[newPlace], flags.Static(spec.Phase), &dualwrite.Options{
		Clock: a.clock, Backoff: noWait, Attempts: attempts, Breaker: closedBreaker{}, SeparateWrites: !spec.Paired,
	})
	return a, err
}

func noWait(int) time.Duration { return 0 }

// closedBreaker lets every mirror through.
type closedBreaker struct{}

func (closedBreaker) Allow() (func(error), error) { return func(error) {}, nil }

// start begins the program, in a goroutine that ends at the latest when the run is closed.
func (a *actor) start() {
	a.started = true
	a.seen[0] = byte(a.run.ticks) // its clock may be read before the first answer
	a.run.actorsRunning.Go(func() {
		for _, o := range a.ops {
			a.begin(o)
			out := o.do(a)
			a.end(o, out)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.done = true
	})
}

// begin notes which operation the calls that follow are of.
func (a *actor) begin(o *op) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o.begun = true
}

// end notes what an operation answers.
func (a *actor) end(o *op, out outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o.finish(out)
}

// current is the operation that the actor is at; nil when it has ended.
func (a *actor) current() *op {
	for _, o := range a.ops {
		if !o.ended {
			return o
		}
	}
	return nil
}

// arrive puts a call in front of the gate, unless the run is over. Calls that are made at the same time wait in the order
// of the places, whichever goroutine came first.
func (a *actor) arrive(c *call) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.run.over.Load() {
		return false
	}
	a.waiting = append(a.waiting, c)
	slices.SortStableFunc(a.waiting, func(x, y *call) int { return int(x.place) - int(y.place) })
	return true
}

// leave takes a call away from the gate.
func (a *actor) leave(c *call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, w := range a.waiting {
		if w == c {
			a.waiting = append(a.waiting[:i], a.waiting[i+1:]...)
			return
		}
	}
}

// places are both stores as the actor sees them.
func (a *actor) places() [2]store { return [2]store{a.gates[oldPlace], a.gates[newPlace]} }

// idle tells whether nothing will come of the actor any more.
func (a *actor) idle() bool { return a.crashed || a.done || a.barred() }

// barred tells whether the actor may not start, as what it needs did not come out clean.
func (a *actor) barred() bool {
	if a.Needs == 0 {
		return false
	}
	needs := a.run.actors[a.Needs-1]
	return needs.idle() && !needs.clean
}

// asleep tells whether the actor waits for time to go on.
func (a *actor) asleep() bool { return a.started && !a.idle() && len(a.waiting) == 0 }

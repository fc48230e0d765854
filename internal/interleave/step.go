package interleave

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// choice is one thing that the scheduler can do next.
type choice struct {
	// call is let through; nil: time goes on, or the schedule ends here, and writes that are still in flight never arrive.
	call  *call
	tick  bool
	mend  bool // new refuses nothing any more
	late  int  // from 1: which of the writes in flight it is, for whose answer nobody waits
	fault Fault
}

// token names the choice in a schedule.
func (ch choice) token() string {
	switch {
	case ch.tick:
		return "tick"
	case ch.mend:
		return "mend"
	case ch.call == nil:
		return "end"
	case ch.late > 0:
		return fmt.Sprintf("late%d", ch.late)
	default:
		return ch.call.from.letter() + ch.call.place.String()[:1] + letters[ch.fault]
	}
}

// choices are all that the scheduler can do next, the cheapest to read first: the actor that was on goes on, faults come
// last. None: the schedule is complete.
func (r *run) choices(list []choice, l *Limits) []choice {
	if r.ended || r.broken != nil {
		return nil
	}
	alive, asleep := false, false
	for i := range r.actors {
		a := r.actors[r.inTurn(i)]
		if a.crashed {
			continue
		}
		asleep = asleep || a.asleep()
		for _, c := range a.waiting {
			alive = true
			if r.mayRun(a, l) {
				list = append(list, choice{call: c})
			}
		}
	}
	for i, c := range r.late {
		list = append(list, choice{call: c, late: i + 1})
	}
	if asleep && r.ticks < maxTicks {
		alive = true
		list = append(list, choice{tick: true})
	}
	if r.scenario.Mends && !r.mended && alive {
		list = append(list, choice{mend: true})
	}
	if !alive && len(r.late) > 0 {
		list = append(list, choice{})
	}
	return r.withFaults(list, l)
}

// withFaults adds the same calls, hit by a fault.
func (r *run) withFaults(list []choice, l *Limits) []choice {
	if r.faults >= l.Faults {
		return list
	}
	for _, ch := range list {
		if ch.call == nil || ch.late > 0 || ch.call.from.Safe {
			continue
		}
		for f := Crash; f < faults; f++ {
			if f.possible(ch.call) && (l.Kinds == nil || slices.Contains(l.Kinds, f)) {
				list = append(list, choice{call: ch.call, fault: f})
			}
		}
	}
	return list
}

// inTurn puts the actor that made the last call first.
func (r *run) inTurn(i int) int {
	if r.last == nil {
		return i
	}
	switch {
	case i == 0:
		return r.last.id
	case i <= r.last.id:
		return i - 1
	default:
		return i
	}
}

// mayRun tells whether the bound on preemptions allows an actor to run now.
func (r *run) mayRun(a *actor, l *Limits) bool {
	return l.Preemptions < 0 || a == r.last || r.preemptions < l.Preemptions || !r.canGoOn(r.last)
}

func (r *run) canGoOn(a *actor) bool { return a != nil && !a.crashed && len(a.waiting) > 0 }

// maxCalls is more than any program needs in the scenarios at hand, the tries against a few others included.
const maxCalls = 60

const (
	// tick is how much time goes by at once: the grace period of a verify, and much less than any timeout.
	tick = 10 * time.Millisecond
	// maxTicks is more often than anybody waits.
	maxTicks = 4
)

// take carries out a choice.
func (r *run) take(ch choice) {
	r.steps++
	if ch.tick {
		r.trace.add("%-8s time goes on", ch.token())
		r.sleep()
		return
	}
	if ch.mend {
		r.trace.add("%-8s new refuses nothing any more", ch.token())
		r.mended = true
		return
	}
	if ch.call == nil {
		r.trace.add("%-8s what is in flight of this stage never arrives", ch.token())
		r.cut()
		return
	}
	c, a := ch.call, ch.call.from
	if ch.late > 0 {
		c.ctx = context.Background()
		before := r.before(c)
		ans := r.carryOut(c)
		r.drop(c)
		a.remember(ch, 0, ans)
		r.trace.call(ch, before, ans)
		return
	}
	if a != r.last {
		if r.canGoOn(r.last) {
			r.preemptions++
		}
		r.last = a
	}
	r.present(a)
	a.leave(c)
	if a.calls++; a.calls > maxCalls {
		r.violation("%s does not come to an end: %d store calls", a.letter(), a.calls)
	}
	before := r.before(c)
	ans, reply := r.hit(ch)
	a.remember(ch, a.current().after, ans)
	r.trace.call(ch, before, ans)
	if reply {
		c.answer(ans)
	}
}

// sleep lets time go on. Nothing but time orders what the scheduler did before it and what those do who wake up: the locks,
// which those take as well, tell the race detector.
func (r *run) sleep() {
	for _, a := range r.actors {
		a.mu.Lock()
	}
	r.ticks++
	for _, a := range r.actors {
		a.mu.Unlock()
	}
	time.Sleep(tick)
}

// cut lets no write arrive any more that is in flight; the next stage may begin then, if there is one.
func (r *run) cut() {
	r.ended = !slices.ContainsFunc(r.actors, func(a *actor) bool { return !a.idle() })
	r.late = slices.DeleteFunc(r.late, func(c *call) bool { return r.ended || c.from.Stage <= r.stage })
}

// present notes the first call of an operation.
func (r *run) present(a *actor) {
	if o := a.current(); o.first == 0 {
		o.first, o.after = r.steps, r.endedOps()
	}
}

// hit carries a call out, or what a fault makes of it.
func (r *run) hit(ch choice) (ans answer, reply bool) {
	c, a := ch.call, ch.call.from
	if ch.fault != None {
		r.faults++
		a.faulted = true
	}
	switch ch.fault {
	case Crash:
		a.crashed = true
		r.keep(c)
		return answer{err: errOver}, false
	case Timeout:
		r.keep(c)
		return answer{err: errTimeout}, true
	case Cancel:
		a.giveUp()
		r.keep(c)
		return answer{err: context.Canceled}, true
	case CancelAfter:
		ans = r.carryOut(c)
		a.giveUp()
		return ans, true
	case Reject:
		r.rejected++
		return answer{err: rejection(c)}, true
	case Busy:
		return answer{err: stores.Transient(errors.New("injected: busy"))}, true
	default:
		return r.carryOut(c), true
	}
}

func (a *actor) giveUp() {
	a.cancelled = true
	a.cancel()
}

// keep leaves a write in flight.
func (r *run) keep(c *call) {
	if c.put != nil {
		r.late = append(r.late, &call{from: c.from, place: c.place, put: c.put, with: c.with, reply: make(chan answer, 1)})
	}
	if c.from.crashed {
		c.from.waiting = append(c.from.waiting, c) // answered when the run is closed
	}
}

func (r *run) drop(c *call) {
	for i, l := range r.late {
		if l == c {
			r.late = append(r.late[:i], r.late[i+1:]...)
			return
		}
	}
}

// rejection is how a place refuses a record for good; of a pair write it is new that does.
func rejection(c *call) error {
	err := stores.Permanent(errors.New("injected: rejected"))
	if c.with != nil {
		return &stores.PairError{Second: err}
	}
	return err
}

// before is what is there that a call is about, for those who read along.
func (r *run) before(c *call) []record {
	switch {
	case r.trace == nil:
		return nil
	case c.place == bothPlaces:
		return []record{r.held(oldPlace), r.held(newPlace)}
	default:
		return []record{r.held(c.place)}
	}
}

// held is what a place holds now.
func (r *run) held(p place) record {
	if c, ok := r.stores[p].(*checked); ok {
		return c.held()
	}
	rec, err := stores.OrAbsent(r.stores[p].Get(context.Background(), key))
	if err != nil {
		r.violation("reading %v: %w", p, err)
	}
	return rec
}

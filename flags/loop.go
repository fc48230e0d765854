package flags

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// closest is the least time between the beginnings of two evaluations, whatever events come.
const closest = 100 * time.Millisecond

// loop is the state of the one goroutine that owns the snapshot: it alone begins evaluations and publishes, so that
// answers can not overtake each other. Events only ask it to look again; an event that comes during an evaluation causes
// another one. The evaluation itself has a goroutine of its own, at most one, as a provider may never return.
type loop struct {
	*OpenFeature
	answers chan reading  // buffered: an evaluation that ends after Close waits for nobody
	running bool          // an evaluation
	asked   bool          // an event has asked for an evaluation since the last one began
	began   time.Time     // when the last evaluation began
	due     time.Time     // when the next one begins, if nothing asks for it before
	retry   time.Duration // the wait after the next evaluation that gives no first value
	log     journal
}

// errGone is what an evaluation answers that ended its goroutine.
var errGone = errors.New("the provider ended the goroutine that it was called in")

func (f *OpenFeature) run(ctx context.Context) {
	defer close(f.done)
	l := &loop{OpenFeature: f, answers: make(chan reading, 1), due: time.Now(), retry: f.longestRetry() / 10, log: f.journal()}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var answer *reading
		select {
		case <-ctx.Done():
		case r := <-l.answers:
			answer = &r
		case <-f.poke:
			l.asked = true
		case <-timer.C:
		}
		if ctx.Err() != nil { // what the evaluation answers now is our own doing
			f.publish(closedSnapshot(f.flagKey))
			return
		}
		if answer != nil {
			l.take(answer)
		}
		l.tend(ctx)
		timer.Reset(max(time.Until(l.next()), shortestRefresh)) // whatever is wrong, it does not spin
	}
}

// take puts the outcome of an evaluation into effect.
func (l *loop) take(r *reading) {
	l.running = false
	before := l.current.Load().status
	after := before.next(*r, &l.options)
	if after.Phase != 0 {
		l.due = r.at.Add(jittered(l.refresh(r.took)))
	} else {
		l.due = r.at.Add(jittered(l.retry))
		l.retry = min(2*l.retry, l.longestRetry())
	}
	l.publish(l.answering(after, r.advice))
	l.log.tell(before, after, r.at)
}

// tend does what the time asks for.
func (l *loop) tend(ctx context.Context) {
	now := time.Now()
	if !l.running && !now.Before(l.begin()) {
		l.running, l.asked, l.began = true, false, now
		go func() {
			r := reading{at: now, fault: fault{err: errGone, lost: true}}
			defer func() { l.answers <- r }()
			r = l.evaluate(ctx)
		}()
	}
	before := l.current.Load().status
	after := before.at(now, &l.options)
	if l.running && after.EvaluatingSince.IsZero() && !now.Before(l.overdue()) {
		after = after.overdue(l.began, now)
	}
	if after.WritesRefused != before.WritesRefused || after.EvaluatingSince != before.EvaluatingSince {
		l.publish(l.answering(after, ""))
	}
	l.log.tell(before, after, now)
}

// next is when there is something to tend to, if nothing happens before.
func (l *loop) next() time.Time {
	s := l.current.Load().status
	at := l.begin()
	if l.running {
		at = l.overdue()
		if !s.EvaluatingSince.IsZero() { // it may never end
			at = time.Now().Add(l.options.StaleAfter)
		}
	}
	if s.Held != 0 {
		at = earlier(at, l.log.held.Add(l.options.StaleAfter))
		if l.options.OnJump == RefuseWrites && !s.WritesRefused {
			at = earlier(at, s.HeldSince.Add(l.options.StaleAfter))
		}
	}
	return at
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// begin is when the next evaluation begins, unless one is running then.
func (l *loop) begin() time.Time {
	apart := closest
	if l.options.Refresh > 0 {
		apart = min(apart, l.options.Refresh)
	}
	if soonest := l.began.Add(apart); l.asked || l.due.Before(soonest) {
		return soonest
	}
	return l.due
}

// overdue is when an evaluation that heeds its context has certainly ended.
func (l *loop) overdue() time.Time {
	limit := l.options.EvaluationTimeout
	return l.began.Add(limit + min(limit/10, time.Second))
}

// refresh is the time to the next evaluation, after one that took so long.
func (f *OpenFeature) refresh(took time.Duration) time.Duration {
	switch {
	case f.options.Refresh > 0:
		return f.options.Refresh
	case f.emits.Load():
		return easyRefresh
	}
	return min(max(briskRefresh, 100*took), easyRefresh)
}

// longestRetry is the longest time between two evaluations while nothing is known.
func (f *OpenFeature) longestRetry() time.Duration {
	return min(f.refresh(0), f.options.InitTimeout)
}

func jittered(d time.Duration) time.Duration { return d - rand.N(d/10+1) }

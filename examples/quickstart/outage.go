package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A database can go away and come back in the middle of a run. The checker finds that out by itself: it asks the database
// for an answer all the time, over a connection of its own. What a service answers meanwhile is counted apart. The rule:
//
// An outage lasts from when the last ping before it was sent that was answered, to when the next one was answered, and
// then as long again, at least one second and at most the ten that a request may take: in this time the service finds the
// database again and works off what was waiting. A request belongs to it if it was under way at any moment of it. Such a
// request may fail, or end with an unknown outcome, and a window of 100 ms without a success is no downtime. Nothing else
// is excused: what was acknowledged counts, whenever that was.

// outage is such a time, since the start of the traffic.
type outage struct{ from, to time.Duration }

// inOutage tells whether the operation was under way in one of the outages.
func (e *event) inOutage(outages []outage) bool {
	return slices.ContainsFunc(outages, func(o outage) bool { return e.call <= o.to && e.ret >= o.from })
}

// inOutages is how many of these moments are in one of the outages.
func inOutages(at []time.Duration, outages []outage) (n int) {
	for _, at := range at {
		if slices.ContainsFunc(outages, func(o outage) bool { return at >= o.from && at <= o.to }) {
			n++
		}
	}
	return n
}

const (
	// pingEvery is the time between an answer and the next ping.
	pingEvery = 25 * time.Millisecond
	// connectTimeout is how long the first connection may take.
	connectTimeout = 10 * time.Second
	// outageTimeout is how long a step of the walk waits for the end of an outage.
	outageTimeout = 5 * time.Minute
)

// probe pings a database until it is stopped. It is safe for concurrent use.
type probe struct {
	ping    func(ctx context.Context) error
	limits  limits
	end     context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	ended  int       // pings that have ended
	good   time.Time // when the last one was sent that was answered
	gone   bool      // the last one was not answered
	spells []spell
	slow   []spell // pings that were answered, and late
}

// spell is an outage by the clock; to is zero while it lasts.
type spell struct{ from, to time.Time }

// startProbe returns when the database has answered once.
func startProbe(ctx context.Context, l limits, ping func(ctx context.Context) error) (*probe, error) {
	p := &probe{ping: ping, limits: l}
	for began := time.Now(); ; {
		p.good = time.Now()
		err := ping(ctx)
		if err == nil {
			break
		}
		if time.Since(began) > connectTimeout || !pauseFor(ctx, pingEvery) {
			return nil, err
		}
	}
	ctx, p.end = context.WithCancel(context.WithoutCancel(ctx))
	p.running.Go(func() {
		for pauseFor(ctx, pingEvery) {
			p.once(ctx)
		}
	})
	return p, nil
}

func (p *probe) once(ctx context.Context) {
	sent := time.Now()
	pinging, cancel := context.WithTimeout(ctx, p.limits.ping)
	defer cancel()
	err := p.ping(pinging)
	if ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended++
	switch {
	case err != nil && !p.gone:
		p.gone = true
		p.spells = append(p.spells, spell{from: p.good})
	case err == nil && p.gone:
		p.gone = false
		p.spells[len(p.spells)-1].to = time.Now()
	}
	if err == nil {
		p.good = sent
		if now := time.Now(); now.Sub(sent) > p.limits.window {
			p.slow = append(p.slow, spell{from: sent, to: now})
		}
	}
}

// stop ends the probe. It may be called twice.
func (p *probe) stop() {
	if p != nil {
		p.end()
		p.running.Wait()
	}
}

// outages are those until now. An outage that lasts has no end.
func (p *probe) outages(start time.Time) []outage {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []outage
	for _, s := range p.spells {
		if s.to.IsZero() {
			s.to = time.Now()
		}
		found = append(found, outage{from: s.from.Sub(start), to: s.to.Sub(start) + p.limits.afterOutage(s.to.Sub(s.from))})
	}
	return found
}

// stalls are the times in which a ping, which needs no record and no disk, waited for its answer: the database was not let
// run. They say nothing about the service; see downtime. What fails in one is no less a failure.
func (p *probe) stalls(start time.Time) []standstill {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []standstill
	for _, s := range p.slow {
		found = append(found, standstill{from: s.from.Sub(start), to: s.to.Sub(start)})
	}
	return found
}

// afterOutage is how long it may take until an outage is not felt any more. The driver looks for a database that was gone twice a
// second.
func (l *limits) afterOutage(outage time.Duration) time.Duration {
	return min(max(outage, l.recovery), l.request)
}

// interrupted waits until the database answers, and tells whether it was gone at some time since then. It does not count
// on a ping that may have been answered before the caller saw an error.
func (p *probe) interrupted(ctx context.Context, since time.Time) bool {
	if p == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, outageTimeout)
	defer cancel()
	first := p.state().ended
	for now := p.state(); now.ended < first+2 || now.gone; now = p.state() {
		if !pauseFor(ctx, pingEvery) {
			return false
		}
	}
	return slices.ContainsFunc(p.outages(since), func(o outage) bool { return o.to >= 0 })
}

// probeState is what a probe knows at one moment.
type probeState struct {
	ended int
	gone  bool
}

func (p *probe) state() probeState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return probeState{p.ended, p.gone}
}

// patiently takes a step of the walk, and takes it again when it has failed in an outage. It never goes on without it.
func (m *migration[V]) patiently(ctx context.Context, step string, take func() error) error {
	for {
		began := time.Now()
		err := take()
		if err == nil || ctx.Err() != nil || !m.probe.interrupted(ctx, began) {
			return err
		}
		m.screen.say("%s was interrupted by an outage, and goes on: %v", step, err)
	}
}

// watchDatabase starts the probe, if a place is in a database that can go away.
func (m *migration[V]) watchDatabase(ctx context.Context) (err error) {
	if !m.cfg.old.inServer() && !m.cfg.new.inServer() {
		return nil
	}
	m.probe, err = startProbe(ctx, m.cfg.limits, func(ctx context.Context) error {
		for _, p := range []place[V]{m.old, m.new} {
			if err := p.ping(ctx); err != nil {
				return fmt.Errorf("%v does not answer: %w", p, err)
			}
		}
		return nil
	})
	return err
}

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dualwrite/dualwrite/examples/internal/flagfile"
	"github.com/dualwrite/dualwrite/flags"
)

// The way through the phases, once back and forth between two of them.
var way = []flags.Phase{
	flags.ReadOldWriteBoth, // copy, verify
	flags.ReadNewWriteBoth,
	flags.ReadOldWriteBoth, // a flip back needs nothing
	flags.ReadNewWriteBoth, // verify
	flags.NewOnly,
}

// walk follows the operator's file until new-only was reached and stayed in for a while. The operator is the script
// below, or with -manual the user; either can only do what the gates allow.
func (m *migration[V]) walk(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer cancel()
	edits := make(chan edit, 1)
	helpers.Go(func() { watch(ctx, operatorFile(m.dir), edits) })
	if m.cfg.manual {
		m.explain()
	} else {
		helpers.Go(func() { m.script(ctx) })
	}
	status := time.NewTicker(m.cfg.pace.status)
	defer status.Stop()

	var work *task
	defer func() { work.stop() }()
	var finished <-chan time.Time // set when new-only is reached
	for {
		var workEnded <-chan outcome
		if work != nil {
			workEnded = work.ended
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-status.C:
			m.showStatus()
		case e := <-edits:
			var err error
			if work, err = m.follow(ctx, e, work); err != nil {
				return err
			}
			if m.gates.phase == flags.NewOnly && finished == nil {
				finished = time.After(m.cfg.pace.dwell)
			}
		case ended := <-workEnded:
			phase := work.phase
			work = nil
			if ended.err != nil {
				return fmt.Errorf("in %v: %w", phase, ended.err)
			}
			m.gates.pass(phase)
			m.screen.say("the gate to %v is open", phase+1)
		case <-finished:
			return nil
		}
	}
}

// follow does what the operator's file says, if the gates allow it, and returns the work that is then under way.
func (m *migration[V]) follow(ctx context.Context, e edit, work *task) (*task, error) {
	from := m.gates.phase
	switch {
	case !e.phase.Valid():
		m.screen.say("REFUSED: %s says no phase (%v); %v stays in force", operatorFile(m.dir), e.err, from)
		return work, nil
	case e.phase == from:
		return work, nil
	}
	if why := m.gates.refuse(e.phase); why != "" {
		m.refuse(e.phase, from, why)
		return work, nil
	}
	if work != nil {
		m.screen.say("the work in %v is given up", from)
		work.stop()
	}
	if err := m.flip(ctx, from, e.phase); err != nil {
		return nil, err
	}
	if m.gates.due(e.phase) && !m.passingThrough() {
		return m.begin(ctx, e.phase), nil
	}
	return nil, nil
}

// refuse puts the flag back, and then says so: whoever reads that may edit the file at once.
func (m *migration[V]) refuse(to, from flags.Phase, why string) {
	if err := flagfile.Write(operatorFile(m.dir), flagKey, from.String()); err != nil {
		m.screen.say("REFUSED: the flip to %v: %s", to, why)
		m.screen.say("the flag could not be put back, and %v stays in force all the same: %v", from, err)
		return
	}
	m.screen.say("REFUSED: the flip to %v: %s. The flag is put back to %v", to, why, from)
}

// passingThrough tells that the script is about to go back from here, so that there is no point in beginning the work.
func (m *migration[V]) passingThrough() bool {
	return !m.cfg.manual && len(m.flips) < len(way) && way[len(m.flips)] == m.flips[len(m.flips)-1].from
}

// flip brings the instances to the next phase, each at its own moment, and returns when all of them have arrived and no
// operation of the phase before is running any more.
func (m *migration[V]) flip(ctx context.Context, from, to flags.Phase) error {
	m.gates.leave(to)
	f := flip{from: from, From: from.String(), To: to.String(), AtMs: m.load.now().Milliseconds()}
	var arrived []time.Duration
	err := m.patiently(ctx, "the flip", func() (err error) {
		arrived, err = m.bring(ctx, from, to)
		return err
	})
	if err != nil {
		return fmt.Errorf("flipping from %v to %v: %w", from, to, err)
	}
	f.DrainedMs = m.load.now().Milliseconds()
	first, last := arrived[0], arrived[0]
	for _, at := range arrived {
		first, last = min(first, at), max(last, at)
	}
	f.FirstArrivedMs, f.LastArrivedMs = first.Milliseconds(), last.Milliseconds()
	m.flips = append(m.flips, f)
	m.gates.arrive()
	m.screen.say("%v → %v: the instances arrived within %d ms of each other, and what was running has drained",
		from, to, f.LastArrivedMs-f.FirstArrivedMs)
	return nil
}

// bring delivers a phase to the instances and waits until they have arrived and drained. It tells when each arrived.
func (m *migration[V]) bring(ctx context.Context, from, to flags.Phase) (arrived []time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.limits.arrival)
	defer cancel()
	arrived = make([]time.Duration, len(m.instances))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return deliver(ctx, m.dir, len(m.instances), to, m.cfg.pace.spread, m.rng) })
	for n, i := range m.instances {
		g.Go(func() error {
			if err := i.phase.Wait(ctx, to); err != nil {
				return err
			}
			arrived[n] = m.load.now()
			return i.records.Drained(ctx, from)
		})
	}
	return arrived, g.Wait()
}

// script is the operator without -manual: it edits the flag file whenever the gate to the next phase is open.
func (m *migration[V]) script(ctx context.Context) {
	for _, to := range way {
		for stayed := time.Now(); time.Since(stayed) < m.cfg.pace.dwell || m.gates.refuse(to) != ""; {
			if !pauseFor(ctx, watchInterval) {
				return
			}
		}
		if err := flagfile.Write(operatorFile(m.dir), flagKey, to.String()); err != nil {
			m.screen.say("the flag could not be flipped to %v: %v", to, err)
			return
		}
		for !m.gates.in(to) {
			if !pauseFor(ctx, watchInterval) {
				return
			}
		}
	}
}

// pauseFor tells whether the context is still alive after d.
func pauseFor(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// explain tells how the flag is edited by hand.
func (m *migration[V]) explain() {
	m.screen.say("-manual: edit %s and set defaultVariant to one of these, in this order; a flip past a gate is refused:", operatorFile(m.dir))
	for _, p := range flags.Phases() {
		m.screen.say("    %v", p)
	}
}

// showStatus prints one line about the traffic and where the instances are.
func (m *migration[V]) showStatus() {
	now := time.Now()
	ended := m.load.ended.Load()
	rate := float64(ended-m.lastEnded) / max(now.Sub(m.lastStatus).Seconds(), 1e-3)
	m.lastEnded, m.lastStatus = ended, now
	at := map[flags.Phase]int{}
	for _, i := range m.instances {
		at[i.phase.Status().Phase]++
	}
	where := ""
	for _, p := range flags.Phases() {
		if at[p] > 0 {
			where += fmt.Sprintf(", %d in %v", at[p], p)
		}
	}
	m.screen.say("  %s requests/s, %d waiting%s", grouped(int64(rate)), m.load.waiting.Load(), where)
}

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
)

// judgeTimeout is how long porcupine may take for one question about one key.
const judgeTimeout = time.Minute

// conclude judges what happened. walked is why the walk ended; the end state is only judged after a whole one.
func (m *migration[V]) conclude(ctx context.Context, walked error, events []event, keys *keyspace, states []dualwrite.Status) (*report, error) {
	initial := make(map[string]string, len(m.records))
	for _, r := range m.records {
		initial[r.id] = r.text
	}
	h := history{}
	h.add(events...)
	m.screen.say("judging %s operations on %s keys, from the checker's own record", grouped(int64(len(events))), grouped(int64(len(h))))
	if m.quiet != nil {
		h.add(m.quiet.events(h)...)
	}
	var end *observation
	if walked == nil {
		var err error
		if end, err = m.readEnd(context.WithoutCancel(ctx)); err != nil {
			return nil, err
		}
		h.add(end.events(h)...)
	}
	m.probe.stop()
	outages := m.probe.outages(m.load.start)
	j := &judge{initial: initial, edited: m.shape.edited, perKey: judgeTimeout, outages: outages}
	m.result.verdict = j.all(h)
	v := &m.result.verdict
	for _, key := range m.diverged {
		v.Diverged++
		v.complain("diverged: old and new hold different contents of %q while nothing was running", key)
	}
	if end != nil {
		end.untouched(initial, h, v)
	}
	down, starved := downtime(events, m.load.shed, slices.Concat(m.load.stood, m.probe.stalls(m.load.start)), outages, m.cfg.limits.window)
	v.DowntimeMs = (time.Duration(len(down)) * m.cfg.limits.window).Milliseconds()
	for _, at := range down {
		v.complain("downtime: nothing succeeded from %v on for %v", at, m.cfg.limits.window)
	}
	for _, o := range outages {
		m.screen.say("  a place could not be reached, or clients had to find it again, from %v to %v of the traffic",
			o.from.Round(time.Millisecond), o.to.Round(time.Millisecond))
	}
	m.result.noteOutages(outages)
	r := m.report(walked, events, keys, states)
	r.StarvedMs, r.ShedInOutage = starved.Milliseconds(), inOutages(m.load.shed, outages)
	return r, nil
}

// readEnd reads what the new place holds in the end.
func (m *migration[V]) readEnd(ctx context.Context) (end *observation, err error) {
	err = m.patiently(ctx, "reading the new place", func() error {
		from := m.load.now()
		records, err := m.new.snapshot(ctx)
		if err == nil {
			end = &observation{texts: m.textsOf(m.new, records), from: from, to: m.load.now()}
		}
		return err
	})
	return end, err
}

func (m *migration[V]) report(walked error, events []event, keys *keyspace, states []dualwrite.Status) *report {
	all := latenciesOf(events, func(*event) bool { return true })
	m.result.P50us, m.result.P99us = all.P50us, all.P99us
	r := &report{
		Seed: m.cfg.seed, Records: len(m.records), Instances: len(m.instances), Shed: len(m.load.shed), Flips: m.flips, Passes: m.passes,
		Repositories: states, Latencies: map[string]latencies{"all": all},
	}
	for k := range kinds {
		r.Latencies[k.String()] = latenciesOf(events, func(e *event) bool { return e.kind == k })
	}
	hot := slices.Clone(keys.hot)
	slices.Sort(hot)
	for i := range events {
		if _, isHot := slices.BinarySearch(hot, events[i].key); isHot {
			r.HotRequests++
		}
	}
	m.result.Result, m.result.probed = resultOK, m.probe != nil
	switch {
	case !m.result.ok():
		m.result.Result = resultFailed
	case cancelled(walked):
		m.result.Result = resultInterrupted
	case walked != nil:
		m.result.Result = resultFailed
	}
	if walked != nil {
		r.Error = walked.Error()
	}
	r.result = m.result
	return r
}

// show prints what was found beside the result.
func (r *report) show(s *screen) {
	if r.StarvedMs > 0 {
		s.plain(fmt.Sprintf("  this machine was too busy: for %d ms nothing ran at all", r.StarvedMs))
	}
	if r.Shed > 0 {
		s.plain(fmt.Sprintf("  %s requests were not sent, as a second's worth of them was waiting already: %s while a place could not be reached, %s otherwise",
			grouped(int64(r.Shed)), grouped(int64(r.ShedInOutage)), grouped(int64(r.Shed-r.ShedInOutage))))
	}
	for _, c := range r.Complaints {
		s.plain("  " + c)
	}
	for _, k := range []string{"read", "create", "put", "update", "put if", "delete"} {
		l := r.Latencies[k]
		s.plain(fmt.Sprintf("  %-7s %8s  p50 %6d µs  p99 %6d µs  max %7d µs", k, grouped(int64(l.Count)), l.P50us, l.P99us, l.MaxUs))
	}
}

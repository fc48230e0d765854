package main

import (
	"slices"
	"time"
)

// standstill is a time in which this process itself, or the database, did not get to run.
type standstill struct{ from, to time.Duration }

// downtime finds the windows, of 100 ms by default, in which requests were due and none succeeded. A window had a success if an
// operation ended with an answer in it, or if one that was due in it was answered within a window's time (so that a request that
// is due at the very end of a window does not count against it). It goes by when requests were due, not by when a client
// was free to send them: a standstill of everything keeps every client busy, and has to count. shed are requests that
// were due and never sent, as too many were waiting.
//
// A window in which the machine did not let this process or the database run says nothing about the service; it is left out and
// reported apart, as starved. One in an outage is left out too: those are reported as they are.
func downtime(events []event, shed []time.Duration, stood []standstill, outages []outage, window time.Duration) (down []time.Duration, starved time.Duration) {
	due, success := map[time.Duration]bool{}, map[time.Duration]bool{}
	for i := range events {
		e := &events[i]
		arrived := e.arrived / window
		due[arrived] = true
		if e.answer == failed || e.answer == unknown {
			continue
		}
		success[e.ret/window] = true
		if e.ret-e.arrived <= window {
			success[arrived] = true
		}
	}
	for _, at := range shed {
		due[at/window] = true
	}
	excused, reported := map[time.Duration]bool{}, map[time.Duration]bool{}
	for _, s := range stood {
		touch(excused, s.from, s.to, window)
	}
	for _, o := range outages {
		touch(reported, o.from, o.to, window)
	}
	for w := range due {
		switch {
		case success[w], reported[w]:
		case excused[w]:
			starved += window
		default:
			down = append(down, w*window)
		}
	}
	slices.Sort(down)
	return down, starved
}

// touch notes every window that a time touches.
func touch(windows map[time.Duration]bool, from, to, window time.Duration) {
	for w := from / window; w <= to/window; w++ {
		windows[w] = true
	}
}

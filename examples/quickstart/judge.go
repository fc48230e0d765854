package main

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// verdict is what the checker found. It knows only what clients were told and what it read from the places itself.
type verdict struct {
	// Requests counts the operations of all clients.
	Requests int `json:"requests"`
	// Failed counts the answers that no order of the operations explains as refusals (an ErrExists for a record that can
	// not have been there), errors that no client has to expect, and keys whose history could not be judged in time.
	Failed int `json:"failed"`
	// Lost counts keys: their acknowledged writes contradict each other in every order (an update was not given what the
	// one before it had stored), or a place, read directly, does not hold what the last of them left; and records that
	// nobody touched and that are gone or changed in the end.
	Lost int `json:"lost"`
	// Stale counts reads that answered an older state than one that had been acknowledged or read before.
	Stale int `json:"stale"`
	// Resurrected counts reads, of clients or of a place directly, that found a record where it must have been deleted.
	Resurrected int `json:"resurrected"`
	// Diverged counts keys of which the two places held different contents while nothing was running, and records in
	// the end that nobody wrote.
	Diverged int `json:"diverged"`
	// Indeterminate counts the operations with an unknown outcome. They are no fault: the model takes them as maybe
	// applied, at any time after they began.
	Indeterminate int `json:"indeterminate"`
	// FailedInOutage and IndeterminateInOutage count errors and unknown outcomes of operations that were under way while a
	// place could not be reached; see outage. They are in neither of the counts above.
	FailedInOutage        int `json:"failed_in_outage"`
	IndeterminateInOutage int `json:"indeterminate_in_outage"`
	// DowntimeMs is the time in which nothing succeeded although it was tried; see downtime.
	DowntimeMs int64 `json:"downtime_ms"`
	// Complaints say what was found, one line each, the first of them.
	Complaints []string `json:"complaints,omitempty"`
}

// ok tells whether everything that has to be zero is.
func (v *verdict) ok() bool {
	return v.Failed+v.Lost+v.Stale+v.Resurrected+v.Diverged == 0 && v.DowntimeMs == 0
}

const maxComplaints = 50

func (v *verdict) complain(format string, args ...any) {
	if len(v.Complaints) < maxComplaints {
		v.Complaints = append(v.Complaints, fmt.Sprintf(format, args...))
	}
}

func (v *verdict) add(w *verdict) {
	v.Requests += w.Requests
	v.Failed += w.Failed
	v.Lost += w.Lost
	v.Stale += w.Stale
	v.Resurrected += w.Resurrected
	v.Diverged += w.Diverged
	v.Indeterminate += w.Indeterminate
	v.FailedInOutage += w.FailedInOutage
	v.IndeterminateInOutage += w.IndeterminateInOutage
	for _, c := range w.Complaints {
		v.complain("%s", c)
	}
}

// judge reaches a verdict about histories.
type judge struct {
	// initial is the content of each record before the run.
	initial map[string]string
	// edited is shape.edited.
	edited func(text string, number int64) (string, error)
	// perKey is how long one question about one key may take.
	perKey time.Duration
	// outages are when a place could not be reached.
	outages []outage
}

// all judges every key, on all processors.
func (j *judge) all(h history) verdict {
	var total verdict
	var mu sync.Mutex
	var workers sync.WaitGroup
	keys := slices.Sorted(maps.Keys(h))
	n := runtime.GOMAXPROCS(0)
	for w := range n {
		workers.Go(func() {
			var mine verdict
			for i := w; i < len(keys); i += n {
				j.key(keys[i], h[keys[i]], &mine)
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(&mine)
		})
	}
	workers.Wait()
	return total
}

// key judges one key. If there is an order of all operations that explains every answer, there is nothing to say.
// Otherwise it looks for the answers to blame: first among the writes alone, then adding each other answer to them.
func (j *judge) key(key string, events []event, v *verdict) {
	j.count(events, v)
	switch j.explain(key, events, func(*event) bool { return true }) {
	case porcupine.Ok:
		return
	case porcupine.Unknown:
		v.Failed++
		v.complain("%q: its %d operations could not be judged within %v", key, len(events), j.perKey)
		return
	}
	if j.explain(key, events, changed) == porcupine.Illegal {
		v.Lost++
		v.complain("lost: %q: its %d acknowledged operations contradict each other", key, len(events))
		return
	}
	blamed := false
	for i := range events {
		e := &events[i]
		if changed(e) || e.answer == failed {
			continue
		}
		if j.explain(key, events, func(f *event) bool { return f == e || changed(f) }) == porcupine.Illegal {
			j.blame(key, events, i, v)
			blamed = true
		}
	}
	if !blamed {
		v.Stale++
		v.complain("stale: %q: what was read contradicts what was read before", key)
	}
}

// changed tells whether the operation changed the record, or may have.
func changed(e *event) bool { return e.kind != opRead && (e.answer == done || e.answer == unknown) }

// count counts what needs no model.
func (j *judge) count(events []event, v *verdict) {
	for i := range events {
		e := &events[i]
		if !e.final {
			v.Requests++
		}
		outage := e.inOutage(j.outages)
		switch {
		case e.answer == failed && outage:
			v.FailedInOutage++
		case e.answer == unknown && outage:
			v.IndeterminateInOutage++
		case e.answer == failed:
			v.Failed++
			v.complain("failed: %v %q: %v", e.kind, e.key, e.err)
		case e.answer == unknown:
			v.Indeterminate++
			v.complain("indeterminate: %v", e.err)
		}
	}
}

// explain asks porcupine for an order of the operations included.
func (j *judge) explain(key string, events []event, include func(*event) bool) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(registerModel(j.initial[key], j.edited), operations(events, include), j.perKey)
}

// blame counts an answer that the acknowledged writes do not explain.
func (j *judge) blame(key string, events []event, i int, v *verdict) {
	e := &events[i]
	back := e.kind == opRead && e.answer == done && j.fitsDeleted(key, events, i)
	what := ""
	switch {
	case e.kind != opRead:
		v.Failed++
		what = "failed"
	case back:
		v.Resurrected++
		what = "resurrected"
	case e.final:
		v.Lost++
		what = "lost"
	default:
		v.Stale++
		what = "stale"
	}
	v.complain("%s: %v %q, %v to %v, answered %v %s", what, e.kind, key, e.call, e.ret, e.answer, e.saw)
}

// fitsDeleted tells whether a read could have been explained if it had found nothing.
func (j *judge) fitsDeleted(key string, events []event, i int) bool {
	events = slices.Clone(events)
	e := &events[i]
	e.answer, e.saw = notFound, ""
	return j.explain(key, events, func(f *event) bool { return f == e || changed(f) }) == porcupine.Ok
}

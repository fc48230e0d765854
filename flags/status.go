package flags

import (
	"fmt"
	"time"
)

// Status is what an [OpenFeature] knows at one moment.
type Status struct {
	// FlagKey is the key of the flag.
	FlagKey string `json:"flag_key"`
	// Phase is the phase in force; 0 when none is (before the first value, and after Close).
	Phase Phase `json:"phase"`
	// Since is when Phase came into force.
	Since time.Time `json:"since,omitzero"`
	// Confirmed is when the flag was last read with success: a phase, in force or held, from a provider that did not
	// say that it had lost touch with its own source.
	Confirmed time.Time `json:"confirmed,omitzero"`
	// Held is a phase that the flag says and that is not put in force, because it jumps over one; 0 when none is.
	Held Phase `json:"held,omitempty"`
	// HeldSince is when Held was first seen.
	HeldSince time.Time `json:"held_since,omitzero"`
	// Err is why the last evaluation gave no phase; nil when it gave one.
	Err error `json:"-"`
	// ErrSince is when evaluations began to fail.
	ErrSince time.Time `json:"err_since,omitzero"`
	// Reason says in words why Phase may not be what the flag says now; empty when it is.
	Reason string `json:"reason,omitempty"`
	// Evaluations counts the evaluations of the flag so far.
	Evaluations uint64 `json:"evaluations"`
}

// reading is the outcome of one evaluation.
type reading struct {
	at    time.Time
	phase Phase
	err   error // why there is no phase
	doubt error // why the phase may come from the provider's memory and not from its source
}

// next is the status after one more evaluation. It decides which values are put in force; it does no I/O.
func (s Status) next(r reading, staleAfter time.Duration) Status {
	s.Evaluations++
	if r.err != nil {
		if s.Err == nil {
			s.ErrSince = r.at
		}
		s.Err = r.err
		s.Reason = r.err.Error()
		return s
	}
	cutOff := r.at.Sub(s.Confirmed) > staleAfter
	s.Err, s.ErrSince, s.Reason = nil, time.Time{}, ""
	if r.doubt == nil {
		s.Confirmed = r.at
	} else {
		s.Reason = r.doubt.Error()
	}
	if s.mayEnter(r.phase, cutOff) {
		return s.enter(r.phase, r.at)
	}
	return s.hold(r.phase, r.at)
}

// mayEnter: a first value always, a neighbour always, a jump only after the instance had been cut off. A value that was
// held before the cut is still the same slip: an outage of the flag service says nothing in its favour.
func (s Status) mayEnter(p Phase, cutOff bool) bool {
	return s.Phase == 0 || s.Phase.Adjacent(p) || cutOff && p != s.Held
}

func (s Status) enter(p Phase, at time.Time) Status {
	if s.Phase != p {
		s.Phase, s.Since = p, at
	}
	s.Held, s.HeldSince = 0, time.Time{}
	return s
}

func (s Status) hold(p Phase, at time.Time) Status {
	if s.Held != p {
		s.Held, s.HeldSince = p, at
	}
	s.Reason = fmt.Sprintf("the flag says %s, which jumps over a phase from %s: held", p, s.Phase)
	return s
}

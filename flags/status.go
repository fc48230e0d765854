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
	// PhaseChanges counts how often Phase has changed since the first value. Many of them mean a flag that answers
	// differently each time it is asked, as with a rule by percentage.
	PhaseChanges uint64 `json:"phase_changes"`
	// Confirmed is when the provider last answered a phase, in force or held, and nothing said that it had lost touch
	// with its own source. The provider answered; that it has seen the flag as it is now only the provider can know:
	// those that poll a source go on answering from memory when it fails, and most do not tell. See [Options.Health].
	// An answer from a cache of the provider's confirms nothing.
	Confirmed time.Time `json:"confirmed,omitzero"`
	// CachedSince is since when the provider has answered from a cache of its own (reason CACHED) and not looked; zero when its last
	// answer was none from a cache. Refresh does not help against that: only the provider can notice a flip. One that hears of changes
	// empties its cache then; otherwise switch the cache off, or make it last no longer than Refresh.
	CachedSince time.Time `json:"cached_since,omitzero"`
	// InTouch is when the provider last answered at all, be it that the flag is off, missing or no phase. An instance
	// is cut off from the flag when this is longer ago than [Options.StaleAfter].
	InTouch time.Time `json:"in_touch,omitzero"`
	// Held is a phase that the flag says and that is not put in force, because it jumps over one; 0 when none is.
	Held Phase `json:"held,omitempty"`
	// HeldSince is since when a phase is held, whichever it was at first.
	HeldSince time.Time `json:"held_since,omitzero"`
	// WritesRefused: a phase is held for longer than [Options.StaleAfter], so writes are refused. See [RefuseWrites].
	WritesRefused bool `json:"writes_refused,omitempty"`
	// Err is why the last evaluation gave no phase; nil when it gave one. Its text is bounded.
	Err error `json:"-"`
	// ErrSince is when evaluations began to fail.
	ErrSince time.Time `json:"err_since,omitzero"`
	// Reason says in words why Phase may not be what the flag says now; empty when nothing says so.
	Reason string `json:"reason,omitempty"`
	// Evaluations counts the evaluations of the flag that have ended.
	Evaluations uint64 `json:"evaluations"`
	// EvaluatingSince is when the evaluation began that has not ended although its time is over; zero when none has.
	// Until it ends the flag is not looked at any more.
	EvaluatingSince time.Time `json:"evaluating_since,omitzero"`

	// doubt is why the value may be old, be it in force or held; empty when nothing says so.
	doubt string
	// cut: since the last phase that was read the instance was cut off, so it may have missed the steps of the others.
	cut bool
}

// next is the status after one more evaluation. It decides which values are put in force; it does no I/O.
func (s Status) next(r reading, o *Options) Status {
	s.Evaluations++
	s.EvaluatingSince = time.Time{}
	s.cut = s.cut || r.at.Sub(s.InTouch) > o.StaleAfter
	if !r.lost && r.doubt == nil {
		s.InTouch = r.at
	}
	if r.err != nil {
		return s.failed(r.err, r.at)
	}
	s.Err, s.ErrSince, s.Reason, s.doubt = nil, time.Time{}, "", ""
	if s.mayEnter(r.phase, o.OnJump) {
		s = s.enter(r.phase, r.at)
	} else {
		s = s.hold(r.phase, r.at)
	}
	if s = s.cached(r); r.doubt == nil {
		if s.cut = false; !r.cached {
			s.Confirmed = r.at
		}
		return s.at(r.at, o)
	}
	s.doubt = r.doubt.Error()
	if s.Reason == "" {
		s.Reason = s.doubt
	}
	return s.at(r.at, o)
}

// cached is the status when the answer came from a cache of the provider's, or did not.
func (s Status) cached(r reading) Status {
	switch {
	case !r.cached:
		s.CachedSince = time.Time{}
		return s
	case s.CachedSince.IsZero():
		s.CachedSince = r.at
	}
	if s.Reason == "" && r.doubt == nil {
		s.Reason = "the provider answers from its cache (CACHED), which may be old"
	}
	return s
}

// at is the status at a later moment at which nothing else has happened.
func (s Status) at(now time.Time, o *Options) Status {
	s.WritesRefused = s.Held != 0 && o.OnJump == RefuseWrites && now.Sub(s.HeldSince) >= o.StaleAfter
	return s
}

// failed is the status when the flag gives no phase.
func (s Status) failed(err error, at time.Time) Status {
	if s.Err == nil {
		s.ErrSince = at
	}
	s.Err, s.Reason = err, err.Error()
	return s
}

// overdue is the status when an evaluation has not ended in its time.
func (s Status) overdue(began, now time.Time) Status {
	s.EvaluatingSince = began
	return s.failed(fmt.Errorf("the evaluation that began at %s has not ended: the provider ignores its context", began.Format(time.RFC3339)), now)
}

// mayEnter: a first value always, a neighbour always, a jump only after the instance had been cut off. A value that was
// held before the cut is still the same slip: an outage of the flag service says nothing in its favour.
func (s Status) mayEnter(p Phase, onJump JumpPolicy) bool {
	return s.Phase == 0 || s.Phase.Adjacent(p) || onJump == Follow || s.cut && p != s.Held
}

func (s Status) enter(p Phase, at time.Time) Status {
	if s.Phase != p {
		if s.Phase != 0 {
			s.PhaseChanges++
		}
		s.Phase, s.Since = p, at
	}
	s.Held, s.HeldSince = 0, time.Time{}
	return s
}

func (s Status) hold(p Phase, at time.Time) Status {
	if s.Held == 0 {
		s.HeldSince = at
	}
	s.Held = p
	s.Reason = fmt.Sprintf("the flag says %s, which jumps over a phase from %s: held", p, s.Phase)
	return s
}

// refusal is what writes are answered while a hold is too old; nil when they are not refused.
func (s Status) refusal(staleAfter time.Duration) error {
	if !s.WritesRefused {
		return nil
	}
	return fmt.Errorf("flags: flag %q: %w: writes are refused, as the flag says %s, which jumps over a phase from %s, and a jump is held since %s, longer than %v: "+
		"set the flag to %s, or restart this instance if all others are in %s or next to it",
		s.FlagKey, ErrPhaseUnknown, s.Held, s.Phase, s.HeldSince.Format(time.RFC3339), staleAfter, s.Phase.withNeighbours(), s.Held)
}

package dualwrite

import (
	"context"
	"time"

	"github.com/dualwrite/dualwrite/flags"
)

// Status is what a repository can tell about itself, at one moment. It is meant for health pages and gates; its JSON
// form is stable.
type Status struct {
	// Phase is what an operation that began now would be carried out in; zero if PhaseErr says why there is none. What the
	// flag says beside that (a jump that is held, say) is in the status of the source.
	Phase    flags.Phase `json:"phase"`
	PhaseErr string      `json:"phase_error,omitempty"`
	// WritesRefused is why writes are refused although there is a phase; empty if they are not.
	WritesRefused string `json:"writes_refused,omitempty"`
	// Closed: Close was called.
	Closed bool `json:"closed,omitempty"`
	// InFlight counts the operations that are running, by the phase they are carried out in. Phases without any are
	// left out.
	InFlight map[flags.Phase]int64 `json:"in_flight"`
	// WritesInFlight counts those of them that are writes.
	WritesInFlight map[flags.Phase]int64 `json:"writes_in_flight"`
	// Events counts what happened since the repository was made, by the name of the kind.
	Events map[string]uint64 `json:"events"`
	// Blocked are keys that could not be brought in step, the latest 100 of them.
	Blocked []BlockedKey `json:"blocked"`
}

// BlockedKey is a key that answers ErrBlocked, and why.
type BlockedKey struct {
	// Key is the key as stores.FormatKey shows it.
	Key string `json:"key"`
	// Cause is the reason of the last time.
	Cause string `json:"cause"`
	// Time is when that was.
	Time time.Time `json:"time"`
}

// Status tells what the repository is doing. It never blocks on a store.
func (r *Repository[K, V]) Status() Status {
	s := Status{
		InFlight: map[flags.Phase]int64{}, WritesInFlight: map[flags.Phase]int64{}, Events: map[string]uint64{},
		Blocked: r.blocked.list(), Closed: r.running.closed.Load(),
	}
	p, err := validPhase(r.phase.Phase(context.Background()))
	if err != nil {
		s.PhaseErr = err.Error()
	} else {
		s.Phase = p
	}
	if r.gate != nil {
		if err := r.gate.WritesRefused(); err != nil {
			s.WritesRefused = err.Error()
		}
	}
	for _, p := range flags.Phases() {
		if n := r.running.running(p); n != 0 {
			s.InFlight[p] = n
		}
		if n := r.running.count[p][writing].Load(); n != 0 {
			s.WritesInFlight[p] = n
		}
	}
	for k := EventMirrorMissed; k < eventKinds; k++ {
		s.Events[k.String()] = r.counts[k].Load()
	}
	return s
}

// Drained waits until no operation that is carried out in phase p is running in this repository, neither a read nor a
// write: that is what has to be over before the next flip, as a read that began two phases ago may answer what is not true
// any more. If the source has left p for good, none will begin any more. While p is in force there may be a read at any
// time, and Drained need not end; see [Repository.DrainedWrites]. The error is the context's.
func (r *Repository[K, V]) Drained(ctx context.Context, p flags.Phase) error {
	return r.drained(ctx, p, func() bool { return r.running.running(p) == 0 })
}

// DrainedWrites is [Repository.Drained] for writes alone: when a [flags.WriteGate] refuses them, they end while reads of the
// phase go on. In read-new/write-both a read may write all the same: it brings to new what old has already.
func (r *Repository[K, V]) DrainedWrites(ctx context.Context, p flags.Phase) error {
	return r.drained(ctx, p, func() bool { return r.running.count[p][writing].Load() == 0 })
}

func (r *Repository[K, V]) drained(ctx context.Context, p flags.Phase, done func() bool) error {
	if !p.Valid() {
		return &Error{Op: "drained", Err: ErrPhaseUnknown}
	}
	return r.running.wait(ctx, done)
}

// Close refuses new operations (ErrClosed) and waits for the running ones. It may be called several times; the error is
// the context's, when some were still running. The stores and the source are the caller's to close.
func (r *Repository[K, V]) Close(ctx context.Context) error {
	r.running.closed.Store(true)
	return r.running.wait(ctx, r.running.idle)
}

package dualwrite

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/dualwrite/dualwrite/flags"
)

// access is what an operation does for its caller.
type access uint8

const (
	reading access = iota
	writing
)

// inflight counts the operations that are running, by the phase they are carried out in and by access, and lets somebody
// wait until some of them have ended.
type inflight struct {
	count   [len(routes)][2]atomic.Int64
	closed  atomic.Bool
	waiters atomic.Int32

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when a count reaches zero while somebody waits
}

// enter counts an operation in under the phase that the source gives. The phase is asked for again after it was counted:
// whoever sees the source answer a later phase, and after that a count of zero, can be sure that no operation of the
// earlier phase is running or will. The same goes for a gate that refuses writes; nil refuses none.
func (f *inflight) enter(ctx context.Context, source flags.Source, gate flags.WriteGate, a access) (flags.Phase, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	p, err := validPhase(source.Phase(ctx))
	for err == nil {
		var again flags.Phase
		if again, err = f.enterAs(ctx, p, source, gate, a); err == nil && again == p {
			return p, nil
		}
		p = again
	}
	if f.closed.Load() {
		err = ErrClosed
	}
	return 0, err
}

// enterAs counts an operation in under a phase, and out again if that is not what the source says by then, or if it panics.
func (f *inflight) enterAs(ctx context.Context, p flags.Phase, source flags.Source, gate flags.WriteGate, a access) (again flags.Phase, err error) {
	entered := false
	f.count[p][a].Add(1)
	defer func() {
		if !entered {
			f.leave(p, a)
		}
	}()
	if f.closed.Load() {
		return 0, ErrClosed
	}
	again, err = validPhase(source.Phase(ctx))
	if err == nil && a == writing && gate != nil {
		err = gate.WritesRefused()
	}
	entered = err == nil && again == p
	return again, err
}

func validPhase(p flags.Phase, err error) (flags.Phase, error) {
	if err == nil && !p.Valid() {
		err = ErrPhaseUnknown
	}
	return p, err
}

// leave counts an operation out.
func (f *inflight) leave(p flags.Phase, a access) {
	if f.count[p][a].Add(-1) != 0 || f.waiters.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.changed)
	f.changed = make(chan struct{})
}

// wait returns when done says so; it asks whenever a count has reached zero.
func (f *inflight) wait(ctx context.Context, done func() bool) error {
	f.waiters.Add(1)
	defer f.waiters.Add(-1)
	for {
		f.mu.Lock()
		changed := f.changed
		f.mu.Unlock()
		if done() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// running tells how many operations are carried out in a phase.
func (f *inflight) running(p flags.Phase) int64 {
	return f.count[p][reading].Load() + f.count[p][writing].Load()
}

// idle tells whether no operation is running.
func (f *inflight) idle() bool {
	for p := range f.count {
		if f.running(flags.Phase(p)) != 0 {
			return false
		}
	}
	return true
}

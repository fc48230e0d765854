package dualwrite

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/dualwrite/dualwrite/flags"
)

// inflight counts the operations that are running, by the phase they are carried out in, and lets somebody wait until
// some of them have ended.
type inflight struct {
	count   [len(routes)]atomic.Int64
	closed  atomic.Bool
	waiters atomic.Int32

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when a count reaches zero while somebody waits
}

// enter counts an operation in under the phase that the source gives. The phase is asked for again after it was counted:
// whoever sees the source answer a later phase, and after that a count of zero, can be sure that no operation of the
// earlier phase is running or will.
func (f *inflight) enter(ctx context.Context, source flags.Source) (flags.Phase, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	p, err := validPhase(source.Phase(ctx))
	for err == nil {
		f.count[p].Add(1)
		if f.closed.Load() {
			f.leave(p)
			return 0, ErrClosed
		}
		var again flags.Phase
		if again, err = validPhase(source.Phase(ctx)); again == p && err == nil {
			return p, nil
		}
		f.leave(p)
		p = again
	}
	if f.closed.Load() {
		err = ErrClosed
	}
	return 0, err
}

func validPhase(p flags.Phase, err error) (flags.Phase, error) {
	if err == nil && !p.Valid() {
		err = ErrPhaseUnknown
	}
	return p, err
}

// leave counts an operation out.
func (f *inflight) leave(p flags.Phase) {
	if f.count[p].Add(-1) != 0 || f.waiters.Load() == 0 {
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

// idle tells whether no operation is running.
func (f *inflight) idle() bool {
	for i := range f.count {
		if f.count[i].Load() != 0 {
			return false
		}
	}
	return true
}

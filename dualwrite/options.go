package dualwrite

import (
	"errors"
	"fmt"
	"time"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/sony/gobreaker/v2"
)

// Options are the settings of a repository. The zero value of each field is its default.
type Options struct {
	// OperationTimeout is how long a write that has begun goes on after its caller's context has ended, to find out what
	// became of it; and how long the second half of a write in read-new/write-both may take. Default 5 s.
	OperationTimeout time.Duration
	// MirrorTimeout is how long a write in read-old/write-both waits for the new place before it answers without it: for
	// a mirror, and before that, where both places can commit together, for the write to both. It is at most
	// OperationTimeout. Default 1 s.
	MirrorTimeout time.Duration
	// Attempts is how often an operation starts over when concurrent writes of the same key get in between, before it
	// answers ErrConflict; and how often a call that certainly had no effect is sent, as long as nothing was accepted
	// anywhere (after that time is the bound). Default 32, at least 2.
	Attempts int
	// Backoff is the wait before each repetition. Default stores.DefaultBackoff.
	Backoff stores.Backoff
	// Breaker decides when mirrors, and in read-old/write-both writes to both places together, are not even tried, because
	// the new place keeps failing; a mirror that it skips is missed. Default: after 5 failures in a row, for 5 s. It is
	// never consulted where both places are needed.
	Breaker Breaker
	// ReportMissedMirrors makes a committed write whose mirror was missed answer ErrMirrorMissed instead of nil. Callers
	// must not repeat such a write.
	ReportMissedMirrors bool
	// SeparateWrites makes every write go to one place after the other, even if both can commit together (two views of one
	// document, two collections of one deployment, two buckets of one file). Default false: then one call writes both,
	// and in read-new/write-both no intent is needed. Instances that differ in this may run side by side.
	SeparateWrites bool
	// MaxClockAhead is how far a stored stamp may be ahead of the local clock before it is reported (EventClockAhead);
	// it is followed all the same. Default 1 minute.
	MaxClockAhead time.Duration
	// BatchConcurrency is how many keys of one PutMany or DeleteMany are written at the same time. Default 16.
	BatchConcurrency int
	// Observer sees what a caller does not: missed mirrors, repetitions, records brought in step. Default none.
	Observer Observer
	// Clock makes the stamps. Default a new one; give one only to tests, as two repositories must not share a writer id.
	Clock *stores.Clock
}

// Breaker is a circuit breaker in two steps; *gobreaker.TwoStepCircuitBreaker of github.com/sony/gobreaker/v2 is one.
type Breaker interface {
	// Allow answers with an error if the call is not to be made, otherwise with the function that has to be told what
	// came of it.
	Allow() (done func(error), err error)
}

// withDefaults returns a copy with every default filled in, or everything that is wrong with o.
func (o *Options) withDefaults() (Options, error) {
	var out Options
	if o != nil {
		out = *o
	}
	var wrong []error
	for _, d := range []struct {
		name  string
		value *time.Duration
		def   time.Duration
	}{
		{"OperationTimeout", &out.OperationTimeout, 5 * time.Second},
		{"MirrorTimeout", &out.MirrorTimeout, min(time.Second, positiveOr(out.OperationTimeout, 5*time.Second))},
		{"MaxClockAhead", &out.MaxClockAhead, time.Minute},
	} {
		if *d.value < 0 {
			wrong = append(wrong, fmt.Errorf("dualwrite: Options.%s is negative: %v", d.name, *d.value))
		}
		*d.value = positiveOr(*d.value, d.def)
	}
	if out.MirrorTimeout > out.OperationTimeout {
		wrong = append(wrong, fmt.Errorf("dualwrite: Options.MirrorTimeout (%v) is longer than OperationTimeout (%v)", out.MirrorTimeout, out.OperationTimeout))
	}
	if out.Attempts == 0 {
		out.Attempts = 32
	}
	if out.Attempts < 2 {
		wrong = append(wrong, fmt.Errorf("dualwrite: Options.Attempts is %d, at least 2 are needed", out.Attempts))
	}
	if out.BatchConcurrency == 0 {
		out.BatchConcurrency = 16
	}
	if out.BatchConcurrency < 0 {
		wrong = append(wrong, fmt.Errorf("dualwrite: Options.BatchConcurrency is negative: %d", out.BatchConcurrency))
	}
	if out.Backoff == nil {
		out.Backoff = stores.DefaultBackoff
	}
	if out.Breaker == nil {
		out.Breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
			Name:        "dualwrite mirror",
			Timeout:     5 * time.Second,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 5 },
		})
	}
	if out.Clock == nil {
		clock, err := stores.NewClock(nil)
		if err != nil {
			wrong = append(wrong, err)
		}
		out.Clock = clock
	}
	return out, errors.Join(wrong...)
}

func positiveOr(d, def time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return def
}

// New returns a repository over two places. old and new hold the same records, under the same keys, as the same V; phase
// says for each operation which of them is used and how, and may be a [flags.WriteGate]. The caller keeps the ownership of all three: Close does not
// close them. The error names everything that is wrong with the arguments.
func New[K, V any](old, new stores.Store[K, V], phase flags.Source, o *Options) (*Repository[K, V], error) {
	opts, err := o.withDefaults()
	wrong := []error{err}
	if old == nil || new == nil {
		wrong = append(wrong, errors.New("dualwrite: a repository needs two stores, old and new"))
	}
	if old != nil && new != nil && stores.SamePlace(old, new) {
		wrong = append(wrong, errors.New("dualwrite: old and new are one and the same place; a repository over one place is made by Single"))
	}
	if phase == nil {
		wrong = append(wrong, errors.New("dualwrite: a repository needs a flags.Source; flags.Static(flags.OldOnly) is one that never changes"))
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return repository(old, new, phase, opts), nil
}

// Single returns a repository over one place, for the time after the migration, or before: with everything that a
// Repository has, in new-only for ever. The caller keeps the ownership of the store.
func Single[K, V any](s stores.Store[K, V], o *Options) (*Repository[K, V], error) {
	opts, err := o.withDefaults()
	if s == nil {
		err = errors.Join(err, errors.New("dualwrite: a repository needs a store"))
	}
	if err != nil {
		return nil, err
	}
	return repository(s, s, flags.Static(flags.NewOnly), opts), nil
}

func repository[K, V any](old, new stores.Store[K, V], phase flags.Source, opts Options) *Repository[K, V] {
	r := &Repository[K, V]{
		old:   place[K, V]{name: "old", store: old},
		new:   place[K, V]{name: "new", store: new},
		phase: phase,
		opts:  opts,
	}
	r.gate, _ = phase.(flags.WriteGate)
	r.running.changed = make(chan struct{})
	for _, s := range []stores.Store[K, V]{old, new} {
		if c, ok := stores.As[stores.ContextChecker](s); ok {
			r.contexts = append(r.contexts, c)
		}
	}
	_, can := old.(stores.PairWriter[K, V])
	r.pairing.never.Store(!can || opts.SeparateWrites)
	return r
}

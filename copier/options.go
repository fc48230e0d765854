package copier

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// PassOptions are what all operations have in common. The zero value is right for a first try.
type PassOptions struct {
	// Workers is how many segments are worked on at the same time. Default 4.
	Workers int
	// Batch is how many records are read, and written, together at most. A worker holds one batch in memory (two while
	// it compares). Default 500.
	Batch int

	// Rate is how many records per second all workers read together at most. A record stamped after the pass began is
	// not counted: its writer mirrors it at that rate anyway, and a limit below the rate of inserts would never let the
	// pass end. Default 0: no limit.
	Rate float64
	// Throttle is asked, at most ten times a second, for a limit in records per second that holds beside Rate, for
	// throttling by the load of a place. Zero or less pauses the pass. It is not called concurrently. Default nil: none.
	Throttle func() float64

	// Attempts is how often a call is tried that fails for reasons that may pass; the same write is sent each time.
	// Default 10.
	Attempts int
	// Backoff is the wait before each repetition. Default: full jitter up to 50 ms, doubling, at most 5 s.
	Backoff stores.Backoff

	// OnProgress is told how far the pass is, every ProgressEvery and once when it ends. It is not called concurrently.
	// Default nil: nobody is told.
	OnProgress func(Progress)
	// ProgressEvery is the time between two calls of OnProgress. Default 1 s.
	ProgressEvery time.Duration
	// OnFinding gets every finding, before a checkpoint is saved that would not find it again; after a crash it may get
	// one twice. It is not called concurrently. An error stops the pass. Default nil: nobody gets them.
	OnFinding func(Finding) error
	// KeepFindings is how many findings, and how many keys of changed values, the Report lists; all are counted.
	// Default 100; negative: none.
	KeepFindings int

	// Checkpoint keeps how far the pass is, so that it can go on after an interruption. Default nil: nothing is kept.
	Checkpoint Checkpointer
	// Job says what is worked on ("users, eu-1 to eu-2"): a checkpoint of another job is refused. Needed with Checkpoint.
	Job string
	// Restart begins a new pass whatever the checkpoint says. Default false: an interrupted pass goes on. (After a
	// finished one a new pass begins anyway, and the Report says so.)
	Restart bool
	// CheckpointEvery is the least time between two saves; the last state is always saved. Default 1 s.
	CheckpointEvery time.Duration
	// ResumeWithin is how old a checkpoint may be to be gone on from: what a pass has behind it stays true only as
	// long as every writer has been mirroring since then. Default 24 h.
	ResumeWithin time.Duration
	// MaxPending bounds the keys that have to be looked at again (differences that may be in flight, writes that
	// failed). Default 50,000.
	MaxPending int

	flow string // what the pass is a part of; see checkpoint.Flow
}

// filled returns the options with defaults, or everything that is wrong with them.
func (o PassOptions) filled() (PassOptions, error) {
	var errs []error
	positive := func(name string, n *int, def int) {
		if *n < 0 {
			errs = append(errs, fmt.Errorf("%s is %d; it can not be negative", name, *n))
		}
		if *n == 0 {
			*n = def
		}
	}
	duration := func(name string, d *time.Duration, def time.Duration) {
		if *d < 0 {
			errs = append(errs, fmt.Errorf("%s is %v; it can not be negative", name, *d))
		}
		if *d == 0 {
			*d = def
		}
	}
	positive("Workers", &o.Workers, 4)
	positive("Batch", &o.Batch, 500)
	positive("Attempts", &o.Attempts, 10)
	positive("MaxPending", &o.MaxPending, 50_000)
	duration("ProgressEvery", &o.ProgressEvery, time.Second)
	duration("CheckpointEvery", &o.CheckpointEvery, time.Second)
	duration("ResumeWithin", &o.ResumeWithin, 24*time.Hour)
	if o.Rate < 0 || math.IsNaN(o.Rate) {
		errs = append(errs, fmt.Errorf("a Rate of %v: it can not be negative", o.Rate))
	}
	if o.Checkpoint != nil && o.Job == "" {
		errs = append(errs, errors.New("a Checkpoint needs a Job, which says what it is a checkpoint of"))
	}
	if o.KeepFindings == 0 {
		o.KeepFindings = 100
	}
	o.KeepFindings = max(o.KeepFindings, 0)
	if o.Backoff == nil {
		o.Backoff = defaultBackoff
	}
	return o, errors.Join(errs...)
}

// prepare checks what every operation is given: the options and its stores.
func prepare[K, V any](o PassOptions, places ...stores.Store[K, V]) (PassOptions, error) {
	po, err := o.filled()
	for i, s := range places {
		switch {
		case s == nil:
			err = errors.Join(err, errors.New("a store is missing"))
		case i > 0 && places[0] != nil && stores.SamePlace(s, places[0]):
			err = errors.Join(err, errors.New("old and new are one and the same store"))
		}
	}
	if err != nil {
		return po, fmt.Errorf("copier: %w", err)
	}
	return po, nil
}

// defaultBackoff is longer than that of a request: a place that is throttled or fails over needs seconds.
func defaultBackoff(attempt int) time.Duration {
	const base, most = 50 * time.Millisecond, 5 * time.Second
	limit := most
	if attempt < 8 {
		limit = min(most, base<<max(attempt-1, 0))
	}
	return rand.N(limit)
}

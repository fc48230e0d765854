package copier

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// PassOptions are what all operations have in common: how fast, how patient, and who is told. The zero value is right
// for a first try.
type PassOptions struct {
	// Workers is how many segments are worked on at the same time. Default: one less than GOMAXPROCS, at least 1 and at
	// most 4, so that over embedded stores a processor is left to the service. Over a network workers wait most of the
	// time, and 4 are faster also on few processors.
	Workers int
	// Batch is how many records are read, and written, together at most. A worker holds one batch in memory (two while
	// it compares). Under a limit (Rate, Throttle) there are as few as keep up with it: what the limit lets through in 5 ms
	// or 16 records, and more only where calls take longer. Default 500.
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
	// ProgressEvery is the time between two calls of OnProgress, without which it is an error. Default 1 s.
	ProgressEvery time.Duration
	// OnFinding gets every finding, before a checkpoint is saved that would not find it again; after a crash it may get
	// one twice. It is not called concurrently. An error stops the pass. Default nil: nobody gets them.
	OnFinding func(Finding) error
	// KeepFindings is how many findings, and how many keys of changed values, the Report lists; all are counted.
	// Default 100; negative: none.
	KeepFindings int

	// MaxPending bounds the keys that have to be looked at again (differences that may be in flight, writes that
	// failed). Default 50,000.
	MaxPending int
	// MaxRejected is how many records may be refused for good, or not decode, before the pass ends with [ErrRejected]. It
	// does so only while they are more than those that get through: then it is not the records, and a billion findings
	// would say no more than the first. Default 100; negative: no bound.
	MaxRejected int
}

// Resume says how a pass is kept over an interruption. It is a part of the options of every operation that can go on
// where it was; a [Repair] is simply run again.
type Resume struct {
	// Checkpoint keeps how far the pass is, so that it can go on after an interruption. Default nil: nothing is kept, and
	// of the other fields only Job may be set.
	Checkpoint Checkpointer
	// Job says what is worked on ("users, eu-1 to eu-2"); the Report repeats it. A checkpoint of another job is refused.
	// Needed with Checkpoint.
	Job string
	// Restart begins a new pass whatever the checkpoint says. Default false: an interrupted pass goes on. (After a
	// finished one a new pass begins anyway, and the Report says so.)
	Restart bool
	// CheckpointEvery is the least time between two saves; the last state is always saved. Default 1 s.
	CheckpointEvery time.Duration
	// ResumeWithin is the maximum age of a checkpoint that may be resumed. Default 24 h.
	ResumeWithin time.Duration
}

// settings are the options of a pass, filled, as it works with them.
type settings struct {
	PassOptions
	Resume
	mirroringSince time.Time
	allowEmpty     bool
	acceptLoss     []string
	copied         *Report  // of the copy before this verify pass in the same flow
	flow           string   // what the pass is a part of; see checkpoint.Flow
	earlier        []Report // of the verify passes before this one in the same flow
}

// filled returns the options with defaults, or everything that is wrong with them.
func (o PassOptions) filled() (PassOptions, error) {
	errs := []error{
		positive("Workers", &o.Workers, min(4, max(1, runtime.GOMAXPROCS(0)-1))),
		positive("Batch", &o.Batch, 500),
		positive("Attempts", &o.Attempts, 10),
		positive("MaxPending", &o.MaxPending, 50_000),
	}
	if o.MaxRejected == 0 {
		o.MaxRejected = 100
	}
	if o.ProgressEvery != 0 && o.OnProgress == nil {
		errs = append(errs, errors.New("ProgressEvery needs an OnProgress, which is told"))
	}
	errs = append(errs, positive("ProgressEvery", &o.ProgressEvery, time.Second))
	if o.Rate < 0 || math.IsNaN(o.Rate) {
		errs = append(errs, fmt.Errorf("a Rate of %v: it cannot be negative", o.Rate))
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

// filled returns the options with defaults, or everything that is wrong with them. What says how a checkpoint is used is
// an error without one: it would be ignored.
func (r Resume) filled() (Resume, error) {
	var errs []error
	if r.Checkpoint == nil {
		for _, o := range []struct {
			name  string
			given bool
		}{{"Restart", r.Restart}, {"CheckpointEvery", r.CheckpointEvery != 0}, {"ResumeWithin", r.ResumeWithin != 0}} {
			if o.given {
				errs = append(errs, fmt.Errorf("%s needs a Checkpoint", o.name))
			}
		}
	} else if r.Job == "" {
		errs = append(errs, errors.New("a Checkpoint needs a Job, which says what it is a checkpoint of"))
	}
	errs = append(errs,
		positive("CheckpointEvery", &r.CheckpointEvery, time.Second),
		positive("ResumeWithin", &r.ResumeWithin, 24*time.Hour))
	return r, errors.Join(errs...)
}

// positive sets the default of an option that is zero, and refuses a negative one.
func positive[N int | time.Duration](name string, n *N, def N) error {
	if *n < 0 {
		return fmt.Errorf("%s is %v; it cannot be negative", name, *n)
	}
	if *n == 0 {
		*n = def
	}
	return nil
}

// prepare checks what every operation is given: the options and its stores.
func prepare[K, V any](o PassOptions, r Resume, places ...stores.Store[K, V]) (settings, error) {
	var set settings
	var err, err2 error
	set.PassOptions, err = o.filled()
	set.Resume, err2 = r.filled()
	err = errors.Join(err, err2)
	for i, s := range places {
		switch {
		case s == nil:
			err = errors.Join(err, errors.New("a store is missing"))
		case i > 0 && places[0] != nil && stores.SamePlace(s, places[0]):
			err = errors.Join(err, errors.New("old and new are one and the same store"))
		}
	}
	if err != nil {
		return set, fmt.Errorf("copier: %w", err)
	}
	return set, nil
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

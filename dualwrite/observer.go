package dualwrite

import (
	"context"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// Observer is told what happens behind an operation's answer. Observe is called in the operation's own goroutine, so it
// must be quick, and from many of them at once.
type Observer interface {
	Observe(ctx context.Context, e Event)
}

// ObserverFunc makes an observer of a function.
type ObserverFunc func(ctx context.Context, e Event)

// Observe calls f.
func (f ObserverFunc) Observe(ctx context.Context, e Event) { f(ctx, e) }

// EventKind says what happened.
type EventKind uint8

// The kinds of events.
const (
	// EventMirrorMissed: a write was committed in old, new does not have it yet. Err says why.
	EventMirrorMissed EventKind = iota + 1
	// EventResolved: old was ahead of new, and new has been brought in step (or already was).
	EventResolved
	// EventRetry: a call to Place is repeated or an operation starts over. Err is what the last try answered.
	EventRetry
	// EventRestamped: a committed write was given a higher stamp, as new held a greater one.
	EventRestamped
	// EventBlocked: new does not take a record that old holds, or has lost what it was based on. Err says which.
	EventBlocked
	// EventIndeterminate: the operation answers ErrIndeterminate. Err is the last error of Place.
	EventIndeterminate
	// EventClockAhead: a stored stamp is ahead of the local clock by more than Options.MaxClockAhead.
	EventClockAhead

	eventKinds // how many there are, plus one
)

var eventNames = [eventKinds]string{
	EventMirrorMissed:  "mirror_missed",
	EventResolved:      "resolved",
	EventRetry:         "retry",
	EventRestamped:     "restamped",
	EventBlocked:       "blocked",
	EventIndeterminate: "indeterminate",
	EventClockAhead:    "clock_ahead",
}

// String names the kind.
func (k EventKind) String() string {
	if k == 0 || k >= eventKinds {
		return "invalid"
	}
	return eventNames[k]
}

// MarshalText is [EventKind.String], for logs.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Event is one thing that happened.
type Event struct {
	Kind EventKind
	// Op is the caller's operation, as "update"; Phase the phase it is carried out in.
	Op    string
	Phase flags.Phase
	// Place is "old" or "new", the place that it happened in.
	Place string
	// Key is the record's key as stores.FormatKey shows it.
	Key string
	// Version is the version that was being written, read or brought over; Unknown where there is none.
	Version stores.Version
	// Attempt counts the tries of the step so far.
	Attempt int
	// Err is the cause, if there is one.
	Err error
}

// observe counts an event and passes it on. It is never called on the path of an operation that just works.
func (o *op[K, V]) observe(kind EventKind, place string, v stores.Version, attempt int, err error) {
	o.r.counts[kind].Add(1)
	if o.r.opts.Observer == nil {
		return
	}
	o.r.opts.Observer.Observe(o.ctx, Event{
		Kind: kind, Op: o.name, Phase: o.phase, Place: place, Key: o.r.keyText(o.key), Version: v, Attempt: attempt, Err: err,
	})
}

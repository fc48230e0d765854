package stores

import (
	"errors"
	"fmt"
)

// What a failed call left behind is the one thing the protocol has to know. A store says it by these identities; an
// error with none of them has an unknown outcome: the write may or may not have been applied, and may still be.
var (
	// ErrNotFound: there is no record under the key. (A tombstone is a record, and no error, to callers of a Store.)
	ErrNotFound = errors.New("not found")
	// ErrPermanent: the call certainly had no effect and would fail again in the same way: the value is too large, a
	// validator or another unique index refuses it, the key can not be stored.
	ErrPermanent = errors.New("permanent failure")
	// ErrTransient: the call certainly had no effect and may succeed later: throttled, not connected, not primary.
	ErrTransient = errors.New("transient failure")
	// ErrInTransaction: the context carries a transaction of the caller's, which the SDK's own writes must not join: they
	// would vanish with it when it aborts, and the ones in the other place would not. It comes with [ErrPermanent].
	ErrInTransaction = errors.New("the context carries a transaction; call without it, after the transaction or before")
	// ErrClosed: the store or repository was closed before the call; the call had no effect.
	ErrClosed = errors.New("closed")
)

// Permanent marks err as [ErrPermanent]; nil stays nil.
func Permanent(err error) error { return mark(ErrPermanent, err) }

// Transient marks err as [ErrTransient]; nil stays nil.
func Transient(err error) error { return mark(ErrTransient, err) }

func mark(class, err error) error {
	if err == nil || errors.Is(err, class) {
		return err
	}
	return fmt.Errorf("%w: %w", class, err)
}

// ConditionError is the answer to a write whose condition did not hold. The write certainly was not applied by the
// attempt that was refused; whether an earlier attempt of the same write was, [Meta.Shows] tells from Stored. A store that
// knows of such an attempt, whose answer was lost, and finds that Stored does not show it, answers with an unknown outcome instead: the
// write may have been applied and replaced since.
type ConditionError struct {
	// Stored is the metadata of the record that is there instead; its Version is Absent if there is none.
	Stored Meta
}

// Error names the stored version.
func (e *ConditionError) Error() string {
	s := "condition not met: stored version is " + e.Stored.Version.String()
	if e.Stored.Deleted {
		s += " (tombstone)"
	}
	if e.Stored.Intent {
		s += " (intent)"
	}
	return s
}

// RecordError is what a scan yields for a record that it can not decode. The scan goes on after it.
type RecordError struct {
	// Key is the canonical form of the record's key.
	Key []byte
	// Foreign tells that the key is none of the store's K. Key is then a stand-in that the store itself can go on after.
	Foreign bool
	// Err says what is wrong with the record.
	Err error
}

// Error names the key.
func (e *RecordError) Error() string { return fmt.Sprintf("record %s: %v", FormatKey(e.Key), e.Err) }

// Unwrap returns the cause.
func (e *RecordError) Unwrap() error { return e.Err }

// Outcome is what a write left behind.
type Outcome uint8

// The outcomes of a write, from [OutcomeOf].
const (
	// OutcomeUnknown: it may or may not have been applied, and may still be.
	OutcomeUnknown Outcome = iota
	// OutcomeApplied: it is stored.
	OutcomeApplied
	// OutcomeRefused: the condition did not hold.
	OutcomeRefused
	// OutcomeRejected: no effect, and none if it is tried again.
	OutcomeRejected
	// OutcomeFailed: no effect, but the same write may succeed later.
	OutcomeFailed
)

// OutcomeOf classifies the error of a write; nil is OutcomeApplied. For OutcomeRefused the metadata is what is stored
// instead.
func OutcomeOf(err error) (Outcome, Meta) {
	if err == nil {
		return OutcomeApplied, Meta{}
	}
	var refused *ConditionError
	switch {
	case errors.As(err, &refused):
		return OutcomeRefused, refused.Stored
	case errors.Is(err, ErrPermanent), errors.Is(err, ErrClosed), errors.Is(err, errors.ErrUnsupported):
		return OutcomeRejected, Meta{}
	case errors.Is(err, ErrTransient):
		return OutcomeFailed, Meta{}
	default:
		return OutcomeUnknown, Meta{}
	}
}

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }

// Error says where an operation failed. It is made once, where an error leaves the SDK; errors.Is and errors.As reach
// the cause through it.
type Error struct {
	// Op is the operation of the caller, as "update".
	Op string
	// Place is "old" or "new", or empty where the failure is of neither.
	Place string
	// Key is the record's key as [FormatKey] shows it, or empty.
	Key string
	// Err is the cause; never nil.
	Err error
}

// Error is "op key (in place): cause".
func (e *Error) Error() string {
	s := e.Op
	if e.Key != "" {
		s += " " + e.Key
	}
	if e.Place != "" {
		s += " (" + e.Place + ")"
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

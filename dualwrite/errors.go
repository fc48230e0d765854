package dualwrite

import (
	"errors"
	"slices"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// What the errors of a repository are, for errors.Is. Each error is one of them, or none. Errors of a context pass through as
// they are. [HTTPStatus] and [GRPCCode] say what they mean to a client.
var (
	// ErrNotFound: there is no record under the key, or it was deleted.
	ErrNotFound = stores.ErrNotFound
	// ErrExists: Create found a record. Nothing was written.
	ErrExists = errors.New("the record exists")
	// ErrVersion: a conditional write found another version than the one required. Nothing was written.
	ErrVersion = errors.New("the record has another version")
	// ErrConflict: too many concurrent writes of this key got in between. Nothing was written; trying again is safe.
	ErrConflict = errors.New("too many concurrent writes of this record, nothing was written")
	// ErrIndeterminate: the write may have been applied, or may still be. Its outcome could not be learned in time; or, in
	// read-new/write-both, the new place refused a write for good that was announced in old already, where readers in
	// read-old/write-both see it while the key is blocked for those in read-new/write-both (ErrBlocked); or another instance wrote the record
	// in between in a way that hides the answer. Read the record before doing it again. Look for this identity before
	// those of a context, which the error may have as well.
	ErrIndeterminate = errors.New("the outcome of the write is not known")
	// ErrBlocked: in read-new/write-both, old holds a newer state of this record that new does not take, or new has lost
	// what it was based on. Neither can be answered without guessing; the cause says which, and Status names the key.
	// Nothing was written. Writes that depend on what is there are blocked too. If new refuses the record, a Delete or a Put
	// of a value that new takes gets out of it, as does a repair for which new wins, or mending new's validator or index. If
	// new has lost data, Put and Delete are blocked too, until that was restored or a repair was told which place wins.
	ErrBlocked = errors.New("the record can not be brought in step")
	// ErrMirrorMissed: the write is committed, do not repeat it; the new place does not have it yet. Only with
	// Options.ReportMissedMirrors.
	ErrMirrorMissed = errors.New("the write is committed, but its mirror was missed")
	// ErrPhaseUnknown: the flag gives no phase that this operation may be carried out in. Nothing was written.
	ErrPhaseUnknown = flags.ErrPhaseUnknown
	// ErrClosed: the repository, or a store under it, was closed. Nothing was written.
	ErrClosed = stores.ErrClosed
	// ErrInTransaction: the context carries a transaction of one of the places' drivers. The writes of the repository must not
	// join it: one place would forget them when it aborts, the other one would not. Nothing was written anywhere; it is
	// an ErrPermanent too. Call with a context without the transaction.
	ErrInTransaction = stores.ErrInTransaction
	// ErrPermanent: the record or its key can not be stored (too large, not encodable, refused by a validator), and
	// will not be if it is tried again. Nothing was written.
	ErrPermanent = stores.ErrPermanent
	// ErrTransient: a place could not be reached or did not take the call just now. Nothing was written; trying again is
	// safe. A store may also fail to read with errors of its own that are none of these; nothing was written then either.
	ErrTransient = stores.ErrTransient
)

// Error says which operation failed, on which key and in which place.
type Error = stores.Error

// noEffect are the identities that say that a call had no effect.
var noEffect = []error{
	ErrNotFound, ErrExists, ErrVersion, ErrConflict, ErrBlocked, ErrPhaseUnknown, ErrClosed, ErrInTransaction,
	stores.ErrPermanent, stores.ErrTransient, errors.ErrUnsupported,
}

// cause is why one call failed of an operation whose own error says something else: that it may have had an effect all the
// same, or that the record is blocked. It keeps its text and its identities, except those that would tell the caller that
// there was no effect, or whether to try again.
type cause struct{ err error }

func (c cause) Error() string { return c.err.Error() }

// Is and As stand in for Unwrap, which would show everything.
func (c cause) Is(target error) bool {
	return !slices.Contains(noEffect, target) && errors.Is(c.err, target)
}
func (c cause) As(target any) bool { return errors.As(c.err, target) }

// fail wraps an error once, where it leaves the repository.
func (r *Repository[K, V]) fail(op, place string, key K, err error) error {
	return &Error{Op: op, Place: place, Key: r.keyText(key), Err: err}
}

// keyText is the key as people see it; a key that has no canonical form has none.
func (r *Repository[K, V]) keyText(key K) string {
	b, err := r.old.store.Keys().Append(nil, key)
	if err != nil {
		return ""
	}
	return stores.FormatKey(b)
}

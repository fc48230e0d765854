package dualwrite

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// Repository is the records of a service during a migration: one set of records, whichever of the two places they are
// in. Every operation is carried out in the phase that the source gives when it begins, to its end. A Repository is safe
// for concurrent use; it starts no goroutine that outlives an operation.
//
// Operations on one key are linearizable, over all instances that are in neighbouring phases. Every write answers the
// version that it stored, which stays valid across phases.
type Repository[K, V any] struct {
	old, new place[K, V]
	phase    flags.Source
	gate     flags.WriteGate // nil: the source refuses no writes
	opts     Options
	contexts []stores.ContextChecker // the stores that have to be asked about a context
	running  inflight
	pairing  pairing
	counts   [eventKinds]atomic.Uint64
	blocked  blockedKeys
}

func (r *Repository[K, V]) place(s side) *place[K, V] {
	if s == oldSide {
		return &r.old
	}
	return &r.new
}

// enter counts an operation in, unless one of the places does not take its context: before anything is written to the other.
func (r *Repository[K, V]) enter(ctx context.Context, a access) (flags.Phase, error) {
	for _, s := range r.contexts {
		if err := s.CheckContext(ctx); err != nil {
			return 0, err
		}
	}
	return r.running.enter(ctx, r.phase, r.gate, a)
}

// Get reads a record. ErrNotFound if there is none; in read-new/write-both ErrBlocked if old holds a newer state that new
// does not take, and ErrConflict if concurrent writes kept it from being brought over.
func (r *Repository[K, V]) Get(ctx context.Context, key K) (V, error) {
	v, _, err := r.GetVersion(ctx, key)
	return v, err
}

// GetVersion is Get with the record's version, for [Repository.PutIf], [Repository.DeleteIf] and ETags. A record from
// before the SDK is [stores.Unstamped] until its first write: that says nothing about its contents, so it makes a weak
// condition and no ETag. copier.Finish makes every record unstamped; versions handed out before are void then.
func (r *Repository[K, V]) GetVersion(ctx context.Context, key K) (V, stores.Version, error) {
	rec, err := r.read(ctx, "get", key)
	if err == nil && !rec.Live() {
		err = r.fail("get", "", key, ErrNotFound)
	}
	if err != nil {
		var none V
		return none, stores.Unknown, err
	}
	return rec.Value, rec.Version, nil
}

// Put stores a value, whatever is there.
func (r *Repository[K, V]) Put(ctx context.Context, key K, v V) (stores.Version, error) {
	return r.write(ctx, "put", key, &change[V]{kind: changePut, value: v})
}

// Create stores a value if there is none. ErrExists if there is.
func (r *Repository[K, V]) Create(ctx context.Context, key K, v V) (stores.Version, error) {
	return r.write(ctx, "create", key, &change[V]{kind: changeCreate, value: v})
}

// Update changes a record: fn gets what is stored and changes it in place. fn may run several times, each time on what
// is stored then, and must have no effect of its own. An error of fn is returned and nothing is written; that is also the
// way to leave a record as it is, as a value that fn did not change is written under a new version. ErrNotFound if there
// is no record.
func (r *Repository[K, V]) Update(ctx context.Context, key K, fn func(v *V) error) (stores.Version, error) {
	if fn == nil {
		return stores.Unknown, r.fail("update", "", key, errNoFunction)
	}
	return r.write(ctx, "update", key, &change[V]{kind: changeUpdate, update: fn})
}

// Upsert is [Repository.Update] for a record that may not exist: fn then gets the zero V and exists is false.
func (r *Repository[K, V]) Upsert(ctx context.Context, key K, fn func(v *V, exists bool) error) (stores.Version, error) {
	if fn == nil {
		return stores.Unknown, r.fail("upsert", "", key, errNoFunction)
	}
	return r.write(ctx, "upsert", key, &change[V]{kind: changeUpsert, upsert: fn})
}

// PutIf stores a value if the record still has the version given, which came from this or any other instance.
// ErrVersion if it has another one, or is not there.
func (r *Repository[K, V]) PutIf(ctx context.Context, key K, v V, version stores.Version) (stores.Version, error) {
	if !readable(version) {
		return stores.Unknown, r.fail("put if", "", key, errNoVersion)
	}
	return r.write(ctx, "put if", key, &change[V]{kind: changePutIf, value: v, version: version})
}

// Delete removes a record. No error if there is none. What is left is a tombstone, until the migration is finished: it
// is what keeps a copy that is under way from bringing the record back.
func (r *Repository[K, V]) Delete(ctx context.Context, key K) error {
	_, err := r.write(ctx, "delete", key, &change[V]{kind: changeDelete})
	return err
}

// DeleteIf removes a record if it still has the version given. ErrVersion if it has another one, or is not there.
func (r *Repository[K, V]) DeleteIf(ctx context.Context, key K, version stores.Version) error {
	if !readable(version) {
		return r.fail("delete if", "", key, errNoVersion)
	}
	_, err := r.write(ctx, "delete if", key, &change[V]{kind: changeDeleteIf, version: version})
	return err
}

var (
	errNoFunction = errors.New("there is no function to call: fn is nil")
	errNoVersion  = fmt.Errorf("%w: the version given is unknown or absent, which no record has", ErrVersion)
)

// readable tells whether a record that a caller has read can have this version.
func readable(v stores.Version) bool { return !v.IsUnknown() && !v.IsAbsent() }

// Read routes a query of the user's own, which the repository can not express, to the place that reads go to in the
// phase of the moment. It routes and does no more: in read-new/write-both newFn sees only what new holds, so it may miss
// a write whose mirror was missed until that is brought over, and it may see tombstones and metadata unless it leaves
// them out. The operation counts as in flight while the function runs.
func Read[K, V, R any](ctx context.Context, r *Repository[K, V], oldFn, newFn func(ctx context.Context) (R, error)) (R, error) {
	var none R
	if oldFn == nil || newFn == nil {
		return none, &Error{Op: "read", Err: errNoFunction}
	}
	phase, err := r.running.enter(ctx, r.phase, nil, reading)
	if err != nil {
		return none, &Error{Op: "read", Err: err}
	}
	defer r.running.leave(phase, reading)
	if routes[phase].decides == oldSide {
		return oldFn(ctx)
	}
	return newFn(ctx)
}

package stores

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Store holds one kind of record in one place. Implementations are safe for concurrent use.
//
// A context that is done before a call makes the call answer the context's error without any effect. If it ends while a
// write is under way the outcome is unknown, unless the store knows better.
//
// What goes in and what comes out is never shared with the caller: a store keeps no reference to a value, key or slice
// that it was given, and each value it returns is the caller's own.
//
// A store that holds resources also implements io.Closer: Close is idempotent and later calls answer [ErrClosed].
type Store[K, V any] interface {
	// Get reads the record under key: linearizable with the writes of every process, never from a lagging replica. A
	// tombstone is returned as a record with Deleted set. ErrNotFound if there is none; a *[RecordError] for a record that
	// does not decode.
	Get(ctx context.Context, key K) (Record[V], error)

	// Put stores w.Record under w.Key if w.If holds for what is stored, as one atomic step on that record. The answer is
	// nil when it is stored, durably; a *[ConditionError] with what is stored instead when it was refused; an error that
	// Is [ErrPermanent] or [ErrTransient] when it certainly had no effect. After any other error nobody knows. A write
	// that [Write.Validate] refuses is ErrPermanent.
	//
	// A refusal is exact: the stored metadata is the one that did not satisfy the condition, or was read from the
	// place after the refusal and does not satisfy it either.
	Put(ctx context.Context, w Write[K, V]) error

	// Scan yields the records of a segment (the zero Segment is everything) that follow the canonical key after, or all
	// of them if after is nil, tombstones included. The order is the store's own, and the same each time. A record that
	// is there during the whole scan is yielded exactly once; one that comes or goes meanwhile may or may not be.
	//
	// The key after need not be there any more. A record that does not decode is yielded as a *[RecordError] with its
	// canonical key, and the scan goes on. Any other error ends it; a scan that is cut short, by its context, by Close
	// or because the place is no longer the one that the store was opened over (dropped, created again, replaced), ends with an error
	// and never as if that were all. While the loop body runs no transaction, cursor lock or mutex is held: the body may write
	// to the same store.
	Scan(ctx context.Context, seg Segment, after []byte) iter.Seq2[Entry[K, V], error]

	// Keys is the canonical form of this store's keys. Two stores that hold the same records use the same one.
	Keys() KeyCodec[K]
}

// Segment names a part of a store for parallel scans, in the store's own words, which need not be text. It is valid as long as the store, over
// restarts too, so that a checkpoint can keep it. The zero Segment is the whole store.
type Segment string

// Write is one conditional write.
type Write[K, V any] struct {
	Key    K
	Record Record[V]
	If     Condition
	// NotePrev asks for the version that the write replaces as the record's Prev, on a blind write (IfOlder, Prev unknown): who
	// was replaced then knows that it had been there. A store that can tell within the same atomic step, without another
	// round trip, stores it ([Write.MetaOver]); for any other one Prev stays unknown, which is always right.
	NotePrev bool
}

// MetaOver is the metadata that a store keeps which notes what a write replaces: w.Record.Meta, over a record of this version.
func (w *Write[K, V]) MetaOver(stored Version) Meta {
	m := w.Record.Meta
	if w.NotePrev {
		m.Prev = stored
	}
	return m
}

// Validate reports a write that no store may accept: an invalid condition, a record without a version, an unstamped
// tombstone or intent, an unstamped record on any other condition than IfOlder(Unstamped), which is how a record from
// before the SDK is copied, or NotePrev on a write that is not blind. The error Is [ErrPermanent].
func (w *Write[K, V]) Validate() error {
	if err := w.If.Validate(); err != nil {
		return Permanent(err)
	}
	m := w.Record.Meta
	switch {
	case m.Version.IsUnknown() || m.Version.IsAbsent():
		return Permanent(errors.New("stores: a record is written with a stamp, or unstamped when it is copied"))
	case m.Version.IsUnstamped() && (m.Deleted || m.Intent || !m.Prev.IsUnknown()):
		return Permanent(errors.New("stores: an unstamped record has no tombstone, intent or prev"))
	case m.Version.IsUnstamped() && w.If != IfOlder(Unstamped):
		return Permanent(fmt.Errorf("stores: an unstamped record is written only on IfOlder(unstamped), not on %v", w.If))
	case w.NotePrev && (w.If.Kind != KindIfOlder || m.Version.IsUnstamped() || !m.Prev.IsUnknown()):
		return Permanent(fmt.Errorf("stores: only a blind write of a stamped record notes what it replaces, not one on %v with prev %v", w.If, m.Prev))
	}
	return nil
}

package stores

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
)

// BatchReader is a store that reads many keys in fewer round trips. Reach it through [GetMany].
type BatchReader[K, V any] interface {
	// GetMany reads every key and answers in the order of the arguments, each as Get would. The error is for the whole
	// call: nothing was read.
	GetMany(ctx context.Context, keys []K) ([]Result[V], error)
}

// Result is the answer for one key of a batch read.
type Result[V any] struct {
	Record Record[V]
	// Err is what Get would have answered: ErrNotFound if there is no record.
	Err error
}

// GetMany reads every key, in argument order. Fallback: one Get after the other.
func GetMany[K, V any](ctx context.Context, s Store[K, V], keys []K) ([]Result[V], error) {
	if b, ok := s.(BatchReader[K, V]); ok {
		res, err := b.GetMany(ctx, keys)
		if err == nil && len(res) != len(keys) {
			return nil, fmt.Errorf("stores: %T answered %d of %d keys", s, len(res), len(keys))
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return res, err
		}
	}
	res := make([]Result[V], len(keys))
	for i, key := range keys {
		res[i].Record, res[i].Err = s.Get(ctx, key)
	}
	return res, nil
}

// MetaReader is a store that can leave the values where they are when only the metadata is asked for. Reach it through
// [ScanMeta] and [GetMetas].
type MetaReader[K, V any] interface {
	// ScanMeta is Scan with the zero V in every record. A value that does not decode is no error.
	ScanMeta(ctx context.Context, seg Segment, after []byte) iter.Seq2[Entry[K, V], error]
	// GetMetas is GetMany with the zero V in every record. A value that does not decode is no error.
	GetMetas(ctx context.Context, keys []K) ([]Result[V], error)
}

// ScanMeta yields the keys and the metadata of the records of a segment; the values are not to be looked at. Fallback: a
// Scan.
func ScanMeta[K, V any](ctx context.Context, s Store[K, V], seg Segment, after []byte) iter.Seq2[Entry[K, V], error] {
	if m, ok := s.(MetaReader[K, V]); ok {
		return scanOr(m.ScanMeta(ctx, seg, after), s.Scan(ctx, seg, after))
	}
	return s.Scan(ctx, seg, after)
}

// GetMetas reads the metadata under every key, in argument order; the values are not to be looked at. Fallback: GetMany.
func GetMetas[K, V any](ctx context.Context, s Store[K, V], keys []K) ([]Result[V], error) {
	m, ok := s.(MetaReader[K, V])
	if !ok {
		return GetMany(ctx, s, keys)
	}
	res, err := m.GetMetas(ctx, keys)
	if errors.Is(err, errors.ErrUnsupported) {
		return GetMany(ctx, s, keys)
	}
	if err == nil && len(res) != len(keys) {
		return nil, fmt.Errorf("stores: %T answered %d of %d keys", s, len(res), len(keys))
	}
	return res, err
}

// BatchWriter is a store that takes many conditional writes in fewer round trips. Reach it through [PutMany].
type BatchWriter[K, V any] interface {
	// PutMany carries out each write as Put would, each on its own condition, and answers with an error or nil for each
	// in the order of the arguments; writes of one key take effect in that order. An invalid write fails alone. Outcomes
	// are reported only after they are durable: if a commit fails, everything in it has an unknown outcome. The second
	// error is for the whole call: nothing was tried.
	PutMany(ctx context.Context, writes []Write[K, V]) ([]error, error)
}

// PutMany carries out every write and answers in argument order. Fallback: one Put after the other.
func PutMany[K, V any](ctx context.Context, s Store[K, V], writes []Write[K, V]) ([]error, error) {
	if b, ok := s.(BatchWriter[K, V]); ok {
		errs, err := b.PutMany(ctx, writes)
		if err == nil && len(errs) != len(writes) {
			return nil, fmt.Errorf("stores: %T answered %d of %d writes", s, len(errs), len(writes))
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return errs, err
		}
	}
	errs := make([]error, len(writes))
	for i, w := range writes {
		errs[i] = s.Put(ctx, w)
	}
	return errs, nil
}

// Segmenter is a store that can be scanned in parallel. Reach it through [Segments].
type Segmenter interface {
	// Segments divides the store into at most n parts of about the same size. Together they hold every key exactly
	// once, keys written later included.
	Segments(ctx context.Context, n int) ([]Segment, error)
}

// Segments divides a store into at most n parts. Fallback: one part, the whole.
func Segments[K, V any](ctx context.Context, s Store[K, V], n int) ([]Segment, error) {
	if n < 1 {
		return nil, errTooFewParts(n)
	}
	if sg, ok := s.(Segmenter); ok {
		segs, err := sg.Segments(ctx, n)
		if !errors.Is(err, errors.ErrUnsupported) {
			return segs, err
		}
	}
	return []Segment{""}, nil
}

func errTooFewParts(n int) error {
	return fmt.Errorf("stores: a store is divided into at least one segment, not %d", n)
}

// Counter is a store that knows about how many records it holds. Reach it through [ApproxCount].
type Counter interface {
	// ApproxCount is the number of records, tombstones included: for progress and estimates, never for a verdict.
	ApproxCount(ctx context.Context) (int64, error)
}

// ApproxCount is about how many records the store holds. Fallback: an error that Is errors.ErrUnsupported; show progress
// without a total then.
func ApproxCount[K, V any](ctx context.Context, s Store[K, V]) (int64, error) {
	if c, ok := s.(Counter); ok {
		return c.ApproxCount(ctx)
	}
	return 0, unsupported("count", s)
}

// Purger is a store that can remove what the SDK added. Reach it through [Purge].
type Purger[K any] interface {
	// Purge takes the SDK's traces off each record that still has exactly the version named, as one atomic step per
	// record: a tombstone is removed, a live record loses its metadata and becomes unstamped. The answers are as those
	// of PutMany; a record that is absent or has another version is a *ConditionError.
	Purge(ctx context.Context, targets []PurgeTarget[K]) ([]error, error)
}

// PurgeTarget names a record to purge and the stamp that it must still have.
type PurgeTarget[K any] struct {
	Key     K
	Version Version
}

// Purge removes tombstones and metadata, conditionally. Fallback: an error that Is errors.ErrUnsupported, as an
// unconditional removal could destroy a newer write.
func Purge[K, V any](ctx context.Context, s Store[K, V], targets []PurgeTarget[K]) ([]error, error) {
	if p, ok := s.(Purger[K]); ok {
		errs, err := p.Purge(ctx, targets)
		if err == nil && len(errs) != len(targets) {
			return nil, fmt.Errorf("stores: %T answered %d of %d targets", s, len(errs), len(targets))
		}
		return errs, err
	}
	return nil, unsupported("purge", s)
}

// PairWriter is a store that can commit a write of its own together with one in another store. Reach it through
// [PutPair].
type PairWriter[K, V any] interface {
	// PutPair stores both or neither, and both at the same moment: whoever has read one of them by Get or GetMany finds the
	// other one too.
	// errors.ErrUnsupported if the two stores can not commit together, which is so for good; *[PairError] if a condition
	// was refused or a write rejected, an invalid one included; ErrPermanent if both name the same record.
	PutPair(ctx context.Context, mine Write[K, V], other Store[K, V], theirs Write[K, V]) error
}

// PairError is the answer to a pair of writes of which at least one could not be stored; neither was.
type PairError struct {
	// First and Second are what Put would have answered for each; nil for a write that alone would have been stored. At
	// least one is not nil, and none is of unknown outcome.
	First, Second error
}

// Error names both outcomes.
func (e *PairError) Error() string {
	return fmt.Sprintf("neither of two writes was stored: first: %v; second: %v", e.First, e.Second)
}

// Unwrap returns the errors that are there.
func (e *PairError) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.First, e.Second} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// Wrapper is a store around another one. A pair write looks through it to find out whether two stores share a database.
type Wrapper[K, V any] interface {
	Unwrap() Store[K, V]
}

// PutPair commits a write to a and one to b together. Fallback: an error that Is errors.ErrUnsupported, before anything
// was written; write one after the other then.
func PutPair[K, V any](ctx context.Context, a Store[K, V], wa Write[K, V], b Store[K, V], wb Write[K, V]) error {
	if p, ok := a.(PairWriter[K, V]); ok {
		return p.PutPair(ctx, wa, b, wb)
	}
	return unsupported("pair write", a)
}

// SamePlacer is a store that can be opened more than once, and tells whether another one works on the same records.
// Reach it through [SamePlace].
type SamePlacer[K, V any] interface {
	SamePlace(other Store[K, V]) bool
}

// SamePlace tells whether two stores are known to work on the same records, so that they can not be the two places of a
// migration. Both are looked at through their wrappers. Fallback: whether they are the same Go value.
func SamePlace[K, V any](a, b Store[K, V]) bool {
	if p, ok := As[SamePlacer[K, V]](a); ok && p.SamePlace(b) {
		return true
	}
	a, b = innermost(a), innermost(b)
	return a != nil && b != nil && reflect.TypeOf(a).Comparable() && reflect.TypeOf(b).Comparable() && a == b
}

func innermost[K, V any](s Store[K, V]) Store[K, V] {
	for {
		w, ok := s.(Wrapper[K, V])
		if !ok {
			return s
		}
		s = w.Unwrap()
	}
}

// As finds a store of type T in a stack of wrappers, s itself included: what errors.As is for errors.
func As[T, K, V any](s Store[K, V]) (found T, ok bool) {
	for {
		if found, ok = s.(T); ok {
			return found, true
		}
		w, wraps := s.(Wrapper[K, V])
		if !wraps {
			return found, false
		}
		s = w.Unwrap()
	}
}

// Checker is a store that can tell without I/O that a write could never be stored. Reach it through [Check].
type Checker[K, V any] interface {
	// Check encodes the record and looks at its size. The error Is ErrPermanent.
	Check(w Write[K, V]) error
}

// Check tells whether a write could be stored at all, before anything is written anywhere. Fallback: only what
// [Write.Validate] finds.
func Check[K, V any](s Store[K, V], w Write[K, V]) error {
	if err := w.Validate(); err != nil {
		return err
	}
	if c, ok := s.(Checker[K, V]); ok {
		if err := c.Check(w); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	return nil
}

// RoundTripper is a store whose codec may change a value: a database with milliseconds takes the nanoseconds off a time.
// Reach it through [RoundTrip].
type RoundTripper[K, V any] interface {
	// RoundTrip returns v as a Get of key after a Put would, without I/O: a V that holds its own key gets it from there. It does
	// not keep or change v.
	RoundTrip(key K, v V) (V, error)
}

// RoundTrip returns a value as this store would give it back under key. Fallback: v itself.
func RoundTrip[K, V any](s Store[K, V], key K, v V) (V, error) {
	if r, ok := s.(RoundTripper[K, V]); ok {
		rv, err := r.RoundTrip(key, v)
		if !errors.Is(err, errors.ErrUnsupported) {
			return rv, err
		}
	}
	return v, nil
}

// ContextChecker is a store whose driver takes more from a context than its end. Reach it through [CheckContext], which
// finds it below wrappers.
type ContextChecker interface {
	// CheckContext tells whether calls may be made with ctx, without I/O: [ErrInTransaction] if it carries a transaction.
	CheckContext(ctx context.Context) error
}

// CheckContext tells whether a store takes calls with this context. Who writes to several stores asks all of them before
// the first write. Fallback: it does.
func CheckContext[K, V any](ctx context.Context, s Store[K, V]) error {
	if c, ok := As[ContextChecker](s); ok {
		if err := c.CheckContext(ctx); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	return nil
}

func unsupported[K, V any](what string, s Store[K, V]) error {
	return fmt.Errorf("stores: %T has no %s: %w", s, what, errors.ErrUnsupported)
}

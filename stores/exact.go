package stores

import (
	"context"
	"iter"
)

// ExactScanner is a store that can tell, while it scans, what of the records V does not hold exactly. Reach it through
// [ScanNoting].
type ExactScanner[K, V any] interface {
	// ScanNoting is Scan, and remembers the fields of records that V does not map, or does not give back as they are stored:
	// [FieldReporter] names them.
	ScanNoting(ctx context.Context, seg Segment, after []byte) iter.Seq2[Entry[K, V], error]
}

// ScanNoting is a Scan for whoever takes records to another place: it takes longer, and [UnmappedFields] says afterwards what
// got lost on the way. Fallback: a Scan.
func ScanNoting[K, V any](ctx context.Context, s Store[K, V], seg Segment, after []byte) iter.Seq2[Entry[K, V], error] {
	if e, ok := s.(ExactScanner[K, V]); ok {
		return e.ScanNoting(ctx, seg, after)
	}
	return s.Scan(ctx, seg, after)
}

// FieldReporter is a store whose places may hold more of a record than V has room for. Reach it through [UnmappedFields].
type FieldReporter interface {
	// UnmappedFields are the names of fields that [ScanNoting] has found beside those that V maps, and of those whose stored
	// value does not come back when V is encoded again: in order, at most 100. What is nested is named by its path, as
	// "address.zip".
	UnmappedFields() []string
}

// UnmappedFields are the fields that do not arrive, or not as they are stored, when records are copied out of a store, as far
// as [ScanNoting] has seen. Fallback: none is known.
func UnmappedFields[K, V any](s Store[K, V]) []string {
	if f, ok := As[FieldReporter](s); ok {
		return f.UnmappedFields()
	}
	return nil
}

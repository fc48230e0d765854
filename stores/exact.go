package stores

import (
	"context"
	"iter"
)

// ExactScanner is a store whose places may hold more of a record than V has room for, and that can tell. Reach it through
// [ScanNoting].
type ExactScanner[K, V any] interface {
	// ScanNoting is Scan with [Entry.Lost] filled in: the fields beside those that V maps, and those whose stored value does not
	// come back when V is encoded again. What it names depends on the record alone, not on what other scans have seen.
	ScanNoting(ctx context.Context, seg Segment, after []byte) iter.Seq2[Entry[K, V], error]
}

// ScanNoting is a Scan for whoever takes records to another place: each entry says what of its record gets lost on the way. It
// takes longer than a Scan. Fallback: a Scan, which names nothing.
func ScanNoting[K, V any](ctx context.Context, s Store[K, V], seg Segment, after []byte) iter.Seq2[Entry[K, V], error] {
	if e, ok := s.(ExactScanner[K, V]); ok {
		return scanOr(e.ScanNoting(ctx, seg, after), s.Scan(ctx, seg, after))
	}
	return s.Scan(ctx, seg, after)
}

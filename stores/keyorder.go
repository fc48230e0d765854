package stores

import "context"

// KeyOrdered is a store whose scans are in the order of its canonical keys, compared byte by byte, so that two places can be
// gone over side by side. Reach it through [Bounds] and [Range].
type KeyOrdered interface {
	// Bounds are at most n-1 canonical keys, ascending, that divide the store into parts of about the same size now.
	// errors.ErrUnsupported if records are not in that order.
	Bounds(ctx context.Context, n int) ([][]byte, error)
	// Range is the segment of the keys from one on and before another; nil is no bound. Its scans yield the records
	// that decode in the order of their canonical keys. A *[RecordError] with a Foreign key may come anywhere.
	Range(from, to []byte) (Segment, error)
}

// Bounds are up to n-1 canonical keys that divide a store whose scans are in the order of those. Fallback: an error that Is
// errors.ErrUnsupported.
func Bounds[K, V any](ctx context.Context, s Store[K, V], n int) ([][]byte, error) {
	if n < 1 {
		return nil, errTooFewParts(n)
	}
	if o, ok := s.(KeyOrdered); ok {
		return o.Bounds(ctx, n)
	}
	return nil, unsupported("order of keys", s)
}

// Range is the segment of a store that begins with one canonical key and ends before another. Fallback: an error that Is
// errors.ErrUnsupported.
func Range[K, V any](s Store[K, V], from, to []byte) (Segment, error) {
	if o, ok := s.(KeyOrdered); ok {
		return o.Range(from, to)
	}
	return "", unsupported("order of keys", s)
}

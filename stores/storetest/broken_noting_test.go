package storetest_test

import (
	"context"
	"iter"

	"github.com/dualwrite/dualwrite/stores"
)

// notesOnlyLive forgets the tombstones where it looks at values.
type notesOnlyLive struct{ *mem }

func (s notesOnlyLive) ScanNoting(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for e, err := range s.Scan(ctx, seg, after) {
			if (err != nil || e.Record.Live()) && !yield(e, err) {
				return
			}
		}
	}
}

// namesItsOwn says of what it stored itself that values do not hold it.
type namesItsOwn struct{ notesOnlyLive }

func (s namesItsOwn) ScanNoting(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	return s.Scan(ctx, seg, after)
}

func (s namesItsOwn) UnmappedFields() []string { return []string{"Tags"} }

package stores

import (
	"context"
	"sync/atomic"
)

// ExpiryCounts is what scans count of records that expire; see [CountExpiry]. It is safe for concurrent use.
type ExpiryCounts struct {
	// Passed counts the records from before the SDK that a scan passed over, as they have expired.
	Passed atomic.Int64
	// LongPast counts the records whose expiry was more than five years ago, whether a scan passed over them or not: a store that
	// removes what has expired would not have them any more. Unix 0 is not counted, which is how many say "never".
	LongPast atomic.Int64
}

type expiryKey struct{}

// CountExpiry returns a context for scans of stores whose records expire: they count in c what they pass over, before they
// yield what follows it.
func CountExpiry(ctx context.Context, c *ExpiryCounts) context.Context {
	return context.WithValue(ctx, expiryKey{}, c)
}

// ExpiryCountsOf is where a store's scan counts, nil if nobody wants to know.
func ExpiryCountsOf(ctx context.Context) *ExpiryCounts {
	c, _ := ctx.Value(expiryKey{}).(*ExpiryCounts)
	return c
}

package stores

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff says how long to wait before try number attempt, which is 1 for the first repetition.
type Backoff func(attempt int) time.Duration

// DefaultBackoff waits a random time of up to 1 ms before the first repetition, up to twice as long before each further
// one, and never more than 100 ms: full jitter, so that writers who collided once do not collide again.
func DefaultBackoff(attempt int) time.Duration {
	const base, most = time.Millisecond, 100 * time.Millisecond
	limit := most
	if attempt < 8 {
		limit = min(most, base<<max(attempt-1, 0))
	}
	return rand.N(limit)
}

// Wait sleeps for what b says before a repetition, or until the context ends; then the answer is the context's error.
func (b Backoff) Wait(ctx context.Context, attempt int) error {
	d := b(attempt)
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

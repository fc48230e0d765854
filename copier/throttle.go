package copier

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/dualwrite/dualwrite/stores"
)

// askEvery is how often PassOptions.Throttle is asked at most.
const askEvery = 100 * time.Millisecond

// Under a limit a page is as small as will do, as the service waits behind each. The smallest page is what the limit lets
// through in smallestTime, but at least smallestPage. Where calls take so long that workers with such pages fall behind the
// limit, pages grow until they do not.
const (
	smallestTime = 5 * time.Millisecond
	smallestPage = 16
	pageGrowth   = 1.25 // each time
)

// throttle is the one limit of all workers of a pass.
type throttle struct {
	fixed   rate.Limit
	burst   int
	ask     func() float64
	limiter *rate.Limiter

	mu    sync.Mutex // guards what follows, and a call of ask
	asked time.Time
	page  float64 // how many records to take at once
}

func newThrottle(o *PassOptions) *throttle {
	t := &throttle{fixed: rate.Inf, burst: o.Batch, ask: o.Throttle}
	if o.Rate > 0 {
		t.fixed = rate.Limit(o.Rate)
	}
	t.limiter = rate.NewLimiter(t.fixed, t.burst)
	if t.fixed != rate.Inf {
		t.limiter.AllowN(time.Now(), t.burst) // no burst at the start
	}
	return t
}

// batch is how many records to take at once.
func (t *throttle) batch() int {
	limit := t.limiter.Limit()
	if limit == rate.Inf {
		return t.burst
	}
	smallest := min(float64(t.second()), max(smallestPage, float64(limit)*smallestTime.Seconds()))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.page = min(max(t.page, smallest), float64(t.burst))
	return int(t.page)
}

// second is how many records can pass in about a second.
func (t *throttle) second() int {
	if limit := float64(t.limiter.Limit()); limit < float64(t.burst) {
		return max(1, int(limit))
	}
	return t.burst
}

// pace makes pages smaller while workers have to wait for the limit, and larger while they fall behind it.
func (t *throttle) pace(n int) {
	behind := t.limiter.Tokens() >= float64(n)
	t.mu.Lock()
	defer t.mu.Unlock()
	if behind {
		t.page *= pageGrowth
	} else {
		t.page /= pageGrowth
	}
}

// wait lets n records pass, about a second's worth at a time so that it follows a change of the limit.
func (t *throttle) wait(ctx context.Context, n int) error {
	if err := t.adjust(ctx); err != nil {
		return err
	}
	if n == 0 {
		return ctx.Err()
	}
	t.pace(n)
	for {
		some := min(n, t.second())
		if err := t.limiter.WaitN(ctx, some); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%w: %w", context.DeadlineExceeded, err) // it would be reached in the wait
		}
		if n -= some; n == 0 {
			return nil
		}
		if err := t.adjust(ctx); err != nil {
			return err
		}
	}
}

// adjust asks for the limit, and waits as long as that is a pause.
func (t *throttle) adjust(ctx context.Context) error {
	if t.ask == nil {
		return nil
	}
	for !t.set() {
		if err := sleep(ctx, askEvery); err != nil {
			return err
		}
	}
	return nil
}

// set tells whether there is a limit to work under.
func (t *throttle) set() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if !t.asked.IsZero() && now.Sub(t.asked) < askEvery {
		return t.limiter.Limit() > 0
	}
	t.asked = now
	limit := t.ask()
	if math.IsNaN(limit) || limit < 0 {
		limit = 0
	}
	next := t.fixed
	if !math.IsInf(limit, 1) {
		next = min(next, rate.Limit(limit))
	}
	t.limiter.SetLimitAt(now, next)
	return limit > 0
}

func sleep(ctx context.Context, d time.Duration) error {
	return stores.Backoff(func(int) time.Duration { return d }).Wait(ctx, 1)
}

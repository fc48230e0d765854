package dynamostore

import (
	"errors"
	"math"
	"sync"
	"time"
)

// Budget holds the passes of a copier, over however many tables, to so many capacity units per second in all: give Use to
// Options.OnUsage of each store, and Rate to the Throttle of each pass. It is safe for concurrent use.
//
// It counts what was consumed, so what is under way when the budget is used up still goes through: each worker's batch,
// which later seconds pay for. Smaller batches make it smoother. Live traffic is never held back; what it consumes
// through the same stores counts.
type Budget struct {
	mu          sync.Mutex
	read, write unitAccount
	// resting is until when nothing is spent, as DynamoDB has refused something.
	resting time.Time
	// written is when write units were last consumed, and used tells whether anything was.
	written time.Time
	used    bool
}

// unitAccount is of one kind of units.
type unitAccount struct {
	perSecond float64 // 0 is no limit
	left      float64 // negative if later seconds have to pay
	at        time.Time
}

// NewBudget makes a budget of read and of write units per second. Of these 0 is no limit; one of them is needed.
func NewBudget(read, write float64) (*Budget, error) {
	if !(read >= 0 && write >= 0) || read+write == 0 || math.IsInf(read+write, 0) {
		return nil, errors.New("dynamostore: a budget is of some read or write units per second, 0 is no limit")
	}
	now := time.Now()
	return &Budget{read: unitAccount{perSecond: read, at: now}, write: unitAccount{perSecond: write, at: now}}, nil
}

// restAfterThrottling is how long a pass pauses after DynamoDB has refused a request because of limits.
const restAfterThrottling = time.Second

// writesGoOn is how long after a write another one is to be expected.
const writesGoOn = 10 * time.Second

// Use takes what a call consumed off the budget. It is meant for Options.OnUsage.
func (b *Budget) Use(u Usage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.read.use(now, u.Read)
	b.write.use(now, u.Write)
	if b.used = true; u.Write > 0 {
		b.written = now
	}
	if u.Throttled > 0 {
		b.resting = now.Add(restAfterThrottling)
	}
}

// Rate is how many records per second may pass: none as long as the budget is used up, and for a second after DynamoDB has
// throttled a request. While there are writes, it is no more than the write units per second, as each takes one at least; so
// small records pass evenly. Else it is no limit. It is meant for the Throttle of a copier's PassOptions.
func (b *Budget) Rate() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.read.use(now, 0)
	b.write.use(now, 0)
	if b.read.left < 0 || b.write.left < 0 || now.Before(b.resting) {
		return 0
	}
	if b.write.perSecond > 0 && (!b.used || now.Sub(b.written) < writesGoOn) {
		return b.write.perSecond
	}
	return math.Inf(1)
}

// use lets the account grow for the time that has passed, never beyond nothing: what was not used is not saved up.
func (a *unitAccount) use(now time.Time, units float64) {
	if a.perSecond == 0 {
		return
	}
	a.left = min(0, a.left+a.perSecond*now.Sub(a.at).Seconds()) - units
	a.at = now
}

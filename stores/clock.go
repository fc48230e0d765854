package stores

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"
	"time"
)

// ErrClockAhead is returned by [Clock.Next] when a stored stamp is further ahead of the clock than [ClockOptions.MaxAhead].
// Either the clock of the machine that made the stamp was wrong, or this one is, or the metadata is damaged. Only writes of
// that record are affected.
var ErrClockAhead = errors.New("stores: the stored stamp is too far ahead of this machine's clock")

// followed is how far ahead of the wall clock a stored stamp moves the clock itself. Clocks of a fleet differ by less, and
// stamps of one clock then go up from write to write.
const followed = uint64(time.Minute/time.Millisecond) << counterBits

// counterBits are the bits of a stamp's clock below the milliseconds.
const counterBits = 16

// Clock makes stamps: a hybrid logical clock and the random id of one writer. It is safe for concurrent use and takes no
// lock.
type Clock struct {
	last    atomic.Uint64 // milliseconds << counterBits | counter of the last stamp made
	beyond  atomic.Uint64 // how many stamps were made above ones that are further ahead than followed
	writer  uint64
	now     func() time.Time
	maxAway uint64 // MaxAhead, as the clock of a stamp
}

// ClockOptions are what tests want to replace. The zero value is right for production.
type ClockOptions struct {
	// Now is the wall clock. Default time.Now.
	Now func() time.Time
	// Rand is where the 64-bit writer id is read from, once. Default crypto/rand. Two writers with one id can make the
	// same stamp twice: never give a constant outside of tests.
	Rand io.Reader
	// MaxAhead is how far a stored stamp may be ahead of Now for a record to be written above it. A greater one is the way to
	// write records that a machine with a wrong clock has left behind. Default 24 hours.
	MaxAhead time.Duration
}

// NewClock returns a clock with a fresh writer id. It fails if the randomness does, or MaxAhead is negative.
func NewClock(o *ClockOptions) (*Clock, error) {
	if o == nil {
		o = &ClockOptions{}
	}
	if o.MaxAhead < 0 {
		return nil, fmt.Errorf("stores: ClockOptions.MaxAhead is %v, want 0 or more", o.MaxAhead)
	}
	c := &Clock{now: o.Now, maxAway: uint64(cmp.Or(o.MaxAhead, 24*time.Hour)/time.Millisecond) << counterBits}
	if c.now == nil {
		c.now = time.Now
	}
	src := o.Rand
	if src == nil {
		src = rand.Reader
	}
	var id [8]byte
	if _, err := io.ReadFull(src, id[:]); err != nil {
		return nil, fmt.Errorf("stores: reading a writer id: %w", err)
	}
	c.writer = binary.BigEndian.Uint64(id[:])
	return c, nil
}

// Now is the wall clock the stamps are made from.
func (c *Clock) Now() time.Time { return c.now() }

// Writer is the id in the stamps of this clock, but for those above a stamp that is far ahead: each of these has an id of
// its own.
func (c *Clock) Writer() uint64 { return c.writer }

// Next returns a version whose stamp is greater than every stamp given. It is also greater than the last one that this
// clock made, unless a stamp given to either is more than a minute ahead of Now: such a stamp counts for its record alone,
// as the records beside it are not to inherit the mistake of one clock. Versions that are no stamps are passed over.
// The only error is [ErrClockAhead].
func (c *Clock) Next(after ...Version) (Version, error) {
	low := uint64(max(c.now().UnixMilli(), 0)) << counterBits
	if v := latest(after); v.clock >= low {
		if v.clock-low > min(followed, c.maxAway) {
			return c.above(v, low)
		}
		low = v.clock + 1
	}
	for {
		last := c.last.Load()
		next := max(low, last+1)
		if c.last.CompareAndSwap(last, next) {
			return Version{kind: kindStamped, clock: next, writer: c.writer}, nil
		}
	}
}

// latest is the greatest of the stamps.
func latest(versions []Version) (v Version) {
	for _, w := range versions {
		if w.kind == kindStamped && w.clock >= v.clock {
			v = w
		}
	}
	return v
}

// above makes a stamp above one that is far ahead, and leaves the clock as it is. The writer's id makes it unique: the clock
// may come to the same time later.
func (c *Clock) above(v Version, now uint64) (Version, error) {
	if v.clock-now > c.maxAway || v.clock == math.MaxUint64 {
		ahead := min((v.clock-now)>>counterBits, math.MaxInt64/uint64(time.Millisecond)) // a Duration ends after 292 years
		return Unknown, fmt.Errorf("%w, by %v: stamp %v of writer %016x; set the clocks right, or raise ClockOptions.MaxAhead to write such records",
			ErrClockAhead, time.Duration(ahead)*time.Millisecond, v, v.writer)
	}
	return Version{kind: kindStamped, clock: v.clock + 1, writer: c.writer + c.beyond.Add(1)}, nil
}

package stores

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// ErrClockExhausted is returned by [Clock.Next] when no stamp above the given one exists: the stored stamp is at the end
// of the 48-bit millisecond range (the year 10889) and can only come from damage.
var ErrClockExhausted = errors.New("stores: no stamp is left above the stored one; the record's metadata is damaged")

// Clock makes stamps: a hybrid logical clock and the random id of one writer. It is safe for concurrent use and takes no
// lock.
type Clock struct {
	last   atomic.Uint64 // milliseconds << 16 | counter of the last stamp made
	writer uint64
	now    func() time.Time
}

// ClockOptions are what tests want to replace. The zero value is right for production.
type ClockOptions struct {
	// Now is the wall clock. Default time.Now.
	Now func() time.Time
	// Rand is where the 64-bit writer id is read from, once. Default crypto/rand. Two writers with one id can make the
	// same stamp twice: never give a constant outside of tests.
	Rand io.Reader
}

// NewClock returns a clock with a fresh writer id. It fails only if the randomness does.
func NewClock(o *ClockOptions) (*Clock, error) {
	if o == nil {
		o = &ClockOptions{}
	}
	c := &Clock{now: o.Now}
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

// Writer is the id in every stamp of this clock.
func (c *Clock) Writer() uint64 { return c.writer }

// Next returns a version whose stamp is greater than every stamp given and than the last one this clock made. Versions
// that are no stamps are passed over. The only error is [ErrClockExhausted].
func (c *Clock) Next(after ...Version) (Version, error) {
	low := uint64(max(c.now().UnixMilli(), 0)) << 16
	for _, v := range after {
		if v.kind == kindStamped {
			if v.clock == ^uint64(0) {
				return Unknown, ErrClockExhausted
			}
			low = max(low, v.clock+1)
		}
	}
	for {
		last := c.last.Load()
		if last == ^uint64(0) {
			return Unknown, ErrClockExhausted
		}
		next := max(low, last+1)
		if c.last.CompareAndSwap(last, next) {
			return Version{kind: kindStamped, clock: next, writer: c.writer}, nil
		}
	}
}

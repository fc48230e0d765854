package dualwritetest

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
)

// Config says how to make what the kit tests. Open, Key and Value are needed.
type Config[K, V any] struct {
	// Open returns two empty stores and closes them with t.Cleanup. It is called for each subtest, some 850 times in a
	// full run and 400 times with -short, often concurrently; empty views of a database that stays open are the cheapest.
	// Explore calls it once.
	Open func(t *testing.T) (old, new stores.Store[K, V])
	// Key returns the i-th key. Keys of different i are different records: Run needs those from 0 to 31, Explore one for
	// each schedule.
	Key func(i int) K
	// Value returns the i-th value of the record under key, which it may hold. Values of different i from 0 to 255 are
	// different, and are so after both stores had them. The kit counts with them.
	Value func(key K, i int) V
	// Equal tells whether two values are the same record. Default nil: stores.DeepEqual.
	Equal func(a, b V) bool
	// Options are those of every repository that the kit makes, but for the Clock: each gets its own. Default nil: the
	// defaults, with timeouts of a minute, as the machine may be busy. Stores that can commit together are then written together; run the kit a second time with
	// SeparateWrites set if any instance of yours will have it. Explore does not use them.
	Options *dualwrite.Options
	// Serial keeps subtests from running concurrently. Default false.
	Serial bool
}

// How many keys and values the kit uses.
const (
	keyCount   = 32
	valueCount = 256
)

// validate reports all that is wrong with a configuration.
func (c *Config[K, V]) validate() error {
	var wrong []error
	if c.Open == nil {
		wrong = append(wrong, errors.New("dualwritetest: Config.Open is needed"))
	}
	if c.Key == nil {
		wrong = append(wrong, errors.New("dualwritetest: Config.Key is needed"))
	}
	if c.Value == nil {
		wrong = append(wrong, errors.New("dualwritetest: Config.Value is needed"))
	}
	if c.Key == nil || c.Value == nil {
		return errors.Join(wrong...)
	}
	for i := range valueCount {
		if j := c.index(c.Key(0), c.Value(c.Key(0), i)); j != i {
			wrong = append(wrong, fmt.Errorf("dualwritetest: Config.Value gives the same for %d and %d, or Equal does not hold for a value and itself", i, j))
			break
		}
	}
	return errors.Join(wrong...)
}

// options are those of one repository; each has a clock of its own.
func (c *Config[K, V]) options() *dualwrite.Options {
	var o dualwrite.Options
	if c.Options != nil {
		o = *c.Options
	}
	o.Clock = nil
	// What a repository does after the defaults depends on the machine, which may be slow or busy.
	if o.OperationTimeout == 0 {
		o.OperationTimeout = max(time.Minute, o.MirrorTimeout)
	}
	if o.MirrorTimeout == 0 {
		o.MirrorTimeout = min(time.Minute, o.OperationTimeout)
	}
	return &o
}

func (c *Config[K, V]) equal(a, b V) bool {
	if c.Equal == nil {
		return stores.DeepEqual(a, b)
	}
	return c.Equal(a, b)
}

// diff says what a value is instead of the one that is wanted; "" if they are equal.
func (c *Config[K, V]) diff(got, want V) string {
	if c.equal(got, want) {
		return ""
	}
	var all []string
	for _, d := range stores.Diff(got, want) {
		g, w := d.Shown()
		all = append(all, fmt.Sprintf("%s is %s, want %s", cmp.Or(d.Path, "it"), g, w))
	}
	if len(all) == 0 {
		return fmt.Sprintf("Config.Equal does not hold for %+v and %+v", got, want)
	}
	return strings.Join(all, "; ")
}

// index is the i for which v is Value(key, i); -1 if there is none.
func (c *Config[K, V]) index(key K, v V) int {
	for i := range valueCount {
		if c.equal(v, c.Value(key, i)) {
			return i
		}
	}
	return -1
}

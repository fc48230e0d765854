package storetest

import (
	"io"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// Config is what the kit has to know about a store. Open, Key and Value are required.
type Config[K, V any] struct {
	// Open returns an empty store. It is called some sixty times; the kit closes what it opened if it is an io.Closer.
	Open func(tb testing.TB) stores.Store[K, V]
	// Key returns a different key for each i >= 0.
	Key func(i int) K
	// Value returns, for each i >= 0, a value that is different from the others and that comes out of the store as it
	// went in. It makes a new one each time: no two results share memory.
	Value func(i int) V

	// Equal tells whether two values are the same. Default stores.DeepEqual.
	Equal func(a, b V) bool
	// Mutate changes everything that a value shares with its copies: the elements of its slices and maps, what its
	// pointers point to. Default nil, right for values without any: the topic aliasing is skipped.
	Mutate func(v *V)
	// Corrupt damages the record stored under key, so that it can not be decoded any more. Default nil: what a store
	// does with such a record is not tested.
	Corrupt func(tb testing.TB, s stores.Store[K, V], key K)
	// AddField stores, past s, one more field in the record under key, for which V has no room, and returns its name as
	// stores.ScanNoting is to give it. Default nil: what such a scan names is not tested.
	AddField func(tb testing.TB, s stores.Store[K, V], key K) (field string)
	// Reopen closes s and opens another store over the same data, as a restarted process would. Default nil: the topic
	// durability is skipped.
	Reopen func(tb testing.TB, s stores.Store[K, V]) stores.Store[K, V]
	// Again returns another store over the data of s, which stays open, as a second process would have. Default nil: all
	// writers go through one store.
	Again func(tb testing.TB, s stores.Store[K, V]) stores.Store[K, V]
	// OpenPair returns two empty stores that can commit together. Default nil: the topic pair is skipped.
	OpenPair func(tb testing.TB) (a, b stores.Store[K, V])

	// Writers is how many goroutines write to one key at once. Default 32.
	Writers int
	// Rounds is how many writes of each of them have to succeed. Default 50, or 20 under -short.
	Rounds int
	// Timeout is after how long a step is taken for a deadlock. Default 5 minutes.
	Timeout time.Duration
}

// Run runs every topic as a subtest of t.
func Run[K, V any](t *testing.T, cfg Config[K, V]) {
	cfg.setDefaults()
	if !cfg.check(t) {
		t.FailNow()
	}
	for _, topic := range []struct {
		name string
		run  func(*env[K, V])
	}{
		{"get", testGet[K, V]},
		{"validation", testValidation[K, V]},
		{"conditions", testConditions[K, V]},
		{"metadata", testMetadata[K, V]},
		{"tombstones", testTombstones[K, V]},
		{"scan", testScan[K, V]},
		{"segments", testSegments[K, V]},
		{"key order", testKeyOrder[K, V]},
		{"metadata only", testMetas[K, V]},
		{"noting scan", testNoting[K, V]},
		{"cancellation", testCancellation[K, V]},
		{"concurrency", testConcurrency[K, V]},
		{"unknown-outcome", testUnknownOutcome[K, V]},
		{"aliasing", testAliasing[K, V]},
		{"batches", testBatches[K, V]},
		{"large", testLarge[K, V]},
		{"purge", testPurge[K, V]},
		{"pair", testPair[K, V]},
		{"durability", testDurability[K, V]},
		{"close", testClose[K, V]},
		{"wrapper", testWrapper[K, V]},
	} {
		t.Run(topic.name, func(t *testing.T) { topic.run(&env[K, V]{T: t, cfg: &cfg}) })
	}
}

func (c *Config[K, V]) setDefaults() {
	if c.Equal == nil {
		c.Equal = stores.DeepEqual[V]
	}
	if c.Writers == 0 {
		c.Writers = 32
	}
	if c.Rounds == 0 {
		c.Rounds = 50
		if testing.Short() {
			c.Rounds = 20
		}
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Minute
	}
}

// check tells a mistake in the configuration from one in the store.
func (c *Config[K, V]) check(t *testing.T) bool {
	t.Helper()
	if c.Open == nil || c.Key == nil || c.Value == nil {
		t.Error("storetest: Open, Key and Value are required")
		return false
	}
	if c.Writers < 2 || c.Rounds < 1 || c.Timeout < 0 {
		t.Errorf("storetest: %d writers, %d rounds, timeout %v: want at least 2, 1 and 0", c.Writers, c.Rounds, c.Timeout)
	}
	if v := c.Value(1); !c.Equal(v, c.Value(1)) || c.Equal(v, c.Value(2)) {
		t.Error("storetest: Value(1) is to equal Value(1) and not Value(2)")
	}
	if c.Mutate != nil {
		a, b := c.Value(1), c.Value(1)
		copied := a
		if c.Mutate(&copied); c.Equal(a, b) {
			t.Error("storetest: Mutate of a copy leaves the original as it was, or two results of Value share memory")
		}
	}
	return !t.Failed()
}

// fresh runs a subtest on an empty store.
func (e *env[K, V]) fresh(name string, run func(*env[K, V])) {
	e.Run(name, func(t *testing.T) {
		sub := &env[K, V]{T: t, cfg: e.cfg}
		sub.use(e.cfg.Open(t))
		run(sub)
	})
}

// use makes s the store of e, to be closed at the end.
func (e *env[K, V]) use(s stores.Store[K, V]) {
	e.Helper()
	e.s, e.clock, e.keys = s, e.newClock(), new(int)
	e.closeLater(s)
}

func (e *env[K, V]) closeLater(s stores.Store[K, V]) {
	if c, ok := s.(io.Closer); ok {
		e.Cleanup(func() {
			if err := c.Close(); err != nil {
				e.Errorf("closing the store: %v", err)
			}
		})
	}
}

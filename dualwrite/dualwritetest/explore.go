package dualwritetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/dualwrite/dualwrite/internal/interleave"
	"github.com/dualwrite/dualwrite/stores"
)

// ExploreOptions are for [Explore]; nil stands for the defaults.
type ExploreOptions struct {
	// Schedules is about how many orders of store calls are tried; each takes some twenty calls. Default 0: 40,000, or
	// 5,000 with -short and under the race detector.
	Schedules int
	// Seed chooses the scenarios and what is drawn at random. Default 0, a seed like any other: the same ones each time.
	Seed uint64
	// Replay is one schedule to run again, as a failure prints it, and nothing else. Default "": what the environment
	// variable DUALWRITETEST_REPLAY has; nothing if that is empty too.
	Replay string
}

// replayVariable is for replays without a change of the test.
const replayVariable = "DUALWRITETEST_REPLAY"

func (o *ExploreOptions) withDefaults() (ExploreOptions, error) {
	var opts ExploreOptions
	if o != nil {
		opts = *o
	}
	if opts.Schedules < 0 {
		return opts, fmt.Errorf("dualwritetest: ExploreOptions.Schedules is %d, want 0 or more", opts.Schedules)
	}
	if opts.Schedules == 0 {
		opts.Schedules = 40_000
		if testing.Short() || raceEnabled {
			opts.Schedules = 5_000
		}
	}
	opts.Replay = cmp.Or(opts.Replay, os.Getenv(replayVariable))
	return opts, nil
}

// Explore runs real repositories, and the real copy, repair and verify, over the two stores of a configuration in many
// orders of their store calls, with crashes, lost answers, rejected writes and callers that give up, and judges each order:
// the history of the record is linearizable, the places become equal, and each answer of a store is the one that the
// contract asks for. The first violation ends it; t fails with the schedule, step by step, and with how to run it again.
//
// Open is called once, and Key for each schedule: with every i up to some 100,000, each a record of its own, which stays
// behind in the stores. Options is not used: the scenarios have their own.
//
// A schedule makes one store call at a time, and only Get, Put and PutPair; time stands still in it, but not for the stores,
// whose calls are made outside of it. So a store that looks at a condition and then writes, in two steps, is not found
// here, nor is what only scans, batches, large values or conditions that the protocol never uses show: run storetest for
// each store first, and [Run]. Schedules of different records run at the same time, 32 or more, unless Serial is set.
//
// With stores in memory the default takes about five seconds on two processors. It makes some 600,000 store calls: half
// a minute over a database that takes a millisecond for each and lets 32 callers wait at the same time. A scenario that has
// more orders than its share of the schedules is bounded, and half of the share is drawn at random; the log says how many
// are bounded, and with which seed.
func Explore[K, V any](t *testing.T, c Config[K, V], o *ExploreOptions) {
	t.Helper()
	opts, err := o.withDefaults()
	if err := errors.Join(c.validate(), err); err != nil {
		t.Fatal(err)
	}
	e := &exploration[K, V]{T: t, c: &c, opts: opts}
	e.old, e.new = c.Open(t)
	if err := e.prepare(); err != nil {
		t.Fatal(err)
	}
	if opts.Replay != "" {
		e.replay()
		return
	}
	e.all(interleave.ForStores(opts.Seed, opts.Schedules, e.paired))
}

// prepare checks that the stores can be the two places of a repository, and whether they can commit together.
func (e *exploration[K, V]) prepare() error {
	if stores.SamePlace(e.old, e.new) {
		return errors.New("dualwritetest: Config.Open returns the same store twice")
	}
	clock, err := stores.NewClock(nil)
	if err != nil {
		return err
	}
	version, err := clock.Next()
	if err != nil {
		return err
	}
	n := e.keys.Add(1) - 1
	key := e.c.Key(int(n))
	inOld, err1 := e.old.Keys().Append(nil, key)
	inNew, err2 := e.new.Keys().Append(nil, key)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("dualwritetest: Config.Key(%d) is no key: %w", n, err)
	}
	if !bytes.Equal(inOld, inNew) {
		return fmt.Errorf("dualwritetest: key %d is %s in old and %s in new", n, stores.FormatKey(inOld), stores.FormatKey(inNew))
	}
	w := stores.Write[K, V]{Key: key, Record: stores.Record[V]{Meta: stores.Meta{Version: version}, Value: e.c.Value(key, 0)}, If: stores.IfStamp(stores.Absent)}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	err = stores.PutPair(ctx, e.old, w, e.new, w)
	if e.paired = err == nil; e.paired || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return fmt.Errorf("dualwritetest: a first write of both places: %w", err)
}

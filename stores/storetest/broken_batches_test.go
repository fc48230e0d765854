package storetest_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

// Stores whose batches, pages, contexts or second handles are wrong, and everything else right.

// batchesWith is a memstore with other batch writes: one by one, each as put does it.
type batchesWith struct {
	*mem
	put func(ctx context.Context, s *mem, w write) error
}

func (s batchesWith) PutMany(ctx context.Context, ws []write) ([]error, error) {
	return putsWith(s).PutMany(ctx, ws)
}

func brokenBatches(put func(ctx context.Context, s *mem, w write) error) func(*mem) store {
	return func(s *mem) store { return batchesWith{s, put} }
}

// withoutStampedPrev reports what is stored without a prev that is a stamp.
func withoutStampedPrev(ctx context.Context, s *mem, w write) error {
	err := s.Put(ctx, w)
	var refused *stores.ConditionError
	if errors.As(err, &refused) {
		m := refused.Stored
		if _, stamped := m.Prev.Stamp(); stamped {
			m.Prev = stores.Unknown
		}
		return &stores.ConditionError{Stored: m}
	}
	return err
}

// overwritesUnstamped imports over what is there.
func overwritesUnstamped(ctx context.Context, s *mem, w write) error {
	if current, err := s.Get(ctx, w.Key); err == nil && w.If == stores.IfOlder(stores.Unstamped) && current.Version.IsUnstamped() {
		return nil
	}
	return s.Put(ctx, w)
}

// dropsMetadata stores the version alone.
func dropsMetadata(ctx context.Context, s *mem, w write) error {
	w.Record.Prev, w.Record.Intent = stores.Unknown, false
	return s.Put(ctx, w)
}

// ignoresAtMost takes any IfAtMost for true.
func ignoresAtMost(ctx context.Context, s *mem, w write) error {
	if w.Validate() == nil && w.If.Kind == stores.KindIfAtMost {
		return force(ctx, s, w)
	}
	return s.Put(ctx, w)
}

// firstThousand leaves out what comes after the first thousand, and says that it was done.
type firstThousand struct{ *mem }

func (s firstThousand) PutMany(ctx context.Context, ws []write) ([]error, error) {
	errs, err := s.mem.PutMany(ctx, ws[:min(len(ws), 1000)])
	return append(errs, make([]error, len(ws)-len(errs))...), err
}

// readsThousand finds nothing beyond the first thousand keys of a batch.
type readsThousand struct{ *mem }

func (s readsThousand) GetMany(ctx context.Context, keys []string) ([]stores.Result[doc], error) {
	res, err := s.mem.GetMany(ctx, keys)
	for i := 1000; i < len(res); i++ {
		res[i] = stores.Result[doc]{Err: stores.ErrNotFound}
	}
	return res, err
}

// sevenSegments loses the last of more than eight segments.
type sevenSegments struct{ *mem }

func (s sevenSegments) Segments(ctx context.Context, n int) ([]stores.Segment, error) {
	segs, err := s.mem.Segments(ctx, n)
	if len(segs) > 8 {
		segs = segs[:len(segs)-1]
	}
	return segs, err
}

// firstPages ends a scan after a thousand records, as if there were no more.
func firstPages(ctx context.Context, s *mem, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	n := 0
	return filtered(s.Scan(ctx, seg, after), func(_ *entry, err *error) bool {
		n++
		return n <= 1000 || *err != nil
	})
}

// snapshotByStamp leaves out what was written after the scan began.
func snapshotByStamp(ctx context.Context, s *mem, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	began := map[string]stores.Version{}
	for e := range s.Scan(ctx, seg, after) { //nolint:errcheck // the scan below has the same error
		began[e.Key] = e.Record.Version
	}
	return filtered(s.Scan(ctx, seg, after), func(e *entry, err *error) bool {
		return *err != nil || began[e.Key].Same(e.Record.Version)
	})
}

// pagesByOffset goes on at the number of records that it has yielded, and so passes over one for each that was removed behind it.
func pagesByOffset(ctx context.Context, s *mem, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for offset := 0; ; {
			n := 0
			for e, err := range s.Scan(ctx, seg, after) {
				if n++; n <= offset && err == nil {
					continue
				}
				if !yield(e, err) || err != nil {
					return
				}
				if offset = n; offset%50 == 0 {
					break
				}
			}
			if n < offset || n%50 != 0 || n == 0 {
				return
			}
			if offset == n && !moreThan(ctx, s, seg, after, offset) {
				return
			}
		}
	}
}

func moreThan(ctx context.Context, s *mem, seg stores.Segment, after []byte, n int) bool {
	have := 0
	for range s.Scan(ctx, seg, after) { //nolint:errcheck // the next page has the same error
		have++
	}
	return have > n
}

// saysFailed answers a context that ends during a write with "certainly no effect".
func saysFailed(ctx context.Context, s *mem, w write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.Put(context.WithoutCancel(ctx), w)
	if ctx.Err() != nil && err == nil {
		return stores.Transient(ctx.Err())
	}
	return err
}

// lockOfBatches checks and writes in two steps, under a lock that single writes do not take.
func lockOfBatches() func(*mem) store {
	var mu sync.Mutex
	return brokenBatches(func(ctx context.Context, s *mem, w write) error {
		mu.Lock()
		defer mu.Unlock()
		return checkThenPut(ctx, s, w)
	})
}

// saysFailedOfSome answers every seventh batch with "certainly no effect", although it was carried out.
type saysFailedOfSome struct {
	*mem
	mu *sync.Mutex
	n  *int
}

func (s saysFailedOfSome) PutMany(ctx context.Context, ws []write) ([]error, error) {
	errs, err := s.mem.PutMany(ctx, ws)
	s.mu.Lock()
	defer s.mu.Unlock()
	if *s.n++; *s.n%7 == 0 && err == nil {
		for i := range errs {
			if errs[i] == nil {
				errs[i] = stores.Transient(errors.New("commit failed"))
			}
		}
	}
	return errs, err
}

// lockOfHandle checks and writes in two steps, under a lock of its own: a second store over the same data has another.
type lockOfHandle struct {
	putsWith
}

func newLockOfHandle(s *mem) store {
	var mu sync.Mutex
	return lockOfHandle{putsWith{s, func(ctx context.Context, s *mem, w write) error {
		mu.Lock()
		defer mu.Unlock()
		return checkThenPut(ctx, s, w)
	}}}
}

func withAgain(c *storetest.Config[string, doc]) {
	c.Again = func(_ testing.TB, s store) store { return newLockOfHandle(s.(lockOfHandle).mem) }
}

// oneAfterTheOther writes the halves of a pair in two steps, which readers see.
type oneAfterTheOther struct{ *mem }

// twoSteps is what all of these stores share.
var twoSteps struct {
	sync.Mutex
	reads atomic.Int64
}

func (s oneAfterTheOther) Get(ctx context.Context, key string) (record, error) {
	twoSteps.reads.Add(1)
	return s.mem.Get(ctx, key)
}

func (s oneAfterTheOther) PutPair(ctx context.Context, mine write, other store, theirs write) error {
	o, ok := other.(oneAfterTheOther)
	if !ok || o.mem == s.mem {
		return errors.ErrUnsupported
	}
	twoSteps.Lock()
	defer twoSteps.Unlock()
	var failed stores.PairError
	failed.First, failed.Second = tryPut(ctx, s.mem, mine), tryPut(ctx, o.mem, theirs)
	if failed.First != nil || failed.Second != nil {
		return &failed
	}
	err := s.Put(ctx, mine)
	seen := twoSteps.reads.Load() + 100
	for i := 0; i < 100_000 && twoSteps.reads.Load() < seen; i++ { // readers come by
		runtime.Gosched()
	}
	return errors.Join(err, o.Put(ctx, theirs))
}

// tryPut is what a put would answer.
func tryPut(ctx context.Context, s *mem, w write) error {
	if err := errors.Join(ctx.Err(), w.Validate()); err != nil {
		return err
	}
	current, err := stores.OrAbsent(s.Get(ctx, w.Key))
	if err == nil && !w.If.Holds(current.Version) {
		err = &stores.ConditionError{Stored: current.Meta}
	}
	return err
}

// brokenStores are all of them, by name.
var brokenStores = func() map[string]brokenStore {
	all := maps.Clone(brokenAlone)
	for name, put := range map[string]func(ctx context.Context, s *mem, w write) error{
		"accepts equal": acceptsEqual, "ignores dead": ignoresDead, "guesses refusals": guessesRefusal, "refusals without prev": withoutStampedPrev,
		"drops metadata": dropsMetadata, "ignores at most": ignoresAtMost, "overwrites unstamped": overwritesUnstamped, "drops tombstones": dropsTombstones,
	} {
		all["batches: "+name] = brokenStore{open: brokenBatches(put), fails: []string{"large/every_condition_in_one_batch"}, may: []string{"batches", "aliasing"}}
	}
	maps.Copy(all, map[string]brokenStore{
		"batches: first thousand": {open: func(s *mem) store { return firstThousand{s} }, fails: []string{"large/records"}},
		"batches: a lock of their own": {open: func(s *mem) store { return lockOfBatches()(s) }, fails: []string{"concurrency/compare_and_set_adds_up"},
			may: []string{"concurrency"}},
		"batches: failed after all": {open: func(s *mem) store { return saysFailedOfSome{s, new(sync.Mutex), new(int)} },
			fails: []string{"concurrency/compare_and_set_adds_up"}, may: []string{""}},
		"reads a thousand":  {open: func(s *mem) store { return readsThousand{s} }, fails: []string{"large/records"}},
		"seven segments":    {open: func(s *mem) store { return sevenSegments{s} }, fails: []string{"large/records"}},
		"first pages":       {open: brokenScan(firstPages), fails: []string{"large/records"}, may: []string{"scan", "metadata_only", "noting_scan"}},
		"snapshot by stamp": {open: brokenScan(snapshotByStamp), fails: []string{"scan/body_writes_ahead"}},
		"pages by offset":   {open: brokenScan(pagesByOffset), fails: []string{"scan/body_purges"}, may: []string{"scan/body_writes_to_the_store"}},
		"fails after all":   {open: broken(saysFailed), fails: []string{"cancellation/during_a_write"}},
		"lock of a handle": {open: newLockOfHandle, config: withAgain, fails: []string{"concurrency/compare_and_set_adds_up"},
			may: []string{"concurrency", "metadata/noted"}},
		"pairs in two steps": {open: func(s *mem) store { return oneAfterTheOther{s} }, config: withPair, fails: []string{"pair/concurrency"}, may: []string{"pair"}},
	})
	return all
}()

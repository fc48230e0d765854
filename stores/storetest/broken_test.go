package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

// Each store of this file has one thing wrong. It embeds a memstore that is right and overrides no more than it takes,
// so that a failing subtest points at that one thing.

type (
	store  = stores.Store[string, doc]
	mem    = memstore.Store[string, doc]
	write  = stores.Write[string, doc]
	record = stores.Record[doc]
	entry  = stores.Entry[string, doc]
)

// putsWith is a memstore with another Put, single and in batches.
type putsWith struct {
	*mem
	put func(ctx context.Context, s *mem, w write) error
}

func (s putsWith) Put(ctx context.Context, w write) error { return s.put(ctx, s.mem, w) }

func (s putsWith) PutMany(ctx context.Context, ws []write) ([]error, error) {
	if err := errors.Join(ctx.Err(), closedError(s.mem)); err != nil {
		return nil, err
	}
	errs := make([]error, len(ws))
	for i, w := range ws {
		errs[i] = s.put(ctx, s.mem, w)
	}
	return errs, nil
}

func closedError(s *mem) error {
	_, err := s.ApproxCount(context.Background())
	return err
}

func broken(put func(ctx context.Context, s *mem, w write) error) func(*mem) store {
	return func(s *mem) store { return putsWith{s, put} }
}

// force stores a write whatever is there.
func force(ctx context.Context, s *mem, w write) error {
	err := w.Validate()
	for err == nil {
		current, err := stores.OrAbsent(s.Get(ctx, w.Key))
		if err != nil {
			return err
		}
		if w.Record.Version.IsUnstamped() {
			return s.Put(ctx, w)
		}
		w.If = stores.IfStamp(current.Version)
		var refused *stores.ConditionError
		if err = s.Put(ctx, w); !errors.As(err, &refused) {
			return err
		}
	}
	return err
}

// checkThenPut evaluates the condition and stores in two steps.
func checkThenPut(ctx context.Context, s *mem, w write) error {
	current, err := stores.OrAbsent(s.Get(ctx, w.Key))
	if err != nil {
		return err
	}
	if w.Validate() == nil && !w.If.Holds(current.Version) {
		return &stores.ConditionError{Stored: current.Meta}
	}
	runtime.Gosched()
	return force(ctx, s, w)
}

// unstampedIsNewest takes a record from before the SDK for newer than any stamp.
func unstampedIsNewest(ctx context.Context, s *mem, w write) error {
	current, err := s.Get(ctx, w.Key)
	if _, stamped := w.If.Version.Stamp(); err == nil && stamped && w.If.Kind != stores.KindIfStamp && current.Version.IsUnstamped() {
		return &stores.ConditionError{Stored: current.Meta}
	}
	return s.Put(ctx, w)
}

// acceptsEqual takes "older" for "older or equal".
func acceptsEqual(ctx context.Context, s *mem, w write) error {
	if _, stamped := w.If.Version.Stamp(); stamped && w.If.Kind == stores.KindIfOlder {
		w.If = stores.IfAtMost(w.If.Version, stores.Unknown)
	}
	return s.Put(ctx, w)
}

// ignoresDead does not look at the second half of IfAtMost.
func ignoresDead(ctx context.Context, s *mem, w write) error {
	w.If.OrDead = stores.Unknown
	return s.Put(ctx, w)
}

// dropsTombstones deletes for real.
func dropsTombstones(ctx context.Context, s *mem, w write) error {
	err := s.Put(ctx, w)
	if err == nil && w.Record.Deleted {
		_, err = s.Purge(ctx, []stores.PurgeTarget[string]{{Key: w.Key, Version: w.Record.Version}})
	}
	return err
}

// forgetsAbsentPrev can not tell an unknown prev from an absent one.
func forgetsAbsentPrev(ctx context.Context, s *mem, w write) error {
	if w.Record.Prev.IsAbsent() {
		w.Record.Prev = stores.Unknown
	}
	return s.Put(ctx, w)
}

func forgetsIntent(ctx context.Context, s *mem, w write) error {
	w.Record.Intent = false
	return s.Put(ctx, w)
}

// guessesRefusal reports what a careless store would assume to be there.
func guessesRefusal(ctx context.Context, s *mem, w write) error {
	err := s.Put(ctx, w)
	var refused *stores.ConditionError
	if errors.As(err, &refused) {
		return &stores.ConditionError{Stored: stores.Meta{Version: refused.Stored.Version}}
	}
	return err
}

// lastWriteIsStale reports the version before the stored one.
type staleRefusals struct {
	putsWith
	mu     sync.Mutex
	before map[string]stores.Meta
}

func newStaleRefusals(s *mem) store {
	st := &staleRefusals{before: map[string]stores.Meta{}}
	st.putsWith = putsWith{s, func(ctx context.Context, s *mem, w write) error {
		st.mu.Lock()
		defer st.mu.Unlock()
		current, _ := stores.OrAbsent(s.Get(ctx, w.Key))
		err := s.Put(ctx, w)
		var refused *stores.ConditionError
		if errors.As(err, &refused) {
			if m, ok := st.before[w.Key]; ok {
				return &stores.ConditionError{Stored: m}
			}
		}
		if err == nil {
			st.before[w.Key] = current.Meta
		}
		return err
	}}
	return st
}

func swallowsInvalid(ctx context.Context, s *mem, w write) error {
	if err := s.Put(ctx, w); !errors.Is(err, stores.ErrPermanent) {
		return err
	}
	return nil
}

func ignoresContext(ctx context.Context, s *mem, w write) error {
	return s.Put(context.WithoutCancel(ctx), w)
}

// ifPresentUnknown answers a read of a missing record with an empty one.
type missingIsEmpty struct{ *mem }

func (s missingIsEmpty) Get(ctx context.Context, key string) (record, error) {
	return stores.OrAbsent(s.mem.Get(ctx, key))
}

// scansWith is a memstore with another Scan.
type scansWith struct {
	*mem
	scan func(ctx context.Context, s *mem, seg stores.Segment, after []byte) iter.Seq2[entry, error]
}

func (s scansWith) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	return s.scan(ctx, s.mem, seg, after)
}

func brokenScan(scan func(ctx context.Context, s *mem, seg stores.Segment, after []byte) iter.Seq2[entry, error]) func(*mem) store {
	return func(s *mem) store { return scansWith{s, scan} }
}

// filtered changes or drops (false) what a scan yields.
func filtered(in iter.Seq2[entry, error], change func(*entry, *error) bool) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for e, err := range in {
			if change(&e, &err) && !yield(e, err) {
				return
			}
		}
	}
}

func resumesAtTheKey(ctx context.Context, s *mem, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	if len(after) == 0 {
		return s.Scan(ctx, seg, nil)
	}
	r, err := s.Get(ctx, string(after))
	return func(yield func(entry, error) bool) {
		if err == nil && !yield(entry{Key: string(after), Record: r}, nil) {
			return
		}
		s.Scan(ctx, seg, after)(yield)
	}
}

func hidesTombstones(ctx context.Context, s *mem, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	return filtered(s.Scan(ctx, seg, after), func(e *entry, err *error) bool { return *err != nil || !e.Record.Deleted })
}

func dropsUndecodable(ctx context.Context, s *mem, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	return filtered(s.Scan(ctx, seg, after), func(_ *entry, err *error) bool {
		var bad *stores.RecordError
		return !errors.As(*err, &bad)
	})
}

// endsQuietly takes a cancelled context, and a store closed meanwhile, for the end of the records.
func endsQuietly(ctx context.Context, s *mem, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	n := 0
	return filtered(s.Scan(ctx, seg, after), func(_ *entry, err *error) bool {
		n++
		return n == 1 || !errors.Is(*err, context.Canceled) && !errors.Is(*err, stores.ErrClosed)
	})
}

func onePageOnly(ctx context.Context, s *mem, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	n := 0
	return filtered(s.Scan(ctx, seg, after), func(_ *entry, err *error) bool {
		n++
		return n <= 500 || *err != nil
	})
}

// lockedScans holds a lock while the loop body runs.
type lockedScans struct {
	*mem
	mu *sync.Mutex
}

func (s lockedScans) Put(ctx context.Context, w write) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mem.Put(ctx, w)
}

func (s lockedScans) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.mem.Scan(ctx, seg, after)(yield)
	}
}

// closedSegments end at the last key that there was.
type closedSegments struct{ *mem }

func (s closedSegments) Segments(ctx context.Context, n int) ([]stores.Segment, error) {
	segs, err := s.mem.Segments(ctx, n)
	last := ""
	for e := range s.Scan(ctx, "", nil) { //nolint:errcheck // the calls before and after see the same error
		last = e.Key
	}
	if err == nil && last != "" {
		const digits = "0123456789abcdef"
		for _, c := range []byte(last + "\x00") {
			segs[len(segs)-1] += stores.Segment(digits[c>>4 : c>>4+1])
			segs[len(segs)-1] += stores.Segment(digits[c&15 : c&15+1])
		}
	}
	return segs, err
}

// closedRanges hold their last key.
type closedRanges struct{ *mem }

func (s closedRanges) Range(from, to []byte) (stores.Segment, error) {
	if to != nil {
		to = append(bytes.Clone(to), 0)
	}
	return s.mem.Range(from, to)
}

// shuffled yields ranges in an order of their own.
type shuffled struct{ *mem }

func (s shuffled) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	if seg == "" || seg == "-" || after != nil {
		return s.mem.Scan(ctx, seg, after)
	}
	return func(yield func(entry, error) bool) {
		var all []entry
		for e, err := range s.mem.Scan(ctx, seg, nil) {
			if err != nil {
				yield(e, err)
				return
			}
			all = append(all, e)
		}
		for _, e := range slices.Backward(all) {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// hopefulBatches report what was refused as stored.
type hopefulBatches struct{ *mem }

func (s hopefulBatches) PutMany(ctx context.Context, ws []write) ([]error, error) {
	errs, err := s.mem.PutMany(ctx, ws)
	for i, err := range errs {
		var refused *stores.ConditionError
		if errors.As(err, &refused) {
			errs[i] = nil
		}
	}
	return errs, err
}

// unorderedReads answer in an order of their own.
type unorderedReads struct{ *mem }

func (s unorderedReads) GetMany(ctx context.Context, keys []string) ([]stores.Result[doc], error) {
	res, err := s.mem.GetMany(ctx, keys)
	if len(res) > 2 {
		res[0], res[1] = res[1], res[0]
	}
	return res, err
}

// looseMetas reads metadata alone, and forgets the intents in it.
type looseMetas struct{ *mem }

func (s looseMetas) ScanMeta(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for e, err := range s.Scan(ctx, seg, after) {
			e.Record = record{Meta: e.Record.Meta}
			if e.Record.Intent = false; !yield(e, err) {
				return
			}
		}
	}
}

func (s looseMetas) GetMetas(ctx context.Context, keys []string) ([]stores.Result[doc], error) {
	return s.GetMany(ctx, keys) // with the values
}

// wrongExtras have optional capabilities that are worse than none.
type wrongExtras struct{ *mem }

func (wrongExtras) Check(write) error                  { return stores.Permanent(errors.New("too large")) }
func (wrongExtras) RoundTrip(string, doc) (doc, error) { return newDoc(7), nil }

func (s wrongExtras) ApproxCount(ctx context.Context) (int64, error) {
	_, err := s.mem.ApproxCount(ctx)
	return -1, err
}

// blindPurge removes whatever is there by now.
type blindPurge struct{ *mem }

func (s blindPurge) Purge(ctx context.Context, targets []stores.PurgeTarget[string]) ([]error, error) {
	now := make([]stores.PurgeTarget[string], len(targets))
	for i, t := range targets {
		now[i] = t
		if r, err := s.Get(ctx, t.Key); err == nil {
			now[i].Version = r.Version
		}
	}
	return s.mem.Purge(ctx, now)
}

// tornPairs write one after the other.
type tornPairs struct{ *mem }

func (s tornPairs) PutPair(ctx context.Context, mine write, other store, theirs write) error {
	if _, ok := other.(stores.PairWriter[string, doc]); !ok {
		return errors.ErrUnsupported
	}
	if err := errors.Join(ctx.Err(), closedError(s.mem)); err != nil {
		return err
	}
	first := s.Put(ctx, mine)
	second := other.Put(ctx, theirs)
	if first != nil || second != nil {
		return &stores.PairError{First: first, Second: second}
	}
	return nil
}

// reopens answers after it was closed.
type reopens struct{ *mem }

func (reopens) Close() error { return nil }

// closesOnce fails when it is closed again.
type closesOnce struct {
	*mem
	closed *atomic.Bool
}

func (s closesOnce) Close() error {
	if s.closed.Swap(true) {
		return errors.New("closed already")
	}
	return s.mem.Close()
}

func sharesValues(d doc) doc { return d }

func emptied(tb testing.TB, _ store) store { return openMem(tb, nil) }

func config(open func(tb testing.TB) store) storetest.Config[string, doc] {
	return storetest.Config[string, doc]{Open: open, Key: key, Value: newDoc, Mutate: mutate}
}

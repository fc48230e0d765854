package boltstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/stores"
)

var cmpVersions = cmp.Comparer(func(a, b stores.Version) bool { return a == b })

// storedRecords are the kinds of record that a condition can meet.
func storedRecords() []record {
	tombstone := record{Meta: stores.Meta{Version: stamp(5), Prev: stamp(4), Deleted: true}}
	intent := live(stamp(5), stores.Absent, 3)
	intent.Intent = true
	return []record{
		{Meta: stores.Meta{Version: stores.Absent}},
		live(stores.Unstamped, stores.Unknown, 1),
		live(stamp(3), stores.Unknown, 2),
		live(stamp(5), stores.Unstamped, 3),
		live(stamp(7), stores.Absent, 4),
		tombstone,
		intent,
	}
}

func TestConditionsAgreeWithTheirDefinition(t *testing.T) {
	t.Parallel()
	s := notes(t, open(t), "v")
	conds := []stores.Condition{
		stores.IfStamp(stores.Absent), stores.IfStamp(stores.Unstamped), stores.IfStamp(stamp(5)),
		stores.IfOlder(stamp(5)), stores.IfOlder(stamp(9)),
		stores.IfAtMost(stores.Absent, stores.Unknown), stores.IfAtMost(stamp(4), stores.Unknown), stores.IfAtMost(stamp(4), stamp(5)),
		stores.IfAtMost(stamp(5), stamp(7)),
	}
	for i, before := range storedRecords() {
		for j, c := range conds {
			key := fmt.Sprintf("%d-%d", i, j)
			plant(t, s, key, before)
			after := live(stamp(9), stamp(8), 99)
			err := s.Put(t.Context(), write{Key: key, Record: after, If: c})
			want := before
			if c.Holds(before.Version) {
				want = after
			}
			if outcome, meta := stores.OutcomeOf(err); (err == nil) != c.Holds(before.Version) ||
				err != nil && (outcome != stores.OutcomeRefused || meta != before.Meta) {
				t.Errorf("stored %v, %v: %v (stored %+v)", before.Meta, c, err, meta)
			}
			got, err := stores.OrAbsent(s.Get(t.Context(), key))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got, cmpVersions); d != "" {
				t.Errorf("stored %v, %v: (-want +got)\n%s", before.Meta, c, d)
			}
		}
	}
}

// plant stores a record whatever is there.
func plant(t *testing.T, s *view, key string, r record) {
	t.Helper()
	switch {
	case r.Version.IsAbsent():
	case r.Version.IsUnstamped():
		mustPut(t, s, write{Key: key, Record: r, If: stores.IfOlder(stores.Unstamped)})
	default:
		mustPut(t, s, write{Key: key, Record: r, If: stores.IfOlder(r.Version)})
	}
}

func TestRecordsSurviveReopening(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/f"
	want := storedRecords()[1:]
	db, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := notes(t, db, "v")
	for i, r := range want {
		plant(t, s, fmt.Sprint(i), r)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = Open(path, nil); err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // read only
	s = notes(t, db, "v")
	for i, r := range want {
		got, err := s.Get(t.Context(), fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, got, cmpVersions); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	}
}

func TestWhatCanNeverBeStored(t *testing.T) {
	t.Parallel()
	db := open(t)
	s := notes(t, db, "v")
	floats, err := View[string, float64](db, "floats", stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	ok := func(key string) write {
		return write{Key: key, Record: live(stamp(1), stores.Unknown, 1), If: stores.IfOlder(stamp(1))}
	}
	for name, w := range map[string]write{
		"empty key":    ok(""),
		"long key":     ok(strings.Repeat("k", bbolt.MaxKeySize+1)),
		"no condition": {Key: "k", Record: live(stamp(1), stores.Unknown, 1)},
	} {
		if err := s.Put(t.Context(), w); !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("%s: Put: %v", name, err)
		}
		if err := s.Check(w); !errors.Is(err, stores.ErrPermanent) {
			t.Errorf("%s: Check: %v", name, err)
		}
	}
	nan := stores.Write[string, float64]{Key: "k", If: stores.IfOlder(stamp(1)), Record: stores.Record[float64]{
		Meta: stores.Meta{Version: stamp(1)}, Value: nan()}}
	if err := floats.Put(t.Context(), nan); !errors.Is(err, stores.ErrPermanent) || !strings.Contains(err.Error(), `"k"`) {
		t.Errorf("NaN: %v", err)
	}
	if _, err := floats.RoundTrip(nan.Key, nan.Record.Value); !errors.Is(err, stores.ErrPermanent) {
		t.Errorf("NaN: RoundTrip: %v", err)
	}
	long := ok(strings.Repeat("k", bbolt.MaxKeySize))
	if err := errors.Join(s.Check(long), s.Put(t.Context(), long)); err != nil {
		t.Errorf("the longest key: %v", err)
	}
	if err := checkSize(bbolt.MaxValueSize); err != nil {
		t.Error(err)
	}
	if err := checkSize(bbolt.MaxValueSize + 1); !errors.Is(err, stores.ErrPermanent) {
		t.Errorf("a record that is one byte too large: %v", err)
	}
}

func nan() float64 { zero := 0.0; return zero / zero }

func TestDoneContext(t *testing.T) {
	t.Parallel()
	s := notes(t, open(t), "v")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := write{Key: "k", Record: live(stamp(1), stores.Unknown, 1), If: stores.IfOlder(stamp(1))}
	for name, err := range everyCall(ctx, s, w) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Get(t.Context(), "k"); !errors.Is(err, stores.ErrNotFound) {
		t.Errorf("a cancelled write had an effect: %v", err)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	db := open(t)
	s := notes(t, db, "v")
	for range 2 {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	w := write{Key: "k", Record: live(stamp(1), stores.Unknown, 1), If: stores.IfOlder(stamp(1))}
	calls := everyCall(t.Context(), s, w)
	_, calls["View"] = View[string, note](db, "w", stores.StringKeys[string](), nil)
	_, calls["Views"] = db.Views()
	for name, err := range calls {
		if !errors.Is(err, stores.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// everyCall makes each call that does I/O once and returns the errors.
func everyCall(ctx context.Context, s *view, w write) map[string]error {
	errs := map[string]error{"Put": s.Put(ctx, w), "PutPair": s.PutPair(ctx, w, s, write{Key: "other", Record: w.Record, If: w.If})}
	_, errs["Get"] = s.Get(ctx, w.Key)
	_, errs["GetMany"] = s.GetMany(ctx, []string{w.Key})
	_, errs["PutMany"] = s.PutMany(ctx, []write{w})
	_, errs["Purge"] = s.Purge(ctx, []stores.PurgeTarget[string]{{Key: w.Key, Version: stamp(1)}})
	_, errs["Segments"] = s.Segments(ctx, 4)
	_, errs["ApproxCount"] = s.ApproxCount(ctx)
	for _, err := range s.Scan(ctx, "", nil) {
		errs["Scan"] = err
	}
	return errs
}

func TestConcurrentCompareAndSetsAddUp(t *testing.T) {
	t.Parallel()
	const workers, each = 32, 200
	s := notes(t, open(t), "v")
	clock, err := stores.NewClock(nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for done := 0; done < each; {
				err := increment(t.Context(), s, clock)
				if outcome, _ := stores.OutcomeOf(err); err != nil && outcome != stores.OutcomeRefused {
					t.Error(err)
					return
				}
				if err == nil {
					done++
				}
			}
		})
	}
	wg.Wait()
	r, err := s.Get(t.Context(), "counter")
	if err != nil || r.Value.N != workers*each {
		t.Fatalf("counted %d of %d (%v)", r.Value.N, workers*each, err)
	}
}

func increment(ctx context.Context, s *view, clock *stores.Clock) error {
	r, err := stores.OrAbsent(s.Get(ctx, "counter"))
	if err != nil {
		return err
	}
	next, err := clock.Next(r.Version)
	if err != nil {
		return err
	}
	return s.Put(ctx, write{Key: "counter", Record: live(next, r.Version, r.Value.N+1), If: stores.IfStamp(r.Version)})
}

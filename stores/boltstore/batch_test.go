package boltstore

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/stores"
)

func TestPutManyAnswersForEach(t *testing.T) {
	t.Parallel()
	s := notes(t, open(t), "v")
	fill(t, s, 1)
	at := func(key string, v int, c stores.Condition) write {
		return write{Key: key, Record: live(stamp(v), stores.Unknown, int64(v)), If: c}
	}
	errs, err := stores.PutMany(t.Context(), s, []write{
		at("k00000", 1, stores.IfOlder(stamp(1))), // refused: stored already
		at("", 2, stores.IfOlder(stamp(2))),       // no key
		at("new", 2, stores.IfStamp(stores.Absent)),
		at("new", 3, stores.IfStamp(stamp(2))), // on top of the one before
		at("new", 4, stores.IfStamp(stamp(2))), // refused by the one before
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []stores.Outcome
	for _, err := range errs {
		o, _ := stores.OutcomeOf(err)
		got = append(got, o)
	}
	want := []stores.Outcome{stores.OutcomeRefused, stores.OutcomeRejected, stores.OutcomeApplied, stores.OutcomeApplied, stores.OutcomeRefused}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s%v", d, errs)
	}
	if _, m := stores.OutcomeOf(errs[4]); !m.Version.Same(stamp(3)) {
		t.Errorf("the last was refused by %v", m.Version)
	}
}

func TestBatchesAreDividedIntoTransactions(t *testing.T) {
	t.Parallel()
	db := open(t)
	s := notes(t, db, "v")
	before := txid(t, db)
	fill(t, s, 2*chunkOps+1)
	if n := txid(t, db) - before; n != 3 {
		t.Errorf("%d transactions for %d writes", n, 2*chunkOps+1)
	}
	keys := append(wantKeys(2*chunkOps+1), "none", "")
	res, err := stores.GetMany(t.Context(), s, keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range res[:2*chunkOps+1] {
		if r.Err != nil || r.Record.Value.N != int64(i) {
			t.Fatalf("%d: %v", i, r)
		}
	}
	if n := len(res); !errors.Is(res[n-2].Err, stores.ErrNotFound) || !errors.Is(res[n-1].Err, stores.ErrPermanent) {
		t.Error(res[n-2:])
	}
	before = txid(t, db)
	ws := make([]write, 5)
	for i := range ws {
		r := record{Meta: stores.Meta{Version: stamp(1)}, Value: note{Text: string(make([]byte, chunkBytes/10))}} // NULs take 6 bytes
		ws[i] = write{Key: fmt.Sprint(i), Record: r, If: stores.IfOlder(stamp(1))}
	}
	if _, err := s.PutMany(t.Context(), ws); err != nil {
		t.Fatal(err)
	}
	if n := txid(t, db) - before; n != 3 {
		t.Errorf("%d transactions for five large writes", n)
	}
}

// endAfter is a context that is done once it was asked n times.
type endAfter struct {
	context.Context
	n *int
}

func (c endAfter) Err() error {
	if *c.n--; *c.n < 0 {
		return context.Canceled
	}
	return nil
}

func TestBatchCancelledHalfWay(t *testing.T) {
	t.Parallel()
	s := notes(t, open(t), "v")
	ws := make([]write, 3*chunkOps)
	for i := range ws {
		ws[i] = write{Key: fmt.Sprintf("k%05d", i), Record: live(stamp(1), stores.Unknown, 1), If: stores.IfOlder(stamp(1))}
	}
	asked := 2 // once by the call, once by the first chunk
	errs, err := s.PutMany(endAfter{t.Context(), &asked}, ws)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range errs {
		_, gerr := s.Get(t.Context(), ws[i].Key)
		if i < chunkOps && (err != nil || gerr != nil) ||
			i >= chunkOps && (!errors.Is(err, context.Canceled) || !errors.Is(err, stores.ErrTransient) || !errors.Is(gerr, stores.ErrNotFound)) {
			t.Fatalf("%d: %v, %v", i, err, gerr)
		}
	}
}

func TestPurge(t *testing.T) {
	t.Parallel()
	s := notes(t, open(t), "v")
	for i, r := range storedRecords() {
		plant(t, s, fmt.Sprint(i), r)
	}
	target := func(key int, v stores.Version) stores.PurgeTarget[string] {
		return stores.PurgeTarget[string]{Key: fmt.Sprint(key), Version: v}
	}
	errs, err := stores.Purge(t.Context(), s, []stores.PurgeTarget[string]{
		target(0, stamp(1)),         // absent: refused
		target(1, stores.Unstamped), // names no stamp
		target(2, stamp(3)),         // loses its metadata
		target(3, stamp(4)),         // has another stamp
		target(4, stores.Unknown),   // names no stamp
		target(5, stamp(5)),         // a tombstone goes
		target(6, stamp(5)),         // an intent loses its metadata
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []stores.Outcome{stores.OutcomeRefused, stores.OutcomeRejected, stores.OutcomeApplied, stores.OutcomeRefused,
		stores.OutcomeRejected, stores.OutcomeApplied, stores.OutcomeApplied}
	left := map[int]record{1: live(stores.Unstamped, stores.Unknown, 1), 2: live(stores.Unstamped, stores.Unknown, 2),
		3: storedRecords()[3], 4: storedRecords()[4], 6: live(stores.Unstamped, stores.Unknown, 3)}
	for i, err := range errs {
		if o, _ := stores.OutcomeOf(err); o != want[i] {
			t.Errorf("%d: %v", i, err)
		}
		got, err := s.Get(t.Context(), fmt.Sprint(i))
		if r, there := left[i]; there != (err == nil) {
			t.Errorf("%d: %v", i, err)
		} else if d := cmp.Diff(r, got, cmpVersions); there && d != "" {
			t.Errorf("%d: %s", i, d)
		}
	}
	if n, err := s.ApproxCount(t.Context()); n != int64(len(left)) || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
}

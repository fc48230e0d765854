package copier_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

var versions = cmp.Comparer(func(a, b stores.Version) bool { return a == b })

func TestCopyMakesNewWhatOldIs(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 499, 500, 501, 3000} {
		old, new := newMem(t), newMem(t)
		fill(t, old, n)
		r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{AllowEmpty: n == 0})
		if err != nil || !r.Clean() || r.Read != int64(n) || r.Applied != int64(n) || r.Resumed != 0 {
			t.Fatalf("%d records: %v, %+v", n, err, r)
		}
		if diff := cmp.Diff(dump(t, old), dump(t, new), versions); diff != "" {
			t.Fatalf("%d records differ: %s", n, diff)
		}
		mustBeClean(t, old, new)

		again, err := copier.Copy(t.Context(), old, new, nil)
		if err != nil || again.Applied != 0 || again.AlreadyThere != int64(n) {
			t.Fatalf("a second copy wrote something: %v, %+v", err, again)
		}
	}
}

// Regressions 1, 2 and 8: what new has and is newer stays, tombstones too.
func TestCopyNeverOverwritesNewer(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	v1, v2 := next(t, c), next(t, c)
	plain := record(stores.Unstamped, stores.Unknown, "plain")
	for name, tc := range map[string]struct{ old, new, want stores.Record[user] }{
		"newer write":               {record(v1, stores.Absent, "a"), record(v2, v1, "b"), record(v2, v1, "b")},
		"newer delete":              {record(v1, stores.Absent, "a"), record(v2, v1, "", "deleted"), record(v2, v1, "", "deleted")},
		"delete of a legacy record": {plain, record(v1, stores.Unstamped, "", "deleted"), record(v1, stores.Unstamped, "", "deleted")},
		"write over a legacy one":   {plain, record(v1, stores.Unstamped, "b"), record(v1, stores.Unstamped, "b")},
		"the same version":          {record(v1, stores.Absent, "a"), record(v1, stores.Absent, "a"), record(v1, stores.Absent, "a")},
		"older write":               {record(v2, v1, "b"), record(v1, stores.Absent, "a"), record(v2, v1, "b")},
		"older legacy record":       {record(v1, stores.Unstamped, "b"), plain, record(v1, stores.Unstamped, "b")},
		"delete over older":         {record(v2, v1, "", "deleted"), record(v1, stores.Absent, "a"), record(v2, v1, "", "deleted")},
	} {
		old, new := newMem(t), newMem(t)
		force(t, old, "k", tc.old)
		force(t, new, "k", tc.new)
		r, err := copier.Copy(t.Context(), old, new, nil)
		if err != nil || r.Read != 1 || r.Applied+r.AlreadyThere != 1 {
			t.Errorf("%s: %v %+v", name, err, r)
		}
		got, err := new.Get(t.Context(), "k")
		if diff := cmp.Diff(tc.want, got, versions); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func TestCopyResolvesIntents(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	v1, v2, v3 := next(t, c), next(t, c), next(t, c)
	intent := record(v2, v1, "b", "intent")
	completed := record(v2, v1, "b")
	for name, tc := range map[string]struct {
		old       stores.Record[user]
		new, want *stores.Record[user]
		kind      copier.Kind
	}{
		"complete":        {old: intent, new: ptr(record(v1, stores.Absent, "a")), want: &completed},
		"complete absent": {old: record(v2, stores.Absent, "b", "intent"), want: ptr(record(v2, stores.Absent, "b"))},
		"complete a delete": {old: record(v2, v1, "", "intent", "deleted"), new: ptr(record(v1, stores.Absent, "a")),
			want: ptr(record(v2, v1, "", "deleted"))},
		"committed": {old: intent, new: &completed, want: &completed},
		"dead":      {old: record(v3, v1, "c", "intent"), new: &completed, want: &completed},
		"lost":      {old: record(v3, v2, "c", "intent"), new: ptr(record(v1, stores.Absent, "a")), want: ptr(record(v1, stores.Absent, "a")), kind: copier.KindLost},
		"wiped":     {old: intent, kind: copier.KindLost},
	} {
		old, new := newMem(t), newMem(t)
		force(t, old, "k", tc.old)
		if tc.new != nil {
			force(t, new, "k", *tc.new)
		}
		r, err := copier.Copy(t.Context(), old, new, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if tc.kind != "" && r.Found[tc.kind] != 1 || tc.kind == "" && !r.Clean() {
			t.Errorf("%s: found %v", name, r.Found)
		}
		got, err := stores.OrAbsent(new.Get(t.Context(), "k"))
		want := stores.Record[user]{Meta: stores.Meta{Version: stores.Absent}}
		if tc.want != nil {
			want = *tc.want
		}
		if diff := cmp.Diff(want, got, versions); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// Regression 15, 18: each outcome of a batch is looked at, and what is not done is never called done.
func TestCopyLooksAtEveryOutcome(t *testing.T) {
	t.Parallel()
	bad, worse := keyOf(3), keyOf(700)
	rejecting := storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Err: stores.Permanent(errors.New("too large")),
		Only: only(bad)}, storefault.OpPutMany)
	failing := storefault.Always(storefault.Fault{Kind: storefault.FailBefore, Only: only(worse)}, storefault.OpPutMany)

	old, inner := newMem(t), newMem(t)
	fill(t, old, 1000)
	new := storefault.New[string, user](inner, &storefault.Options{Rules: []storefault.Rule{}})
	new.SetRules(func(c storefault.Call) (storefault.Fault, bool) {
		if f, ok := rejecting(c); ok && touches(c, bad) {
			return f, true
		}
		return failing(c)
	})
	cp := &memoryCheckpoint{}
	o := &copier.CopyOptions[user]{PassOptions: fast(copier.PassOptions{Workers: 1, Batch: 100}), Resume: copier.Resume{Checkpoint: cp, Job: "j"}}
	r, err := copier.Copy(t.Context(), old, new, o)
	mustBe(t, err, copier.ErrIncomplete)
	if r.Finished || r.Clean() || r.Pending != 1 || r.Applied != 998 || r.Found[copier.KindRejected] != 1 || r.Found[copier.KindFailed] != 1 {
		t.Fatalf("%+v", r)
	}
	if want := []string{"the pass has not finished", "1 records have to be looked at again", "1 failed", "1 rejected"}; !slices.Equal(r.Reasons(), want) {
		t.Errorf("%q", r.Reasons())
	}
	for _, f := range r.Findings {
		want := map[copier.Kind]string{copier.KindRejected: bad, copier.KindFailed: worse}[f.Kind]
		if string(f.Key) != want || f.Place != "new" || f.Err == nil {
			t.Errorf("finding %v", f)
		}
	}
	if new.Injected() == 0 {
		t.Fatal("nothing was injected")
	}

	// Resuming tries what failed again, and only that.
	new.SetRules()
	new.Reset()
	r, err = copier.Copy(t.Context(), old, new, o)
	if err != nil || !r.Finished || r.Resumed != 1 || r.Read != 1000 || r.Applied != 999 || r.Found[copier.KindFailed] != 0 || r.Found[copier.KindRejected] != 1 {
		t.Fatalf("%v %+v", err, r)
	}
	if n := new.Calls(storefault.OpPutMany); n != 1 {
		t.Errorf("%d batches written to do one record again", n)
	}
}

func only(key string) func(storefault.Item) bool {
	return func(it storefault.Item) bool { return string(it.Key) == key }
}

func touches(c storefault.Call, key string) bool {
	for _, it := range c.Items {
		if string(it.Key) == key {
			return true
		}
	}
	return false
}

func TestCopyRetriesTheSameWrite(t *testing.T) {
	t.Parallel()
	for _, kind := range []storefault.Kind{storefault.FailBefore, storefault.FailAfter, storefault.Lost} {
		old, inner := newMem(t), newMem(t)
		fill(t, old, 1000)
		new := storefault.New[string, user](inner, nil)
		new.SetRules(storefault.Random(uint64(kind), 0.3, storefault.Fault{Kind: kind}, storefault.OpPutMany, storefault.OpGetMany))
		o := &copier.CopyOptions[user]{PassOptions: fast(copier.PassOptions{Batch: 50, Attempts: 30})}
		r, err := copier.Copy(t.Context(), old, new, o)
		if err != nil || !r.Clean() || r.Applied+r.AlreadyThere != 1000 || r.Retried == 0 {
			t.Fatalf("%v: %v %+v", kind, err, r)
		}
		mustBeClean(t, old, inner)
	}
}

func TestCopyGivesUpOnADeadPlace(t *testing.T) {
	t.Parallel()
	old, inner := newMem(t), newMem(t)
	fill(t, old, 1000)
	new := storefault.New[string, user](inner, &storefault.Options{Rules: []storefault.Rule{
		storefault.Always(storefault.Fault{Kind: storefault.FailBefore}, storefault.OpPutMany),
	}})
	r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: fast(copier.PassOptions{Batch: 10, Attempts: 4, Workers: 1})})
	mustBe(t, err, storefault.ErrInjected)
	if r.Finished || r.Applied != 0 {
		t.Fatalf("%+v", r)
	}
	if n := new.Calls(storefault.OpPutMany); n > 3*4 {
		t.Errorf("%d calls before giving up", n)
	}
}

// Records that fail now and then are no reason to give up.
func TestCopyDoesNotGiveUpOnSingleRecords(t *testing.T) {
	t.Parallel()
	old, inner := newMem(t), newMem(t)
	fill(t, old, 100)
	failing := []string{keyOf(10), keyOf(30), keyOf(50), keyOf(70), keyOf(90)}
	new := storefault.New[string, user](inner, &storefault.Options{Rules: []storefault.Rule{func(c storefault.Call) (storefault.Fault, bool) {
		return storefault.Fault{Kind: storefault.FailBefore}, c.Op == storefault.OpPutMany && slices.ContainsFunc(failing, func(k string) bool { return touches(c, k) })
	}}})
	r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: fast(copier.PassOptions{Batch: 1, Workers: 1, Attempts: 2})})
	mustBe(t, err, copier.ErrIncomplete)
	if r.Applied != 95 || r.Pending != 5 || r.Found[copier.KindFailed] != 5 {
		t.Fatalf("%+v", r)
	}
}

// A call that is refused as a whole for good because of one record does not keep the others back.
func TestCopySplitsABatchRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	old, inner := newMem(t), newMem(t)
	fill(t, old, 100)
	bad := keyOf(42)
	new := storefault.New[string, user](inner, &storefault.Options{Rules: []storefault.Rule{func(c storefault.Call) (storefault.Fault, bool) {
		return storefault.Fault{Kind: storefault.FailBefore, Err: stores.Permanent(errors.New("one item is too large"))},
			c.Op == storefault.OpPutMany && touches(c, bad)
	}}})
	r, err := copier.Copy(t.Context(), old, new, nil)
	if err != nil || r.Applied != 99 || r.Found[copier.KindRejected] != 1 || string(r.Findings[0].Key) != bad {
		t.Fatalf("%v %+v", err, r)
	}
}

func TestCopyGoesOnAfterABrokenScan(t *testing.T) {
	t.Parallel()
	inner, new := newMem(t), newMem(t)
	fill(t, inner, 1000)
	old := storefault.New[string, user](inner, &storefault.Options{Rules: []storefault.Rule{
		storefault.Random(7, 0.6, storefault.Fault{Kind: storefault.FailAfter, Records: 30}, storefault.OpScan),
		storefault.Random(8, 0.3, storefault.Fault{Kind: storefault.FailBefore}, storefault.OpScan, storefault.OpSegments),
	}})
	r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: fast(copier.PassOptions{Batch: 20, Attempts: 100})})
	if err != nil || r.Read != 1000 || r.Applied != 1000 || old.Injected() == 0 {
		t.Fatalf("%v %+v", err, r)
	}
	mustBeClean(t, inner, new)
}

// breaking is a store of which every scan breaks off after 30 records.
type breaking struct{ *mem }

func (b breaking) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[string, user], error] {
	return func(yield func(stores.Entry[string, user], error) bool) {
		n := 0
		for e, err := range b.mem.Scan(ctx, seg, after) {
			if n++; n > 30 {
				e, err = stores.Entry[string, user]{}, errors.New("the cursor is gone")
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// As long as a scan gets on, it may break off any number of times.
func TestAScanMayBreakOffAgainAndAgain(t *testing.T) {
	t.Parallel()
	old, new := newMem(t), newMem(t)
	fill(t, old, 1000)
	r, err := copier.Copy(t.Context(), breaking{old}, new, &copier.CopyOptions[user]{PassOptions: fast(copier.PassOptions{Workers: 1, Attempts: 2})})
	if err != nil || r.Read != 1000 || r.Applied != 1000 {
		t.Fatalf("%v %+v", err, r)
	}
}

func TestCopyReportsUndecodableRecordsAndGoesOn(t *testing.T) {
	t.Parallel()
	old, err := memstore.New(stores.StringKeys[string](), &memstore.Options[user]{
		Encode: func(u user) ([]byte, error) { return []byte(u.Name), nil },
		Decode: func(b []byte) (user, error) {
			if string(b) == "broken" {
				return user{}, errors.New("not a user")
			}
			return user{Name: string(b)}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	users := map[string]user{}
	for i := range 50 {
		users[keyOf(i)] = user{Name: fmt.Sprint("n", i)}
	}
	users[keyOf(20)], users[keyOf(49)] = user{Name: "broken"}, user{Name: "broken"}
	if _, err := stores.Import(t.Context(), old, maps.All(users)); err != nil {
		t.Fatal(err)
	}
	new := newMem(t)
	for _, batch := range []int{1, 7, 500} {
		cp := &memoryCheckpoint{}
		keep := copier.Resume{Checkpoint: cp, Job: "j", CheckpointEvery: time.Hour}
		r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: copier.PassOptions{Batch: batch}, Resume: keep})
		if err != nil || r.Read != 50 || r.Applied+r.AlreadyThere != 48 || r.Found[copier.KindUndecodable] != 2 || r.Clean() {
			t.Fatalf("batch %d: %v %+v", batch, err, r)
		}
		pos := cp.last(t).Positions
		if last := pos[len(pos)-1]; string(last.After) != keyOf(49) || !last.Done || len(cp.saved) != 2 {
			t.Errorf("batch %d: %d checkpoints, the last at %q", batch, len(cp.saved), last.After)
		}
		for _, f := range r.Findings {
			if k := string(f.Key); k != keyOf(20) && k != keyOf(49) || f.Place != "old" {
				t.Errorf("finding %v", f)
			}
		}
	}
}

// Regression 16 and 32: what new can not hold as it is is said before anybody reads it from there.
func TestCopyNamesValuesThatNewChanges(t *testing.T) {
	t.Parallel()
	old := newMem(t)
	for i := range 300 {
		force(t, old, keyOf(i), record(stores.Unstamped, stores.Unknown, fmt.Sprint(i)))
	}
	new, err := memstore.New(stores.StringKeys[string](), &memstore.Options[user]{
		Encode: func(u user) ([]byte, error) { return []byte(u.Name), nil },
		Decode: func(b []byte) (user, error) {
			if len(b) == 1 {
				b = append(b, '!')
			}
			return user{Name: string(b)}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: copier.PassOptions{KeepFindings: 4}})
	if err != nil || r.Changed != 10 || len(r.ChangedKeys) != 4 || r.Applied != 300 {
		t.Fatalf("%v %+v", err, r)
	}
}

func TestCopyIsCancelledCleanly(t *testing.T) {
	t.Parallel()
	old, inner := newMem(t), newMem(t)
	fill(t, old, 2000)
	ctx, cancel := context.WithCancel(t.Context())
	new := storefault.New[string, user](inner, &storefault.Options{After: func(_ context.Context, c storefault.Call, _ error) error {
		if c.Op == storefault.OpPutMany && c.N == 5 {
			cancel()
		}
		return nil
	}})
	cp := &memoryCheckpoint{}
	o := &copier.CopyOptions[user]{PassOptions: copier.PassOptions{Batch: 100, Workers: 1}, Resume: copier.Resume{Checkpoint: cp, Job: "j"}}
	r, err := copier.Copy(ctx, old, new, o)
	mustBe(t, err, context.Canceled)
	if r.Finished || r.Read != 500 || cp.last(t).Report.Read != 500 {
		t.Fatalf("%+v", r)
	}
	r, err = copier.Copy(t.Context(), old, new, o)
	if err != nil || r.Resumed != 1 || r.Read != 2000 || r.Applied != 2000 {
		t.Fatalf("%v %+v", err, r)
	}
	mustBeClean(t, old, inner)
}

func TestTwoCopiesAtOnce(t *testing.T) {
	t.Parallel()
	old, new := newMem(t), newMem(t)
	fill(t, old, 3000)
	reports := make(chan copier.Report, 2)
	for range 2 {
		go func() {
			r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: copier.PassOptions{Batch: 10}})
			if err != nil {
				t.Error(err)
			}
			reports <- r
		}()
	}
	a, b := <-reports, <-reports
	if a.Applied+b.Applied != 3000 || a.AlreadyThere+b.AlreadyThere != 3000 {
		t.Errorf("%+v\n%+v", a.Counts, b.Counts)
	}
	mustBeClean(t, old, new)
}

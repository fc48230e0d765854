package storefault_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

type store = storefault.Store[string, int]

// fixture is a faulty store over a memstore with the records a, b and c, not counted.
type fixture struct {
	*store
	inner *memstore.Store[string, int]
	clock *stores.Clock
}

func newFixture(t *testing.T, o *storefault.Options) fixture {
	t.Helper()
	inner, err := memstore.New[string, int](stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	clock, err := stores.NewClock(nil)
	if err != nil {
		t.Fatal(err)
	}
	f := fixture{storefault.New(inner, o), inner, clock}
	for i, key := range []string{"a", "b", "c"} {
		if err := inner.Put(t.Context(), f.write(t, key, i)); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func (f fixture) write(t *testing.T, key string, v int) stores.Write[string, int] {
	t.Helper()
	ver, err := f.clock.Next()
	if err != nil {
		t.Fatal(err)
	}
	return stores.Write[string, int]{Key: key, Record: stores.Record[int]{Meta: stores.Meta{Version: ver}, Value: v}, If: stores.IfOlder(ver)}
}

func (f fixture) value(t *testing.T, key string) int {
	t.Helper()
	r, err := f.inner.Get(t.Context(), key)
	if err != nil && !errors.Is(err, stores.ErrNotFound) {
		t.Fatal(err)
	}
	return r.Value
}

// ops carries out each operation once and answers with its error, or the error of the first item.
func (f fixture) ops(t *testing.T) map[storefault.Op]func(context.Context) error {
	t.Helper()
	w, other := f.write(t, "a", 10), newFixture(t, nil)
	first := func(errs []error, err error) error {
		if err != nil {
			return err
		}
		return errs[0]
	}
	return map[storefault.Op]func(context.Context) error{
		storefault.OpGet:  func(ctx context.Context) error { _, err := f.Get(ctx, "a"); return err },
		storefault.OpPut:  func(ctx context.Context) error { return f.Put(ctx, w) },
		storefault.OpScan: func(ctx context.Context) error { _, err := f.scan(ctx); return err },
		storefault.OpGetMany: func(ctx context.Context) error {
			res, err := f.GetMany(ctx, []string{"a"})
			if err != nil {
				return err
			}
			return res[0].Err
		},
		storefault.OpPutMany: func(ctx context.Context) error {
			return first(f.PutMany(ctx, []stores.Write[string, int]{w}))
		},
		storefault.OpPurge: func(ctx context.Context) error {
			r, err := f.inner.Get(ctx, "a")
			if err != nil {
				return err
			}
			return first(f.Purge(ctx, []stores.PurgeTarget[string]{{Key: "a", Version: r.Version}}))
		},
		storefault.OpPutPair:     func(ctx context.Context) error { return f.PutPair(ctx, w, other, other.write(t, "a", 10)) },
		storefault.OpSegments:    func(ctx context.Context) error { _, err := f.Segments(ctx, 2); return err },
		storefault.OpApproxCount: func(ctx context.Context) error { _, err := f.ApproxCount(ctx); return err },
		storefault.OpCheck:       func(context.Context) error { return f.Check(w) },
		storefault.OpRoundTrip:   func(context.Context) error { _, err := f.RoundTrip("k", 1); return err },
	}
}

func (f fixture) scan(ctx context.Context) (n int, err error) {
	for _, err := range f.Scan(ctx, "", nil) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

var changing = []storefault.Op{storefault.OpPut, storefault.OpPutMany, storefault.OpPurge, storefault.OpPutPair}

// Every fault of every kind in every operation surfaces, has the effect that its kind says, and is counted.
func TestEveryFaultSurfaces(t *testing.T) {
	t.Parallel()
	own := errors.New("my own")
	for _, fault := range []storefault.Fault{
		{Kind: storefault.FailBefore},
		{Kind: storefault.FailAfter},
		{Kind: storefault.Lost},
		{Kind: storefault.FailBefore, Err: own},
		{Kind: storefault.FailAfter, Err: own},
		{Kind: storefault.Lost, Err: own},
	} {
		for op := range newFixture(t, nil).ops(t) {
			t.Run(fmt.Sprint(fault.Kind, fault.Err, op), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, &storefault.Options{Rules: []storefault.Rule{storefault.Always(fault, op)}})
				before, err := f.inner.Get(t.Context(), "a")
				if err != nil {
					t.Fatal(err)
				}
				err = f.ops(t)[op](t.Context())
				checkError(t, fault, err)
				after, err := f.inner.Get(t.Context(), "a")
				if err != nil {
					t.Fatal(err)
				}
				if want := fault.Kind == storefault.FailAfter && slices.Contains(changing, op); want != (before != after) {
					t.Errorf("took effect: %v, want %v", before != after, want)
				}
				if f.Injected() != 1 || f.Injected(fault.Kind) != 1 || f.Calls(op) != 1 {
					t.Errorf("injected %d, of the kind %d, calls %d; want 1 each", f.Injected(), f.Injected(fault.Kind), f.Calls(op))
				}
			})
		}
	}
}

func checkError(t *testing.T, fault storefault.Fault, err error) {
	t.Helper()
	if fault.Err != nil {
		if err != fault.Err { //nolint:errorlint // it is to be passed as it is
			t.Errorf("error %v, want %v", err, fault.Err)
		}
		return
	}
	want := stores.OutcomeUnknown
	if fault.Kind == storefault.FailBefore {
		want = stores.OutcomeFailed
	}
	if got, _ := stores.OutcomeOf(err); got != want || !errors.Is(err, storefault.ErrInjected) {
		t.Errorf("error %v has outcome %v, want %v", err, got, want)
	}
}

func TestNoFaults(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for op, do := range f.ops(t) {
		if op == storefault.OpPurge {
			continue // would remove the version that others are about
		}
		if err := do(t.Context()); err != nil && op != storefault.OpPutMany && op != storefault.OpPut && op != storefault.OpPutPair {
			t.Errorf("%s: %v", op, err)
		}
		if n := f.Calls(op); n != 1 {
			t.Errorf("%s was counted %d times", op, n)
		}
	}
	if n := f.Calls(); n != 8 {
		t.Errorf("%d calls reached the store, want 8: check and round trip do not", n)
	}
	f.Reset()
	if f.Calls() != 0 || f.Injected() != 0 {
		t.Error("not reset")
	}
}

func TestOnlySomeItems(t *testing.T) {
	t.Parallel()
	isB := func(it storefault.Item) bool { return string(it.Key) == "b" }
	for _, tt := range []struct {
		kind   storefault.Kind
		stored int
	}{{storefault.FailBefore, 1}, {storefault.Lost, 1}, {storefault.FailAfter, 21}} {
		t.Run(tt.kind.String(), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			f.SetRules(storefault.Always(storefault.Fault{Kind: tt.kind, Only: isB}))
			errs, err := f.PutMany(t.Context(), []stores.Write[string, int]{f.write(t, "a", 20), f.write(t, "b", 21), f.write(t, "c", 22)})
			if err != nil || errs[0] != nil || errs[2] != nil {
				t.Errorf("the others: %v, %v", errs, err)
			}
			checkError(t, storefault.Fault{Kind: tt.kind}, errs[1])
			if diff := cmp.Diff([]int{20, tt.stored, 22}, []int{f.value(t, "a"), f.value(t, "b"), f.value(t, "c")}); diff != "" {
				t.Error(diff)
			}
			if err := f.Put(t.Context(), f.write(t, "c", 23)); err != nil {
				t.Errorf("a put of another key: %v", err)
			}
			if n := f.Injected(); n != 1 {
				t.Errorf("injected %d", n)
			}
		})
	}
}

// A batch that got lost was not tried as far as the store knows, but the caller must not be told so.
func TestLostBatch(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.SetRules(storefault.Always(storefault.Fault{Kind: storefault.Lost}))
	errs, err := f.PutMany(t.Context(), []stores.Write[string, int]{f.write(t, "a", 20), f.write(t, "b", 21)})
	if err != nil || len(errs) != 2 {
		t.Fatalf("%v, %v; want an error for each item", errs, err)
	}
	for _, err := range errs {
		checkError(t, storefault.Fault{Kind: storefault.Lost}, err)
	}
	if f.value(t, "a") != 0 || f.Injected() != 1 {
		t.Errorf("stored %d, injected %d", f.value(t, "a"), f.Injected())
	}
}

func TestScanFailsMidway(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.SetRules(storefault.Always(storefault.Fault{Kind: storefault.FailAfter, Records: 2}))
	if n, err := f.scan(t.Context()); n != 2 || !errors.Is(err, storefault.ErrInjected) {
		t.Errorf("%d records, then %v", n, err)
	}
	for _, err := range f.Scan(t.Context(), "", nil) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if n := f.Injected(); n != 1 {
		t.Errorf("injected %d: a scan that was left before its fault has none", n)
	}
}

func TestNthAndFirstRuleWins(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.SetRules(
		storefault.Nth(2, storefault.Fault{Kind: storefault.Lost}, storefault.OpGet),
		storefault.Nth(2, storefault.Fault{Kind: storefault.FailBefore}),
	)
	var got []bool
	for range 3 {
		_, err := f.Get(t.Context(), "a")
		got = append(got, err != nil)
	}
	if diff := cmp.Diff([]bool{false, true, false}, got); diff != "" {
		t.Error(diff)
	}
	if f.Injected(storefault.Lost) != 1 || f.Injected() != 1 {
		t.Errorf("the first rule did not win: %d of %d", f.Injected(storefault.Lost), f.Injected())
	}
}

func TestRandomIsRepeatable(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (hits []bool) {
		f := newFixture(t, nil)
		f.SetRules(storefault.Random(seed, 0.3, storefault.Fault{Kind: storefault.Lost}, storefault.OpGet))
		for range 200 {
			_, err := f.Get(t.Context(), "a")
			hits = append(hits, err != nil)
		}
		if n := f.Injected(); n < 45 || n > 75 {
			t.Errorf("seed %d: %d of 200 faults at 0.3", seed, n)
		}
		return hits
	}
	one, two := run(1), run(2)
	if diff := cmp.Diff(one, run(1)); diff != "" {
		t.Error(diff)
	}
	if slices.Equal(one, two) {
		t.Error("two seeds, one sequence")
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		f.SetRules(storefault.Always(storefault.Fault{Kind: storefault.Slow, Delay: time.Hour}))
		start := time.Now()
		if err := f.Put(t.Context(), f.write(t, "a", 30)); err != nil || time.Since(start) != time.Hour {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start = time.Now()
		if err := f.Put(ctx, f.write(t, "a", 31)); !errors.Is(err, context.DeadlineExceeded) || f.value(t, "a") != 30 {
			t.Errorf("%v, stored %d", err, f.value(t, "a"))
		}
		if waited := time.Since(start); waited != time.Minute {
			t.Errorf("waited %v, want a minute", waited)
		}
		if n := f.Injected(storefault.Slow); n != 2 {
			t.Errorf("injected %d", n)
		}
	})
}

func TestHooks(t *testing.T) {
	t.Parallel()
	var f fixture
	var seen []string
	stop := errors.New("stop")
	f = newFixture(t, &storefault.Options{
		Before: func(ctx context.Context, c storefault.Call) error {
			if c.Op == storefault.OpPut {
				seen = append(seen, fmt.Sprintf("before %s %d of %s: %d", c.Op, c.N, c.Key(), f.value(t, "a")))
			}
			if c.N == 3 {
				return stop
			}
			return nil
		},
		After: func(ctx context.Context, c storefault.Call, err error) error {
			if c.Op == storefault.OpPut {
				seen = append(seen, fmt.Sprintf("after %v: %d", err, f.value(t, "a")))
			}
			if c.N == 2 {
				return stop
			}
			return nil
		},
	})
	var errs []error
	for i := range 3 {
		errs = append(errs, f.Put(t.Context(), f.write(t, "a", 41+i)))
	}
	if errs[0] != nil || errs[1] != stop || errs[2] != stop { //nolint:errorlint // they are passed as they are
		t.Errorf("errors %v", errs)
	}
	want := []string{
		"before put 1 of a: 0", "after <nil>: 41",
		"before put 2 of a: 41", "after <nil>: 42",
		"before put 3 of a: 42",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	if n := f.Injected(storefault.Hooked); n != 2 {
		t.Errorf("counted %d hooked calls, want 2", n)
	}
	writes := []stores.Write[string, int]{f.write(t, "a", 50), f.write(t, "b", 51)}
	if _, err := f.PutMany(t.Context(), writes[:1]); err != nil {
		t.Error(err)
	}
	items, err := f.PutMany(t.Context(), writes)
	if err != nil || len(items) != 2 || items[0] != stop || items[1] != stop || f.value(t, "b") != 51 { //nolint:errorlint // as above
		t.Errorf("batch: %v, %v, stored %d", items, err, f.value(t, "b"))
	}
}

// plain hides every capability.
type plain struct{ stores.Store[string, int] }

func TestCapabilitiesOfABareStore(t *testing.T) {
	t.Parallel()
	ctx, inner := t.Context(), newFixture(t, nil)
	bare := storefault.New[string, int](plain{inner.inner}, nil)
	f := fixture{bare, inner.inner, inner.clock}
	for op, do := range f.ops(t) {
		basic := op == storefault.OpGet || op == storefault.OpPut || op == storefault.OpScan
		if err := do(ctx); !basic && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", op, err)
		}
	}
	if n := bare.Calls(); n != 3 {
		t.Errorf("%d calls, want get, put and scan", n)
	}
	// Over another wrapper the capability is there in name only; that counts as little.
	twice := storefault.New(bare, nil)
	if res, err := stores.GetMany(ctx, twice, []string{"a", "b"}); err != nil || len(res) != 2 || res[1].Record.Value != 1 {
		t.Errorf("batch read through two wrappers: %v, %v", res, err)
	}
	if twice.Calls(storefault.OpGetMany) != 0 || twice.Calls(storefault.OpGet) != 2 {
		t.Errorf("counted %d batches and %d gets", twice.Calls(storefault.OpGetMany), twice.Calls(storefault.OpGet))
	}
	if err := bare.Close(); err != nil {
		t.Error(err)
	}
	if _, err := bare.Get(ctx, "a"); !errors.Is(err, stores.ErrClosed) || bare.Calls(storefault.OpGet) != 3 {
		t.Errorf("get after close: %v, %d gets counted", err, bare.Calls(storefault.OpGet))
	}
}

func TestPairThroughWrappers(t *testing.T) {
	t.Parallel()
	a, b := newFixture(t, nil), newFixture(t, nil)
	if err := stores.PutPair(t.Context(), a.store, a.write(t, "a", 60), b.store, b.write(t, "a", 61)); err != nil {
		t.Fatal(err)
	}
	if a.value(t, "a") != 60 || b.value(t, "a") != 61 {
		t.Errorf("stored %d and %d", a.value(t, "a"), b.value(t, "a"))
	}
}

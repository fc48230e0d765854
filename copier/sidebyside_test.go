package copier_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// plain has no capabilities: whoever compares it has to look records up.
type plain struct{ stores.Store[string, user] }

// compared lets a test compare places in both ways.
var compared = map[string]func(*mem) stores.Store[string, user]{
	"side by side": func(s *mem) stores.Store[string, user] { return s },
	"looked up":    func(s *mem) stores.Store[string, user] { return plain{s} },
}

// brittle is a store whose values do not decode if their name begins with "broken".
func brittle(t testing.TB) *mem {
	t.Helper()
	s, err := memstore.New(stores.StringKeys[string](), &memstore.Options[user]{
		Encode: func(u user) ([]byte, error) { return []byte(u.Name), nil },
		Decode: func(b []byte) (user, error) {
			if strings.HasPrefix(string(b), "broken") {
				return user{}, stores.Permanent(errors.New("not a user"))
			}
			return user{Name: string(b)}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whatever two places hold: going over them side by side finds what looking records up finds, and reads nothing twice.
func TestSideBySideFindsWhatLookingUpFinds(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round := range 60 {
		rng := rand.New(rand.NewPCG(seed, uint64(round)))
		old, new := brittle(t), brittle(t)
		records := strew(t, rng, old, new)
		po := copier.PassOptions{Workers: 1 + rng.IntN(4), Batch: 1 + rng.IntN(50), KeepFindings: 10_000}
		found := map[string][]string{}
		var same [2]int64
		for way, wrap := range compared {
			left, right := storefault.New(wrap(old), nil), storefault.New(wrap(new), nil)
			r, err := copier.Verify(t.Context(), left, right, &copier.VerifyOptions[user]{PassOptions: po, Grace: time.Nanosecond})
			if err != nil || !r.Finished {
				t.Fatalf("round %d, %s: %v %+v", round, way, err, r)
			}
			for _, f := range r.Findings {
				f.Err = nil
				found[way] = append(found[way], f.String())
			}
			slices.Sort(found[way])
			if way == "looked up" {
				same[0] = r.Same
				continue
			}
			same[1] = r.Same
			if r.Read != records {
				t.Errorf("round %d: %d records were read, there are %d", round, r.Read, records)
			}
		}
		if diff := cmp.Diff(found["looked up"], found["side by side"]); diff != "" || same[0] != same[1] {
			t.Fatalf("round %d, looked up and side by side (%d and %d the same): %s", round, same[0], same[1], diff)
		}
	}
}

// strew fills two places with the same records and with different ones, and tells how many there are.
func strew(t testing.TB, rng *rand.Rand, old, new *mem) (n int64) {
	c := newClock(t)
	vs := []stores.Version{next(t, c), next(t, c)}
	width := 1 + rng.IntN(400)
	odd := rng.IntN(4) // of ten
	put := func(s *mem, key string, v int, name string) {
		r := record(vs[v], stores.Unknown, name)
		if rng.IntN(8) == 0 {
			r = record(vs[v], stores.Unknown, "", "deleted")
		}
		force(t, s, key, r)
		n++
	}
	for range width {
		key := keyOf(rng.IntN(1000))
		if _, err := old.Get(t.Context(), key); !errors.Is(err, stores.ErrNotFound) {
			continue
		}
		if _, err := new.Get(t.Context(), key); !errors.Is(err, stores.ErrNotFound) {
			continue
		}
		if rng.IntN(10) >= odd {
			force(t, old, key, record(vs[0], stores.Unknown, "same"))
			force(t, new, key, record(vs[0], stores.Unknown, "same"))
			n += 2
			continue
		}
		names := []string{"a", "b", "broken"}
		if rng.IntN(3) > 0 {
			put(old, key, rng.IntN(2), names[rng.IntN(3)])
		}
		if rng.IntN(3) > 0 {
			put(new, key, rng.IntN(2), names[rng.IntN(3)])
		}
	}
	return n
}

// Nothing is looked up as long as nothing differs.
func TestSideBySideLooksNothingUp(t *testing.T) {
	t.Parallel()
	inner, twin := newMem(t), newMem(t)
	fill(t, inner, 1000)
	if _, err := copier.Copy(t.Context(), inner, twin, nil); err != nil {
		t.Fatal(err)
	}
	old, new := storefault.New[string, user](inner, nil), storefault.New[string, user](twin, nil)
	r, err := copier.Verify(t.Context(), old, new, nil)
	if err != nil || !r.Clean() || r.Read != 2000 || r.Same != 1000 {
		t.Fatalf("%v %+v", err, r)
	}
	if n := old.Calls(storefault.OpGet, storefault.OpGetMany) + new.Calls(storefault.OpGet, storefault.OpGetMany); n != 0 {
		t.Errorf("%d reads", n)
	}
}

// What differs is looked at again once: the scans were the first look.
func TestSideBySideIsTheFirstLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, new := newMem(t), newMem(t)
		c := newClock(t)
		force(t, old, "missing", record(next(t, c), stores.Absent, "a"))
		force(t, new, "extra", record(next(t, c), stores.Absent, "a"))
		began := time.Now()
		r, err := copier.Verify(t.Context(), old, new, nil)
		if took := time.Since(began); err != nil || len(r.Findings) != 2 || took != time.Second {
			t.Errorf("%v %v after %v", err, r.Findings, took)
		}
	})
}

// A scan that breaks off on either side is begun again on both, from where both were.
func TestSideBySideGoesOnAfterABrokenScan(t *testing.T) {
	t.Parallel()
	for _, broken := range []string{"old", "new"} {
		old, twin, _ := inflict(t, 500)
		places := map[string]*storefault.Store[string, user]{
			"old": storefault.New[string, user](old, nil), "new": storefault.New[string, user](twin, nil),
		}
		places[broken].SetRules(storefault.Random(7, 0.3, storefault.Fault{Kind: storefault.FailBefore}, storefault.OpScan))
		want, err := copier.Verify(t.Context(), old, twin, &copier.VerifyOptions[user]{Grace: time.Nanosecond})
		if err != nil {
			t.Fatal(err)
		}
		got, err := copier.Verify(t.Context(), places["old"], places["new"],
			&copier.VerifyOptions[user]{PassOptions: fast(copier.PassOptions{Batch: 7, Attempts: 1000}), Grace: time.Nanosecond})
		if err != nil || got.Read != want.Read || got.Same != want.Same || !cmp.Equal(got.Found, want.Found) {
			t.Errorf("%s breaks: %v\n%+v\n%+v", broken, err, got, want)
		}
	}
}

// backwards says that its scans are in the order of its keys, and they are not.
type backwards struct{ *mem }

func (s backwards) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[string, user], error] {
	var all []stores.Entry[string, user]
	for e, err := range s.mem.Scan(ctx, seg, after) {
		if err == nil {
			all = append(all, e)
		}
	}
	return func(yield func(stores.Entry[string, user], error) bool) {
		for _, e := range slices.Backward(all) {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// A place that breaks its word about the order of its keys is no basis for a verdict.
func TestSideBySideRefusesAnotherOrder(t *testing.T) {
	t.Parallel()
	old, new := newMem(t), newMem(t)
	fill(t, old, 100)
	if _, err := copier.Copy(t.Context(), old, new, nil); err != nil {
		t.Fatal(err)
	}
	r, err := copier.Verify(t.Context(), old, backwards{new}, nil)
	if err == nil || r.Clean() || !strings.Contains(err.Error(), "not in the order of its keys") || !strings.Contains(err.Error(), "new: ") {
		t.Errorf("%v %+v", err, r)
	}
}

// However many records in a row do not decode: all are found.
func TestSideBySideWithManyBrokenRecordsInARow(t *testing.T) {
	t.Parallel()
	for _, broken := range [][2]bool{{true, false}, {false, true}, {true, true}} {
		old, new := brittle(t), brittle(t)
		v := next(t, newClock(t))
		name := map[bool]string{true: "broken", false: "sound"}
		for i := range 2500 {
			force(t, old, keyOf(i), record(v, stores.Absent, name[broken[0]]))
			force(t, new, keyOf(i), record(v, stores.Absent, name[broken[1]]))
		}
		o := &copier.VerifyOptions[user]{PassOptions: copier.PassOptions{Batch: 10, Workers: 1, KeepFindings: 10_000, MaxRejected: -1}, Grace: time.Nanosecond}
		r, err := copier.Verify(t.Context(), old, new, o)
		found := map[string]bool{}
		for _, f := range r.Findings {
			if f.Kind != copier.KindUndecodable {
				t.Errorf("%v", f)
			}
			found[string(f.Key)] = true
		}
		if err != nil || len(found) != 2500 || r.Read != 5000 || r.Same != 0 {
			t.Errorf("%v: %d found, %v %+v", broken, len(found), err, r.Counts)
		}
	}
}

// A place that can not be divided by keys is gone over by itself.
func TestVerifyLooksUpWhereThereIsNoOrder(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(*mem) stores.Store[string, user]{
		"no order":    compared["looked up"],
		"unsupported": func(s *mem) stores.Store[string, user] { return unordered{s} },
	} {
		old, new, all := inflict(t, 50)
		differ := 0
		for _, d := range all {
			if d.kind != "" {
				differ++
			}
		}
		for side, places := range [][2]stores.Store[string, user]{{wrap(old), new}, {old, wrap(new)}} {
			r, err := copier.Verify(t.Context(), places[0], places[1], &copier.VerifyOptions[user]{Grace: time.Nanosecond})
			if err != nil || len(r.Findings) != differ {
				t.Errorf("%s, %d: %v, %d findings of %d", name, side, err, len(r.Findings), differ)
			}
		}
	}
}

// unordered finds out only when asked that its keys have no order.
type unordered struct{ *mem }

func (unordered) Bounds(context.Context, int) ([][]byte, error) {
	return nil, fmt.Errorf("some ids are numbers: %w", errors.ErrUnsupported)
}

// What is written while the pass runs does not count for its rate: a limit below that of the writers would never let it end.
func TestSideBySideRateLetsNewRecordsPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, new := newMem(t), newMem(t)
		c := newClock(t)
		for i := range 40 {
			for _, s := range []*mem{old, new} {
				force(t, s, keyOf(i), record(stores.Unstamped, stores.Unknown, "a"))
			}
		}
		go func() {
			time.Sleep(100 * time.Millisecond)
			for i := range 1000 {
				r := record(next(t, c), stores.Absent, "b")
				force(t, old, fmt.Sprint("v", i), r)
				force(t, new, fmt.Sprint("v", i), r)
			}
		}()
		began := time.Now()
		o := &copier.VerifyOptions[user]{PassOptions: copier.PassOptions{Rate: 10, Batch: 10, Workers: 1}}
		r, err := copier.Verify(t.Context(), old, new, o)
		if took := time.Since(began); err != nil || !r.Clean() || r.Read != 2080 || took < 6*time.Second || took > 10*time.Second {
			t.Errorf("%v %+v, in %v", err, r, took)
		}
	})
}

package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/stores"
)

// sometimes injects every kind of fault, each request with the probability p in percent.
func sometimes(p int) func(string, *rand.Rand) fault {
	kinds := dynamotest.Faults()
	if strings.Contains(os.Getenv(endpointVariable), "amazonaws.com") {
		kinds = kinds[:len(kinds)-1] // a part of a request would not have the right signature
	}
	return func(_ string, rng *rand.Rand) fault {
		if rng.IntN(100) >= p {
			return ""
		}
		return kinds[rng.IntN(len(kinds))]
	}
}

// flaky opens a table twice: through faults, and without any.
func flaky(t *testing.T, o *Options[string, note], seed uint64, decide func(string, *rand.Rand) fault) (*faulty, *Store[string, note], *Store[string, note]) {
	t.Helper()
	exact := notes(t, o)
	f := newFaulty(seed, func(string, *rand.Rand) fault { return "" })
	s := open(t, newClient(t, f.with), exact.table.name, o)
	f.Decide(decide)
	return f, s, exact
}

// TestFaultsDropNothingAndCountNothingTwice compares each outcome of batches with what is stored then.
func TestFaultsDropNothingAndCountNothingTwice(t *testing.T) {
	t.Parallel()
	seed := seed(t)
	f, s, exact := flaky(t, nil, seed, sometimes(40))
	rng := rand.New(rand.NewPCG(seed, 3))
	outcomes := map[stores.Outcome]int{}
	for round := range 8 {
		// Of each 400 writes some find nothing, some an older record, some a newer one.
		writes := make([]write, 400)
		before := make([]record, len(writes))
		for i := range writes {
			key := fmt.Sprintf("r%d-%d", round, i)
			version := stamp(100 + i)
			if n := rng.IntN(3); n > 0 {
				before[i] = live([]stores.Version{stamp(5), stamp(5000)}[n-1], stores.Unknown, -1)
			}
			writes[i] = write{Key: key, Record: live(version, stores.Absent, int64(i)), If: stores.IfOlder(version)}
			if rng.IntN(4) == 0 {
				writes[i].If = stores.IfStamp(stamp(5))
			}
		}
		fillWith(t, exact, writes, before)
		errs, err := s.PutMany(t.Context(), writes)
		if err != nil || len(errs) != len(writes) {
			t.Fatalf("%d outcomes, %v", len(errs), err)
		}
		keys := make([]string, len(writes))
		for i, w := range writes {
			keys[i] = w.Key
		}
		after, err := exact.GetMany(t.Context(), keys)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range writes {
			outcome, stored := stores.OutcomeOf(errs[i])
			outcomes[outcome]++
			got, err := stores.OrAbsent(after[i].Record, after[i].Err)
			if err != nil {
				t.Fatal(err)
			}
			if before[i].Version.IsUnknown() {
				before[i].Version = stores.Absent
			}
			is := func(r record) bool { return got.Meta == r.Meta && got.Value.N == r.Value.N }
			ok := false
			switch outcome {
			case stores.OutcomeApplied:
				ok = is(w.Record)
			case stores.OutcomeRefused:
				ok = stored == got.Meta && (stored.Shows(w.Record.Version) || is(before[i])) && !w.If.Holds(stored.Version)
			case stores.OutcomeFailed:
				ok = is(before[i])
			case stores.OutcomeUnknown:
				ok = is(before[i]) || is(w.Record)
			}
			if !ok {
				t.Errorf("%s, %v: outcome %v; before %+v, now %+v", w.Key, w.If, errs[i], before[i], got)
			}
		}
	}
	for _, o := range []stores.Outcome{stores.OutcomeApplied, stores.OutcomeRefused, stores.OutcomeUnknown} {
		if outcomes[o] == 0 {
			t.Errorf("no write had outcome %d: %v", o, outcomes)
		}
	}
	for _, kind := range dynamotest.Faults() {
		if f.Injected()[kind] == 0 {
			t.Errorf("no request was %s", kind)
		}
	}
	t.Log(outcomes, f.Injected())
}

// fillWith stores what is there before a batch.
func fillWith(t *testing.T, s *Store[string, note], writes []write, before []record) {
	t.Helper()
	var fill []write
	for i, w := range writes {
		if v := before[i].Version; !v.IsUnknown() {
			fill = append(fill, write{Key: w.Key, Record: before[i], If: stores.IfOlder(v)})
		}
	}
	errs, err := s.PutMany(t.Context(), fill)
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
}

// TestFaultsLeaveNoKeyOutOfABatchRead: what DynamoDB leaves out is asked for again, and never taken for missing.
func TestFaultsLeaveNoKeyOutOfABatchRead(t *testing.T) {
	t.Parallel()
	for _, transactional := range []bool{false, true} {
		t.Run(fmt.Sprint("transactions ", transactional), func(t *testing.T) {
			t.Parallel()
			f, s, exact := flaky(t, &Options[string, note]{TransactReads: transactional}, seed(t), sometimes(50))
			const n = 300
			var writes []write
			for i := range n {
				writes = append(writes, write{Key: fmt.Sprint("k", i), Record: live(stamp(1), stores.Unknown, int64(i)), If: stores.IfOlder(stamp(1))})
			}
			fillWith(t, exact, writes, recordsOf(writes))
			answered := 0
			for range 10 {
				var keys []string
				for i := range 2 * n {
					keys = append(keys, fmt.Sprint("k", i))
				}
				res, err := s.GetMany(t.Context(), keys)
				if err != nil {
					t.Fatal(err)
				}
				for i, r := range res {
					switch {
					case errors.Is(r.Err, stores.ErrTransient):
						continue
					case i < n && (r.Err != nil || r.Record.Value.N != int64(i)):
						t.Errorf("key %d: %+v, %v", i, r.Record, r.Err)
					case i >= n && !errors.Is(r.Err, stores.ErrNotFound):
						t.Errorf("missing key %d: %+v, %v", i, r.Record, r.Err)
					}
					answered++
				}
			}
			if !transactional && f.Injected()[partial] == 0 || answered == 0 {
				t.Errorf("injected %v, answered %d", f.Injected(), answered)
			}
		})
	}
}

func recordsOf(writes []write) (all []record) {
	for _, w := range writes {
		all = append(all, w.Record)
	}
	return all
}

// TestFaultsLoseNoUpdate: compare and set adds up although answers are lost, whatever the SDK sends again behind it. An
// increment that is said to be applied is, once; one that is said not to be is not.
func TestFaultsLoseNoUpdate(t *testing.T) {
	t.Parallel()
	f, s, exact := flaky(t, nil, seed(t), sometimes(30))
	const writers, rounds = 8, 40
	mustPut(t, exact, write{Key: "k", Record: live(stamp(1), stores.Absent, 0), If: stores.IfOlder(stamp(1))})
	var wg sync.WaitGroup
	var sure, maybe atomic.Int64
	for range writers {
		wg.Go(func() {
			for range rounds {
				applied, err := increment(t.Context(), s, exact)
				switch {
				case err != nil:
					t.Error(err)
					return
				case applied:
					sure.Add(1)
				default:
					maybe.Add(1)
				}
			}
		})
	}
	wg.Wait()
	r, err := exact.Get(t.Context(), "k")
	if low, high := sure.Load(), sure.Load()+maybe.Load(); err != nil || r.Value.N < low || r.Value.N > high || low < rounds {
		t.Errorf("the sum is %d (%v), want %d to %d; %v", r.Value.N, err, low, high, f.Injected())
	}
	t.Log(sure.Load(), maybe.Load(), r.Value.N, f.Injected())
}

// increment adds one to the record. After an unknown outcome the same write is sent again; what is refused then by
// another's is not known to be applied.
func increment(ctx context.Context, s, exact *Store[string, note]) (applied bool, err error) {
	clock, err := stores.NewClock(nil)
	if err != nil {
		return false, err
	}
	for {
		r, err := exact.Get(ctx, "k")
		if err != nil {
			return false, err
		}
		v, err := clock.Next(r.Version)
		if err != nil {
			return false, err
		}
		w := write{Key: "k", Record: live(v, r.Version, r.Value.N+1), If: stores.IfStamp(r.Version)}
		for doubt := false; ; {
			err := s.Put(ctx, w)
			outcome, stored := stores.OutcomeOf(err)
			doubt = doubt || outcome == stores.OutcomeUnknown
			if outcome == stores.OutcomeRejected {
				return false, err
			}
			if outcome == stores.OutcomeApplied || outcome == stores.OutcomeRefused && stored.Shows(v) {
				return true, nil
			}
			if outcome == stores.OutcomeRefused && doubt {
				return false, nil
			}
			if outcome == stores.OutcomeRefused {
				break
			}
		}
	}
}

// TestFaultsTearNoPair: a pair that is said to be stored is in both places, one that is refused or failed in none.
func TestFaultsTearNoPair(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	o := &Options[string, note]{TransactReads: true}
	tables := []string{newTable(t, client, "id:S"), newTable(t, client, "id:S")}
	f := newFaulty(seed(t), func(string, *rand.Rand) fault { return "" })
	flakyClient := newClient(t, f.with)
	a, b := open(t, flakyClient, tables[0], o), open(t, flakyClient, tables[1], o)
	exactA, exactB := open(t, client, tables[0], o), open(t, client, tables[1], o)
	f.Decide(sometimes(40))
	outcomes := map[stores.Outcome]int{}
	for i := range 300 {
		key := fmt.Sprint("k", i)
		w := write{Key: key, Record: live(stamp(i+1), stores.Absent, int64(i)), If: stores.IfStamp(stores.Absent)}
		if i%3 == 0 {
			mustPut(t, exactB, write{Key: key, Record: live(stamp(9999), stores.Unknown, -1), If: stores.IfOlder(stamp(9999))})
		}
		err := stores.PutPair(t.Context(), a, w, b, w)
		outcome, _ := stores.OutcomeOf(err)
		outcomes[outcome]++
		ra, errA := stores.OrAbsent(exactA.Get(t.Context(), key))
		rb, errB := stores.OrAbsent(exactB.Get(t.Context(), key))
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		here, there := ra.Version == w.Record.Version, rb.Version == w.Record.Version
		var pair *stores.PairError
		shows := false
		if errors.As(err, &pair) {
			for _, half := range []error{pair.First, pair.Second} {
				_, stored := stores.OutcomeOf(half)
				shows = shows || stored.Shows(w.Record.Version)
			}
		}
		want := outcome == stores.OutcomeApplied || shows
		if here != there || outcome != stores.OutcomeUnknown && here != want {
			t.Errorf("%s: %v: in the first %v, in the second %v", key, err, here, there)
		}
	}
	for _, o := range []stores.Outcome{stores.OutcomeApplied, stores.OutcomeRefused} {
		if outcomes[o] < 10 {
			t.Errorf("outcomes %v", outcomes)
		}
	}
	t.Log(outcomes, f.Injected())
}

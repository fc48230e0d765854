package mongostore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

// Random batches leave the same records and give the same answers as the writes one by one in memory.
func TestBatchesEqualSequences(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for name, o := range map[string]*Options[string, counter]{
		"whole": nil,
		"view":  {Fields: []string{"n"}},
		"all":   {Encode: encodeCounter, Decode: decodeCounter},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			coll := mongotest.Collection(t)
			s := open(t, coll, o)
			model, err := memstore.New[string, counter](stores.StringKeys[string](), nil)
			if err != nil {
				t.Fatal(err)
			}
			for round := range 30 {
				ws := randomBatch(random)
				s.filled.full.Store(round%2 == 0)
				errs, err := s.PutMany(t.Context(), ws)
				if err != nil {
					t.Fatal(err)
				}
				for i, w := range ws {
					want := model.Put(t.Context(), w)
					if diff := cmp.Diff(answerOf(want), answerOf(errs[i])); diff != "" {
						t.Fatalf("seed %d, round %d, write %d of %d: %q %v on %v: got %v, want %v", seed, round, i, len(ws), w.Key, w.Record.Version, w.If, errs[i], want)
					}
				}
			}
			if diff := cmp.Diff(contents(t, model), contents(t, s)); diff != "" {
				t.Errorf("seed %d: -want +got\n%s", seed, diff)
			}
		})
	}
}

func encodeCounter(c counter) (bson.D, error) { return bson.D{{Key: "n", Value: c.N}}, nil }

func decodeCounter(doc bson.Raw) (c counter, err error) { return c, bson.Unmarshal(doc, &c) }

// randomBatch has keys more than once, every condition, tombstones, unstamped records, and invalid writes.
func randomBatch(random *rand.Rand) []counterWrite {
	version := func() stores.Version {
		if n := random.Int64N(12); n > 1 {
			return stampAt(n)
		} else if n == 1 {
			return stores.Unstamped
		}
		return stores.Absent
	}
	ws := make([]counterWrite, 1+random.IntN(40))
	for i := range ws {
		n := 2 + random.Int64N(10)
		w := put(fmt.Sprint(random.IntN(12)), n, stores.IfStamp(version()))
		switch random.IntN(6) {
		case 0, 1:
			w.If = stores.IfOlder(stampAt(n))
		case 2:
			w.If = stores.IfAtMost(version(), stores.Unknown)
		case 3:
			w.If = stores.IfAtMost(version(), stampAt(2+random.Int64N(10)))
		case 4:
			w.If = stores.IfOlder(stores.Unstamped)
			if random.IntN(2) == 0 {
				w.Record.Meta = stores.Meta{Version: stores.Unstamped}
			}
		}
		if !w.Record.Version.IsUnstamped() {
			w.Record.Prev = version()
			w.Record.Intent = random.IntN(4) == 0
			if w.Record.Deleted = random.IntN(4) == 0; w.Record.Deleted {
				w.Record.Value = counter{}
			}
		}
		if random.IntN(20) == 0 {
			w.If = stores.Condition{}
		}
		ws[i] = w
	}
	return ws
}

// answerOf is the outcome and what is stored instead.
func answerOf(err error) string {
	outcome, stored := stores.OutcomeOf(err)
	return fmt.Sprintf("%v %v %v %v %v", outcome, stored.Version, stored.Prev, stored.Deleted, stored.Intent)
}

func contents(tb testing.TB, s stores.Store[string, counter]) []string {
	tb.Helper()
	var all []string
	for e, err := range s.Scan(tb.Context(), "", nil) {
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%q %v %v %v %v %v", e.Key, e.Record.Version, e.Record.Prev, e.Record.Deleted, e.Record.Intent, e.Record.Value))
	}
	slices.Sort(all)
	return all
}

// Another unique index refuses some writes of a batch for good, and the others are stored.
func TestAnotherUniqueIndexInABatch(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{true, false} {
		coll := mongotest.Collection(t)
		if _, err := coll.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "n", Value: 1}}, Options: options.Index().
			SetUnique(true).SetPartialFilterExpression(bson.D{{Key: "n", Value: bson.D{{Key: "$exists", Value: true}}}})}); err != nil {
			t.Fatal(err)
		}
		s := open[string, counter](t, coll, nil)
		for i := range int64(3) {
			if err := s.Put(t.Context(), blind(fmt.Sprint(i), i+1)); err != nil {
				t.Fatal(err)
			}
		}
		ws := []counterWrite{blind("new", 10), blind("0", 11), blind("1", 12), blind("2", 1), put("0", 14, stores.IfStamp(stampAt(11)))}
		ws[0].Record.Value.N = 2 // "1" has it
		ws[1].Record.Value.N = 3 // "2" has it
		s.filled.full.Store(full)
		errs, err := s.PutMany(t.Context(), ws)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []stores.Outcome{stores.OutcomeRejected, stores.OutcomeRejected, stores.OutcomeApplied, stores.OutcomeRefused, stores.OutcomeRefused} {
			if got, _ := stores.OutcomeOf(errs[i]); got != want {
				t.Errorf("full=%v: write %d: outcome %v (%v), want %v", full, i, got, errs[i], want)
			}
		}
		if _, err := s.Get(t.Context(), "new"); !errors.Is(err, stores.ErrNotFound) {
			t.Errorf("the refused record: %v", err)
		}
		for i := range int64(3) { // tombstones do not collide
			w := blind(fmt.Sprint(i), 20+i)
			w.Record.Deleted, w.Record.Value = true, counter{}
			if err := s.Put(t.Context(), w); err != nil {
				t.Error(err)
			}
		}
	}
}

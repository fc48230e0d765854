package mongostore

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// session is a value that expires.
type session struct {
	N  int64     `bson:"n"`
	At time.Time `bson:"at"`
}

type sessionWrite = stores.Write[string, session]

var (
	past   = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	future = time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)
)

// expiring are stores with values that expire, of each kind.
func expiring() map[string]*Options[string, session] {
	at := func(s session) time.Time { return s.At }
	strict := func(doc bson.Raw) (s session, err error) {
		elements, err := doc.Elements()
		if err == nil && len(elements) > 3 { // with _id
			err = fmt.Errorf("there are fields of others: %v", doc)
		}
		return s, errors.Join(err, bson.Unmarshal(doc, &s))
	}
	encode := func(s session) (bson.D, error) {
		return bson.D{{Key: "n", Value: s.N}, {Key: "at", Value: s.At}}, nil
	}
	return map[string]*Options[string, session]{
		"struct": {ExpiresAt: at},
		"view":   {ExpiresAt: at, Fields: []string{"n", "at"}},
		"coded":  {ExpiresAt: at, Fields: []string{"n", "at"}, Encode: encode, Decode: strict},
		"all":    {ExpiresAt: at, Encode: encode, Decode: func(doc bson.Raw) (s session, err error) { return s, bson.Unmarshal(doc, &s) }},
	}
}

func sessionPut(key string, n int64, at time.Time, cond stores.Condition) sessionWrite {
	return sessionWrite{Key: key, Record: stores.Record[session]{Meta: stores.Meta{Version: stampAt(n)}, Value: session{n, at}}, If: cond}
}

func TestExpiredRecords(t *testing.T) {
	t.Parallel()
	for name, o := range expiring() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			coll := mongotest.Collection(t)
			s := open(t, coll, o)
			for key, at := range map[string]time.Time{"dead": past, "alive": future, "for ever": {}} {
				w := sessionPut(key, 5, at, stores.IfOlder(stampAt(5)))
				w.Record.Prev, w.Record.Intent = stampAt(4), true
				if err := s.Put(t.Context(), w); err != nil {
					t.Fatal(err)
				}
				if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "plain " + key}, {Key: "n", Value: int64(1)}, {Key: "at", Value: at}}); err != nil {
					t.Fatal(err)
				}
			}
			want := map[string]stores.Meta{
				"dead":           {Version: stampAt(5), Prev: stampAt(4), Intent: true, Deleted: true},
				"alive":          {Version: stampAt(5), Prev: stampAt(4), Intent: true},
				"for ever":       {Version: stampAt(5), Prev: stampAt(4), Intent: true},
				"plain alive":    {Version: stores.Unstamped},
				"plain for ever": {Version: stores.Unstamped},
				"plain dead":     {Version: stores.Absent},
			}
			check := func(how, key string, m stores.Meta, value session) {
				t.Helper()
				if m != want[key] || m.Deleted && value != (session{}) {
					t.Errorf("%s %q: %+v %v, want %+v", how, key, m, value, want[key])
				}
			}
			scanned := 0
			for e, err := range s.Scan(t.Context(), "", nil) {
				if err != nil {
					t.Fatal(err)
				}
				check("scan", e.Key, e.Record.Meta, e.Record.Value)
				scanned++
			}
			if scanned != len(want)-1 {
				t.Errorf("%d records in a scan, want %d", scanned, len(want)-1)
			}
			for key := range want {
				r, err := s.Get(t.Context(), key)
				r, _ = stores.OrAbsent(r, err)
				check("get", key, r.Meta, r.Value)
				res, err := s.GetMany(t.Context(), []string{key})
				if err != nil {
					t.Fatal(err)
				}
				r, _ = stores.OrAbsent(res[0].Record, res[0].Err)
				check("get many", key, r.Meta, r.Value)
				for _, err := range refusals(t, s, sessionPut(key, 3, future, stores.IfStamp(stampAt(3)))) {
					outcome, m := stores.OutcomeOf(err)
					if outcome != stores.OutcomeRefused {
						t.Errorf("%q: %v", key, err)
					}
					check("refusal", key, m, session{})
				}
			}
		})
	}
}

// refusals are the answers to a write on its own and in batches.
func refusals[V any](t *testing.T, s *Store[string, V], w stores.Write[string, V]) []error {
	t.Helper()
	errs := []error{s.Put(t.Context(), w)}
	for _, full := range []bool{true, false} {
		s.filled.full.Store(full)
		w.If = stores.IfStamp(stores.Absent)
		if _, err := s.Get(t.Context(), w.Key); errors.Is(err, stores.ErrNotFound) {
			break // that would be stored
		}
		many, err := s.PutMany(t.Context(), []stores.Write[string, V]{w})
		if err != nil {
			t.Fatal(err)
		}
		errs = append(errs, many...)
	}
	return errs
}

// What has expired without a stamp is nothing: of many who create it, one wins.
func TestExpiredUnstampedIsReplacedOnce(t *testing.T) {
	t.Parallel()
	const writers = 16
	for name, o := range expiring() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			coll := mongotest.Collection(t)
			s := open(t, coll, o)
			for i, write := range []func(int64) sessionWrite{
				func(n int64) sessionWrite { return sessionPut("", n, future, stores.IfStamp(stores.Absent)) },
				func(n int64) sessionWrite {
					return sessionPut("", n, future, stores.IfAtMost(stores.Absent, stampAt(1000)))
				},
				func(n int64) sessionWrite { // a copy
					return sessionWrite{Record: stores.Record[session]{Meta: stores.Meta{Version: stores.Unstamped}, Value: session{n, future}}, If: stores.IfOlder(stores.Unstamped)}
				},
			} {
				key := fmt.Sprint(i)
				if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: key}, {Key: "n", Value: int64(1)}, {Key: "at", Value: past}, {Key: "other", Value: "kept"}}); err != nil {
					t.Fatal(err)
				}
				var won atomic.Int64
				var g sync.WaitGroup
				for n := range int64(writers) {
					g.Go(func() {
						w := write(n + 2)
						w.Key = key
						errs := []error{nil}
						if n%2 == 0 {
							errs[0] = s.Put(t.Context(), w)
						} else if errs, _ = s.PutMany(t.Context(), []sessionWrite{w}); errs == nil {
							t.Error("no answer")
							return
						}
						switch outcome, _ := stores.OutcomeOf(errs[0]); outcome {
						case stores.OutcomeApplied:
							won.Add(1)
						case stores.OutcomeRefused, stores.OutcomeFailed:
						default:
							t.Errorf("write %d: %v", n, errs[0])
						}
					})
				}
				g.Wait()
				if won.Load() != 1 {
					t.Errorf("condition %d: %d of %d writers won", i, won.Load(), writers)
				}
				if r, err := s.Get(t.Context(), key); err != nil || !r.Value.At.Equal(future) {
					t.Errorf("condition %d: stored is %+v, %v", i, r, err)
				}
				if name != "all" && document1(t, coll, key)["other"] != "kept" {
					t.Errorf("condition %d: the field of others is gone", i)
				}
			}
		})
	}
}

// A tombstone has no field of the view, so that the database's own expiry has nothing to go by.
func TestTombstonesCarryNoFields(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	s := open(t, coll, expiring()["struct"])
	for n, deleted := range []bool{false, true} {
		w := sessionPut("a", int64(n+1), future, stores.IfOlder(stampAt(int64(n+1))))
		if w.Record.Deleted = deleted; deleted {
			w.Record.Value = session{}
		}
		if err := s.Put(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	if doc := document1(t, coll, "a"); len(doc) != 2 {
		t.Errorf("the tombstone is %v", doc)
	}
}

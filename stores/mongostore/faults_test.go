package mongostore

import (
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// quick makes a client find out soon that a server is back.
func quick() *options.ClientOptions {
	return options.Client().SetHeartbeatInterval(500 * time.Millisecond)
}

// truthful checks the outcome that a write reported against what is stored under its key.
func truthful(tb testing.TB, s *counterStore, w counterWrite, err error) {
	tb.Helper()
	r, getErr := s.Get(tb.Context(), w.Key)
	if r, getErr = stores.OrAbsent(r, getErr); getErr != nil {
		tb.Fatal(getErr)
	}
	shows := r.Shows(w.Record.Version)
	switch outcome, _ := stores.OutcomeOf(err); {
	case outcome == stores.OutcomeApplied && !shows:
		tb.Errorf("%q: %v reported as applied, but stored is %v", w.Key, w.Record.Version, r.Version)
	case outcome != stores.OutcomeApplied && outcome != stores.OutcomeUnknown && outcome != stores.OutcomeRefused && shows:
		tb.Errorf("%q: %v is stored, but was reported as without effect: %v", w.Key, w.Record.Version, err)
	}
}

// fault is something that happens to the next write.
type fault struct {
	name string
	mode any
	data bson.D
	// lose is how many answers are lost, after the server has done what they are about.
	lose int64
	// want is the outcome with retryable writes, and without.
	want [2]stores.Outcome
}

func faults() []fault {
	const applied, unknown, refused = stores.OutcomeApplied, stores.OutcomeUnknown, stores.OutcomeRefused
	writes := bson.E{Key: "failCommands", Value: bson.A{"update", "insert"}}
	code := func(n int, labels ...string) bson.D {
		d := bson.D{writes, {Key: "errorCode", Value: n}}
		if labels != nil {
			d = append(d, bson.E{Key: "errorLabels", Value: labels})
		}
		return d
	}
	closes := bson.D{writes, {Key: "closeConnection", Value: true}}
	concern := func(n int) bson.D {
		return bson.D{writes, {Key: "writeConcernError", Value: bson.D{{Key: "code", Value: n}, {Key: "errmsg", Value: "waiting for replication"}}}}
	}
	return []fault{
		{name: "answer lost", lose: 1, want: [2]stores.Outcome{applied, unknown}},
		{name: "answer lost twice", lose: 2, want: [2]stores.Outcome{unknown, unknown}},
		{name: "closed once", mode: times(1), data: closes, want: [2]stores.Outcome{applied, unknown}},
		{name: "closed twice", mode: times(2), data: closes, want: [2]stores.Outcome{unknown, unknown}},
		{name: "not primary", mode: times(1), data: code(10107, "RetryableWriteError"), want: [2]stores.Outcome{applied, unknown}},
		{name: "shutting down, nothing written", mode: times(2), data: code(91, "RetryableWriteError", "NoWritesPerformed"), want: [2]stores.Outcome{unknown, unknown}},
		{name: "write conflict", mode: times(1), data: code(112), want: [2]stores.Outcome{unknown, unknown}},
		{name: "time limit", mode: times(1), data: code(50), want: [2]stores.Outcome{unknown, unknown}},
		{name: "no rights", mode: times(1), data: code(13), want: [2]stores.Outcome{unknown, unknown}},
		{name: "write concern", mode: times(1), data: concern(64), want: [2]stores.Outcome{unknown, unknown}},
		{name: "write concern, interrupted", mode: times(1), data: concern(11600), want: [2]stores.Outcome{unknown, unknown}},
		// The first try is applied and its answer lost; the second meets something else. What is said of the second is
		// not true of the write.
		{name: "answer lost, then no rights", lose: 1, mode: bson.D{{Key: "skip", Value: 1}}, data: code(13), want: [2]stores.Outcome{unknown, unknown}},
		{name: "answer lost, then not primary", lose: 1, mode: bson.D{{Key: "skip", Value: 1}}, data: code(10107), want: [2]stores.Outcome{unknown, unknown}},
		{name: "nothing", want: [2]stores.Outcome{applied, applied}},
		{name: "refused", want: [2]stores.Outcome{refused, refused}},
	}
}

func TestReportedOutcomesAreTrue(t *testing.T) {
	t.Parallel()
	for i, retry := range []bool{true, false} {
		t.Run(fmt.Sprintf("retryable writes %v", retry), func(t *testing.T) {
			t.Parallel()
			p, admin := ownServer(t)
			l := &lossy{commands: []string{"update", "insert"}}
			client := mongotest.Connect(t, mongotest.Address(p), retryWrites(retry), quick(), options.Client().SetDialer(l))
			s := open[string, counter](t, client.Database("d").Collection("records"), nil)
			for _, f := range faults() {
				t.Run(f.name, func(t *testing.T) {
					for name, w := range writesFor(t, s, f.name) {
						errs := meet(t, s, admin, l, f, w)
						for j := range errs {
							if got, _ := stores.OutcomeOf(errs[j]); got != f.want[i] {
								t.Errorf("%s: outcome %v (%v), want %v", name, got, errs[j], f.want[i])
							}
							truthful(t, s, w[j], errs[j])
						}
					}
				})
			}
		})
	}
}

// writesFor are writes of each kind: an update, an insert, and a batch of both.
func writesFor(tb testing.TB, s *counterStore, name string) map[string][]counterWrite {
	tb.Helper()
	key := func(kind string, i int) string { return fmt.Sprint(name, " ", kind, " ", i) }
	there := []string{key("update", 0), key("batch", 0), key("batch", 1)}
	for _, k := range there {
		if err := s.Put(tb.Context(), blind(k, 1)); err != nil {
			tb.Fatal(err)
		}
	}
	if name == "refused" {
		return map[string][]counterWrite{
			"update": {blind(there[0], 1)},
			"insert": {put(there[0], 2, stores.IfStamp(stores.Absent))},
		}
	}
	const stamp = 2
	return map[string][]counterWrite{
		"update": {put(there[0], stamp, stores.IfStamp(stampAt(1)))},
		"insert": {put(key("insert", 0), stamp, stores.IfStamp(stores.Absent))},
		"batch":  {blind(there[1], stamp), blind(there[2], stamp)},
	}
}

// meet sends writes into a fault, several of them as a batch in each of its two ways.
func meet(t *testing.T, s *counterStore, admin *mongo.Client, l *lossy, f fault, ws []counterWrite) (errs []error) {
	if f.mode != nil {
		failCommand(t, admin, f.mode, f.data)
		defer failCommand(t, admin, "off", nil)
	}
	l.arm(f.lose)
	defer l.arm(0)
	if len(ws) == 1 {
		return []error{s.Put(t.Context(), ws[0])}
	}
	s.filled.full.Store(true)
	errs, err := s.PutMany(t.Context(), ws)
	if err != nil {
		t.Fatal(err)
	}
	return errs
}

// A fault in the middle of a batch: some of its commands are done, one's answer is lost.
func TestBatchWithALostAnswer(t *testing.T) {
	t.Parallel()
	p, _ := ownServer(t)
	for _, full := range []bool{true, false} {
		l := &lossy{commands: []string{"update", "insert"}}
		client := mongotest.Connect(t, mongotest.Address(p), retryWrites(false), quick(), options.Client().SetDialer(l))
		s := open[string, counter](t, client.Database("d").Collection(fmt.Sprint("full-", full)), nil)
		var ws []counterWrite
		for i := range 3 * batchWrites / 2 {
			ws = append(ws, blind(fmt.Sprint(i), 5))
		}
		for i := 0; i < len(ws); i += 3 { // some are there, of which every other is newer
			if err := s.Put(t.Context(), blind(ws[i].Key, int64(4+i%2*2))); err != nil {
				t.Fatal(err)
			}
			if i > 300 {
				break
			}
		}
		s.filled.full.Store(full)
		l.arm(1)
		errs, err := s.PutMany(t.Context(), ws)
		if err != nil || l.lost.Load() != 1 {
			t.Fatalf("%v, %d answers lost", err, l.lost.Load())
		}
		var count [5]int
		for i := range ws {
			outcome, _ := stores.OutcomeOf(errs[i])
			count[outcome]++
			truthful(t, s, ws[i], errs[i])
		}
		if count[stores.OutcomeUnknown] == 0 || count[stores.OutcomeApplied] == 0 || count[stores.OutcomeFailed]+count[stores.OutcomeRejected] > 0 {
			t.Errorf("full=%v: unknown, applied, refused, rejected, failed: %v", full, count)
		}
	}
}

// A batch of which some is refused and none is known to be on a majority: what was not refused is not acknowledged.
func TestBatchRefusedAndNotReplicated(t *testing.T) {
	t.Parallel()
	_, admin := ownServer(t)
	s := open[string, counter](t, admin.Database("d").Collection("records"), nil)
	if err := s.Put(t.Context(), blind("there", 5)); err != nil {
		t.Fatal(err)
	}
	failCommand(t, admin, times(1), bson.D{{Key: "failCommands", Value: bson.A{"insert"}},
		{Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 64}, {Key: "errmsg", Value: "waiting"}}}})
	errs, err := s.PutMany(t.Context(), []counterWrite{put("there", 6, stores.IfStamp(stores.Absent)), put("new", 6, stores.IfStamp(stores.Absent))})
	if err != nil {
		t.Fatal(err)
	}
	if outcome, _ := stores.OutcomeOf(errs[1]); outcome != stores.OutcomeUnknown {
		t.Errorf("outcome %v: %v", outcome, errs[1])
	}
	if outcome, _ := stores.OutcomeOf(errs[0]); outcome != stores.OutcomeUnknown && outcome != stores.OutcomeRefused {
		t.Errorf("outcome %v: %v", outcome, errs[0])
	}
}

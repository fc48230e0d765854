package mongostore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/dualwrite/dualwrite/internal/cutproxy"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/internal/servers"
	"github.com/dualwrite/dualwrite/stores"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	write := func(code int) error {
		return mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: code, Message: "message"}}}
	}
	command := func(code int32, labels ...string) error { return mongo.CommandError{Code: code, Labels: labels} }
	const unknown, rejected, failed = stores.OutcomeUnknown, stores.OutcomeRejected, stores.OutcomeFailed
	for _, tc := range []struct {
		name string
		err  error
		want stores.Outcome
	}{
		{"nil", nil, stores.OutcomeApplied},
		{"something else", errors.New("something else"), unknown},
		{"deadline", fmt.Errorf("read: %w", context.DeadlineExceeded), unknown},
		{"cancelled", context.Canceled, unknown},
		{"client disconnected", mongo.ErrClientDisconnected, rejected},
		{"server selection", topology.ServerSelectionError{Wrapped: context.DeadlineExceeded}, failed},
		{"wait queue", topology.WaitQueueTimeoutError{Wrapped: context.DeadlineExceeded}, failed},
		{"too large for the driver", driver.ErrDocumentTooLarge, rejected},
		{"network", command(0, "NetworkError"), unknown},
		{"not primary", command(10107, "RetryableWriteError"), unknown},
		{"stepped down", command(189), unknown},
		{"interrupted", command(11601), unknown},
		{"time limit", command(50), unknown},
		{"write conflict", command(112, "TransientTransactionError"), unknown},
		{"no rights", command(13), unknown},
		{"authentication", command(18), unknown},
		{"transaction numbers on a standalone", command(20), unknown},
		{"bad value", command(2), rejected},
		{"validator", write(121), rejected},
		{"too large", write(10334), rejected},
		{"grows too large", write(17419), rejected},
		{"immutable", write(66), rejected},
		{"disk full", write(14031), unknown},
		{"too deep", write(15), rejected},
		{"no valid BSON", write(22), rejected},
		{"too deep, as a command", command(22), rejected},
		{"2d index: out of bounds", write(13027), rejected},
		{"2d index: one coordinate", write(13068), rejected},
		{"2d index: no location", write(16804), rejected},
		{"text index: the language is no string", write(17261), rejected},
		{"text index: the language is not known", write(17262), rejected},
		{"hashed index of an array", write(16766), rejected},
		{"index keys, since MongoDB 8.3", write(510), rejected},
		{"a place that is not known here", write(7654321), rejected},
		{"a place that is not known here, as a command", command(7654321), unknown},
		{"a place that is not known here, in a batch", mongo.WriteError{Code: 7654321}, rejected},
		{"a name that is not known here", write(999), unknown},
		{"a number of another server", write(8000), unknown},
		{"no code", write(0), unknown},
		{"too many requests", write(16500), unknown},
		{"not primary, of a document", write(10107), unknown},
		{"interrupted, of a document", write(11601), unknown},
		{"interrupted for an upgrade, of a document", write(10045600), unknown},
		{"write conflict, of a document", write(112), unknown},
		{"lock timeout, of a document", write(24), unknown},
		{"temporarily unavailable, of a document", write(365), unknown},
		{"stale routing, of a document", write(13388), unknown},
		{"duplicate, of a document", write(11000), unknown}, // a refusal is looked at before
		{"a place, but to be tried again", mongo.WriteException{
			WriteErrors: mongo.WriteErrors{{Code: 7654321}}, Labels: []string{"RetryableWriteError"},
		}, unknown},
		{"a place, but for the load", mongo.WriteException{
			WriteErrors: mongo.WriteErrors{{Code: 7654321}}, Labels: []string{"SystemOverloadedError"},
		}, unknown},
		{"invalid, but of a transaction that passes", command(2, "TransientTransactionError"), unknown},
		{"validator, but not replicated", mongo.WriteException{
			WriteErrors: mongo.WriteErrors{{Code: 121}}, WriteConcernError: &mongo.WriteConcernError{Code: 64},
		}, unknown},
		{"not replicated, in a batch", mongo.BulkWriteException{WriteConcernError: &mongo.WriteConcernError{Code: 64}}, unknown},
	} {
		if got, _ := stores.OutcomeOf(classify(tc.err)); got != tc.want {
			t.Errorf("%s: outcome %v, want %v: %v", tc.name, got, tc.want, classify(tc.err))
		}
		if tc.err != nil && !errors.Is(fmt.Errorf("%w", classify(tc.err)), tc.err) && !strings.Contains(classify(tc.err).Error(), tc.err.Error()) {
			t.Errorf("%s: the cause is lost: %v", tc.name, classify(tc.err))
		}
	}
}

// What a server says with a code that is a name and not about a document, in any of its categories.
func TestCodesThatPass(t *testing.T) {
	t.Parallel()
	for category, codes := range map[string][]int{
		"network":         {6, 7, 89, 9001, 317, 384, 515, 516},
		"interruption":    {24, 50, 237, 262, 279, 281, 282, 290, 355, 453, 471, 473, 485, 509, 11600, 11601, 11602, 46841, 91331, 10045600},
		"not primary":     {189, 10058, 10107, 11602, 13435, 13436},
		"shutdown":        {91, 333, 11600},
		"stale routing":   {63, 150, 249, 250, 13388},
		"write concern":   {64, 75, 79, 100},
		"cancelled":       {90, 310, 312, 483},
		"time limit":      {50, 202, 262, 290, 407},
		"snapshot":        {239, 246, 250, 272},
		"transaction":     {148, 225, 251, 263, 267, 347, 356, 388},
		"retriable":       {134, 358, 402, 406, 412, 462, 488, 506, 521, 50915},
		"overloaded":      {433, 449, 450, 462, 473, 489, 526},
		"connection":      {223, 233, 288, 303, 354, 372, 398, 525},
		"without one":     {1, 8, 13, 18, 20, 26, 46, 59, 107, 112, 117, 133, 146, 206, 215, 216, 264, 276, 301, 319, 338, 365, 371, 507, 514, 14031},
		"planner":         {9751901, 9751902, 9751903, 9737301, 4938500},
		"of other makers": {8000, 16500},
	} {
		for _, code := range codes {
			for _, err := range []error{mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: code}}}, mongo.CommandError{Code: int32(code)}} {
				if got, _ := stores.OutcomeOf(classify(err)); got != stores.OutcomeUnknown {
					t.Errorf("%s: %T with %d: outcome %v", category, err, code, got)
				}
			}
		}
	}
}

// A server that refuses a command for what is in one of its documents has written none: the others are stored all the same.
func TestBatchThatIsRefusedAsACommand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command string
		full    bool
	}{"inserts": {"insert", false}, "upserts": {"update", true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, admin := ownServer(t)
			s := open[string, counter](t, admin.Database("d").Collection("records"), nil)
			for i := 0; c.full && i < 3; i++ {
				if err := s.Put(t.Context(), blind(fmt.Sprint(i), int64(i+1))); err != nil {
					t.Fatal(err)
				}
			}
			s.filled.full.Store(c.full)
			failCommand(t, admin, times(1), bson.D{{Key: "failCommands", Value: bson.A{c.command}}, {Key: "errorCode", Value: 22}})
			errs, err := s.PutMany(t.Context(), []counterWrite{blind("0", 11), blind("1", 12), blind("2", 13)})
			if err := errors.Join(append(errs, err)...); err != nil {
				t.Errorf("three of which none is at fault: %v", err)
			}
			for i := range 3 {
				if r, err := s.Get(t.Context(), fmt.Sprint(i)); err != nil || !r.Version.Same(stampAt(int64(11+i))) {
					t.Errorf("%d: %v, %v", i, r.Version, err)
				}
			}
		})
	}
}

func TestDuplicateOfWhichIndex(t *testing.T) {
	t.Parallel()
	raw := func(pattern bson.D) bson.Raw {
		b, err := bson.Marshal(bson.D{{Key: "keyPattern", Value: pattern}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, tc := range []struct {
		e         mongo.WriteError
		is, other bool
	}{
		{mongo.WriteError{Code: 121}, false, false},
		{mongo.WriteError{Code: 11000, Raw: raw(bson.D{{Key: "_id", Value: 1}})}, true, false},
		{mongo.WriteError{Code: 11000, Raw: raw(bson.D{{Key: "email", Value: 1}})}, true, true},
		{mongo.WriteError{Code: 11000, Raw: raw(bson.D{{Key: "_id", Value: 1}, {Key: "a", Value: 1}})}, true, true},
		{mongo.WriteError{Code: 11000, Message: "E11000 duplicate key error collection: d.c index: _id_ dup key: { _id: 1 }"}, true, false},
		{mongo.WriteError{Code: 11000, Message: "E11000 duplicate key error collection: d.c index: _id_1_a_1 dup key: { _id: 1 }"}, true, true},
		{mongo.WriteError{Code: 11000, Message: "E11000 duplicate key error collection: d.c index: email_1 dup key: { : 1 }"}, true, true},
		{mongo.WriteError{Code: 11000, Message: "duplicate"}, true, false},
	} {
		if is, other := duplicateError(tc.e); is != tc.is || other != tc.other {
			t.Errorf("%v %v: duplicate %v, of another index %v", tc.e, tc.e.Raw, is, other)
		}
	}
}

// refusedAs sends a write one by one, in a batch of either kind, and checks the outcome and what the error says.
func refusedAs[V any](t *testing.T, s *Store[string, V], w stores.Write[string, V], want stores.Outcome, says ...string) {
	t.Helper()
	try := func(how string, err error) {
		t.Helper()
		if got, _ := stores.OutcomeOf(err); got != want {
			t.Errorf("%s: outcome %v, want %v: %v", how, got, want, err)
			return
		}
		for _, text := range append(says, s.namespace, fmt.Sprintf("%q", w.Key)) {
			if err != nil && want != stores.OutcomeRefused && !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %.300v does not say %q", how, err, text)
			}
		}
	}
	try("single", s.Put(t.Context(), w))
	for _, full := range []bool{true, false} {
		s.filled.full.Store(full)
		errs, err := s.PutMany(t.Context(), []stores.Write[string, V]{w})
		if err != nil {
			t.Fatal(err)
		}
		try(fmt.Sprint("batch, full ", full), errs[0])
	}
}

func TestValidatorRefuses(t *testing.T) {
	t.Parallel()
	db := mongotest.Database(t)
	if err := db.CreateCollection(t.Context(), "records", options.CreateCollection().SetValidator(
		bson.D{{Key: "n", Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$gte", Value: 100}}}}}})); err != nil {
		t.Fatal(err)
	}
	s := open[string, counter](t, db.Collection("records"), nil)
	refusedAs(t, s, blind("a", 200), stores.OutcomeRejected, "validator")
	if err := s.Put(t.Context(), blind("a", 1)); err != nil {
		t.Fatal(err)
	}
	refusedAs(t, s, blind("a", 200), stores.OutcomeRejected, "validator")
}

type blob struct {
	Data []byte `bson:"data"`
}

// A document may have exactly 16 MiB, others' fields included.
func TestDocumentAtTheLimit(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	s := open[string, blob](t, coll, nil)
	sized := func(stamp int64, size int) stores.Write[string, blob] {
		w := stores.Write[string, blob]{Key: "a", Record: stores.Record[blob]{Meta: stores.Meta{Version: stampAt(stamp)}}, If: stores.IfOlder(stampAt(stamp))}
		w.Record.Value.Data = []byte{}
		c, err := s.prepare(&w)
		if err != nil {
			t.Fatal(err)
		}
		w.Record.Value.Data = make([]byte, size-len(s.document(c)))
		return w
	}
	if err := s.Put(t.Context(), sized(1, maxDocument)); err != nil {
		t.Fatalf("a new document at the limit: %v", err)
	}
	if err := s.Put(t.Context(), sized(2, maxDocument)); err != nil {
		t.Fatalf("a document at the limit over another: %v", err)
	}
	if err := s.Check(sized(3, maxDocument+1)); !errors.Is(err, stores.ErrPermanent) {
		t.Errorf("check: %v", err)
	}
	refusedAs(t, s, sized(3, maxDocument+1), stores.OutcomeRejected, "16777216")
	if _, err := coll.UpdateOne(t.Context(), bson.D{}, bson.D{{Key: "$set", Value: bson.D{{Key: "data", Value: nil}, {Key: "others", Value: make([]byte, 1<<20)}}}}); err != nil {
		t.Fatal(err)
	}
	refusedAs(t, s, sized(3, maxDocument-1<<10), stores.OutcomeRejected, "16 MiB")
	if r, err := s.Get(t.Context(), "a"); err != nil || !r.Version.Same(stampAt(2)) {
		t.Errorf("stored is %v, %v", r.Version, err)
	}
}

func TestContextsThatEnd(t *testing.T) {
	t.Parallel()
	s := newShaky(t)
	records := s.records(t, "records", options.Client().SetMaxPoolSize(1))
	if err := records.Put(t.Context(), blind("a", 1)); err != nil {
		t.Fatal(err)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := records.Put(done, blind("a", 2)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	late, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	if err := records.Put(late, blind("a", 2)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("late: %v", err)
	}
	release := s.Stall(cutproxy.Upstream)
	defer release()
	// One takes the only connection and the other waits for it, if both get that far before they have to end.
	for within := 200 * time.Millisecond; ; within *= 2 {
		short, cancel := context.WithTimeout(t.Context(), within)
		stalled := make(chan error)
		go func() { stalled <- records.Put(short, blind("a", 3)) }()
		err, other := records.Put(short, blind("a", 4)), <-stalled
		cancel()
		if oneWaited(t, err, other) || t.Failed() {
			return
		}
		if within > time.Minute {
			t.Fatalf("one of two should have waited for a connection: %v; %v", err, other)
		}
	}
}

// oneWaited tells whether one of two writes waited for a connection, and checks what is said of it, which has sent nothing, and
// of the other one, which may have.
func oneWaited(t *testing.T, err, other error) bool {
	t.Helper()
	var queue topology.WaitQueueTimeoutError
	a, b := errors.As(err, &queue), errors.As(other, &queue)
	if a == b {
		return false
	}
	waited, sent := err, other
	if b {
		waited, sent = other, err
	}
	if outcome, _ := stores.OutcomeOf(waited); outcome != stores.OutcomeFailed || !errors.Is(waited, context.DeadlineExceeded) {
		t.Errorf("waited: outcome %v: %v", outcome, waited)
	}
	if outcome, _ := stores.OutcomeOf(sent); outcome != stores.OutcomeUnknown || !errors.Is(sent, context.DeadlineExceeded) {
		t.Errorf("sent: outcome %v: %v", outcome, sent)
	}
	return true
}

// Options.Timeout is a deadline like the caller's.
func TestTimeoutOption(t *testing.T) {
	t.Parallel()
	s := newShaky(t)
	client := connect(t, s.uri(), quick())
	records := open(t, client.Database("d").Collection("records"), &Options[string, counter]{Timeout: time.Minute})
	if records.timeout != time.Minute {
		t.Fatalf("the timeout is %v", records.timeout)
	}
	records.timeout = 300 * time.Millisecond // New has taken as long as a busy machine needs
	defer s.Stall(cutproxy.Downstream)()
	err := records.Put(t.Context(), blind("a", 1))
	if outcome, _ := stores.OutcomeOf(err); outcome == stores.OutcomeApplied || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestDisconnectedClient(t *testing.T) {
	t.Parallel()
	client, err := mongo.Connect(options.Client().ApplyURI(mongotest.URI(t)))
	if err != nil {
		t.Fatal(err)
	}
	s := open[string, counter](t, client.Database("dualwrite_test_none").Collection("records"), nil)
	if err := client.Disconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), blind("a", 1)); !errors.Is(err, stores.ErrClosed) {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Get(t.Context(), "a"); !errors.Is(err, stores.ErrClosed) {
		t.Errorf("get: %v", err)
	}
	for _, err := range s.Scan(t.Context(), "", nil) {
		if !errors.Is(err, stores.ErrClosed) {
			t.Errorf("scan: %v", err)
		}
	}
}

// A user who may read and not write, and one with a wrong password.
func TestWithoutRights(t *testing.T) {
	t.Parallel()
	p := servers.ForTest(t, servers.MongoDB().With("--auth"))
	as := func(user, password string) *mongo.Database {
		return connect(t, mongotest.Address(p), options.Client().SetServerSelectionTimeout(2*time.Minute).
			SetAuth(options.Credential{Username: user, Password: password, AuthSource: "admin"})).Database("d")
	}
	create := func(on *mongo.Database, user, role, db string) {
		t.Helper()
		if err := on.Client().Database("admin").RunCommand(t.Context(), bson.D{
			{Key: "createUser", Value: user}, {Key: "pwd", Value: "secret"},
			{Key: "roles", Value: bson.A{bson.D{{Key: "role", Value: role}, {Key: "db", Value: db}}}},
		}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	create(connect(t, mongotest.Address(p)).Database("d"), "admin", "root", "admin") // the first one, from the same machine
	create(as("admin", "secret"), "reader", "read", "d")
	s, err := New[string, counter](t.Context(), as("reader", "wrong").Collection("records"), nil)
	if err == nil { // New need not ask
		err = s.Put(t.Context(), blind("a", 1))
	}
	if err == nil || !strings.Contains(err.Error(), "d.records") {
		t.Errorf("with a wrong password: %v", err)
	}
	if outcome, _ := stores.OutcomeOf(err); outcome != stores.OutcomeUnknown && outcome != stores.OutcomeFailed {
		t.Errorf("with a wrong password: outcome %v", outcome)
	}
	refusedAs(t, open[string, counter](t, as("reader", "secret").Collection("records"), nil), blind("a", 1), stores.OutcomeUnknown, "no rights")
}

// A standalone has no retryable writes: what was sent and not answered is unknown, also where the client asks for them.
func TestStandalone(t *testing.T) {
	t.Parallel()
	p := servers.ForTest(t, servers.MongoDB().With("--standalone"))
	l := &lossy{commands: []string{"update", "insert"}}
	s := open[string, counter](t, connect(t, mongotest.Address(p), options.Client().SetDialer(l)).Database("d").Collection("records"), nil)
	for i, w := range []counterWrite{put("a", 1, stores.IfStamp(stores.Absent)), blind("a", 2), put("a", 3, stores.IfStamp(stampAt(2)))} {
		l.arm(1)
		err := s.Put(t.Context(), w)
		if outcome, _ := stores.OutcomeOf(err); outcome != stores.OutcomeUnknown || l.lost.Load() != 1 {
			t.Errorf("write %d: outcome %v, %v", i, outcome, err)
		}
		var refused *stores.ConditionError
		if err := s.Put(t.Context(), w); !errors.As(err, &refused) || !refused.Stored.Shows(w.Record.Version) {
			t.Errorf("write %d again: %v", i, err)
		}
	}
}

// A value that is too large says nothing about whether two places can commit together: it is refused like any invalid half
// of a pair, and the next one is written as a pair again.
func TestInvalidPairOnStandalone(t *testing.T) {
	t.Parallel()
	p := servers.ForTest(t, servers.MongoDB().With("--standalone"))
	db := connect(t, mongotest.Address(p), options.Client()).Database("d")
	view := func(coll, field string) *Store[string, counter] {
		return open(t, db.Collection(coll), &Options[string, counter]{
			Meta: "_" + field, Fields: []string{field},
			Encode: func(c counter) (bson.D, error) {
				return bson.D{{Key: field, Value: strings.Repeat("x", int(c.N))}}, nil
			},
			Decode: func(raw bson.Raw) (counter, error) {
				return counter{N: int64(len(raw.Lookup(field).StringValue()))}, nil
			},
		})
	}
	a, b, elsewhere := view("records", "a"), view("records", "b"), view("others", "b")
	for i, n := range []int64{1, 17 << 20, 2} {
		w := blind("k", n)
		w.Record.Version = stampAt(int64(i + 1))
		w.If = stores.IfOlder(w.Record.Version)
		err := stores.PutPair(t.Context(), a, w, b, w)
		var neither *stores.PairError
		switch tooLarge := n > 1<<20; {
		case !tooLarge && err != nil:
			t.Errorf("%d: %v", i, err)
		case tooLarge && (!errors.As(err, &neither) || !errors.Is(neither.First, stores.ErrPermanent) || !errors.Is(neither.Second, stores.ErrPermanent)):
			t.Errorf("%d: %.200v, want a PairError", i, err)
		}
		if err := stores.PutPair(t.Context(), a, w, elsewhere, w); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%d, two documents: %.200v", i, err)
		}
	}
}

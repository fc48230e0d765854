package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/internal/cutproxy"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/outage"
	"github.com/dualwrite/dualwrite/internal/servers"
	"github.com/dualwrite/dualwrite/stores"
)

// shaky is a server of one's own whose connections break, and which is killed.
type shaky struct {
	*outage.Server
	table string
	// transport has the connections of the clients that go through the proxy, and of no others.
	transport *http.Transport
	// before is called with the operation of each request, before it is sent. Set it before there is a store.
	before func(op string)
}

func newShaky(t *testing.T) *shaky {
	t.Helper()
	s := &shaky{Server: outage.NewServer(t, servers.DynamoDB()), table: "records", transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	t.Cleanup(s.transport.CloseIdleConnections)
	schema, defs := dynamotest.Key("id:S")
	_, err := s.admin().CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: &s.table, KeySchema: schema, AttributeDefinitions: defs, BillingMode: types.BillingModePayPerRequest})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// admin is a client that does not go through the proxy, and is good until the server is killed.
func (s *shaky) admin() *dynamodb.Client { return dynamotest.ClientAt("http://" + s.Process().Addr()) }

// client goes through the proxy. Each attempt of the SDK takes half a minute at most.
func (s *shaky) client(change ...func(*dynamodb.Options)) *dynamodb.Client {
	change = append([]func(*dynamodb.Options){newFaulty(0, nil).with, s.through(30 * time.Second)}, change...)
	return dynamotest.ClientAt("http://"+s.Addr(), change...)
}

// through makes a client go through the proxy, with a bound for each attempt.
func (s *shaky) through(timeout time.Duration) func(*dynamodb.Options) {
	return func(o *dynamodb.Options) {
		o.HTTPClient = observed{s, &http.Client{Transport: s.transport, Timeout: timeout}}
	}
}

// observed is an HTTP client whose requests are told before they are sent.
type observed struct {
	s *shaky
	*http.Client
}

func (o observed) Do(req *http.Request) (*http.Response, error) {
	if target := req.Header.Get("X-Amz-Target"); o.s.before != nil {
		o.s.before(target[strings.LastIndexByte(target, '.')+1:])
	}
	return o.Client.Do(req)
}

// notes opens the table through the proxy and, past it, directly.
func (s *shaky) notes(t *testing.T, o *Options[string, note], change ...func(*dynamodb.Options)) (shaken, direct *Store[string, note]) {
	t.Helper()
	return open(t, s.client(change...), s.table, o), open[string, note](t, s.admin(), s.table, nil)
}

// interruption is something that happens to a scan.
type interruption struct {
	happen func(*testing.T, *shaky) (undo func())
	// ends is how the scan ends that has no way to go on.
	ends    error
	timeout time.Duration // Options.Timeout
}

var interruptions = map[string]interruption{
	"cut":    {happen: func(_ *testing.T, s *shaky) func() { s.Cut(); return s.Heal }},
	"killed": {happen: func(t *testing.T, s *shaky) func() { s.Restart(t); return func() {} }},
	"stalled until cancelled": {ends: context.Canceled,
		happen: func(_ *testing.T, s *shaky) func() { return s.Stall(cutproxy.Downstream) }},
	"stalled until the timeout": {ends: stores.ErrTransient, timeout: 200 * time.Millisecond,
		happen: func(_ *testing.T, s *shaky) func() { return s.Stall(cutproxy.Upstream) }},
	"cut for good": {ends: stores.ErrTransient,
		happen: func(_ *testing.T, s *shaky) func() { s.Cut(); return s.Heal }},
}

// TestScanIsNeverShort: a scan in segments goes on after an interruption, or ends with an error that says whether it may go
// better later; then it goes on from where it was.
func TestScanIsNeverShort(t *testing.T) {
	t.Parallel()
	const n = 501
	for name, in := range interruptions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShaky(t)
			shaken, direct := s.notes(t, &Options[string, note]{PageSize: 50})
			errs, err := direct.PutMany(t.Context(), copyOf(n, 5))
			if err := errors.Join(append(errs, err)...); err != nil {
				t.Fatal(err)
			}
			segs, err := shaken.Segments(t.Context(), 2)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]int{}
			for _, seg := range segs {
				in.scan(t, s, shaken, seg, seen)
			}
			for key, times := range seen {
				if times != 1 {
					t.Errorf("%s was yielded %d times", key, times)
				}
			}
			if len(seen) != n {
				t.Errorf("%d records, want %d", len(seen), n)
			}
		})
	}
}

// scan goes over a segment and is interrupted in the middle of it. If that ends it, another one goes on.
func (in interruption) scan(t *testing.T, s *shaky, shaken *Store[string, note], seg stores.Segment, seen map[string]int) {
	t.Helper()
	const at = 120
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var undo func()
	read := 0
	last, ended := scanSome(ctx, shaken, seg, nil, func(key string) {
		seen[key]++
		if read++; read != at {
			return
		}
		shaken.opts.Timeout = in.timeout // not before: it is short
		if undo = in.happen(t, s); in.ends == nil {
			undo()
		}
		if errors.Is(in.ends, context.Canceled) {
			time.AfterFunc(300*time.Millisecond, cancel)
		}
	})
	shaken.opts.Timeout = 0
	if undo == nil {
		t.Fatalf("the segment has %d records", read)
	}
	if in.ends == nil {
		if ended != nil {
			t.Errorf("the scan ended with %v", ended)
		}
		return
	}
	if !errors.Is(ended, in.ends) {
		t.Errorf("the scan ended with %v, want %v", ended, in.ends)
	}
	undo()
	if _, err := scanSome(t.Context(), shaken, seg, last, func(key string) { seen[key]++ }); err != nil {
		t.Errorf("the scan that goes on: %v", err)
	}
}

// scanSome returns the key of the last record, and the error that ended the scan.
func scanSome(ctx context.Context, s *Store[string, note], seg stores.Segment, after []byte, do func(key string)) (last []byte, ended error) {
	for e, err := range s.Scan(ctx, seg, after) {
		if err != nil {
			return last, err
		}
		last = []byte(e.Key)
		do(e.Key)
	}
	return last, nil
}

// TestBatchDuringAnOutage: the server is cut off, or killed and started again, at some request in the middle of a batch.
func TestBatchDuringAnOutage(t *testing.T) {
	t.Parallel()
	for name, happen := range map[string]func(*testing.T, *shaky){
		"cut":    func(_ *testing.T, s *shaky) { s.Cut(); s.Heal() },
		"killed": func(t *testing.T, s *shaky) { s.Restart(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShaky(t)
			var requests atomic.Int64
			reached := make(chan struct{})
			s.before = func(op string) {
				if op == "BatchExecuteStatement" && requests.Add(1) == 12 {
					close(reached)
				}
			}
			shaken, _ := s.notes(t, nil)
			writes := copyOf(2000, 5)
			for i := 0; i < 2000; i += 20 {
				w := writes[i]
				w.Record, w.If = live(stamp(6), stamp(5), -1), stores.IfStamp(stamp(5))
				writes = append(writes, w) // goes alone, after the others
			}
			var g sync.WaitGroup
			g.Go(func() { <-reached; happen(t, s) })
			errs, err := shaken.PutMany(t.Context(), writes)
			g.Wait()
			if err != nil {
				t.Fatal(err)
			}
			outage.Check(t, open[string, note](t, s.admin(), s.table, nil), writes, errs)
		})
	}
}

// TestStalledConnections: a call ends with its context, or with the bound of the client or of the store. Nobody knows what
// a write left behind; a read may go better later.
func TestStalledConnections(t *testing.T) {
	t.Parallel()
	for _, d := range []cutproxy.Direction{cutproxy.Upstream, cutproxy.Downstream} {
		for _, bound := range []string{"context", "store", "client"} {
			t.Run(fmt.Sprint(bound, d), func(t *testing.T) {
				t.Parallel()
				// On a busy machine a call may end before it is sent: then with more time.
				calls := 200 * time.Millisecond
				for !stalledCalls(t, d, bound, calls) && !t.Failed() {
					if calls *= 2; calls > time.Minute {
						t.Fatal("no write arrived")
					}
				}
			})
		}
	}
}

// stalledCalls makes calls that are not answered and last as long as they may. It tells whether the server got a write, if it
// had to.
func stalledCalls(t *testing.T, d cutproxy.Direction, bound string, calls time.Duration) (arrived bool) {
	t.Helper()
	s := newShaky(t)
	shaken, direct := s.notes(t, nil)
	ofContext := 2 * time.Minute
	switch bound {
	case "client":
		shaken.client = s.client(s.through(calls / 2)) // it was opened with more time
	case "store":
		shaken.opts.Timeout = calls
	default:
		ofContext = calls
	}
	release := s.Stall(d)
	expectNoAnswer(t, shaken, ofContext, bound == "context")
	release()
	r, err := stores.OrAbsent(direct.Get(t.Context(), "key-000000"))
	if err != nil || d == cutproxy.Upstream && !r.Version.IsAbsent() {
		t.Errorf("stored is %+v, %v", r, err)
	}
	return d == cutproxy.Upstream || !r.Version.IsAbsent()
}

// expectNoAnswer makes each kind of call, with a bound.
func expectNoAnswer(t *testing.T, s *Store[string, note], bound time.Duration, ofContext bool) {
	t.Helper()
	bounded := func(call func(context.Context) error) error {
		ctx, cancel := context.WithTimeout(t.Context(), bound)
		defer cancel()
		return call(ctx)
	}
	writes := copyOf(3, 5)
	for name, err := range map[string]error{
		"put": bounded(func(ctx context.Context) error { return s.Put(ctx, writes[0]) }),
		"put many": bounded(func(ctx context.Context) error {
			errs, err := s.PutMany(ctx, writes[1:])
			return errors.Join(append(errs, err)...)
		}),
	} {
		if outcome, _ := stores.OutcomeOf(err); outcome != stores.OutcomeUnknown {
			t.Errorf("%s: %v", name, err)
		}
	}
	want := stores.ErrTransient
	if ofContext {
		want = context.DeadlineExceeded
	}
	for name, err := range map[string]error{
		"get": bounded(func(ctx context.Context) error { _, err := s.Get(ctx, "k"); return err }),
		"get many": bounded(func(ctx context.Context) error {
			res, err := s.GetMany(ctx, []string{"k", "l"})
			if err != nil {
				return err
			}
			return errors.Join(res[0].Err, res[1].Err)
		}),
		"scan": bounded(func(ctx context.Context) error {
			_, err := scanSome(ctx, s, "", nil, func(string) {})
			return err
		}),
	} {
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

// TestCutAfterTheEffect: the write is stored, its connection breaks before the answer, and the SDK sends it again. The
// refusal shows the write, and is no lost race.
func TestCutAfterTheEffect(t *testing.T) {
	t.Parallel()
	s := newShaky(t)
	shaken, direct := s.notes(t, nil)
	release := s.Stall(cutproxy.Downstream)
	var g sync.WaitGroup
	g.Go(func() {
		defer release()
		for try := 1; ; try++ {
			if _, err := direct.Get(t.Context(), "k"); err == nil {
				return
			}
			if stores.Backoff(stores.DefaultBackoff).Wait(t.Context(), try) != nil {
				return
			}
		}
	})
	err := shaken.Put(t.Context(), write{Key: "k", Record: live(stamp(1), stores.Absent, 1), If: stores.IfStamp(stores.Absent)})
	if outcome, stored := stores.OutcomeOf(err); outcome != stores.OutcomeRefused || !stored.Shows(stamp(1)) {
		t.Errorf("%v", err)
	}
	g.Wait()
	s.Cut()
	err = shaken.Put(t.Context(), write{Key: "k", Record: live(stamp(2), stamp(1), 2), If: stores.IfStamp(stamp(1))})
	s.Heal()
	if outcome, _ := stores.OutcomeOf(err); outcome != stores.OutcomeUnknown && outcome != stores.OutcomeFailed {
		t.Errorf("cut off: %v", err)
	}
	if r, err := direct.Get(t.Context(), "k"); err != nil || r.Version != stamp(1) {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestRandomFaultsAreReportedTruthfully: writers write while connections break and stall. What they were told is compared
// with what is stored.
func TestRandomFaultsAreReportedTruthfully(t *testing.T) {
	t.Parallel()
	s := newShaky(t)
	o := &Options[string, outage.Chain]{Timeout: 250 * time.Millisecond}
	store := open(t, s.client(), s.table, o)
	release := func() {}
	storm := outage.Run(t, store, func(random *rand.Rand) {
		switch release(); random.IntN(6) {
		case 0, 1:
			s.Cut()
			s.Heal()
		case 2:
			release = s.Stall(cutproxy.Upstream)
		case 3:
			release = s.Stall(cutproxy.Downstream)
		}
	})
	release()
	storm.Judge(t, open[string, outage.Chain](t, s.admin(), s.table, nil))
}

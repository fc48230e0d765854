package mongostore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/internal/cutproxy"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/internal/outage"
	"github.com/dualwrite/dualwrite/internal/servers"
	"github.com/dualwrite/dualwrite/stores"
)

// shaky is a server of one's own whose connections break, and which is killed.
type shaky struct {
	*outage.Server
	// admin does not go through the proxy, and is good until the server is killed.
	admin *mongo.Client
}

func newShaky(tb testing.TB) *shaky {
	tb.Helper()
	s := &shaky{Server: outage.NewServer(tb, servers.MongoDB())}
	s.admin = connect(tb, mongotest.Address(s.Process()))
	return s
}

func (s *shaky) restart(tb testing.TB) {
	tb.Helper()
	s.Restart(tb)
	s.admin = connect(tb, mongotest.Address(s.Process()))
}

func (s *shaky) uri() string { return "mongodb://" + s.Addr() + "/?directConnection=true" }

// records is a store on the far side of the proxy.
func (s *shaky) records(tb testing.TB, name string, opts ...*options.ClientOptions) *counterStore {
	tb.Helper()
	opts = append([]*options.ClientOptions{quick(), options.Client().SetServerSelectionTimeout(10 * time.Second).SetConnectTimeout(time.Second)}, opts...)
	return open[string, counter](tb, connect(tb, s.uri(), opts...).Database("d").Collection(name), nil)
}

// fill stores n documents of before the SDK.
func fillPlain(tb testing.TB, coll *mongo.Collection, n int) {
	tb.Helper()
	docs := make([]bson.D, n)
	for i := range docs {
		docs[i] = bson.D{{Key: "_id", Value: fmt.Sprintf("%06d", i)}, {Key: "n", Value: int64(i)}}
	}
	if _, err := coll.InsertMany(tb.Context(), docs); err != nil {
		tb.Fatal(err)
	}
}

func TestScanIsNeverShort(t *testing.T) {
	t.Parallel()
	const n = 5*scanBatch/2 + 1
	interrupted := func(code int) func(*testing.T, *shaky) {
		return func(t *testing.T, s *shaky) {
			failCommand(t, s.admin, times(1), bson.D{{Key: "failCommands", Value: bson.A{"getMore"}}, {Key: "errorCode", Value: code}})
		}
	}
	s := newShaky(t)
	fillPlain(t, s.admin.Database("d").Collection("records"), n)
	for _, tc := range []struct {
		name   string
		happen func(*testing.T, *shaky)
		// ends says that the scan has no way to go on.
		ends bool
	}{
		{name: "cut", happen: func(_ *testing.T, s *shaky) { s.Cut(); s.Heal() }},
		{name: "cursor not found", happen: interrupted(43)},
		{name: "cursor killed", happen: interrupted(237)},
		{name: "plan killed", happen: interrupted(175)},
		{name: "stepped down", happen: interrupted(11602)},
		{name: "not primary", happen: interrupted(10107)},
		{name: "shutting down", happen: interrupted(91)},
		{name: "another error", happen: interrupted(8), ends: true},
		{name: "killed", happen: func(t *testing.T, s *shaky) { s.restart(t) }},
		{name: "stalled", ends: true, happen: func(t *testing.T, s *shaky) { t.Cleanup(s.Stall(cutproxy.Downstream)) }},
		{name: "cut for good", ends: true, happen: func(t *testing.T, s *shaky) { s.Cut(); t.Cleanup(s.Heal) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			records := s.records(t, "records", options.Client().SetConnectTimeout(2*time.Minute).SetServerSelectionTimeout(2*time.Minute))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			next := 0
			var ended error
			for e, err := range records.Scan(ctx, "", nil) {
				if ended = err; err != nil {
					break
				}
				if want := fmt.Sprintf("%06d", next); e.Key != want {
					t.Fatalf("got %s, want %s", e.Key, want)
				}
				if next++; next == scanBatch/2 {
					tc.happen(t, s)
					if tc.ends { // if nothing else does, and nothing else does before the safety net
						time.AfterFunc(time.Second, cancel)
					}
				}
			}
			if (ended != nil) != tc.ends || ended == nil && next != n {
				t.Errorf("%d of %d records, then %v", next, n, ended)
			}
			if own := tc.name == "another error"; tc.ends && !own && !errors.Is(ended, context.Canceled) {
				t.Errorf("a scan that was cancelled ended with %v", ended)
			}
		})
	}
}

// The server is cut off, or killed and started again, at some command in the middle of a batch.
func TestBatchDuringAnOutage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		happen func(*testing.T, *shaky)
		retry  bool
	}{
		{name: "cut", retry: true, happen: func(_ *testing.T, s *shaky) { s.Cut(); s.Heal() }},
		{name: "killed", retry: true, happen: func(t *testing.T, s *shaky) { s.restart(t) }},
		{name: "killed, no retryable writes", happen: func(t *testing.T, s *shaky) { s.restart(t) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newShaky(t)
			var armed atomic.Bool
			var batches atomic.Int64
			reached := make(chan struct{})
			var once sync.Once
			monitor := &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
				if armed.Load() && (e.CommandName == "insert" || e.CommandName == "update") && batches.Add(1) == 3 {
					once.Do(func() { close(reached) })
				}
			}}
			records := s.records(t, "records", retryWrites(tc.retry), options.Client().SetMonitor(monitor))
			var ws []counterWrite
			for i := range 4 * batchWrites {
				ws = append(ws, blind(fmt.Sprint(i), 5))
				if i%50 == 0 {
					ws = append(ws, put(fmt.Sprint(i), 6, stores.IfStamp(stampAt(5)))) // goes alone, after the others
				}
			}
			armed.Store(true)
			var g sync.WaitGroup
			g.Go(func() { <-reached; tc.happen(t, s) })
			errs, err := records.PutMany(t.Context(), ws)
			g.Wait()
			if err != nil {
				t.Fatal(err)
			}
			outage.Check(t, open[string, counter](t, s.admin.Database("d").Collection("records"), nil), ws, errs)
		})
	}
}

// A write that is stalled has an unknown outcome, and one that could not be sent has none.
func TestStalledAndUnreachable(t *testing.T) {
	t.Parallel()
	s := newShaky(t)
	records := s.records(t, "records")
	if err := records.Put(t.Context(), blind("a", 1)); err != nil {
		t.Fatal(err)
	}
	release := s.Stall(cutproxy.Downstream)
	direct := open[string, counter](t, s.admin.Database("d").Collection("records"), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	go func() { // until it has arrived
		for ctx.Err() == nil {
			if r, err := direct.Get(ctx, "a"); err == nil && r.Version.Same(stampAt(2)) {
				cancel()
			}
		}
	}()
	err := records.Put(ctx, blind("a", 2))
	if outcome, _ := stores.OutcomeOf(err); outcome != stores.OutcomeUnknown {
		t.Errorf("stalled: outcome %v: %v", outcome, err)
	}
	release()
	if r, err := direct.Get(t.Context(), "a"); err != nil || !r.Version.Same(stampAt(2)) {
		t.Errorf("the stalled write had arrived, but stored is %v, %v", r.Version, err)
	}
	s.Cut()
	var outcome stores.Outcome
	for range 120 { // until the driver knows
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		outcome, _ = stores.OutcomeOf(records.Put(ctx, blind("a", 3)))
		if cancel(); outcome == stores.OutcomeFailed {
			return
		}
	}
	t.Errorf("unreachable: outcome %v, want failed", outcome)
}

// The primary steps down and comes back while writers write.
func TestWritersDuringAStepDown(t *testing.T) {
	t.Parallel()
	p, admin := ownServer(t)
	s := open[string, counter](t, mongotest.Connect(t, mongotest.Address(p), quick()).Database("d").Collection("records"), nil)
	const writers, each = 4, 150
	last := make([]int64, writers)
	var g sync.WaitGroup
	for w := range writers {
		g.Go(func() {
			for i := int64(1); i <= each; i++ {
				if w == 0 && i%50 == 0 {
					stepDown(t, admin)
				}
				err := s.Put(t.Context(), blind(fmt.Sprint(w), i))
				switch outcome, _ := stores.OutcomeOf(err); outcome {
				case stores.OutcomeApplied:
					last[w] = i
				case stores.OutcomeRefused, stores.OutcomeRejected:
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	g.Wait()
	for w, i := range last {
		if r, err := s.Get(t.Context(), fmt.Sprint(w)); err != nil || stampAt(i).Newer(r.Version) {
			t.Errorf("writer %d was told that %d is stored; stored is %v, %v", w, i, r.Version, err)
		}
	}
}

func stepDown(t *testing.T, admin *mongo.Client) {
	cmd := bson.D{{Key: "replSetStepDown", Value: 1}, {Key: "secondaryCatchUpPeriodSecs", Value: 0}, {Key: "force", Value: true}}
	err := admin.Database("admin").RunCommand(t.Context(), cmd).Err()
	var command mongo.CommandError
	if err != nil && !mongo.IsNetworkError(err) && (!errors.As(err, &command) || command.Name != "NotWritablePrimary") {
		t.Error(err)
	}
}

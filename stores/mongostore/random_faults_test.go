package mongostore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/stores"
)

// chain is a value that every write extends by its own stamp: at the end it says which writes took effect.
type chain struct {
	Stamps []string `bson:"stamps"`
}

type (
	chainStore = Store[string, chain]
	chainWrite = stores.Write[string, chain]
)

// reported is what a writer was told about a write.
type reported struct {
	key, stamp string
	err        error
}

// Writers write through a network and a server that fail at random. At the end what they were told is compared with what
// is stored.
func TestRandomFaultsAreReportedTruthfully(t *testing.T) {
	t.Parallel()
	for _, retry := range []bool{true, false} {
		t.Run(fmt.Sprintf("retryable writes %v", retry), func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			w := newStorm(t, seed, retry)
			w.run(t)
			w.judge(t)
		})
	}
}

// storm is the test's world.
type storm struct {
	seed  uint64
	s     *shaky
	l     *lossy
	store *chainStore
	clock *stores.Clock

	mu    sync.Mutex
	tales []reported
}

func newStorm(t *testing.T, seed uint64, retry bool) *storm {
	clock, err := stores.NewClock(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &storm{seed: seed, s: newShaky(t), l: &lossy{commands: []string{"update", "insert"}}, clock: clock}
	client := connect(t, w.s.uri(), quick(), retryWrites(retry), options.Client().SetDialer(w.l).
		SetServerSelectionTimeout(time.Second).SetConnectTimeout(time.Second))
	w.store = open[string, chain](t, client.Database("d").Collection("records"), nil)
	return w
}

func (w *storm) run(t *testing.T) {
	const writers = 6
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var g, chaos sync.WaitGroup
	chaos.Go(func() { w.storm(ctx, t) })
	for i := range writers {
		g.Go(func() { w.write(t, rand.New(rand.NewPCG(w.seed, uint64(i)))) })
	}
	g.Wait()
	stop()
	chaos.Wait()
}

// storm breaks something every few milliseconds.
func (w *storm) storm(ctx context.Context, t *testing.T) {
	random := rand.New(rand.NewPCG(w.seed, 99))
	all := bson.E{Key: "failCommands", Value: bson.A{"update", "insert", "find"}}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		n := 1 + random.IntN(3)
		switch random.IntN(20) {
		case 0:
			w.s.Cut()
			w.s.Heal()
		case 1:
			failCommand(t, w.s.admin, times(n), bson.D{all, {Key: "errorCode", Value: 91}, {Key: "errorLabels", Value: bson.A{"RetryableWriteError"}}})
		case 2, 3, 4:
			failCommand(t, w.s.admin, times(n), bson.D{all, {Key: "closeConnection", Value: true}})
		case 5, 6, 7:
			failCommand(t, w.s.admin, times(n), bson.D{all, {Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 64}, {Key: "errmsg", Value: "waiting"}}}})
		case 8:
			failCommand(t, w.s.admin, times(n), bson.D{all, {Key: "errorCode", Value: 112}})
		case 9, 10, 11, 12:
			w.l.arm(int64(n))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	failCommand(t, w.s.admin, "off", nil)
	w.l.arm(0)
}

// write extends chains, one or several at a time.
func (w *storm) write(t *testing.T, random *rand.Rand) {
	end := time.Now().Add(2 * time.Second)
	for time.Now().Before(end) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+random.IntN(1000))*time.Millisecond)
		var ws []chainWrite
		for range 1 + 5*random.IntN(2) {
			if c, ok := w.next(ctx, t, fmt.Sprint(random.IntN(8)), random.IntN(3) == 0); ok {
				ws = append(ws, c)
			}
		}
		var errs []error
		if len(ws) == 1 {
			errs = []error{w.store.Put(ctx, ws[0])}
		} else if many, err := w.store.PutMany(ctx, ws); err == nil {
			errs = many
		}
		w.mu.Lock()
		for i, err := range errs {
			w.tales = append(w.tales, reported{ws[i].Key, ws[i].Record.Version.String(), err})
		}
		w.mu.Unlock()
		cancel()
	}
}

// next is a write upon what is stored; ok is false if that could not be read.
func (w *storm) next(ctx context.Context, t *testing.T, key string, exactly bool) (c chainWrite, ok bool) {
	r, err := w.store.Get(ctx, key)
	if r, err = stores.OrAbsent(r, err); err != nil {
		return c, false
	}
	v, err := w.clock.Next(r.Version)
	if err != nil {
		t.Error(err)
		return c, false
	}
	c = chainWrite{Key: key, If: stores.IfAtMost(r.Version, stores.Unknown), Record: stores.Record[chain]{
		Meta: stores.Meta{Version: v, Prev: r.Version}, Value: chain{append(slices.Clone(r.Value.Stamps), v.String())},
	}}
	if exactly {
		c.If = stores.IfStamp(r.Version)
	}
	return c, true
}

func (w *storm) judge(t *testing.T) {
	direct := open[string, chain](t, w.s.admin.Database("d").Collection("records"), nil)
	took := make(map[string]map[string]bool)
	for e, err := range direct.Scan(t.Context(), "", nil) {
		if err != nil {
			t.Fatal(err)
		}
		took[e.Key] = make(map[string]bool)
		for _, stamp := range e.Record.Value.Stamps {
			took[e.Key][stamp] = true
		}
	}
	var count [5]int
	for _, r := range w.tales {
		outcome, stored := stores.OutcomeOf(r.err)
		count[outcome]++
		v, _ := stores.ParseVersion(r.stamp)
		there := took[r.key][r.stamp]
		switch outcome {
		case stores.OutcomeApplied:
			if !there {
				t.Errorf("seed %d: %s of %q was acknowledged and is lost", w.seed, r.stamp, r.key)
			}
		case stores.OutcomeRefused, stores.OutcomeRejected, stores.OutcomeFailed:
			if there && !stored.Shows(v) {
				t.Errorf("seed %d: %s of %q is stored, and was reported as without effect: %v", w.seed, r.stamp, r.key, r.err)
			}
		}
	}
	t.Logf("unknown, applied, refused, rejected, failed: %v", count)
	if count[stores.OutcomeApplied] == 0 || count[stores.OutcomeUnknown] == 0 {
		t.Error("nothing was applied, or nothing failed: the test tests nothing")
	}
}

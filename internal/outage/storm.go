package outage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// Chain is a value that every write extends by its own stamp: at the end it says which writes took effect.
type Chain struct {
	Stamps []string `bson:"stamps" dynamodbav:"stamps"`
}

type (
	// Store holds chains.
	Store = stores.Store[string, Chain]
	write = stores.Write[string, Chain]
)

// reported is what a writer was told about a write.
type reported struct {
	key, stamp string
	err        error
}

// Storm is writers who write through a network and a server that fail at random.
type Storm struct {
	seed  uint64
	store Store
	clock *stores.Clock

	mu    sync.Mutex
	tales []reported
	count outcomes
}

// Run lets writers write to the store until enough has become of their writes, however long that takes. Meanwhile fail is
// called every few milliseconds, to break something.
func Run(t *testing.T, store Store, fail func(*rand.Rand)) *Storm {
	t.Helper()
	clock, err := stores.NewClock(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &Storm{seed: rand.Uint64(), store: store, clock: clock}
	t.Logf("seed %d", w.seed)
	const writers = 6
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var g, chaos sync.WaitGroup
	chaos.Go(func() { w.fail(ctx, fail) })
	for i := range writers {
		g.Go(func() { w.write(t, rand.New(rand.NewPCG(w.seed, uint64(i)))) })
	}
	g.Wait()
	stop()
	chaos.Wait()
	return w
}

func (w *Storm) fail(ctx context.Context, fail func(*rand.Rand)) {
	random := rand.New(rand.NewPCG(w.seed, 99))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		fail(random)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// write extends chains, one or several at a time.
func (w *Storm) write(t *testing.T, random *rand.Rand) {
	for end := time.Now().Add(5 * time.Minute); !w.enough() && time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+random.IntN(1000))*time.Millisecond)
		var ws []write
		for range 1 + 5*random.IntN(2) {
			if c, ok := w.next(ctx, t, fmt.Sprint(random.IntN(8)), random.IntN(3) == 0); ok {
				ws = append(ws, c)
			}
		}
		var errs []error
		if len(ws) == 1 {
			errs = []error{w.store.Put(ctx, ws[0])}
		} else if many, err := stores.PutMany(ctx, w.store, ws); err == nil {
			errs = many
		}
		w.mu.Lock()
		for i, err := range errs {
			w.tales = append(w.tales, reported{ws[i].Key, ws[i].Record.Version.String(), err})
			outcome, _ := stores.OutcomeOf(err)
			w.count[outcome]++
		}
		w.mu.Unlock()
		cancel()
	}
}

// enough tells whether the writers have been told enough to be judged.
func (w *Storm) enough() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.tales) >= 300 && w.count[stores.OutcomeApplied] >= 30 && w.count[stores.OutcomeUnknown] >= 30
}

// next is a write upon what is stored; ok is false if that could not be read.
func (w *Storm) next(ctx context.Context, t *testing.T, key string, exactly bool) (c write, ok bool) {
	r, err := stores.OrAbsent(w.store.Get(ctx, key))
	if err != nil {
		return c, false
	}
	v, err := w.clock.Next(r.Version)
	if err != nil {
		t.Error(err)
		return c, false
	}
	c = write{Key: key, If: stores.IfAtMost(r.Version, stores.Unknown), Record: stores.Record[Chain]{
		Meta: stores.Meta{Version: v, Prev: r.Version}, Value: Chain{append(slices.Clone(r.Value.Stamps), v.String())},
	}}
	if exactly {
		c.If = stores.IfStamp(r.Version)
	}
	return c, true
}

// Judge compares what the writers were told with what is stored, which it reads past what failed.
func (w *Storm) Judge(t *testing.T, direct Store) {
	t.Helper()
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
	for _, r := range w.tales {
		outcome, stored := stores.OutcomeOf(r.err)
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
	w.count.log(t)
	if !w.enough() {
		t.Error("too little was applied, or failed: the test tests nothing")
	}
}

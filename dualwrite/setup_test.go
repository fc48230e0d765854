package dualwrite_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/internal/leaktest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// The phases, by the letters that the protocol has for them.
const (
	phaseO = flags.OldOnly
	phaseA = flags.ReadOldWriteBoth
	phaseB = flags.ReadNewWriteBoth
	phaseN = flags.NewOnly
)

type (
	memory = memstore.Store[string, account]
	faulty = storefault.Store[string, account]
	repo   = dualwrite.Repository[string, account]
	record = stores.Record[account]
	write  = stores.Write[string, account]
)

// setting is a source that tests set by hand. The zero setting knows no phase.
type setting struct{ phase atomic.Uint32 }

func (s *setting) Phase(context.Context) (flags.Phase, error) {
	p := flags.Phase(s.phase.Load())
	if !p.Valid() {
		return 0, flags.ErrPhaseUnknown
	}
	return p, nil
}

func (s *setting) set(p flags.Phase) { s.phase.Store(uint32(p)) }

// events remembers what an observer is told.
type events struct {
	mu  sync.Mutex
	all []dualwrite.Event
}

func (e *events) Observe(_ context.Context, ev dualwrite.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

func (e *events) of(kind dualwrite.EventKind) []dualwrite.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []dualwrite.Event
	for _, ev := range e.all {
		if ev.Kind == kind {
			found = append(found, ev)
		}
	}
	return found
}

// place is a store in memory that a test can look into and make fail.
type place struct {
	*memory         // what is stored
	fault   *faulty // what the repository calls
	before  func(ctx context.Context, c storefault.Call) error
	after   func(ctx context.Context, c storefault.Call, err error) error
}

func newPlace(tb testing.TB) *place {
	tb.Helper()
	s, err := memstore.New(stores.StringKeys[string](), &memstore.Options[account]{Clone: func(a account) account { return a }})
	if err != nil {
		tb.Fatal(err)
	}
	p := &place{memory: s}
	p.fault = storefault.New[string, account](s, &storefault.Options{
		Before: func(ctx context.Context, c storefault.Call) error {
			if p.before == nil {
				return nil
			}
			return p.before(ctx, c)
		},
		After: func(ctx context.Context, c storefault.Call, err error) error {
			if p.after == nil {
				return nil
			}
			return p.after(ctx, c, err)
		},
	})
	return p
}

// rig is a repository over two places.
type rig struct {
	*testing.T
	*repo
	phase    *setting
	old, new *place
	events   *events
	clock    *stores.Clock // of another writer, a minute behind
	opts     dualwrite.Options
}

// newRig returns a rig in a phase, which writes to one place after the other. By default its repository does not wait
// between repetitions.
func newRig(t *testing.T, p flags.Phase, o *dualwrite.Options) *rig {
	t.Helper()
	var opts dualwrite.Options
	if o != nil {
		opts = *o
	}
	opts.SeparateWrites = true
	return newRigWith(t, p, opts)
}

// newRigWith is newRig with just these options: by default places in memory are written together.
func newRigWith(t *testing.T, p flags.Phase, opts dualwrite.Options) *rig {
	t.Helper()
	r := &rig{T: t, phase: &setting{}, old: newPlace(t), new: newPlace(t), events: &events{}, opts: opts}
	if r.opts.Observer == nil {
		r.opts.Observer = r.events
	}
	if r.opts.Backoff == nil {
		r.opts.Backoff = func(int) time.Duration { return 0 }
	}
	var err error
	past := func() time.Time { return time.Now().Add(-time.Minute) }
	if r.clock, err = stores.NewClock(&stores.ClockOptions{Now: past}); err != nil {
		t.Fatal(err)
	}
	r.phase.set(p)
	r.repo = r.instance(r.phase)
	return r
}

// instance is another repository over the same places.
func (r *rig) instance(s flags.Source) *repo {
	r.Helper()
	repo, err := dualwrite.New[string, account](r.old.fault, r.new.fault, s, &r.opts)
	if err != nil {
		r.Fatal(err)
	}
	return repo
}

// stamp is a version above all the given ones, by another writer.
func (r *rig) stamp(above ...stores.Version) stores.Version {
	r.Helper()
	v, err := r.clock.Next(above...)
	if err != nil {
		r.Fatal(err)
	}
	return v
}

// plant stores a record as it is, whatever is there.
func (r *rig) plant(p *place, key string, rec record) {
	r.Helper()
	cond := stores.IfOlder(stores.Unstamped)
	if !rec.Version.IsUnstamped() {
		cond = stores.IfStamp(r.stored(p, key).Version)
	}
	if err := p.Put(r.Context(), write{Key: key, Record: rec, If: cond}); err != nil {
		r.Fatalf("planting %q: %v", key, err)
	}
}

// stored is what a place really holds; absence is a version.
func (r *rig) stored(p *place, key string) record {
	r.Helper()
	rec, err := stores.OrAbsent(p.Get(context.Background(), key))
	if err != nil {
		r.Fatalf("reading %q: %v", key, err)
	}
	return rec
}

// live is a final record.
func live(v stores.Version, balance int64) record {
	return record{Meta: stores.Meta{Version: v}, Value: account{Balance: balance}}
}

// intent is a record of old that waits for new.
func intent(v, prev stores.Version, balance int64) record {
	return record{Meta: stores.Meta{Version: v, Prev: prev, Intent: true}, Value: account{Balance: balance}}
}

// wantErr checks that an error is all of the given ones, and comes with its operation, place and key.
func (r *rig) wantErr(err error, place, key string, identities ...error) {
	r.Helper()
	for _, want := range identities {
		if !errors.Is(err, want) {
			r.Fatalf("got %v, want an error that is %q", err, want)
		}
	}
	var e *dualwrite.Error
	if !errors.As(err, &e) {
		r.Fatalf("%v is no *dualwrite.Error", err)
	}
	if wantKey := stores.FormatKey([]byte(key)); e.Place != place || e.Key != wantKey || e.Op == "" {
		r.Errorf("error %q has op %q, place %q, key %s; want place %q, key %s", err, e.Op, e.Place, e.Key, place, wantKey)
	}
}

// wantBalance checks what a reader gets.
func (r *rig) wantBalance(repo *repo, key string, want int64) {
	r.Helper()
	got, err := repo.Get(r.Context(), key)
	if err != nil || got.Balance != want {
		r.Errorf("get %q: %d, %v; want %d", key, got.Balance, err, want)
	}
}

var phases = flags.Phases()

// rejecting is a fault that refuses one key for good.
func rejecting(key string) storefault.Fault {
	return storefault.Fault{
		Kind: storefault.FailBefore, Err: stores.Permanent(errors.New("not this one")),
		Only: func(it storefault.Item) bool { return string(it.Key) == key },
	}
}

package dualwritetest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/dualwrite/dualwrite/dualwrite/dualwritetest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

type (
	mem    = memstore.Store[string, user]
	write  = stores.Write[string, user]
	record = stores.Record[user]
)

// altered is a store in memory with another Put or Get; nil leaves it as it is.
type altered struct {
	*mem
	put func(ctx context.Context, s *mem, w write) error
	get func(ctx context.Context, s *mem, key string) (record, error)
}

func (a altered) Put(ctx context.Context, w write) error {
	if a.put == nil {
		return a.mem.Put(ctx, w)
	}
	return a.put(ctx, a.mem, w)
}

func (a altered) Get(ctx context.Context, key string) (record, error) {
	if a.get == nil {
		return a.mem.Get(ctx, key)
	}
	return a.get(ctx, a.mem, key)
}

// PutPair hides that of the store in memory, which would go past Put.
func (a altered) PutPair(context.Context, write, store, write) error { return errors.ErrUnsupported }

func puts(put func(ctx context.Context, s *mem, w write) error) func(*mem) store {
	return func(s *mem) store { return altered{mem: s, put: put} }
}

// storesOther changes what is written.
func storesOther(change func(w *write)) func(*mem) store {
	return puts(func(ctx context.Context, s *mem, w write) error {
		change(&w)
		return s.Put(ctx, w)
	})
}

// answersOther changes what is read.
func answersOther(change func(r *record)) func(*mem) store {
	return func(s *mem) store {
		return altered{mem: s, get: func(ctx context.Context, s *mem, key string) (record, error) {
			r, err := s.Get(ctx, key)
			if err == nil {
				change(&r)
			}
			return r, err
		}}
	}
}

// force stores a write whatever is there.
func force(ctx context.Context, s *mem, w write) error { return unconditional{s}.Put(ctx, w) }

// refusedBy is what is stored instead of a write that was refused.
func refusedBy(err error) (stores.Meta, bool) {
	var refused *stores.ConditionError
	if !errors.As(err, &refused) {
		return stores.Meta{}, false
	}
	return refused.Stored, true
}

func removesTombstones(ctx context.Context, s *mem, w write) error {
	err := s.Put(ctx, w)
	if err == nil && w.Record.Deleted {
		_, err = s.Purge(ctx, []stores.PurgeTarget[string]{{Key: w.Key, Version: w.Record.Version}})
	}
	return err
}

func storesWhatItRefuses(ctx context.Context, s *mem, w write) error {
	err := s.Put(ctx, w)
	if _, refused := refusedBy(err); refused {
		return errors.Join(force(ctx, s, w), err)
	}
	return err
}

func refusesWithoutMeta(ctx context.Context, s *mem, w write) error {
	err := s.Put(ctx, w)
	if there, refused := refusedBy(err); refused {
		return &stores.ConditionError{Stored: stores.Meta{Version: there.Version}}
	}
	return err
}

// stale answers a read with the record before the last one.
type stale struct {
	store
	mu     sync.Mutex
	before map[string]record
}

func (s *stale) Put(ctx context.Context, w write) error {
	before, err := s.store.Get(ctx, w.Key)
	stored := s.store.Put(ctx, w)
	if err == nil && stored == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.before[w.Key] = before
	}
	return stored
}

func (s *stale) Get(ctx context.Context, key string) (record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.before[key]; ok {
		return r, nil
	}
	return s.store.Get(ctx, key)
}

// half commits a pair of writes one after the other.
type half struct{ store }

func (h half) PutPair(ctx context.Context, mine write, other store, theirs write) error {
	first, second := h.Put(ctx, mine), other.Put(ctx, theirs)
	if first != nil || second != nil {
		return &stores.PairError{First: first, Second: second}
	}
	return nil
}

func both(breaks func(*mem) store) func(old, new *mem) (store, store) {
	return func(old, new *mem) (store, store) { return breaks(old), breaks(new) }
}

// unfit are pairs of stores that no migration may be made with, and what the explorer has to say about them.
var unfit = []struct {
	name   string
	breaks func(old, new *mem) (store, store)
	want   string
}{
	{"prev is not stored", both(storesOther(func(w *write) { w.Record.Prev = stores.Unknown })), "to a read, but holds"},
	{"an unknown prev is read as absent", both(answersOther(func(r *record) {
		if r.Prev.IsUnknown() && !r.Version.IsUnstamped() {
			r.Prev = stores.Absent
		}
	})), "prev absent} to a read, but holds {"},
	{"the mark of an intent is lost", both(storesOther(func(w *write) { w.Record.Intent = false })), "intent}"},
	{"tombstones are removed", both(puts(removesTombstones)), "nothing to a read, but holds {"},
	{"the dead stamp is not looked at", both(storesOther(func(w *write) { w.If.OrDead = stores.Unknown })), "although it holds {"},
	{"equal is older", both(storesOther(func(w *write) {
		if _, stamped := w.If.Version.Stamp(); stamped && w.If.Kind == stores.KindIfOlder {
			w.If = stores.IfAtMost(w.If.Version, stores.Unknown)
		}
	})), "although it holds {"},
	{"a refusal does not say all", both(puts(refusesWithoutMeta)), "and names {"},
	{"a write is refused and stored", both(puts(storesWhatItRefuses)), "to a read, but holds"},
	{"conditions are not looked at", both(puts(force)), "although it holds {"},
	{"a value loses a part", func(old, new *mem) (store, store) { return old, rounding{new} }, "which is none of these: "},
	{"a value loses a field on one side", func(old, _ *mem) (store, store) { return old, nameless() }, "Name is"},
	{"versions lose their last byte", both(storesOther(func(w *write) {
		if s, ok := w.Record.Version.Stamp(); ok {
			s[15] = 0
			w.Record.Version = s.Version()
		}
	})), "to a read, but holds"},
	{"reads are stale", func(old, new *mem) (store, store) { return old, &stale{store: new, before: map[string]record{}} }, "to a read, but holds {"},
	{"a pair of writes is not atomic", func(old, new *mem) (store, store) { return half{old}, half{new} }, "holds {"},
	{"all keys are one record", func(old, new *mem) (store, store) { return old, oneKey{new} }, "holds "},
}

// nameless is a store whose mapping knows no names.
func nameless() store {
	s, err := memstore.New(stores.StringKeys[string](), &memstore.Options[user]{
		Encode: func(u user) ([]byte, error) { return []byte{byte(u.Age)}, nil },
		Decode: func(b []byte) (user, error) { return user{Age: int(b[0]), Tags: []string{"x"}}, nil },
	})
	if err != nil {
		panic(err)
	}
	return s
}

// The explorer has to fail over each of them, in another process: a failing subtest fails its test.
func TestExploreFailsOverUnfitStores(t *testing.T) {
	t.Parallel()
	if os.Getenv(brokenVariable) != "" {
		t.Skip("this is the other process")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestExploreUnfit$", "-test.short", "-test.v")
	cmd.Env = append(os.Environ(), brokenVariable+"=unfit")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("it passes, or could not be run: %v", err)
	}
	for _, u := range unfit {
		name := "TestExploreUnfit/" + strings.ReplaceAll(u.name, " ", "_")
		_, story, _ := strings.Cut(string(out), "=== RUN   "+name+"\n")
		story, _, _ = strings.Cut(story, "=== RUN")
		failed := strings.Contains(string(out), "--- FAIL: "+name+" ")
		for _, want := range []string{u.want, "DUALWRITETEST_REPLAY='", "go test -run '^" + name + "$'"} {
			if !failed || !strings.Contains(story, want) {
				t.Errorf("%s: want a failure with %q:\n%s", u.name, want, story)
			}
		}
	}
}

func TestExploreUnfit(t *testing.T) {
	if os.Getenv(brokenVariable) != "unfit" {
		t.Skip("run by TestExploreFailsOverUnfitStores")
	}
	for _, u := range unfit {
		t.Run(u.name, func(t *testing.T) {
			dualwritetest.Explore(t, dualwritetest.Config[string, user]{
				Open: func(t *testing.T) (old, new store) {
					return u.breaks(memory(t, nil).(*mem), memory(t, nil).(*mem))
				},
				Key: userKey, Value: userValue,
				Serial: true, // which of many violations is told is up to the order then, and not to the machine
			}, nil)
		})
	}
}

// alone fails the test if two writes run at the same time.
func alone(t *testing.T, inUse chan struct{}) func(ctx context.Context, s *mem, w write) error {
	return func(ctx context.Context, s *mem, w write) error {
		select {
		case inUse <- struct{}{}:
			defer func() { <-inUse }()
		default:
			t.Error("two writes run at the same time")
		}
		return s.Put(ctx, w)
	}
}

package dualwritetest_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/dualwrite/dualwritetest"
	"github.com/dualwrite/dualwrite/stores"
)

type store = stores.Store[string, user]

// broken are pairs of stores that no migration may be made with, and the topics that have to say so.
var broken = []struct {
	name   string
	breaks func(old, new store) (store, store)
	topics []string
	says   string // in the output
}{
	{
		name:   "new rounds values",
		breaks: func(old, new store) (store, store) { return old, rounding{new} },
		topics: []string{"get_and_put/single", "scan/single"},
		says:   "Age is 0, want 1",
	},
	{
		name:   "old does not look at conditions",
		breaks: func(old, new store) (store, store) { return unconditional{old}, new },
		topics: []string{"counting_together/old-only", "records_from_before/read-new+write-both"},
	},
	{
		name:   "new forgets deleted records",
		breaks: func(old, new store) (store, store) { return old, forgetful{new} },
		topics: []string{"delete/read-new+write-both", "scan/read-new+write-both"},
	},
	{
		name:   "new hides records without a stamp",
		breaks: func(old, new store) (store, store) { return old, stampedOnly{new} },
		topics: []string{"records_from_before/single"},
	},
	{
		name:   "new scans the last record twice",
		breaks: func(old, new store) (store, store) { return old, repeating{new} },
		topics: []string{"scan/single", "scan_of_old_records/single"},
	},
	{
		name:   "the places have different keys",
		breaks: func(old, new store) (store, store) { return old, oneKey{new} },
		topics: []string{"get_many/single", "scan/single"},
	},
	{
		name:   "old answers before it has stored",
		breaks: func(old, new store) (store, store) { return &lagging{store: old}, new },
		topics: []string{"get_and_put/old-only"},
	},
}

const brokenVariable = "DUALWRITETEST_BROKEN"

// The kit has to fail over each of the broken pairs, in another process: a failing subtest fails its test.
func TestTheKitFailsOverBrokenStores(t *testing.T) {
	t.Parallel()
	if os.Getenv(brokenVariable) != "" {
		t.Skip("this is the other process")
	}
	for _, b := range broken {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOverBrokenStores$", "-test.short")
			cmd.Env = append(os.Environ(), brokenVariable+"="+b.name)
			out, err := cmd.CombinedOutput()
			var failed *exec.ExitError
			if !errors.As(err, &failed) {
				t.Fatalf("the kit passes, or could not be run: %v", err)
			}
			for _, topic := range b.topics {
				if !strings.Contains(string(out), "--- FAIL: TestOverBrokenStores/"+topic) {
					t.Errorf("topic %s passes", topic)
				}
			}
			if !strings.Contains(string(out), b.says) || strings.Contains(string(out), "0xc0") {
				t.Errorf("the output does not say %q, or has pointers in it", b.says)
			}
			if t.Failed() {
				t.Log(string(out))
			}
		})
	}
}

func TestOverBrokenStores(t *testing.T) {
	for _, b := range broken {
		if b.name != os.Getenv(brokenVariable) {
			continue
		}
		dualwritetest.Run(t, dualwritetest.Config[string, user]{
			Open: func(t *testing.T) (old, new store) { return b.breaks(memory(t, nil), memory(t, nil)) },
			Key:  userKey, Value: userValue,
			Options: &dualwrite.Options{Backoff: func(int) time.Duration { return 0 }},
		})
		return
	}
	t.Skip("run by TestTheKitFailsOverBrokenStores")
}

func TestConfigSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	if os.Getenv(brokenVariable) != "" {
		t.Skip("this is the other process")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWrongConfig$")
	cmd.Env = append(os.Environ(), brokenVariable+"=config")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("a wrong configuration passes")
	}
	for _, want := range []string{"Config.Open is needed", "Config.Key is needed", "Config.Value gives the same for 1 and 0"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q does not say %q", out, want)
		}
	}
}

func TestWrongConfig(t *testing.T) {
	if os.Getenv(brokenVariable) != "config" {
		t.Skip("run by TestConfigSaysAllThatIsWrong")
	}
	same := func(string, int) user { return user{} }
	t.Run("no key", func(t *testing.T) { dualwritetest.Run(t, dualwritetest.Config[string, user]{Value: same}) })
	t.Run("one value", func(t *testing.T) {
		dualwritetest.Run(t, dualwritetest.Config[string, user]{Key: userKey, Value: same})
	})
}

type rounding struct{ store }

func (s rounding) Get(ctx context.Context, key string) (stores.Record[user], error) {
	r, err := s.store.Get(ctx, key)
	r.Value.Age = r.Value.Age / 10 * 10
	return r, err
}

func (s rounding) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[string, user], error] {
	return func(yield func(stores.Entry[string, user], error) bool) {
		for e, err := range s.store.Scan(ctx, seg, after) {
			e.Record.Value.Age = e.Record.Value.Age / 10 * 10
			if !yield(e, err) {
				return
			}
		}
	}
}

type unconditional struct{ store }

func (s unconditional) Put(ctx context.Context, w stores.Write[string, user]) error {
	for {
		var refused *stores.ConditionError
		err := s.store.Put(ctx, w)
		if !errors.As(err, &refused) {
			return err
		}
		w.If = stores.IfStamp(refused.Stored.Version)
	}
}

type forgetful struct{ store }

func (s forgetful) Get(ctx context.Context, key string) (stores.Record[user], error) {
	r, err := s.store.Get(ctx, key)
	if r.Deleted {
		return stores.Record[user]{}, stores.ErrNotFound
	}
	return r, err
}

type stampedOnly struct{ store }

func (s stampedOnly) Get(ctx context.Context, key string) (stores.Record[user], error) {
	r, err := s.store.Get(ctx, key)
	if r.Version.IsUnstamped() {
		return stores.Record[user]{}, stores.ErrNotFound
	}
	return r, err
}

type repeating struct{ store }

func (s repeating) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[string, user], error] {
	return func(yield func(stores.Entry[string, user], error) bool) {
		var last *stores.Entry[string, user]
		for e, err := range s.store.Scan(ctx, seg, after) {
			if last = &e; !yield(e, err) {
				return
			}
		}
		if last != nil {
			yield(*last, nil)
		}
	}
}

type oneKey struct{ store }

func (s oneKey) Get(ctx context.Context, _ string) (stores.Record[user], error) {
	return s.store.Get(ctx, "k")
}

func (s oneKey) Put(ctx context.Context, w stores.Write[string, user]) error {
	w.Key = "k"
	return s.store.Put(ctx, w)
}

// lagging answers a read with what was there before the last write.
type lagging struct {
	store
	before stores.Record[user]
	behind string
}

func (s *lagging) Put(ctx context.Context, w stores.Write[string, user]) error {
	before, err := stores.OrAbsent(s.store.Get(ctx, w.Key))
	if err == nil {
		s.before, s.behind = before, w.Key
	}
	return s.store.Put(ctx, w)
}

func (s *lagging) Get(ctx context.Context, key string) (stores.Record[user], error) {
	if key != s.behind {
		return s.store.Get(ctx, key)
	}
	s.behind = ""
	if s.before.Version.IsAbsent() {
		return stores.Record[user]{}, stores.ErrNotFound
	}
	return s.before, nil
}

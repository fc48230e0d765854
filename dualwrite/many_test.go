package dualwrite_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

type item = dualwrite.Item[string, account]

// One key that fails does not take the others with it, and its answer says which it is.
func TestManyWithOneThatFails(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		r := newRig(t, p, nil)
		fault := storefault.Always(rejecting("b"))
		r.old.fault.SetRules(fault)
		if p == phaseN {
			r.new.fault.SetRules(fault)
		}
		results, err := r.PutMany(t.Context(), []item{{Key: "a"}, {Key: "b"}, {Key: ""}, {Key: "c"}})
		if !errors.Is(err, stores.ErrPermanent) || !strings.Contains(err.Error(), "2 of 4 keys failed") {
			t.Errorf("%v: %v", p, err)
		}
		if results[0].Err != nil || results[3].Err != nil || results[0].Version.IsUnknown() {
			t.Errorf("%v: %+v", p, results)
		}
		r.wantErr(results[1].Err, map[bool]string{true: "new", false: "old"}[p == phaseN], "b", stores.ErrPermanent)
		if !errors.Is(results[2].Err, stores.ErrPermanent) {
			t.Errorf("%v: the empty key: %v", p, results[2].Err)
		}
		read, err := r.GetMany(t.Context(), []string{"a", "b", "c", "none"})
		if !errors.Is(err, stores.ErrPermanent) || !strings.Contains(err.Error(), "1 of 4 keys failed") || len(read) != 4 {
			t.Fatalf("%v: %v", p, err)
		}
		if read[0].Err != nil || read[2].Err != nil || !errors.Is(read[1].Err, stores.ErrPermanent) || !errors.Is(read[3].Err, dualwrite.ErrNotFound) {
			t.Errorf("%v: %+v", p, read)
		}
	}
}

// A batch takes as long as its keys in a row divided by BatchConcurrency, and never has more calls under way.
func TestBatchConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, phaseO, &dualwrite.Options{BatchConcurrency: 4})
		var running, most atomic.Int32
		r.old.before = func(context.Context, storefault.Call) error {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Second)
			return nil
		}
		r.old.after = func(context.Context, storefault.Call, error) error { running.Add(-1); return nil }
		var items []item
		for i := range 64 {
			items = append(items, item{Key: keyText(i)})
		}
		begun := time.Now()
		if _, err := r.PutMany(t.Context(), items); err != nil {
			t.Fatal(err)
		}
		if n := most.Load(); n < 2 || n > 4 {
			t.Errorf("%d calls at once", n)
		}
		if took := time.Since(begun); took > 40*time.Second {
			t.Errorf("64 keys took %v", took)
		}
	})
}

// Writes of one key take effect in the order of the arguments, however long each takes.
func TestWritesOfOneKeyStayInOrder(t *testing.T) {
	t.Parallel()
	for _, p := range phases {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, p, nil)
			var calls atomic.Int32
			wait := func(_ context.Context, c storefault.Call) error {
				if c.Op == storefault.OpPut {
					time.Sleep(time.Duration(100-calls.Add(1)) * time.Millisecond)
				}
				return nil
			}
			r.old.before, r.new.before = wait, wait
			var items []item
			for i := range 16 {
				items = append(items, item{Key: "k", Value: account{Balance: int64(i)}}, item{Key: keyText(i)})
			}
			results, err := r.PutMany(t.Context(), items)
			if err != nil {
				t.Fatal(err)
			}
			for i := 2; i < len(results); i += 2 {
				if !results[i].Version.Newer(results[i-2].Version) {
					t.Errorf("%v: item %d has version %v, the one before %v", p, i, results[i].Version, results[i-2].Version)
				}
			}
			r.wantBalance(r.repo, "k", 15)
		})
	}
}

// A whole batch that can not be read is an error; nothing is answered that might be wrong.
func TestGetManyThatFailsAsAWhole(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"old", "new"} {
		r := newRig(t, phaseB, nil)
		r.both(1)
		r.placeNamed(place).fault.SetRules(storefault.Always(storefault.Fault{Kind: storefault.FailBefore}, storefault.OpGetMany))
		results, err := r.GetMany(t.Context(), []string{"k"})
		var e *dualwrite.Error
		if results != nil || !errors.Is(err, stores.ErrTransient) || !errors.As(err, &e) || e.Place != place {
			t.Errorf("%s: %v, %v", place, results, err)
		}
	}
}

// While both are written, each key of a batch is brought over for itself.
func TestGetManyIsStrict(t *testing.T) {
	t.Parallel()
	r := newRig(t, phaseB, nil)
	r.both(1)
	ahead := live(r.stamp(), 2)
	r.plant(r.old, "k", ahead)
	r.plant(r.old, "gone", record{Meta: stores.Meta{Version: r.stamp(), Deleted: true}})
	r.plant(r.new, "gone", live(stores.Unstamped, 1))
	results, err := r.GetMany(t.Context(), []string{"gone", "k"})
	if err != nil || !errors.Is(results[0].Err, dualwrite.ErrNotFound) || results[1].Value.Balance != 2 || !results[1].Version.Same(ahead.Version) {
		t.Errorf("%+v, %v", results, err)
	}
	if got := r.stored(r.new, "k"); got != ahead {
		t.Errorf("new has %+v", got)
	}
}

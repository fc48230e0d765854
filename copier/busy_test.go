package copier_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

var errBusy = stores.Transient(errors.New("busy"))

// firstCalls lets something happen before the first n calls of an operation.
func firstCalls(s stores.Store[string, user], op storefault.Op, n int, do func() error) *storefault.Store[string, user] {
	return storefault.New(s, &storefault.Options{Before: func(_ context.Context, c storefault.Call) error {
		if c.Op != op || n == 0 {
			return nil
		}
		n--
		return do()
	}})
}

// An intent that can not be completed when the copy meets it is completed in the end, and is not forgotten.
func TestCopyComesBackToAnIntent(t *testing.T) {
	t.Parallel()
	old, inner := newMem(t), newMem(t)
	v := next(t, newClock(t))
	force(t, old, "k", record(v, stores.Absent, "announced", "intent"))
	new := firstCalls(inner, storefault.OpPutMany, 2, func() error { return errBusy })
	r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: fast(copier.PassOptions{Attempts: 2, Workers: 1})})
	got, gone := inner.Get(t.Context(), "k")
	if err != nil || r.Applied != 1 || gone != nil || got.Version != v || got.Intent {
		t.Errorf("%v, %v; new has %+v, %v", r.Counts, err, got, gone)
	}
}

// A look-up that fails is no answer: what it was about is looked up again.
func TestVerifyLooksAgainForAnExtraRecord(t *testing.T) {
	t.Parallel()
	inner, new := newMem(t), newMem(t)
	force(t, new, "extra", record(next(t, newClock(t)), stores.Absent, "nobody's"))
	failing := storefault.Fault{Kind: storefault.FailBefore, Err: errBusy, Only: func(storefault.Item) bool { return true }}
	old := storefault.New[string, user](inner, &storefault.Options{Rules: []storefault.Rule{storefault.Nth(1, failing, storefault.OpGetMany)}})
	o := &copier.VerifyOptions[user]{PassOptions: fast(copier.PassOptions{}), Grace: time.Nanosecond}
	r, err := copier.Verify(t.Context(), noOrder{old}, plainStore{new}, o)
	if err != nil || r.Found[copier.KindExtra] != 1 || old.Injected(storefault.FailBefore) != 1 {
		t.Errorf("%v, %v, after %d failures", r.Reasons(), err, old.Injected(storefault.FailBefore))
	}
}

// noOrder is a store that is not scanned in the order of its keys.
type noOrder struct {
	*storefault.Store[string, user]
}

func (noOrder) Bounds(context.Context, int) ([][]byte, error) { return nil, errors.ErrUnsupported }

// A write that is refused after an attempt whose outcome is unknown was applied only if it shows.
func TestRefusalAfterDoubtIsNoSuccess(t *testing.T) {
	t.Parallel()
	old, inner := newMem(t), newMem(t)
	clock := newClock(t)
	force(t, old, "k", record(next(t, clock), stores.Absent, "old"))
	live := record(next(t, clock), stores.Absent, "live")
	new := firstCalls(inner, storefault.OpPutMany, 1, func() error {
		force(t, inner, "k", live)
		return errors.New("connection reset")
	})
	r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: fast(copier.PassOptions{})})
	if err != nil || r.Applied != 0 || r.AlreadyThere != 1 {
		t.Errorf("%+v, %v", r.Counts, err)
	}
}

// A record that somebody else has finished meanwhile is not counted as finished by this pass.
func TestFinishCountsWhatItDid(t *testing.T) {
	t.Parallel()
	inner := newMem(t)
	v := next(t, newClock(t))
	force(t, inner, "k", record(v, stores.Absent, "a"))
	s := firstCalls(inner, storefault.OpPurge, 1, func() error {
		_, err := inner.Purge(t.Context(), []stores.PurgeTarget[string]{{Key: "k", Version: v}})
		return err
	})
	r, err := copier.Finish(t.Context(), s, &copier.FinishOptions{Confirm: copier.NobodyWritesBoth})
	if err != nil || r.Purged != 0 || r.Plain != 1 {
		t.Errorf("%+v, %v", r.Counts, err)
	}
}

package copier_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

func finish(o copier.PassOptions) *copier.FinishOptions {
	return &copier.FinishOptions{PassOptions: fast(o), Confirm: copier.NobodyWritesBoth}
}

func TestFinishLeavesPlainRecords(t *testing.T) {
	t.Parallel()
	s := newMem(t)
	fill(t, s, 2000)
	want := dump(t, s)
	for k, r := range want {
		r.Meta = stores.Meta{Version: stores.Unstamped}
		if want[k].Deleted {
			delete(want, k)
			continue
		}
		want[k] = r
	}
	r, err := copier.Finish(t.Context(), s, finish(copier.PassOptions{Batch: 64}))
	if err != nil || !r.Clean() || r.Read != 2000 || r.Purged+r.Plain != 2000 || r.Purged == 0 {
		t.Fatalf("%v %+v", err, r)
	}
	if diff := cmp.Diff(want, dump(t, s), versions); diff != "" {
		t.Error(diff)
	}
	again, err := copier.Finish(t.Context(), s, finish(copier.PassOptions{}))
	if err != nil || again.Purged != 0 || again.Plain != int64(len(want)) {
		t.Errorf("%v %+v", err, again)
	}
}

func TestFinishNeedsTheConfirmation(t *testing.T) {
	t.Parallel()
	s := newMem(t)
	fill(t, s, 100)
	before := dump(t, s)
	for _, o := range []*copier.FinishOptions{nil, {}, {Confirm: "yes"}} {
		if _, err := copier.Finish(t.Context(), s, o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	if diff := cmp.Diff(before, dump(t, s), versions); diff != "" {
		t.Error(diff)
	}
}

func TestFinishRefusesIntents(t *testing.T) {
	t.Parallel()
	s := newMem(t)
	c := newClock(t)
	intent := record(next(t, c), stores.Absent, "a", "intent")
	force(t, s, "k", intent)
	r, err := copier.Finish(t.Context(), s, finish(copier.PassOptions{}))
	if err != nil || r.Clean() || r.Found[copier.KindIntent] != 1 || r.Purged != 0 {
		t.Fatalf("%v %+v", err, r)
	}
	if got, err := s.Get(t.Context(), "k"); err != nil || cmp.Diff(intent, got, versions) != "" {
		t.Errorf("%v %+v", err, got)
	}
}

// A record that is written again while Finish is at it is never purged by what was read before.
func TestFinishNeverPurgesALiveWrite(t *testing.T) {
	t.Parallel()
	for _, times := range []int{1, 100} {
		inner := newMem(t)
		c := newClock(t)
		force(t, inner, "k", record(next(t, c), stores.Unknown, "", "deleted"))
		n := 0
		s := storefault.New[string, user](inner, &storefault.Options{Before: func(_ context.Context, call storefault.Call) error {
			if call.Op == storefault.OpPurge && n < times {
				n++
				force(t, inner, "k", record(next(t, c), stores.Unknown, fmt.Sprint("live ", n)))
			}
			return nil
		}})
		r, err := copier.Finish(t.Context(), s, finish(copier.PassOptions{}))
		if err != nil {
			t.Fatal(err)
		}
		got, err := inner.Get(t.Context(), "k")
		if err != nil || got.Value.Name != fmt.Sprint("live ", n) {
			t.Fatalf("%v %+v", err, got)
		}
		if once := times == 1; r.Clean() != once || got.Version.IsUnstamped() != once {
			t.Errorf("written %d times: %+v", n, r)
		}
	}
}

func TestFinishRetriesAndResumes(t *testing.T) {
	t.Parallel()
	inner := newMem(t)
	fill(t, inner, 1000)
	stamped := int64(0)
	for _, r := range dump(t, inner) {
		if !r.Version.IsUnstamped() {
			stamped++
		}
	}
	s := storefault.New[string, user](inner, nil)
	s.SetRules(
		func(c storefault.Call) (storefault.Fault, bool) {
			return storefault.Fault{Kind: storefault.FailBefore, Only: only(keyOf(9))}, touches(c, keyOf(9))
		},
		storefault.Random(1, 0.2, storefault.Fault{Kind: storefault.FailAfter}, storefault.OpPurge),
		storefault.Random(2, 0.2, storefault.Fault{Kind: storefault.FailBefore}, storefault.OpPurge),
	)
	cp := &memoryCheckpoint{}
	o := finish(copier.PassOptions{Batch: 50, Attempts: 20})
	o.Checkpoint, o.Job = cp, "j"
	r, err := copier.Finish(t.Context(), s, o)
	mustBe(t, err, copier.ErrIncomplete)
	if r.Pending != 1 || r.Found[copier.KindFailed] != 1 {
		t.Fatalf("%+v", r)
	}
	s.SetRules()
	r, err = copier.Finish(t.Context(), s, o)
	if err != nil || !r.Clean() || r.Resumed != 1 || r.Read != 1000 || r.Purged+r.Plain != 1000 || r.Purged != stamped {
		t.Fatalf("%v %+v, %d had metadata", err, r, stamped)
	}
}

// plainStore has the required methods and no capability.
type plainStore struct{ stores.Store[string, user] }

func TestPlainStores(t *testing.T) {
	t.Parallel()
	old, new := newMem(t), newMem(t)
	fill(t, old, 700)
	o := &copier.CopyOptions[user]{PassOptions: copier.PassOptions{OnProgress: func(copier.Progress) {}}}
	r, err := copier.Copy[string, user](t.Context(), plainStore{old}, plainStore{new}, o)
	if err != nil || r.Applied != 700 {
		t.Fatalf("%v %+v", err, r)
	}
	mustBeClean(t, plainStore{old}, plainStore{new})
	if _, err := copier.Finish[string, user](t.Context(), plainStore{new}, finish(copier.PassOptions{})); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("finish without purge: %v", err)
	}
}

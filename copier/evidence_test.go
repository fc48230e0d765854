package copier_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/boltstore"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// inEach runs a test over two places in memory and two views of a file.
func inEach(t *testing.T, test func(t *testing.T, old, new stores.Store[string, user])) {
	t.Run("memstore", func(t *testing.T) {
		t.Parallel()
		test(t, newMem(t), newMem(t))
	})
	t.Run("boltstore", func(t *testing.T) {
		t.Parallel()
		db, err := boltstore.Open(filepath.Join(t.TempDir(), "a.bolt"), &boltstore.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		var places [2]stores.Store[string, user]
		for i, name := range []string{"old", "new"} {
			if places[i], err = boltstore.View[string, user](db, name, stores.StringKeys[string](), nil); err != nil {
				t.Fatal(err)
			}
		}
		test(t, places[0], places[1])
	})
}

// interruptAfter is a context that ends with the n-th page that is written, and the hook that counts them.
func interruptAfter(t *testing.T, n int) (context.Context, func(ctx context.Context, c storefault.Call) error) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, func(_ context.Context, c storefault.Call) error {
		if c.Op == storefault.OpPutMany && c.N == n {
			cancel()
		}
		return nil
	}
}

// rewriteAll writes all records of old as an instance in old-only does: nothing is mirrored.
func rewriteAll(t *testing.T, old stores.Store[string, user], n int) {
	clock := newClock(t)
	for i := range n {
		force(t, old, keyOf(i), record(next(t, clock), stores.Absent, "in old-only"))
	}
}

const resumed = 2000 // how many records the passes have that are resumed

// interruptedCopy runs a job that copies in pages of 100, and interrupts it at nine tenths of the records.
func interruptedCopy(t *testing.T, new stores.Store[string, user], run func(context.Context, stores.Store[string, user]) error) {
	ctx, before := interruptAfter(t, 18)
	mustBe(t, run(ctx, storefault.New(new, &storefault.Options{Before: before})), context.Canceled)
}

// A copy that is resumed after a visit to old-only has most of its work behind it, and all of that is out of date.
func TestAResumedCopyIsNoProof(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, old, new stores.Store[string, user]) {
		fill(t, old, resumed)
		o := &copier.CopyOptions[user]{Resume: copier.Resume{Checkpoint: &memoryCheckpoint{}, Job: "j"}}
		o.Workers, o.Batch = 1, 100
		interruptedCopy(t, new, func(ctx context.Context, new stores.Store[string, user]) error {
			_, err := copier.Copy(ctx, old, new, o)
			return err
		})
		rewriteAll(t, old, resumed)

		r, err := copier.Copy(t.Context(), old, new, o)
		if err != nil || r.Resumed != 1 || !r.Finished || r.Read != resumed {
			t.Fatalf("%v %+v", err, r.Counts)
		}
		v, err := copier.Verify(t.Context(), old, new, &copier.VerifyOptions[user]{Grace: time.Microsecond})
		if err != nil || v.Found[copier.KindStale] < resumed/2 {
			t.Fatalf("the test is to leave stale records: %v %v", err, v.Found)
		}
		if r.Clean() || !strings.Contains(strings.Join(r.Reasons(), "\n"), "resumed at "+r.ResumedAt.Format(time.RFC3339)) {
			t.Errorf("clean: %v %q", r.Clean(), r.Reasons())
		}
	})
}

// Who knows since when all writers mirror gets a pass that reads everything after that.
func TestAPassFromBeforeMirroringIsNotResumed(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, old, new stores.Store[string, user]) {
		fill(t, old, resumed)
		o := &copier.CopyOptions[user]{Resume: copier.Resume{Checkpoint: &memoryCheckpoint{}, Job: "j"}}
		o.Workers, o.Batch = 1, 100
		began := time.Now()
		job := func(ctx context.Context, new stores.Store[string, user]) error {
			_, err := copier.Copy(ctx, old, new, o)
			return err
		}
		interruptedCopy(t, new, job)
		rewriteAll(t, old, resumed)

		o.MirroringSince = time.Now()
		r, err := copier.Copy(t.Context(), old, new, o)
		if err != nil || r.Resumed != 0 || r.After == "" || r.Read != resumed || !r.Clean() {
			t.Fatalf("%v %+v %q", err, r, r.Reasons())
		}
		mustBeClean(t, old, new)

		o.MirroringSince, o.Restart = began, true
		interruptedCopy(t, new, job)
		o.Restart = false
		if r, err := copier.Copy(t.Context(), old, new, o); err != nil || r.Resumed != 1 || !r.Clean() {
			t.Errorf("they had been mirroring all the time: %v %+v %q", err, r, r.Reasons())
		}
		o.MirroringSince = time.Now().Add(time.Hour)
		if r, err := copier.Copy(t.Context(), old, new, o); err != nil || r.Clean() {
			t.Errorf("it began before the writers mirror: %v %q", err, r.Reasons())
		}
	})
}

// The verdict of CopyAndVerify is of a verify pass that read everything without an interruption, unless the caller knows
// that it may be resumed.
func TestAResumedVerifyIsNoProof(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, old, inner stores.Store[string, user]) {
		fill(t, old, resumed)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		cp := &memoryCheckpoint{}
		o := &copier.CopyAndVerifyOptions[user]{Resume: copier.Resume{Checkpoint: cp, Job: "j"}, Grace: time.Microsecond}
		o.Workers, o.Batch = 1, 100
		o.OnFinding = func(copier.Finding) error { return nil }
		new := storefault.New(inner, &storefault.Options{Before: func(_ context.Context, c storefault.Call) error {
			if c.Op == storefault.OpScan && c.N == 4 { // of the four segments of the verify pass
				cancel()
			}
			return nil
		}})
		_, verified, err := copier.CopyAndVerify(ctx, old, new, o)
		mustBe(t, err, context.Canceled)
		if verified.Same == 0 {
			t.Fatalf("%+v", verified)
		}
		rewriteAll(t, old, resumed/2) // which the pass has behind it

		_, verified, err = copier.CopyAndVerify(t.Context(), old, inner, o)
		if err != nil || !verified.Clean() {
			t.Fatalf("%v %q", err, verified.Reasons())
		}
		mustBeClean(t, old, inner)
		if e := verified.Earlier; verified.Resumed != 0 || len(e) != 2 || e[0].Finished || e[1].Found[copier.KindStale] != e[1].Repaired || e[1].Repaired < resumed/4 {
			t.Errorf("earlier passes: %+v", verified.Earlier)
		}
	})
}

// Nothing read is what a wrong name looks like.
func TestNothingReadIsNotClean(t *testing.T) {
	t.Parallel()
	for _, allow := range []bool{false, true} {
		old, new := newMem(t), newMem(t)
		copied, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{AllowEmpty: allow})
		verified, err2 := copier.Verify(t.Context(), old, new, &copier.VerifyOptions[user]{AllowEmpty: allow})
		copied2, verified2, err3 := copier.CopyAndVerify(t.Context(), old, new, &copier.CopyAndVerifyOptions[user]{AllowEmpty: allow})
		finished, err4 := copier.Finish(t.Context(), new, &copier.FinishOptions{AllowEmpty: allow, Confirm: copier.NobodyWritesBoth})
		for i, err := range []error{err, err2, err3, err4} {
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
		for i, r := range []copier.Report{copied, verified, copied2, verified2, finished} {
			if r.Clean() != allow || !allow && !strings.Contains(r.Reasons()[0], "nothing was read") {
				t.Errorf("%d, allowed %v: %q", i, allow, r.Reasons())
			}
		}
	}
}

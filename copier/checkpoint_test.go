package copier_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

func TestFileCheckpoint(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := copier.FileCheckpoint(filepath.Join(dir, "cp.json"))
	if b, err := c.Load(t.Context()); b != nil || err != nil {
		t.Fatalf("%q %v", b, err)
	}
	for _, want := range []string{"one", "two"} {
		if err := c.Save(t.Context(), []byte(want)); err != nil {
			t.Fatal(err)
		}
		if b, err := c.Load(t.Context()); string(b) != want || err != nil {
			t.Fatalf("%q %v", b, err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("left behind: %v %v", files, err)
	}
	if err := copier.FileCheckpoint(filepath.Join(dir, "no", "cp.json")).Save(t.Context(), nil); err == nil {
		t.Error("saved into a folder that does not exist")
	}
}

// Regression 20: whatever a checkpoint says is done is durable at the moment it is saved, also when writes fail.
func TestCheckpointNeverRunsAheadOfDurableWork(t *testing.T) {
	t.Parallel()
	old, inner := newMem(t), newMem(t)
	fill(t, old, 3000)
	new := storefault.New[string, user](inner, &storefault.Options{Rules: []storefault.Rule{
		storefault.Random(3, 0.4, storefault.Fault{Kind: storefault.FailBefore}, storefault.OpPutMany),
		storefault.Always(storefault.Fault{Kind: storefault.Lost, Only: only(keyOf(1500))}, storefault.OpPutMany),
	}})
	cp := &durable{t: t, new: inner, old: old}
	o := &copier.CopyOptions[user]{PassOptions: fast(copier.PassOptions{Batch: 20, Workers: 3, Attempts: 5}),
		Resume: copier.Resume{Checkpoint: cp, Job: "j", CheckpointEvery: time.Nanosecond}}
	_, err := copier.Copy(t.Context(), old, new, o)
	mustBe(t, err, copier.ErrIncomplete)
	if cp.looked == 0 || len(cp.saved) < 10 {
		t.Fatalf("%d checkpoints were saved, with %d records behind them", len(cp.saved), cp.looked)
	}
}

// durable checks every checkpoint against what new really has.
type durable struct {
	memoryCheckpoint
	t        *testing.T
	old, new *mem
	looked   int
}

func (d *durable) Save(ctx context.Context, b []byte) error {
	if err := d.memoryCheckpoint.Save(ctx, b); err != nil {
		return err
	}
	cp := d.last(d.t)
	pending := map[string]bool{}
	for _, k := range cp.Pending {
		pending[string(k)] = true
	}
	segs, err := stores.Segments(ctx, stores.Store[string, user](d.old), len(cp.Positions))
	if err != nil {
		return err
	}
	for i, pos := range cp.Positions {
		if pos.After == nil {
			continue
		}
		for e, err := range d.old.Scan(ctx, segs[i], nil) {
			if err != nil {
				return err
			}
			if e.Key > string(pos.After) {
				break
			}
			d.looked++
			if _, err := d.new.Get(ctx, e.Key); err != nil && !pending[e.Key] {
				d.t.Errorf("the checkpoint is at %q in segment %d, and new has no %q", pos.After, i, e.Key)
			}
		}
	}
	return nil
}

// Regression 19: an interrupted pass goes on where it was, whatever the number of workers is now, and counts on; it
// neither skips a record nor does one again.
func TestResumeDoesNotSkipAnything(t *testing.T) {
	t.Parallel()
	old, inner := newMem(t), newMem(t)
	fill(t, old, 2000)
	cp := &memoryCheckpoint{}
	var mu sync.Mutex
	began := time.Now()
	written := map[string]int{} // key to the call that wrote it
	for i := range 30 {
		ctx, cancel := context.WithCancel(t.Context())
		new := storefault.New[string, user](inner, &storefault.Options{
			Before: func(_ context.Context, c storefault.Call) error {
				if c.Op == storefault.OpPutMany && c.N == 10 {
					cancel()
				}
				return nil
			},
			After: func(_ context.Context, c storefault.Call, err error) error {
				mu.Lock()
				defer mu.Unlock()
				for _, it := range c.Items {
					if call, again := written[string(it.Key)]; again {
						t.Errorf("call %d writes %s, which call %d has written", i, it.Key, call)
					}
					if err == nil {
						written[string(it.Key)] = i
					}
				}
				return nil
			},
		})
		o := &copier.CopyOptions[user]{PassOptions: copier.PassOptions{Batch: 20, Workers: 1 + i%4}, Resume: copier.Resume{Checkpoint: cp, Job: "j"}, MirroringSince: began}
		r, err := copier.Copy(ctx, old, new, o)
		cancel()
		if r.Resumed != i && err != nil {
			t.Fatalf("call %d: %v %+v", i, err, r)
		}
		if err == nil {
			if r.Read != 2000 || r.Applied != 2000 || !r.Clean() {
				t.Fatalf("%+v", r)
			}
			mustBeClean(t, old, inner)
			return
		}
	}
	t.Fatal("it never came to its end")
}

// Regressions 7, 8 and 19: a finished pass is never taken for the present state; a new one begins and says so.
func TestFinishedCheckpointBeginsANewPass(t *testing.T) {
	t.Parallel()
	old, new := newMem(t), newMem(t)
	fill(t, old, 100)
	o := &copier.CopyOptions[user]{Resume: copier.Resume{Checkpoint: &memoryCheckpoint{}, Job: "j"}}
	first, err := copier.Copy(t.Context(), old, new, o)
	if err != nil || first.After != "" {
		t.Fatalf("%v %+v", err, first)
	}
	force(t, old, "later", record(stores.Unstamped, stores.Unknown, "x"))
	second, err := copier.Copy(t.Context(), old, new, o)
	if err != nil || second.Run == first.Run || second.After != first.Run || second.Resumed != 0 || second.Read != 101 || second.Applied != 1 {
		t.Fatalf("%v %+v", err, second)
	}
}

func TestCheckpointOfSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, new := newMem(t), newMem(t)
		fill(t, old, 300)
		interrupted := func() *memoryCheckpoint {
			cp := &memoryCheckpoint{}
			ctx, cancel := context.WithCancel(t.Context())
			throttle := func() float64 { cancel(); return 1e9 }
			_, err := copier.Copy(ctx, old, new, &copier.CopyOptions[user]{
				PassOptions: copier.PassOptions{Throttle: throttle}, Resume: copier.Resume{Checkpoint: cp, Job: "a"}})
			mustBe(t, err, context.Canceled)
			return cp
		}
		copyAgain := func(cp *memoryCheckpoint, o copier.Resume) error {
			o.Checkpoint = cp
			_, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{Resume: o})
			return err
		}
		mustBe(t, copyAgain(interrupted(), copier.Resume{Job: "b"}), copier.ErrCheckpoint)
		mustBe(t, copyAgain(&memoryCheckpoint{saved: [][]byte{[]byte("{")}}, copier.Resume{Job: "a"}), copier.ErrCheckpoint)
		mustBe(t, copyAgain(&memoryCheckpoint{saved: [][]byte{[]byte(`{"format":99}`)}}, copier.Resume{Job: "a"}), copier.ErrCheckpoint)
		_, err := copier.Verify(t.Context(), old, new, &copier.VerifyOptions[user]{Resume: copier.Resume{Job: "a", Checkpoint: interrupted()}})
		mustBe(t, err, copier.ErrCheckpoint)

		// A verify is not a part of a copy that verifies, nor the other way round.
		verify := func(ctx context.Context, new stores.Store[string, user], cp *memoryCheckpoint) error {
			_, err := copier.Verify(ctx, old, new, &copier.VerifyOptions[user]{Resume: copier.Resume{Job: "a", Checkpoint: cp}})
			return err
		}
		both := func(ctx context.Context, new stores.Store[string, user], cp *memoryCheckpoint) error {
			_, _, err := copier.CopyAndVerify(ctx, old, new, &copier.CopyAndVerifyOptions[user]{Resume: copier.Resume{Job: "a", Checkpoint: cp}})
			return err
		}
		stopped := func(run func(ctx context.Context, new stores.Store[string, user], cp *memoryCheckpoint) error) *memoryCheckpoint {
			cp := &memoryCheckpoint{}
			ctx, cancel := context.WithCancel(t.Context())
			watched := storefault.New[string, user](newMem(t), &storefault.Options{Before: func(_ context.Context, c storefault.Call) error {
				if c.Op == storefault.OpScan { // a verify reads new, and a copy does not
					cancel()
				}
				return nil
			}})
			mustBe(t, run(ctx, watched, cp), context.Canceled)
			return cp
		}
		mustBe(t, verify(t.Context(), new, stopped(both)), copier.ErrCheckpoint)
		mustBe(t, both(t.Context(), new, stopped(verify)), copier.ErrCheckpoint)

		cp := interrupted()
		time.Sleep(25 * time.Hour)
		err = copyAgain(cp, copier.Resume{Job: "a"})
		mustBe(t, err, copier.ErrCheckpoint)
		if !strings.Contains(err.Error(), "ResumeWithin") {
			t.Errorf("it does not say what to do: %v", err)
		}
		for _, o := range []copier.Resume{{Job: "a", ResumeWithin: 48 * time.Hour}, {Job: "b", Restart: true}} {
			cp := interrupted()
			time.Sleep(25 * time.Hour)
			if err := copyAgain(cp, o); err != nil {
				t.Errorf("%+v: %v", o, err)
			}
		}
	})
}

func TestCheckpointThatCanNotBeSavedStopsThePass(t *testing.T) {
	t.Parallel()
	old, new := newMem(t), newMem(t)
	fill(t, old, 300)
	full := errors.New("disk full")
	o := &copier.CopyOptions[user]{Resume: copier.Resume{Checkpoint: &memoryCheckpoint{err: full}, Job: "j"}}
	_, err := copier.Copy(t.Context(), old, new, o)
	mustBe(t, err, full)
	if n := len(dump(t, new)); n != 0 {
		t.Errorf("%d records were copied nevertheless", n)
	}
}

// CopyAndVerify that was interrupted while it verified does not copy again.
func TestCopyAndVerifyResumesItsStage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, inner := newMem(t), newMem(t)
		fill(t, old, 1000)
		ctx, cancel := context.WithCancel(t.Context())
		new := storefault.New[string, user](inner, &storefault.Options{Before: func(_ context.Context, c storefault.Call) error {
			if c.Op == storefault.OpScan && c.N == 3 { // verify alone scans new
				cancel()
			}
			return nil
		}})
		o := &copier.CopyAndVerifyOptions[user]{MirroringSince: time.Now()}
		o.Checkpoint, o.Job, o.Batch = &memoryCheckpoint{}, "j", 50
		first, _, err := copier.CopyAndVerify(ctx, old, new, o)
		mustBe(t, err, context.Canceled)
		if first.Applied != 1000 {
			t.Fatalf("%+v", first)
		}
		new.Reset()
		copied, verified, err := copier.CopyAndVerify(t.Context(), old, new, o)
		if err != nil || copied.Run != first.Run || copied.Applied != 1000 || !copied.Clean() || new.Calls(storefault.OpPutMany) != 0 || !verified.Clean() || verified.Resumed != 1 {
			t.Fatalf("%v\n%+v\n%+v", err, copied, verified)
		}
		copied, verified, err = copier.CopyAndVerify(t.Context(), old, new, o)
		if err != nil || copied.Read != 1000 || !verified.Clean() || verified.Resumed != 0 {
			t.Fatalf("a new call begins anew: %v\n%+v\n%+v", err, copied, verified)
		}
		o.Job = "other"
		if _, _, err = copier.CopyAndVerify(t.Context(), old, new, o); !errors.Is(err, copier.ErrCheckpoint) {
			t.Errorf("a checkpoint of another job: %v", err)
		}
	})
}

func TestFindingIsDeliveredBeforeItsCheckpoint(t *testing.T) {
	t.Parallel()
	old, inner := newMem(t), newMem(t)
	fill(t, old, 400)
	new := storefault.New[string, user](inner, &storefault.Options{Rules: []storefault.Rule{
		storefault.Random(5, 1, storefault.Fault{Kind: storefault.FailBefore, Err: stores.Permanent(errors.New("no")),
			Only: func(it storefault.Item) bool { return bytes.HasSuffix(it.Key, []byte("7")) }}, storefault.OpPutMany),
	}})
	told := 0
	cp := &memoryCheckpoint{}
	o := &copier.CopyOptions[user]{Resume: copier.Resume{CheckpointEvery: time.Nanosecond, Checkpoint: cp, Job: "j"}}
	o.Batch, o.OnFinding = 10, func(copier.Finding) error {
		told++
		if told == 20 {
			return errors.New("the file is full")
		}
		return nil
	}
	r, err := copier.Copy(t.Context(), old, new, o)
	if err == nil || r.Finished || told != 20 {
		t.Fatalf("%v, %d told", err, told)
	}
	if n := cp.last(t).Report.Found[copier.KindRejected]; n > 19 {
		t.Errorf("%d findings in the checkpoint, 19 delivered", n)
	}
}

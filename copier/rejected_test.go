package copier_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

var errNoKey = errors.New("missing the key id in the item")

// refusingWrites is a place that refuses writes for good.
func refusingWrites(s stores.Store[string, user], which func(storefault.Item) bool) *storefault.Store[string, user] {
	fault := storefault.Fault{Kind: storefault.FailBefore, Err: stores.Permanent(errNoKey), Only: which}
	return storefault.New(s, &storefault.Options{Rules: []storefault.Rule{storefault.Always(fault, storefault.OpPutMany, storefault.OpPurge)}})
}

func every(storefault.Item) bool { return true }

// One cause that refuses everything ends the pass after the first hundred, in each operation, whatever the size of a page.
func TestAPassThatIsRefusedEverythingEnds(t *testing.T) {
	t.Parallel()
	for _, batch := range []int{7, 500} {
		old, inner := newMem(t), newMem(t)
		fill(t, old, 3000)
		new := refusingWrites(inner, every)
		var told int
		po := copier.PassOptions{Batch: batch, Workers: 2, OnFinding: func(f copier.Finding) error {
			if told++; f.Kind != copier.KindRejected {
				t.Errorf("%v", f)
			}
			return nil
		}}
		var keys [][]byte
		for i := range 3000 {
			keys = append(keys, []byte(keyOf(i)))
		}
		clock := newClock(t)
		for i := range 3000 {
			force(t, inner, keyOf(i), record(next(t, clock), stores.Absent, "other"))
			force(t, old, keyOf(i), record(next(t, clock), stores.Absent, "stamped"))
		}
		for op, run := range map[string]func() (copier.Report, error){
			"copy": func() (copier.Report, error) {
				return copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: po})
			},
			"verify": func() (copier.Report, error) {
				return copier.Verify(t.Context(), old, new, &copier.VerifyOptions[user]{PassOptions: po, Grace: 1, Repair: &copier.RepairPolicy{}})
			},
			"repair": func() (copier.Report, error) {
				return copier.Repair(t.Context(), old, new, yieldKeys(keys), &copier.RepairOptions[user]{PassOptions: po})
			},
			"finish": func() (copier.Report, error) {
				return copier.Finish(t.Context(), new, &copier.FinishOptions{PassOptions: po, Confirm: copier.NobodyWritesBoth})
			},
		} {
			told = 0
			r, err := run()
			mustBe(t, err, copier.ErrRejected)
			mustBe(t, err, errNoKey)
			if most := int64(100 + 3*batch); r.Found[copier.KindRejected] < 100 || r.Found[copier.KindRejected] > most || told != int(r.Found[copier.KindRejected]) {
				t.Errorf("%s, batches of %d: %v findings, %d told", op, batch, r.Found, told)
			}
			if r.Finished || r.Clean() || !strings.Contains(err.Error(), "MaxRejected") {
				t.Errorf("%s: %v %q", op, err, r.Reasons())
			}
		}
	}
}

// What was refused before the cause was mended is tried again: it is kept in the checkpoint, and no finding any more.
func TestWhatWasRefusedIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, batch := range []int{7, 500} {
		t.Run(fmt.Sprint(batch), func(t *testing.T) {
			t.Parallel()
			old, inner := newMem(t), newMem(t)
			fill(t, old, 3000)
			cp := &memoryCheckpoint{}
			o := &copier.CopyOptions[user]{Resume: copier.Resume{Checkpoint: cp, Job: "j"}, PassOptions: copier.PassOptions{Batch: batch}}
			r, err := copier.Copy(t.Context(), old, refusingWrites(inner, every), o)
			mustBe(t, err, copier.ErrRejected)
			if r.Pending < 100 || len(cp.last(t).Pending) != r.Pending {
				t.Fatalf("%d pending, %d in the checkpoint", r.Pending, len(cp.last(t).Pending))
			}
			r, err = copier.Copy(t.Context(), old, inner, o)
			if err != nil || r.Applied != 3000 || len(r.Found) != 0 || !r.Finished {
				t.Fatalf("%v %+v", err, r)
			}
			mustBeClean(t, old, inner)
		})
	}
}

// Single records that are refused stop nobody, be they the first ones, or many, or all that a caller says it can bear.
func TestSomeRefusalsDoNotEndThePass(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		which func(storefault.Item) bool
		bound int
		want  int64
	}{
		"the first 99":   {func(it storefault.Item) bool { return string(it.Key) < keyOf(99) }, 0, 99},
		"every third":    {func(it storefault.Item) bool { return it.Key[len(it.Key)-1]%3 == 0 }, 0, 1200},
		"the last 1000":  {func(it storefault.Item) bool { return string(it.Key) >= keyOf(2000) }, 0, 1000},
		"all, no bound":  {every, -1, 3000},
		"all, far bound": {every, 3001, 3000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old, inner := newMem(t), newMem(t)
			fill(t, old, 3000)
			told := 0
			o := &copier.CopyOptions[user]{PassOptions: copier.PassOptions{Batch: 50, Workers: 1, MaxRejected: tc.bound, OnFinding: func(copier.Finding) error {
				told++
				return nil
			}}}
			r, err := copier.Copy(t.Context(), old, refusingWrites(inner, tc.which), o)
			if err != nil || !r.Finished || r.Found[copier.KindRejected] != tc.want || told != int(tc.want) || r.Pending != 0 {
				t.Errorf("%v, %d told, %+v", err, told, r)
			}
		})
	}
}

func TestSomeRefusalsDoNotEndARepair(t *testing.T) {
	t.Parallel()
	old, inner := newMem(t), newMem(t)
	fill(t, old, 3000)
	var keys [][]byte
	for i := range 3000 {
		keys = append(keys, []byte(keyOf(i)))
	}
	new := refusingWrites(inner, func(it storefault.Item) bool { return it.Key[len(it.Key)-1]%3 == 0 })
	r, err := copier.Repair(t.Context(), old, new, yieldKeys(keys), nil)
	if err != nil || r.Found[copier.KindRejected] != 1200 || r.Repaired != 1800 {
		t.Errorf("%v %+v", err, r)
	}
}

// A type that fits none of the records is one cause too.
func TestAPassThatDecodesNothingEnds(t *testing.T) {
	t.Parallel()
	old, new := brittle(t), newMem(t)
	for i := range 1000 {
		force(t, old, keyOf(i), record(stores.Unstamped, stores.Unknown, "broken"))
	}
	o := &copier.CopyOptions[user]{Resume: copier.Resume{Checkpoint: &memoryCheckpoint{}, Job: "j"}}
	for range 2 { // resuming comes to the same end
		r, err := copier.Copy(t.Context(), old, new, o)
		mustBe(t, err, copier.ErrRejected)
		if n := r.Found[copier.KindUndecodable]; n < 100 || n == 1000 && r.Resumed == 0 && r.Finished {
			t.Errorf("%+v", r)
		}
	}
}

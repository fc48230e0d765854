package copier_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
)

// An interrupted pass goes on where both places were; it skips nothing, and reads nothing again that it had dealt with.
func TestSideBySideResumes(t *testing.T) {
	t.Parallel()
	for name, inARow := range map[string]int{"some broken": 3, "very many broken": 9000} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { resumesSideBySide(t, inARow) })
		})
	}
}

func resumesSideBySide(t *testing.T, inARow int) {
	old, new := brittle(t), brittle(t)
	v, records := next(t, newClock(t)), int64(0)
	want, got := map[string]copier.Kind{}, map[string]copier.Kind{}
	put := func(s *mem, i int, name string) {
		force(t, s, keyOf(i), record(v, stores.Absent, name))
		records++
	}
	for i := range 2000 + inARow {
		if i%1000 == 950 {
			want[keyOf(i)] = copier.KindMissing
			put(old, i, "sound")
			continue
		}
		if i >= 1000 && i < 1000+inARow || i%100 < 3 {
			want[keyOf(i)] = copier.KindUndecodable
			switch i % 3 {
			case 0: // in old alone
				put(old, i, "broken")
			case 1:
				put(new, i, "broken")
			default:
				put(old, i, "broken")
				put(new, i, "sound")
			}
			continue
		}
		put(old, i, "sound")
		put(new, i, "sound")
	}
	cp := &memoryCheckpoint{}
	for n := 0; ; n++ {
		ctx, cancel := context.WithCancel(t.Context())
		pages := 0
		o := &copier.VerifyOptions[user]{Resume: copier.Resume{Checkpoint: cp, Job: "j"}, PassOptions: copier.PassOptions{
			Batch: 50, Workers: 1, MaxRejected: -1, OnFinding: func(f copier.Finding) error {
				if got[string(f.Key)] != "" && inARow < 1000 {
					t.Errorf("found twice: %v", f)
				}
				got[string(f.Key)] = f.Kind
				return nil
			},
			Throttle: func() float64 {
				if pages++; pages == 3 {
					cancel()
				}
				return 1000
			},
		}}
		r, err := copier.Verify(ctx, old, new, o)
		cancel()
		if err != nil {
			mustBe(t, err, context.Canceled)
			continue
		}
		if r.Resumed != n || n < 5 || r.Read != records || !r.Finished {
			t.Errorf("resumed %d times of %d, read %d of %d: %+v", r.Resumed, n, r.Read, records, r.Counts)
		}
		break
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// strays has records between the others whose keys are none, as a collection has whose ids are of several types.
type strays struct{ *mem }

func strayKey(key string) string { return "\xff" + key }

func (s strays) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[string, user], error] {
	return func(yield func(stores.Entry[string, user], error) bool) {
		for e, err := range s.mem.Scan(ctx, seg, after) {
			if !yield(e, err) {
				return
			}
			if err == nil && strings.HasSuffix(e.Key, "50") {
				bad := &stores.RecordError{Key: []byte(strayKey(e.Key)), Foreign: true, Err: errors.New("no key")}
				if !yield(stores.Entry[string, user]{}, bad) {
					return
				}
			}
		}
	}
}

// A record under a key that is none comes anywhere, and an interruption does not lose it.
func TestSideBySideWithStrays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, twin := newMem(t), newMem(t)
		fill(t, twin, 2000)
		for i := 0; i < 2000; i += 25 { // so that the position moves on by what is in new alone
			force(t, old, keyOf(i), record(stores.Unstamped, stores.Unknown, "a"))
		}
		told := map[string]bool{}
		cp := &memoryCheckpoint{}
		for n := 0; ; n++ {
			ctx, cancel := context.WithCancel(t.Context())
			pages := 0
			o := &copier.VerifyOptions[user]{Resume: copier.Resume{Checkpoint: cp, Job: "j"}, PassOptions: copier.PassOptions{
				Batch: 10, Workers: 1, KeepFindings: 1, OnFinding: func(f copier.Finding) error {
					told[string(f.Key)] = true
					return nil
				},
				Throttle: func() float64 {
					if pages++; pages == 2 {
						cancel()
					}
					return 100
				},
			}}
			_, err := copier.Verify(ctx, strays{old}, twin, o)
			cancel()
			if err == nil && n > 5 {
				break
			}
			mustBe(t, err, context.Canceled)
		}
		for i := 50; i < 2000; i += 100 {
			if _, err := old.Get(t.Context(), keyOf(i)); err == nil && !told[strayKey(keyOf(i))] {
				t.Errorf("%q is not told of", strayKey(keyOf(i)))
			}
		}
	})
}

package copier_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
)

// inOrder says that an endless store is scanned in the order of its keys.
type inOrder struct{ *endless }

func (inOrder) Bounds(context.Context, int) ([][]byte, error) { return nil, nil }

func (inOrder) Range(_, _ []byte) (stores.Segment, error) { return "", nil }

// A pass that never waits lets others have the only processor there is: in each loop over the records of a page, every
// sixteen of them. (A machine so slow that workers are interrupted, which happens after 10 ms, only adds turns.)
func TestOthersGetToRun(t *testing.T) {
	const n = 16_000
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := copier.PassOptions{Workers: 1}
	for name, c := range map[string]struct {
		loops int
		run   func(old, new *endless) (copier.Report, error)
	}{
		"copy: the scan, the look for losses": {2, func(old, new *endless) (copier.Report, error) {
			return copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: one})
		}},
		"verify by looking up: two scans, the comparison": {3, func(old, new *endless) (copier.Report, error) {
			return copier.Verify(t.Context(), old, new, &copier.VerifyOptions[user]{PassOptions: one})
		}},
		"verify side by side: the scans, the comparison": {2, func(old, new *endless) (copier.Report, error) {
			return copier.Verify(t.Context(), inOrder{old}, inOrder{new}, &copier.VerifyOptions[user]{PassOptions: one})
		}},
		"repair": {1, func(old, new *endless) (copier.Report, error) {
			keys := make([][]byte, n)
			for i := range keys {
				keys[i], _ = old.Keys().Append(nil, int64(i))
			}
			return copier.Repair(t.Context(), old, new, yieldKeys(keys), &copier.RepairOptions[user]{PassOptions: one})
		}},
		"finish": {1, func(_, new *endless) (copier.Report, error) {
			return copier.Finish(t.Context(), new, &copier.FinishOptions{PassOptions: one, Confirm: copier.NobodyWritesBoth})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			old, new := newEndless(t, n), newEndless(t, n)
			new.stamp = old.stamp
			turns := turnsDuring(func() {
				if r, err := c.run(old, new); err != nil || !r.Clean() {
					t.Error(err, r.Reasons())
				}
			})
			if least := c.loops * n / 20; turns < least { // the last records of a page are fewer than sixteen
				t.Errorf("others got %d turns in %d records, want %d at least", turns, n, least)
			}
		})
	}
}

// turnsDuring counts how often another goroutine gets the processor while fn runs.
func turnsDuring(fn func()) (turns int) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
				turns++
				runtime.Gosched()
			}
		}
	}()
	fn()
	close(done)
	<-ended
	return turns
}

// asked is a store that notes into how many segments it was divided.
type asked struct {
	*endless
	parts int
}

func (s *asked) Segments(ctx context.Context, n int) ([]stores.Segment, error) {
	s.parts = n
	return s.endless.Segments(ctx, n)
}

// By default a processor is left to the service. Each worker has four segments.
func TestDefaultWorkers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for processors, workers := range map[int]int{1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 8: 4} {
		runtime.GOMAXPROCS(processors)
		s := &asked{endless: newEndless(t, 100)}
		if r, err := copier.Finish(t.Context(), s, &copier.FinishOptions{Confirm: copier.NobodyWritesBoth}); err != nil || !r.Clean() {
			t.Fatal(err, r.Reasons())
		}
		if s.parts != 4*workers {
			t.Errorf("on %d processors there are %d segments, want %d workers with 4 each", processors, s.parts, workers)
		}
	}
}

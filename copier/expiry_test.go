package copier_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
)

// lapsing is a store in which each record whose key begins with "x" has expired, and each with "l" long ago, as a store reads it that
// never removes these. Its scans break.
type lapsing struct {
	*mem
	breaks int // how often a scan still breaks, after two records
}

func (l *lapsing) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[string, user], error] {
	counts := stores.ExpiryCountsOf(ctx)
	return func(yield func(stores.Entry[string, user], error) bool) {
		n := 0
		for e, err := range l.mem.Scan(ctx, seg, after) {
			if err == nil && strings.HasPrefix(e.Key, "x") {
				counts.Passed.Add(1)
				continue
			}
			if n++; n == 3 && l.breaks > 0 {
				l.breaks--
				yield(stores.Entry[string, user]{}, stores.Transient(errors.New("cut")))
				return
			}
			if err == nil && strings.HasPrefix(e.Key, "l") {
				counts.LongPast.Add(1)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// lookedUp is a place that is not scanned in the order of its keys.
type lookedUp struct{ *lapsing }

func (lookedUp) Bounds(context.Context, int) ([][]byte, error) {
	return nil, fmt.Errorf("no order: %w", errors.ErrUnsupported)
}

// lapsed has keys of all kinds in turn and in runs, and one that has expired at each end.
func lapsed(t *testing.T) *lapsing {
	t.Helper()
	l := &lapsing{mem: newMem(t)}
	for i := range 10 {
		for _, key := range []string{"aa%02d", "l%02d", "x%02d", "y%02d"} {
			force(t, l.mem, fmt.Sprintf(key, i), record(stores.Unstamped, stores.Unknown, "a"))
		}
		force(t, l.mem, fmt.Sprintf("xx%02d", i), record(stores.Unstamped, stores.Unknown, "a"))
	}
	return l
}

// TestExpiredRecordsAreCounted: each record that is passed over counts once, wherever pages end and scans break.
func TestExpiredRecordsAreCounted(t *testing.T) {
	t.Parallel()
	for _, batch := range []int{1, 2, 7, 1000} {
		for _, breaks := range []int{0, 3} {
			from, to := lapsed(t), newMem(t)
			o := fast(copier.PassOptions{Batch: batch, Workers: 1})
			from.breaks = breaks
			r, err := copier.Copy(t.Context(), from, to, &copier.CopyOptions[user]{PassOptions: o})
			if err != nil || r.Read != 30 || r.Expired != 20 || r.LongExpired != 10 || !r.Clean() {
				t.Errorf("copy, pages of %d, %d breaks: read %d, expired %d, %d long ago, %v, %v", batch, breaks, r.Read, r.Expired, r.LongExpired, r.Reasons(), err)
			}
			for name, old := range map[string]stores.Store[string, user]{"side by side": from, "looked up": lookedUp{from}} {
				from.breaks = breaks
				r, err = copier.Verify(t.Context(), old, to, &copier.VerifyOptions[user]{PassOptions: o})
				if err != nil || r.Expired != 20 || r.LongExpired != 10 || !r.Clean() {
					t.Errorf("verify %s, pages of %d, %d breaks: expired %d, %d long ago, %v, %v", name, batch, breaks, r.Expired, r.LongExpired, r.Reasons(), err)
				}
			}
		}
	}
}

// TestNothingButExpiredRecordsIsNotClean, and the reason says so.
func TestNothingButExpiredRecordsIsNotClean(t *testing.T) {
	t.Parallel()
	from := &lapsing{mem: newMem(t)}
	for i := range 3 {
		force(t, from.mem, fmt.Sprint("x", i), record(stores.Unstamped, stores.Unknown, "a"))
	}
	r, err := copier.Copy(t.Context(), from, newMem(t), nil)
	if err != nil || r.Expired != 3 || r.Clean() || !strings.Contains(strings.Join(r.Reasons(), ";"), "all 3 records have expired") {
		t.Errorf("expired %d, %q, %v", r.Expired, r.Reasons(), err)
	}
}

// TestExpiredRecordsAreCountedOnceOverInterruptions: the count is in the checkpoint, with the position, and in the JSON. A pass whose
// scan was cut short is neither finished nor clean.
func TestExpiredRecordsAreCountedOnceOverInterruptions(t *testing.T) {
	t.Parallel()
	from, to, keep := lapsed(t), newMem(t), &memoryCheckpoint{}
	for runs := 1; ; runs++ {
		from.breaks = 1
		r, err := copier.Copy(t.Context(), from, to, &copier.CopyOptions[user]{
			PassOptions: copier.PassOptions{Batch: 1, Workers: 1, Attempts: 1}, Resume: copier.Resume{Checkpoint: keep, Job: "leases"},
			MirroringSince: time.Unix(1, 0),
		})
		if err != nil && runs < 100 {
			if r.Finished || r.Clean() {
				t.Fatalf("cut short, and finished: %v", r.Reasons())
			}
			continue
		}
		b, _ := json.Marshal(r)
		if err != nil || r.Read != 30 || r.Expired != 20 || r.LongExpired != 10 || r.Resumed < 5 || !r.Clean() || !bytes.Contains(b, []byte(`"expired":20,"long_expired":10`)) {
			t.Errorf("%s: %v", b, err)
		}
		return
	}
}

package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
)

// TestScanOverPages: small pages, large records, each segment, resumed after each record.
func TestScanOverPages(t *testing.T) {
	t.Parallel()
	s := notes(t, &Options[string, note]{PageSize: 7})
	var writes []write
	for i := range 60 {
		w := write{Key: fmt.Sprint("k", i), Record: live(stamp(1), stores.Absent, int64(i)), If: stores.IfStamp(stores.Absent)}
		w.Record.Value.Text = strings.Repeat("x", 30<<10) // together more than a page of 1 MB
		writes = append(writes, w)
	}
	errs, err := s.PutMany(t.Context(), writes)
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store[string, note]{s, open[string, note](t, s.client, s.table.name, nil)} {
		segs, err := s.Segments(t.Context(), 5)
		if err != nil || len(segs) != 5 {
			t.Fatal(segs, err)
		}
		seen := map[string]int{}
		for _, seg := range segs {
			var order []string
			for e, err := range s.Scan(t.Context(), seg, nil) {
				if err != nil {
					t.Fatal(err)
				}
				seen[e.Key]++
				order = append(order, e.Key)
			}
			for i, after := range order {
				rest := order[i+1:]
				for e, err := range s.Scan(t.Context(), seg, []byte(after)) {
					if err != nil || len(rest) == 0 || e.Key != rest[0] {
						t.Fatalf("after %s: %s, %v; want %v", after, e.Key, err, rest)
					}
					rest = rest[1:]
				}
				if len(rest) > 0 {
					t.Fatalf("after %s: %v are missing", after, rest)
				}
			}
		}
		if len(seen) != len(writes) {
			t.Errorf("%d keys, want %d", len(seen), len(writes))
		}
	}
}

func TestSegmentsThatAreNone(t *testing.T) {
	t.Parallel()
	s := notes(t, nil)
	for _, seg := range []stores.Segment{"x", "1:", "1:0", "1:1/1", "1:-1/2", "2:0/2", "1:0/0", "1:0/2000000", "1:a/b"} {
		for _, err := range s.Scan(t.Context(), seg, nil) {
			if !errors.Is(err, stores.ErrPermanent) {
				t.Errorf("%q: %v", seg, err)
			}
		}
	}
	if _, err := s.Segments(t.Context(), 0); !errors.Is(err, stores.ErrPermanent) {
		t.Error(err)
	}
	if segs, err := s.Segments(t.Context(), 1<<30); err != nil || len(segs) != maxSegments {
		t.Error(len(segs), err)
	}
}

// TestScanThatFails ends with an error that says whether it may go better later.
func TestScanThatFails(t *testing.T) {
	t.Parallel()
	_, s, _ := flaky(t, nil, 1, script(throttled, throttled, throttled, lostRequest, lostAnswer1))
	var err error
	for _, err = range s.Scan(t.Context(), "", nil) {
	}
	if !errors.Is(err, stores.ErrTransient) {
		t.Errorf("throttled: %v", err)
	}
	for _, err := range s.Scan(t.Context(), "", nil) {
		t.Errorf("answers lost and sent again: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err = range s.Scan(ctx, "", nil) {
	}
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func isRecordError(err error) bool {
	var bad *stores.RecordError
	return errors.As(err, &bad)
}

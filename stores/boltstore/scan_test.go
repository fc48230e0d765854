package boltstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/stores"
)

func keysOf(t *testing.T, s *view, seg stores.Segment, after []byte) (keys []string) {
	t.Helper()
	for e, err := range s.Scan(t.Context(), seg, after) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, e.Key)
	}
	return keys
}

func wantKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%05d", i)
	}
	return keys
}

func TestScanOrderAndResume(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, firstPage, firstPage + 1, firstPage + 2*firstPage, 3000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			s := notes(t, open(t), "v")
			fill(t, s, n)
			all := wantKeys(n)
			if d := cmp.Diff(all, keysOf(t, s, "", nil), cmpEmpty); d != "" {
				t.Error(d)
			}
			for _, at := range []int{0, 1, 31, 32, 33, 511, 544, n - 1} {
				if at < 0 || at >= n {
					continue
				}
				if d := cmp.Diff(all[at+1:], keysOf(t, s, "", []byte(all[at])), cmpEmpty); d != "" {
					t.Errorf("after %s: %s", all[at], d)
				}
			}
			if d := cmp.Diff(all, keysOf(t, s, "", []byte{}), cmpEmpty); d != "" {
				t.Errorf("after the empty key: %s", d)
			}
			if d := cmp.Diff(all[min(n, 7):], keysOf(t, s, "", []byte("k00006x")), cmpEmpty); d != "" {
				t.Errorf("after a key that is not there: %s", d)
			}
		})
	}
}

var cmpEmpty = cmp.Transformer("NilIsEmpty", func(s []string) []string { return append([]string{}, s...) })

func TestScanGoesOnAfterARecordThatDoesNotDecode(t *testing.T) {
	t.Parallel()
	db := open(t)
	s := notes(t, db, "v")
	fill(t, s, 100)
	for _, k := range []string{"k00000", "k00040", "k00099"} {
		damage(t, db, k, []byte{0xff})
	}
	var good, bad []string
	for e, err := range s.Scan(t.Context(), "", nil) {
		var re *stores.RecordError
		switch {
		case errors.As(err, &re):
			bad = append(bad, string(re.Key))
		case err != nil:
			t.Fatal(err)
		default:
			good = append(good, e.Key)
		}
	}
	if len(good) != 97 || !slices.Equal(bad, []string{"k00000", "k00040", "k00099"}) {
		t.Errorf("%d good, bad %v", len(good), bad)
	}
}

func TestKeyThatDoesNotParse(t *testing.T) {
	t.Parallel()
	db := open(t)
	fill(t, notes(t, db, "v"), 1)
	s, err := View[int64, note](db, "v", stores.Int64Keys[int64](), nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range s.Scan(t.Context(), "", nil) {
		var re *stores.RecordError
		if n++; !errors.As(err, &re) || string(re.Key) != "k00000" {
			t.Errorf("got %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d records", n)
	}
}

// TestCopyBetweenViewsOfOneGrowingFile: bbolt maps the file anew whenever it has grown, and waits for every reader to
// do so. A scan that held its transaction while the loop body writes would hang here.
func TestCopyBetweenViewsOfOneGrowingFile(t *testing.T) {
	t.Parallel()
	db := open(t)
	from, to := notes(t, db, "from"), notes(t, db, "to")
	const n = 1000
	for i := range n {
		r := record{Meta: stores.Meta{Version: stamp(1)}, Value: note{N: int64(i), Text: strings.Repeat("x", 8000)}}
		mustPut(t, from, write{Key: fmt.Sprintf("k%05d", i), Record: r, If: stores.IfOlder(stamp(1))})
	}
	done := make(chan error, 1)
	go func() {
		for e, err := range from.Scan(t.Context(), "", nil) {
			if err == nil {
				err = to.Put(t.Context(), write{Key: e.Key, Record: e.Record, If: stores.IfOlder(e.Record.Version)})
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("the copy hangs")
	}
	if d := cmp.Diff(wantKeys(n), keysOf(t, to, "", nil)); d != "" {
		t.Error(d)
	}
}

func TestWritesFromTheLoopBody(t *testing.T) {
	t.Parallel()
	s := notes(t, open(t), "v")
	fill(t, s, 500)
	seen := 0
	for e, err := range s.Scan(t.Context(), "", nil) {
		if err != nil {
			t.Fatal(err)
		}
		seen++
		mustPut(t, s, write{Key: e.Key, Record: live(stamp(2), e.Record.Version, -1), If: stores.IfStamp(e.Record.Version)})
		mustPut(t, s, write{Key: "a" + e.Key, Record: live(stamp(2), stores.Absent, -1), If: stores.IfStamp(stores.Absent)})
	}
	if n, err := s.ApproxCount(t.Context()); seen != 500 || n != 1000 || err != nil {
		t.Errorf("saw %d, holds %d, %v", seen, n, err)
	}
}

func TestScanEnds(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]struct {
		do   func(*DB, context.CancelFunc) error
		want error
	}{
		"context": {func(_ *DB, cancel context.CancelFunc) error { cancel(); return nil }, context.Canceled},
		"close":   {func(db *DB, _ context.CancelFunc) error { return db.Close() }, stores.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			s := notes(t, db, "v")
			fill(t, s, 1000)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			n := 0
			var last error
			for _, err := range s.Scan(ctx, "", nil) {
				if last = err; err != nil {
					continue
				}
				if n++; n == 10 {
					if err := stop.do(db, cancel); err != nil {
						t.Fatal(err)
					}
				}
			}
			if !errors.Is(last, stop.want) || n >= 1000 || name == "context" && n != 10 {
				t.Errorf("%d records, then %v", n, last)
			}
		})
	}
}

func TestScanTwice(t *testing.T) {
	t.Parallel()
	s := notes(t, open(t), "v")
	fill(t, s, 100)
	after := []byte("k00009")
	seq := s.Scan(t.Context(), "", after)
	after[0] = 'z'
	for range 2 {
		n := 0
		for _, err := range seq {
			if n++; err != nil {
				t.Fatal(err)
			}
		}
		if n != 90 {
			t.Errorf("%d records", n)
		}
	}
}

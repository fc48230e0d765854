package boltstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/stores"
)

func TestSegmentsHoldEverythingOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 3, 100, 2*walkOps + 100} {
		for _, parts := range []int{1, 2, 7, 64} {
			t.Run(fmt.Sprintf("%d in %d", n, parts), func(t *testing.T) {
				t.Parallel()
				s := notes(t, open(t), "v")
				fill(t, s, n)
				segs, err := s.Segments(t.Context(), parts)
				if err != nil || len(segs) != max(1, min(n, parts)) {
					t.Fatal(segs, err)
				}
				var all []string
				for _, seg := range segs {
					part := keysOf(t, s, seg, nil)
					if ideal := max(n, 1) / len(segs); len(part) > ideal+1 || n > 0 && len(part) < ideal {
						t.Errorf("a segment of %d, ideal is %d", len(part), ideal)
					}
					all = append(all, part...)
				}
				if d := cmp.Diff(wantKeys(n), all, cmpEmpty); d != "" {
					t.Error(d)
				}
			})
		}
	}
}

// TestSegmentsStayValid: over a restart, and for records that come later, before the first and behind the last too.
func TestSegmentsStayValid(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	db, err := Open(path, &Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	s := notes(t, db, "v")
	fill(t, s, 100)
	segs, err := s.Segments(t.Context(), 5)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if db, err = Open(path, &Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // NoSync
	s = notes(t, db, "v")
	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 1000 {
		key := []byte{byte(rng.IntN(256)), byte(rng.IntN(256))}
		w := write{Key: string(key), Record: live(stamp(1), stores.Unknown, 1), If: stores.IfOlder(stamp(1))}
		if err := s.Put(t.Context(), w); err != nil && !errors.As(err, new(*stores.ConditionError)) {
			t.Fatal(err)
		}
	}
	all := keysOf(t, s, "", nil)
	var parts []string
	for _, seg := range segs {
		if !utf8.ValidString(string(seg)) {
			t.Errorf("%q does not go into a text file", seg)
		}
		part := keysOf(t, s, seg, nil)
		for i := range part { // resuming inside a segment stays inside
			if i%50 == 0 && !slices.Equal(part[i+1:], keysOf(t, s, seg, []byte(part[i]))) {
				t.Errorf("resume after %q of %s", part[i], seg)
			}
		}
		if before := keysOf(t, s, seg, []byte{}); !slices.Equal(before, part) {
			t.Errorf("a cursor from before %s changes what is in it", seg)
		}
		parts = append(parts, part...)
	}
	if d := cmp.Diff(all, parts); d != "" {
		t.Error(d)
	}
}

func TestBadSegment(t *testing.T) {
	t.Parallel()
	s := notes(t, open(t), "v")
	fill(t, s, 1)
	for _, seg := range []stores.Segment{"x", "1:", "1:00", "2:00:01", "1:0:01", "1:zz:", "1:02:01", "1:02:02", "1::00:"} {
		var last error
		n := 0
		for _, err := range s.Scan(t.Context(), seg, nil) {
			n, last = n+1, err
		}
		if n != 1 || !errors.Is(last, stores.ErrPermanent) {
			t.Errorf("%q: %d, %v", seg, n, last)
		}
	}
	if _, err := s.Segments(t.Context(), 0); !errors.Is(err, stores.ErrPermanent) {
		t.Errorf("no parts: %v", err)
	}
}

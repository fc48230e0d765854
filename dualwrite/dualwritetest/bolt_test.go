package dualwritetest_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/boltstore"
)

// flipped is a phase that changes while writers run.
type flipped struct{ phase atomic.Uint32 }

// Phase implements [flags.Source].
func (s *flipped) Phase(context.Context) (flags.Phase, error) {
	return flags.Phase(s.phase.Load()), nil
}

// viewsOf are two views of one file that is synced at each commit.
func viewsOf(tb testing.TB, path string) (db *boltstore.DB, old, new stores.Store[string, user]) {
	tb.Helper()
	db, err := boltstore.Open(path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	views := make([]stores.Store[string, user], 2)
	for i, name := range []string{"old", "new"} {
		if views[i], err = boltstore.View[string, user](db, name, stores.StringKeys[string](), nil); err != nil {
			tb.Fatal(err)
		}
	}
	return db, views[0], views[1]
}

// oneFile is viewsOf a file that the test closes.
func oneFile(tb testing.TB) (old, new stores.Store[string, user]) {
	tb.Helper()
	db, old, new := viewsOf(tb, filepath.Join(tb.TempDir(), "records.bolt"))
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return old, new
}

func older(u *user) error {
	u.Age++
	return nil
}

// A whole migration within one file, under writers: two instances that write both places together and one that does not
// see each flip at different moments, and every increment counts.
func TestBoltUnderWriters(t *testing.T) {
	t.Parallel()
	const keys, writersEach = 3, 2
	old, new := oneFile(t)
	var sources []*flipped
	var fleet []*dualwrite.Repository[string, user]
	for i := range 3 {
		s := &flipped{}
		s.phase.Store(uint32(flags.OldOnly))
		r, err := dualwrite.New(old, new, s, &dualwrite.Options{SeparateWrites: i == 2, Attempts: 1000})
		if err != nil {
			t.Fatal(err)
		}
		sources, fleet = append(sources, s), append(fleet, r)
	}
	for k := range keys {
		if _, err := fleet[0].Put(t.Context(), userKey(k), user{}); err != nil {
			t.Fatal(err)
		}
	}
	var acknowledged, maybe [keys]atomic.Int64
	var stop atomic.Bool
	var all sync.WaitGroup
	for _, r := range fleet {
		for w := range writersEach {
			all.Go(func() {
				for n := w; !stop.Load(); n++ {
					k := n % keys
					switch _, err := r.Update(t.Context(), userKey(k), older); {
					case err == nil:
						acknowledged[k].Add(1)
					case errors.Is(err, dualwrite.ErrIndeterminate):
						maybe[k].Add(1)
					default:
						t.Errorf("%v: %v", r.Status().Phase, err)
						return
					}
				}
			})
		}
	}
	for _, p := range flags.Phases()[1:] {
		if p == flags.NewOnly { // nothing may be left behind on old
			for _, err := range fleet[0].Scan(t.Context()) {
				if err != nil {
					t.Error(err)
				}
			}
		}
		for i, s := range sources {
			s.phase.Store(uint32(p))
			if err := fleet[i].Drained(t.Context(), p-1); err != nil {
				t.Error(err)
			}
			writeSome(t, fleet[0], keys*writersEach, &acknowledged[0], &maybe[0])
		}
		if p == flags.NewOnly {
			break
		}
		for k := range keys {
			wantCount(t, fleet[0], k, acknowledged[k].Load(), -1)
		}
	}
	stop.Store(true)
	all.Wait()
	for k := range keys {
		wantCount(t, fleet[0], k, acknowledged[k].Load(), maybe[k].Load())
	}
}

// writeSome writes among the writers until it was acknowledged so often.
func writeSome(t *testing.T, r *dualwrite.Repository[string, user], n int, acknowledged, maybe *atomic.Int64) {
	t.Helper()
	for done := 0; done < n; {
		switch _, err := r.Update(t.Context(), userKey(0), older); {
		case err == nil:
			acknowledged.Add(1)
			done++
		case errors.Is(err, dualwrite.ErrIndeterminate):
			maybe.Add(1)
		default:
			t.Error(err)
			return
		}
	}
}

// wantCount checks a count that at least so many increments have gone into, and if most is not negative so many more.
func wantCount(t *testing.T, r *dualwrite.Repository[string, user], key int, least, most int64) {
	t.Helper()
	got, err := r.Get(t.Context(), userKey(key))
	if n := int64(got.Age); err != nil || n < least || most >= 0 && n > least+most {
		t.Errorf("record %d counts %d, %v; %d increments were acknowledged, %d more may have been applied", key, n, err, least, most)
	}
}

// Writing both places together takes one commit of the file, and so one sync, instead of two.
func TestBoltSyncsOnce(t *testing.T) {
	t.Parallel()
	const n = 20
	for _, p := range []flags.Phase{flags.ReadOldWriteBoth, flags.ReadNewWriteBoth} {
		empty := commits(t, p, false, 0)
		for separate, want := range map[bool]int{false: n, true: 2 * n} {
			if got := commits(t, p, separate, n) - empty; got != want {
				t.Errorf("%v, separate %v: %d writes took %d commits, want %d", p, separate, n, got, want)
			}
		}
	}
}

// commits makes some writes in a new file, one after the other, and tells how many transactions were committed to it.
func commits(t *testing.T, p flags.Phase, separate bool, writes int) (n int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "records.bolt")
	db, old, new := viewsOf(t, path)
	r, err := dualwrite.New(old, new, flags.Static(p), &dualwrite.Options{SeparateWrites: separate})
	if err != nil {
		t.Fatal(err)
	}
	for i := range writes {
		if _, err := r.Put(t.Context(), userKey(i), userValue(userKey(i), i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.View(func(tx *bbolt.Tx) error { n = tx.ID(); return nil }), file.Close()); err != nil {
		t.Fatal(err)
	}
	return n
}

// BenchmarkBolt is one write in each phase that writes both places of one file.
func BenchmarkBolt(b *testing.B) {
	for _, p := range []flags.Phase{flags.ReadOldWriteBoth, flags.ReadNewWriteBoth} {
		for _, separate := range []bool{false, true} {
			b.Run(fmt.Sprintf("%v/separate=%v", p.String()[:8], separate), func(b *testing.B) {
				old, new := oneFile(b)
				r, err := dualwrite.New(old, new, flags.Static(p), &dualwrite.Options{SeparateWrites: separate})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := r.Put(b.Context(), "k", user{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

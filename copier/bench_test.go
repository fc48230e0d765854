package copier_test

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/boltstore"
)

// endless is a store that makes up n records, keeps none and has everything that is asked for, so that what is measured
// is the copier alone.
type endless struct {
	n     int
	value user
	stamp stores.Version
	nils  []error
	every func() // called now and then by a scan, if it is there
}

func newEndless(tb testing.TB, n int) *endless {
	return &endless{n: n, value: user{Name: "Ada"}, stamp: next(tb, newClock(tb)), nils: make([]error, 10_000)}
}

func (s *endless) Keys() stores.KeyCodec[int64] { return stores.Int64Keys[int64]() }

func (s *endless) record() stores.Record[user] {
	return stores.Record[user]{Meta: stores.Meta{Version: s.stamp}, Value: s.value}
}

func (s *endless) Get(context.Context, int64) (stores.Record[user], error) { return s.record(), nil }

func (s *endless) Put(context.Context, stores.Write[int64, user]) error { return nil }

func (s *endless) PutMany(_ context.Context, w []stores.Write[int64, user]) ([]error, error) {
	return s.nils[:len(w)], nil
}

func (s *endless) GetMany(_ context.Context, keys []int64) ([]stores.Result[user], error) {
	res := make([]stores.Result[user], len(keys))
	for i := range res {
		res[i].Record = s.record()
	}
	return res, nil
}

func (s *endless) Purge(_ context.Context, targets []stores.PurgeTarget[int64]) ([]error, error) {
	return s.nils[:len(targets)], nil
}

func (s *endless) Segments(_ context.Context, n int) ([]stores.Segment, error) {
	segs := make([]stores.Segment, n)
	for i := range segs {
		segs[i] = stores.Segment(fmt.Sprint(i*s.n/n, " ", (i+1)*s.n/n))
	}
	return segs, nil
}

func (s *endless) Scan(_ context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[int64, user], error] {
	return func(yield func(stores.Entry[int64, user], error) bool) {
		from, to := int64(0), int64(s.n)
		if seg != "" {
			_, _ = fmt.Sscan(string(seg), &from, &to)
		}
		if after != nil {
			k, _ := s.Keys().Parse(after)
			from = k + 1
		}
		for k := from; k < to; k++ {
			if s.every != nil && k%9973 == 0 {
				s.every()
			}
			if !yield(stores.Entry[int64, user]{Key: k, Record: s.record()}, nil) {
				return
			}
		}
	}
}

// BenchmarkEngine is the cost of the copier itself for each record: one worker over stores that cost nothing.
func BenchmarkEngine(b *testing.B) {
	one := copier.PassOptions{Workers: 1}
	for name, run := range map[string]func(old, new *endless) (copier.Report, error){
		"copy": func(old, new *endless) (copier.Report, error) {
			return copier.Copy(b.Context(), old, new, &copier.CopyOptions[user]{PassOptions: one})
		},
		"verify": func(old, new *endless) (copier.Report, error) {
			return copier.Verify(b.Context(), old, new, &copier.VerifyOptions[user]{PassOptions: one})
		},
		"finish": func(_, new *endless) (copier.Report, error) {
			return copier.Finish(b.Context(), new, &copier.FinishOptions{PassOptions: one, Confirm: copier.NobodyWritesBoth})
		},
	} {
		b.Run(name, func(b *testing.B) {
			old, new := newEndless(b, b.N), newEndless(b, b.N)
			new.stamp = old.stamp
			b.ReportAllocs()
			b.ResetTimer()
			if r, err := run(old, new); err != nil || !r.Clean() {
				b.Fatal(err, r.Reasons())
			}
		})
	}
}

// The copier keeps nothing of the records that it is done with: ten times as many need the same memory.
func TestMemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("copies and verifies a million records")
	}
	small, large := peak(t, 100_000), peak(t, 1_000_000)
	t.Logf("peak heap: %d KiB for 100 k records, %d KiB for 1 M", small>>10, large>>10)
	if float64(large) > 1.2*float64(small) {
		t.Errorf("peak heap %d KiB for 1 M records, %d KiB for 100 k", large>>10, small>>10)
	}
}

// peak copies and verifies n records and returns the most memory that was in use. The garbage is collected every so many
// records, and nothing else runs meanwhile, as when the collector gets to run and what it then finds is mere chance.
func peak(t *testing.T, n int) uint64 {
	var most uint64
	old, new := newEndless(t, n), newEndless(t, n)
	new.stamp = old.stamp
	old.every = func() {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}
	one := copier.PassOptions{Workers: 1}
	keep := copier.Resume{Checkpoint: copier.FileCheckpoint(filepath.Join(t.TempDir(), "cp")), Job: "j", CheckpointEvery: 10 * time.Millisecond}
	if r, err := copier.Copy(t.Context(), old, new, &copier.CopyOptions[user]{PassOptions: one, Resume: keep}); err != nil || r.Applied != int64(n) {
		t.Fatalf("%v %+v", err, r)
	}
	keep.Restart = true
	if r, err := copier.Verify(t.Context(), old, new, &copier.VerifyOptions[user]{PassOptions: one, Resume: keep}); err != nil || !r.Clean() {
		t.Fatalf("%v %+v", err, r)
	}
	return most
}

// BenchmarkBolt compares a copy from one bolt file to another with the least that has to be done: scan, and write in
// batches, in one goroutine. Four workers, on any machine.
func BenchmarkBolt(b *testing.B) {
	const n = 100_000
	dir := b.TempDir()
	open := func(name string) *boltstore.Store[string, account] {
		db, err := boltstore.Open(filepath.Join(dir, name), nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := db.Close(); err != nil {
				b.Error(err)
			}
		})
		s, err := boltstore.View[string, account](db, "accounts", stores.StringKeys[string](), nil)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	old := open("old")
	var writes []stores.Write[string, account]
	for i := range n {
		writes = append(writes, stores.Write[string, account]{Key: keyOf(i), If: stores.IfOlder(stores.Unstamped),
			Record: stores.Record[account]{Meta: stores.Meta{Version: stores.Unstamped}, Value: account{Owner: "owner " + strconv.Itoa(i)}}})
	}
	if _, err := stores.PutMany(b.Context(), old, writes); err != nil {
		b.Fatal(err)
	}
	files := 0
	rate := func(copy func(new *boltstore.Store[string, account])) float64 {
		files++
		new := open("new " + strconv.Itoa(files))
		began := time.Now()
		copy(new)
		return n / time.Since(began).Seconds()
	}
	for b.Loop() {
		bare := rate(func(new *boltstore.Store[string, account]) { bareCopy(b, old, new) })
		engine := rate(func(new *boltstore.Store[string, account]) {
			o := &copier.CopyOptions[account]{PassOptions: copier.PassOptions{Workers: 4}}
			if r, err := copier.Copy(b.Context(), old, new, o); err != nil || r.Applied != n {
				b.Fatal(err, r.Counts)
			}
		})
		b.ReportMetric(engine, "records/s")
		b.ReportMetric(bare, "bare-records/s")
		b.ReportMetric(100*engine/bare, "%of-bare")
	}
}

func bareCopy(b *testing.B, old, new stores.Store[string, account]) {
	var writes []stores.Write[string, account]
	flush := func() {
		if _, err := stores.PutMany(b.Context(), new, writes); err != nil {
			b.Fatal(err)
		}
		writes = writes[:0]
	}
	for e, err := range old.Scan(b.Context(), "", nil) {
		if err != nil {
			b.Fatal(err)
		}
		writes = append(writes, stores.Write[string, account]{Key: e.Key, Record: e.Record, If: stores.IfOlder(e.Record.Version)})
		if len(writes) == 500 {
			flush()
		}
	}
	flush()
}

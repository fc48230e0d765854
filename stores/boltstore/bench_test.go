package boltstore

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
)

func benchView(b *testing.B, noSync bool) *view {
	b.Helper()
	db, err := Open(filepath.Join(b.TempDir(), "f"), &Options{NoSync: noSync})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return notes(b, db, "v")
}

func syncNames(b *testing.B, run func(b *testing.B, noSync bool)) {
	for _, noSync := range []bool{false, true} {
		b.Run(map[bool]string{false: "fsync", true: "nosync"}[noSync], func(b *testing.B) { run(b, noSync) })
	}
}

var text200 = strings.Repeat("0123456789", 20)

// BenchmarkPutMany1000 is the bare loop of a copy into an empty view, keys in order: one op is one record.
func BenchmarkPutMany1000(b *testing.B) {
	syncNames(b, func(b *testing.B, noSync bool) {
		s := benchView(b, noSync)
		b.ReportAllocs()
		for at := 0; at < b.N; at += 1000 {
			ws := make([]write, min(1000, b.N-at))
			for i := range ws {
				r := record{Meta: stores.Meta{Version: stamp(1)}, Value: note{N: int64(i), Text: text200}}
				ws[i] = write{Key: fmt.Sprintf("k%09d", at+i), Record: r, If: stores.IfOlder(stamp(1))}
			}
			errs, err := s.PutMany(b.Context(), ws)
			if err != nil || errs[0] != nil {
				b.Fatal(err, errs[0])
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
}

// BenchmarkPut is single writes from concurrent goroutines: one op is one acknowledged write.
func BenchmarkPut(b *testing.B) {
	syncNames(b, func(b *testing.B, noSync bool) {
		for _, workers := range []int{1, 16, 64} {
			b.Run(fmt.Sprint(workers), func(b *testing.B) { benchPut(b, benchView(b, noSync), workers) })
		}
	})
}

func benchPut(b *testing.B, s *view, workers int) {
	b.ReportAllocs()
	before := txid(b, s.db)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				r := record{Meta: stores.Meta{Version: stamp(1)}, Value: note{N: n, Text: text200}}
				w := write{Key: fmt.Sprintf("k%09d", n*7919%1_000_000_007), Record: r, If: stores.IfOlder(stamp(1))}
				if err := s.Put(b.Context(), w); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
	b.ReportMetric(float64(b.N)/float64(txid(b, s.db)-before), "writes/commit")
}

func BenchmarkGet(b *testing.B) {
	s := benchView(b, true)
	fill(b, s, 10_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := s.Get(b.Context(), fmt.Sprintf("k%05d", i%10_000)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScan reads a view of 100,000 records, as JSON and as bytes that need no decoding: one op is one record.
func BenchmarkScan(b *testing.B) {
	js := benchView(b, true)
	fill(b, js, 100_000)
	raw, err := View(js.db, "v", stores.StringKeys[string](), &ViewOptions[[]byte]{
		Encode: func(dst, v []byte) ([]byte, error) { return append(dst, v...), nil },
		Decode: func(v []byte) ([]byte, error) { return v, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("json", func(b *testing.B) { benchScan(b, js) })
	b.Run("bytes", func(b *testing.B) { benchScan(b, raw) })
}

func benchScan[V any](b *testing.B, s *Store[string, V]) {
	b.ReportAllocs()
	for n := 0; n < b.N; {
		for _, err := range s.Scan(b.Context(), "", nil) {
			if err != nil {
				b.Fatal(err)
			}
			if n++; n == b.N {
				break
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

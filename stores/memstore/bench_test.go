package memstore_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

func identity(v int64) int64 { return v }

func newBench(b *testing.B) (*memstore.Store[int64, int64], *stores.Clock) {
	b.Helper()
	s, err := memstore.New(stores.Int64Keys[int64](), &memstore.Options[int64]{Clone: identity})
	if err != nil {
		b.Fatal(err)
	}
	c, err := stores.NewClock(nil)
	if err != nil {
		b.Fatal(err)
	}
	return s, c
}

func put(b *testing.B, s *memstore.Store[int64, int64], c *stores.Clock, key int64) {
	v, _ := c.Next()
	w := stores.Write[int64, int64]{Key: key, Record: stores.Record[int64]{Meta: stores.Meta{Version: v}, Value: key}, If: stores.IfOlder(v)}
	if err := s.Put(b.Context(), w); err != nil {
		b.Fatal(err)
	}
}

func fill(b *testing.B, s *memstore.Store[int64, int64], c *stores.Clock, n int64) {
	b.Helper()
	for i := range n {
		put(b, s, c, i<<32)
	}
}

func BenchmarkInsertInOrder(b *testing.B) {
	s, c := newBench(b)
	b.ReportAllocs()
	for i := range int64(b.N) {
		put(b, s, c, i)
	}
}

func BenchmarkInsertRandomInto1M(b *testing.B) {
	s, c := newBench(b)
	fill(b, s, c, 1_000_000)
	rng := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		put(b, s, c, rng.Int64N(1_000_000<<32))
	}
}

func BenchmarkReplace(b *testing.B) {
	s, c := newBench(b)
	fill(b, s, c, 100_000)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range int64(b.N) {
		put(b, s, c, i%100_000<<32)
	}
}

func BenchmarkGet(b *testing.B) {
	s, c := newBench(b)
	fill(b, s, c, 100_000)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range int64(b.N) {
		if _, err := s.Get(b.Context(), i%100_000<<32); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScan1M is a scan of a million records in a store that takes inserts of random keys at the same time; one
// operation is one record.
func BenchmarkScan1M(b *testing.B) {
	s, c := newBench(b)
	fill(b, s, c, 1_000_000)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		rng := rand.New(rand.NewPCG(1, 2))
		for {
			select {
			case <-stop:
				return
			default:
				put(b, s, c, rng.Int64N(1_000_000<<32))
			}
		}
	}()
	b.ReportAllocs()
	b.ResetTimer()
	n, after := 0, []byte(nil)
	for n < b.N {
		for e, err := range s.Scan(b.Context(), "", after) {
			if err != nil {
				b.Fatal(err)
			}
			if n++; n == b.N {
				break
			}
			after = binary.BigEndian.AppendUint64(after[:0], uint64(e.Key)^1<<63)
		}
		after = nil
	}
	b.StopTimer()
	close(stop)
	<-stopped
}

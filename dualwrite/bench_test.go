package dualwrite_test

import (
	"context"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// BenchmarkRatio reports how often an operation of the repository takes the time of a reference, which is measured in the
// same run: much of the machine's speed and load cancels out. The reference is a stamped write by hand, over the same store
// that does nothing. No test decides by the ratio, as it is not the same on all machines. Compare it with that of an earlier
// run on the same one: make bench BENCH=Ratio BASE=FILE.
func BenchmarkRatio(b *testing.B) {
	for _, op := range operations {
		for _, p := range flags.Phases() {
			b.Run(op.name+"/"+p.String(), func(b *testing.B) { ratio(b, op.do, p, false) })
			if op.pairCalls[p] > 0 {
				b.Run(op.name+", together/"+p.String(), func(b *testing.B) { ratio(b, op.do, p, true) })
			}
		}
	}
}

func ratio(b *testing.B, do func(context.Context, *dualwrite.Repository[string, account]) error, p flags.Phase, pairs bool) {
	r, _, _ := over(b, p, pairs)
	ctx := context.Background()
	measured, reference := func() error { return do(ctx, r) }, byHand(ctx, b)
	var mine, other time.Duration
	for b.Loop() {
		mine, other = best(b, mine, measured), best(b, other, reference)
	}
	b.ReportMetric(0, "ns/op") // of both together: it says nothing
	b.ReportMetric(float64(mine)/float64(other), "x-by-hand")
}

// byHand reads a record and writes the next version, in one place and without a repository.
func byHand(ctx context.Context, b *testing.B) func() error {
	var s stores.Store[string, account] = &noop{rec: stores.Record[account]{Meta: stores.Meta{Version: stores.Stamp{1}.Version()}}}
	clock, err := stores.NewClock(nil)
	if err != nil {
		b.Fatal(err)
	}
	return func() error {
		was, err := s.Get(ctx, "k")
		if err != nil {
			return err
		}
		v, err := clock.Next(was.Version)
		if err != nil {
			return err
		}
		w := stores.Write[string, account]{Key: "k", If: stores.IfStamp(was.Version)}
		w.Record = stores.Record[account]{Meta: stores.Meta{Version: v, Prev: was.Version}, Value: account{Owner: "Ada"}}
		return s.Put(ctx, w)
	}
}

// best is the shorter of the time so far and that of a short run, which nothing interrupts if there are enough of them.
func best(b *testing.B, so time.Duration, do func() error) time.Duration {
	const n = 200
	began := time.Now()
	for range n {
		if err := do(); err != nil {
			b.Fatal(err)
		}
	}
	if took := time.Since(began); so == 0 || took < so {
		return took
	}
	return so
}

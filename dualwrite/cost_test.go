package dualwrite_test

import (
	"context"
	"iter"
	"testing"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

type account struct {
	Owner   string
	Balance int64
}

// noop is a store that does nothing and answers at once: what is measured over it is the repository alone. It counts its
// calls.
type noop struct {
	rec     stores.Record[account]
	calls   int
	refuses error // the answer of every write
}

func (n *noop) Get(context.Context, string) (stores.Record[account], error) {
	n.calls++
	if n.rec.Version.IsUnknown() {
		return stores.Record[account]{}, stores.ErrNotFound
	}
	return n.rec, nil
}

func (n *noop) Put(context.Context, stores.Write[string, account]) error {
	n.calls++
	return n.refuses
}

func (n *noop) Scan(context.Context, stores.Segment, []byte) iter.Seq2[stores.Entry[string, account], error] {
	return func(func(stores.Entry[string, account], error) bool) {}
}

func (n *noop) Keys() stores.KeyCodec[string] { return stores.StringKeys[string]() }

// pairNoop is a no-op store that can commit together with any other.
type pairNoop struct{ *noop }

func (n pairNoop) PutPair(context.Context, stores.Write[string, account], stores.Store[string, account], stores.Write[string, account]) error {
	n.calls++
	return nil
}

// over returns a repository over two no-op stores that hold the same stamped record.
func over(tb testing.TB, p flags.Phase, pairs bool) (r *dualwrite.Repository[string, account], old, new *noop) {
	tb.Helper()
	rec := stores.Record[account]{Meta: stores.Meta{Version: stores.Stamp{1}.Version()}, Value: account{Owner: "Ada"}}
	old, new = &noop{rec: rec}, &noop{rec: rec}
	var first stores.Store[string, account] = old
	if pairs {
		first = pairNoop{old}
	}
	r, err := dualwrite.New[string, account](first, new, flags.Static(p), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return r, old, new
}

// operations are what is measured: each is one call of the repository.
var operations = []struct {
	name string
	do   func(ctx context.Context, r *dualwrite.Repository[string, account]) error
	// calls are the store calls that the protocol needs, by phase.
	calls map[flags.Phase]int
	// allocs are the most allocations allowed, by phase.
	allocs map[flags.Phase]float64
	// pairCalls and pairAllocs are those where both places can commit together, in the phases where that makes a difference.
	pairCalls  map[flags.Phase]int
	pairAllocs map[flags.Phase]float64
}{
	{
		"get",
		func(ctx context.Context, r *dualwrite.Repository[string, account]) error {
			_, err := r.Get(ctx, "k")
			return err
		},
		map[flags.Phase]int{flags.OldOnly: 1, flags.ReadOldWriteBoth: 1, flags.ReadNewWriteBoth: 2, flags.NewOnly: 1},
		map[flags.Phase]float64{flags.OldOnly: 0, flags.ReadOldWriteBoth: 0, flags.ReadNewWriteBoth: 12, flags.NewOnly: 0},
		nil, nil,
	},
	{
		"put",
		func(ctx context.Context, r *dualwrite.Repository[string, account]) error {
			_, err := r.Put(ctx, "k", account{Owner: "Ada"})
			return err
		},
		map[flags.Phase]int{flags.OldOnly: 1, flags.ReadOldWriteBoth: 2, flags.ReadNewWriteBoth: 3, flags.NewOnly: 1},
		map[flags.Phase]float64{flags.OldOnly: 0, flags.ReadOldWriteBoth: 8, flags.ReadNewWriteBoth: 8, flags.NewOnly: 0},
		map[flags.Phase]int{flags.ReadOldWriteBoth: 1, flags.ReadNewWriteBoth: 2},
		map[flags.Phase]float64{flags.ReadOldWriteBoth: 8, flags.ReadNewWriteBoth: 4},
	},
	{
		"delete",
		func(ctx context.Context, r *dualwrite.Repository[string, account]) error { return r.Delete(ctx, "k") },
		map[flags.Phase]int{flags.OldOnly: 1, flags.ReadOldWriteBoth: 2, flags.ReadNewWriteBoth: 3, flags.NewOnly: 1},
		map[flags.Phase]float64{flags.OldOnly: 0, flags.ReadOldWriteBoth: 8, flags.ReadNewWriteBoth: 8, flags.NewOnly: 0},
		map[flags.Phase]int{flags.ReadOldWriteBoth: 1, flags.ReadNewWriteBoth: 2},
		map[flags.Phase]float64{flags.ReadOldWriteBoth: 8, flags.ReadNewWriteBoth: 4},
	},
	{
		"put if",
		func(ctx context.Context, r *dualwrite.Repository[string, account]) error {
			_, err := r.PutIf(ctx, "k", account{Owner: "Ada"}, stores.Stamp{1}.Version())
			return err
		},
		map[flags.Phase]int{flags.OldOnly: 2, flags.ReadOldWriteBoth: 3, flags.ReadNewWriteBoth: 3, flags.NewOnly: 2},
		map[flags.Phase]float64{flags.OldOnly: 0, flags.ReadOldWriteBoth: 8, flags.ReadNewWriteBoth: 8, flags.NewOnly: 0},
		map[flags.Phase]int{flags.ReadOldWriteBoth: 2, flags.ReadNewWriteBoth: 2},
		map[flags.Phase]float64{flags.ReadOldWriteBoth: 8, flags.ReadNewWriteBoth: 4},
	},
	{
		"update", // one allocation is the value that the caller's function gets a pointer to
		func(ctx context.Context, r *dualwrite.Repository[string, account]) error {
			_, err := r.Update(ctx, "k", addOne)
			return err
		},
		map[flags.Phase]int{flags.OldOnly: 2, flags.ReadOldWriteBoth: 3, flags.ReadNewWriteBoth: 3, flags.NewOnly: 2},
		map[flags.Phase]float64{flags.OldOnly: 1, flags.ReadOldWriteBoth: 8, flags.ReadNewWriteBoth: 8, flags.NewOnly: 1},
		map[flags.Phase]int{flags.ReadOldWriteBoth: 2, flags.ReadNewWriteBoth: 2},
		map[flags.Phase]float64{flags.ReadOldWriteBoth: 8, flags.ReadNewWriteBoth: 4},
	},
}

func addOne(a *account) error {
	a.Balance++
	return nil
}

func TestStoreCallsPerOperation(t *testing.T) {
	t.Parallel()
	for _, op := range operations {
		for pairs, calls := range map[bool]map[flags.Phase]int{false: op.calls, true: op.pairCalls} {
			for p, want := range calls {
				r, old, new := over(t, p, pairs)
				if err := op.do(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				if got := old.calls + new.calls; got != want {
					t.Errorf("%s in %v, together %v: %d store calls, want %d", op.name, p, pairs, got, want)
				}
			}
		}
	}
}

func TestAllocationsPerOperation(t *testing.T) {
	ctx := context.Background()
	for _, op := range operations {
		for pairs, allocs := range map[bool]map[flags.Phase]float64{false: op.allocs, true: op.pairAllocs} {
			for p, most := range allocs {
				r, _, _ := over(t, p, pairs)
				got := testing.AllocsPerRun(200, func() {
					if err := op.do(ctx, r); err != nil {
						t.Fatal(err)
					}
				})
				t.Logf("%s in %v, together %v: %v allocations", op.name, p, pairs, got)
				if got > most {
					t.Errorf("%s in %v, together %v: %v allocations, at most %v are allowed", op.name, p, pairs, got, most)
				}
			}
		}
	}
}

// BenchmarkRepository measures every operation in every phase over no-op stores; BenchmarkDirect is what to compare it
// with: the same store calls without a repository.
func BenchmarkRepository(b *testing.B) {
	for _, op := range operations {
		for _, p := range flags.Phases() {
			b.Run(op.name+"/"+p.String()[:8], func(b *testing.B) {
				r, _, _ := over(b, p, false)
				ctx := context.Background()
				b.ReportAllocs()
				for b.Loop() {
					if err := op.do(ctx, r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkDirect(b *testing.B) {
	ctx := context.Background()
	var s stores.Store[string, account] = &noop{rec: stores.Record[account]{Meta: stores.Meta{Version: stores.Stamp{1}.Version()}}}
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Get(ctx, "k"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Put(ctx, stores.Write[string, account]{Key: "k"}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

//go:build !race

package dualwrite_test

import (
	"context"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
)

// The reference is what no stamped write can do without: to look at the clock. The machine's speed and load cancel out.
func reference(n int) {
	for range n {
		_ = time.Now()
	}
}

// mostReferences is how many references an operation may take, by phase: about 100 ns for a read of one place, 250 ns for
// a write of one, and 3 µs where both are asked or written, on a machine whose clock takes 45 ns.
var mostReferences = map[string]map[flags.Phase]float64{
	"get":    {flags.OldOnly: 2.5, flags.ReadOldWriteBoth: 2.5, flags.ReadNewWriteBoth: 60, flags.NewOnly: 2.5},
	"put":    {flags.OldOnly: 5.6, flags.ReadOldWriteBoth: 60, flags.ReadNewWriteBoth: 60, flags.NewOnly: 5.6},
	"delete": {flags.OldOnly: 5.6, flags.ReadOldWriteBoth: 60, flags.ReadNewWriteBoth: 60, flags.NewOnly: 5.6},
	"put if": {flags.OldOnly: 5.6, flags.ReadOldWriteBoth: 60, flags.ReadNewWriteBoth: 60, flags.NewOnly: 5.6},
	"update": {flags.OldOnly: 5.6, flags.ReadOldWriteBoth: 60, flags.ReadNewWriteBoth: 60, flags.NewOnly: 5.6},
}

// TestTimePerOperation compares the best of many short runs of both, taken in turn.
func TestTimePerOperation(t *testing.T) {
	const runs, n = 40, 500
	ctx := context.Background()
	for _, op := range operations {
		for _, p := range flags.Phases() {
			r, _, _ := over(t, p, false)
			var mine, other time.Duration
			for range runs {
				mine = best(mine, func() { repeat(ctx, t, r, op.do, n) })
				other = best(other, func() { reference(n) })
			}
			ratio := float64(mine) / float64(other)
			t.Logf("%s in %v: %.1f references, %d ns", op.name, p, ratio, mine.Nanoseconds()/n)
			if most := mostReferences[op.name][p]; ratio > most {
				t.Errorf("%s in %v takes %.1f references, at most %v are allowed", op.name, p, ratio, most)
			}
		}
	}
}

func repeat(ctx context.Context, t *testing.T, r *dualwrite.Repository[string, account], do func(context.Context, *dualwrite.Repository[string, account]) error, n int) {
	for range n {
		if err := do(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
}

func best(so time.Duration, fn func()) time.Duration {
	began := time.Now()
	fn()
	if took := time.Since(began); so == 0 || took < so {
		return took
	}
	return so
}

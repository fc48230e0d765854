package flags_test

import (
	"testing"

	"github.com/dualwrite/dualwrite/flags"
)

func TestPhaseDoesNotAllocate(t *testing.T) {
	client := newFake("old-only")
	following := open(t, client, nil)
	closed := open(t, client, nil)
	closed.Close()
	ctx := t.Context()
	for name, f := range map[string]*flags.OpenFeature{"following": following, "closed": closed} {
		if n := testing.AllocsPerRun(1000, func() {
			_, _ = f.Phase(ctx)
			_ = f.Status()
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkPhase(b *testing.B) {
	f, err := flags.NewOpenFeature(b.Context(), newFake("old-only"), key, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Phase(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

package flags_test

import (
	"testing"
	"testing/synctest"

	"github.com/dualwrite/dualwrite/flags"
)

func TestPhaseDoesNotAllocate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // nothing is evaluated while the clock stands still
		following := open(t, newFake("old-only"), nil)
		client := newFake("old-only")
		refusing := open(t, client, nil)
		client.set("new-only")
		if _, err := refusing.WaitFor(t.Context(), func(s flags.Status) bool { return s.WritesRefused }); err != nil {
			t.Fatal(err)
		}
		closed := open(t, client, nil)
		closed.Close()
		ctx := t.Context()
		for name, f := range map[string]*flags.OpenFeature{"following": following, "refusing": refusing, "closed": closed} {
			if n := testing.AllocsPerRun(1000, func() {
				_, _ = f.Phase(ctx)
				_ = f.WritesRefused()
				_ = f.Status()
			}); n != 0 {
				t.Errorf("%s: %v allocations", name, n)
			}
		}
	})
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

func BenchmarkWritesRefused(b *testing.B) {
	f, err := flags.NewOpenFeature(b.Context(), newFake("old-only"), key, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var gate flags.WriteGate = f
	b.ReportAllocs()
	for b.Loop() {
		if err := gate.WritesRefused(); err != nil {
			b.Fatal(err)
		}
	}
}

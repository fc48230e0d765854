package flagtest_test

import (
	"errors"
	"testing"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/flags/flagtest"
)

func want(t *testing.T, s *flagtest.Source, a flags.Access, p flags.Phase, cause error) {
	t.Helper()
	got, err := s.Phase(t.Context(), a)
	if got != p || !errors.Is(err, cause) || p == 0 && !errors.Is(err, flags.ErrPhaseUnknown) {
		t.Errorf("Phase(%d) = %v, %v; want %v, %v", a, got, err, p, cause)
	}
}

func TestSource(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	s := flagtest.NewSource(flags.OldOnly)
	want(t, s, flags.Read, flags.OldOnly, nil)
	want(t, s, flags.Write, flags.OldOnly, nil)
	s.Set(flags.NewOnly)
	want(t, s, flags.Read, flags.NewOnly, nil)
	want(t, s, flags.Write, flags.NewOnly, nil)
	s.Fail(down, flags.Write)
	want(t, s, flags.Read, flags.NewOnly, nil)
	want(t, s, flags.Write, 0, down)
	s.Set(flags.ReadNewWriteBoth, flags.Write)
	want(t, s, flags.Read, flags.NewOnly, nil)
	want(t, s, flags.Write, flags.ReadNewWriteBoth, nil)
	s.Fail(down)
	want(t, s, flags.Read, 0, down)
	want(t, s, flags.Write, 0, down)
	s.Set(9)
	want(t, s, flags.Read, 0, flags.ErrPhaseUnknown)
	want(t, new(flagtest.Source), flags.Read, 0, flags.ErrPhaseUnknown)
}

func TestSourceDoesNotAllocate(t *testing.T) {
	s, failing, ctx := flagtest.NewSource(flags.OldOnly), flagtest.NewSource(0), t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		_, _ = s.Phase(ctx, flags.Read)
		_, _ = failing.Phase(ctx, flags.Write)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

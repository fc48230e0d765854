package flagtest_test

import (
	"errors"
	"testing"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/flags/flagtest"
)

func want(t *testing.T, s *flagtest.Source, p flags.Phase, cause error) {
	t.Helper()
	got, err := s.Phase(t.Context())
	if got != p || !errors.Is(err, cause) || p == 0 && !errors.Is(err, flags.ErrPhaseUnknown) {
		t.Errorf("Phase() = %v, %v; want %v, %v", got, err, p, cause)
	}
}

func TestSource(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	s := flagtest.NewSource(flags.OldOnly)
	want(t, s, flags.OldOnly, nil)
	s.Set(flags.NewOnly)
	want(t, s, flags.NewOnly, nil)
	s.Fail(down)
	want(t, s, 0, down)
	s.Set(9)
	want(t, s, 0, flags.ErrPhaseUnknown)
	want(t, new(flagtest.Source), 0, flags.ErrPhaseUnknown)
}

func TestSourceThatRefusesWrites(t *testing.T) {
	t.Parallel()
	frozen := errors.New("frozen")
	s := flagtest.NewSource(flags.OldOnly)
	for _, err := range []error{nil, frozen, nil} {
		s.RefuseWrites(err)
		if got := s.WritesRefused(); got != err { //nolint:errorlint // as it is
			t.Errorf("got %v, want %v", got, err)
		}
		want(t, s, flags.OldOnly, nil)
	}
	if err := new(flagtest.Source).WritesRefused(); err != nil {
		t.Error(err)
	}
}

func TestSourceDoesNotAllocate(t *testing.T) {
	s, failing, ctx := flagtest.NewSource(flags.OldOnly), flagtest.NewSource(0), t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		_, _ = s.Phase(ctx)
		_, _ = failing.Phase(ctx)
		_ = s.WritesRefused()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

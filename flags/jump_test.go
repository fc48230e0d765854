package flags_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/dualwrite/dualwrite/flags"
)

func TestAJumpIsHeldAndReleased(t *testing.T) {
	t.Parallel()
	for _, release := range []flags.Phase{flags.OldOnly, flags.ReadOldWriteBoth} {
		t.Run(release.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newFake("old-only")
				f := open(t, client, nil)
				client.set("new-only")
				client.emit(openfeature.ProviderConfigChange)
				settle()
				first := time.Now()
				time.Sleep(5 * time.Minute) // in touch with the flag all the time: that is no cut
				wantPhase(t, f, flags.OldOnly)
				if s := f.Status(); s.Held != flags.NewOnly || !s.HeldSince.Equal(first) || s.Err != nil || time.Since(s.Confirmed) > 10*time.Second {
					t.Errorf("%+v", s)
				}
				client.set(release.String())
				client.emit(openfeature.ProviderConfigChange)
				settle()
				wantPhase(t, f, release)
				if s := f.Status(); s.Held != 0 || !s.HeldSince.IsZero() || s.Reason != "" {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestAJumpIsFollowedAfterACut(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		cut  time.Duration
		want flags.Phase
	}{{20 * time.Second, flags.OldOnly}, {45 * time.Second, flags.NewOnly}} {
		t.Run(tc.cut.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newFake("old-only")
				f := open(t, client, nil)
				client.answers(fails("cut off"))
				time.Sleep(tc.cut)
				client.set("new-only")
				client.emit(openfeature.ProviderReady)
				settle()
				wantPhase(t, f, tc.want)
			})
		})
	}
}

// An outage of the flag service must not let a slip through that was refused before it.
func TestAHeldJumpSurvivesACut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		f := open(t, client, nil)
		client.set("new-only")
		time.Sleep(time.Minute)
		client.answers(fails("cut off"))
		time.Sleep(5 * time.Minute)
		if s := f.Status(); s.Held != flags.NewOnly || s.Err == nil {
			t.Errorf("%+v", s)
		}
		client.set("new-only")
		time.Sleep(time.Minute)
		wantPhase(t, f, flags.OldOnly)
		if s := f.Status(); s.Held != flags.NewOnly || s.Err != nil {
			t.Errorf("%+v", s)
		}
	})
}

// A provider that has lost its own source answers from memory: that is a cut too, although no evaluation fails.
func TestAnsweringFromMemoryIsACut(t *testing.T) {
	t.Parallel()
	for _, state := range []openfeature.State{openfeature.StaleState, openfeature.ErrorState} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newFake("old-only")
				f := open(t, client, nil)
				client.enter(state)
				client.emit(openfeature.ProviderStale)
				settle()
				confirmed := f.Status().Confirmed
				time.Sleep(time.Minute)
				wantPhase(t, f, flags.OldOnly)
				if s := f.Status(); s.Reason == "" || s.Err != nil || !s.Confirmed.Equal(confirmed) {
					t.Errorf("%+v", s)
				}
				client.set("new-only")
				client.emit(openfeature.ProviderReady)
				settle()
				wantPhase(t, f, flags.NewOnly)
			})
		})
	}
}

// What a provider can answer beside a phase: none of it says that the steps between were missed.
func TestAFlagWithoutAPhaseIsNoCut(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{
		"missing":      answersCode(openfeature.FlagNotFoundCode),
		"wrong type":   answersCode(openfeature.TypeMismatchCode),
		"bad variant":  answersCode(openfeature.ParseErrorCode),
		"no target":    answersCode(openfeature.TargetingKeyMissingCode),
		"bad context":  answersCode(openfeature.InvalidContextCode),
		"disabled":     silent(openfeature.DisabledReason),
		"default":      silent(openfeature.DefaultReason),
		"unknown text": says("off"),
		"empty":        says(""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newFake("old-only")
				f := open(t, client, nil)
				client.answers(a)
				time.Sleep(5 * time.Minute)
				client.set("new-only")
				time.Sleep(20 * time.Second)
				if s := f.Status(); s.Phase != flags.OldOnly || s.Held != flags.NewOnly {
					t.Errorf("off for an hour, then a jump: %+v", s)
				}
			})
		})
	}
}

// Who gets no answer about the flag may have missed the steps between.
func TestALostConnectionIsACut(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{
		"not ready": answersCode(openfeature.ProviderNotReadyCode),
		"fatal":     answersCode(openfeature.ProviderFatalCode),
		"general":   answersCode(openfeature.GeneralCode),
		"no code":   fails("a hook failed"),
		"panic":     func(context.Context, string) (openfeature.StringEvaluationDetails, error) { panic("boom") },
		"timeout": func(ctx context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
			<-ctx.Done()
			return openfeature.StringEvaluationDetails{Value: otherwise}, ctx.Err()
		},
		"deaf":  hangs(5*time.Minute-time.Second, fails("late")),
		"stale": reasons("old-only", "STALE"),
		"goexit": func(context.Context, string) (openfeature.StringEvaluationDetails, error) {
			runtime.Goexit()
			panic("not here")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newFake("old-only")
				f := open(t, client, nil)
				client.answers(a)
				time.Sleep(5 * time.Minute)
				client.set("new-only")
				time.Sleep(20 * time.Second)
				wantPhase(t, f, flags.NewOnly)
			})
		})
	}
}

// A slow instance has missed a step. What it writes while it is two phases behind is lost: it must not go on for ever.
func TestAHoldThatIsTooOldRefusesWrites(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{"the flag is read": says("new-only"), "the flag can not be read any more": fails("down"), "the provider hangs": hangs(20*time.Minute, says("new-only"))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newFake("old-only")
				f := open(t, client, nil)
				client.set("new-only")
				if _, err := f.WaitFor(timeout(t, time.Minute), func(s flags.Status) bool { return s.Held != 0 }); err != nil {
					t.Fatal(err)
				}
				client.answers(a)
				time.Sleep(29 * time.Second)
				if err := f.WritesRefused(); err != nil || f.Status().WritesRefused {
					t.Errorf("too early: %v", err)
				}
				time.Sleep(2 * time.Second)
				wantPhase(t, f, flags.OldOnly) // reads go on
				wantRefused(t, f, "the flag says new-only, which jumps over a phase from old-only", "set the flag to old-only or read-old/write-both",
					"restart this instance if all others are in new-only or next to it")
				time.Sleep(20 * time.Minute)
				if f.WritesRefused() == nil {
					t.Error("it has ended by itself")
				}
				client.set("read-old/write-both")
				time.Sleep(20*time.Minute + time.Minute) // an evaluation may still hang
				wantPhase(t, f, flags.ReadOldWriteBoth)
				if err := f.WritesRefused(); err != nil || f.Status().WritesRefused {
					t.Errorf("the hold has ended: %v", err)
				}
			})
		})
	}
}

func wantRefused(t *testing.T, f *flags.OpenFeature, texts ...string) {
	t.Helper()
	err := f.WritesRefused()
	if !errors.Is(err, flags.ErrPhaseUnknown) || !f.Status().WritesRefused {
		t.Fatalf("writes are not refused: %v, %+v", err, f.Status())
	}
	for _, want := range texts {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said in: %v", want, err)
		}
	}
}

func TestOnJump(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		policy  flags.JumpPolicy
		want    flags.Phase
		refused bool
	}{{flags.RefuseWrites, flags.OldOnly, true}, {flags.Hold, flags.OldOnly, false}, {flags.Follow, flags.NewOnly, false}} {
		synctest.Test(t, func(t *testing.T) {
			client := newFake("old-only")
			f := open(t, client, &flags.Options{OnJump: tc.policy})
			client.set("new-only")
			time.Sleep(5 * time.Minute)
			wantPhase(t, f, tc.want)
			if err := f.WritesRefused(); (err != nil) != tc.refused || f.Status().WritesRefused != tc.refused {
				t.Errorf("policy %d: %v", tc.policy, err)
			}
		})
	}
}

// The flag goes back and forth between two values that are both too far away: that is one hold, not many short ones.
func TestAHoldThatMovesRefusesWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		f := open(t, client, nil)
		for i := range 8 {
			client.set(flags.Phases()[2+i%2].String())
			time.Sleep(5 * time.Second)
		}
		wantRefused(t, f)
	})
}

// The undo of a slip: two instances hold new-only, a third was restarted meanwhile and is in it. For that one the way back is
// a jump, and no value of the flag is next to both. So it must stop to write, and a restart puts it right.
func TestUndoOfASlipAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		a := open(t, client, nil)
		client.set("new-only") // the slip
		time.Sleep(5 * time.Second)
		b := open(t, client, nil) // the restart
		wantPhase(t, a, flags.OldOnly)
		wantPhase(t, b, flags.NewOnly)
		client.set("old-only") // the undo
		time.Sleep(40 * time.Second)
		wantPhase(t, a, flags.OldOnly)
		if err := a.WritesRefused(); err != nil {
			t.Errorf("an instance that held the slip: %v", err)
		}
		wantRefused(t, b, "the flag says old-only, which jumps over a phase from new-only")
		b.Close()
		wantPhase(t, open(t, client, nil), flags.OldOnly)
	})
}

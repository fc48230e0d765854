package flags_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/dualwrite/dualwrite/flags"
)

// always keeps the timer out of a test: what happens, events did.
const always = 24 * time.Hour

func TestTheTimerFindsWhatNoEventTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		f := open(t, client, nil)
		synctest.Wait()
		client.set("read-old/write-both")
		began := time.Now()
		if err := f.Wait(t.Context(), flags.ReadOldWriteBoth); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 9*time.Second || took > 10*time.Second {
			t.Errorf("took %v, want between 9 s and 10 s", took)
		}
	})
}

func TestInstancesDoNotAskInStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		times := map[time.Duration]bool{}
		for range 20 {
			client := newFake("old-only")
			f := open(t, client, nil)
			synctest.Wait()
			client.set("read-old/write-both")
			began := time.Now()
			if err := f.Wait(t.Context(), flags.ReadOldWriteBoth); err != nil {
				t.Fatal(err)
			}
			times[time.Since(began)] = true
		}
		if len(times) < 15 {
			t.Errorf("20 instances asked after %d different times: %v", len(times), times)
		}
	})
}

func TestEachEventCausesAnEvaluation(t *testing.T) {
	t.Parallel()
	for _, event := range []openfeature.EventType{openfeature.ProviderReady, openfeature.ProviderConfigChange, openfeature.ProviderError, openfeature.ProviderStale} {
		t.Run(string(event), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newFake("old-only")
				f := open(t, client, &flags.Options{Refresh: always})
				client.set("read-old/write-both")
				client.emit(event)
				synctest.Wait()
				wantPhase(t, f, flags.ReadOldWriteBoth)
			})
		})
	}
}

// The flag changes after an evaluation has read it and before that evaluation ends; the event comes in between.
func TestAnEventDuringAnEvaluationCausesAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		f := open(t, client, &flags.Options{Refresh: always})
		client.answers(func(ctx context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
			time.Sleep(time.Second) // a slow answer
			return says("old-only")(ctx, otherwise)
		})
		client.emit(openfeature.ProviderConfigChange)
		synctest.Wait()
		client.set("read-old/write-both")
		for range 5 {
			client.emit(openfeature.ProviderConfigChange)
		}
		synctest.Wait()
		wantPhase(t, f, flags.OldOnly)
		time.Sleep(time.Second)
		synctest.Wait()
		wantPhase(t, f, flags.ReadOldWriteBoth)
		if n := client.evaluations(); n != 3 {
			t.Errorf("%d evaluations, want 3: five events during one ask for one more", n)
		}
	})
}

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
				synctest.Wait()
				first := time.Now()
				time.Sleep(time.Hour) // in touch with the flag all the time: that is no cut
				wantPhase(t, f, flags.OldOnly)
				if s := f.Status(); s.Held != flags.NewOnly || !s.HeldSince.Equal(first) || s.Err != nil || time.Since(s.Confirmed) > 10*time.Second {
					t.Errorf("%+v", s)
				}
				client.set(release.String())
				client.emit(openfeature.ProviderConfigChange)
				synctest.Wait()
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
				synctest.Wait()
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
		time.Sleep(time.Hour)
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
				synctest.Wait()
				confirmed := f.Status().Confirmed
				time.Sleep(time.Minute)
				wantPhase(t, f, flags.OldOnly)
				if s := f.Status(); s.Reason == "" || s.Err != nil || !s.Confirmed.Equal(confirmed) {
					t.Errorf("%+v", s)
				}
				client.set("new-only")
				client.emit(openfeature.ProviderReady)
				synctest.Wait()
				wantPhase(t, f, flags.NewOnly)
			})
		})
	}
}

// flagd in file mode reports an error for a broken file, and new flags for the repaired one, but never "ready": the
// state stays in error for ever. The instance is in touch all the same, and holds a jump.
func TestNewFlagsEndADoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		f := open(t, client, nil)
		client.enter(openfeature.ErrorState)
		client.emit(openfeature.ProviderError)
		time.Sleep(time.Minute)
		if s := f.Status(); s.Reason == "" {
			t.Errorf("in doubt: %+v", s)
		}
		client.emit(openfeature.ProviderConfigChange)
		time.Sleep(time.Minute)
		if s := f.Status(); s.Reason != "" || time.Since(s.Confirmed) > 10*time.Second {
			t.Errorf("no doubt: %+v", s)
		}
		client.mu.Lock()
		client.answer = says("new-only")
		client.mu.Unlock()
		time.Sleep(time.Minute)
		wantPhase(t, f, flags.OldOnly)
	})
}

// Handlers race with the timer, with each other, with readers and with Close.
func TestRacingHandlersEndAtTheLastValue(t *testing.T) {
	t.Parallel()
	client := newFake("old-only")
	f := open(t, client, &flags.Options{Refresh: time.Millisecond, StaleAfter: always})
	var racers sync.WaitGroup
	for range 8 {
		racers.Go(func() {
			for i := range 200 {
				client.set(flags.Phases()[i%2].String())
				client.emit(openfeature.ProviderConfigChange)
				if p, err := f.Phase(t.Context()); err != nil || p > flags.ReadOldWriteBoth {
					t.Errorf("%v, %v", p, err)
				}
				_ = fmt.Sprint(f.Status())
			}
		})
	}
	racers.Wait()
	client.set("read-new/write-both")
	for f.Status().Phase != flags.ReadNewWriteBoth { // from old-only it is held until the flag passes the phase between
		client.set("read-old/write-both")
		if err := f.Wait(t.Context(), flags.ReadOldWriteBoth); err != nil {
			t.Fatal(err)
		}
		client.set("read-new/write-both")
		if err := f.Wait(t.Context(), flags.ReadNewWriteBoth); err != nil {
			t.Fatal(err)
		}
	}
}

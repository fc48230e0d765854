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
				settle()
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
		settle()
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
		// An evaluation from before may still bring old-only, from which it is held.
		arrivedOrHeld := func(s flags.Status) bool { return s.Phase == flags.ReadNewWriteBoth || s.Held != 0 }
		if _, err := f.WaitFor(t.Context(), arrivedOrHeld); err != nil {
			t.Fatal(err)
		}
	}
}

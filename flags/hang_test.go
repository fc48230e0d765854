package flags_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/dualwrite/dualwrite/flags"
)

// A provider that is deaf to its context, as with a lock that nobody gives back: the status and the log say so.
func TestAnEvaluationThatHangsIsSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		var log text
		f := open(t, client, &flags.Options{Logger: logged(&log)})
		client.answers(hangs(30*time.Minute, says("read-old/write-both")))
		began := time.Now()
		time.Sleep(10 * time.Second)
		wantPhase(t, f, flags.OldOnly)
		s := f.Status()
		if s.Err == nil || !strings.Contains(s.Reason, "has not ended") || s.EvaluatingSince.Sub(began) > time.Second || s.EvaluatingSince.Before(began) {
			t.Errorf("%+v", s)
		}
		client.set("read-old/write-both") // for whoever asks again
		time.Sleep(10 * time.Minute)
		for range 100 {
			client.emit(openfeature.ProviderConfigChange)
		}
		time.Sleep(10 * time.Minute)
		if n := client.evaluations(); n != 2 {
			t.Errorf("%d evaluations: another was begun beside the one that hangs", n)
		}
		if n := strings.Count(log.String(), "has not ended"); n != 1 {
			t.Errorf("the log says it %d times:\n%s", n, log.String())
		}
		time.Sleep(10 * time.Minute)
		wantPhase(t, f, flags.ReadOldWriteBoth) // it has ended, and evaluations go on
		client.set("read-new/write-both")
		time.Sleep(20 * time.Second)
		wantPhase(t, f, flags.ReadNewWriteBoth)
		if s := f.Status(); !s.EvaluatingSince.IsZero() || s.Reason != "" {
			t.Errorf("%+v", s)
		}
	})
}

// An evaluation that heeds its context is a failure like any other, and does not hang.
func TestAnEvaluationHasATimeLimit(t *testing.T) {
	t.Parallel()
	for limit, want := range map[time.Duration]time.Duration{0: 5 * time.Second, time.Minute: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			client := newFake("old-only")
			f := open(t, client, &flags.Options{EvaluationTimeout: limit})
			client.answers(func(ctx context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
				<-ctx.Done()
				return openfeature.StringEvaluationDetails{Value: otherwise}, ctx.Err()
			})
			time.Sleep(want - time.Second)
			if s := f.Status(); s.Err != nil {
				t.Errorf("%v: too early: %v", limit, s.Err)
			}
			time.Sleep(2 * time.Second)
			if s := f.Status(); s.Err == nil || !strings.Contains(s.Reason, "deadline exceeded") || !s.EvaluatingSince.IsZero() {
				t.Errorf("%v: %+v", limit, s)
			}
		})
	}
}

// An evaluation may take longer than Refresh.
func TestASlowProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("")
		client.answers(func(ctx context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
			select {
			case <-time.After(4 * time.Second):
				return says("read-old/write-both")(ctx, otherwise)
			case <-ctx.Done():
				return openfeature.StringEvaluationDetails{Value: otherwise}, ctx.Err()
			}
		})
		f := open(t, client, &flags.Options{Refresh: 2 * time.Second, StaleAfter: 10 * time.Second})
		time.Sleep(time.Minute)
		if s := f.Status(); s.Reason != "" {
			t.Errorf("%+v", s)
		}
	})
}

func TestTheConstructorDoesNotWaitForADeafProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("")
		client.answers(hangs(time.Hour, says("old-only")))
		began := time.Now()
		_, err := flags.NewOpenFeature(timeout(t, 2*time.Second), client, key, nil)
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 2*time.Second {
			t.Errorf("%v after %v, the context ends after 2 s", err, took)
		}
		_, err = flags.NewOpenFeature(t.Context(), client, key, nil)
		if took := time.Since(began); !errors.Is(err, flags.ErrPhaseUnknown) || !strings.Contains(err.Error(), "has not ended") || took != 12*time.Second {
			t.Errorf("%v after %v, InitTimeout is 10 s", err, took)
		}
		time.Sleep(time.Hour) // the provider answers; nobody listens
	})
}

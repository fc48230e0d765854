package flags_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/dualwrite/dualwrite/flags"
)

func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		f := open(t, client, nil)
		if n := client.registered(); n != 4 {
			t.Errorf("%d handlers, want one for each event", n)
		}
		late := client.handlers[openfeature.ProviderReady][0]
		waiting := make(chan error)
		go func() { waiting <- f.Wait(t.Context(), flags.NewOnly) }()
		synctest.Wait()
		var closers sync.WaitGroup
		for range 3 {
			closers.Go(f.Close)
		}
		if err := <-waiting; !errors.Is(err, flags.ErrPhaseUnknown) || !strings.Contains(err.Error(), "closed") {
			t.Errorf("Wait: %v", err)
		}
		closers.Wait()
		if p, err := f.Phase(t.Context()); p != 0 || !errors.Is(err, flags.ErrPhaseUnknown) || !strings.Contains(err.Error(), "closed") {
			t.Errorf("Phase() = %v, %v", p, err)
		}
		if s := f.Status(); s.Phase != 0 || !errors.Is(s.Err, flags.ErrPhaseUnknown) || s.FlagKey != key {
			t.Errorf("%+v", s)
		}
		if n := client.registered(); n != 0 {
			t.Errorf("%d handlers left", n)
		}
		asked := client.evaluations()
		for range 3 {
			(*late)(openfeature.EventDetails{}) // the SDK may still be running it
		}
		time.Sleep(time.Hour)
		if got := client.evaluations(); got != asked {
			t.Errorf("%d evaluations after Close", got-asked)
		}
	})
}

func TestCloseCancelsTheEvaluation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		var log strings.Builder
		f := open(t, client, &flags.Options{Refresh: time.Hour, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		client.answers(func(ctx context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
			<-ctx.Done()
			return openfeature.StringEvaluationDetails{Value: otherwise}, ctx.Err()
		})
		client.emit(openfeature.ProviderConfigChange)
		synctest.Wait()
		began := time.Now()
		f.Close()
		if time.Since(began) != 0 {
			t.Errorf("Close waited %v", time.Since(began))
		}
		if strings.Contains(log.String(), "can not be read") {
			t.Errorf("closing passes for a failure of the flag:\n%s", log.String())
		}
	})
}

// A provider that ignores its context: nothing of the source runs any more when Close returns, all the same.
func TestCloseWaitsForTheEvaluation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		f := open(t, client, &flags.Options{Refresh: time.Hour})
		ended := false
		client.answers(func(ctx context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
			time.Sleep(time.Minute)
			ended = true
			return says("new-only")(ctx, otherwise)
		})
		client.emit(openfeature.ProviderConfigChange)
		synctest.Wait()
		f.Close()
		if !ended {
			t.Error("Close returned before the evaluation")
		}
	})
}

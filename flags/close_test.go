package flags_test

import (
	"context"
	"errors"
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
		var log text
		f := open(t, client, &flags.Options{Refresh: time.Hour, Logger: logged(&log)})
		client.answers(func(ctx context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
			<-ctx.Done()
			return openfeature.StringEvaluationDetails{Value: otherwise}, ctx.Err()
		})
		client.emit(openfeature.ProviderConfigChange)
		settle()
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

// A provider that ignores its context does not hold up Close. What it answers in the end changes nothing and is not logged.
func TestCloseDoesNotWaitForADeafProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		var log text
		f := open(t, client, &flags.Options{Refresh: time.Hour, Logger: logged(&log)})
		client.answers(hangs(time.Minute, says("read-old/write-both")))
		client.emit(openfeature.ProviderConfigChange)
		settle()
		began, said := time.Now(), log.String()
		f.Close()
		if took := time.Since(began); took != 0 {
			t.Errorf("Close took %v", took)
		}
		time.Sleep(time.Hour)
		if _, err := f.Phase(t.Context()); !errors.Is(err, flags.ErrPhaseUnknown) || log.String() != said || client.evaluations() != 2 {
			t.Errorf("%v; %d evaluations; the log goes on with %q", err, client.evaluations(), log.String()[len(said):])
		}
	})
}

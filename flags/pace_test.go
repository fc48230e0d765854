package flags_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/dualwrite/dualwrite/flags"
)

// A flip arrives within a second or so where no event tells of it, which is with all vendors but one.
func TestTheTimerFindsWhatNoEventTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prepare func(*fake)
		refresh time.Duration
		want    time.Duration
	}{
		"by default": {func(*fake) {}, 0, time.Second},
		"as set":     {func(*fake) {}, 25 * time.Second, 25 * time.Second},
		"there were events": {func(c *fake) {
			c.emit(openfeature.ProviderConfigChange)
		}, 0, 10 * time.Second},
		"there were events about other flags": {func(c *fake) {
			c.emit(openfeature.ProviderConfigChange, "another", "a third")
		}, 0, time.Second},
		"an evaluation goes over the network":     {func(c *fake) { c.answers(hangs(30*time.Millisecond, says("old-only"))) }, 0, 3 * time.Second},
		"an evaluation goes round half the world": {func(c *fake) { c.answers(hangs(time.Second, says("old-only"))) }, 0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newFake("old-only")
				f := open(t, client, &flags.Options{Refresh: tc.refresh})
				tc.prepare(client)
				time.Sleep(2 * time.Minute)
				n := client.evaluations()
				for client.evaluations() == n { // an evaluation begins
					time.Sleep(time.Millisecond)
				}
				client.set("read-old/write-both")
				began := time.Now()
				if err := f.Wait(t.Context(), flags.ReadOldWriteBoth); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < tc.want*8/10 || took > tc.want*11/10+time.Second/10 {
					t.Errorf("took %v, want about %v", took, tc.want)
				}
			})
		})
	}
}

// Events about other flags ask for nothing, however many they are.
func TestEventsAboutOtherFlags(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		f := open(t, client, &flags.Options{Refresh: always})
		settle()
		asked := client.evaluations()
		for range 1000 {
			client.emit(openfeature.ProviderConfigChange, "somebody-elses", "another")
			time.Sleep(10 * time.Millisecond)
		}
		if n := client.evaluations() - asked; n != 0 {
			t.Errorf("%d evaluations for flags of others", n)
		}
		client.set("read-old/write-both")
		client.emit(openfeature.ProviderConfigChange, "somebody-elses", key)
		settle()
		wantPhase(t, f, flags.ReadOldWriteBoth)
	})
}

// A storm of events makes at most one evaluation in 100 ms, and the last value is in force 100 ms after it.
func TestAStormOfEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		f := open(t, client, &flags.Options{Refresh: always})
		settle()
		asked := client.evaluations()
		for i := range 1000 {
			client.set(flags.Phases()[i%2].String())
			client.emit(openfeature.ProviderConfigChange)
			time.Sleep(time.Millisecond)
		}
		settle()
		wantPhase(t, f, flags.ReadOldWriteBoth)
		if n := client.evaluations() - asked; n < 9 || n > 12 {
			t.Errorf("%d evaluations in 1.1 s, want one in 100 ms", n)
		}
	})
}

// While the flag service is down, nobody asks it ten times as often as it is asked when it works.
func TestNothingKnownBacksOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("")
		client.answers(fails("503"))
		_, err := flags.NewOpenFeature(t.Context(), client, key, &flags.Options{Refresh: 10 * time.Second, InitTimeout: 10 * time.Minute})
		if !errors.Is(err, flags.ErrPhaseUnknown) {
			t.Fatal(err)
		}
		if n := client.evaluations(); n < 50 || n > 80 {
			t.Errorf("%d evaluations in 10 minutes, want one in 10 s", n)
		}
	})
}

// A provider that fails twice at the start and then works: whatever Refresh is, InitTimeout is enough.
func TestTheStartDoesNotDependOnRefresh(t *testing.T) {
	t.Parallel()
	for _, refresh := range []time.Duration{0, time.Second, time.Minute, 5 * time.Minute, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			client := newFake("")
			asked := 0
			client.answers(func(ctx context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
				if asked++; asked <= 2 {
					return fails("not yet")(ctx, otherwise)
				}
				return says("new-only")(ctx, otherwise)
			})
			began := time.Now()
			wantPhase(t, open(t, client, &flags.Options{Refresh: refresh}), flags.NewOnly)
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("Refresh %v: took %v", refresh, took)
			}
		})
	}
}

package flags_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"github.com/open-feature/go-sdk/openfeature/memprovider"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/flags/flagtest"
)

// The tests here run over the real SDK.

func provider(value any) *flagtest.Provider {
	p := flagtest.NewProvider(nil)
	p.Set(key, value)
	return p
}

func TestSDKFlip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := provider("old-only")
		f := open(t, flagtest.NewClient(t, p), &flags.Options{Refresh: always})
		for _, phase := range flags.Phases() {
			p.Set(key, phase.String())
			settle()
			wantPhase(t, f, phase)
		}
	})
}

func TestSDKWhatIsNoPhase(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		set  func(*flagtest.Provider)
		want string
	}{
		"missing flag":   {func(p *flagtest.Provider) { p.Unset(key) }, "FLAG_NOT_FOUND"},
		"wrong type":     {func(p *flagtest.Provider) { p.Set(key, true) }, "TYPE_MISMATCH"},
		"unknown text":   {func(p *flagtest.Provider) { p.Set(key, "off") }, `"off" is no phase`},
		"provider error": {func(p *flagtest.Provider) { p.Fail(errors.New("disk on fire")) }, "disk on fire"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := provider("read-old/write-both")
				f := open(t, flagtest.NewClient(t, p), &flags.Options{Refresh: always})
				tc.set(p)
				settle()
				wantPhase(t, f, flags.ReadOldWriteBoth)
				if s := f.Status(); s.Err == nil || !strings.Contains(s.Reason, tc.want) {
					t.Errorf("%+v", s)
				}
				p.Fail(nil)
				p.Set(key, "read-new/write-both")
				settle()
				wantPhase(t, f, flags.ReadNewWriteBoth)
			})
		})
	}
}

// 200 updates at once: the SDK and the provider lose events, the instance ends at the last value all the same, without
// the help of the timer.
func TestSDKBurst(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func() (openfeature.FeatureProvider, func(string)){
		"flagtest": func() (openfeature.FeatureProvider, func(string)) {
			p := provider("old-only")
			return p, func(v string) { p.Set(key, v) }
		},
		"memprovider": func() (openfeature.FeatureProvider, func(string)) {
			p := memprovider.NewInMemoryProvider(memFlag("old-only", memprovider.Enabled))
			return p, func(v string) { p.UpdateFlags(memFlag(v, memprovider.Enabled)) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, set := start()
				f := open(t, flagtest.NewClient(t, p), &flags.Options{Refresh: always})
				for burst := range 10 {
					for i := range 200 {
						set(flags.Phases()[(burst+i+1)%2].String())
					}
					settle()
					wantPhase(t, f, flags.Phases()[burst%2])
				}
			})
		})
	}
}

func memFlag(value string, state memprovider.State) map[string]memprovider.InMemoryFlag {
	return map[string]memprovider.InMemoryFlag{key: {
		State: state, DefaultVariant: "v", Variants: map[string]any{"v": value},
	}}
}

func TestSDKDisabledFlag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := memprovider.NewInMemoryProvider(memFlag("read-old/write-both", memprovider.Enabled))
		f := open(t, flagtest.NewClient(t, p), &flags.Options{Refresh: always})
		p.UpdateFlags(memFlag("read-new/write-both", memprovider.Disabled))
		settle()
		wantPhase(t, f, flags.ReadOldWriteBoth)
		if s := f.Status(); s.Reason != "the flag is disabled" {
			t.Errorf("%+v", s)
		}
	})
}

// One flag, two regions in different phases.
func TestSDKEvaluationContext(t *testing.T) {
	t.Parallel()
	byRegion := func(_ memprovider.InMemoryFlag, c openfeature.FlattenedContext) (any, openfeature.ProviderResolutionDetail) {
		return map[any]string{"eu": "new-only"}[c["region"]], openfeature.ProviderResolutionDetail{Reason: openfeature.TargetingMatchReason}
	}
	p := memprovider.NewInMemoryProvider(map[string]memprovider.InMemoryFlag{key: {ContextEvaluator: &byRegion}})
	region := openfeature.NewTargetlessEvaluationContext(map[string]any{"region": "eu"})
	wantPhase(t, open(t, flagtest.NewClient(t, p), &flags.Options{EvaluationContext: region}), flags.NewOnly)
}

func TestSDKTheTimerSavesLostEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := provider("old-only")
		f := open(t, flagtest.NewClient(t, p), nil)
		settle() // the events of the start
		p.DropEvents(true)
		p.Set(key, "read-old/write-both")
		settle()
		wantPhase(t, f, flags.OldOnly)
		time.Sleep(10 * time.Second) // events came before
		synctest.Wait()
		wantPhase(t, f, flags.ReadOldWriteBoth)
		if p.Lost() != 1 {
			t.Errorf("%d events lost", p.Lost())
		}
	})
}

func TestSDKUnboundDomain(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{
		"checkout": `no provider is bound to the client's domain "checkout": call openfeature.SetNamedProviderAndWait("checkout", provider)`,
		"":         "no provider is set: call openfeature.SetProviderAndWait",
	} {
		synctest.Test(t, func(t *testing.T) {
			api := newAPI(t)
			client := api.NewClient(openfeature.WithDomain(domain))
			_, err := flags.NewOpenFeature(t.Context(), client, key, nil)
			if !errors.Is(err, flags.ErrPhaseUnknown) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
			time.AfterFunc(time.Minute, func() { // bound later: the event arrives
				if err := api.SetProviderAndWait(t.Context(), provider("read-new/write-both"), openfeature.WithDomain(domain)); err != nil {
					t.Error(err)
				}
			})
			began := time.Now()
			f := open(t, client, &flags.Options{Refresh: always, InitTimeout: time.Hour})
			wantPhase(t, f, flags.ReadNewWriteBoth)
			if took := time.Since(began); took != time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestSDKProviderNotReadyAtFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(t)
		p := flagtest.NewProvider(&flagtest.ProviderOptions{Init: func(context.Context) error { time.Sleep(5 * time.Second); return nil }})
		p.Set(key, "new-only")
		if err := api.SetProvider(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		_, err := flags.NewOpenFeature(t.Context(), api.NewClient(), key, &flags.Options{InitTimeout: time.Second})
		if !errors.Is(err, flags.ErrPhaseUnknown) || !strings.Contains(err.Error(), "PROVIDER_NOT_READY") {
			t.Errorf("%v", err)
		}
		wantPhase(t, open(t, api.NewClient(), nil), flags.NewOnly)
	})
}

func TestSDKProviderFailsToStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(t)
		p := flagtest.NewProvider(&flagtest.ProviderOptions{Init: func(context.Context) error { return errors.New("no licence") }})
		if err := api.SetProviderAndWait(t.Context(), p); err == nil || !strings.Contains(err.Error(), "no licence") {
			t.Fatal(err)
		}
		if _, err := flags.NewOpenFeature(t.Context(), api.NewClient(), key, nil); !errors.Is(err, flags.ErrPhaseUnknown) || !strings.Contains(err.Error(), "FLAG_NOT_FOUND") {
			t.Errorf("%v", err)
		}
	})
}

func TestSDKAnotherProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(t)
		domain := openfeature.WithDomain("d")
		first, second := provider("old-only"), provider("read-old/write-both")
		if err := api.SetProviderAndWait(t.Context(), first, domain); err != nil {
			t.Fatal(err)
		}
		f := open(t, api.NewClient(domain), &flags.Options{Refresh: always})
		if err := api.SetProviderAndWait(t.Context(), second, domain); err != nil {
			t.Fatal(err)
		}
		settle()
		wantPhase(t, f, flags.ReadOldWriteBoth)
		first.Set(key, "old-only") // nobody listens to it any more
		second.Set(key, "read-new/write-both")
		settle()
		wantPhase(t, f, flags.ReadNewWriteBoth)
	})
}

type panicking struct{ *flagtest.Provider }

func (panicking) StringEvaluation(context.Context, string, string, openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	panic("boom")
}

func TestSDKPanickingProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := flagtest.NewClient(t, panicking{provider("old-only")})
		if _, err := flags.NewOpenFeature(t.Context(), client, key, nil); !errors.Is(err, flags.ErrPhaseUnknown) || !strings.Contains(err.Error(), "panicked: boom") {
			t.Errorf("%v", err)
		}
	})
}

func TestSDKStaleProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := provider("old-only")
		f := open(t, flagtest.NewClient(t, p), nil)
		synctest.Wait() // the events of the start
		p.Emit(openfeature.ProviderStale)
		time.Sleep(time.Minute)
		if s := f.Status(); s.Phase != flags.OldOnly || !strings.Contains(s.Reason, "STALE") || time.Since(s.Confirmed) < time.Minute {
			t.Errorf("%+v", s)
		}
		p.Emit(openfeature.ProviderReady)
		settle()
		if s := f.Status(); s.Reason != "" || time.Since(s.Confirmed) > 100*time.Millisecond {
			t.Errorf("%+v", s)
		}
	})
}

func TestSDKHandlersAreRemoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := provider("old-only")
		client := flagtest.NewClient(t, p)
		evaluations := 0
		client.AddHooks(counter{n: &evaluations})
		open(t, client, &flags.Options{Refresh: always}).Close()
		before := evaluations
		p.Set(key, "read-old/write-both")
		settle()
		time.Sleep(2 * always)
		if evaluations != before {
			t.Errorf("%d evaluations after Close", evaluations-before)
		}
	})
}

type counter struct {
	openfeature.UnimplementedHook
	n *int
}

func (c counter) Before(context.Context, openfeature.HookContext, openfeature.HookHints) (*openfeature.EvaluationContext, error) {
	*c.n++
	return nil, nil
}

func newAPI(t *testing.T) *openfeature.EvaluationAPI {
	api := isolated.NewAPI()
	t.Cleanup(func() {
		if err := api.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return api
}

// TestSDKACacheConfirmsNothing: a provider that answers from a cache for ever is asked each Refresh, and each of its answers is as old as
// the first one. The status says so; a flip is noticed once the cache is gone.
func TestSDKACacheConfirmsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := provider("old-only")
		p.Cache(true)
		f := open(t, flagtest.NewClient(t, p), nil)
		settle()
		looked := f.Status().Confirmed
		if looked.IsZero() {
			t.Errorf("the first answer is from the source: %+v", f.Status())
		}
		p.Set(key, "read-old/write-both") // the event is sent, and the cache stays
		for range 100 {
			time.Sleep(10 * time.Second)
			synctest.Wait()
		}
		wantPhase(t, f, flags.OldOnly)
		s := f.Status()
		if !s.Confirmed.Equal(looked) || s.CachedSince.IsZero() || time.Since(s.CachedSince) < 15*time.Minute || !strings.Contains(s.Reason, "cache") {
			t.Errorf("cached for long: %+v", s)
		}
		if time.Since(s.InTouch) > time.Minute || s.Err != nil {
			t.Errorf("the provider does answer: %+v", s)
		}
		p.Cache(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		wantPhase(t, f, flags.ReadOldWriteBoth)
		if s := f.Status(); !s.CachedSince.IsZero() || s.Reason != "" || time.Since(s.Confirmed) > time.Minute {
			t.Errorf("looked again: %+v", s)
		}
	})
}

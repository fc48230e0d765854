// Package providers_test follows the flag through providers of several makers: what each of them answers is up to it, what
// becomes of that is not.
package providers_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/launchdarkly/go-sdk-common/v3/ldlog"
	"github.com/launchdarkly/go-sdk-common/v3/ldvalue"
	ld "github.com/launchdarkly/go-server-sdk/v7"
	"github.com/launchdarkly/go-server-sdk/v7/ldcomponents"
	"github.com/launchdarkly/go-server-sdk/v7/testhelpers/ldtestdata"
	fromenv "github.com/open-feature/go-sdk-contrib/providers/from-env/pkg"
	launchdarkly "github.com/open-feature/go-sdk-contrib/providers/launchdarkly/pkg"
	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/memprovider"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/flags/flagtest"
	"github.com/dualwrite/dualwrite/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const key = "users-migration"

// maker is a provider of somebody's, with a flag that can be set live to a text, to something that is no text, and switched
// off.
type maker struct {
	provider openfeature.FeatureProvider
	set      func(value any)
	off      func()
	// tells: it emits an event when the flag changes.
	tells bool
}

// makers open a provider each, which has to be closed within the test.
var makers = map[string]func(t *testing.T) maker{
	"OpenFeature, in memory": func(*testing.T) maker {
		one := func(value any, state memprovider.State) map[string]memprovider.InMemoryFlag {
			return map[string]memprovider.InMemoryFlag{key: {State: state, DefaultVariant: "v", Variants: map[string]any{"v": value}}}
		}
		p := memprovider.NewInMemoryProvider(one("old-only", memprovider.Enabled))
		return maker{
			provider: p, tells: true,
			set: func(v any) { p.UpdateFlags(one(v, memprovider.Enabled)) },
			off: func() { p.UpdateFlags(one("old-only", memprovider.Disabled)) },
		}
	},
	"from the environment": func(t *testing.T) maker {
		variable := "dualwrite_" + strings.ReplaceAll(t.Name(), "/", "_")
		set := func(value any) {
			text, err := json.Marshal(fromenv.StoredFlag{DefaultVariant: "v", Variants: []fromenv.Variant{{Name: "v", Value: value}}})
			if err := errors.Join(err, os.Setenv(variable, string(text))); err != nil { //nolint:usetesting // tests run side by side, each with its own
				t.Fatal(err)
			}
		}
		t.Cleanup(func() { _ = os.Unsetenv(variable) })
		set("old-only")
		return maker{
			provider: fromenv.NewProvider(fromenv.WithFlagToEnvMapper(func(string) string { return variable })),
			set:      set,
			off:      func() { _ = os.Unsetenv(variable) },
		}
	},
	"LaunchDarkly, which wants a targeting key": func(t *testing.T) maker {
		data := ldtestdata.DataSource()
		set := func(value any) { data.Update(data.Flag(key).ValueForAll(ldvalue.CopyArbitraryValue(value))) }
		set("old-only")
		client, err := ld.MakeCustomClient("no key", ld.Config{
			DataSource: data, Events: ldcomponents.NoEvents(), DiagnosticOptOut: true, Logging: ldcomponents.Logging().MinLevel(ldlog.None),
		}, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		return maker{
			provider: launchdarkly.NewProvider(client),
			set:      set,
			off:      func() { data.Update(data.Flag(key).On(false).OffVariationIndex(7)) },
		}
	},
}

// each runs a test over each provider, with the clock of a bubble and README's options.
func each(t *testing.T, test func(t *testing.T, m maker, client *openfeature.Client)) {
	t.Helper()
	for name, open := range makers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := open(t)
				test(t, m, flagtest.NewClient(t, m.provider))
			})
		})
	}
}

func follow(t *testing.T, client flags.Client) *flags.OpenFeature {
	t.Helper()
	f, err := flags.NewOpenFeature(t.Context(), client, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// README's one line works, and a flip arrives within a second or so with each of them.
func TestWalk(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m maker, client *openfeature.Client) {
		f := follow(t, client)
		for _, p := range flags.Phases() {
			time.Sleep(time.Minute)
			m.set(p.String())
			began := time.Now()
			if err := f.Wait(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > time.Second || m.tells && took != 0 {
				t.Errorf("%v has arrived after %v", p, took)
			}
			if s := f.Status(); s.Reason != "" {
				t.Errorf("%+v", s)
			}
		}
	})
}

// "Off for a minute, change, on" is how people edit flags: the instance was in touch all the time, and holds the jump. If
// it goes on, nothing is written any more.
func TestOffThenAJump(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(maker){
		"off": func(m maker) { m.off() }, "of another type": func(m maker) { m.set(true) }, "mistyped": func(m maker) { m.set("new_only") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, m maker, client *openfeature.Client) {
				f := follow(t, client)
				time.Sleep(time.Second)
				take(m)
				time.Sleep(5 * time.Minute)
				s := f.Status()
				if s.Phase != flags.OldOnly || s.Err == nil || time.Since(s.InTouch) > 11*time.Second {
					t.Errorf("%+v", s)
				}
				t.Log(s.Reason)
				m.set("new-only")
				time.Sleep(20 * time.Second)
				if s := f.Status(); s.Phase != flags.OldOnly || s.Held != flags.NewOnly || f.WritesRefused() != nil {
					t.Errorf("after 20 s: %+v", s)
				}
				time.Sleep(20 * time.Second)
				if err := f.WritesRefused(); !errors.Is(err, flags.ErrPhaseUnknown) {
					t.Errorf("after 40 s writes go on: %v", err)
				}
				m.set("read-old/write-both")
				time.Sleep(11 * time.Second)
				if s := f.Status(); s.Phase != flags.ReadOldWriteBoth || s.Reason != "" || f.WritesRefused() != nil {
					t.Errorf("undone: %+v", s)
				}
			})
		})
	}
}

// stuck is a provider that does not answer for a while, and does not heed its context, as behind a lock.
type stuck struct {
	openfeature.FeatureProvider
	gate atomic.Pointer[chan struct{}]
}

func (s *stuck) StringEvaluation(ctx context.Context, flag, otherwise string, c openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	<-*s.gate.Load()
	return s.FeatureProvider.StringEvaluation(ctx, flag, otherwise, c)
}

func TestStuck(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m maker, _ *openfeature.Client) {
		open := make(chan struct{})
		close(open)
		s := &stuck{FeatureProvider: m.provider}
		s.gate.Store(&open)
		f := follow(t, flagtest.NewClient(t, s))
		time.Sleep(time.Second)
		shut := make(chan struct{})
		s.gate.Store(&shut)
		time.Sleep(time.Minute)
		if s := f.Status(); s.Phase != flags.OldOnly || s.Err == nil || time.Since(s.EvaluatingSince) < 40*time.Second {
			t.Errorf("%+v", s)
		}
		began := time.Now()
		f.Close()
		if took := time.Since(began); took != 0 {
			t.Errorf("Close took %v", took)
		}
		close(shut)
	})
}

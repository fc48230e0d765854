package flags_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/dualwrite/dualwrite/flags"
)

// noPhaseCases are all the ways in which a flag gives no phase, and a word of what the status says about each.
func noPhaseCases() map[string]struct {
	set  func(*fake)
	want string
} {
	type c = struct {
		set  func(*fake)
		want string
	}
	answers := func(a answer, want string) c { return c{func(f *fake) { f.answers(a) }, want} }
	return map[string]c{
		"missing flag":    answers(fails("FLAG_NOT_FOUND: no such flag"), "FLAG_NOT_FOUND"),
		"wrong type":      answers(fails("TYPE_MISMATCH: it is a bool"), "TYPE_MISMATCH"),
		"not ready":       answers(fails("PROVIDER_NOT_READY"), "PROVIDER_NOT_READY"),
		"unknown text":    answers(says("old_only"), `"old_only" is no phase`),
		"empty text":      answers(says(""), `"" is no phase`),
		"disabled":        answers(silent(openfeature.DisabledReason), "disabled"),
		"silent default":  answers(silent(openfeature.DefaultReason), "default (reason DEFAULT)"),
		"reason error":    answers(reasons("new-only", openfeature.ErrorReason), "the provider reports"),
		"value and error": answers(both("new-only", errors.New("a hook failed")), "a hook failed"),
		"panic":           answers(func(context.Context, string) (openfeature.StringEvaluationDetails, error) { panic("boom") }, "panicked: boom"),
		"hanging": answers(func(ctx context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
			<-ctx.Done()
			return openfeature.StringEvaluationDetails{Value: otherwise}, ctx.Err()
		}, "deadline exceeded"),
		"unbound domain": {func(f *fake) {
			f.answers(silent(openfeature.DefaultReason))
			f.enter(openfeature.NotReadyState)
		}, `no provider is bound to the client's domain "checkout": call openfeature.SetNamedProviderAndWait("checkout", provider)`},
	}
}

func both(value string, err error) answer {
	return func(context.Context, string) (openfeature.StringEvaluationDetails, error) {
		return openfeature.StringEvaluationDetails{Value: value}, err
	}
}

func TestWhatIsNoPhaseKeepsTheLastKnown(t *testing.T) {
	t.Parallel()
	for name, tc := range noPhaseCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newFake("read-old/write-both")
				f := open(t, client, nil)
				confirmed := f.Status().Confirmed
				tc.set(client)
				began := time.Now()
				time.Sleep(time.Hour)
				wantPhase(t, f, flags.ReadOldWriteBoth)
				s := f.Status()
				if s.Err == nil || !strings.Contains(s.Err.Error(), tc.want) || s.Reason != s.Err.Error() {
					t.Errorf("Err = %v, Reason = %q, want %q in both", s.Err, s.Reason, tc.want)
				}
				if late := s.ErrSince.Sub(began); late < 0 || late > 20*time.Second {
					t.Errorf("ErrSince is %v after the failures began", late)
				}
				if !s.Confirmed.Equal(confirmed) || s.FlagKey != key || s.Evaluations < 180 {
					t.Errorf("status %+v", s)
				}
				client.set("read-new/write-both")
				time.Sleep(20 * time.Second)
				wantPhase(t, f, flags.ReadNewWriteBoth)
				if s := f.Status(); s.Err != nil || s.Reason != "" || !s.ErrSince.IsZero() {
					t.Errorf("after recovery: %+v", s)
				}
			})
		})
	}
}

func TestWithoutAFirstValueTheConstructorSaysWhy(t *testing.T) {
	t.Parallel()
	for name, tc := range noPhaseCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newFake("")
				tc.set(client)
				began := time.Now()
				f, err := flags.NewOpenFeature(t.Context(), client, key, &flags.Options{InitTimeout: 25 * time.Second})
				if f != nil || !errors.Is(err, flags.ErrPhaseUnknown) {
					t.Fatalf("got %v, %v", f, err)
				}
				if !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), key) {
					t.Errorf("%q does not contain %q and the key", err, tc.want)
				}
				if errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v passes for a timeout of the caller's context", err)
				}
				if took := time.Since(began); took != 25*time.Second {
					t.Errorf("took %v", took)
				}
				if n := client.registered(); n != 0 {
					t.Errorf("%d handlers left", n)
				}
			})
		})
	}
}

// A valid phase can only be the flag's own value, whatever the reason: the default is none.
func TestAValidPhaseCountsWhateverTheReason(t *testing.T) {
	t.Parallel()
	for _, reason := range []openfeature.Reason{openfeature.StaticReason, openfeature.DefaultReason, openfeature.DisabledReason,
		openfeature.CachedReason, openfeature.TargetingMatchReason, openfeature.SplitReason, openfeature.UnknownReason, ""} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			client := newFake("")
			client.answers(reasons("read-new/write-both", reason))
			wantPhase(t, open(t, client, nil), flags.ReadNewWriteBoth)
		})
	}
}

func TestAFirstValueMayComeLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("")
		client.answers(fails("not yet"))
		time.AfterFunc(5*time.Second, func() { client.set("new-only") }) // and no event
		began := time.Now()
		wantPhase(t, open(t, client, nil), flags.NewOnly)
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestTheContextOfTheConstructor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("")
		client.answers(fails("nothing here"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := flags.NewOpenFeature(ctx, client, key, nil)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, flags.ErrPhaseUnknown) || !strings.Contains(err.Error(), "nothing here") {
			t.Errorf("deadline: %v", err)
		}
		_, err = flags.NewOpenFeature(ctx, client, key, nil)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended before: %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = flags.NewOpenFeature(ctx, client, key, nil)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

type ctxKey struct{}

// A service hands in the context of its start-up, which ends: evaluations go on, with its values.
func TestTheEndOfTheConstructorsContextDoesNotMatter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("")
		client.answers(func(ctx context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
			if ctx.Err() != nil || ctx.Value(ctxKey{}) != "start-up" {
				return fails("wrong context")(ctx, otherwise)
			}
			return says("old-only")(ctx, otherwise)
		})
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), ctxKey{}, "start-up"))
		f, err := flags.NewOpenFeature(ctx, client, key, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cancel()
		time.Sleep(time.Minute)
		if s := f.Status(); s.Err != nil || s.Evaluations < 6 {
			t.Errorf("%+v", s)
		}
	})
}

// A fleet is in new-only, a write is acknowledged, and an instance starts that can not read the flag. Whatever phase it
// assumed, a read of it might answer what was there before the write. So it does not start, and no option makes it.
func TestNoOptionServesAPhaseThatTheFlagDidNotSay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("")
		client.answers(fails("the flag service is down"))
		var o flags.Options
		for v, i := reflect.ValueOf(&o).Elem(), 0; i < v.NumField(); i++ {
			switch field := v.Field(i); field.Interface().(type) {
			case flags.Phase:
				field.Set(reflect.ValueOf(flags.OldOnly))
			case bool:
				field.SetBool(true)
			}
		}
		f, err := flags.NewOpenFeature(t.Context(), client, key, &o)
		if f != nil || !errors.Is(err, flags.ErrPhaseUnknown) {
			t.Errorf("got %v, %v", f, err)
		}
		if f != nil {
			f.Close()
		}
	})
}

func TestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		f := open(t, client, nil)
		if err := f.Wait(t.Context(), flags.OldOnly); err != nil {
			t.Error(err)
		}
		time.AfterFunc(time.Minute, func() { client.set("read-old/write-both") })
		began := time.Now()
		if err := f.Wait(t.Context(), flags.ReadOldWriteBoth); err != nil || time.Since(began) < time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		client.set("new-only")
		err := f.Wait(timeout(t, time.Minute), flags.NewOnly)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "held") {
			t.Errorf("a held phase: %v", err)
		}
		s, err := f.WaitFor(timeout(t, time.Minute), func(flags.Status) bool { return false })
		if !errors.Is(err, context.DeadlineExceeded) || s.Held != flags.NewOnly {
			t.Errorf("WaitFor: %+v, %v", s, err)
		}
	})
}

func TestEverythingWrongIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	_, err := flags.NewOpenFeature(t.Context(), (*openfeature.Client)(nil), "", &flags.Options{
		Refresh: -1, StaleAfter: -2, InitTimeout: -3, EvaluationTimeout: -4, OnJump: 5,
	})
	for _, want := range []string{"client is nil", "key is empty", "Refresh -1ns", "StaleAfter -2ns", "InitTimeout -3ns", "EvaluationTimeout -4ns", "OnJump 5"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said in:\n%v", want, err)
		}
	}
	for want, o := range map[string]flags.Options{
		"shorter than 1ms":                         {Refresh: time.Microsecond},
		"StaleAfter 5s must be longer than":        {StaleAfter: 5 * time.Second},
		"StaleAfter 1m0s must be longer than":      {Refresh: time.Minute, StaleAfter: time.Minute},
		"StaleAfter 2562047h47m16.854775807s must": {Refresh: 1<<63 - 1, StaleAfter: 1<<63 - 1},
	} {
		if _, err := flags.NewOpenFeature(t.Context(), newFake("old-only"), key, &o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := flags.NewOpenFeature(t.Context(), nil, key, nil); err == nil {
		t.Error("a nil client was accepted")
	}
}

func timeout(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

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
	"github.com/dualwrite/dualwrite/flags/flagtest"
)

// demanding is a provider that evaluates nothing without a targeting key, as some vendors' do, and remembers the last.
type demanding struct {
	*flagtest.Provider
	target chan any
}

func (d demanding) StringEvaluation(ctx context.Context, flag, otherwise string, c openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	target, ok := c[openfeature.TargetingKey]
	if !ok || target == "" {
		return openfeature.StringResolutionDetail{Value: otherwise, ProviderResolutionDetail: openfeature.ProviderResolutionDetail{
			ResolutionError: openfeature.NewTargetingKeyMissingResolutionError("a targeting key is needed"), Reason: openfeature.ErrorReason,
		}}
	}
	select {
	case d.target <- target:
	default:
	}
	return d.Provider.StringEvaluation(ctx, flag, otherwise, c)
}

func TestSDKTargetingKey(t *testing.T) {
	t.Parallel()
	named := openfeature.NewEvaluationContext("mine", map[string]any{"region": "eu"})
	for name, tc := range map[string]struct {
		of     openfeature.EvaluationContext // of the options
		client openfeature.EvaluationContext
		want   any
	}{
		"none":             {want: key},
		"attributes only":  {of: openfeature.NewTargetlessEvaluationContext(map[string]any{"region": "eu"}), want: key},
		"the options'":     {of: named, want: "mine"},
		"the client's":     {client: named, want: "mine"},
		"one as attribute": {of: openfeature.NewTargetlessEvaluationContext(map[string]any{openfeature.TargetingKey: "mine"}), want: "mine"},
		"LaunchDarkly's":   {of: openfeature.NewTargetlessEvaluationContext(map[string]any{"key": "mine"}), want: nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := demanding{provider("read-old/write-both"), make(chan any, 1)}
				client := flagtest.NewClient(t, p)
				client.SetEvaluationContext(tc.client)
				f, err := flags.NewOpenFeature(t.Context(), client, key, &flags.Options{EvaluationContext: tc.of})
				if tc.want == nil {
					if err == nil || !strings.Contains(err.Error(), "TARGETING_KEY_MISSING") {
						t.Errorf("got %v, a targeting key was added beside an attribute that is one for others", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				wantPhase(t, f, flags.ReadOldWriteBoth)
				if got := <-p.target; got != tc.want {
					t.Errorf("evaluated for %v, want %v", got, tc.want)
				}
			})
		})
	}
}

// What waiting does not mend is said at once, with what to do.
func TestTheConstructorFailsAtOnce(t *testing.T) {
	t.Parallel()
	for code, want := range map[openfeature.ErrorCode]string{
		openfeature.TargetingKeyMissingCode: "give Options.EvaluationContext the targeting key",
		openfeature.InvalidContextCode:      "mend Options.EvaluationContext",
	} {
		synctest.Test(t, func(t *testing.T) {
			client := newFake("")
			client.answers(answersCode(code))
			began := time.Now()
			f, err := flags.NewOpenFeature(t.Context(), client, key, nil)
			if f != nil || !errors.Is(err, flags.ErrPhaseUnknown) || !strings.Contains(err.Error(), string(code)) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, %v; want %s and %q", f, err, code, want)
			}
			if took := time.Since(began); took != 0 {
				t.Errorf("%s: took %v", code, took)
			}
			if n := client.registered(); n != 0 {
				t.Errorf("%d handlers left", n)
			}
		})
	}
}

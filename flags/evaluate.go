package flags

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
)

// Client is what [NewOpenFeature] needs of an OpenFeature client. [*openfeature.Client] is one.
type Client interface {
	StringValueDetails(ctx context.Context, flag, defaultValue string, evalCtx openfeature.EvaluationContext,
		options ...openfeature.Option) (openfeature.StringEvaluationDetails, error)
	State() openfeature.State
	Metadata() openfeature.ClientMetadata
	openfeature.IEventing
}

// noPhase is the default that the flag is evaluated with. The SDK answers the default without an error in many cases
// (no provider, a disabled flag, a rule without a match); this one can not be mistaken for a phase.
const noPhase = "dualwrite: no phase"

// evaluate asks the client once. A panic of the provider is an error like any other: it must not end the process.
func (f *OpenFeature) evaluate(ctx context.Context) (r reading) {
	defer func() {
		if p := recover(); p != nil {
			r = reading{at: time.Now(), err: fmt.Errorf("the provider panicked: %v", p)}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, f.options.Refresh)
	defer cancel()
	details, err := f.client.StringValueDetails(ctx, f.flagKey, noPhase, f.options.EvaluationContext)
	r.at = time.Now()
	r.phase, r.err = f.judge(details, err)
	r.doubt = f.doubt()
	return r
}

// judge takes a valid phase for the flag's own value whatever the reason (static, default variant, disabled with an "off"
// variant, cached): the default it was asked with is none. What comes with an error is no value.
func (f *OpenFeature) judge(d openfeature.StringEvaluationDetails, err error) (Phase, error) {
	switch {
	case err != nil:
		return 0, err
	case d.ErrorCode != "" || d.Reason == openfeature.ErrorReason:
		return 0, fmt.Errorf("the provider reports %s: %s", d.ErrorCode, d.ErrorMessage)
	case d.Value == noPhase:
		return 0, f.whyDefault(d.Reason)
	}
	return ParsePhase(d.Value)
}

func (f *OpenFeature) whyDefault(reason openfeature.Reason) error {
	// The SDK evaluates without a provider as if one were ready; only the state gives it away.
	if f.client.State() == openfeature.NotReadyState {
		return unbound(f.client.Metadata().Domain())
	}
	if reason == openfeature.DisabledReason {
		return errors.New("the flag is disabled")
	}
	return fmt.Errorf("the provider answered the default (reason %s): the flag gives no value here", reason)
}

func unbound(domain string) error {
	if domain == "" {
		return errors.New("no provider is set: call openfeature.SetProviderAndWait before")
	}
	return fmt.Errorf("no provider is bound to the client's domain %q: call openfeature.SetNamedProviderAndWait(%q, provider) before", domain, domain)
}

// doubt is why a value may be what the provider remembers rather than what the flag is. A change of the configuration
// ends it even if the state does not: some providers report an error, then new flags, and never "ready" again. Handlers of
// two events that come together may run in the wrong order; then this is wrong until the next event or the end of the
// outage, which matters to nothing but whether a jump is held.
func (f *OpenFeature) doubt() error {
	state := f.client.State()
	if state != openfeature.ErrorState && state != openfeature.StaleState || f.news.Load() {
		return nil
	}
	return fmt.Errorf("the provider is in state %s: its flags may be old", state)
}

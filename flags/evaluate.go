package flags

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

// reading is the outcome of one evaluation.
type reading struct {
	at    time.Time
	took  time.Duration
	phase Phase
	fault // why there is no phase
	// cached: the provider says that it did not look.
	cached bool
	doubt  error // why the answer may come from the provider's memory and not from its source
}

// fault is why an evaluation gave no phase.
type fault struct {
	err error
	// lost: it is one of the connection, so that nothing was learned about the flag. Any other fault is an answer.
	lost bool
	// advice is what to do about a fault that waiting does not mend; empty for others.
	advice string
}

// evaluate asks the client once. A panic of the provider is an error like any other: it must not end the process.
func (f *OpenFeature) evaluate(ctx context.Context) (r reading) {
	began := time.Now()
	defer func() {
		if p := recover(); p != nil {
			r = reading{fault: fault{err: fmt.Errorf("the provider panicked: %v", p), lost: true}}
		}
		r.at, r.took = time.Now(), time.Since(began)
		r.err, r.doubt = shorten(r.err), shorten(r.doubt)
	}()
	ctx, cancel := context.WithTimeout(ctx, f.options.EvaluationTimeout)
	defer cancel()
	details, err := f.client.StringValueDetails(ctx, f.flagKey, noPhase, f.options.EvaluationContext, f.hooks)
	r.phase, r.fault = f.judge(details, err)
	r.doubt, r.cached = f.doubt(details.Reason), details.Reason == openfeature.CachedReason
	return r
}

// judge takes a valid phase for the flag's own value whatever the reason (static, default variant, disabled with an "off"
// variant, cached): the default it was asked with is none. What comes with an error is no value.
func (f *OpenFeature) judge(d openfeature.StringEvaluationDetails, err error) (Phase, fault) {
	switch {
	case err != nil:
		return 0, faultOf(d.ErrorCode, err)
	case d.ErrorCode != "":
		return 0, faultOf(d.ErrorCode, fmt.Errorf("the provider reports %s: %s", d.ErrorCode, d.ErrorMessage))
	case d.Reason == openfeature.ErrorReason:
		return 0, faultOf("", errors.New("the provider reports an error, and does not say which"))
	case d.Value == noPhase:
		return 0, f.whyDefault(d.Reason)
	}
	p, err := ParsePhase(d.Value)
	return p, fault{err: err}
}

func faultOf(code openfeature.ErrorCode, err error) fault {
	why := fault{err: err}
	switch code {
	case "", openfeature.GeneralCode, openfeature.ProviderNotReadyCode, openfeature.ProviderFatalCode:
		why.lost = true
	case openfeature.TargetingKeyMissingCode:
		why.advice = "give Options.EvaluationContext the targeting key that the provider wants"
	case openfeature.InvalidContextCode:
		why.advice = "mend Options.EvaluationContext, or the contexts of the client and of the API"
	}
	return why
}

func (f *OpenFeature) whyDefault(reason openfeature.Reason) fault {
	// The SDK evaluates without a provider as if one were ready; only the state gives it away.
	if f.client.State() == openfeature.NotReadyState {
		return fault{err: unbound(f.client.Metadata().Domain()), lost: true}
	}
	if reason == openfeature.DisabledReason {
		return fault{err: errors.New("the flag is disabled")}
	}
	return fault{err: fmt.Errorf("the provider answered the default (reason %s): the flag gives no value here", reason)}
}

func unbound(domain string) error {
	if domain == "" {
		return errors.New("no provider is set: call openfeature.SetProviderAndWait before")
	}
	return fmt.Errorf("no provider is bound to the client's domain %q: call openfeature.SetNamedProviderAndWait(%q, provider) before", domain, domain)
}

// doubt is why an answer may be what the provider remembers rather than what the flag is. A change of the configuration
// ends it even if the state does not: some providers report an error, then new flags, and never "ready" again. Handlers of
// two events that come together may run in the wrong order; then this is wrong until the next event or the end of the
// outage, which matters to nothing but whether a jump is held.
//
// A value from a cache (reason CACHED) is not in doubt: most providers that cache drop what their source says has changed, and
// report STALE or an error when they do not hear from that any more. It confirms nothing either: see Status.CachedSince.
func (f *OpenFeature) doubt(reason openfeature.Reason) error {
	state := f.client.State()
	if (state == openfeature.ErrorState || state == openfeature.StaleState) && !f.news.Load() {
		return fmt.Errorf("the provider is in state %s: its flags may be old", state)
	}
	if reason == staleReason {
		return errors.New("the provider calls the value stale")
	}
	if f.options.Health == nil {
		return nil
	}
	if err := f.options.Health(); err != nil {
		return fmt.Errorf("the provider's flags may be old: %w", err)
	}
	return nil
}

// staleReason is of the specification; the SDK has no name for it.
const staleReason openfeature.Reason = "STALE"

// targetingKey gives an evaluation a targeting key, where no context has one. Only a hook sees all contexts together.
type targetingKey struct {
	openfeature.UnimplementedHook
	key string
}

// Before implements [openfeature.Hook].
func (k targetingKey) Before(_ context.Context, h openfeature.HookContext, _ openfeature.HookHints) (*openfeature.EvaluationContext, error) {
	c := h.EvaluationContext()
	_, named := c.Attribute("key").(string) // LaunchDarkly's name for it
	if named || c.TargetingKey() != "" || c.Attribute(openfeature.TargetingKey) != nil {
		return nil, nil
	}
	own := openfeature.NewEvaluationContext(k.key, nil)
	return &own, nil
}

// longestText bounds what a provider or a flag can put into a status or a log, in bytes.
const longestText = 400

// shorten bounds the text of an error and keeps its identities.
func shorten(err error) error {
	if err == nil || len(err.Error()) <= longestText {
		return err
	}
	return &shortened{text: abbreviate(err.Error(), longestText), error: err}
}

type shortened struct {
	text string
	error
}

func (s *shortened) Error() string { return s.text }
func (s *shortened) Unwrap() error { return s.error }

// abbreviate keeps the beginning of a text that is longer than most bytes, and tells how long it was.
func abbreviate(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s[:most], ""), len(s))
}

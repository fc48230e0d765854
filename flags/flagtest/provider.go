package flagtest

import (
	"context"
	"sync"

	"github.com/open-feature/go-sdk/openfeature"
)

// eventBuffer is far more than a test emits before the SDK takes it; what does not fit is lost, as with real providers.
const eventBuffer = 64

// ProviderOptions are the options of [NewProvider]. The zero value is the default.
type ProviderOptions struct {
	// Init is run when the SDK initialises the provider. The provider is not ready until it returns, and in error when
	// it returns an error. nil is ready at once.
	Init func(context.Context) error
}

// Provider is an OpenFeature provider in memory whose flags are set live. It is safe for concurrent use.
type Provider struct {
	options ProviderOptions
	events  chan openfeature.Event

	mu    sync.Mutex
	flags map[string]any
	err   error
	mute  bool
	cache map[string]any // nil if there is none
	lost  int
}

var (
	_ openfeature.FeatureProvider          = (*Provider)(nil)
	_ openfeature.ContextAwareStateHandler = (*Provider)(nil)
	_ openfeature.EventHandler             = (*Provider)(nil)
)

// NewProvider returns a provider without flags. o may be nil.
func NewProvider(o *ProviderOptions) *Provider {
	p := &Provider{events: make(chan openfeature.Event, eventBuffer), flags: map[string]any{}}
	if o != nil {
		p.options = *o
	}
	return p
}

// Set gives a flag a value (string, bool, int, int64, float64; anything for an object flag) and reports the change.
func (p *Provider) Set(flag string, value any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flags[flag] = value
	p.emit(openfeature.ProviderConfigChange, "set", flag)
}

// Unset removes a flag and reports the change. Evaluations answer FLAG_NOT_FOUND.
func (p *Provider) Unset(flag string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.flags, flag)
	p.emit(openfeature.ProviderConfigChange, "unset", flag)
}

// Fail makes evaluations fail with err and reports an error; nil ends it and reports that the provider is ready.
func (p *Provider) Fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	if err == nil {
		p.emit(openfeature.ProviderReady, "ready again")
		return
	}
	p.emit(openfeature.ProviderError, err.Error())
}

// Cache makes the provider answer from a cache, with reason CACHED, what each flag was when it was first evaluated, and nothing but
// another call of Cache empties that: events are still sent, and flags that are set are not noticed.
func (p *Provider) Cache(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cache = nil; on {
		p.cache = map[string]any{}
	}
}

// Emit reports an event and changes nothing else: with [openfeature.ProviderStale] or [openfeature.ProviderError] the
// client's state follows while flags are still answered from memory.
func (p *Provider) Emit(t openfeature.EventType) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.emit(t, "emitted by a test")
}

// DropEvents loses all events from now on, or no longer.
func (p *Provider) DropEvents(drop bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = drop
}

// Lost is how many events were lost so far, by DropEvents or because the SDK did not take them in time.
func (p *Provider) Lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// emit runs under the lock, so that events keep the order of the changes. It never blocks.
func (p *Provider) emit(t openfeature.EventType, message string, changed ...string) {
	e := openfeature.Event{ProviderName: p.Metadata().Name, EventType: t}
	e.Message, e.FlagChanges = message, changed
	if p.mute {
		p.lost++
		return
	}
	select {
	case p.events <- e:
	default:
		p.lost++
	}
}

// Metadata implements [openfeature.FeatureProvider].
func (p *Provider) Metadata() openfeature.Metadata { return openfeature.Metadata{Name: "flagtest"} }

// Hooks implements [openfeature.FeatureProvider]: there are none.
func (p *Provider) Hooks() []openfeature.Hook { return nil }

// EventChannel implements [openfeature.EventHandler].
func (p *Provider) EventChannel() <-chan openfeature.Event { return p.events }

// Init implements [openfeature.StateHandler].
func (p *Provider) Init(c openfeature.EvaluationContext) error {
	return p.InitWithContext(context.Background(), c)
}

// InitWithContext implements [openfeature.ContextAwareStateHandler].
func (p *Provider) InitWithContext(ctx context.Context, _ openfeature.EvaluationContext) error {
	if p.options.Init == nil {
		return nil
	}
	return p.options.Init(ctx)
}

// Shutdown implements [openfeature.StateHandler].
func (p *Provider) Shutdown() {}

// ShutdownWithContext implements [openfeature.ContextAwareStateHandler].
func (p *Provider) ShutdownWithContext(context.Context) error { return nil }

package flags

import (
	"fmt"
	"slices"

	"github.com/open-feature/go-sdk/openfeature"
)

var errSourceClosed = fmt.Errorf("flags: source closed: %w", ErrPhaseUnknown)

// snapshot is what callers see: immutable, replaced as a whole by the one goroutine that follows the flag.
type snapshot struct {
	status   Status
	err      error  // what Phase answers instead of a phase
	refused  error  // what writes are answered instead of a phase
	advice   string // why it is no use to wait for a first value
	closed   bool
	replaced chan struct{} // closed when a newer snapshot is in place
}

func (f *OpenFeature) publish(s snapshot) {
	s.replaced = make(chan struct{})
	if before := f.current.Swap(&s); before != nil {
		close(before.replaced)
	}
}

// answering prepares what is answered with a status, so that answering costs nothing.
func (f *OpenFeature) answering(s Status, advice string) snapshot {
	snap := snapshot{status: s, advice: advice, refused: s.refusal(f.options.StaleAfter)}
	if s.Phase == 0 {
		snap.err = fmt.Errorf("flags: flag %q: %w: %s", f.flagKey, ErrPhaseUnknown, cause(s))
	}
	return snap
}

func closedSnapshot(flagKey string) snapshot {
	return snapshot{
		status: Status{FlagKey: flagKey, Err: errSourceClosed, Reason: errSourceClosed.Error()},
		err:    errSourceClosed, refused: errSourceClosed, closed: true,
	}
}

// cause is text: a timeout of an evaluation must not pass for one of the caller's context.
func cause(s Status) string {
	if s.Err == nil {
		return "no evaluation has ended yet"
	}
	return s.Err.Error()
}

// wake asks for an evaluation. It never blocks, and does no harm after Close: the SDK runs handlers in goroutines of
// their own, which may come late.
func (f *OpenFeature) wake() {
	select {
	case f.poke <- struct{}{}:
	default: // one is asked for already
	}
}

// subscribe registers the handlers. The SDK removes a handler by the identity of its pointer: unsubscribe uses the same.
func (f *OpenFeature) subscribe() (unsubscribe func()) {
	ready := func(openfeature.EventDetails) { f.news.Store(true); f.wake() }
	trouble := func(openfeature.EventDetails) { f.news.Store(false); f.wake() }
	handlers := map[openfeature.EventType]openfeature.EventCallback{
		openfeature.ProviderReady:        &ready,
		openfeature.ProviderConfigChange: new(f.changed),
		openfeature.ProviderError:        &trouble,
		openfeature.ProviderStale:        &trouble,
	}
	for event, handler := range handlers {
		f.client.AddHandler(event, handler)
	}
	return func() {
		for event, handler := range handlers {
			f.client.RemoveHandler(event, handler)
		}
	}
}

// changed handles a change of flags. One that names flags, and not this one, needs no evaluation; if it forgot to name this
// one, the timer finds out.
func (f *OpenFeature) changed(d openfeature.EventDetails) {
	f.news.Store(true)
	if len(d.FlagChanges) == 0 || slices.Contains(d.FlagChanges, f.flagKey) {
		f.emits.Store(true)
		f.wake()
	}
}

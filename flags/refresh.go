package flags

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
)

var errSourceClosed = fmt.Errorf("flags: source closed: %w", ErrPhaseUnknown)

// snapshot is what callers see: immutable, replaced as a whole by the one goroutine that evaluates.
type snapshot struct {
	status   Status
	err      error // what Phase answers instead of a phase
	closed   bool
	replaced chan struct{} // closed when a newer snapshot is in place
}

// run owns the snapshot: it alone evaluates and publishes, so that answers can not overtake each other. Events only ask
// it to look again; an event that comes during an evaluation causes another one.
func (f *OpenFeature) run(ctx context.Context) {
	defer close(f.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			f.publish(snapshot{
				status: Status{FlagKey: f.flagKey, Err: errSourceClosed, Reason: errSourceClosed.Error()},
				err:    errSourceClosed, closed: true,
			})
			return
		case <-timer.C:
		case <-f.poke:
		}
		f.refresh(ctx)
		timer.Reset(f.pause())
	}
}

func (f *OpenFeature) refresh(ctx context.Context) {
	r := f.evaluate(ctx)
	if ctx.Err() != nil {
		return // closing: the failure, if it is one, is our own doing
	}
	before := f.current.Load().status
	after := before.next(r, f.options.StaleAfter)
	f.publish(f.answers(after))
	f.log(before, after)
}

// pause is the time to the next evaluation: shortly while nothing is known, since somebody is waiting.
func (f *OpenFeature) pause() time.Duration {
	d := f.options.Refresh
	if f.current.Load().status.Phase == 0 {
		d /= 10
	}
	return d - rand.N(d/10)
}

func (f *OpenFeature) publish(s snapshot) {
	s.replaced = make(chan struct{})
	if before := f.current.Swap(&s); before != nil {
		close(before.replaced)
	}
}

// answers prepares what Phase answers with a status, so that answering costs nothing.
func (f *OpenFeature) answers(s Status) snapshot {
	snap := snapshot{status: s}
	if s.Phase == 0 {
		snap.err = fmt.Errorf("flags: flag %q: %w: %s", f.flagKey, ErrPhaseUnknown, cause(s))
	}
	return snap
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
	news := func(openfeature.EventDetails) { f.news.Store(true); f.wake() }
	trouble := func(openfeature.EventDetails) { f.news.Store(false); f.wake() }
	handlers := map[openfeature.EventType]openfeature.EventCallback{
		openfeature.ProviderReady:        &news,
		openfeature.ProviderConfigChange: &news,
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

func (f *OpenFeature) log(before, after Status) {
	log := f.options.Logger.With(slog.String("flag", f.flagKey))
	if after.Phase != before.Phase {
		log.Info("migration phase changed", slog.String("from", before.Phase.String()), slog.String("to", after.Phase.String()))
	}
	switch {
	case after.Held != 0 && after.Held != before.Held:
		log.Warn("migration phase held", slog.String("phase", after.Phase.String()), slog.String("held", after.Held.String()))
	case after.Held == 0 && before.Held != 0:
		log.Info("migration phase no longer held", slog.String("held", before.Held.String()))
	}
	switch {
	case after.Err != nil && before.Err == nil:
		log.Warn("migration flag can not be read", slog.String("phase", after.Phase.String()), slog.Any("error", after.Err))
	case after.Err == nil && before.Err != nil:
		log.Info("migration flag can be read again", slog.String("phase", after.Phase.String()))
	}
}

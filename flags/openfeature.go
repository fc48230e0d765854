package flags

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/open-feature/go-sdk/openfeature"
)

// OpenFeature is a [Source] that follows a string flag of an OpenFeature provider. The flag's values are the texts of the
// four phases. Create it with [NewOpenFeature]; all methods are safe for concurrent use.
//
// The flag is evaluated in the background: whenever the provider reports an event that may be about it, and on a timer.
// Most providers emit no events, so a flip takes up to [Options.Refresh] to arrive, and a lost event delays one by as much.
// Two evaluations begin at least 100 ms apart, and one at a time runs. Operations are answered from memory. One source
// serves any number of repositories.
//
// # What is not a phase
//
// A missing flag, a value of another type, an unknown text, a disabled flag, no provider bound to the client's domain, a
// provider that is not ready, fails, panics, hangs or silently answers the default: in each case the last known phase
// stays in force, and [Status] says since when and why. No default is ever taken for the flag's value.
//
// # Jumps
//
// A migration walks from phase to phase. A flag that goes from old-only to new-only in one step is most likely a slip, and
// following it would leave instances two phases apart. While this instance is in touch with the flag (the provider
// answered within [Options.StaleAfter], be it that the flag is off or missing) a value that jumps over a phase is therefore
// held: the phase in force stays, the status names the held one, and the hold ends when the flag says a phase next to the
// one in force. A hold that goes on for longer than StaleAfter means that this instance and the others go separate ways:
// from then on writes are refused, unless [Options.OnJump] says otherwise.
//
// An instance that had been cut off for longer than StaleAfter may have missed the steps between: it follows a jump, except
// to a value that it held already before. Cut off is who gets no answer about the flag: the provider is not ready, fails or
// hangs, or its answers are in doubt, as it is in state ERROR or STALE, calls a value stale, or [Options.Health] says so.
//
// A first value is always accepted.
//
// # What one instance can not know
//
// A flag tells each instance what to do, never what the others do. These stay with whoever flips the flag:
//
//   - an early flip: the next phase is safe only when every instance has arrived in the phase before, and what was asked of
//     it (the copy, the verification) is done;
//   - a stale instance: one that is cut off from the flag goes on in its last known phase, while the others may be two
//     phases ahead;
//   - a new instance: its first value is accepted, whatever phase the others hold on to.
//
// Instances that are more than one phase apart can lose acknowledged writes.
type OpenFeature struct {
	client  Client
	flagKey string
	options Options

	hooks openfeature.Option

	current atomic.Pointer[snapshot]
	news    atomic.Bool   // the last event was good news: ready, or new flags
	emits   atomic.Bool   // the provider has reported a change of flags
	poke    chan struct{} // an evaluation is asked for
	done    chan struct{} // run has returned
	stop    func()
}

var (
	_ Source    = (*OpenFeature)(nil)
	_ WriteGate = (*OpenFeature)(nil)
)

// NewOpenFeature follows the flag flagKey of client until Close.
//
// It returns when the flag has given a first value. If none comes within [Options.InitTimeout] or before ctx ends, it fails
// with an error that Is [ErrPhaseUnknown] and says what was seen last: no phase is assumed for an instance that has never
// seen the flag. It fails at once where waiting does not help, as a provider wants another evaluation context. The values
// of ctx (a transaction context) go with each evaluation, its end does not matter later.
//
// Close it when done.
func NewOpenFeature(ctx context.Context, client Client, flagKey string, o *Options) (*OpenFeature, error) {
	options, err := o.complete()
	if err := errors.Join(validate(client, flagKey), err); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f := start(ctx, client, flagKey, options)
	wait, cancel := context.WithTimeout(ctx, options.InitTimeout)
	defer cancel()
	last, err := f.waitFor(wait, func(s *snapshot) bool { return s.status.Phase != 0 || s.advice != "" })
	if err == nil && last.status.Phase != 0 {
		return f, nil
	}
	f.Close()
	if err == nil {
		return nil, fmt.Errorf("%w: %s", last.err, last.advice)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("flags: flag %q: %w: %w; seen last: %s", flagKey, ErrPhaseUnknown, err, cause(last.status))
	}
	return nil, fmt.Errorf("flags: flag %q: %w after %v: %s", flagKey, ErrPhaseUnknown, options.InitTimeout, cause(last.status))
}

func validate(client Client, flagKey string) error {
	var errs []error
	if c, ok := client.(*openfeature.Client); client == nil || ok && c == nil {
		errs = append(errs, errors.New("flags: the client is nil"))
	}
	if flagKey == "" {
		errs = append(errs, errors.New("flags: the flag key is empty"))
	}
	return errors.Join(errs...)
}

func start(ctx context.Context, client Client, flagKey string, options Options) *OpenFeature {
	f := &OpenFeature{
		client: client, flagKey: flagKey, options: options,
		hooks: openfeature.WithHooks(targetingKey{key: flagKey}),
		poke:  make(chan struct{}, 1), done: make(chan struct{}),
	}
	f.publish(f.answering(Status{FlagKey: flagKey}, ""))
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unsubscribe := f.subscribe()
	f.stop = sync.OnceFunc(func() {
		unsubscribe()
		cancel()
	})
	go f.run(ctx)
	return f
}

// Phase is the phase in force. It answers from memory in a few nanoseconds, without allocating; ctx is not used.
// After Close the error Is [ErrPhaseUnknown].
func (f *OpenFeature) Phase(context.Context) (Phase, error) {
	s := f.current.Load()
	return s.status.Phase, s.err
}

// WritesRefused is why writes are refused in the phase in force, nil if they are not: a jump is held for too long, see
// [RefuseWrites]. It costs as little as Phase. The error Is [ErrPhaseUnknown], and says what to do.
func (f *OpenFeature) WritesRefused() error { return f.current.Load().refused }

// Status is what is known now.
func (f *OpenFeature) Status() Status { return f.current.Load().status }

// Wait returns when the flag has put this instance into phase p. It fails with the context's
// error and the reason for the phase it is in, or with an error that Is [ErrPhaseUnknown] after Close.
func (f *OpenFeature) Wait(ctx context.Context, p Phase) error {
	s, err := f.WaitFor(ctx, func(s Status) bool { return s.Phase == p })
	if err == nil || errors.Is(err, ErrPhaseUnknown) {
		return err
	}
	return fmt.Errorf("flags: flag %q: waiting for %s in %s (%s): %w", f.flagKey, p, s.Phase, s.Reason, err)
}

// WaitFor returns the first status that ok accepts, the present one included. Statuses that are replaced while ok runs may
// be skipped; the newest never is. It fails with the context's error, or with an error that Is [ErrPhaseUnknown] after
// Close; the status is then the last one seen.
func (f *OpenFeature) WaitFor(ctx context.Context, ok func(Status) bool) (Status, error) {
	s, err := f.waitFor(ctx, func(s *snapshot) bool { return ok(s.status) })
	return s.status, err
}

func (f *OpenFeature) waitFor(ctx context.Context, ok func(*snapshot) bool) (*snapshot, error) {
	for {
		s := f.current.Load()
		if s.closed {
			return s, errSourceClosed
		}
		if ok(s) {
			return s, nil
		}
		select {
		case <-s.replaced:
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}

// Close ends the evaluations. It cancels the context of the one that may be running and does not wait for it: that ends when
// its provider returns, and touches nothing any more. From then on Phase answers an error that Is [ErrPhaseUnknown]: a
// phase that nobody follows any more is not served. Close is idempotent.
func (f *OpenFeature) Close() {
	f.stop()
	<-f.done
}

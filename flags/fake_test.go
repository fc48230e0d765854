package flags_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/dualwrite/dualwrite/flags"
)

const key = "users-migration"

// fake is the smallest client: it answers what the test says and keeps its handlers.
type fake struct {
	mu       sync.Mutex
	answer   func(ctx context.Context, otherwise string) (openfeature.StringEvaluationDetails, error)
	state    openfeature.State
	handlers map[openfeature.EventType][]openfeature.EventCallback
	asked    int
}

func newFake(value string) *fake {
	f := &fake{handlers: map[openfeature.EventType][]openfeature.EventCallback{}}
	f.set(value)
	return f
}

func (f *fake) set(value string) { f.answers(says(value)) }

func (f *fake) answers(a func(context.Context, string) (openfeature.StringEvaluationDetails, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer, f.state = a, openfeature.ReadyState
}

func (f *fake) enter(s openfeature.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = s
}

func (f *fake) evaluations() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// emit runs the handlers in goroutines of their own, as the SDK does.
func (f *fake) emit(t openfeature.EventType, changed ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var d openfeature.EventDetails
	d.FlagChanges = changed
	for _, h := range f.handlers[t] {
		go (*h)(d)
	}
}

func (f *fake) registered() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.handlers {
		n += len(h)
	}
	return n
}

func (f *fake) StringValueDetails(ctx context.Context, flag, otherwise string, _ openfeature.EvaluationContext, _ ...openfeature.Option) (openfeature.StringEvaluationDetails, error) {
	f.mu.Lock()
	answer := f.answer
	f.asked++
	f.mu.Unlock()
	if flag != key {
		return openfeature.StringEvaluationDetails{Value: otherwise}, errors.New("another flag was asked for: " + flag)
	}
	return answer(ctx, otherwise)
}

func (f *fake) State() openfeature.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

func (f *fake) Metadata() openfeature.ClientMetadata {
	return openfeature.NewClientMetadata("checkout")
}

func (f *fake) AddHandler(t openfeature.EventType, c openfeature.EventCallback) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handlers[t] = append(f.handlers[t], c)
}

func (f *fake) RemoveHandler(t openfeature.EventType, c openfeature.EventCallback) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, h := range f.handlers[t] {
		if h == c {
			f.handlers[t] = append(f.handlers[t][:i:i], f.handlers[t][i+1:]...)
			return
		}
	}
}

type answer = func(context.Context, string) (openfeature.StringEvaluationDetails, error)

func says(value string) answer {
	return reasons(value, openfeature.StaticReason)
}

func reasons(value string, reason openfeature.Reason) answer {
	return func(context.Context, string) (openfeature.StringEvaluationDetails, error) {
		var d openfeature.StringEvaluationDetails
		d.Value, d.Reason = value, reason
		return d, nil
	}
}

// silent answers the default that it was asked with, as if it were a value.
func silent(reason openfeature.Reason) answer {
	return func(_ context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
		var d openfeature.StringEvaluationDetails
		d.Value, d.Reason = otherwise, reason
		return d, nil
	}
}

func fails(text string) answer {
	return func(_ context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
		return openfeature.StringEvaluationDetails{Value: otherwise}, errors.New(text)
	}
}

// answersCode is an answer of the provider that is no value.
func answersCode(code openfeature.ErrorCode) answer {
	return func(_ context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
		d := openfeature.StringEvaluationDetails{Value: otherwise}
		d.ErrorCode, d.Reason = code, openfeature.ErrorReason
		return d, errors.New(string(code) + ": the provider said so")
	}
}

// hangs is a provider that ignores its context, for d.
func hangs(d time.Duration, then answer) answer {
	return func(ctx context.Context, otherwise string) (openfeature.StringEvaluationDetails, error) {
		time.Sleep(d)
		return then(ctx, otherwise)
	}
}

// settle lets happen what an event asks for: two evaluations begin at least 100 ms apart.
func settle() {
	time.Sleep(100 * time.Millisecond)
	synctest.Wait()
}

// open follows the flag until the test ends.
func open(t *testing.T, client flags.Client, o *flags.Options) *flags.OpenFeature {
	t.Helper()
	f, err := flags.NewOpenFeature(t.Context(), client, key, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func wantPhase(t *testing.T, f *flags.OpenFeature, want flags.Phase) {
	t.Helper()
	if got, err := f.Phase(t.Context()); got != want || err != nil {
		t.Errorf("Phase() = %v, %v, want %v; status %+v", got, err, want, f.Status())
	}
	if got := f.Status().Phase; got != want {
		t.Errorf("Status().Phase = %v, want %v", got, want)
	}
}

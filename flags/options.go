package flags

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
)

const (
	defaultTimeout     = 5 * time.Second
	defaultStaleAfter  = 30 * time.Second
	defaultInitTimeout = 10 * time.Second
	shortestRefresh    = time.Millisecond

	// The default Refresh is between these.
	briskRefresh = time.Second
	easyRefresh  = 10 * time.Second
)

// JumpPolicy says what an instance does with a flag value that jumps over a phase; see [OpenFeature].
type JumpPolicy uint8

const (
	// RefuseWrites is [Hold], and once a hold is older than [Options.StaleAfter] writes are refused, with an error that Is
	// [ErrPhaseUnknown]. Reads go on. The instance and the rest of the fleet may be two phases apart by then, and
	// what it writes may be lost.
	RefuseWrites JumpPolicy = iota
	// Hold keeps the phase in force, for reads and writes, for as long as the flag says the other one.
	//
	// Warning: an instance that is left two phases behind the others loses writes that it has acknowledged.
	Hold
	// Follow enters whatever phase the flag says.
	//
	// Warning: a slip of the flag puts the instances two phases apart at once, and acknowledged writes are lost.
	Follow
)

// Options of [NewOpenFeature]. The zero value is the default.
type Options struct {
	// Refresh is how often the flag is evaluated when no event asks for it. Up to a tenth of it is taken off at random, so
	// that the instances of a fleet do not ask in step. At least 1 ms.
	//
	// It is also how long a flip takes to arrive where a provider emits no event when a flag changes: all vendors of today
	// but flagd. So 0 is 1 s at first, and 10 s from the first such event on. Where an evaluation takes longer than 10 ms it
	// is a hundred times that, up to 10 s.
	Refresh time.Duration

	// EvaluationTimeout is the longest that one evaluation may take. One that goes on for longer all the same, as its
	// provider ignores its context, is reported, and no other is begun beside it. 0 is 5 s.
	EvaluationTimeout time.Duration

	// StaleAfter is how long an instance that can not read the flag still counts as in touch with it, and how long a
	// jump is held before writes are refused; see [OpenFeature] on jumps. 0 is three times Refresh, at least 30 s; it must
	// be longer than Refresh.
	StaleAfter time.Duration

	// InitTimeout is how long [NewOpenFeature] waits for a first value. Meanwhile the flag is evaluated more and more
	// seldom, at first after a tenth of InitTimeout or Refresh, whichever is shorter. 0 is 10 s.
	InitTimeout time.Duration

	// EvaluationContext goes with each evaluation of the flag. All operations of an instance are in one phase, so it
	// may describe the instance (a region, a canary), never a user or a record. The zero value is none.
	//
	// Some providers refuse an evaluation without a targeting key, and rules by percentage go by it. If this context has
	// none, nor an attribute "key", and neither have those of the client and of the API, it is the key of the flag: the
	// same in the whole fleet, so that no rule can split it by accident.
	EvaluationContext openfeature.EvaluationContext

	// OnJump is what to do with a value that jumps over a phase. The default is [RefuseWrites].
	OnJump JumpPolicy

	// Health tells why the provider's values may be old, nil if they are not: for providers that go on answering from
	// memory when they have lost their source, and say so somewhere else than in their OpenFeature state. It is asked
	// with each evaluation and within its time limit. nil is none.
	Health func() error

	// Logger is told when the phase changes, a jump is held or released, and evaluations begin or cease to fail, to be in doubt
	// or to hang, or do so for another reason; and once in StaleAfter of a hold that goes on. Never of each evaluation. nil
	// is silence.
	Logger *slog.Logger
}

// complete returns the options with defaults filled in, or all that is wrong with them. A Refresh of 0 stays: it is found
// out by evaluating.
func (o *Options) complete() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	err := c.validate()
	longest := c.Refresh
	if longest == 0 {
		longest = easyRefresh
	}
	if c.StaleAfter == 0 {
		c.StaleAfter = max(defaultStaleAfter, min(longest, math.MaxInt64/3)*3)
	}
	if c.EvaluationTimeout == 0 {
		c.EvaluationTimeout = defaultTimeout
	}
	if c.InitTimeout == 0 {
		c.InitTimeout = defaultInitTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err == nil && c.StaleAfter <= longest {
		err = fmt.Errorf("flags: StaleAfter %v must be longer than Refresh %v", c.StaleAfter, longest)
	}
	return c, err
}

func (o *Options) validate() error {
	var errs []error
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"Refresh", o.Refresh}, {"EvaluationTimeout", o.EvaluationTimeout}, {"StaleAfter", o.StaleAfter}, {"InitTimeout", o.InitTimeout}} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("flags: %s %v is negative", d.name, d.value))
		}
	}
	if o.Refresh > 0 && o.Refresh < shortestRefresh {
		errs = append(errs, fmt.Errorf("flags: Refresh %v is shorter than %v", o.Refresh, shortestRefresh))
	}
	if o.OnJump > Follow {
		errs = append(errs, fmt.Errorf("flags: OnJump %d is not RefuseWrites, Hold or Follow", o.OnJump))
	}
	return errors.Join(errs...)
}

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
	defaultRefresh     = 10 * time.Second
	defaultInitTimeout = 10 * time.Second
	shortestRefresh    = time.Millisecond
)

// Options of [NewOpenFeature]. The zero value is the default.
type Options struct {
	// Refresh is how often the flag is evaluated when no event asks for it, and the longest that one evaluation may
	// take. Up to a tenth of it is taken off at random, so that the instances of a fleet do not ask in step. 0 is 10 s;
	// at least 1 ms.
	Refresh time.Duration

	// StaleAfter is how long an instance that can not read the flag still counts as in touch with it; see [OpenFeature]
	// on jumps. 0 is three times Refresh; it must be longer than Refresh.
	StaleAfter time.Duration

	// InitTimeout is how long [NewOpenFeature] waits for a first value. 0 is 10 s.
	InitTimeout time.Duration

	// EvaluationContext goes with each evaluation of the flag. All operations of an instance are in one phase, so it
	// may describe the instance (a region, a canary), never a user or a record. The zero value is none.
	EvaluationContext openfeature.EvaluationContext

	// Logger is told when the phase changes, a jump is held or released, and evaluations begin or cease to fail; never
	// each evaluation. nil is silence.
	Logger *slog.Logger
}

// complete returns the options with defaults filled in, or all that is wrong with them.
func (o *Options) complete() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	err := c.validate()
	if c.Refresh == 0 {
		c.Refresh = defaultRefresh
	}
	if c.StaleAfter == 0 {
		c.StaleAfter = min(c.Refresh, math.MaxInt64/3) * 3
	}
	if c.InitTimeout == 0 {
		c.InitTimeout = defaultInitTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err == nil && c.StaleAfter <= c.Refresh {
		err = fmt.Errorf("flags: StaleAfter %v must be longer than Refresh %v", c.StaleAfter, c.Refresh)
	}
	return c, err
}

func (o *Options) validate() error {
	var errs []error
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"Refresh", o.Refresh}, {"StaleAfter", o.StaleAfter}, {"InitTimeout", o.InitTimeout}} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("flags: %s %v is negative", d.name, d.value))
		}
	}
	if o.Refresh > 0 && o.Refresh < shortestRefresh {
		errs = append(errs, fmt.Errorf("flags: Refresh %v is shorter than %v", o.Refresh, shortestRefresh))
	}
	return errors.Join(errs...)
}

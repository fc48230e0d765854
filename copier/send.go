package copier

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dualwrite/dualwrite/stores"
)

// maxStuck is how many pages in a row may fail entirely, each after all its attempts, before the pass gives up.
const maxStuck = 3

// answer is what became of one write.
type answer struct {
	outcome stores.Outcome
	stored  stores.Meta // what is there instead, if it was refused
	err     error
	doubt   bool // an earlier attempt may have been applied
}

// settled tells an answer that another attempt would not change.
func (a answer) settled() bool {
	return a.outcome == stores.OutcomeApplied || a.outcome == stores.OutcomeRefused || a.outcome == stores.OutcomeRejected
}

// applied tells whether the write took effect. A refused one did if an earlier attempt of it may have, and what is
// stored shows it.
func (a *answer) applied(t stores.Version) bool {
	return a.outcome == stores.OutcomeApplied || a.outcome == stores.OutcomeRefused && a.doubt && a.stored.Shows(t)
}

// final tells an error of a whole call that no further attempt would mend.
func final(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, stores.ErrPermanent) || errors.Is(err, stores.ErrClosed) || errors.Is(err, errors.ErrUnsupported)
}

// try repeats a call that has no effect when it fails.
func (s *state) try(ctx context.Context, call func() error) error {
	for attempt := 1; ; attempt++ {
		err := call()
		if err == nil || attempt >= s.o.Attempts || final(ctx, err) {
			return err
		}
		s.mirrors.begin()
		if err := s.o.Backoff.Wait(ctx, attempt); err != nil {
			return err
		}
	}
}

// batch sends n writes: those of the indexes given, or all of them for nil. It answers like stores.PutMany.
type batch func(which []int) ([]error, error)

// send sends n writes until each has an answer or the attempts are used up: the same write each time, so that one whose
// outcome is unknown can not be applied twice. What is not settled afterwards may or may not have been applied. The
// error is for what ends the pass. into is reused.
func (p *pass[K, V]) send(ctx context.Context, n int, into []answer, call batch) ([]answer, error) {
	answers := slices.Grow(into[:0], n)[:n]
	clear(answers)
	var which []int
	for attempt := 1; ; attempt++ {
		if err := p.attempt(ctx, answers, which, call); err != nil {
			return nil, err
		}
		if which = unsettled(answers, which); len(which) == 0 || attempt >= p.o.Attempts {
			return answers, nil
		}
		p.mu.Lock()
		p.report.Retried += int64(len(which))
		p.mu.Unlock()
		p.mirrors.begin()
		if err := p.o.Backoff.Wait(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// attempt sends once. A call that is refused as a whole for good is made again write by write, so that one that can not
// be stored does not keep back the others.
func (p *pass[K, V]) attempt(ctx context.Context, answers []answer, which []int, call batch) error {
	errs, err := call(which)
	if err == nil {
		return take(ctx, answers, which, errs)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, stores.ErrClosed) || errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if which == nil {
		which = indexes(len(answers))
	}
	if len(which) == 1 || !errors.Is(err, stores.ErrPermanent) {
		return take(ctx, answers, which, repeat(err, len(which)))
	}
	for i := range which {
		if err := p.attempt(ctx, answers, which[i:i+1], call); err != nil {
			return err
		}
	}
	return nil
}

// take notes the answers of one call. The error is for what ends the pass.
func take(ctx context.Context, answers []answer, which []int, errs []error) error {
	open := false
	for j, err := range errs {
		i := j
		if which != nil {
			i = which[j]
		}
		a := &answers[i]
		if err == nil {
			a.outcome, a.err = stores.OutcomeApplied, nil
			continue
		}
		if errors.Is(err, stores.ErrClosed) {
			return err
		}
		a.outcome, a.stored = stores.OutcomeOf(err)
		a.err = err
		a.doubt = a.doubt || a.outcome == stores.OutcomeUnknown
		open = open || !a.settled()
	}
	if open {
		return ctx.Err()
	}
	return nil
}

// unsettled are the indexes, of those in which (all if nil), that need another attempt.
func unsettled(answers []answer, which []int) (open []int) {
	if which == nil {
		for i := range answers {
			if !answers[i].settled() {
				open = append(open, i)
			}
		}
		return open
	}
	for _, i := range which {
		if !answers[i].settled() {
			open = append(open, i)
		}
	}
	return open
}

// notStuck gives up when nothing gets through any more. It is for pages: a batch of what has failed before may well fail
// again as a whole.
func (p *pass[K, V]) notStuck(answers []answer) error {
	if slices.ContainsFunc(answers, func(a answer) bool { return a.settled() }) {
		p.stuck.Store(0)
		return nil
	}
	if n := p.stuck.Add(1); n >= maxStuck {
		return fmt.Errorf("copier: nothing got through in %d pages in a row, each tried %d times: %w", n, p.o.Attempts, answers[0].err)
	}
	return nil
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func repeat(err error, n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// pick returns the elements of the indexes, or all for nil.
func pick[T any](all []T, which []int) []T {
	if which == nil {
		return all
	}
	some := make([]T, len(which))
	for i, at := range which {
		some[i] = all[at]
	}
	return some
}

// sendWrites sends conditional writes to a store.
func (p *pass[K, V]) sendWrites(ctx context.Context, s stores.Store[K, V], writes []stores.Write[K, V], into []answer) ([]answer, error) {
	return p.send(ctx, len(writes), into, func(which []int) ([]error, error) {
		return stores.PutMany(ctx, s, pick(writes, which))
	})
}

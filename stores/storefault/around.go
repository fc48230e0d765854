package storefault

import (
	"context"
	"errors"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// around is every call: count, hook, fault, call, hook. It hands the fault to do, which carries it out. The second error
// is that of the After hook. A call of a closed store is none.
func (s *Store[K, V]) around(ctx context.Context, op Op, items func() []Item, do func(Call, *Fault) error) (err, late error) {
	if s.closed.Load() {
		return stores.ErrClosed, nil
	}
	c := Call{Op: op, N: s.count(op)}
	rules := *s.rules.Load()
	if s.before != nil || s.after != nil || len(rules) > 0 {
		c.Items = items()
	}
	if s.before != nil {
		if err := s.before(ctx, c); err != nil {
			s.inject(Hooked)
			return err, nil
		}
	}
	f := decide(c, rules)
	if f.Delay > 0 {
		s.inject(Slow)
		sleep(ctx, f.Delay)
	}
	err = do(c, f)
	switch {
	case f.hit:
		s.inject(f.Kind)
	case errors.Is(err, errors.ErrUnsupported):
		s.uncount(op)
		return err, nil
	}
	if s.after != nil {
		if late = s.after(ctx, c, err); late != nil {
			s.inject(Hooked)
		}
	}
	return err, late
}

// decide returns the fault of the first rule that matches, after asking all: they may count.
func decide(c Call, rules []Rule) *Fault {
	decided, found := Fault{}, false
	for _, rule := range rules {
		if f, ok := rule(c); ok && !found {
			decided, found = f, true
		}
	}
	if decided.Only != nil {
		for _, it := range c.Items {
			if decided.Only(it) {
				return &decided
			}
		}
		return &Fault{}
	}
	return &decided
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// call carries out a call that fails as a whole.
func (s *Store[K, V]) call(ctx context.Context, op Op, items func() []Item, do func() error) error {
	err, late := s.around(ctx, op, items, func(_ Call, f *Fault) error {
		if f.prevents() {
			return f.strike()
		}
		err := do()
		if f.Kind == FailAfter && !errors.Is(err, errors.ErrUnsupported) {
			return f.strike()
		}
		return err
	})
	if late != nil {
		return late
	}
	return err
}

// batch carries out a call with an answer for each item; fail makes such an answer of an error. The second error is
// that of the After hook.
func batch[K, V, A, R any](
	ctx context.Context, s *Store[K, V], op Op, args []A, item func(A) Item, fail func(error) R, do func([]A) ([]R, error),
) (res []R, err, late error) {
	err, late = s.around(ctx, op, itemsOf(args, item), func(c Call, f *Fault) (err error) {
		switch {
		case f.Kind == FailBefore && f.Only == nil:
			return f.strike()
		case f.prevents() || f.Kind == FailAfter:
			res, err = some(args, c, f, fail, do)
		default:
			res, err = do(args)
		}
		return err
	})
	return res, err, late
}

// some carries out the items of a batch that the fault lets pass, and fails those that it hits.
func some[A, R any](args []A, c Call, f *Fault, fail func(error) R, do func([]A) ([]R, error)) (res []R, err error) {
	hit := func(i int) bool { return f.Only == nil || f.Only(c.Items[i]) }
	passing := make([]A, 0, len(args))
	for i, a := range args {
		if !f.prevents() || !hit(i) {
			passing = append(passing, a)
		}
	}
	if len(passing) > 0 {
		if res, err = do(passing); err != nil || len(res) != len(passing) {
			return res, err
		}
	}
	all := make([]R, len(args))
	for i := range args {
		switch {
		case !hit(i):
			all[i], res = res[0], res[1:]
		case f.prevents():
			all[i] = fail(f.strike())
		default:
			all[i], res = fail(f.strike()), res[1:]
		}
	}
	return all, nil
}

package interleave

import (
	"context"
	"errors"
	"sync"

	"github.com/dualwrite/dualwrite/stores"
)

// Over is the same scenario over places that somebody else brings along: open returns them for one schedule, empty. They
// are called from inside a synctest bubble, by one goroutine at a time or, while nothing is written, by two.
//
// A schedule makes its calls one after the other, so what such a place has to answer is known beforehand. An answer that
// is another one is a violation, which names the cause; what the judges would say about its consequences comes second.
func (s *Scenario) Over(open func() (old, new stores.Store[string, string], err error)) *Scenario {
	over := *s
	over.checked = true
	over.places = func() (places [2]store, err error) {
		places[oldPlace], places[newPlace], err = open()
		return places, err
	}
	return &over
}

// checked is a place that knows what it has to answer. It hides what the store can do beside the four methods and pair writes on
// purpose: batches come by record by record, each a step of its own.
type checked struct {
	store
	run   *run
	place place
	mu    sync.Mutex
	holds record
	// noted is what holds may have for its prev as well, if the place notes what a write replaces.
	noted stores.Version
}

// check puts the places of a run under observation.
func (r *run) check() {
	for p, s := range r.stores {
		c := &checked{store: s, run: r, place: place(p)}
		c.holds.Version = stores.Absent
		r.stores[p] = c
	}
}

// look reads places that are under observation: nobody else may have read what the last writes left behind.
func (r *run) look() {
	for _, s := range r.stores {
		if c, ok := s.(*checked); ok {
			_, _ = c.Get(context.Background(), key) // the answer is judged
		}
	}
}

// held is what the place has to hold.
func (c *checked) held() record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.holds
}

// Get answers what the place answers, unless the caller has given up.
func (c *checked) Get(ctx context.Context, k string) (record, error) {
	if err := ctx.Err(); err != nil {
		return record{}, err
	}
	rec, err := c.store.Get(ctx, k)
	want := c.settle(rec.Meta)
	switch got, failed := stores.OrAbsent(rec, err); {
	case failed != nil:
		c.run.violation("%v fails to read %s: %w", c.place, describe(want), failed)
	case got != want:
		c.run.violation("%v answers %s to a read, but holds %s", c.place, describe(got), describe(want))
	}
	return rec, err
}

// Put answers what the place answers, unless the caller has given up.
func (c *checked) Put(ctx context.Context, w write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	before := c.held()
	err := c.store.Put(ctx, w)
	c.judge(&w, before, err)
	if err == nil {
		c.take(&w, before)
	}
	return err
}

// PutPair is for old, and answers what both places answer, unless the caller has given up.
func (c *checked) PutPair(ctx context.Context, mine write, other store, theirs write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o, ok := other.(*checked)
	if !ok {
		return errors.ErrUnsupported
	}
	old, now := c.held(), o.held()
	err := stores.PutPair(ctx, c.store, mine, o.store, theirs)
	var neither *stores.PairError
	switch {
	case errors.As(err, &neither) && neither.First == nil && neither.Second == nil:
		c.run.violation("neither of two writes is stored, and nothing is wrong with either")
	case errors.As(err, &neither):
		c.judge(&mine, old, neither.First)
		o.judge(&theirs, now, neither.Second)
	case errors.Is(err, errors.ErrUnsupported):
	default:
		c.judge(&mine, old, err)
		o.judge(&theirs, now, err)
	}
	if err == nil {
		c.take(&mine, old)
		o.take(&theirs, now)
	}
	return err
}

// judge compares the answer to a write with what the condition asks for; before is what the place held.
func (c *checked) judge(w *write, before record, err error) {
	holds := w.If.Holds(before.Version)
	var refused *stores.ConditionError
	if errors.As(err, &refused) {
		before = c.settle(refused.Stored)
	}
	switch {
	case err == nil && !holds:
		c.run.violation("%v accepts %s %s, although it holds %s", c.place, describe(w.Record), condition(w.If), describe(before))
	case err == nil:
	case !errors.As(err, &refused):
		c.run.violation("%v fails to store %s %s: %w", c.place, describe(w.Record), condition(w.If), err)
	case holds:
		c.run.violation("%v refuses %s %s, although it holds %s", c.place, describe(w.Record), condition(w.If), describe(before))
	case refused.Stored != before.Meta:
		c.run.violation("%v refuses %s %s and names %s, but holds %s", c.place, describe(w.Record), condition(w.If),
			describe(record{Meta: refused.Stored}), describe(before))
	}
}

// take notes what the place holds now.
func (c *checked) take(w *write, before record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holds, c.noted = w.Record, stores.Unknown
	if w.NotePrev {
		c.noted = before.Version
	}
}

// settle is what the place has to hold, after it was seen whether it notes what a write replaces.
func (c *checked) settle(seen stores.Meta) record {
	c.mu.Lock()
	defer c.mu.Unlock()
	if seen.Version.Same(c.holds.Version) && !c.noted.IsUnknown() {
		if seen.Prev.Same(c.noted) {
			c.holds.Prev = c.noted
		}
		c.noted = stores.Unknown
	}
	return c.holds
}

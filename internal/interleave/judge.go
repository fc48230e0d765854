package interleave

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// judge looks at a schedule that is over. The verdicts on histories that were seen before are kept in known.
type judge struct {
	known map[string]bool
	// indeterminate counts operations that answered ErrIndeterminate although no fault had hit them.
	indeterminate int
}

// verdict is nil, or what is wrong: what was violated in a step, also in one of the judges' own, comes before what follows
// from it.
func (j *judge) verdict(r *run) error {
	if r.look(); r.broken != nil {
		return r.broken
	}
	if err := j.consequences(r); r.broken == nil {
		return err
	}
	return r.broken
}

// consequences is nil, or what is wrong with how a schedule came out.
func (j *judge) consequences(r *run) error {
	if r.scenario.Wiped {
		return r.untouched()
	}
	if err := j.answers(r); err != nil {
		return err
	}
	if err := r.alone(); err != nil {
		return err
	}
	h := &history{run: r, events: r.history()}
	for _, check := range []func(*history) error{j.readAll, j.getOut, j.converge, j.readAll, j.goOn} {
		if err := check(h); err != nil {
			return err
		}
	}
	if !j.explained(r.initial.state, h.events) {
		return fmt.Errorf("no order explains the history, from %v:\n%s", r.initial.state, h)
	}
	return nil
}

// answers checks each answer for itself.
func (j *judge) answers(r *run) error {
	for _, a := range r.actors {
		if !a.idle() {
			return fmt.Errorf("%s neither ends nor calls a store", a.letter())
		}
		for _, o := range a.ops {
			if !o.ended {
				continue
			}
			switch {
			case o.out.class == classUnknown && o.decided && r.scenario.Certain:
				return fmt.Errorf("%s %s: it was committed and can know it: %w", a.letter(), o.kind, o.out.err)
			case o.out.class == classUnknown && !a.faulted:
				j.indeterminate++
			case errors.Is(o.out.err, errTwice), o.out.class == classNothing && !a.faulted && !r.mayFail(o):
				return fmt.Errorf("%s %s: nobody expects %w", a.letter(), o.kind, o.out.err)
			case o.out.class == classOK:
				if err := r.checkVersion(o); err != nil {
					return fmt.Errorf("%s %s: %w", a.letter(), o.kind, err)
				}
			}
		}
	}
	return nil
}

// checkVersion compares the version that was answered with what it stands for.
func (r *run) checkVersion(o *op) error {
	v := o.out.version
	if v.IsUnknown() { // of a delete, a copy or a repair
		return nil
	}
	c, ok := r.contents[v]
	switch {
	case !ok:
		return fmt.Errorf("it answers version %s, which no place has taken", stamp(v))
	case c.value != o.out.value, c.deleted:
		return fmt.Errorf("it answers %q with version %s, which stands for %v", o.out.value, stamp(v), c)
	}
	return nil
}

// history is what the judge collects of one schedule.
type history struct {
	run    *run
	events []event
	now    int64
	// unblocked: what new refuses is gone.
	unblocked bool
}

func (h *history) String() (s string) {
	for _, e := range sorted(h.events) {
		ret := fmt.Sprint(e.ret)
		if e.class == classUnknown {
			ret = "…"
		}
		s += fmt.Sprintf("  [%d, %s] %v\n", e.call, ret, e)
	}
	return s
}

// history is the operations of the schedule as the model sees them.
func (r *run) history() (events []event) {
	if p := r.pending(); p.kind != "" {
		events = append(events, p)
	}
	for _, a := range r.actors {
		for _, o := range a.ops {
			if e, ok := r.event(a, o); ok {
				events = append(events, e)
			}
		}
	}
	return events
}

// pending is the write that the start state was left with.
func (r *run) pending() event {
	s := &r.scenario.Start
	e := event{id: s.Pending, want: s.Value, class: classUnknown, ret: never}
	switch {
	case s.Pending == "":
	case s.Deletes:
		e.kind = DeleteIf
	case s.Value == "":
		e.kind = Create
	default:
		e.kind = PutIf
	}
	return e
}

// event is false for an operation that can not be told from none.
func (r *run) event(a *actor, o *op) (e event, ok bool) {
	if o.kind.helper() || o.first == 0 {
		return e, false
	}
	e = event{client: a.id, kind: o.kind.plain(), id: o.id, class: o.out.class, value: o.out.value, call: int64(2 * o.first), ret: int64(2*o.last + 1)}
	if !o.ended {
		e.class, e.ret = classUnknown, never
	}
	if o.kind == PutIf || o.kind == DeleteIf {
		e.want, e.alias = r.meaning(o.want)
	}
	if e.class == classUnknown {
		e.ret = never
		return e, !o.kind.reads()
	}
	return e, e.class != classNothing
}

// meaning is the content of a version, and whether it has had others too.
func (r *run) meaning(v stores.Version) (value string, alias bool) {
	c, ok := r.contents[v]
	if !ok || c.deleted {
		return "what is not there", false
	}
	for w, d := range r.contents {
		if !w.Same(v) && !d.deleted && d.value == c.value {
			alias = true
		}
	}
	return c.value, alias
}

// explained asks for a linearization, once for each history.
func (j *judge) explained(from state, events []event) bool {
	events = sorted(events)
	print := fingerprint(from, events)
	verdict, ok := j.known[print]
	if !ok {
		verdict = linearizable(from, events)
		j.known[print] = verdict
	}
	return verdict
}

// then adds an operation that runs alone, after everything else.
func (h *history) then(phase flags.Phase, o *op) error {
	a := &actor{Actor: Actor{Phase: phase}, run: h.run, id: int(phase) + 20, ctx: context.Background(), ops: []*op{o}}
	clock, err := h.run.newClock(uint64(a.id), 0)
	if err != nil {
		return err
	}
	a.repo, err = dualwrite.New[string, string](direct{h.run, oldPlace}, direct{h.run, newPlace}, flags.Static(phase), &dualwrite.Options{
		Clock: clock, Backoff: noWait, Attempts: attempts, Breaker: closedBreaker{},
	})
	if err != nil {
		return err
	}
	o.finish(o.do(a))
	h.run.trace.add("%-8s %-28s answers %s", "", "then "+short(phase)+" "+string(o.kind), o.out)
	if o.kind.looks() && errors.Is(o.out.err, dualwrite.ErrBlocked) && h.run.refused && !h.unblocked {
		return nil
	}
	if o.out.class == classNothing || o.out.class == classUnknown {
		return fmt.Errorf("%s in %v, after everything had ended: %w", o.kind, phase, o.out.err)
	}
	h.now = max(h.now+2, int64(2*h.run.steps+4))
	h.events = append(h.events, event{
		client: a.id, kind: o.kind, id: o.id, class: o.out.class, value: o.out.value, call: h.now, ret: h.now + 1,
	})
	return nil
}

// readAll reads in every phase of the window, the first one again after the last.
func (j *judge) readAll(h *history) error {
	window := h.run.window()
	for _, p := range append(slices.Clone(window), window[:len(window)-1]...) {
		if err := h.then(p, &op{kind: Get, id: "r"}); err != nil {
			return err
		}
	}
	return nil
}

// converge repairs the key and compares the places.
func (j *judge) converge(h *history) error {
	r, s := h.run, h.run.scenario
	if s.Start.Foreign {
		if !slices.ContainsFunc(h.events, func(e event) bool { return e.class == classOK && !e.kind.reads() }) || r.faults > 0 {
			return nil
		}
	} else if _, err := repairKey(copier.RepairPolicy{OldWritable: r.window()[0] >= phaseB})(context.Background(), [2]store{direct{r, oldPlace}, direct{r, newPlace}}); err != nil {
		return fmt.Errorf("repair: %w", err)
	}
	return r.equal()
}

// equal compares the places. A tombstone says the same as nothing.
func (r *run) equal() error {
	old, now := r.held(oldPlace), r.held(newPlace)
	r.trace.add("%-8s %-28s old %s, new %s", "", "then, repaired:", describe(old), describe(now))
	same := old.Version.Same(now.Version) && old.Deleted == now.Deleted && old.Value == now.Value
	if !same && (old.Live() || now.Live()) {
		return fmt.Errorf("the places differ after repair: old %s, new %s", describe(old), describe(now))
	}
	return nil
}

// goOn writes and reads once more in every phase of the window: nothing may stand in the way.
func (j *judge) goOn(h *history) error {
	if h.run.scenario.Start.Foreign {
		return nil
	}
	for _, p := range h.run.window() {
		if err := h.then(p, &op{kind: Upsert, id: "z" + short(p)}); err != nil {
			return err
		}
	}
	return j.readAll(h)
}

// direct is a place without a gate, for what runs alone.
type direct struct {
	run   *run
	place place
}

func (d direct) Keys() stores.KeyCodec[string] { return d.run.stores[d.place].Keys() }

func (d direct) Get(ctx context.Context, _ string) (record, error) {
	a := d.run.carryOut(&call{place: d.place, ctx: ctx})
	return a.rec, a.err
}

func (d direct) Put(ctx context.Context, w write) error {
	return d.run.carryOut(&call{place: d.place, ctx: ctx, put: &w}).err
}

func (d direct) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[string, string], error] {
	return d.run.stores[d.place].Scan(ctx, seg, after)
}

package dualwrite

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// ErrPhaseChanged: a scan went on for so long that the migration is two phases further. What it yielded is right, but the
// rest would come from a place that may no longer be kept up to date: begin again.
var ErrPhaseChanged = errors.New("the phase has moved on too far for this scan")

// scanPage is how many records a scan takes at a time where it has to ask the other place as well.
const scanPage = 256

// Scan yields every live record, in the order of the place that it reads: old in old-only and read-old/write-both, new
// otherwise. A record that is there during the whole scan is yielded exactly once. In read-new/write-both what only old
// holds is brought over before the first record is yielded, which takes a pass over old, and each page of new is compared
// with old and brought in step, so that no acknowledged write is missed.
//
// A record that can not be read, decoded or brought in step is yielded as an *[Error] with its key, and the scan goes on
// (in read-new/write-both it may come again, with what new holds by then); an error without a key ends it. The scan counts as in flight in its phase. When the phase has moved on by more than one it
// ends with ErrPhaseChanged.
func (r *Repository[K, V]) Scan(ctx context.Context) iter.Seq2[Item[K, V], error] {
	return func(yield func(Item[K, V], error) bool) {
		phase, err := r.enter(ctx, reading)
		if err != nil {
			yield(Item[K, V]{}, &Error{Op: "scan", Err: err})
			return
		}
		defer r.running.leave(phase, reading)
		s := scan[K, V]{r: r, ctx: ctx, phase: phase, yield: yield}
		if !routes[phase].strict {
			s.plain(r.place(routes[phase].decides))
			return
		}
		// Whatever is there from now on is in new before new is scanned. The other way round a record that somebody else
		// brings over between the two passes would be in neither.
		if s.strict(&r.old, &r.new, s.bringOver) {
			s.strict(&r.new, &r.old, s.inNew)
		}
	}
}

// scan is one run over the records. Its methods answer whether to go on.
type scan[K, V any] struct {
	r     *Repository[K, V]
	ctx   context.Context
	phase flags.Phase
	yield func(Item[K, V], error) bool
}

// plain yields what one place holds.
func (s *scan[K, V]) plain(p *place[K, V]) {
	for e, err := range p.store.Scan(s.ctx, "", nil) {
		if !s.one(p, e.Key, e.Record, err) {
			return
		}
	}
	s.inPhase()
}

// strict scans one place and hands each page, with the same keys read from the other, to join.
func (s *scan[K, V]) strict(scanned, other *place[K, V], join func(key K, here, there stores.Result[V]) bool) bool {
	var keys []K
	var here []stores.Result[V]
	flush := func() bool {
		if !s.inPhase() {
			return false
		}
		there, err := s.r.getManyFrom(s.ctx, "scan", other, keys)
		if err != nil {
			s.yield(Item[K, V]{}, err)
			return false
		}
		for i, key := range keys {
			if !join(key, here[i], there[i]) {
				return false
			}
		}
		keys, here = keys[:0], here[:0]
		return true
	}
	for e, err := range scanned.store.Scan(s.ctx, "", nil) {
		if err != nil {
			if !s.one(scanned, e.Key, e.Record, err) {
				return false
			}
			continue
		}
		keys, here = append(keys, e.Key), append(here, stores.Result[V]{Record: e.Record})
		if len(keys) == scanPage && !flush() {
			return false
		}
	}
	return flush()
}

// inNew yields a record of new, after old was asked.
func (s *scan[K, V]) inNew(key K, here, there stores.Result[V]) bool {
	s.r.catchUp(s.ctx, "scan", s.phase, key, there, &here)
	return s.one(&s.r.new, key, here.Record, here.Err)
}

// bringOver puts a record of old to new, if new has nothing of it, and yields why it can not. All that new holds comes up
// when new is scanned.
func (s *scan[K, V]) bringOver(key K, here, there stores.Result[V]) bool {
	if there.Err == nil && !there.Record.Version.IsAbsent() {
		return true
	}
	s.r.catchUp(s.ctx, "scan", s.phase, key, here, &there)
	return there.Err == nil || s.one(&s.r.new, key, there.Record, there.Err)
}

// one yields a record if it is live and the phase still allows it, or an error. An error of one record does not end the scan.
func (s *scan[K, V]) one(p *place[K, V], key K, rec stores.Record[V], err error) bool {
	if err == nil {
		return !rec.Live() || s.inPhase() && s.yield(Item[K, V]{Key: key, Value: rec.Value, Version: rec.Version}, nil)
	}
	failure := &Error{Op: "scan", Place: p.name, Err: err}
	var undecodable *stores.RecordError
	var wrapped *Error
	switch {
	case errors.As(err, &wrapped):
		failure = wrapped
	case errors.As(err, &undecodable):
		failure.Key, failure.Err = stores.FormatKey(undecodable.Key), undecodable.Err
	}
	return s.yield(Item[K, V]{Key: key}, failure) && failure.Key != "" && s.ctx.Err() == nil
}

// inPhase ends the scan when the phase has moved on too far.
func (s *scan[K, V]) inPhase() bool {
	now, err := validPhase(s.r.phase.Phase(s.ctx))
	if err == nil && now.Adjacent(s.phase) {
		return true
	}
	if err == nil {
		err = fmt.Errorf("%w: from %v to %v", ErrPhaseChanged, s.phase, now)
	}
	s.yield(Item[K, V]{}, &Error{Op: "scan", Err: err})
	return false
}

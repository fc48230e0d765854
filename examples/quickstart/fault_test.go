package main

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

// These stores misbehave in a way that no store may, without an error that would tell. Each embeds a store and so has
// none of its optional capabilities.

// losing answers some live writes as done without storing them.
type losing struct {
	stores.Store[string, Place]
	mu       sync.Mutex
	from, to int // which of them, counted from 0
	seen     int
}

func (s *losing) Put(ctx context.Context, w stores.Write[string, Place]) error {
	if s.loses() {
		return nil
	}
	return s.Store.Put(ctx, w)
}

func (s *losing) loses() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.seen
	s.seen++
	return n >= s.from && n < s.to
}

// remembering answers some reads with the record that was there before.
type remembering struct {
	stores.Store[string, Place]
	// when says which records are answered so.
	when func(now, before stores.Record[Place]) bool

	mu     sync.Mutex
	before map[string]stores.Record[Place]
	most   int
}

func (s *remembering) Put(ctx context.Context, w stores.Write[string, Place]) error {
	now, readErr := s.Store.Get(ctx, w.Key)
	err := s.Store.Put(ctx, w)
	if err == nil && readErr == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.before[w.Key] = now
	}
	return err
}

func (s *remembering) Get(ctx context.Context, key string) (stores.Record[Place], error) {
	now, err := s.Store.Get(ctx, key)
	s.mu.Lock()
	defer s.mu.Unlock()
	before, ok := s.before[key]
	if err == nil && ok && s.most > 0 && s.when(now, before) {
		s.most--
		return before, nil
	}
	return now, err
}

// diverting keeps the records of some keys somewhere else from their first intent on: to the SDK everything is as it
// should be, but the file is not.
type diverting struct {
	stores.Store[string, Place]
	aside *memstore.Store[string, Place]
	mu    sync.Mutex
	keys  map[string]bool
}

// divertMost is how many keys are diverted; that the last write of all of them is a delete is out of the question.
const divertMost = 30

func newDiverting(s stores.Store[string, Place]) (*diverting, error) {
	aside, err := memstore.New(s.Keys(), &memstore.Options[Place]{Clone: func(p Place) Place { return p }})
	return &diverting{Store: s, aside: aside, keys: map[string]bool{}}, err
}

func (s *diverting) Put(ctx context.Context, w stores.Write[string, Place]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.Record.Intent && !s.keys[w.Key] && len(s.keys) < divertMost {
		if err := s.divert(ctx, w.Key); err != nil {
			return err
		}
	}
	if s.keys[w.Key] {
		return s.aside.Put(ctx, w)
	}
	return s.Store.Put(ctx, w)
}

func (s *diverting) divert(ctx context.Context, key string) error {
	rec, err := stores.OrAbsent(s.Store.Get(ctx, key))
	if err != nil {
		return err
	}
	s.keys[key] = true
	if rec.Version.IsAbsent() {
		return nil
	}
	return s.aside.Put(ctx, stores.Write[string, Place]{Key: key, Record: rec, If: stores.IfOlder(rec.Version)})
}

// diverted tells whether the key is kept elsewhere.
func (s *diverting) diverted(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[key]
}

func (s *diverting) Get(ctx context.Context, key string) (stores.Record[Place], error) {
	if s.diverted(key) {
		return s.aside.Get(ctx, key)
	}
	return s.Store.Get(ctx, key)
}

func (s *diverting) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[string, Place], error] {
	return func(yield func(stores.Entry[string, Place], error) bool) {
		for e, err := range s.Store.Scan(ctx, seg, after) {
			if err == nil && s.diverted(e.Key) {
				e.Record, err = s.aside.Get(ctx, e.Key)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// spoil changes what a place holds behind everybody's back: one record that was written, one that was deleted and one
// that never was.
func spoil(ctx context.Context, place stores.Store[string, Place]) error {
	value := freshPlace("spoiled", 1)
	nobody := stores.Record[Place]{Meta: stores.Meta{Version: stores.Unstamped}, Value: value}
	err := place.Put(ctx, stores.Write[string, Place]{Key: "nobody", Record: nobody, If: stores.IfOlder(stores.Unstamped)})
	live, deleted := false, false
	for e, scanErr := range place.Scan(ctx, "", nil) {
		_, stamped := e.Record.Version.Stamp()
		if err = errors.Join(err, scanErr); err != nil || live && deleted {
			return err
		}
		if !stamped || e.Record.Live() && live || e.Record.Deleted && deleted {
			continue
		}
		live, deleted = live || e.Record.Live(), deleted || e.Record.Deleted
		clock, clockErr := stores.NewClock(nil)
		next, nextErr := clock.Next(e.Record.Version)
		rec := stores.Record[Place]{Meta: stores.Meta{Version: next}, Value: value}
		putErr := place.Put(ctx, stores.Write[string, Place]{Key: e.Key, Record: rec, If: stores.IfStamp(e.Record.Version)})
		err = errors.Join(clockErr, nextErr, putErr)
	}
	return errors.Join(err, errors.New("there was nothing to spoil"))
}

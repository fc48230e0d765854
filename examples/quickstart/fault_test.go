package main

import (
	"context"
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
	s.mu.Lock()
	n := s.seen
	s.seen++
	s.mu.Unlock()
	if n >= s.from && n < s.to {
		return nil
	}
	return s.Store.Put(ctx, w)
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

// diverting keeps one record somewhere else from its first intent on: to the SDK everything is as it should be, but the
// file is not.
type diverting struct {
	stores.Store[string, Place]
	mu    sync.Mutex
	key   string
	aside *memstore.Store[string, Place]
}

func (s *diverting) Put(ctx context.Context, w stores.Write[string, Place]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == "" && w.Record.Intent && !w.Record.Deleted {
		if err := s.divert(ctx, w.Key); err != nil {
			return err
		}
	}
	if w.Key == s.key {
		return s.aside.Put(ctx, w)
	}
	return s.Store.Put(ctx, w)
}

func (s *diverting) divert(ctx context.Context, key string) error {
	aside, err := memstore.New(s.Keys(), &memstore.Options[Place]{Clone: func(p Place) Place { return p }})
	if err != nil {
		return err
	}
	rec, err := stores.OrAbsent(s.Store.Get(ctx, key))
	if err != nil {
		return err
	}
	s.key, s.aside = key, aside
	cond := stores.IfOlder(rec.Version)
	if rec.Version.IsAbsent() {
		return nil
	}
	return aside.Put(ctx, stores.Write[string, Place]{Key: key, Record: rec, If: cond})
}

// diverted tells whether the key is kept elsewhere.
func (s *diverting) diverted(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key != "" && s.key == key
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

package storetest_test

import (
	"context"
	"iter"
	"sync"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

// notesItself takes the version that is written for the one that it replaces.
func notesItself(ctx context.Context, s *mem, w write) error {
	if w.NotePrev {
		w.NotePrev, w.Record.Prev = false, w.Record.Version
	}
	return s.Put(ctx, w)
}

// notesOnlyLive forgets the tombstones where it looks at values.
type notesOnlyLive struct{ *mem }

func (s notesOnlyLive) ScanNoting(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for e, err := range s.Scan(ctx, seg, after) {
			if (err != nil || e.Record.Live()) && !yield(e, err) {
				return
			}
		}
	}
}

// namesItsOwn says of what it stored itself that values do not hold it.
type namesItsOwn struct{ *mem }

func (s namesItsOwn) ScanNoting(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for e, err := range s.Scan(ctx, seg, after) {
			if e.Lost = []string{"Tags"}; !yield(e, err) {
				return
			}
		}
	}
}

// fielded is a store with fields that doc has no room for.
type fielded struct {
	*mem
	mu     sync.Mutex
	fields map[string]string // by key
	lost   func(seen []string, e entry, field string) []string
	seen   []string // by any scan
}

func newFielded(lost func(seen []string, e entry, field string) []string) func(*mem) store {
	return func(s *mem) store { return &fielded{mem: s, fields: map[string]string{}, lost: lost} }
}

func (s *fielded) ScanNoting(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for e, err := range s.Scan(ctx, seg, after) {
			s.mu.Lock()
			field := s.fields[e.Key]
			if field != "" {
				s.seen = append(s.seen, field)
			}
			e.Lost = s.lost(s.seen, e, field)
			s.mu.Unlock()
			if !yield(e, err) {
				return
			}
		}
	}
}

func withField(c *storetest.Config[string, doc]) {
	c.AddField = func(_ testing.TB, s store, key string) string {
		if f, ok := s.(*fielded); ok {
			f.fields[key] = "theirs"
		}
		return "theirs"
	}
}

// exactly is how it ought to be.
func exactly(_ []string, e entry, field string) []string {
	if field == "" || !e.Record.Live() {
		return nil
	}
	return []string{field}
}

// remembers names what any scan has met before.
func remembers(seen []string, _ entry, _ string) []string {
	if len(seen) == 0 {
		return nil
	}
	return seen[:1]
}

// ofTheDead names what is left of a record that was deleted.
func ofTheDead(_ []string, _ entry, field string) []string {
	if field == "" {
		return nil
	}
	return []string{field}
}

// TestFields runs the kit on a store that names what is lost.
func TestFields(t *testing.T) {
	t.Parallel()
	cfg := config(func(tb testing.TB) store { return newFielded(exactly)(openMem(tb, nil)) })
	withField(&cfg)
	storetest.Run(t, cfg)
}

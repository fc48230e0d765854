package dynamostore

import (
	"maps"
	"slices"
	"sync"
)

// maxUnmapped bounds the names that are remembered: attributes may be named after data.
const maxUnmapped = 100

// unmapped remembers attributes that a struct has no room for. The zero value is ready.
type unmapped struct {
	mu    sync.Mutex
	names map[string]bool
}

// UnmappedFields are attributes that scans have found in items beside those that V maps. A view has none: what others
// have in its items is to be expected. See stores.FieldReporter.
func (s *Store[K, V]) UnmappedFields() []string {
	s.unmapped.mu.Lock()
	defer s.unmapped.mu.Unlock()
	return slices.Sorted(maps.Keys(s.unmapped.names))
}

// looksForUnmapped tells the stores that own a part of an item which is meant to be all of it.
func (s *Store[K, V]) looksForUnmapped() bool { return !s.own.view && !s.own.whole() }

// note remembers what of an item is nobody's.
func (s *Store[K, V]) note(item Item) {
	if !s.looksForUnmapped() {
		return
	}
	for name := range item {
		if name == s.opts.Meta || s.table.key.has(name) || s.own.has(name) {
			continue
		}
		s.unmapped.mu.Lock()
		if s.unmapped.names == nil {
			s.unmapped.names = map[string]bool{}
		}
		if len(s.unmapped.names) < maxUnmapped {
			s.unmapped.names[name] = true
		}
		s.unmapped.mu.Unlock()
	}
}

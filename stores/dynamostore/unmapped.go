package dynamostore

import (
	"maps"
	"slices"
	"sync"
)

// maxUnmapped bounds the names that are remembered: attributes may be named after data.
const maxUnmapped = 100

// unmapped remembers attributes of items that V does not hold exactly. The zero value is ready.
type unmapped struct {
	mu    sync.Mutex
	names map[string]struct{}
}

func (u *unmapped) add(name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.names == nil {
		u.names = make(map[string]struct{})
	}
	if _, known := u.names[name]; !known && len(u.names) < maxUnmapped {
		u.names[name] = struct{}{}
	}
}

// notes tells whether attributes of others are looked for: in an item that a view shares they are what is to be expected.
func (s *Store[K, V]) notes() bool { return !s.own.whole() && !s.own.view }

// note looks for attributes of others in an item.
func (s *Store[K, V]) note(item Item) {
	if !s.notes() {
		return
	}
	for name := range item {
		if !s.own.has(name) && !s.table.key.has(name) && name != s.opts.Meta {
			s.unmapped.add(name)
		}
	}
}

// UnmappedFields implements stores.FieldReporter.
func (s *Store[K, V]) UnmappedFields() []string {
	s.unmapped.mu.Lock()
	defer s.unmapped.mu.Unlock()
	return slices.Sorted(maps.Keys(s.unmapped.names))
}

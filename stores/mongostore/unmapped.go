package mongostore

import (
	"maps"
	"slices"
	"sync"
)

// maxUnmapped bounds the names that are remembered: fields may be named after data.
const maxUnmapped = 100

// unmapped remembers fields of documents that V does not hold exactly. The zero value is ready.
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
	if len(u.names) < maxUnmapped {
		u.names[name] = struct{}{}
	}
}

// UnmappedFields implements [stores.FieldReporter].
func (s *Store[K, V]) UnmappedFields() []string {
	s.unmapped.mu.Lock()
	defer s.unmapped.mu.Unlock()
	return slices.Sorted(maps.Keys(s.unmapped.names))
}

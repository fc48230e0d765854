package mongostore

import (
	"maps"
	"slices"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// maxUnmapped bounds the names that are remembered: fields may be named after data.
const maxUnmapped = 100

// unmapped remembers fields of whole documents that V has no room for. The zero value is ready.
type unmapped struct {
	mu    sync.Mutex
	names map[string]struct{}
}

func (u *unmapped) add(name []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.names == nil {
		u.names = make(map[string]struct{})
	}
	if _, known := u.names[string(name)]; !known && len(u.names) < maxUnmapped {
		u.names[string(name)] = struct{}{}
	}
}

// note looks for fields of others in a document. In one that a view shares they are what is to be expected.
func (s *Store[K, V]) note(doc bson.Raw) {
	v := &s.codec.view
	if v.all || !v.whole {
		return
	}
	_ = walk(doc, func(name []byte, _ bson.RawValue) error { // what is damaged is told by others
		if _, owned := v.field(name); !owned && string(name) != "_id" && string(name) != v.meta {
			s.unmapped.add(name)
		}
		return nil
	})
}

// UnmappedFields implements [stores.FieldReporter].
func (s *Store[K, V]) UnmappedFields() []string {
	s.unmapped.mu.Lock()
	defer s.unmapped.mu.Unlock()
	return slices.Sorted(maps.Keys(s.unmapped.names))
}

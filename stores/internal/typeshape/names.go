package typeshape

import (
	"maps"
	"slices"
	"sync"
)

// MaxNames bounds the names that are remembered: fields may be named after data.
const MaxNames = 100

// Names remembers fields that a type does not hold exactly. The zero value is ready; it is safe for concurrent use.
type Names struct {
	mu    sync.Mutex
	names map[string]struct{}
}

// Add remembers a name, unless there are too many.
func (n *Names) Add(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.names == nil {
		n.names = make(map[string]struct{})
	}
	if len(n.names) < MaxNames {
		n.names[name] = struct{}{}
	}
}

// Sorted returns the names in order.
func (n *Names) Sorted() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(maps.Keys(n.names))
}

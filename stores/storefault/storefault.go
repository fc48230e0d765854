package storefault

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/dualwrite/dualwrite/stores"
)

// forward has all capabilities of the inner store; what faults are injected into is written beside it.
type forward[K, V any] = stores.Forward[K, V]

// Store is a [stores.Store] around another one. It is safe for concurrent use if the inner store, the rules and the
// hooks are.
type Store[K, V any] struct {
	forward[K, V]
	before func(context.Context, Call) error
	after  func(context.Context, Call, error) error
	rules  atomic.Pointer[[]Rule]
	closed atomic.Bool

	mu       sync.Mutex
	calls    map[Op]int
	injected [kinds]int
}

// Options are what happens around each call. The zero value only counts.
type Options struct {
	// Rules are asked in order before each call, all of them; the first that matches decides. [Store.SetRules] replaces
	// them. Default none.
	Rules []Rule
	// Before runs before each call, ahead of the rules. If it returns an error the call answers that and has no effect.
	// Default nil.
	Before func(ctx context.Context, c Call) error
	// After runs after each call, err being the answer (nil for a batch that was carried out, and for a scan that the
	// body left early). If it returns an error the call answers that instead, for each item of a batch write, although
	// it took effect. Default nil.
	//
	// Both hooks run without a lock and may use the store.
	After func(ctx context.Context, c Call, err error) error
}

// New wraps a store.
func New[K, V any](inner stores.Store[K, V], o *Options) *Store[K, V] {
	if o == nil {
		o = &Options{}
	}
	s := &Store[K, V]{forward: forward[K, V]{Store: inner}, before: o.Before, after: o.After, calls: make(map[Op]int)}
	s.SetRules(o.Rules...)
	return s
}

// SetRules replaces the rules; none stops the faults. Calls that have begun are not affected.
func (s *Store[K, V]) SetRules(rules ...Rule) { s.rules.Store(&rules) }

// Calls is how many calls there were of the operations given together; of all that reach the database, if none is
// given. A batch is one call. A capability that the inner store lacks is not counted.
func (s *Store[K, V]) Calls(ops ...Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for op, calls := range s.calls {
		if len(ops) == 0 && (op == OpCheck || op == OpRoundTrip) {
			continue
		}
		if isOneOf(op, ops) {
			n += calls
		}
	}
	return n
}

// Injected is how many faults of the kinds given there were; of all, if none is given. A fault that hit some items of a
// batch counts once, and one that hit none does not count.
func (s *Store[K, V]) Injected(of ...Kind) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	if len(of) == 0 {
		for _, k := range s.injected {
			n += k
		}
	}
	for _, k := range of {
		if k < kinds {
			n += s.injected[k]
		}
	}
	return n
}

// Reset sets all counts to zero.
func (s *Store[K, V]) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.calls)
	s.injected = [kinds]int{}
}

func (s *Store[K, V]) count(op Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	return s.calls[op]
}

func (s *Store[K, V]) uncount(op Op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]--
}

func (s *Store[K, V]) inject(k Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.injected[k]++
}

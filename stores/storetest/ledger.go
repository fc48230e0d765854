package storetest

import (
	"context"
	"fmt"
	"sync"

	"github.com/dualwrite/dualwrite/stores"
)

// ledger remembers which value each version was written with, so that readers of a contended record can tell whether
// value and version belong together.
type ledger struct {
	mu     sync.Mutex
	values map[stores.Version]int
}

func newLedger() *ledger { return &ledger{values: map[stores.Version]int{}} }

// enter notes a write before it is sent.
func (l *ledger) enter(v stores.Version, value int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.values[v] = value
}

func (l *ledger) lookUp(v stores.Version) (value int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	value, ok = l.values[v]
	return value, ok
}

// read gets a record and checks it against the ledger.
func (e *env[K, V]) read(ctx context.Context, l *ledger, key K) (stores.Record[V], int, error) {
	return e.readBy(ctx, l, key, e.s.Get)
}

// getInBatch is Get by way of a batch.
func (e *env[K, V]) getInBatch(ctx context.Context, key K) (stores.Record[V], error) {
	res, err := stores.GetMany(ctx, e.s, []K{key})
	if err != nil {
		return stores.Record[V]{}, err
	}
	return res[0].Record, res[0].Err
}

func (e *env[K, V]) readBy(ctx context.Context, l *ledger, key K, get func(context.Context, K) (stores.Record[V], error)) (stores.Record[V], int, error) {
	r, err := get(ctx, key)
	if err != nil {
		return r, 0, err
	}
	n, ok := l.lookUp(r.Version)
	switch {
	case !ok:
		return r, 0, fmt.Errorf("read %+v, which nobody wrote", r.Meta)
	case !e.cfg.Equal(r.Value, e.cfg.Value(n)):
		return r, 0, fmt.Errorf("read value %+v with version %v, written was %+v", r.Value, r.Version, e.cfg.Value(n))
	}
	return r, n, nil
}

// refusal checks the answer to a write that did not take place because of others: what it reports was written by somebody
// and does not satisfy the condition.
func (l *ledger) refusal(m stores.Meta, cond stores.Condition) error {
	if _, ok := l.lookUp(m.Version); !ok {
		return fmt.Errorf("%v is refused with %+v, which nobody wrote", cond, m)
	}
	if cond.Holds(m.Version) {
		return fmt.Errorf("%v is refused with %+v, which satisfies it", cond, m)
	}
	return nil
}

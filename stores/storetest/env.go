package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
)

// env is a subtest with its store.
type env[K, V any] struct {
	*testing.T
	cfg   *Config[K, V]
	s     stores.Store[K, V]
	clock *stores.Clock
	keys  *int // how many keys are used
}

// sub runs a subtest on the same store.
func (e *env[K, V]) sub(name string, run func(*env[K, V])) {
	e.Run(name, func(t *testing.T) {
		sub := *e
		sub.T = t
		run(&sub)
	})
}

func (e *env[K, V]) newClock() *stores.Clock {
	e.Helper()
	c, err := stores.NewClock(nil)
	if err != nil {
		e.Fatal(err)
	}
	return c
}

// stamp returns a version above all others of this subtest.
func (e *env[K, V]) stamp() stores.Version {
	e.Helper()
	v, err := e.clock.Next()
	if err != nil {
		e.Fatal(err)
	}
	return v
}

// newKey returns a key that was not used yet.
func (e *env[K, V]) newKey() K {
	*e.keys++
	return e.cfg.Key(*e.keys - 1)
}

func (e *env[K, V]) canonical(key K) []byte {
	e.Helper()
	b, err := e.s.Keys().Append(nil, key)
	if err != nil {
		e.Fatalf("canonical form of %v: %v", key, err)
	}
	return b
}

// record is metadata with the i-th value, or none in a tombstone.
func (e *env[K, V]) record(m stores.Meta, i int) stores.Record[V] {
	r := stores.Record[V]{Meta: m}
	if !m.Deleted {
		r.Value = e.cfg.Value(i)
	}
	return r
}

// put stores a record that has to be accepted, and returns it as it has to be read.
func (e *env[K, V]) put(key K, m stores.Meta, i int, cond stores.Condition) stores.Record[V] {
	e.Helper()
	if err := e.s.Put(e.Context(), stores.Write[K, V]{Key: key, Record: e.record(m, i), If: cond}); err != nil {
		e.Fatalf("put of %+v on %v: %v", m, cond, err)
	}
	return e.record(m, i)
}

// plant stores a record under a key that has none.
func (e *env[K, V]) plant(key K, m stores.Meta, i int) stores.Record[V] {
	e.Helper()
	return e.put(key, m, i, stores.IfOlder(m.Version))
}

// newKeys returns n keys that were not used yet, in the order of their canonical forms.
func (e *env[K, V]) newKeys(n int) []K {
	keys := make([]K, n)
	for i := range keys {
		keys[i] = e.newKey()
	}
	slices.SortFunc(keys, func(a, b K) int { return bytes.Compare(e.canonical(a), e.canonical(b)) })
	return keys
}

// fill stores n live records and returns them by canonical key.
func (e *env[K, V]) fill(n int) map[string]stores.Entry[K, V] {
	e.Helper()
	return e.fillKeys(e.newKeys(n))
}

func (e *env[K, V]) fillKeys(keys []K) map[string]stores.Entry[K, V] {
	e.Helper()
	all := make(map[string]stores.Entry[K, V], len(keys))
	writes := make([]stores.Write[K, V], len(keys))
	for i, key := range keys {
		v := e.stamp()
		r := e.record(stores.Meta{Version: v}, i)
		writes[i] = stores.Write[K, V]{Key: key, Record: r, If: stores.IfOlder(v)}
		all[string(e.canonical(key))] = stores.Entry[K, V]{Key: key, Record: e.record(r.Meta, i)}
	}
	errs, err := stores.PutMany(e.Context(), e.s, writes)
	if err := errors.Join(append(errs, err)...); err != nil {
		e.Fatalf("storing %d records: %v", len(keys), err)
	}
	return all
}

// holds checks that the store answers with exactly this record.
func (e *env[K, V]) holds(key K, want stores.Record[V]) {
	e.Helper()
	got, err := e.s.Get(e.Context(), key)
	if err != nil {
		e.Errorf("get: %v; want %s", err, show(want))
		return
	}
	e.same(got, want)
}

// empty checks that there is no record under key.
func (e *env[K, V]) empty(key K) {
	e.Helper()
	if got, err := e.s.Get(e.Context(), key); !errors.Is(err, stores.ErrNotFound) {
		e.Errorf("get: %s, %v; want ErrNotFound", show(got), err)
	}
}

func (e *env[K, V]) same(got, want stores.Record[V]) {
	e.Helper()
	if !e.equal(got, want) {
		e.Errorf("record is %s, want %s", show(got), show(want))
	}
}

// equal compares records; a tombstone has the zero value.
func (e *env[K, V]) equal(a, b stores.Record[V]) bool {
	switch {
	case a.Meta != b.Meta:
		return false
	case a.Deleted:
		return reflect.ValueOf(&a.Value).Elem().IsZero() && reflect.ValueOf(&b.Value).Elem().IsZero()
	default:
		return e.cfg.Equal(a.Value, b.Value)
	}
}

func show[V any](r stores.Record[V]) string {
	return fmt.Sprintf("{%+v value %+v}", r.Meta, r.Value)
}

// refused checks that err refuses a write and reports exactly what is stored.
func (e *env[K, V]) refused(err error, stored stores.Meta) {
	e.Helper()
	var refusal *stores.ConditionError
	switch {
	case err == nil:
		e.Errorf("the write was accepted, want it refused by %+v", stored)
	case !errors.As(err, &refusal):
		e.Errorf("error %v, want a ConditionError with %+v", err, stored)
	case refusal.Stored != stored:
		e.Errorf("the refusal reports %+v, stored is %+v", refusal.Stored, stored)
	}
}

// isError checks an error by its identity.
func (e *env[K, V]) isError(what string, err, want error) {
	e.Helper()
	if !errors.Is(err, want) {
		e.Errorf("%s: error is %v, want %v", what, err, want)
	}
}

// scan returns all that a scan yields, which has to be without errors.
func (e *env[K, V]) scan(seg stores.Segment, after []byte) []stores.Entry[K, V] {
	e.Helper()
	return e.collect(e.s.Scan(e.Context(), seg, after))
}

func (e *env[K, V]) collect(scan iter.Seq2[stores.Entry[K, V], error]) []stores.Entry[K, V] {
	e.Helper()
	var all []stores.Entry[K, V]
	for entry, err := range scan {
		if err != nil {
			e.Fatalf("scan: %v", err)
		}
		all = append(all, entry)
	}
	return all
}

// scanAll is a scan of everything that has to yield n records.
func (e *env[K, V]) scanAll(n int) []stores.Entry[K, V] {
	e.Helper()
	all := e.scan("", nil)
	if len(all) != n {
		e.Fatalf("the scan yields %d records, want %d", len(all), n)
	}
	return all
}

// sameEntries compares in order.
func (e *env[K, V]) sameEntries(got, want []stores.Entry[K, V]) {
	e.Helper()
	if len(got) != len(want) {
		e.Errorf("%d records, want %d", len(got), len(want))
		return
	}
	for i := range got {
		if !bytes.Equal(e.canonical(got[i].Key), e.canonical(want[i].Key)) || !e.equal(got[i].Record, want[i].Record) {
			e.Errorf("record %d of %d is %v %s, want %v %s", i, len(got), got[i].Key, show(got[i].Record), want[i].Key, show(want[i].Record))
			return
		}
	}
}

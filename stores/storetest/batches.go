package storetest

import (
	"errors"

	"github.com/dualwrite/dualwrite/stores"
)

// batchSize is more than any database takes in one request.
const batchSize = 250

func testBatches[K, V any](e *env[K, V]) {
	e.fresh("read", testGetMany[K, V])
	e.fresh("write", testPutMany[K, V])
	e.fresh("one refused among many", testOneRefused[K, V])
	e.fresh("empty", func(e *env[K, V]) {
		if res, err := stores.GetMany(e.Context(), e.s, nil); err != nil || len(res) != 0 {
			e.Errorf("read of nothing: %v, %v", res, err)
		}
		if res, err := stores.PutMany(e.Context(), e.s, nil); err != nil || len(res) != 0 {
			e.Errorf("write of nothing: %v, %v", res, err)
		}
	})
}

func testGetMany[K, V any](e *env[K, V]) {
	if _, ok := e.s.(stores.BatchReader[K, V]); !ok {
		e.Log("the store has no batch read: the fallback is tested")
	}
	live, gone, missing := e.newKey(), e.newKey(), e.newKey()
	record := e.plant(live, stores.Meta{Version: e.stamp()}, 1)
	tomb := e.plant(gone, stores.Meta{Version: e.stamp(), Deleted: true}, 0)
	keys := []K{missing, live, gone, live, missing}
	want := []stores.Record[V]{{}, record, tomb, record, {}}
	for _, entry := range e.fill(batchSize) {
		keys, want = append(keys, entry.Key), append(want, entry.Record)
	}
	res, err := stores.GetMany(e.Context(), e.s, keys)
	if err != nil || len(res) != len(keys) {
		e.Fatalf("%d results, %v; want %d", len(res), err, len(keys))
	}
	for i, r := range res {
		switch {
		case want[i].Version.IsUnknown():
			e.isError("missing key", r.Err, stores.ErrNotFound)
		case r.Err != nil:
			e.Errorf("key %d: %v", i, r.Err)
		default:
			e.same(r.Record, want[i])
		}
	}
}

// testPutMany mixes every kind of outcome in one batch, one key several times.
func testPutMany[K, V any](e *env[K, V]) {
	if _, ok := e.s.(stores.BatchWriter[K, V]); !ok {
		e.Log("the store has no batch write: the fallback is tested")
	}
	a, b, c := e.newKey(), e.newKey(), e.newKey()
	old := e.plant(b, stores.Meta{Version: e.stamp()}, 0)
	v1, v2, v3 := stores.Meta{Version: e.stamp()}, stores.Meta{Version: e.stamp()}, stores.Meta{Version: e.stamp()}
	write := func(key K, m stores.Meta, i int, cond stores.Condition) stores.Write[K, V] {
		return stores.Write[K, V]{Key: key, Record: e.record(m, i), If: cond}
	}
	errs, err := stores.PutMany(e.Context(), e.s, []stores.Write[K, V]{
		write(a, v1, 1, stores.IfOlder(v1.Version)),
		write(b, v1, 1, stores.IfStamp(stores.Absent)), // refused by what was there
		write(a, v2, 2, stores.IfStamp(v1.Version)),    // builds upon the first
		write(a, v3, 3, stores.IfStamp(v1.Version)),    // refused by the one before
		write(c, v1, 4, stores.Condition{}),            // invalid
		write(c, v1, 5, stores.IfStamp(stores.Absent)),
		write(b, v2, 6, stores.IfStamp(old.Version)),
	})
	if err != nil || len(errs) != 7 {
		e.Fatalf("%d outcomes, %v; want 7", len(errs), err)
	}
	for _, i := range []int{0, 2, 5, 6} {
		if errs[i] != nil {
			e.Errorf("write %d: %v", i, errs[i])
		}
	}
	e.refused(errs[1], old.Meta)
	e.refused(errs[3], v2)
	e.isError("write 4", errs[4], stores.ErrPermanent)
	e.holds(a, e.record(v2, 2))
	e.holds(b, e.record(v2, 6))
	e.holds(c, e.record(v1, 5))
}

func testOneRefused[K, V any](e *env[K, V]) {
	const odd = batchSize / 2
	writes := make([]stores.Write[K, V], batchSize)
	for i := range writes {
		v := e.stamp()
		writes[i] = stores.Write[K, V]{Key: e.newKey(), Record: e.record(stores.Meta{Version: v}, i), If: stores.IfOlder(v)}
	}
	newer := e.plant(writes[odd].Key, stores.Meta{Version: e.stamp(), Intent: true, Prev: stores.Absent}, batchSize)
	errs, err := stores.PutMany(e.Context(), e.s, writes)
	if err != nil || len(errs) != len(writes) {
		e.Fatalf("%d outcomes, %v; want %d", len(errs), err, len(writes))
	}
	e.refused(errs[odd], newer.Meta)
	errs[odd] = nil
	if err := errors.Join(errs...); err != nil {
		e.Errorf("the others: %v", err)
	}
	for i, w := range writes {
		if i == odd {
			e.holds(w.Key, newer)
			continue
		}
		e.holds(w.Key, e.record(w.Record.Meta, i))
	}
}

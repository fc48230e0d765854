package storetest

import (
	"errors"
	"iter"
	"reflect"

	"github.com/dualwrite/dualwrite/stores"
)

// testMetas reads keys and metadata alone: the same as with the values, and without them.
func testMetas[K, V any](e *env[K, V]) {
	e.fresh("without values", func(e *env[K, V]) {
		m, ok := e.s.(stores.MetaReader[K, V])
		if !ok || noScan(m.ScanMeta(e.Context(), "", nil)) {
			e.Skip("the store does not read metadata alone")
		}
		e.fill(scanned)
		e.plant(e.newKey(), stores.Meta{Version: stores.Unstamped}, 1)
		e.plant(e.newKey(), stores.Meta{Version: e.stamp(), Prev: e.stamp(), Deleted: true}, 1)
		e.plant(e.newKey(), stores.Meta{Version: e.stamp(), Prev: stores.Absent, Intent: true}, 1)
		entries := e.scanAll(scanned + 3)
		e.sameMetas(m.ScanMeta(e.Context(), "", nil), entries)
		e.sameMetas(m.ScanMeta(e.Context(), "", e.canonical(entries[7].Key)), entries[8:])

		keys := []K{e.newKey()}
		for _, entry := range entries {
			keys = append(keys, entry.Key)
		}
		res, err := m.GetMetas(e.Context(), keys)
		if err != nil || len(res) != len(keys) {
			e.Fatalf("%d keys: %d answers, %v", len(keys), len(res), err)
		}
		if !errors.Is(res[0].Err, stores.ErrNotFound) {
			e.Errorf("a key without a record: %v, want ErrNotFound", res[0].Err)
		}
		for i, r := range res[1:] {
			e.isMeta(r.Record, r.Err, entries[i])
		}
	})
}

func (e *env[K, V]) sameMetas(scan iter.Seq2[stores.Entry[K, V], error], want []stores.Entry[K, V]) {
	e.Helper()
	n := 0
	for entry, err := range scan {
		if n < len(want) && string(e.canonical(entry.Key)) == string(e.canonical(want[n].Key)) {
			e.isMeta(entry.Record, err, want[n])
		} else {
			e.Fatalf("record %d of %d is %v (%v)", n, len(want), entry.Key, err)
		}
		n++
	}
	if n != len(want) {
		e.Errorf("the scan yields %d records, want %d", n, len(want))
	}
}

func (e *env[K, V]) isMeta(got stores.Record[V], err error, want stores.Entry[K, V]) {
	e.Helper()
	if err != nil || got.Meta != want.Record.Meta || !reflect.ValueOf(&got.Value).Elem().IsZero() {
		e.Errorf("%v: %s, %v; want %+v without a value", want.Key, show(got), err, want.Record.Meta)
	}
}

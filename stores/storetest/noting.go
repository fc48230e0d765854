package storetest

import (
	"bytes"
	"slices"
	"sync"

	"github.com/dualwrite/dualwrite/stores"
)

func testNoting[K, V any](e *env[K, V]) {
	e.fresh("same as a scan", testNotingScan[K, V])
	e.fresh("names what is lost", testLost[K, V])
}

// testNotingScan compares the scan that looks for what values do not hold with the one that does not: they yield the same.
func testNotingScan[K, V any](e *env[K, V]) {
	n, ok := e.s.(stores.ExactScanner[K, V])
	if !ok || noScan(n.ScanNoting(e.Context(), "", nil)) {
		e.Skip("the store does not look for what values do not hold")
	}
	e.fill(scanned)
	e.plant(e.newKey(), stores.Meta{Version: stores.Unstamped}, 1)
	e.plant(e.newKey(), stores.Meta{Version: e.stamp(), Prev: e.stamp(), Deleted: true}, 1)
	e.plant(e.newKey(), stores.Meta{Version: e.stamp(), Prev: stores.Absent, Intent: true}, 1)
	entries := e.scanAll(scanned + 3)
	noting := e.collect(n.ScanNoting(e.Context(), "", nil))
	e.sameEntries(noting, entries)
	e.sameEntries(e.collect(n.ScanNoting(e.Context(), "", e.canonical(entries[7].Key))), entries[8:])
	e.lose(noting, nil, "")
	e.lose(entries, nil, "")
}

// testLost adds a field to one record of many. Scans at once name it, each for this record and no other, until it is gone.
func testLost[K, V any](e *env[K, V]) {
	if e.cfg.AddField == nil {
		e.Skip("no Config.AddField")
	}
	e.fill(scanned)
	entries := e.scanAll(scanned)
	key := entries[7].Key
	field := e.cfg.AddField(e.T, e.s, key)
	var both [2][]stores.Entry[K, V]
	var wg sync.WaitGroup
	for i := range both {
		wg.Go(func() {
			for entry, err := range stores.ScanNoting(e.Context(), e.s, "", nil) {
				if err != nil {
					e.Error(err)
				}
				both[i] = append(both[i], entry)
			}
		})
	}
	wg.Wait()
	for _, noting := range both {
		e.sameEntries(noting, entries)
		e.lose(noting, e.canonical(key), field)
	}
	e.lose(e.scanAll(scanned), nil, "")
	v := e.stamp()
	e.put(key, stores.Meta{Version: v, Deleted: true}, 0, stores.IfOlder(v))
	e.lose(e.collect(stores.ScanNoting(e.Context(), e.s, "", nil)), nil, "")
}

// lose checks that only the record under a key loses a field.
func (e *env[K, V]) lose(entries []stores.Entry[K, V], canon []byte, field string) {
	e.Helper()
	for _, entry := range entries {
		var want []string
		if canon != nil && bytes.Equal(e.canonical(entry.Key), canon) {
			want = []string{field}
		}
		if !slices.Equal(entry.Lost, want) {
			e.Errorf("the record under %v is said to lose %q, want %q", entry.Key, entry.Lost, want)
		}
	}
}

package storetest

import "github.com/dualwrite/dualwrite/stores"

// testNoting compares the scan that looks for what values do not hold with the one that does not: they yield the same.
func testNoting[K, V any](e *env[K, V]) {
	e.fresh("same as a scan", func(e *env[K, V]) {
		n, ok := e.s.(stores.ExactScanner[K, V])
		if !ok {
			e.Skip("the store does not look for what values do not hold")
		}
		e.fill(scanned)
		e.plant(e.newKey(), stores.Meta{Version: stores.Unstamped}, 1)
		e.plant(e.newKey(), stores.Meta{Version: e.stamp(), Prev: e.stamp(), Deleted: true}, 1)
		e.plant(e.newKey(), stores.Meta{Version: e.stamp(), Prev: stores.Absent, Intent: true}, 1)
		entries := e.scanAll(scanned + 3)
		e.sameEntries(e.collect(n.ScanNoting(e.Context(), "", nil)), entries)
		e.sameEntries(e.collect(n.ScanNoting(e.Context(), "", e.canonical(entries[7].Key))), entries[8:])
		if names := stores.UnmappedFields(e.s); len(names) > 0 {
			e.Errorf("%q are named as not held by values, which the store has written itself", names)
		}
	})
}

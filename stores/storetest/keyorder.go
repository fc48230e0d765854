package storetest

import (
	"bytes"
	"errors"

	"github.com/dualwrite/dualwrite/stores"
)

// testKeyOrder scans ranges of canonical keys: each holds what it names, in order.
func testKeyOrder[K, V any](e *env[K, V]) {
	e.fresh("order of keys", func(e *env[K, V]) {
		all := e.fill(scanned)
		if _, err := stores.Bounds(e.Context(), e.s, 1); errors.Is(err, errors.ErrUnsupported) {
			e.Skip("the store is not scanned in the order of its keys: ", err)
		}
		sorted := e.inRange(nil, nil)
		e.covers(sorted, all)
		for _, n := range []int{1, 2, 7} {
			bounds, err := stores.Bounds(e.Context(), e.s, n)
			if err != nil || len(bounds) >= n {
				e.Fatalf("%d bounds for %d parts, %v", len(bounds), n, err)
			}
			var parts []stores.Entry[K, V]
			var from []byte
			for _, to := range append(bounds, nil) {
				parts = append(parts, e.inRange(from, to)...)
				from = to
			}
			e.covers(parts, all)
		}
		// Bounds that are keys: the first is in, the last is not.
		e.sameEntries(e.inRange(e.canonical(sorted[3].Key), e.canonical(sorted[9].Key)), sorted[3:9])
	})
}

// inRange scans a range, and checks that what comes is in it and in order.
func (e *env[K, V]) inRange(from, to []byte) []stores.Entry[K, V] {
	e.Helper()
	seg, err := stores.Range(e.s, from, to)
	if err != nil {
		e.Fatal(err)
	}
	entries := e.scan(seg, nil)
	for i, entry := range entries {
		key := e.canonical(entry.Key)
		if bytes.Compare(key, from) < 0 || to != nil && bytes.Compare(key, to) >= 0 {
			e.Errorf("the range from %s to %s yields %s", stores.FormatKey(from), stores.FormatKey(to), stores.FormatKey(key))
		}
		if i > 0 && bytes.Compare(e.canonical(entries[i-1].Key), key) >= 0 {
			e.Errorf("the scan yields %s after %s", stores.FormatKey(key), stores.FormatKey(e.canonical(entries[i-1].Key)))
		}
	}
	if len(entries) > 5 {
		e.sameEntries(e.scan(seg, e.canonical(entries[4].Key)), entries[5:])
	}
	return entries
}

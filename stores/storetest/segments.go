package storetest

import (
	"fmt"
	"maps"

	"github.com/dualwrite/dualwrite/stores"
)

func testSegments[K, V any](e *env[K, V]) {
	e.fresh("none", func(e *env[K, V]) {
		if segs, err := stores.Segments(e.Context(), e.s, 0); err == nil {
			e.Errorf("zero segments: %q, want an error", segs)
		}
	})
	for _, n := range []int{1, 2, 3, 8} {
		e.fresh(fmt.Sprint(n), func(e *env[K, V]) {
			// What comes later lies before, between and after what is there, in case the store orders by key.
			var now, later []K
			for i, key := range e.newKeys(scanned) {
				if i < 50 || i >= scanned-50 || i%3 == 0 {
					later = append(later, key)
				} else {
					now = append(now, key)
				}
			}
			all := e.fillKeys(now)
			segs := e.segments(n)
			e.covers(e.scanSegments(segs), all)
			maps.Copy(all, e.fillKeys(later))
			e.covers(e.scanSegments(segs), all)
		})
	}
	e.fresh("of an empty store", func(e *env[K, V]) {
		segs := e.segments(4)
		all := e.fill(100)
		e.covers(e.scanSegments(segs), all)
	})
	e.fresh("resume", func(e *env[K, V]) {
		e.fill(40)
		for _, seg := range e.segments(3) {
			entries := e.scan(seg, nil)
			e.sameEntries(e.scan(seg, nil), entries)
			for i, entry := range entries {
				e.sameEntries(e.scan(seg, e.canonical(entry.Key)), entries[i+1:])
			}
		}
	})
}

func (e *env[K, V]) segments(n int) []stores.Segment {
	e.Helper()
	if _, ok := e.s.(stores.Segmenter); !ok {
		e.Log("the store has no segments: the fallback is tested")
	}
	segs, err := stores.Segments(e.Context(), e.s, n)
	if err != nil {
		e.Fatal(err)
	}
	if len(segs) < 1 || len(segs) > n {
		e.Errorf("%d segments, want 1 to %d", len(segs), n)
	}
	return segs
}

func (e *env[K, V]) scanSegments(segs []stores.Segment) []stores.Entry[K, V] {
	e.Helper()
	var all []stores.Entry[K, V]
	for _, seg := range segs {
		all = append(all, e.scan(seg, nil)...)
	}
	return all
}

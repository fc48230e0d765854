package storetest

import "github.com/dualwrite/dualwrite/stores"

// testDurability opens the same data again and looks whether everything is there, metadata and segments included.
func testDurability[K, V any](e *env[K, V]) {
	if e.cfg.Reopen == nil {
		e.Skip("no Config.Reopen")
	}
	e.fresh("reopen", func(e *env[K, V]) {
		all := e.fill(scanned)
		for _, m := range []stores.Meta{
			{Version: stores.Unstamped},
			{Version: e.stamp(), Prev: stores.Absent, Intent: true},
			{Version: e.stamp(), Prev: e.stamp(), Deleted: true},
		} {
			key := e.newKey()
			all[string(e.canonical(key))] = stores.Entry[K, V]{Key: key, Record: e.plant(key, m, 1)}
		}
		segs := e.segments(4)
		order := e.scanAll(len(all))

		e.s = e.cfg.Reopen(e.T, e.s)
		e.closeLater(e.s)
		e.covers(e.scanSegments(segs), all)
		e.sameEntries(e.scan("", nil), order)
		key := order[0].Key
		w := stores.Write[K, V]{Key: key, Record: e.record(stores.Meta{Version: e.stamp()}, 2), If: stores.IfStamp(stores.Absent)}
		e.refused(e.s.Put(e.Context(), w), order[0].Record.Meta)
	})
}

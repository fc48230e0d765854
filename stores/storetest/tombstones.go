package storetest

import "github.com/dualwrite/dualwrite/stores"

func testTombstones[K, V any](e *env[K, V]) {
	e.fresh("of a record", func(e *env[K, V]) {
		key := e.newKey()
		live := e.plant(key, stores.Meta{Version: e.stamp()}, 1)
		e.checkTombstone(key, e.put(key, stores.Meta{Version: e.stamp(), Prev: live.Version, Deleted: true}, 0, stores.IfStamp(live.Version)))
	})
	e.fresh("of a record from before the SDK", func(e *env[K, V]) {
		key := e.newKey()
		e.plant(key, stores.Meta{Version: stores.Unstamped}, 1)
		e.checkTombstone(key, e.plant(key, stores.Meta{Version: e.stamp(), Deleted: true}, 0))
	})
	e.fresh("of nothing", func(e *env[K, V]) {
		key := e.newKey()
		e.checkTombstone(key, e.plant(key, stores.Meta{Version: e.stamp(), Deleted: true}, 0))
	})
}

// checkTombstone checks that a tombstone is seen, keeps older writes out, and lets a newer one in.
func (e *env[K, V]) checkTombstone(key K, tomb stores.Record[V]) {
	e.Helper()
	e.holds(key, tomb)
	e.same(e.scanAll(1)[0].Record, tomb)
	write := func(v stores.Version, cond stores.Condition) error {
		return e.s.Put(e.Context(), stores.Write[K, V]{Key: key, Record: e.record(stores.Meta{Version: v}, 2), If: cond})
	}
	e.refused(write(stores.Unstamped, stores.IfOlder(stores.Unstamped)), tomb.Meta)
	e.refused(write(e.stamp(), stores.IfStamp(stores.Absent)), tomb.Meta)
	e.holds(key, tomb)
	e.holds(key, e.put(key, stores.Meta{Version: e.stamp(), Prev: tomb.Version}, 3, stores.IfStamp(tomb.Version)))
}

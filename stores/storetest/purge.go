package storetest

import (
	"slices"

	"github.com/dualwrite/dualwrite/stores"
)

func testPurge[K, V any](e *env[K, V]) {
	e.fresh("outcomes", testPurgeOutcomes[K, V])
	e.fresh("purged is absent", func(e *env[K, V]) {
		key := e.newKey()
		tomb := e.plant(key, stores.Meta{Version: e.stamp(), Deleted: true}, 0)
		e.purge(stores.PurgeTarget[K]{Key: key, Version: tomb.Version})
		e.sameEntries(e.scan("", nil), nil)
		e.holds(key, e.put(key, stores.Meta{Version: e.stamp(), Prev: stores.Absent}, 1, stores.IfStamp(stores.Absent)))
	})
	e.fresh("a scan resumes after a purged key", func(e *env[K, V]) {
		e.fill(20)
		entries := e.scanAll(20)
		for _, i := range []int{19, 7, 0} {
			tomb := e.put(entries[i].Key, stores.Meta{Version: e.stamp(), Deleted: true}, 0, stores.IfStamp(entries[i].Record.Version))
			e.purge(stores.PurgeTarget[K]{Key: entries[i].Key, Version: tomb.Version})
			after := e.canonical(entries[i].Key)
			entries = slices.Delete(entries, i, i+1)
			e.sameEntries(e.scan("", after), entries[i:])
		}
	})
}

// purge returns the outcomes, or skips if there is no purge.
func (e *env[K, V]) purge(targets ...stores.PurgeTarget[K]) []error {
	e.Helper()
	errs, err := stores.Purge(e.Context(), e.s, targets)
	if isUnsupported(err) {
		e.Skip("the store has no purge")
	}
	if err != nil || len(errs) != len(targets) {
		e.Fatalf("%d outcomes, %v; want %d", len(errs), err, len(targets))
	}
	return errs
}

func testPurgeOutcomes[K, V any](e *env[K, V]) {
	live, gone, changed, changedTomb, legacy, missing := e.newKey(), e.newKey(), e.newKey(), e.newKey(), e.newKey(), e.newKey()
	liveRecord := e.plant(live, stores.Meta{Version: e.stamp(), Prev: stores.Absent, Intent: true}, 1)
	tomb := e.plant(gone, stores.Meta{Version: e.stamp(), Prev: liveRecord.Version, Deleted: true}, 0)
	stale := e.stamp()
	newer := e.plant(changed, stores.Meta{Version: e.stamp(), Prev: stale}, 2)
	newerTomb := e.plant(changedTomb, stores.Meta{Version: e.stamp(), Prev: stale, Deleted: true}, 0)
	unstamped := e.plant(legacy, stores.Meta{Version: stores.Unstamped}, 3)

	errs := e.purge(
		stores.PurgeTarget[K]{Key: changed, Version: stale},
		stores.PurgeTarget[K]{Key: live, Version: liveRecord.Version},
		stores.PurgeTarget[K]{Key: missing, Version: stale},
		stores.PurgeTarget[K]{Key: gone, Version: tomb.Version},
		stores.PurgeTarget[K]{Key: changedTomb, Version: stale},
		stores.PurgeTarget[K]{Key: legacy, Version: stale},
	)
	e.refused(errs[0], newer.Meta)
	e.refused(errs[2], stores.Meta{Version: stores.Absent})
	e.refused(errs[4], newerTomb.Meta)
	e.refused(errs[5], unstamped.Meta)
	if errs[1] != nil || errs[3] != nil {
		e.Errorf("live: %v; tombstone: %v", errs[1], errs[3])
	}
	e.holds(live, e.record(stores.Meta{Version: stores.Unstamped}, 1))
	e.empty(gone)
	e.holds(changed, newer)
	e.holds(changedTomb, newerTomb)
	e.holds(legacy, unstamped)
	e.empty(missing)
}

package storetest

import (
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
)

// testMetadata checks that every combination of prev and flags comes back as it was stored, from a read, a scan and a
// refusal. Above all an unknown prev and an absent one are two things.
func testMetadata[K, V any](e *env[K, V]) {
	e.fresh("round trip", func(e *env[K, V]) {
		for _, prev := range []stores.Version{stores.Unknown, stores.Absent, stores.Unstamped, e.stamp()} {
			for _, flags := range []stores.Meta{{}, {Intent: true}, {Deleted: true}, {Intent: true, Deleted: true}} {
				name := "prev " + prev.String()
				if _, stamped := prev.Stamp(); stamped {
					name = "prev stamp"
				}
				e.sub(fmt.Sprintf("%s intent %v deleted %v", name, flags.Intent, flags.Deleted), func(e *env[K, V]) {
					flags.Version, flags.Prev = e.stamp(), prev
					e.checkMeta(flags)
				})
			}
		}
	})
	e.fresh("replaced as a whole", func(e *env[K, V]) {
		key := e.newKey()
		e.plant(key, stores.Meta{Version: e.stamp(), Prev: e.stamp(), Intent: true, Deleted: true}, 1)
		e.holds(key, e.plant(key, stores.Meta{Version: e.stamp()}, 2))
	})
}

func (e *env[K, V]) checkMeta(m stores.Meta) {
	e.Helper()
	key := e.newKey()
	r := e.plant(key, m, 1)
	e.holds(key, r)
	w := stores.Write[K, V]{Key: key, Record: e.record(stores.Meta{Version: e.stamp()}, 2), If: stores.IfStamp(stores.Absent)}
	e.refused(e.s.Put(e.Context(), w), m)
	canonical := string(e.canonical(key))
	for _, entry := range e.scan("", nil) {
		if string(e.canonical(entry.Key)) == canonical {
			e.same(entry.Record, r)
			return
		}
	}
	e.Error("the scan does not yield the record")
}

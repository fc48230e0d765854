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
	e.fresh("noted", (*env[K, V]).testNoted)
}

// testNoted checks what a write leaves that may note what it replaces: exactly that, or an unknown prev; and nothing where
// it was not asked, or where it was refused.
func (e *env[K, V]) testNoted() {
	for name, was := range map[string]*stores.Meta{
		"nothing": nil, "unstamped": {Version: stores.Unstamped}, "a record": {Version: e.stamp(), Prev: e.stamp()}, "a tombstone": {Version: e.stamp(), Deleted: true},
	} {
		e.sub("noted over "+name, func(e *env[K, V]) {
			key, replaced := e.newKey(), stores.Absent
			if was != nil {
				e.plant(key, *was, 1)
				replaced = was.Version
			}
			v := e.stamp()
			w := stores.Write[K, V]{Key: key, Record: e.record(stores.Meta{Version: v}, 2), If: stores.IfOlder(v), NotePrev: true}
			if err := e.s.Put(e.Context(), w); err != nil {
				e.Fatalf("a write that may note what it replaces: %v", err)
			}
			got, err := e.s.Get(e.Context(), key)
			if err != nil || !got.Version.Same(v) || !got.Prev.IsUnknown() && !got.Prev.Same(replaced) {
				e.Errorf("%v, prev is %v, want that of what was replaced, %v, or unknown", err, got.Prev, replaced)
			}
			e.refused(e.s.Put(e.Context(), w), got.Meta)
			e.holds(key, got)
			v = e.stamp()
			w.Record, w.If, w.NotePrev = e.record(stores.Meta{Version: v}, 3), stores.IfOlder(v), false
			if err := e.s.Put(e.Context(), w); err != nil {
				e.Fatalf("a blind write: %v", err)
			}
			e.holds(key, w.Record)
		})
	}
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

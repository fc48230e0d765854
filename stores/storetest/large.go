package storetest

import (
	"errors"

	"github.com/dualwrite/dualwrite/stores"
)

// large is more records than any page, batch or request of this module has.
const large = 2500

func testLarge[K, V any](e *env[K, V]) {
	e.fresh("records", testManyRecords[K, V])
	e.fresh("every condition in one batch", testTableInOneBatch[K, V])
}

// testManyRecords stores, reads and scans more than fits anywhere at once.
func testManyRecords[K, V any](e *env[K, V]) {
	all := e.fill(large)
	e.covers(e.scan("", nil), all)
	for _, n := range []int{16, 64} {
		e.covers(e.scanSegments(e.segments(n)), all)
	}
	keys := []K{e.newKey()} // of nothing
	want := []stores.Record[V]{{}}
	for _, entry := range all {
		keys, want = append(keys, entry.Key), append(want, entry.Record)
	}
	e.holdsAll(keys, want)
}

// holdsAll reads many keys in one call; a record of unknown version stands for none.
func (e *env[K, V]) holdsAll(keys []K, want []stores.Record[V]) {
	e.Helper()
	res, err := stores.GetMany(e.Context(), e.s, keys)
	if err != nil || len(res) != len(keys) {
		e.Fatalf("%d results, %v; want %d", len(res), err, len(keys))
	}
	for i, r := range res {
		got, err := stores.OrAbsent(r.Record, r.Err)
		switch missing := want[i].Version.IsUnknown(); {
		case err != nil:
			e.Fatalf("key %d of %d: %v", i, len(keys), err)
		case missing != got.Version.IsAbsent():
			e.Fatalf("key %d of %d: %s, want %s", i, len(keys), show(got), show(want[i]))
		case !missing && !e.equal(got, want[i]):
			e.Fatalf("key %d of %d: record is %s, want %s", i, len(keys), show(got), show(want[i]))
		}
	}
}

// testTableInOneBatch is the truth table once more, every case amid the others in one call, as a copy writes.
func testTableInOneBatch[K, V any](e *env[K, V]) {
	versions := []stores.Version{stores.Absent, stores.Unstamped, e.stamp(), e.stamp(), e.stamp(), e.stamp()}
	type tried struct {
		cond   condCase
		stored state
	}
	var cases []tried
	var plants, writes []stores.Write[K, V]
	var keys []K
	var want []stores.Record[V]
	for _, c := range condCases(versions) {
		for _, st := range storedStates(versions) {
			for _, m := range e.recordsFor(c, versions[rankEqual]) {
				key, stays := e.newKey(), stores.Record[V]{}
				if st.rank != rankAbsent {
					plants = append(plants, stores.Write[K, V]{Key: key, Record: e.record(st.meta, 1), If: stores.IfOlder(st.meta.Version)})
					stays = e.record(st.meta, 1)
				}
				if c.holds(st.rank) {
					stays = e.record(m, 2)
				}
				writes = append(writes, stores.Write[K, V]{Key: key, Record: e.record(m, 2), If: c.cond})
				cases, keys, want = append(cases, tried{c, st}), append(keys, key), append(want, stays)
			}
		}
	}
	if errs, err := stores.PutMany(e.Context(), e.s, plants); errors.Join(append(errs, err)...) != nil {
		e.Fatalf("storing %d records: %v", len(plants), errors.Join(append(errs, err)...))
	}
	errs, err := stores.PutMany(e.Context(), e.s, writes)
	if err != nil || len(errs) != len(writes) {
		e.Fatalf("%d outcomes, %v; want %d", len(errs), err, len(writes))
	}
	for i, c := range cases {
		switch {
		case !c.cond.holds(c.stored.rank):
			e.refused(errs[i], c.stored.meta)
		case errs[i] != nil:
			e.Errorf("put many: %v", errs[i])
		}
		if e.Failed() {
			e.Fatalf("that was write %d of %d, of %+v on %v, stored was %+v", i, len(cases), writes[i].Record.Meta, c.cond.cond, c.stored.meta)
		}
	}
	e.holdsAll(keys, want)
}

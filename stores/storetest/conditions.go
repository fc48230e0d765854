package storetest

import "github.com/dualwrite/dualwrite/stores"

// The places of stored versions in their order; the conditions are about the stamp in the middle.
const (
	rankAbsent = iota
	rankUnstamped
	rankSmaller
	rankEqual
	rankGreater
	rankOther // of a stamp that is not stored
)

var rankNames = [...]string{"absent", "unstamped", "smaller", "equal", "greater", "other"}

// state is something that can be stored.
type state struct {
	name string
	rank int
	meta stores.Meta
}

// condCase is a condition with what is needed to say, without the code of package stores, when it holds.
type condCase struct {
	name       string
	cond       stores.Condition
	rank, dead int // dead is 0 if there is none
}

func (c condCase) holds(stored int) bool {
	switch c.cond.Kind {
	case stores.KindIfStamp:
		return stored == c.rank
	case stores.KindIfOlder:
		return stored < c.rank
	default:
		return stored <= c.rank || c.dead != 0 && stored == c.dead
	}
}

// testConditions is the whole truth table: everything that can be stored against every condition.
func testConditions[K, V any](e *env[K, V]) {
	e.fresh("table", func(e *env[K, V]) {
		versions := []stores.Version{stores.Absent, stores.Unstamped, e.stamp(), e.stamp(), e.stamp(), e.stamp()}
		states := storedStates(versions)
		for _, c := range condCases(versions) {
			e.sub(c.name, func(e *env[K, V]) {
				for _, st := range states {
					e.sub(st.name, func(e *env[K, V]) {
						for _, m := range e.recordsFor(c, versions[rankEqual]) {
							e.checkCondition(c, st, m)
						}
					})
				}
			})
		}
	})
}

func storedStates(versions []stores.Version) []state {
	states := []state{
		{"absent", rankAbsent, stores.Meta{Version: stores.Absent}},
		{"unstamped", rankUnstamped, stores.Meta{Version: stores.Unstamped}},
	}
	for rank := rankSmaller; rank <= rankGreater; rank++ {
		name, v := rankNames[rank], versions[rank]
		states = append(
			states,
			state{name, rank, stores.Meta{Version: v}},
			state{name + " tombstone", rank, stores.Meta{Version: v, Prev: stores.Unstamped, Deleted: true}},
			state{name + " intent", rank, stores.Meta{Version: v, Prev: stores.Absent, Intent: true}},
			state{name + " intent to delete", rank, stores.Meta{Version: v, Prev: versions[rank-1], Intent: true, Deleted: true}},
		)
	}
	return states
}

func condCases(versions []stores.Version) []condCase {
	var cases []condCase
	for _, rank := range []int{rankAbsent, rankUnstamped, rankEqual} {
		name, v := "stamp", versions[rank]
		if rank < rankSmaller {
			name = rankNames[rank]
		}
		cases = append(cases, condCase{"IfStamp " + name, stores.IfStamp(v), rank, 0})
		if rank != rankAbsent {
			cases = append(cases, condCase{"IfOlder " + name, stores.IfOlder(v), rank, 0})
		}
		cases = append(cases, condCase{"IfAtMost " + name, stores.IfAtMost(v, stores.Unknown), rank, 0})
		for dead := rankSmaller; dead <= rankOther; dead++ {
			cases = append(cases, condCase{"IfAtMost " + name + " or dead " + rankNames[dead], stores.IfAtMost(v, versions[dead]), rank, dead})
		}
	}
	return cases
}

// recordsFor are the records that are written on a condition: the kinds of a stamped one, and an unstamped one where
// that is allowed. What is written IfOlder(t) has version t, everything else a new one.
func (e *env[K, V]) recordsFor(c condCase, t stores.Version) []stores.Meta {
	v, prev := t, stores.Unknown
	if c.cond.Kind != stores.KindIfOlder || c.cond.Version.IsUnstamped() {
		v = e.stamp()
	}
	if c.cond.Kind != stores.KindIfOlder {
		prev = c.cond.Version
	}
	metas := []stores.Meta{
		{Version: v, Prev: prev},
		{Version: v, Prev: prev, Deleted: true},
		{Version: v, Prev: prev, Intent: true},
	}
	if c.cond == stores.IfOlder(stores.Unstamped) {
		metas = append(metas, stores.Meta{Version: stores.Unstamped})
	}
	return metas
}

// checkCondition writes once and looks at the answer and at what is stored after it.
func (e *env[K, V]) checkCondition(c condCase, st state, m stores.Meta) {
	e.Helper()
	key := e.newKey()
	var before stores.Record[V]
	if st.rank != rankAbsent {
		before = e.plant(key, st.meta, 1)
	}
	err := e.s.Put(e.Context(), stores.Write[K, V]{Key: key, Record: e.record(m, 2), If: c.cond})
	switch {
	case c.holds(st.rank) && err != nil:
		e.Errorf("put: %v", err)
	case c.holds(st.rank):
		e.holds(key, e.record(m, 2))
	default:
		e.refused(err, st.meta)
		if st.rank == rankAbsent {
			e.empty(key)
		} else {
			e.holds(key, before)
		}
	}
	if e.Failed() {
		e.Fatalf("that was a write of %+v on %v, stored was %+v", m, c.cond, st.meta)
	}
}

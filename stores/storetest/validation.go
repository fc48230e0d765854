package storetest

import "github.com/dualwrite/dualwrite/stores"

func testValidation[K, V any](e *env[K, V]) {
	e.fresh("invalid writes", testInvalidWrites[K, V])
	e.fresh("check", func(e *env[K, V]) {
		v := e.stamp()
		w := stores.Write[K, V]{Key: e.newKey(), Record: e.record(stores.Meta{Version: v}, 1), If: stores.IfOlder(v)}
		if err := stores.Check(e.s, w); err != nil {
			e.Error(err)
		}
		e.empty(w.Key)
		w.If = stores.Condition{}
		e.isError("check of a write without a condition", stores.Check(e.s, w), stores.ErrPermanent)
	})
	e.fresh("round trip", func(e *env[K, V]) {
		key := e.newKey()
		e.plant(key, stores.Meta{Version: e.stamp()}, 1)
		read, err := e.s.Get(e.Context(), key)
		if err != nil {
			e.Fatal(err)
		}
		got, err := stores.RoundTrip(e.s, key, e.cfg.Value(1))
		if err != nil || !e.cfg.Equal(got, read.Value) || !stores.DeepEqual(got, read.Value) {
			e.Errorf("a round trip gives %v, a read %v: %v, %v", got, read.Value, stores.Diff(read.Value, got), err)
		}
	})
	e.fresh("approximate count", func(e *env[K, V]) {
		e.fill(10)
		n, err := stores.ApproxCount(e.Context(), e.s)
		switch {
		case isUnsupported(err):
			e.Skip("the store has no approximate count")
		case err != nil || n < 0:
			e.Errorf("count %d, %v", n, err)
		}
	})
}

func testInvalidWrites[K, V any](e *env[K, V]) {
	v, live := e.stamp(), stores.Meta{Version: e.stamp()}
	unstamped := stores.Meta{Version: stores.Unstamped}
	for name, w := range map[string]struct {
		meta stores.Meta
		cond stores.Condition
	}{
		"no condition":                {live, stores.Condition{}},
		"unknown condition":           {live, stores.IfStamp(stores.Unknown)},
		"older than absent":           {live, stores.IfOlder(stores.Absent)},
		"dead that is no stamp":       {live, stores.IfAtMost(v, stores.Unstamped)},
		"record of unknown version":   {stores.Meta{}, stores.IfOlder(v)},
		"record of version absent":    {stores.Meta{Version: stores.Absent}, stores.IfOlder(v)},
		"unstamped tombstone":         {stores.Meta{Version: stores.Unstamped, Deleted: true}, stores.IfOlder(stores.Unstamped)},
		"unstamped intent":            {stores.Meta{Version: stores.Unstamped, Intent: true}, stores.IfOlder(stores.Unstamped)},
		"unstamped with a prev":       {stores.Meta{Version: stores.Unstamped, Prev: v}, stores.IfOlder(stores.Unstamped)},
		"unstamped on a stamp":        {unstamped, stores.IfOlder(v)},
		"unstamped on what is absent": {unstamped, stores.IfStamp(stores.Absent)},
	} {
		e.sub(name, func(e *env[K, V]) {
			key := e.newKey()
			write := stores.Write[K, V]{Key: key, Record: e.record(w.meta, 1), If: w.cond}
			e.isError("put", e.s.Put(e.Context(), write), stores.ErrPermanent)
			e.empty(key)
		})
	}
}

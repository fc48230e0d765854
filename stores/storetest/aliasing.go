package storetest

import "github.com/dualwrite/dualwrite/stores"

// testAliasing changes what was given to the store and what came out of it, and looks whether that changed what is
// stored.
func testAliasing[K, V any](e *env[K, V]) {
	e.fresh("scan position", func(e *env[K, V]) {
		e.fill(40)
		entries := e.scanAll(40)
		after := e.canonical(entries[9].Key)
		var rest []stores.Entry[K, V]
		for entry, err := range e.s.Scan(e.Context(), "", after) {
			if err != nil {
				e.Fatal(err)
			}
			clear(after)
			rest = append(rest, entry)
		}
		e.sameEntries(rest, entries[10:])
	})
	if e.cfg.Mutate == nil {
		e.Log("no Config.Mutate: values are taken to share nothing")
		return
	}
	for name, put := range map[string]func(*env[K, V], stores.Write[K, V]) error{
		"put":      func(e *env[K, V], w stores.Write[K, V]) error { return e.s.Put(e.Context(), w) },
		"put many": func(e *env[K, V], w stores.Write[K, V]) error { return e.putInBatch(e.Context(), w) },
	} {
		e.fresh("value after "+name, func(e *env[K, V]) {
			key, v := e.newKey(), e.stamp()
			w := stores.Write[K, V]{Key: key, Record: e.record(stores.Meta{Version: v}, 1), If: stores.IfOlder(v)}
			if err := put(e, w); err != nil {
				e.Fatal(err)
			}
			e.cfg.Mutate(&w.Record.Value)
			e.holds(key, e.record(w.Record.Meta, 1))
		})
	}
	for name, get := range map[string]func(*env[K, V], K) *V{
		"get": func(e *env[K, V], key K) *V {
			r, err := e.s.Get(e.Context(), key)
			if err != nil {
				e.Fatal(err)
			}
			return &r.Value
		},
		"get many":   testGetManyAliasing[K, V],
		"scan":       func(e *env[K, V], _ K) *V { return &e.scanAll(1)[0].Record.Value },
		"round trip": testRoundTripAliasing[K, V],
	} {
		e.fresh("value from "+name, func(e *env[K, V]) {
			key := e.newKey()
			want := e.plant(key, stores.Meta{Version: e.stamp()}, 1)
			e.cfg.Mutate(get(e, key))
			e.holds(key, want)
		})
	}
}

// testGetManyAliasing reads one key twice in a batch: the two values are not the same memory either.
func testGetManyAliasing[K, V any](e *env[K, V], key K) *V {
	res, err := stores.GetMany(e.Context(), e.s, []K{key, key})
	if err != nil || res[0].Err != nil || res[1].Err != nil {
		e.Fatal(res, err)
	}
	e.cfg.Mutate(&res[0].Record.Value)
	e.same(res[1].Record, e.record(res[1].Record.Meta, 1))
	return &res[1].Record.Value
}

func testRoundTripAliasing[K, V any](e *env[K, V], key K) *V {
	r, ok := e.s.(stores.RoundTripper[K, V])
	if !ok {
		e.Skip("the store has no round trip")
	}
	v := e.cfg.Value(2)
	back, err := r.RoundTrip(key, v)
	switch {
	case isUnsupported(err):
		e.Skip("the store has no round trip")
	case err != nil:
		e.Fatal(err)
	}
	e.cfg.Mutate(&back)
	if !e.cfg.Equal(v, e.cfg.Value(2)) {
		e.Error("RoundTrip returns a value that shares memory with its argument")
	}
	return &v
}

package storetest

import (
	"bytes"

	"github.com/dualwrite/dualwrite/stores"
)

func testGet[K, V any](e *env[K, V]) {
	e.fresh("absent", func(e *env[K, V]) {
		e.plant(e.newKey(), stores.Meta{Version: e.stamp()}, 1)
		e.empty(e.newKey())
	})
	e.fresh("latest write", func(e *env[K, V]) {
		key, other := e.newKey(), e.newKey()
		first := e.plant(key, stores.Meta{Version: e.stamp()}, 1)
		neighbour := e.plant(other, stores.Meta{Version: e.stamp()}, 2)
		e.holds(key, first)
		second := e.plant(key, stores.Meta{Version: e.stamp()}, 3)
		e.holds(key, second)
		e.holds(other, neighbour)
	})
	e.fresh("unstamped", func(e *env[K, V]) {
		key := e.newKey()
		e.holds(key, e.plant(key, stores.Meta{Version: stores.Unstamped}, 1))
	})
	e.fresh("keys", testKeys[K, V])
}

// testKeys checks the codec with the keys that the kit uses.
func testKeys[K, V any](e *env[K, V]) {
	seen := map[string]int{}
	for i := range 100 {
		b := e.canonical(e.cfg.Key(i))
		if j, ok := seen[string(b)]; ok {
			e.Errorf("keys %d and %d have the same canonical form", j, i)
		}
		seen[string(b)] = i
		back, err := e.s.Keys().Parse(bytes.Clone(b))
		if err != nil || !bytes.Equal(e.canonical(back), b) {
			e.Errorf("key %v, canonical % x, is parsed as %v, %v", e.cfg.Key(i), b, back, err)
		}
		if prefixed, err := e.s.Keys().Append([]byte("x"), back); err != nil || string(prefixed) != "x"+string(b) {
			e.Errorf("append of key %v to %q gives %q, %v", back, "x", prefixed, err)
		}
	}
}

package storefault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storefault"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

// damageable is a codec that can store what it can not read again.
var damageable = memstore.Options[[]string]{
	Encode: func(v []string) ([]byte, error) { return []byte(v[0]), nil },
	Decode: func(b []byte) ([]string, error) {
		if string(b) == "damaged" {
			return nil, errors.New("damaged")
		}
		return []string{string(b)}, nil
	},
}

// TestConformance: without faults nothing is different, with every capability and with none.
func TestConformance(t *testing.T) {
	t.Parallel()
	type store = stores.Store[string, []string]
	type bare struct{ store }
	for name, wrap := range map[string]func(*memstore.Store[string, []string]) store{
		"all capabilities": func(s *memstore.Store[string, []string]) store { return storefault.New[string, []string](s, nil) },
		"none":             func(s *memstore.Store[string, []string]) store { return storefault.New[string, []string](bare{s}, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := func(tb testing.TB) store {
				s, err := memstore.New(stores.StringKeys[string](), &damageable)
				if err != nil {
					tb.Fatal(err)
				}
				return wrap(s)
			}
			cfg := storetest.Config[string, []string]{
				Open:   open,
				Key:    func(i int) string { return fmt.Sprint("key ", i) },
				Value:  func(i int) []string { return []string{fmt.Sprint("value ", i)} },
				Mutate: func(v *[]string) { (*v)[0] = "mutated" },
				Corrupt: func(tb testing.TB, s store, key string) {
					r, err := s.Get(tb.Context(), key)
					if err != nil {
						tb.Fatal(err)
					}
					r.Value[0] = "damaged"
					w := stores.Write[string, []string]{Key: key, Record: r, If: stores.IfStamp(r.Version)}
					if err := s.Put(tb.Context(), w); err != nil {
						tb.Fatal(err)
					}
				},
			}
			if name != "none" {
				cfg.OpenPair = func(tb testing.TB) (a, b store) { return open(tb), open(tb) }
			}
			storetest.Run(t, cfg)
		})
	}
}

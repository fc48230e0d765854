package boltstore

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

// closing is a view that owns its file.
type closing[V any] struct{ *Store[string, V] }

func (c closing[V]) Close() error                    { return c.db.Close() }
func (c closing[V]) Unwrap() stores.Store[string, V] { return c.Store }

// conformance is the kit's view of boltstore, with the codec of o.
func conformance[V any](o *ViewOptions[V], value func(int) V, mutate func(*V)) storetest.Config[string, V] {
	at := func(tb testing.TB, path string, names ...string) (views []stores.Store[string, V]) {
		tb.Helper()
		db, err := Open(path, &Options{NoSync: true})
		if err != nil {
			tb.Fatal(err)
		}
		for _, name := range names {
			s, err := View(db, name, stores.StringKeys[string](), o)
			if err != nil {
				tb.Fatal(err)
			}
			views = append(views, closing[V]{s})
		}
		return views
	}
	return storetest.Config[string, V]{
		Open: func(tb testing.TB) stores.Store[string, V] { return at(tb, filepath.Join(tb.TempDir(), "f"), "v")[0] },
		Reopen: func(tb testing.TB, s stores.Store[string, V]) stores.Store[string, V] {
			db := s.(closing[V]).db
			path := db.bolt.Path()
			if err := db.Close(); err != nil {
				tb.Fatal(err)
			}
			return at(tb, path, "v")[0]
		},
		OpenPair: func(tb testing.TB) (a, b stores.Store[string, V]) {
			views := at(tb, filepath.Join(tb.TempDir(), "f"), "a", "b")
			return views[0], views[1]
		},
		Corrupt: func(tb testing.TB, s stores.Store[string, V], key string) {
			err := s.(closing[V]).db.bolt.Update(func(tx *bbolt.Tx) error {
				return tx.Bucket([]byte("v")).Put([]byte(key), []byte{0xff})
			})
			if err != nil {
				tb.Fatal(err)
			}
		},
		Key:    func(i int) string { return fmt.Sprintf("key-%d", i) },
		Value:  value,
		Mutate: mutate,
	}
}

func TestConformance(t *testing.T) {
	type doc struct {
		N    int
		Tags []string
	}
	storetest.Run(t, conformance(nil, func(i int) doc { return doc{i, []string{"a", fmt.Sprint(i)}} }, func(d *doc) { clear(d.Tags) }))
}

// TestConformanceOfSharingCodec: an Encode that does not append, and a Decode that keeps what it is given.
func TestConformanceOfSharingCodec(t *testing.T) {
	o := &ViewOptions[[]byte]{
		Encode: func(_, v []byte) ([]byte, error) { return v, nil },
		Decode: func(b []byte) ([]byte, error) {
			if len(b) == 0 {
				return nil, errors.New("no bytes")
			}
			return b, nil
		},
	}
	cfg := conformance(o, func(i int) []byte { return fmt.Appendf(nil, "value %d", i) }, func(b *[]byte) { clear(*b) })
	cfg.Rounds = 20
	storetest.Run(t, cfg)
}

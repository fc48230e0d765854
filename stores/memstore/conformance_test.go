package memstore_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

type doc struct {
	Name string
	Tags []string
	More map[string]*int
}

func newDoc(i int) doc {
	return doc{Name: fmt.Sprint("doc ", i), Tags: []string{"a", "b"}, More: map[string]*int{"n": &i}}
}

func mutate(d *doc) {
	d.Tags[0] = "mutated"
	*d.More["n"]--
	d.More["new"] = new(int)
}

func cloneDoc(d doc) doc {
	d.Tags = slices.Clone(d.Tags)
	d.More = maps.Clone(d.More)
	for k, p := range d.More {
		n := *p
		d.More[k] = &n
	}
	return d
}

// binaryDocs is a codec that keeps the number alone.
var binaryDocs = memstore.Options[doc]{
	Encode: func(d doc) ([]byte, error) {
		if d.More["n"] == nil {
			return nil, errors.New("no number")
		}
		return binary.BigEndian.AppendUint64(nil, uint64(*d.More["n"])), nil
	},
	Decode: func(b []byte) (doc, error) {
		if len(b) != 8 {
			return doc{}, errors.New("want 8 bytes")
		}
		return newDoc(int(binary.BigEndian.Uint64(b))), nil
	},
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options *memstore.Options[doc]
		damage  bool
	}{
		"json":  {nil, true},
		"clone": {&memstore.Options[doc]{Clone: cloneDoc}, false},
		"codec": {&binaryDocs, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := func(tb testing.TB) stores.Store[string, doc] {
				s, err := memstore.New(stores.StringKeys[string](), tt.options)
				if err != nil {
					tb.Fatal(err)
				}
				return s
			}
			cfg := storetest.Config[string, doc]{
				Open:     open,
				Key:      func(i int) string { return fmt.Sprintf("key %d", i) },
				Value:    newDoc,
				Mutate:   mutate,
				OpenPair: func(tb testing.TB) (a, b stores.Store[string, doc]) { return open(tb), open(tb) },
			}
			if tt.damage {
				cfg.Corrupt = func(tb testing.TB, s stores.Store[string, doc], key string) {
					if err := s.(*memstore.Store[string, doc]).Damage(key); err != nil {
						tb.Fatal(err)
					}
				}
			}
			storetest.Run(t, cfg)
		})
	}
}

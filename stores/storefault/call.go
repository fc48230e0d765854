package storefault

import "github.com/dualwrite/dualwrite/stores"

// Op is an operation of a store.
type Op string

// The operations. OpCheck and OpRoundTrip do no I/O: [Store.Calls] leaves them out unless they are named.
const (
	OpGet         Op = "get"
	OpPut         Op = "put"
	OpScan        Op = "scan"
	OpGetMany     Op = "get many"
	OpPutMany     Op = "put many"
	OpSegments    Op = "segments"
	OpApproxCount Op = "approx count"
	OpPurge       Op = "purge"
	OpPutPair     Op = "put pair"
	OpCheck       Op = "check"
	OpRoundTrip   Op = "round trip"
)

// Call is one call of the store, as rules and hooks see it.
type Call struct {
	Op Op
	// N numbers the calls of this operation from 1, since the store was made or last reset.
	N int
	// Items are what the call is about: one for a get, a put or a check, several for a batch, a purge or a pair (the
	// write to this store first), none for the rest.
	Items []Item
}

// Item is one key of a call.
type Item struct {
	// Key is the canonical key; nil if the key has none.
	Key []byte
	// Meta is what a write is to store; for a purge its Version is the one that the record must have.
	Meta stores.Meta
	// If is the condition of a write.
	If stores.Condition
}

// Key is the canonical key of the first item, or nil.
func (c Call) Key() []byte {
	if len(c.Items) == 0 {
		return nil
	}
	return c.Items[0].Key
}

func (s *Store[K, V]) keyItem(key K) Item {
	b, err := s.Store.Keys().Append(nil, key)
	if err != nil {
		return Item{}
	}
	return Item{Key: b}
}

func (s *Store[K, V]) writeItem(w stores.Write[K, V]) Item {
	it := s.keyItem(w.Key)
	it.Meta, it.If = w.Record.Meta, w.If
	return it
}

func (s *Store[K, V]) purgeItem(t stores.PurgeTarget[K]) Item {
	it := s.keyItem(t.Key)
	it.Meta.Version = t.Version
	return it
}

// itemsOf is deferred until a rule or hook wants to see them.
func itemsOf[T any](args []T, item func(T) Item) func() []Item {
	return func() []Item {
		items := make([]Item, len(args))
		for i, a := range args {
			items[i] = item(a)
		}
		return items
	}
}

package copier

import "github.com/dualwrite/dualwrite/stores"

// comparer tells whether two contents are equal: as they are, or else in their canonical form, which is what is left of
// a value after both codecs. So a place with milliseconds does not differ from one with nanoseconds for ever.
type comparer[K, V any] struct {
	old, new stores.Store[K, V]
	equal    func(a, b V) bool // the user's; nil for DeepEqual of canonical forms
}

// likeness is how much two contents are the same.
type likeness uint8

const (
	differing likeness = iota
	rounded            // as far as both places can hold them
	identical
)

func (c *comparer[K, V]) compare(key K, a, b V) likeness {
	switch {
	case c.equal != nil && c.equal(a, b), c.equal == nil && stores.DeepEqual(a, b):
		return identical
	case c.equal != nil:
		return differing
	}
	ca, errA := c.canonical(key, a)
	cb, errB := c.canonical(key, b)
	if errA == nil && errB == nil && stores.DeepEqual(ca, cb) {
		return rounded
	}
	return differing
}

// kindOf says how two records differ; "" if they do not. changed are the fields that the places give back as different values
// all the same.
func (c *comparer[K, V]) kindOf(key K, old, new stores.Record[V]) (kind Kind, changed []stores.Difference) {
	like := identical
	kind = classify(old.Meta, new.Meta, func() bool {
		like = c.compare(key, old.Value, new.Value)
		return like != differing
	})
	if like == rounded {
		changed = differences(old.Value, new.Value)
	}
	return kind, changed
}

func (c *comparer[K, V]) canonical(key K, v V) (V, error) {
	v, err := stores.RoundTrip(c.old, key, v)
	if err != nil {
		return v, err
	}
	return stores.RoundTrip(c.new, key, v)
}

// differences are the fields of two values that differ; there is at least one.
func differences[V any](a, b V) []stores.Difference {
	found := stores.Diff(a, b)
	if len(found) == 0 { // an Equal of the user's sees more
		found = []stores.Difference{{}}
	}
	return found
}

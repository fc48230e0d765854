package dualwrite

import "github.com/dualwrite/dualwrite/stores"

// changeKind is what a caller asked for.
type changeKind uint8

const (
	changePut changeKind = iota
	changeCreate
	changeUpdate
	changeUpsert
	changePutIf
	changeDelete
	changeDeleteIf
)

// change is a write as the caller asked for it, before it is known what it is based on. It may be applied several times.
type change[V any] struct {
	kind    changeKind
	value   V
	version stores.Version
	update  func(*V) error
	upsert  func(v *V, exists bool) error
}

// blind tells whether the outcome does not depend on what is stored.
func (c *change[V]) blind() bool { return c.kind == changePut || c.kind == changeDelete }

// apply derives the next value from what is stored, without version. An error means that nothing is to be written.
func (c *change[V]) apply(base stores.Record[V]) (next stores.Record[V], err error) {
	switch c.kind {
	case changePut:
		next.Value = c.value
	case changeCreate:
		if base.Live() {
			return next, ErrExists
		}
		next.Value = c.value
	case changeUpdate:
		if !base.Live() {
			return next, ErrNotFound
		}
		next.Value, err = edit(base.Value, c.update)
	case changeUpsert:
		exists := base.Live()
		next.Value, err = edit(base.Value, func(v *V) error { return c.upsert(v, exists) })
	case changePutIf:
		if !base.Live() || !base.Version.Same(c.version) {
			return next, ErrVersion
		}
		next.Value = c.value
	case changeDelete:
		next.Deleted = true
	case changeDeleteIf:
		if !base.Live() || !base.Version.Same(c.version) {
			return next, ErrVersion
		}
		next.Deleted = true
	}
	return next, err
}

// edit is apart so that only changes with a function of the caller move their value to the heap.
func edit[V any](v V, fn func(*V) error) (V, error) {
	err := fn(&v)
	return v, err
}

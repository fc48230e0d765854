package dynamostore

import (
	"context"
	"iter"
	"reflect"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

// ScanNoting is a Scan after which [Store.UnmappedFields] names the attributes that V does not map, and those that are not as they
// are stored when V is encoded again. Numbers are compared as numbers and sets without an order; a NULL, zero or empty
// value that the encoding leaves out, as omitempty does, is no loss. Nothing is known of values that Encode returns an error for. See
// stores.ExactScanner.
func (s *Store[K, V]) ScanNoting(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[K, V], error] {
	return s.scanAs(ctx, seg, after, true)
}

// noted is record, and notes what of the item is not in the record.
func (s *Store[K, V]) noted(k itemKey, item Item) (stores.Record[V], error) {
	s.note(item)
	if s.codec.lossless {
		return s.record(k, item)
	}
	stored := item
	if s.opts.Decode != nil { // which may keep and change what it is given
		stored = cloneItem(item)
	}
	r, err := s.record(k, item)
	if err != nil || !r.Live() {
		return r, err
	}
	if again, err := s.codec.encode(r.Value); err == nil {
		s.noteLost(stored, again)
	}
	return r, nil
}

// noteLost looks for attributes that are not in what V was encoded as.
func (s *Store[K, V]) noteLost(stored, again Item) {
	for name, av := range stored {
		if name == s.opts.Meta || name == s.opts.Guard || s.table.key.has(name) || !s.own.has(name) {
			continue
		}
		if path, lost := lostField(name, av, again, s.codec.shape); path != "" {
			s.unmapped.Add(path)
		} else if lost {
			s.unmapped.Add(name)
		}
	}
}

// shapeOf is what attributevalue makes of a type.
func shapeOf(t reflect.Type) *typeshape.Shape {
	return typeshape.Rules{
		Opaque: func(t reflect.Type) bool {
			return t.Implements(marshalerType) || reflect.PointerTo(t).Implements(marshalerType)
		},
		Fields: func(t reflect.Type, visit func(string, reflect.Type, bool)) {
			for _, f := range structFields(t) {
				visit(f.name, f.typ, false)
			}
		},
	}.Of(t)
}

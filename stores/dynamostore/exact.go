package dynamostore

import (
	"context"
	"iter"
	"reflect"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

// ScanNoting is a Scan whose entries name, in Lost, the attributes that V does not map, and those that are not as they are
// stored when V is encoded again. Numbers are compared as numbers and sets without an order; a NULL, zero or empty
// value that the encoding leaves out, as omitempty does, is no loss. Nothing is known of values that Encode returns an error for. See
// stores.ExactScanner.
func (s *Store[K, V]) ScanNoting(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[K, V], error] {
	return s.scanAs(ctx, seg, after, true)
}

// noted is record, and notes what of the item is not in the record, if that is live.
func (s *Store[K, V]) noted(lost *typeshape.Lost, counts *stores.ExpiryCounts, k itemKey, item Item) (stores.Record[V], error) {
	s.noteOthers(lost, item) // before record takes them away
	stored := item
	if s.opts.Decode != nil || s.codec.names != nil && holdsMistaken(item, s.codec.names) { // it may be changed
		stored = cloneItem(item)
	}
	r, err := s.countedRecord(counts, k, item)
	if err != nil || !r.Live() {
		lost.Take()
		return r, err
	}
	if s.codec.lossless {
		return r, nil
	}
	if again, err := s.codec.encode(r.Value); err == nil {
		s.noteLost(lost, stored, again)
	}
	return r, nil
}

// noteOthers looks for attributes of others in an item. In one that a view shares they are what is to be expected.
func (s *Store[K, V]) noteOthers(lost *typeshape.Lost, item Item) {
	if !s.notesOthers() {
		return
	}
	for name := range item {
		if !s.own.has(name) && !s.table.key.has(name) && name != s.opts.Meta {
			lost.Add(name)
		}
	}
}

func (s *Store[K, V]) notesOthers() bool { return !s.own.whole() && !s.own.view }

// noteLost looks for attributes that are not in what V was encoded as.
func (s *Store[K, V]) noteLost(lost *typeshape.Lost, stored, again Item) {
	for name, av := range stored {
		if name == s.opts.Meta || name == s.opts.Guard || s.table.key.has(name) || !s.own.has(name) {
			continue
		}
		if path, changed := lostField(name, av, again, s.codec.shape); path != "" {
			lost.Add(path)
		} else if changed {
			lost.Add(name)
		}
	}
}

// shapeOf is what attributevalue makes of a type.
func shapeOf(t reflect.Type) *typeshape.Shape {
	return typeshape.Rules{
		Opaque: func(t reflect.Type) bool {
			return t.Implements(marshalerType) || reflect.PointerTo(t).Implements(marshalerType)
		},
		Fields: visitFields,
	}.Of(t)
}

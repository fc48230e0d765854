package mongostore

import (
	"context"
	"iter"
	"reflect"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

// ScanNoting implements [stores.ExactScanner]: [stores.Entry.Lost] names the fields that V does not map, and those that are not as
// they are stored when V is encoded again. Numbers are compared as numbers and documents without the order of their fields;
// a null, zero or empty value that the encoding leaves out, as omitempty does, is no loss. Nothing is known of values that Encode
// returns an error for.
func (s *Store[K, V]) ScanNoting(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[K, V], error] {
	as := s.full()
	as.noting = true
	return s.scanAs(ctx, seg, after, as)
}

// note looks for fields that are not in a live record as they are in its document. Those of others are what is to be expected in
// a document that a view shares.
func (s *Store[K, V]) note(lost *typeshape.Lost, doc bson.Raw, r stores.Record[V]) {
	v := &s.codec.view
	var again *fieldFinder
	if !s.codec.lossless {
		if b, err := s.codec.marshal(r.Value); err == nil {
			again = &fieldFinder{doc: b}
		}
	}
	if again == nil && (v.all || !v.whole) {
		s.noteTwice(lost, doc, nil)
		return
	}
	_ = walk(doc, func(name []byte, stored bson.RawValue) error { // what is damaged is told by others
		if string(name) == "_id" || string(name) == v.meta || s.guard != "" && string(name) == s.guard {
			return nil
		}
		_, owned := v.field(name)
		if !owned && v.whole {
			lost.Add(string(name))
		}
		if !owned || again == nil {
			return nil
		}
		if path, changed := again.lost(name, stored, s.codec.shape); path != "" {
			lost.Add(path)
		} else if changed {
			lost.Add(string(name))
		}
		return nil
	})
	switch {
	case again == nil:
		s.noteTwice(lost, doc, nil)
	case again.misses > 0: // else each field was found where it is
		s.noteTwice(lost, doc, again.doc)
	}
}

// noteTwice names the fields that a document has twice, if V does not keep both, as far as that is known.
func (s *Store[K, V]) noteTwice(lost *typeshape.Lost, doc, again bson.Raw) {
	if s.codec.twice && s.codec.view.all {
		return
	}
	for name := range twice(doc) {
		if name != "_id" && name != s.codec.view.meta && s.codec.view.owns(name) && !isTwice(again, name) {
			lost.Add(name)
		}
	}
}

// marshal encodes a value as it is written.
func (c *codec[V]) marshal(v V) (doc bson.Raw, err error) {
	var value any = v
	if c.encode != nil {
		if value, err = c.encode(v); err != nil {
			return nil, err
		}
	}
	return c.bson.marshal(value)
}

// know finds out what can be said of V before any value is there.
func (c *codec[V]) know(t reflect.Type) {
	if c.encode != nil {
		return
	}
	c.names = namesOf(t, &c.bson)
	if c.bson.registry != nil {
		return
	}
	c.twice = t == rawType || c.bson.plain() && t == documentType
	c.lossless = c.twice || c.bson.plain() && t == reflect.TypeFor[bson.M]()
	opaque := func(t reflect.Type) bool { return encodesItself(t) || isList(t) }
	c.shape = typeshape.Rules{Opaque: opaque, Fields: fieldsIn(&c.bson)}.Of(t)
}

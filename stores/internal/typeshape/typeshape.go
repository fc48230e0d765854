// Package typeshape describes which fields the encoded form of a Go type has, on all levels: what a codec leaves out because it is
// empty is told from what the type does not know. It also remembers the names of what a type does not hold.
package typeshape

import "reflect"

// Shape is the fields of a document. A nil *Shape is that of a value of which nothing is known: it may have any fields. It is
// safe for concurrent use once it is complete.
type Shape struct {
	// Fields are those that a struct maps.
	Fields map[string]*Shape
	// Open says that all other names are taken as well, as by a map; Rest is the shape of what is under them.
	Open bool
	Rest *Shape
}

// Name is what the name of a field is to a shape.
type Name int

// What a name may be.
const (
	Unmapped Name = iota // the type has no place for it
	Mapped               // a field of a struct
	Data                 // a key of a map, or of something unknown
)

// At returns the shape of a field.
func (s *Shape) At(name string) (*Shape, Name) {
	if s == nil {
		return nil, Data
	}
	if field, ok := s.Fields[name]; ok {
		return field, Mapped
	}
	if s.Open {
		return s.Rest, Data
	}
	return nil, Unmapped
}

// Nested reports whether a field holds structs or maps.
func (s *Shape) Nested() bool {
	if s == nil {
		return false
	}
	for _, field := range s.Fields {
		if field != nil {
			return true
		}
	}
	return false
}

// Rules are how a codec sees types.
type Rules struct {
	// Opaque tells the types whose encoding does not follow from their kind.
	Opaque func(reflect.Type) bool
	// Fields calls visit for each field of a struct that is encoded; inline are those whose fields, or keys, are the struct's.
	Fields func(t reflect.Type, visit func(name string, t reflect.Type, inline bool))
}

// Of is the shape of a type. That of a list is the one of its elements.
func (r Rules) Of(t reflect.Type) *Shape { return r.of(t, make(map[reflect.Type]*Shape)) }

func (r Rules) of(t reflect.Type, seen map[reflect.Type]*Shape) *Shape {
	for lists := map[reflect.Type]bool{}; !r.Opaque(t) && isList(t.Kind()); t = t.Elem() {
		if lists[t] {
			return nil // a list of itself
		}
		lists[t] = true
	}
	if s, ok := seen[t]; ok || r.Opaque(t) {
		return s
	}
	switch t.Kind() {
	case reflect.Map:
		s := &Shape{Open: true}
		seen[t] = s
		s.Rest = r.of(t.Elem(), seen)
		return s
	case reflect.Struct:
		s := &Shape{Fields: make(map[string]*Shape)}
		seen[t] = s
		r.add(s, t, seen)
		return s
	default:
		return nil
	}
}

func isList(k reflect.Kind) bool {
	return k == reflect.Pointer || k == reflect.Slice || k == reflect.Array
}

func (r Rules) add(s *Shape, t reflect.Type, seen map[reflect.Type]*Shape) {
	r.Fields(t, func(name string, t reflect.Type, inline bool) {
		switch {
		case !inline:
			s.Fields[name] = r.of(t, seen)
		case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
			r.add(s, t.Elem(), seen)
		case t.Kind() == reflect.Struct:
			r.add(s, t, seen)
		default:
			s.Open = true
			if t.Kind() == reflect.Map {
				s.Rest = r.of(t.Elem(), seen)
			}
		}
	})
}

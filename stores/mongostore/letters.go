package mongostore

import (
	"reflect"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

// The driver's decoder takes a field in other letters for one that a struct maps: "Name" for "name". That loses one of the two if
// both are there, and the next write renames the field if not. Here names match exactly: such a field goes to the struct's inline
// map, or nowhere if it has none, as any other field that it does not map.

// escape begins the name that a field for an inline map has while it is decoded. No name that a struct maps has this byte.
const escape = "\xff"

// namesOf is how the names of a type's structs are matched, on all levels; nil if none can be mistaken.
func namesOf(t reflect.Type, o *bsonOptions) *typeshape.Shape {
	reg := o.registry
	if reg == nil {
		reg = bson.NewRegistry()
	}
	usual, _ := reg.LookupDecoder(reflect.TypeFor[struct{}]())
	opaque := func(t reflect.Type) bool {
		if encodesItself(t) || isList(t) {
			return true
		}
		its, err := reg.LookupDecoder(t)
		return t.Kind() == reflect.Struct && (err != nil || reflect.TypeOf(its) != reflect.TypeOf(usual))
	}
	shape := typeshape.Rules{Opaque: opaque, Fields: fieldsIn(o)}.Of(t)
	switch inline := shape != nil && shape.Open && len(shape.Fields) > 0; {
	case inline, shape != nil && shape.Rest != nil, shape.Nested():
		return shape
	default:
		return nil // what V does not map at the top is taken out before it is decoded
	}
}

// isList tells bson.D, and types like it, which is a document and no list of structs.
func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem() == reflect.TypeFor[bson.E]()
}

// fieldsIn visits the fields of a struct that the driver encodes.
func fieldsIn(o *bsonOptions) func(reflect.Type, func(string, reflect.Type, bool)) {
	return func(t reflect.Type, visit func(string, reflect.Type, bool)) {
		for sf := range t.Fields() {
			if name, inline, skip := fieldTag(sf, o.options.UseJSONStructTags); !skip && sf.IsExported() {
				visit(name, sf.Type, inline)
			}
		}
	}
}

// mistaken tells whether the driver would take a name for one that the struct maps.
func mistaken(name []byte, in *typeshape.Shape) bool {
	if !slices.ContainsFunc(name, func(b byte) bool { return b >= 'A' && b <= 'Z' || b >= 0x80 }) {
		return false // in small letters it is the same
	}
	if _, exactly := in.Fields[string(name)]; exactly {
		return false
	}
	_, folded := in.Fields[strings.ToLower(string(name))]
	return folded
}

// within is the shape of what a field holds; nil if no name in it can be mistaken.
func within(name []byte, v bson.RawValue, in *typeshape.Shape) *typeshape.Shape {
	if v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray {
		return nil
	}
	shape, _ := in.At(string(name))
	return shape
}

// holdsMistaken tells whether there is a name on any level that would be mistaken.
func holdsMistaken(doc bson.Raw, in *typeshape.Shape) (found bool) {
	_ = walk(doc, func(name []byte, v bson.RawValue) error { // the decoder says what is damaged
		if found = len(in.Fields) > 0 && mistaken(name, in); !found {
			if shape := within(name, v, in); shape != nil {
				found = mistakenIn(v, shape)
			}
		}
		if found {
			return errFound
		}
		return nil
	})
	return found
}

func mistakenIn(v bson.RawValue, in *typeshape.Shape) (found bool) {
	if v.Type != bson.TypeArray {
		return holdsMistaken(v.Value, in)
	}
	_ = walk(v.Value, func(_ []byte, v bson.RawValue) error {
		if found = (v.Type == bson.TypeEmbeddedDocument || v.Type == bson.TypeArray) && mistakenIn(v, in); found {
			return errFound
		}
		return nil
	})
	return found
}

// appendExact appends the fields of a document under names that the decoder does not mistake, and without those that have no place.
func appendExact(d *document, doc bson.Raw, in *typeshape.Shape) error {
	return walk(doc, func(name []byte, v bson.RawValue) error {
		as := string(name)
		switch {
		case len(in.Fields) == 0: // a map
		case in.Open && (strings.HasPrefix(as, escape) || mistaken(name, in)):
			as = escape + as
		case mistaken(name, in):
			return nil
		}
		return appendExactValue(d, as, v, within(name, v, in))
	})
}

func appendExactValue(d *document, name string, v bson.RawValue, in *typeshape.Shape) error {
	if in == nil || v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray {
		d.append(name, v)
		return nil
	}
	d.header(v.Type, name)
	d.start()
	defer d.end()
	if v.Type == bson.TypeEmbeddedDocument {
		return appendExact(d, v.Value, in)
	}
	return walk(v.Value, func(name []byte, v bson.RawValue) error { return appendExactValue(d, string(name), v, in) })
}

// unmarshalExact decodes a document that has names which would be mistaken.
func (o *bsonOptions) unmarshalExact(doc bson.Raw, in *typeshape.Shape, v any) error {
	d := openDocument(len(doc) + 16)
	if err := appendExact(d, doc, in); err != nil {
		return err
	}
	if err := o.unmarshal(d.close(), v); err != nil {
		return err
	}
	r := restorer{o.options.UseJSONStructTags}
	r.value(reflect.ValueOf(v).Elem(), in)
	return nil
}

// restorer takes the escapes off the names in inline maps.
type restorer struct{ jsonTags bool }

func (r restorer) value(v reflect.Value, in *typeshape.Shape) {
	if in == nil {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			r.value(v.Elem(), in)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			r.value(v.Index(i), in)
		}
	case reflect.Map:
		r.elements(v, in.Rest, false)
	case reflect.Struct:
		r.fields(v, in)
	}
}

func (r restorer) fields(v reflect.Value, in *typeshape.Shape) {
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		name, inline, skip := fieldTag(sf, r.jsonTags)
		switch {
		case skip || !sf.IsExported():
		case !inline:
			r.value(v.Field(i), in.Fields[name])
		case sf.Type.Kind() == reflect.Map:
			r.elements(v.Field(i), in.Rest, true)
		default:
			r.value(v.Field(i), in)
		}
	}
}

// elements goes through a map, whose elements have to be set to be changed.
func (r restorer) elements(m reflect.Value, in *typeshape.Shape, inline bool) {
	for _, key := range m.MapKeys() {
		element := reflect.New(m.Type().Elem()).Elem()
		element.Set(m.MapIndex(key))
		r.value(element, in)
		if name, escaped := strings.CutPrefix(key.String(), escape); inline && escaped {
			m.SetMapIndex(key, reflect.Value{})
			key = reflect.ValueOf(name)
		}
		m.SetMapIndex(key, element)
	}
}

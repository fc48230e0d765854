package mongostore

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// mapping is which top-level fields of a document a Go type stands for.
type mapping struct {
	names []string
	// all says that the type takes in whatever fields there are.
	all bool
	// id says that the type has a field for _id.
	id bool
	// unnamable are the names that no update can set, which matter unless the type stands for the whole document.
	unnamable []error
}

var (
	marshaler      = reflect.TypeFor[bson.Marshaler]()
	valueMarshaler = reflect.TypeFor[bson.ValueMarshaler]()
	documentType   = reflect.TypeFor[bson.D]()
	rawType        = reflect.TypeFor[bson.Raw]()
)

// mappingOf reads the struct tags as the driver does. A type with an encoding of its own, a map and a raw document stand
// for all fields.
func mappingOf(t reflect.Type, o *bsonOptions) (mapping, error) {
	for t.Kind() == reflect.Pointer && !encodesItself(t) {
		t = t.Elem()
	}
	switch {
	case encodesItself(t), t == documentType, t == rawType, t.Kind() == reflect.Map, t.Kind() == reflect.Interface:
		return mapping{all: true}, nil
	case t.Kind() != reflect.Struct:
		return mapping{}, fmt.Errorf("a %v is no document: V is a struct, a map, bson.D or bson.Raw, or comes with Encode and Decode", t)
	}
	var m mapping
	reg := o.registry
	if reg == nil {
		reg = bson.NewRegistry()
	}
	h := hidden{reg, o.options.UseJSONStructTags, make(map[reflect.Type]bool)}
	err := errors.Join(m.add(t, reg, o.options.UseJSONStructTags), h.find(t, t.String()))
	slices.Sort(m.names)
	m.names = slices.Compact(m.names)
	return m, err
}

func encodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Implements(marshaler) || t.Implements(valueMarshaler) || p.Implements(marshaler) || p.Implements(valueMarshaler)
}

func (m *mapping) add(t reflect.Type, reg *bson.Registry, jsonTags bool) error {
	var errs []error
	for i := range t.NumField() {
		sf := t.Field(i)
		name, inline, skip := fieldTag(sf, jsonTags)
		if skip || !sf.IsExported() { // an embedded struct of an unexported type as well: the driver passes over it
			continue
		}
		if inline {
			errs = append(errs, m.inline(sf.Type, reg, jsonTags))
			continue
		}
		if _, err := reg.LookupEncoder(sf.Type); err != nil {
			errs = append(errs, fmt.Errorf("%v can not be stored for its field %s: %w", t, sf.Name, err))
		}
		if name == "_id" {
			m.id = true
			continue
		}
		if err := checkName(name); err != nil {
			m.unnamable = append(m.unnamable, fmt.Errorf("%v: %w", t, err))
		}
		m.names = append(m.names, name)
	}
	return errors.Join(errs...)
}

func (m *mapping) inline(t reflect.Type, reg *bson.Registry, jsonTags bool) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct {
		return m.add(t, reg, jsonTags)
	}
	m.all = true
	return nil
}

// fieldTag is what the driver makes of a field's tag.
func fieldTag(sf reflect.StructField, jsonTags bool) (name string, inline, skip bool) {
	tag, ok := sf.Tag.Lookup("bson")
	if !ok && jsonTags {
		tag, ok = sf.Tag.Lookup("json")
	}
	if !ok && !strings.Contains(string(sf.Tag), ":") {
		tag = string(sf.Tag)
	}
	if tag == "-" {
		return "", false, true
	}
	name, flags, _ := strings.Cut(tag, ",")
	if name == "" {
		name = strings.ToLower(sf.Name)
	}
	for flag := range strings.SplitSeq(flags, ",") {
		inline = inline || flag == "inline"
	}
	return name, inline, false
}

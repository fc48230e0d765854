package jsonform

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

var (
	timeType    = reflect.TypeFor[time.Time]()
	numberType  = reflect.TypeFor[json.Number]()
	rawType     = reflect.TypeFor[json.RawMessage]()
	marshaler   = reflect.TypeFor[json.Marshaler]()
	unmarshaler = reflect.TypeFor[json.Unmarshaler]()
	toText      = reflect.TypeFor[encoding.TextMarshaler]()
	fromText    = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func has(t reflect.Type, methods ...reflect.Type) bool {
	for _, m := range methods {
		if t.Implements(m) || reflect.PointerTo(t).Implements(m) {
			return true
		}
	}
	return false
}

// custom tells a type that makes its own JSON.
func custom(t reflect.Type) bool { return has(t, marshaler, unmarshaler, toText, fromText) }

// field is a field of a struct that JSON maps.
type field struct {
	reflect.StructField
	name   string
	tagged bool
	zero   bool // omitzero
}

// fieldsOf are the fields of a struct, and embedded those whose fields are the struct's.
func fieldsOf(t reflect.Type) (fields, embedded []field) {
	for sf := range t.Fields() {
		tag := sf.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		inner := sf.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		f := field{sf, name, name != "", strings.Contains(","+options+",", ",omitzero,")}
		switch {
		case tag == "-" || !sf.IsExported() && (!sf.Anonymous || inner.Kind() != reflect.Struct):
		case sf.Anonymous && name == "" && inner.Kind() == reflect.Struct:
			embedded = append(embedded, f)
		default:
			if f.name == "" {
				f.name = sf.Name
			}
			fields = append(fields, f)
		}
	}
	return fields, embedded
}

// leftOut finds what JSON drops without a word: two fields of one name, of which it stores neither, and structs that keep their value in
// unexported fields.
func leftOut(t reflect.Type, path string, seen map[reflect.Type]bool) error {
	if seen[t] || custom(t) {
		return nil
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return leftOut(t.Elem(), path, seen)
	case reflect.Map:
		return leftOut(t.Elem(), path+"[]", seen)
	case reflect.Struct:
		if err := ambiguous(t, path); err != nil {
			return err
		}
		return leftOutWithin(t, path, seen)
	default:
		return nil
	}
}

func leftOutWithin(t reflect.Type, path string, seen map[reflect.Type]bool) error {
	fields, embedded := fieldsOf(t)
	if len(fields)+len(embedded) == 0 && t.NumField() > 0 {
		return fmt.Errorf("%s is a %v, which has no field that is stored: use another type, or set Encode and Decode", path, t)
	}
	for _, f := range fields {
		if err := leftOut(f.Type, path+"."+f.Name, seen); err != nil {
			return err
		}
	}
	for _, f := range embedded { // their fields are the outer struct's
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		looked := reflect.PointerTo(inner)
		if seen[looked] || custom(inner) {
			continue
		}
		seen[looked] = true // a type may embed itself
		if err := leftOutWithin(inner, path+"."+f.Name, seen); err != nil {
			return err
		}
	}
	return nil
}

// ambiguous goes by the rules of encoding/json: the outermost field of a name counts, of several the one that has it from a tag.
func ambiguous(t reflect.Type, path string) error {
	known, visited := map[string]bool{}, map[reflect.Type]bool{}
	for level := []reflect.Type{t}; len(level) > 0; {
		var next []reflect.Type
		here := map[string][]field{}
		for _, t := range level {
			fields, embedded := fieldsOf(t)
			for _, f := range fields {
				here[f.name] = append(here[f.name], f)
			}
			for _, f := range embedded {
				inner := f.Type
				if inner.Kind() == reflect.Pointer {
					inner = inner.Elem()
				}
				if !visited[inner] {
					visited[inner] = true
					next = append(next, inner)
				}
			}
		}
		for name, fields := range here {
			if !known[name] && !oneDominates(fields) {
				return fmt.Errorf("%s has the fields %s and %s under one name, %q: encoding/json stores neither; give one of them another name", path, fields[0].Name, fields[1].Name, name)
			}
			known[name] = true
		}
		level = next
	}
	return nil
}

func oneDominates(fields []field) bool {
	tagged := 0
	for _, f := range fields {
		if f.tagged {
			tagged++
		}
	}
	return len(fields) == 1 || tagged == 1
}

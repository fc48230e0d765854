package dynamostore

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
)

// field is a field of a struct that the SDK's attributevalue maps to a top-level attribute.
type field struct {
	name   string
	tagged bool
	index  []int
	typ    reflect.Type
}

// structFields are the fields that a struct maps, by the rules of attributevalue: embedded structs without a name are
// part of the outer one, the outermost field of a name counts, and of those the one with a tag.
func structFields(t reflect.Type) []field {
	var found []field
	at := map[string]int{} // index into found
	tie := map[string]bool{}
	level := []field{{typ: t}}
	visited := map[reflect.Type]bool{}
	for len(level) > 0 {
		var next, here []field
		for _, outer := range level {
			if visited[outer.typ] {
				continue
			}
			visited[outer.typ] = true
			for sf := range outer.typ.Fields() {
				f, ok := parseField(sf, outer.index)
				switch {
				case !ok:
				case sf.Anonymous && !f.tagged && indirect(f.typ).Kind() == reflect.Struct:
					f.typ = indirect(f.typ)
					next = append(next, f)
				default:
					here = append(here, f)
				}
			}
		}
		outermost := len(found)
		for _, f := range here {
			i, known := at[f.name]
			switch {
			case !known:
				at[f.name] = len(found)
				found = append(found, f)
			case i < outermost:
			case f.tagged && !found[i].tagged:
				found[i], tie[f.name] = f, false
			case f.tagged == found[i].tagged:
				tie[f.name] = true
			}
		}
		level = next
	}
	kept := found[:0]
	for _, f := range found {
		if !tie[f.name] {
			kept = append(kept, f)
		}
	}
	return kept
}

func parseField(sf reflect.StructField, outer []int) (f field, ok bool) {
	if !sf.IsExported() && !sf.Anonymous {
		return f, false
	}
	name, _, _ := strings.Cut(sf.Tag.Get("dynamodbav"), ",")
	if name == "-" {
		return f, false
	}
	f = field{name: sf.Name, typ: sf.Type, index: append(append([]int(nil), outer...), sf.Index...)}
	if name != "" {
		f.name, f.tagged = name, true
	}
	return f, true
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer && t.Name() == "" {
		return t.Elem()
	}
	return t
}

var (
	marshalerType   = reflect.TypeFor[attributevalue.Marshaler]()
	unmarshalerType = reflect.TypeFor[attributevalue.Unmarshaler]()
)

// custom tells a type that maps itself.
func custom(t reflect.Type) bool {
	return (t.Implements(marshalerType) || reflect.PointerTo(t).Implements(marshalerType)) &&
		(t.Implements(unmarshalerType) || reflect.PointerTo(t).Implements(unmarshalerType))
}

// lossy says what in a type does not come back from attributevalue as it went in: it drops channels and functions
// without a word, makes an empty map of a struct that keeps its value in unexported fields (bson.Decimal128, big.Int), and
// reads an interface back as another type (numbers as float64, sets as lists).
func lossy(t reflect.Type, path string, seen map[reflect.Type]bool) error {
	if seen[t] || custom(t) || t.ConvertibleTo(reflect.TypeFor[time.Time]()) {
		return nil
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return fmt.Errorf("%s is an interface (%v): numbers in it would come back as float64 and sets as lists", path, t)
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Uintptr, reflect.Complex64, reflect.Complex128:
		return fmt.Errorf("%s is a %v, which has no stored form", path, t)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return lossy(t.Elem(), path, seen)
	case reflect.Map:
		return lossy(t.Elem(), path+"[]", seen)
	case reflect.Struct:
		fields := structFields(t)
		if len(fields) == 0 && t.NumField() > 0 {
			return fmt.Errorf("%s is a %v, which has no field that is stored", path, t)
		}
		for _, f := range fields {
			if err := lossy(f.typ, path+"."+f.name, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

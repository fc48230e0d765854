package jsonform

import (
	"encoding/json"
	"reflect"
	"time"
)

// suspect tells whether JSON may bend a value, so that what it makes of it has to be compared. What is no suspect comes back as it was.
type suspect func(reflect.Value) bool

func always(reflect.Value) bool { return true }

// suspectOf finds out once what of a type has to be looked at; nil is nothing.
func suspectOf(t reflect.Type, seen map[reflect.Type]bool) suspect {
	switch {
	case t == timeType:
		return func(v reflect.Value) bool {
			_, offset := timeOf(v).Zone()
			return offset%60 != 0
		}
	case t == numberType, t == rawType:
		return nil
	case custom(t), seen[t]: // of a type that holds itself each value is compared
		return always
	}
	switch t.Kind() {
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return func(v reflect.Value) bool { return !v.IsNil() }
		}
		return func(v reflect.Value) bool { return !v.IsNil() && !natural(v.Elem().Interface()) }
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
		seen[t] = true
		defer delete(seen, t)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return suspectPointer(t, seen)
	case reflect.Slice, reflect.Array:
		return suspectList(suspectOf(t.Elem(), seen))
	case reflect.Map:
		return suspectMap(t, seen)
	case reflect.Struct:
		return suspectStruct(t, seen)
	default:
		return nil
	}
}

// timeOf needs no copy on the heap where the value has an address.
func timeOf(v reflect.Value) time.Time {
	if v.CanAddr() && v.Addr().CanInterface() {
		return *v.Addr().Interface().(*time.Time)
	}
	return v.Interface().(time.Time)
}

// natural tells the values of an any that are their own JSON.
func natural(v any) bool {
	switch v := v.(type) {
	case nil, bool, string, json.Number, int, int32, int64, float64:
		return true
	case []any:
		for _, e := range v {
			if !natural(e) {
				return false
			}
		}
		return true
	case map[string]any:
		for _, e := range v {
			if !natural(e) {
				return false
			}
		}
		return true
	default:
		return false
	}
}

func suspectPointer(t reflect.Type, seen map[reflect.Type]bool) suspect {
	inner := suspectOf(t.Elem(), seen)
	switch t.Elem().Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface: // a pointer to nil comes back as nil
		inner = always
	}
	if inner == nil {
		return nil
	}
	return func(v reflect.Value) bool { return !v.IsNil() && inner(v.Elem()) }
}

func suspectList(inner suspect) suspect {
	if inner == nil {
		return nil
	}
	return func(v reflect.Value) bool {
		for i := range v.Len() {
			if inner(v.Index(i)) {
				return true
			}
		}
		return false
	}
}

func suspectMap(t reflect.Type, seen map[reflect.Type]bool) suspect {
	inner := suspectOf(t.Elem(), seen)
	if has(t.Key(), toText, fromText) { // two keys may have one text
		inner = always
	}
	if inner == nil {
		return nil
	}
	return func(v reflect.Value) bool {
		for it := v.MapRange(); it.Next(); {
			if inner(it.Value()) {
				return true
			}
		}
		return false
	}
}

func suspectStruct(t reflect.Type, seen map[reflect.Type]bool) suspect {
	type part struct {
		index []int
		is    suspect
	}
	var parts []part
	fields, embedded := fieldsOf(t)
	for _, f := range append(fields, embedded...) {
		is := suspectOf(f.Type, seen)
		if _, own := reflect.PointerTo(f.Type).MethodByName("IsZero"); f.zero && own && f.Type != timeType {
			is = always // it may call a value zero that is none
		}
		if f.Anonymous && !f.IsExported() && f.Type.Kind() == reflect.Pointer {
			is = func(v reflect.Value) bool { return !v.IsNil() } // can not be decoded
		}
		if is != nil {
			parts = append(parts, part{f.Index, is})
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return func(v reflect.Value) bool {
		for _, p := range parts {
			if p.is(v.FieldByIndex(p.index)) {
				return true
			}
		}
		return false
	}
}

package jsonform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// compare refuses a value of which JSON makes another one.
func (c *Codec[V]) compare(v *V, b []byte) error {
	back, err := c.Parse(b)
	if err != nil {
		return fmt.Errorf("JSON can not give it back: %w", err)
	}
	again, err := form(&back)
	if err != nil {
		return fmt.Errorf("JSON can not give it back: %w", err)
	}
	if err := sameForm(b, again); err != nil {
		return err
	}
	if path, same := same(reflect.ValueOf(v).Elem(), reflect.ValueOf(&back).Elem()); !same {
		return fmt.Errorf("JSON would give back another value at %T%s: change the type, give it an Equal method if the two are equal, or set Encode and Decode", *v, path)
	}
	return nil
}

func form(v any) ([]byte, error) {
	var w sliceWriter
	enc := json.NewEncoder(&w)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(w.b, []byte("\n")), err
}

// sameForm compares a value's JSON with that of what was made of it.
func sameForm(b, again []byte) error {
	replaced := []byte(`\ufffd`) // what encoding/json writes for bytes that are not UTF-8
	switch {
	case bytes.Equal(b, again):
		return nil
	case bytes.Count(b, replaced) != bytes.Count(again, replaced):
		return errors.New("it has text that is not valid UTF-8, which JSON would replace: store it as []byte, or set Encode and Decode")
	case members(b) != members(again):
		return errors.New("two names of a map are one in JSON: change the type of its keys, or set Encode and Decode")
	}
	var x, y any // a struct in an interface comes back as a map, whose names have another order
	if err := errors.Join(parse(b, &x), parse(again, &y)); err != nil {
		return err
	}
	if !stores.DeepEqual(x, y) {
		return errors.New("JSON would give back another value: change the type, or set Encode and Decode")
	}
	return nil
}

// members is how many names the objects in a JSON text have, all together.
func members(b []byte) (n int) {
	text := false
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '"':
			text = !text
		case text && b[i] == '\\':
			i++
		case !text && b[i] == ':':
			n++
		}
	}
	return n
}

// same compares what JSON stores of two values. The path leads to what differs.
func same(a, b reflect.Value) (path string, _ bool) {
	switch t := a.Type(); {
	case t == timeType:
		return "", a.Interface().(time.Time).Equal(b.Interface().(time.Time))
	case t == numberType:
		return "", a.String() == b.String() || a.String() == "" && b.String() == "0"
	case t == rawType:
		return "", bytes.Equal(compact(a.Bytes()), compact(b.Bytes()))
	case custom(t):
		return "", sameCustom(a, b)
	}
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return "", a.IsNil() == b.IsNil()
		}
		return same(a.Elem(), b.Elem())
	case reflect.Interface:
		return sameInterface(a, b)
	case reflect.Slice, reflect.Array:
		return sameList(a, b)
	case reflect.Map:
		return sameMap(a, b)
	case reflect.Struct:
		fields, embedded := fieldsOf(a.Type())
		for _, f := range append(fields, embedded...) {
			if path, same := same(a.FieldByIndex(f.Index), b.FieldByIndex(f.Index)); !same {
				return "." + f.Name + path, false
			}
		}
		return "", true
	default:
		return "", a.Comparable() && a.Equal(b)
	}
}

func compact(b []byte) []byte {
	var buf bytes.Buffer
	if len(b) == 0 || json.Compact(&buf, b) != nil {
		return []byte("null")
	}
	return buf.Bytes()
}

// sameCustom asks a type's own Equal, Cmp or Compare, if it has one.
func sameCustom(a, b reflect.Value) bool {
	if a.Kind() == reflect.Pointer {
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		a, b = a.Elem(), b.Elem()
	}
	pa, pb := reflect.New(a.Type()), reflect.New(b.Type())
	pa.Elem().Set(a)
	pb.Elem().Set(b)
	for _, name := range []string{"Equal", "Cmp", "Compare"} {
		m := pa.MethodByName(name)
		if !m.IsValid() || m.Type().NumIn() != 1 || m.Type().NumOut() != 1 {
			continue
		}
		for _, arg := range []reflect.Value{pb.Elem(), pb} {
			if arg.Type() != m.Type().In(0) {
				continue
			}
			switch out := m.Call([]reflect.Value{arg})[0]; out.Kind() {
			case reflect.Bool:
				return out.Bool()
			case reflect.Int:
				return out.Int() == 0
			}
		}
	}
	return stores.DeepEqual(a.Interface(), b.Interface())
}

// sameInterface compares what an interface holds with what JSON gives for it, which has another type: as the type that it had.
func sameInterface(a, b reflect.Value) (string, bool) {
	if a.IsNil() || natural(a.Interface()) {
		return "", true // their form was compared
	}
	back := reflect.New(a.Elem().Type())
	text, err := form(b.Interface())
	if err != nil || parse(text, back.Interface()) != nil {
		return fmt.Sprintf(".(%v)", a.Elem().Type()), false
	}
	return same(a.Elem(), back.Elem())
}

func sameList(a, b reflect.Value) (string, bool) {
	if a.Len() != b.Len() {
		return "", false
	}
	for i := range a.Len() {
		if path, same := same(a.Index(i), b.Index(i)); !same {
			return fmt.Sprintf("[%d]%s", i, path), false
		}
	}
	return "", true
}

func sameMap(a, b reflect.Value) (string, bool) {
	if a.Len() != b.Len() {
		return "", false
	}
	for it := a.MapRange(); it.Next(); {
		back := b.MapIndex(it.Key())
		if !back.IsValid() {
			return fmt.Sprintf("[%v]", it.Key()), false
		}
		if path, same := same(it.Value(), back); !same {
			return fmt.Sprintf("[%v]%s", it.Key(), path), false
		}
	}
	return "", true
}

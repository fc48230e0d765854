// Package jsonform is the JSON form of values that two stores keep, with what encoding/json would bend without a word refused:
// text that is not UTF-8, times with offsets that have seconds, names of a map that become one, fields of one name, and whatever a
// MarshalJSON does not give back.
package jsonform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// Codec makes JSON of values of one type, and values of JSON. It is safe for concurrent use.
type Codec[V any] struct {
	suspect  suspect // nil if JSON holds whatever a V may be, but for text that is not UTF-8
	holdsAny bool
}

// New returns the codec of a type. The error says what in the type JSON would leave out.
func New[V any]() (*Codec[V], error) {
	t := reflect.TypeFor[V]()
	if err := leftOut(t, t.String(), map[reflect.Type]bool{}); err != nil {
		return nil, err
	}
	return &Codec[V]{suspectOf(t, map[reflect.Type]bool{}), holdsAny(t, map[reflect.Type]bool{})}, nil
}

// Append appends the JSON of a value, with <, > and & as they are. It refuses a value that Parse would not give back.
func (c *Codec[V]) Append(dst []byte, v V) ([]byte, error) {
	w := sliceWriter{dst}
	enc := json.NewEncoder(&w)
	enc.SetEscapeHTML(false)
	p := &v
	if err := enc.Encode(p); err != nil { // the address, so that methods on the pointer are used, as they are in decoding
		return dst, err
	}
	b := bytes.TrimSuffix(w.b, []byte("\n"))
	if own := b[len(dst):]; bytes.Contains(own, []byte(`\ufffd`)) || c.suspect != nil && c.suspect(reflect.ValueOf(p).Elem()) {
		if err := c.compare(p, own); err != nil {
			return dst, err
		}
	}
	return b, nil
}

// Parse makes a value of JSON. Numbers in an any are json.Number, as they are written, where json.Unmarshal would round them.
func (c *Codec[V]) Parse(b []byte) (v V, err error) {
	if !c.holdsAny { // there json.Unmarshal keeps numbers as well, in half the time
		err = json.Unmarshal(b, &v)
	} else {
		err = parse(b, &v)
	}
	if err != nil {
		err = fmt.Errorf("value: %w", err)
	}
	return v, err
}

func parse(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("there is more after the end of the JSON text, at byte %d of %d", dec.InputOffset(), len(b))
	}
	return nil
}

type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

// holdsAny tells whether JSON can put a number into an interface somewhere in a value of type t.
func holdsAny(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return holdsAny(t.Elem(), seen)
	case reflect.Struct:
		for f := range t.Fields() {
			if holdsAny(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

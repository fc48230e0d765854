package boltstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// codec maps values to bytes and back.
type codec[V any] struct {
	encode func(dst []byte, v V) ([]byte, error)
	decode func(b []byte) (V, error)
}

func jsonCodec[V any]() codec[V] {
	if holdsAny(reflect.TypeFor[V](), map[reflect.Type]bool{}) {
		return codec[V]{appendJSON[V], parseJSON[V]}
	}
	return codec[V]{appendJSON[V], parsePlainJSON[V]}
}

// appendJSON leaves <, > and & as they are: the bytes go into a file, not into a page.
func appendJSON[V any](dst []byte, v V) ([]byte, error) {
	w := sliceWriter{dst}
	enc := json.NewEncoder(&w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return dst, err
	}
	return bytes.TrimSuffix(w.b, []byte("\n")), nil
}

// parsePlainJSON is for types without an any: there json.Unmarshal keeps numbers as well, in half the time.
func parsePlainJSON[V any](b []byte) (v V, err error) {
	if err := json.Unmarshal(b, &v); err != nil {
		return v, fmt.Errorf("value: %w", err)
	}
	return v, nil
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

// parseJSON keeps numbers in an any as they are written (json.Number), where json.Unmarshal would round them.
func parseJSON[V any](b []byte) (v V, err error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return v, fmt.Errorf("value: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return v, fmt.Errorf("value: there is more after the end of the JSON text, at byte %d of %d", dec.InputOffset(), len(b))
	}
	return v, nil
}

type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

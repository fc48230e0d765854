package stores

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Difference is a field that two values do not have in common.
type Difference struct {
	// Path is the Go name of the field; "Address.Zip" is one within another. Elements of lists, and of maps within a value,
	// have the path of the list or map, as their keys are data; the fields of a V that is a map are its keys. Empty if V has no
	// fields.
	Path string
	a, b reflect.Value // not valid where there is none
}

// Shown is the field in both values, for people: "-" where it is not there.
func (d Difference) Shown() (a, b string) { return showValue(d.a), showValue(d.b) }

// String is one line for people.
func (d Difference) String() string {
	a, b := d.Shown()
	return fmt.Sprintf("%s: %s, %s", d.Path, a, b)
}

// Diff returns the fields in which two values differ by [DeepEqual], each once. It shares memory with the values.
func Diff[V any](a, b V) []Difference {
	var d differ
	d.walk("", reflect.ValueOf(&a).Elem(), reflect.ValueOf(&b).Elem(), 0)
	return d.found
}

type differ struct{ found []Difference }

func (d *differ) add(path string, a, b reflect.Value) {
	if !slices.ContainsFunc(d.found, func(e Difference) bool { return e.Path == path }) {
		d.found = append(d.found, Difference{path, a, b})
	}
}

func (d *differ) walk(path string, a, b reflect.Value, depth int) {
	if deepEqual(a, b, depth) {
		return
	}
	if !a.IsValid() || !b.IsValid() || a.Type() != b.Type() || depth > maxDepth {
		d.add(path, a, b)
		return
	}
	switch a.Kind() {
	case reflect.Struct:
		if a.Type() != timeType {
			for i := range a.NumField() {
				d.walk(join(path, a.Type().Field(i).Name), a.Field(i), b.Field(i), depth+1)
			}
			return
		}
	case reflect.Pointer, reflect.Interface:
		if !a.IsNil() && !b.IsNil() {
			d.walk(path, a.Elem(), b.Elem(), depth+1)
			return
		}
	case reflect.Slice, reflect.Array:
		if a.Len() == b.Len() && a.Type().Elem().Kind() != reflect.Uint8 {
			for i := range a.Len() {
				d.walk(path, a.Index(i), b.Index(i), depth+1)
			}
			return
		}
	case reflect.Map:
		if path == "" || sameKeys(a, b) {
			d.walkMap(path, a, b, depth)
			return
		}
	}
	d.add(path, a, b)
}

// walkMap finds the differences under the keys of two maps: in order, as the first ones are shown.
func (d *differ) walkMap(path string, a, b reflect.Value, depth int) {
	keys := append(a.MapKeys(), b.MapKeys()...)
	slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(fmt.Sprint(x), fmt.Sprint(y)) })
	for _, key := range keys {
		at := path
		if path == "" {
			at = fmt.Sprint(key)
		}
		d.walk(at, a.MapIndex(key), b.MapIndex(key), depth+1)
	}
}

func sameKeys(a, b reflect.Value) bool {
	return a.Len() == b.Len() && !slices.ContainsFunc(a.MapKeys(), func(key reflect.Value) bool { return !b.MapIndex(key).IsValid() })
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// maxShown bounds a value in a message, in bytes.
const maxShown = 100

func showValue(v reflect.Value) string {
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && !v.IsNil() {
		v = v.Elem()
	}
	s := "-"
	switch {
	case !v.IsValid():
	case v.Type() == timeType && v.CanInterface():
		s = v.Interface().(time.Time).Format(time.RFC3339Nano)
	case v.Kind() == reflect.String:
		s = fmt.Sprintf("%q", v)
	default:
		s = fmt.Sprintf("%+v", v)
	}
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return s
}

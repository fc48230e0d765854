package stores

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// maxDepth bounds the recursion into values; what is nested deeper (a cycle, say) is taken as unequal.
const maxDepth = 1000

// DeepEqual compares two values as stores see them. It is reflect.DeepEqual, but
//
//   - times are equal when they are the same instant, whatever the zone and the monotonic reading;
//   - a nil slice or map equals an empty one;
//   - NaN equals NaN and -0 equals 0;
//   - a json.Number is compared as the number it is: "1.0", "1" and "10e-1" are equal, exactly and at any length;
//   - values nested more than 1,000 levels deep, cyclic ones among them, are unequal.
//
// Unexported fields are compared too, as most codecs do not carry them give an Equal if that matters; a time in one is
// compared field by field. Values of different types are never equal: in an interface, int64 1 and float64 1 differ.
func DeepEqual[V any](a, b V) bool {
	return deepEqual(reflect.ValueOf(&a).Elem(), reflect.ValueOf(&b).Elem(), 0)
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	numberType = reflect.TypeFor[json.Number]()
)

func deepEqual(a, b reflect.Value, depth int) bool {
	if a.IsValid() != b.IsValid() {
		return false
	}
	if !a.IsValid() {
		return true
	}
	if a.Type() != b.Type() || depth > maxDepth {
		return false
	}
	switch a.Kind() {
	case reflect.Bool:
		return a.Bool() == b.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return a.Int() == b.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return a.Uint() == b.Uint()
	case reflect.Float32, reflect.Float64:
		return sameFloat(a.Float(), b.Float())
	case reflect.Complex64, reflect.Complex128:
		x, y := a.Complex(), b.Complex()
		return sameFloat(real(x), real(y)) && sameFloat(imag(x), imag(y))
	case reflect.String:
		return a.String() == b.String() || a.Type() == numberType && sameNumber(a.String(), b.String())
	case reflect.Struct:
		return sameStruct(a, b, depth)
	case reflect.Array, reflect.Slice:
		return sameList(a, b, depth)
	case reflect.Map:
		return sameMap(a, b, depth)
	case reflect.Pointer:
		return a.Pointer() == b.Pointer() || deepEqual(a.Elem(), b.Elem(), depth+1)
	case reflect.Interface:
		return deepEqual(a.Elem(), b.Elem(), depth+1)
	default: // functions, channels and unsafe pointers, which no codec carries
		return a.IsZero() && b.IsZero()
	}
}

func sameFloat(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func sameStruct(a, b reflect.Value, depth int) bool {
	if a.Type() == timeType && a.CanInterface() && b.CanInterface() {
		return a.Interface().(time.Time).Equal(b.Interface().(time.Time))
	}
	for i := range a.NumField() {
		if !deepEqual(a.Field(i), b.Field(i), depth+1) {
			return false
		}
	}
	return true
}

func sameList(a, b reflect.Value, depth int) bool {
	if a.Len() != b.Len() {
		return false
	}
	if a.Kind() == reflect.Slice && a.Type().Elem().Kind() == reflect.Uint8 {
		return string(a.Bytes()) == string(b.Bytes())
	}
	for i := range a.Len() {
		if !deepEqual(a.Index(i), b.Index(i), depth+1) {
			return false
		}
	}
	return true
}

func sameMap(a, b reflect.Value, depth int) bool {
	if a.Len() != b.Len() {
		return false
	}
	for it := a.MapRange(); it.Next(); {
		v := b.MapIndex(it.Key())
		if !v.IsValid() || !deepEqual(it.Value(), v, depth+1) {
			return false
		}
	}
	return true
}

// sameNumber compares two numbers in JSON's notation without ever computing them: 1e999999999 is only its digits and
// where the point stands.
func sameNumber(a, b string) bool {
	x, okA := parseDecimal(a)
	y, okB := parseDecimal(b)
	return okA && okB && x == y
}

// decimal is ±0.digits × 10^exp, digits without zeros at either end; the zero decimal is 0.
type decimal struct {
	negative bool
	digits   string
	exp      int64
}

func parseDecimal(s string) (decimal, bool) {
	if !json.Valid([]byte(s)) || strings.Trim(s, "+-.eE0123456789") != "" || s == "" {
		return decimal{}, false
	}
	rest, negative := strings.CutPrefix(s, "-")
	mantissa, exponent := rest, ""
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa, exponent = rest[:i], rest[i+1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return decimal{}, true
	}
	exp := int64(len(digits) - len(fraction))
	if exponent != "" {
		n, err := strconv.ParseInt(exponent, 10, 32)
		if err != nil {
			return decimal{}, false
		}
		exp += n
	}
	return decimal{negative: negative, digits: strings.TrimRight(digits, "0"), exp: exp}, true
}

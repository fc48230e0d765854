package dynamostore

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// keyAttribute is one of the one or two attributes of a table's primary key.
type keyAttribute struct {
	name string
	kind types.ScalarAttributeType
}

func (a keyAttribute) String() string { return fmt.Sprintf("%s (%s)", a.name, a.kind) }

// keySchema is the partition key and, if there is one, the sort key.
type keySchema []keyAttribute

func (k keySchema) String() string {
	s := "partition key " + k[0].String()
	if len(k) > 1 {
		s += ", sort key " + k[1].String()
	}
	return s
}

func (k keySchema) has(name string) bool {
	for _, a := range k {
		if a.name == name {
			return true
		}
	}
	return false
}

// limit is how many bytes an attribute of the key may have.
func (k keySchema) limit(name string) int {
	if k[0].name == name {
		return maxPartitionKey
	}
	return maxSortKey
}

// keyMap maps keys to the attributes of the primary key and back.
type keyMap[K any] struct {
	encode func(K) (Item, error)
	decode func(Item) (K, error)
}

// newKeyMap makes the map that follows from the type K, if that fits the table.
func newKeyMap[K any](schema keySchema) (m keyMap[K], err error) {
	t := reflect.TypeFor[K]()
	if kind, ok := scalarKind(t); ok {
		if len(schema) == 1 && schema[0].kind == kind {
			return scalarKeys[K](schema[0].name), nil
		}
		return m, fmt.Errorf("the table has %v, a key of type %v is one attribute (%s): use a key type that fits, or set EncodeKey and DecodeKey", schema, t, kind)
	}
	if t.Kind() != reflect.Struct {
		return m, fmt.Errorf("a key of type %v is no string, integer, bytes or struct of these: set EncodeKey and DecodeKey", t)
	}
	fields, err := scalarFields(t)
	if err != nil {
		return m, err
	}
	fits := len(fields) == len(schema)
	var gives []string
	for _, f := range fields {
		kind, _ := scalarKind(f.typ)
		a := keyAttribute{f.name, kind}
		fits = fits && slices.Contains(schema, a)
		gives = append(gives, a.String())
	}
	if !fits {
		return m, fmt.Errorf("the table has %v, a key of type %v gives %s: name the attributes by dynamodbav tags, or set EncodeKey and DecodeKey",
			schema, t, strings.Join(gives, ", "))
	}
	return structKeys[K](fields), nil
}

var numberType = reflect.TypeFor[attributevalue.Number]()

// scalarKind is how a Go type is stored as a key attribute.
func scalarKind(t reflect.Type) (types.ScalarAttributeType, bool) {
	switch t.Kind() {
	case reflect.String:
		if t == numberType {
			return types.ScalarAttributeTypeN, true
		}
		return types.ScalarAttributeTypeS, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return types.ScalarAttributeTypeN, true
	case reflect.Slice, reflect.Array:
		return types.ScalarAttributeTypeB, t.Elem().Kind() == reflect.Uint8
	default:
		return "", false
	}
}

// scalarValue is the stored form of a key attribute.
func scalarValue(v reflect.Value) (types.AttributeValue, error) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == numberType {
			plain, err := plainNumber(v.String())
			return &types.AttributeValueMemberN{Value: plain}, err
		}
		return &types.AttributeValueMemberS{Value: v.String()}, nil
	case reflect.Slice:
		return &types.AttributeValueMemberB{Value: v.Bytes()}, nil
	case reflect.Array:
		b := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(b), v)
		return &types.AttributeValueMemberB{Value: b}, nil
	default:
		if v.CanInt() {
			return &types.AttributeValueMemberN{Value: strconv.FormatInt(v.Int(), 10)}, nil
		}
		return &types.AttributeValueMemberN{Value: strconv.FormatUint(v.Uint(), 10)}, nil
	}
}

// setScalar is the inverse, into a settable value.
func setScalar(dst reflect.Value, av types.AttributeValue) error {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		dst.SetString(av.Value)
	case *types.AttributeValueMemberB:
		switch {
		case dst.Kind() == reflect.Slice:
			dst.SetBytes(append([]byte{}, av.Value...))
		case dst.Len() != len(av.Value):
			return fmt.Errorf("%d bytes do not fit into %v", len(av.Value), dst.Type())
		default:
			reflect.Copy(dst, reflect.ValueOf(av.Value))
		}
	case *types.AttributeValueMemberN:
		return setNumber(dst, av.Value)
	default:
		return fmt.Errorf("%T is no part of a key", av)
	}
	return nil
}

func setNumber(dst reflect.Value, s string) error {
	plain, err := plainNumber(s)
	if err != nil {
		return err
	}
	switch {
	case dst.Kind() == reflect.String:
		dst.SetString(plain)
	case dst.CanInt():
		n, err := strconv.ParseInt(plain, 10, dst.Type().Bits())
		if err != nil {
			return fmt.Errorf("the number %s does not fit into %v", plain, dst.Type())
		}
		dst.SetInt(n)
	default:
		n, err := strconv.ParseUint(plain, 10, dst.Type().Bits())
		if err != nil {
			return fmt.Errorf("the number %s does not fit into %v", plain, dst.Type())
		}
		dst.SetUint(n)
	}
	return nil
}

// scalarKeys are keys of one attribute.
func scalarKeys[K any](name string) keyMap[K] {
	return keyMap[K]{
		encode: func(key K) (Item, error) {
			av, err := scalarValue(reflect.ValueOf(&key).Elem())
			return Item{name: av}, err
		},
		decode: func(m Item) (key K, err error) {
			return key, setScalar(reflect.ValueOf(&key).Elem(), m[name])
		},
	}
}

// structKeys are keys whose fields are the attributes.
func structKeys[K any](fields []field) keyMap[K] {
	return keyMap[K]{
		encode: func(key K) (Item, error) {
			m, v := make(Item, len(fields)), reflect.ValueOf(&key).Elem()
			for _, f := range fields {
				av, err := scalarValue(v.FieldByIndex(f.index))
				if err != nil {
					return nil, err
				}
				m[f.name] = av
			}
			return m, nil
		},
		decode: func(m Item) (key K, err error) {
			v := reflect.ValueOf(&key).Elem()
			for _, f := range fields {
				if err := setScalar(v.FieldByIndex(f.index), m[f.name]); err != nil {
					return key, fmt.Errorf("key attribute %s: %w", f.name, err)
				}
			}
			return key, nil
		},
	}
}

// scalarFields are the fields of a struct that is a key: all of them have to be of a kind that a key can have.
func scalarFields(t reflect.Type) ([]field, error) {
	fields := structFields(t)
	if len(fields) == 0 {
		return nil, fmt.Errorf("%v has no field that is mapped to an attribute", t)
	}
	for _, f := range fields {
		if throughPointer(t, f.index) {
			return nil, fmt.Errorf("field %s of %v is in an embedded pointer, which may be nil: embed the struct itself", f.name, t)
		}
		if _, ok := scalarKind(f.typ); !ok {
			return nil, fmt.Errorf("field %s of %v is a %v: a part of a key is a string, an integer, an attributevalue.Number or bytes", f.name, t, f.typ)
		}
	}
	return fields, nil
}

func throughPointer(t reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		if t = t.Field(i).Type; t.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
}

// check tells what of a key DynamoDB would refuse, or what does not fit the table.
func (k keySchema) check(m Item) error {
	if len(m) != len(k) {
		return k.mismatch(m)
	}
	for _, a := range k {
		limit := k.limit(a.name)
		switch av := m[a.name].(type) {
		case *types.AttributeValueMemberS:
			if a.kind != types.ScalarAttributeTypeS {
				return k.mismatch(m)
			}
			if n := len(av.Value); n < 1 || n > limit || !utf8.ValidString(av.Value) {
				return fmt.Errorf("key attribute %s has 1 to %d bytes of valid UTF-8, not %d: %.50q", a.name, limit, n, av.Value)
			}
		case *types.AttributeValueMemberB:
			if a.kind != types.ScalarAttributeTypeB {
				return k.mismatch(m)
			}
			if n := len(av.Value); n < 1 || n > limit {
				return fmt.Errorf("key attribute %s has 1 to %d bytes, not %d", a.name, limit, n)
			}
		case *types.AttributeValueMemberN:
			if a.kind != types.ScalarAttributeTypeN {
				return k.mismatch(m)
			}
			if _, err := parseNumber(av.Value); err != nil {
				return fmt.Errorf("key attribute %s: %w", a.name, err)
			}
		default:
			return k.mismatch(m)
		}
	}
	return nil
}

func (k keySchema) mismatch(m Item) error {
	return fmt.Errorf("the table has %v, the key gives %s", k, describe(m))
}

// describe shows the names and types of attributes.
func describe(m Item) string {
	if len(m) == 0 {
		return "no attribute"
	}
	var parts []string
	for _, name := range sortedNames(m) {
		parts = append(parts, keyAttribute{name, types.ScalarAttributeType(typeName(m[name]))}.String())
	}
	return strings.Join(parts, ", ")
}

// typeName is DynamoDB's short name of a type.
func typeName(av types.AttributeValue) string {
	if av == nil {
		return "nothing"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", av), "*types.AttributeValueMember")
}

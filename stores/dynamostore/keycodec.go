package dynamostore

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// KeysOf is the canonical form of keys that a [Store] uses unless it is told otherwise. Give it to the store of the other
// place as well, if that has another default: two places need the same one.
//
// Keys of a string kind are as those of stores.StringKeys, of a signed integer kind as those of stores.Int64Keys, and of
// a byte slice kind as those of stores.BytesKeys. For other integers, for attributevalue.Number, byte arrays and
// structs it is a JSON array of the number, the bytes in base64, or of the fields in their order, as ["tenant-7",42]; one
// number has one form, however it is written. Any other K is an error.
func KeysOf[K any]() (stores.KeyCodec[K], error) {
	t := reflect.TypeFor[K]()
	kind, scalar := scalarKind(t)
	switch {
	case kind == types.ScalarAttributeTypeS:
		return adapt(stores.StringKeys[string](), reflect.Value.String, reflect.Value.SetString, func(k K) reflect.Value { return reflect.ValueOf(&k).Elem() }), nil
	case scalar && t.Kind() == reflect.Slice:
		return adapt(stores.BytesKeys[[]byte](), reflect.Value.Bytes, reflect.Value.SetBytes, func(k K) reflect.Value { return reflect.ValueOf(&k).Elem() }), nil
	case scalar && reflect.Zero(t).CanInt():
		return adapt(stores.Int64Keys[int64](), reflect.Value.Int, setInt, func(k K) reflect.Value { return reflect.ValueOf(&k).Elem() }), nil
	case scalar:
		return jsonKeys[K]{func(v reflect.Value) []reflect.Value { return []reflect.Value{v} }}, nil
	case t.Kind() == reflect.Struct:
		fields, err := scalarFields(t)
		if err != nil {
			return nil, err
		}
		return jsonKeys[K]{func(v reflect.Value) []reflect.Value {
			parts := make([]reflect.Value, len(fields))
			for i, f := range fields {
				parts[i] = v.FieldByIndex(f.index)
			}
			return parts
		}}, nil
	default:
		return nil, fmt.Errorf("dynamostore: there is no default canonical form for keys of type %v: set Options.Keys", t)
	}
}

func setInt(v reflect.Value, n int64) {
	if !v.OverflowInt(n) {
		v.SetInt(n)
	}
}

// adapt makes a codec for a kind of one for the plain type. What does not fit into K is found because it does not come
// back.
func adapt[K, P any](plain stores.KeyCodec[P], get func(reflect.Value) P, set func(reflect.Value, P), value func(K) reflect.Value) stores.KeyCodec[K] {
	if same, ok := plain.(stores.KeyCodec[K]); ok {
		return same
	}
	return stores.KeyFuncs(
		func(dst []byte, key K) ([]byte, error) { return plain.Append(dst, get(value(key))) },
		func(b []byte) (key K, err error) {
			p, err := plain.Parse(b)
			if err != nil {
				return key, err
			}
			set(reflect.ValueOf(&key).Elem(), p)
			if back, err := plain.Append(nil, get(value(key))); err != nil || !bytes.Equal(back, b) {
				return key, fmt.Errorf("dynamostore: key %s does not fit into %T", stores.FormatKey(b), key)
			}
			return key, nil
		})
}

// jsonKeys writes the parts of a key as a JSON array.
type jsonKeys[K any] struct {
	parts func(reflect.Value) []reflect.Value
}

func (j jsonKeys[K]) Append(dst []byte, key K) ([]byte, error) {
	out := dst
	out = append(out, '[')
	for i, part := range j.parts(reflect.ValueOf(&key).Elem()) {
		av, err := scalarValue(part)
		if err == nil {
			_, err = sizeOf(av, 0)
		}
		if err != nil {
			return dst, stores.Permanent(fmt.Errorf("dynamostore: key: %w", err))
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = appendPart(out, av)
	}
	return append(out, ']'), nil
}

func appendPart(dst []byte, av types.AttributeValue) []byte {
	var text string
	switch av := av.(type) {
	case *types.AttributeValueMemberN:
		return append(dst, av.Value...)
	case *types.AttributeValueMemberB:
		text = base64.StdEncoding.EncodeToString(av.Value)
	case *types.AttributeValueMemberS:
		text = av.Value
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string is never refused
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// Parse accepts exactly what Append makes.
func (j jsonKeys[K]) Parse(b []byte) (key K, err error) {
	if err := j.parse(b, &key); err != nil {
		return key, fmt.Errorf("dynamostore: %s is no key: %w", stores.FormatKey(b), err)
	}
	if back, err := j.Append(nil, key); err != nil || !bytes.Equal(back, b) {
		return key, fmt.Errorf("dynamostore: %s is no key in its canonical form", stores.FormatKey(b))
	}
	return key, nil
}

func (j jsonKeys[K]) parse(b []byte, key *K) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	parts := j.parts(reflect.ValueOf(key).Elem())
	if len(raw) != len(parts) {
		return fmt.Errorf("it has %d parts, want %d", len(raw), len(parts))
	}
	for i, part := range parts {
		kind, _ := scalarKind(part.Type())
		av, err := parsePart(kind, raw[i])
		if err == nil {
			err = setScalar(part, av)
		}
		if err != nil {
			return fmt.Errorf("part %d: %w", i+1, err)
		}
	}
	return nil
}

// parsePart is the inverse of appendPart.
func parsePart(kind types.ScalarAttributeType, raw json.RawMessage) (types.AttributeValue, error) {
	if kind == types.ScalarAttributeTypeN {
		return &types.AttributeValueMemberN{Value: string(raw)}, nil
	}
	var text string
	if len(raw) == 0 || raw[0] != '"' {
		return nil, errors.New("want a string")
	}
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	if kind == types.ScalarAttributeTypeS {
		return &types.AttributeValueMemberS{Value: text}, nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	return &types.AttributeValueMemberB{Value: b}, err
}

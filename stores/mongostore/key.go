package mongostore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores"
)

// Keys is the canonical form of ids of any type that BSON encodes: [bson.ObjectID], a UUID as [bson.Binary], a struct (the
// sub-document), [bson.RawValue] for a collection with ids of mixed type. It is one byte of BSON type and the bytes of the value, in which
// numbers that are equal are the same bytes, whatever type they have: 1, 1.0 and int64(1) are the same id to the server.
//
// It is the default for every K that is no string, 64-bit integer or byte slice; for these it is that of package stores. Give
// it to a store in another database that holds the same keys.
func Keys[K any]() stores.KeyCodec[K] {
	return stores.KeyFuncs(appendBSONKey[K], parseBSONKey[K])
}

// defaultKeys is the codec for K when the user gives none.
func defaultKeys[K any]() stores.KeyCodec[K] {
	for _, codec := range []any{stores.StringKeys[string](), stores.Int64Keys[int64](), stores.BytesKeys[[]byte]()} {
		if c, ok := codec.(stores.KeyCodec[K]); ok {
			return c
		}
	}
	t := reflect.TypeFor[K]()
	if encodesItself(t) {
		return Keys[K]()
	}
	switch {
	case t.Kind() == reflect.String:
		return stores.KeyFuncs(appendKindKey[K](stores.StringKeys[string](), reflect.Value.String),
			parseKindKey[K](stores.StringKeys[string](), reflect.Value.SetString))
	case t.Kind() == reflect.Int64:
		return stores.KeyFuncs(appendKindKey[K](stores.Int64Keys[int64](), reflect.Value.Int),
			parseKindKey[K](stores.Int64Keys[int64](), reflect.Value.SetInt))
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && t != rawType:
		return stores.KeyFuncs(appendKindKey[K](stores.BytesKeys[[]byte](), reflect.Value.Bytes),
			parseKindKey[K](stores.BytesKeys[[]byte](), reflect.Value.SetBytes))
	default:
		return Keys[K]()
	}
}

// appendKindKey and parseKindKey let a codec of package stores work on any K of its kind.
func appendKindKey[K, B any](c stores.KeyCodec[B], of func(reflect.Value) B) func([]byte, K) ([]byte, error) {
	return func(dst []byte, key K) ([]byte, error) { return c.Append(dst, of(reflect.ValueOf(&key).Elem())) }
}

func parseKindKey[K, B any](c stores.KeyCodec[B], set func(reflect.Value, B)) func([]byte) (K, error) {
	return func(b []byte) (key K, err error) {
		base, err := c.Parse(b)
		if err == nil {
			set(reflect.ValueOf(&key).Elem(), base)
		}
		return key, err
	}
}

func appendBSONKey[K any](dst []byte, key K) ([]byte, error) {
	v, err := marshalKey(key, nil)
	if err != nil {
		return dst, err
	}
	return appendCanonical(dst, v)
}

func parseBSONKey[K any](b []byte) (key K, err error) {
	if len(b) == 0 {
		return key, errors.New("mongostore: the empty slice is no key")
	}
	v := bson.RawValue{Type: bson.Type(b[0]), Value: bytes.Clone(b[1:])}
	if err := v.Validate(); err != nil {
		return key, fmt.Errorf("mongostore: key %s: %w", stores.FormatKey(b), err)
	}
	return unmarshalKey[K](v, nil)
}

// marshalKey is the key as a value of _id.
func marshalKey[K any](key K, reg *bson.Registry) (bson.RawValue, error) {
	var v bson.RawValue
	switch k := any(key).(type) {
	case string:
		v = bson.RawValue{Type: bson.TypeString, Value: binary.LittleEndian.AppendUint32(make([]byte, 0, len(k)+5), uint32(len(k)+1))}
		v.Value = append(append(v.Value, k...), 0)
	case int64:
		v = int64Value(k)
	case bson.RawValue:
		v = k
	default:
		doc, err := (&bsonOptions{registry: reg}).marshal(bson.D{{Key: "", Value: key}})
		if err != nil {
			return v, stores.Permanent(fmt.Errorf("mongostore: a %T as _id: %w", key, err))
		}
		v = doc.Lookup("")
	}
	if err := checkID(v); err != nil {
		return v, stores.Permanent(fmt.Errorf("mongostore: a %T as _id: %w", key, err))
	}
	return v, nil
}

// checkID refuses what the server would not store as an _id, or would take for an operator in a filter.
func checkID(v bson.RawValue) error {
	switch v.Type {
	case bson.TypeArray, bson.TypeRegex, bson.TypeUndefined, 0:
		return fmt.Errorf("it is %v in BSON, which can not be an _id", v.Type)
	case bson.TypeEmbeddedDocument:
		return walk(v.Value, func(name []byte, _ bson.RawValue) error {
			if strings.HasPrefix(string(name), "$") {
				return fmt.Errorf("field %q begins with a dollar, which MongoDB takes for an operator", name)
			}
			return nil
		})
	}
	if err := v.Validate(); err != nil {
		return fmt.Errorf("damaged BSON: %w", err)
	}
	return nil
}

func unmarshalKey[K any](v bson.RawValue, reg *bson.Registry) (key K, err error) {
	switch k := any(&key).(type) {
	case *string:
		var ok bool
		if *k, ok = v.StringValueOK(); ok {
			return key, nil
		}
	case *bson.ObjectID:
		var ok bool
		if *k, ok = v.ObjectIDOK(); ok {
			return key, nil
		}
	}
	if reg == nil {
		err = v.Unmarshal(&key)
	} else {
		err = v.UnmarshalWithRegistry(reg, &key)
	}
	if err != nil && reg == nil {
		var again K
		if v.UnmarshalWithRegistry(decimals(), &again) == nil {
			return again, nil
		}
	}
	if err != nil {
		return key, fmt.Errorf("mongostore: _id %v is no %T: %w", v, key, err)
	}
	return key, nil
}

// exactly tells the types whose decoding takes nothing but themselves.
func exactly[K any](v bson.RawValue) bool {
	var key K
	switch any(key).(type) {
	case string:
		return v.Type == bson.TypeString
	case bson.ObjectID:
		return v.Type == bson.TypeObjectID
	default:
		return false
	}
}

// fromID is the key that stands for exactly this _id. The driver decodes more than that: true as the number 1, bytes as a
// string, a document without the fields that K does not have. These are other ids, and must not be taken for K's.
func fromID[K any](v bson.RawValue, reg *bson.Registry) (key K, err error) {
	if key, err = unmarshalKey[K](v, reg); err != nil || exactly[K](v) {
		return key, err
	}
	back, err := marshalKey(key, reg)
	if err != nil {
		return key, err
	}
	if same, err := sameID(v, back); err != nil || !same {
		return key, errors.Join(err, fmt.Errorf("mongostore: _id %v is no %T: that would be %v, another _id", v, key, back))
	}
	return key, nil
}

// foreign begins the canonical form of an _id that is no K: a scan names it and goes on after it all the same. No string
// in BSON holds the byte 0xff, and no number is that long.
const foreign = "\xff\x00bson\x00"

// id is a key in both of its forms.
type id struct {
	value bson.RawValue
	canon []byte
}

func (s *Store[K, V]) id(key K) (id, error) {
	v, err := marshalKey(key, s.codec.bson.registry)
	if err != nil {
		return id{}, s.at(nil, err)
	}
	canon, err := s.keys.Append(nil, key)
	if err == nil && bytes.HasPrefix(canon, []byte(foreign)) {
		err = stores.Permanent(errors.New("the key begins with bytes that are set aside for ids of other types"))
	}
	if err != nil {
		return id{}, s.at(nil, err)
	}
	return id{v, canon}, nil
}

// keyOf is the key of a stored document, and its canonical form also where it is no K.
func (s *Store[K, V]) keyOf(v bson.RawValue) (key K, canon []byte, err error) {
	key, err = fromID[K](v, s.codec.bson.registry)
	if err == nil {
		canon, err = s.keys.Append(nil, key)
	}
	if err == nil {
		return key, canon, nil
	}
	canon, bad := appendCanonical([]byte(foreign), v)
	return key, canon, errors.Join(err, bad)
}

// position is the _id that a canonical form stands for.
func (s *Store[K, V]) position(canon []byte) (bson.RawValue, error) {
	if rest, ok := bytes.CutPrefix(canon, []byte(foreign)); ok && len(rest) > 0 {
		v := bson.RawValue{Type: bson.Type(rest[0]), Value: bytes.Clone(rest[1:])}
		return v, v.Validate()
	}
	key, err := s.keys.Parse(canon)
	if err != nil {
		return bson.RawValue{}, err
	}
	return marshalKey(key, s.codec.bson.registry)
}

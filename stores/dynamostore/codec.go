package dynamostore

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

// codec maps values to attributes and back.
type codec[V any] struct {
	encode func(V) (Item, error)
	// decode may keep what it is given.
	decode func(Item) (V, error)
	// fields are the top-level attributes of a struct; nil if V can have any.
	fields []field
	// isMap says that V is a map, which does not get the key attributes.
	isMap bool
	// lossless says that V holds whatever there is, and shape which fields are in it on all levels.
	lossless bool
	shape    *typeshape.Shape
	// names is how names are matched, on all levels; nil if V has no structs.
	names *typeshape.Shape
}

func newCodec[K, V any](o *Options[K, V]) (codec[V], error) {
	t := reflect.TypeFor[V]()
	isMap := t.Kind() == reflect.Map
	switch {
	case o.Encode != nil:
		return codec[V]{encode: o.Encode, decode: o.Decode, isMap: isMap}, nil
	case t == reflect.TypeFor[Item]():
		return rawCodec[V](), nil
	case isMap || t.Kind() == reflect.Struct:
		if err := lossy(t, t.String(), map[reflect.Type]bool{}); err != nil {
			return codec[V]{}, fmt.Errorf("%w: change the type, use dynamostore.Item, or set Encode and Decode", err)
		}
		c := codec[V]{encode: marshal[V], decode: unmarshal[V], isMap: isMap, shape: shapeOf(t)}
		if names := namesOf(t); isMap || o.Attributes != nil || names.Nested() {
			c.names = names
		}
		if !isMap && !custom(t) {
			c.fields = structFields(t)
		}
		return c, nil
	default:
		return codec[V]{}, fmt.Errorf("a value of type %v is no item: use a struct, a map or dynamostore.Item, or set Encode and Decode", t)
	}
}

func rawCodec[V any]() codec[V] {
	return codec[V]{
		encode: func(v V) (Item, error) { return any(v).(Item), nil },
		decode: func(m Item) (V, error) { return any(m).(V), nil },
		isMap:  true,

		lossless: true,
	}
}

func marshal[V any](v V) (Item, error) {
	av, err := attributevalue.NewEncoder(func(o *attributevalue.EncoderOptions) { o.EncodeTime = encodeTime }).Encode(&v)
	if err != nil {
		return nil, err
	}
	switch av := av.(type) {
	case *types.AttributeValueMemberM:
		return av.Value, nil
	case *types.AttributeValueMemberNULL: // a nil map
		return Item{}, nil
	default:
		return nil, fmt.Errorf("%T is encoded as %s, not as an item", v, typeName(av))
	}
}

// encodeTime is what attributevalue does, without what it could not read back, as the year 10000, and without what RFC 3339
// has no room for: an offset in seconds, which would make it another time.
func encodeTime(t time.Time) (types.AttributeValue, error) {
	if _, offset := t.Zone(); offset%60 != 0 {
		t = t.UTC()
	}
	text, err := t.MarshalText()
	return &types.AttributeValueMemberS{Value: string(text)}, err
}

// unmarshal answers with an error also where attributevalue panics, as for a B that has not the length of a byte array.
func unmarshal[V any](m Item) (v V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it does not fit into a %T: %v", v, p)
		}
	}()
	return v, attributevalue.NewDecoder().Decode(&types.AttributeValueMemberM{Value: m}, &v)
}

// ownership is what of an item a store reads and writes.
type ownership struct {
	// names are the attributes, without those of the key; nil if the store owns the item as a whole.
	names []string
	// view says that a record is there if one of its attributes is, and not if the item is.
	view bool
}

func (o ownership) whole() bool { return o.names == nil }

func (o ownership) has(name string) bool { return o.whole() || slices.Contains(o.names, name) }

// newOwnership follows from the options, the value and the table.
func newOwnership[K, V any](o *Options[K, V], c codec[V], schema keySchema) (own ownership, err error) {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if schema.has(o.Meta) {
		fail("Meta %s is an attribute of the primary key: choose another name", o.Meta)
	}
	for _, name := range o.Attributes {
		if schema.has(name) {
			fail("Attributes names %s, an attribute of the primary key, which belongs to all views", name)
		}
	}
	own = ownership{names: o.Attributes, view: o.Attributes != nil}
	for _, f := range c.fields {
		switch {
		case schema.has(f.name):
		case f.name == o.Meta:
			fail("the value maps %s, which is the metadata's: choose another Meta", f.name)
		case !own.view:
			own.names = append(own.names, f.name)
		case !own.has(f.name):
			fail("the value maps %s, which is not one of Attributes", f.name)
		}
	}
	if !own.view && c.fields != nil && len(own.names) == 0 {
		fail("the value maps no attribute beside the key")
	}
	if !own.view && len(own.names) > maxFieldAttributes {
		fail("the value maps %d attributes, an update takes at most %d: set Encode and Decode", len(own.names), maxFieldAttributes)
	}
	errs = append(errs, checkGuard(o.Guard, c.fields))
	return own, errors.Join(errs...)
}

func checkGuard(guard string, fields []field) error {
	if guard == "" || fields == nil {
		return nil
	}
	for _, f := range fields {
		if f.name == guard {
			if k := indirect(f.typ).Kind(); k < reflect.Int || k > reflect.Uint64 {
				return fmt.Errorf("the value's %s, the Guard, is a %v: it has to be an integer", guard, f.typ)
			}
			return nil
		}
	}
	return fmt.Errorf("the value does not map %s, the Guard", guard)
}

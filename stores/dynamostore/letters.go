package dynamostore

import (
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

// attributevalue takes an attribute in other letters for one that a struct maps, and of two of them the one that a map happens to
// yield last. Here names match exactly: what has other letters is no part of the value, as any other attribute that V does not map.

// namesOf is how the names of a type's structs are matched, on all levels.
func namesOf(t reflect.Type) *typeshape.Shape {
	opaque := func(t reflect.Type) bool {
		p := reflect.PointerTo(t)
		return t.Implements(marshalerType) || p.Implements(marshalerType) || t.Implements(unmarshalerType) || p.Implements(unmarshalerType)
	}
	return typeshape.Rules{Opaque: opaque, Fields: visitFields}.Of(t)
}

func visitFields(t reflect.Type, visit func(string, reflect.Type, bool)) {
	for _, f := range structFields(t) {
		visit(f.name, f.typ, false)
	}
}

// mistaken tells whether attributevalue would take a name for one that a struct maps.
func mistaken(name string, in *typeshape.Shape) bool {
	if _, exactly := in.Fields[name]; exactly {
		return false
	}
	for field := range in.Fields {
		if strings.EqualFold(field, name) {
			return true
		}
	}
	return false
}

// holdsMistaken tells whether a name on any level would be mistaken.
func holdsMistaken(m Item, in *typeshape.Shape) bool {
	for name, av := range m {
		if mistaken(name, in) || mistakenIn(av, name, in) {
			return true
		}
	}
	return false
}

func mistakenIn(av types.AttributeValue, name string, in *typeshape.Shape) bool {
	shape, _ := in.At(name)
	return shape != nil && mistakenWithin(av, shape)
}

func mistakenWithin(av types.AttributeValue, in *typeshape.Shape) bool {
	switch av := av.(type) {
	case *types.AttributeValueMemberM:
		return holdsMistaken(av.Value, in)
	case *types.AttributeValueMemberL:
		for _, e := range av.Value {
			if mistakenWithin(e, in) {
				return true
			}
		}
	}
	return false
}

// takeOut takes the names that would be mistaken out of an item.
func takeOut(m Item, in *typeshape.Shape) {
	for name, av := range m {
		if mistaken(name, in) {
			delete(m, name)
		} else if shape, _ := in.At(name); shape != nil {
			takeOutWithin(av, shape)
		}
	}
}

func takeOutWithin(av types.AttributeValue, in *typeshape.Shape) {
	switch av := av.(type) {
	case *types.AttributeValueMemberM:
		takeOut(av.Value, in)
	case *types.AttributeValueMemberL:
		for _, e := range av.Value {
			takeOutWithin(e, in)
		}
	}
}

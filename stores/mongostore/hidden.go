package mongostore

import (
	"fmt"
	"reflect"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// hidden finds structs that keep their value in unexported fields, as big.Int does: the driver stores an empty document of
// them, and says nothing.
type hidden struct {
	registry *bson.Registry
	jsonTags bool
	seen     map[reflect.Type]bool
}

func (h *hidden) find(t reflect.Type, path string) error {
	if h.seen[t] || encodesItself(t) {
		return nil
	}
	h.seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return h.find(t.Elem(), path)
	case reflect.Map:
		return h.find(t.Elem(), path+"[]")
	case reflect.Struct:
		if h.byFields(t) {
			return h.findWithin(t, path)
		}
	}
	return nil
}

// byFields tells whether the registry has nothing better for a struct than to encode its fields.
func (h *hidden) byFields(t reflect.Type) bool {
	its, err := h.registry.LookupEncoder(t)
	usual, errUsual := h.registry.LookupEncoder(reflect.TypeFor[struct{}]())
	return err == nil && errUsual == nil && reflect.TypeOf(its) == reflect.TypeOf(usual)
}

func (h *hidden) findWithin(t reflect.Type, path string) error {
	exported := t.NumField() == 0
	for sf := range t.Fields() {
		if !sf.IsExported() {
			continue
		}
		exported = true
		if name, _, skip := fieldTag(sf, h.jsonTags); !skip {
			if err := h.find(sf.Type, path+"."+name); err != nil {
				return err
			}
		}
	}
	if !exported {
		return fmt.Errorf("%s is a %v, which has no field that is stored: use another type, or set Encode and Decode", path, t)
	}
	return nil
}

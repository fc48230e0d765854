package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// Records of the user's own in MongoDB: in the old shape {_id, …}, in the new one {_id, doc: {…}}.

// nestedField holds the fields of a record in the new shape.
const nestedField = "doc"

func encodeFlatDoc(d Doc) (bson.D, error) {
	fields, err := fieldsOf(d)
	return append(bson.D{{Key: "_id", Value: d.ID}}, fields...), err
}

// fieldsOf are the fields in the order of their names.
func fieldsOf(d Doc) (bson.D, error) {
	fields := make(bson.D, 0, len(d.Doc))
	for _, name := range slices.Sorted(maps.Keys(d.Doc)) {
		v, err := toBSON(d.Doc[name])
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		fields = append(fields, bson.E{Key: name, Value: v})
	}
	return fields, nil
}

func decodeFlatDoc(doc bson.Raw) (d Doc, err error) {
	elements, err := doc.Elements()
	if err != nil {
		return d, err
	}
	d.Doc = make(map[string]json.RawMessage, len(elements))
	for _, e := range elements {
		name, v := e.Key(), e.Value()
		if name == "_id" {
			d.ID, _ = v.StringValueOK() // no other one is ever written
			continue
		}
		if d.Doc[name], err = appendBSON(nil, v); err != nil {
			return d, fmt.Errorf("%q: %w", name, err)
		}
	}
	return d, nil
}

func encodeNestedDoc(d Doc) (bson.D, error) {
	fields, err := fieldsOf(d)
	return bson.D{{Key: "_id", Value: d.ID}, {Key: nestedField, Value: fields}}, err
}

func decodeNestedDoc(doc bson.Raw) (Doc, error) {
	nested, ok := doc.Lookup(nestedField).DocumentOK()
	if !ok {
		return Doc{}, fmt.Errorf("there is no document in the field %q", nestedField)
	}
	d, err := decodeFlatDoc(nested)
	d.ID, _ = doc.Lookup("_id").StringValueOK()
	return d, err
}

// settleDoc returns a record as MongoDB gives it back, where a number has one spelling and a text no escapes.
func settleDoc(d Doc) (Doc, error) {
	for name := range d.Doc {
		if err := checkField(name); err != nil {
			return d, err
		}
	}
	fields, err := encodeNestedDoc(d)
	if err != nil {
		return d, err
	}
	doc, err := bson.Marshal(fields)
	if err != nil {
		return d, err
	}
	if len(doc) > maxDocument {
		return d, fmt.Errorf("the document has %d bytes, at most %d are taken", len(doc), maxDocument)
	}
	return decodeNestedDoc(doc)
}

// maxDocument is in bytes: what MongoDB takes, without what the SDK and the live writers add.
const maxDocument = 16<<20 - 4<<10

// checkField refuses what can not be the name of a field in MongoDB.
func checkField(name string) error {
	switch {
	case name == "_id" || name == mongostore.DefaultMeta:
		return fmt.Errorf("the field %q has a meaning of its own in MongoDB", name)
	case name == "":
		return errors.New("a field has no name, which MongoDB can not update")
	case strings.HasPrefix(name, "$"), strings.ContainsAny(name, ".\x00"):
		return fmt.Errorf("the field %q has a dot, a zero byte or a leading dollar in its name, which MongoDB can not update", name)
	}
	return nil
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Doc is a record of the user's own: a JSON object with an id, and whatever else is in it. Fields are kept as they are
// written, so that no number is rounded.
type Doc struct {
	ID  string                     `json:"id"`
	Doc map[string]json.RawMessage `json:"doc"`
}

// liveField is the field that the live writers of the example leave in a record.
const liveField = "_quickstart"

// liveMark is what they leave in it.
type liveMark struct {
	// Edits is how many edits were made of the record as it was created, Write the number of the last write.
	Edits int64 `json:"edits"`
	Write int64 `json:"write"`
}

// docShape is the shape of the user's own records. With inMongoDB they are checked for what a document can not hold, and
// brought into the spelling that it gives back; with inDynamoDB the same for an item.
func docShape(inMongoDB, inDynamoDB bool) shape[Doc] {
	sh := shape[Doc]{
		name:      "your records",
		change:    "{id, …} → {id, doc: {…}}",
		parse:     parseDoc,
		encodeOld: encodeOldDoc,
		decodeOld: decodeOldDoc,
		encodeNew: func(dst []byte, d Doc) ([]byte, error) { return appendJSON(dst, d) },
		decodeNew: decodeNewDoc,
		fresh: func(id string, n int64) Doc {
			return Doc{ID: id, Doc: map[string]json.RawMessage{liveField: mark(n, 0)}}
		},
		edit: editDoc,

		oldDocuments: documents[Doc]{encode: encodeFlatDoc, decode: decodeFlatDoc},
		newDocuments: documents[Doc]{encode: encodeNestedDoc, decode: decodeNestedDoc},
		oldItems:     items[Doc]{encode: encodeFlatItem, decode: decodeFlatItem},
		newItems:     items[Doc]{encode: encodeNestedItem, decode: decodeNestedItem},
	}
	switch {
	case !inMongoDB && !inDynamoDB:
		// JSON within JSON comes back without the blanks between its parts.
		sh.settle = func(d Doc) (Doc, error) {
			b, err := sh.encodeNew(nil, d)
			if err != nil {
				return d, err
			}
			return sh.decodeNew(b)
		}
	case inMongoDB && inDynamoDB:
		sh.settle = func(d Doc) (Doc, error) {
			// What comes out of an item is spelled as in a document already, and its fields are in an order that a document keeps.
			d, err := settleItem(d)
			if err != nil {
				return d, err
			}
			return settleDoc(d)
		}
	case inMongoDB:
		sh.settle = settleDoc
	case inDynamoDB:
		sh.settle = settleItem
	}
	return sh
}

func parseDoc(line []byte) (string, Doc, error) {
	fields, err := objectFields(line)
	if err != nil {
		return "", Doc{}, err
	}
	raw, ok := fields["id"]
	if !ok {
		return "", Doc{}, errors.New("there is no id")
	}
	if raw[0] != '"' {
		return "", Doc{}, fmt.Errorf("id is %s, want a string", shorten(raw))
	}
	if _, taken := fields[liveField]; taken {
		return "", Doc{}, fmt.Errorf("the field %q is the one that the live writers of this example use", liveField)
	}
	d, err := docOf(fields)
	return d.ID, d, errors.Join(err, checkID(d.ID))
}

// docOf takes the id out of an object in the old shape. It keeps the map.
func docOf(fields map[string]json.RawMessage) (Doc, error) {
	d := Doc{Doc: fields}
	if err := json.Unmarshal(fields["id"], &d.ID); err != nil {
		return Doc{}, fmt.Errorf("id: %w", err)
	}
	delete(fields, "id")
	return d, nil
}

func encodeOldDoc(dst []byte, d Doc) ([]byte, error) {
	fields := make(map[string]json.RawMessage, len(d.Doc)+1)
	for name, raw := range d.Doc {
		fields[name] = raw
	}
	id, err := appendJSON(nil, d.ID)
	if err != nil {
		return dst, err
	}
	fields["id"] = id
	return appendJSON(dst, fields)
}

func decodeOldDoc(b []byte) (Doc, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return Doc{}, err
	}
	return docOf(fields)
}

func decodeNewDoc(b []byte) (d Doc, err error) {
	if err = json.Unmarshal(b, &d); err == nil && d.Doc == nil {
		d.Doc = map[string]json.RawMessage{}
	}
	return d, err
}

func editDoc(d *Doc, n int64) {
	var last liveMark // stays zero in a record that was imported
	_ = json.Unmarshal(d.Doc[liveField], &last)
	d.Doc[liveField] = mark(n, last.Edits+1)
}

// mark has its fields in the order of their names, which is the one that every place gives back.
func mark(n, edits int64) json.RawMessage {
	return fmt.Appendf(nil, `{"edits":%d,"write":%d}`, edits, n)
}

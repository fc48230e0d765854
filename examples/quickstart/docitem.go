package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// Records of the user's own in DynamoDB: in the old shape {id, …}, in the new one {id, doc: {…}}.

func encodeFlatItem(d Doc) (dynamostore.Item, error) {
	item, err := attributesOf(d)
	if err != nil {
		return nil, err
	}
	item[idAttribute] = &types.AttributeValueMemberS{Value: d.ID}
	return item, nil
}

func attributesOf(d Doc) (dynamostore.Item, error) {
	item := make(dynamostore.Item, len(d.Doc)+1)
	for name, raw := range d.Doc {
		av, err := toAttribute(raw)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		item[name] = av
	}
	return item, nil
}

func decodeFlatItem(item dynamostore.Item) (d Doc, err error) {
	d.Doc = make(map[string]json.RawMessage, len(item))
	for name, av := range item {
		if name == idAttribute {
			d.ID = idOf(item)
			continue
		}
		if d.Doc[name], err = appendAttribute(nil, av); err != nil {
			return d, fmt.Errorf("%q: %w", name, err)
		}
	}
	return d, nil
}

func idOf(item dynamostore.Item) string {
	if id, ok := item[idAttribute].(*types.AttributeValueMemberS); ok {
		return id.Value
	}
	return "" // no other one is ever written
}

func encodeNestedItem(d Doc) (dynamostore.Item, error) {
	fields, err := attributesOf(d)
	return dynamostore.Item{
		idAttribute: &types.AttributeValueMemberS{Value: d.ID},
		nestedField: &types.AttributeValueMemberM{Value: fields},
	}, err
}

func decodeNestedItem(item dynamostore.Item) (Doc, error) {
	nested, ok := item[nestedField].(*types.AttributeValueMemberM)
	if !ok {
		return Doc{}, fmt.Errorf("there is no map in the attribute %q", nestedField)
	}
	d, err := decodeFlatItem(nested.Value)
	d.ID = idOf(item)
	return d, err
}

// settleItem returns a record as DynamoDB gives it back, where a number has one spelling and a map no order.
func settleItem(d Doc) (Doc, error) {
	for name := range d.Doc {
		switch name {
		case metaAttribute:
			return d, fmt.Errorf("the field %q has a meaning of its own in DynamoDB", name)
		case "":
			return d, errors.New("a field has no name, which DynamoDB does not take")
		}
	}
	fields, err := encodeNestedItem(d)
	if err != nil {
		return d, err
	}
	if d, err = decodeNestedItem(fields); err != nil {
		return d, err
	}
	text, err := appendJSON(nil, d)
	if len(text) > maxItemText {
		err = fmt.Errorf("the record has %d bytes, at most %d are taken: an item of DynamoDB has 400 KB, and may count up to twice as much", len(text), maxItemText)
	}
	return d, err
}

// maxItemText is in bytes: half of what an item may have, as a list of empty lists takes nearly twice the room that it has in
// JSON, without what the SDK and the live writers add.
const maxItemText = 200<<10 - 4<<10

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// JSON values in attributes of DynamoDB, and back. Nothing is rounded: a number is one with up to 38 digits, and one with
// more is refused.

const (
	// maxAttributeNesting is how many levels of objects and arrays a value may have; DynamoDB takes 32 in an item.
	maxAttributeNesting = 30
	// maxDigits, and the powers of ten of a number's first digit, are what a number of DynamoDB can be.
	maxDigits                  = 38
	minMagnitude, maxMagnitude = -130, 125
)

func toAttribute(raw json.RawMessage) (types.AttributeValue, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return nextAttribute(dec, 0)
}

// nextAttribute reads the next value.
func nextAttribute(dec *json.Decoder, depth int) (types.AttributeValue, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxAttributeNesting {
		return nil, fmt.Errorf("it is nested more than %d levels deep", maxAttributeNesting)
	}
	switch t := token.(type) {
	case json.Number:
		return numberToAttribute(string(t))
	case string:
		return &types.AttributeValueMemberS{Value: t}, checkText(t)
	case bool:
		return &types.AttributeValueMemberBOOL{Value: t}, nil
	case json.Delim:
		if t == '{' {
			return objectToAttribute(dec, depth)
		}
		return arrayToAttribute(dec, depth)
	default:
		return &types.AttributeValueMemberNULL{Value: true}, nil
	}
}

func objectToAttribute(dec *json.Decoder, depth int) (types.AttributeValue, error) {
	m := dynamostore.Item{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name := token.(string) // the decoder takes nothing else here
		if _, twice := m[name]; twice {
			return nil, fmt.Errorf("the field %q is there twice", name)
		}
		if name == "" {
			return nil, errors.New("a field has no name, which DynamoDB does not take")
		}
		v, err := nextAttribute(dec, depth+1)
		if err := errors.Join(err, checkText(name)); err != nil {
			return nil, err
		}
		m[name] = v
	}
	_, err := dec.Token()
	return &types.AttributeValueMemberM{Value: m}, err
}

func arrayToAttribute(dec *json.Decoder, depth int) (types.AttributeValue, error) {
	list := []types.AttributeValue{}
	for dec.More() {
		v, err := nextAttribute(dec, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := dec.Token()
	return &types.AttributeValueMemberL{Value: list}, err
}

func numberToAttribute(s string) (types.AttributeValue, error) {
	digits, exp, ok := decimal(s)
	digits, negative := strings.CutPrefix(digits, "-")
	magnitude := exp + len(digits) - 1
	switch {
	case ok && digits == "" && negative:
		return nil, fmt.Errorf("%s is a negative zero, which no number in DynamoDB keeps", shorten([]byte(s)))
	case !ok || len(digits) > maxDigits || digits != "" && (magnitude < minMagnitude || magnitude > maxMagnitude):
		return nil, fmt.Errorf("%s has more digits than a number in DynamoDB keeps, or is out of its range", shorten([]byte(s)))
	}
	return &types.AttributeValueMemberN{Value: plainDecimal(digits, exp, negative)}, nil
}

// plainDecimal is the spelling that DynamoDB gives a number back in: without an exponent, and without zeros that mean
// nothing.
func plainDecimal(digits string, exp int, negative bool) string {
	sign := ""
	if negative {
		sign = "-"
	}
	switch whole := len(digits) + exp; {
	case digits == "":
		return "0"
	case exp >= 0:
		return sign + digits + strings.Repeat("0", exp)
	case whole > 0:
		return sign + digits[:whole] + "." + digits[whole:]
	default:
		return sign + "0." + strings.Repeat("0", -whole) + digits
	}
}

// appendAttribute appends a value as JSON, in the one spelling that it has here.
func appendAttribute(dst []byte, av types.AttributeValue) (_ []byte, err error) {
	switch v := av.(type) {
	case *types.AttributeValueMemberNULL:
		return append(dst, "null"...), nil
	case *types.AttributeValueMemberBOOL:
		return appendJSON(dst, v.Value)
	case *types.AttributeValueMemberS:
		return appendJSON(dst, v.Value)
	case *types.AttributeValueMemberN:
		return appendNumber(dst, v.Value)
	case *types.AttributeValueMemberL:
		dst = append(dst, '[')
		for i, e := range v.Value {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendAttribute(dst, e); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case *types.AttributeValueMemberM:
		return appendMap(dst, v.Value)
	default:
		return dst, fmt.Errorf("a value of type %T is none that this example has written", av)
	}
}

func appendMap(dst []byte, m dynamostore.Item) (_ []byte, err error) {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendJSON(dst, name); err != nil {
			return dst, err
		}
		if dst, err = appendAttribute(append(dst, ':'), m[name]); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// appendNumber spells a number as it is spelled out of a document of MongoDB, where that has one like it: the other place may
// be there.
func appendNumber(dst []byte, s string) ([]byte, error) {
	v, err := numberToBSON(s)
	if err != nil {
		return append(dst, s...), nil //nolint:nilerr // that MongoDB has no such number is all that it says
	}
	kind, b, err := bson.MarshalValue(v)
	if err != nil {
		return dst, err
	}
	return appendBSON(dst, bson.RawValue{Type: kind, Value: b})
}

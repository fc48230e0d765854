package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// JSON values in BSON, and back. Nothing is rounded: a number is an int64, a double or a Decimal128, the first that is
// just that number, and one that is none of them is refused.

// maxNesting is how many levels of objects and arrays a value may have; MongoDB takes 100 in a document.
const maxNesting = 90

func toBSON(raw json.RawMessage) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return nextBSON(dec, 0)
}

// nextBSON reads the next value.
func nextBSON(dec *json.Decoder, depth int) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxNesting {
		return nil, fmt.Errorf("it is nested more than %d levels deep", maxNesting)
	}
	switch t := token.(type) {
	case json.Number:
		return numberToBSON(string(t))
	case string:
		return t, checkText(t)
	case json.Delim:
		if t == '{' {
			return objectToBSON(dec, depth)
		}
		return arrayToBSON(dec, depth)
	default:
		return t, nil // a bool or nil
	}
}

// checkText refuses what the JSON decoder has put in the place of half a surrogate pair.
func checkText(s string) error {
	if strings.ContainsRune(s, utf8.RuneError) {
		return errors.New("a text has a character that is no Unicode text (U+FFFD, or half of a surrogate pair)")
	}
	return nil
}

func objectToBSON(dec *json.Decoder, depth int) (any, error) {
	d := bson.D{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name := token.(string) // the decoder takes nothing else here
		if strings.Contains(name, "\x00") {
			return nil, fmt.Errorf("the field %q has a zero byte in its name", name)
		}
		v, err := nextBSON(dec, depth+1)
		if err := errors.Join(err, checkText(name)); err != nil {
			return nil, err
		}
		d = append(d, bson.E{Key: name, Value: v})
	}
	_, err := dec.Token()
	return d, err
}

func arrayToBSON(dec *json.Decoder, depth int) (any, error) {
	a := bson.A{}
	for dec.More() {
		v, err := nextBSON(dec, depth+1)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
	_, err := dec.Token()
	return a, err
}

func numberToBSON(s string) (any, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && (n != 0 || s[0] != '-') {
		return n, nil
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && sameNumber(s, strconv.FormatFloat(f, 'e', -1, 64)) {
		return f, nil
	}
	if d, err := bson.ParseDecimal128(s); err == nil && sameNumber(s, d.String()) {
		return d, nil
	}
	return nil, fmt.Errorf("%s has more digits than a number in MongoDB keeps", shorten([]byte(s)))
}

// sameNumber compares what two spellings say, digit by digit.
func sameNumber(a, b string) bool {
	aDigits, aExp, aOK := decimal(a)
	bDigits, bExp, bOK := decimal(b)
	return aOK && bOK && aDigits == bDigits && aExp == bExp
}

// decimal takes a number apart: its digits with the sign, and the power of ten of the last one. Zeros at either end are
// left out.
func decimal(s string) (digits string, exp int, ok bool) {
	s = strings.ToLower(s)
	digits, negative := strings.CutPrefix(s, "-")
	digits, power, hasPower := strings.Cut(digits, "e")
	if hasPower {
		var err error
		if exp, err = strconv.Atoi(power); err != nil {
			return "", 0, false
		}
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	exp -= len(fraction)
	digits = strings.TrimLeft(whole+fraction, "0")
	trimmed := strings.TrimRight(digits, "0")
	exp += len(digits) - len(trimmed)
	if trimmed == "" {
		exp = 0
	}
	if negative {
		trimmed = "-" + trimmed
	}
	return trimmed, exp, true
}

// appendBSON appends a value as JSON, in the one spelling that it has here.
func appendBSON(dst []byte, v bson.RawValue) ([]byte, error) {
	switch v.Type {
	case bson.TypeNull:
		return append(dst, "null"...), nil
	case bson.TypeBoolean:
		return strconv.AppendBool(dst, v.Boolean()), nil
	case bson.TypeString:
		return appendJSON(dst, v.StringValue())
	case bson.TypeInt64:
		return strconv.AppendInt(dst, v.Int64(), 10), nil
	case bson.TypeDouble:
		return appendJSON(dst, v.Double())
	case bson.TypeDecimal128:
		return append(dst, v.Decimal128().String()...), nil
	case bson.TypeArray:
		return appendElements(dst, '[', ']', bson.Raw(v.Array()))
	case bson.TypeEmbeddedDocument:
		return appendElements(dst, '{', '}', v.Document())
	default:
		return dst, fmt.Errorf("a value of type %v is none that this example has written", v.Type)
	}
}

func appendElements(dst []byte, open, end byte, doc bson.Raw) ([]byte, error) {
	elements, err := doc.Elements()
	if err != nil {
		return dst, err
	}
	dst = append(dst, open)
	for i, e := range elements {
		if i > 0 {
			dst = append(dst, ',')
		}
		if open == '{' {
			if dst, err = appendJSON(dst, e.Key()); err != nil {
				return dst, err
			}
			dst = append(dst, ':')
		}
		if dst, err = appendBSON(dst, e.Value()); err != nil {
			return dst, err
		}
	}
	return append(dst, end), nil
}

package crossstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// This file is what a user might write who has documents of any shape and wants items of them that can be read: numbers are
// numbers and texts are texts. It does not try to be lossless, and has no checks of its own: that decimals have one form in
// DynamoDB, that there is no NaN and no 1E300, is for the stores and the copier to find and to say.

func avS(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func avN(n any) types.AttributeValue    { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }
func avB(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

func avM(nameAndValue ...any) types.AttributeValue {
	m := dynamostore.Item{}
	for i := 0; i < len(nameAndValue); i += 2 {
		m[nameAndValue[i].(string)], _ = nameAndValue[i+1].(types.AttributeValue) // nil beside an error
	}
	return &types.AttributeValueMemberM{Value: m}
}

// itemOf makes an item of a document. The order of its fields is kept in one attribute of its own.
func itemOf(doc bson.Raw) (dynamostore.Item, error) {
	fields, err := fieldsOf(doc)
	if err == nil {
		// The key is not a part of the value.
		list := fields.(*types.AttributeValueMemberL)
		list.Value = slices.DeleteFunc(list.Value, func(av types.AttributeValue) bool {
			return av.(*types.AttributeValueMemberM).Value["k"].(*types.AttributeValueMemberS).Value == "_id"
		})
	}
	return dynamostore.Item{"doc": fields}, err
}

func documentOf(item dynamostore.Item) (bson.Raw, error) {
	d, err := fromFields(item["doc"])
	if err != nil {
		return nil, err
	}
	return bson.Marshal(d)
}

func fieldsOf(doc bson.Raw) (types.AttributeValue, error) {
	elements, err := doc.Elements()
	list := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
	for _, e := range elements {
		av, err := attributeOf(e.Value())
		if err != nil {
			return nil, err
		}
		list.Value = append(list.Value, avM("k", avS(e.Key()), "v", av))
	}
	return list, err
}

func fromFields(av types.AttributeValue) (d bson.D, err error) {
	list, ok := av.(*types.AttributeValueMemberL)
	if !ok {
		return nil, fmt.Errorf("%T is no document", av)
	}
	d = bson.D{}
	for _, av := range list.Value {
		m := av.(*types.AttributeValueMemberM).Value
		v, err := bsonOf(m["v"])
		if err != nil {
			return nil, err
		}
		d = append(d, bson.E{Key: m["k"].(*types.AttributeValueMemberS).Value, Value: v})
	}
	return d, err
}

// attributeOf makes an attribute of a value.
func attributeOf(v bson.RawValue) (types.AttributeValue, error) {
	switch v.Type {
	case bson.TypeString:
		return avS(v.StringValue()), nil
	case bson.TypeInt32:
		return avM("int32", avN(v.Int32())), nil
	case bson.TypeInt64:
		return avN(v.Int64()), nil
	case bson.TypeDouble:
		return avM("double", avN(strconv.FormatFloat(v.Double(), 'g', -1, 64))), nil
	case bson.TypeDecimal128:
		return avM("decimal", avN(v.Decimal128())), nil
	case bson.TypeDateTime:
		return avM("date", avN(v.DateTime())), nil
	case bson.TypeObjectID:
		id := v.ObjectID()
		return avM("oid", avB(id[:])), nil
	case bson.TypeBinary:
		subtype, b := v.Binary()
		if subtype == bson.TypeBinaryGeneric {
			return avB(b), nil
		}
		return avM("binary", avB(b), "subtype", avN(subtype)), nil
	case bson.TypeTimestamp:
		return avM("timestamp", avN(binary.LittleEndian.Uint64(v.Value))), nil
	case bson.TypeRegex:
		pattern, options := v.Regex()
		return avM("regex", avS(pattern), "options", avS(options)), nil
	case bson.TypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: v.Boolean()}, nil
	case bson.TypeNull:
		return &types.AttributeValueMemberNULL{Value: true}, nil
	case bson.TypeEmbeddedDocument:
		fields, err := fieldsOf(v.Document())
		return avM("doc", fields), err
	case bson.TypeArray:
		return listOf(bson.Raw(v.Value))
	default:
		return nil, fmt.Errorf("there is no attribute for a %v", v.Type)
	}
}

func listOf(array bson.Raw) (types.AttributeValue, error) {
	values, err := array.Values()
	list := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
	for _, v := range values {
		av, err := attributeOf(v)
		if err != nil {
			return nil, err
		}
		list.Value = append(list.Value, av)
	}
	return list, err
}

// bsonOf is the inverse of attributeOf.
func bsonOf(av types.AttributeValue) (any, error) {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return av.Value, nil
	case *types.AttributeValueMemberN:
		return strconv.ParseInt(av.Value, 10, 64)
	case *types.AttributeValueMemberB:
		return bson.Binary{Data: av.Value}, nil
	case *types.AttributeValueMemberBOOL:
		return av.Value, nil
	case *types.AttributeValueMemberNULL:
		return nil, nil
	case *types.AttributeValueMemberL:
		list := bson.A{}
		for _, av := range av.Value {
			v, err := bsonOf(av)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case *types.AttributeValueMemberM:
		return marked(av.Value)
	default:
		return nil, fmt.Errorf("%T is none of ours", av)
	}
}

// marked is a value that needs more than an attribute's type to be known.
func marked(m dynamostore.Item) (any, error) {
	number := func(name string) string { return m[name].(*types.AttributeValueMemberN).Value }
	switch {
	case m["doc"] != nil:
		return fromFields(m["doc"])
	case m["int32"] != nil:
		n, err := strconv.ParseInt(number("int32"), 10, 32)
		return int32(n), err
	case m["double"] != nil:
		return strconv.ParseFloat(number("double"), 64)
	case m["decimal"] != nil:
		return bson.ParseDecimal128(number("decimal"))
	case m["date"] != nil:
		n, err := strconv.ParseInt(number("date"), 10, 64)
		return bson.DateTime(n), err
	case m["oid"] != nil:
		return bson.ObjectID(m["oid"].(*types.AttributeValueMemberB).Value), nil
	case m["binary"] != nil:
		n, err := strconv.Atoi(number("subtype"))
		return bson.Binary{Subtype: byte(n), Data: m["binary"].(*types.AttributeValueMemberB).Value}, err
	case m["timestamp"] != nil:
		n, err := strconv.ParseUint(number("timestamp"), 10, 64)
		return bson.Timestamp{T: uint32(n >> 32), I: uint32(n & math.MaxUint32)}, err
	case m["regex"] != nil:
		return bson.Regex{Pattern: m["regex"].(*types.AttributeValueMemberS).Value, Options: m["options"].(*types.AttributeValueMemberS).Value}, nil
	default:
		return nil, errors.New("a map is none of ours")
	}
}

// fieldsOfItem makes a document of an item: what a user might write who goes the other way. Numbers are decimals.
func fieldsOfItem(m dynamostore.Item) (d bson.D, err error) {
	d = bson.D{}
	for name, av := range m {
		v, err := valueOf(av)
		if err != nil {
			return nil, err
		}
		d = append(d, bson.E{Key: name, Value: v})
	}
	slices.SortFunc(d, func(a, b bson.E) int { return strings.Compare(a.Key, b.Key) })
	return d, err
}

func valueOf(av types.AttributeValue) (any, error) {
	list := func(n int, at func(int) (any, error)) (all bson.A, err error) {
		all = bson.A{}
		for i := range n {
			v, err := at(i)
			if err != nil {
				return nil, err
			}
			all = append(all, v)
		}
		return all, err
	}
	set := func(name string, all bson.A, err error) (any, error) { return bson.D{{Key: name, Value: all}}, err }
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return av.Value, nil
	case *types.AttributeValueMemberN:
		return bson.ParseDecimal128(av.Value)
	case *types.AttributeValueMemberB:
		return bson.Binary{Data: av.Value}, nil
	case *types.AttributeValueMemberBOOL:
		return av.Value, nil
	case *types.AttributeValueMemberNULL:
		return nil, nil
	case *types.AttributeValueMemberL:
		return list(len(av.Value), func(i int) (any, error) { return valueOf(av.Value[i]) })
	case *types.AttributeValueMemberM:
		fields, err := fieldsOfItem(av.Value)
		return bson.D{{Key: "map", Value: fields}}, err
	case *types.AttributeValueMemberSS:
		all, err := list(len(av.Value), func(i int) (any, error) { return av.Value[i], nil })
		return set("strings", all, err)
	case *types.AttributeValueMemberNS:
		all, err := list(len(av.Value), func(i int) (any, error) { return bson.ParseDecimal128(av.Value[i]) })
		return set("numbers", all, err)
	case *types.AttributeValueMemberBS:
		all, err := list(len(av.Value), func(i int) (any, error) { return bson.Binary{Data: av.Value[i]}, nil })
		return set("binaries", all, err)
	default:
		return nil, fmt.Errorf("%T is none of DynamoDB's", av)
	}
}

// itemOfFields is the inverse of fieldsOfItem.
func itemOfFields(doc bson.Raw) (dynamostore.Item, error) {
	elements, err := doc.Elements()
	m := dynamostore.Item{}
	for _, e := range elements {
		av, err := attributeOfValue(e.Value())
		if err != nil {
			return nil, err
		}
		m[e.Key()] = av
	}
	return m, err
}

func attributeOfValue(v bson.RawValue) (types.AttributeValue, error) {
	switch v.Type {
	case bson.TypeString:
		return avS(v.StringValue()), nil
	case bson.TypeDecimal128:
		return avN(plain(v.Decimal128())), nil
	case bson.TypeBinary:
		_, b := v.Binary()
		return avB(b), nil
	case bson.TypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: v.Boolean()}, nil
	case bson.TypeNull:
		return &types.AttributeValueMemberNULL{Value: true}, nil
	case bson.TypeArray:
		values, err := bson.Raw(v.Value).Values()
		list := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
		for _, v := range values {
			av, err := attributeOfValue(v)
			if err != nil {
				return nil, err
			}
			list.Value = append(list.Value, av)
		}
		return list, err
	case bson.TypeEmbeddedDocument:
		return markedAttribute(v.Document())
	default:
		return nil, fmt.Errorf("a %v is none of ours", v.Type)
	}
}

func markedAttribute(doc bson.Raw) (types.AttributeValue, error) {
	elements, err := doc.Elements()
	if err != nil || len(elements) != 1 {
		return nil, errors.New("a document is none of ours")
	}
	v := elements[0].Value()
	if elements[0].Key() == "map" {
		m, err := itemOfFields(v.Document())
		return &types.AttributeValueMemberM{Value: m}, err
	}
	values, err := bson.Raw(v.Value).Values()
	var strs, numbers []string
	var binaries [][]byte
	for _, v := range values {
		switch v.Type {
		case bson.TypeString:
			strs = append(strs, v.StringValue())
		case bson.TypeDecimal128:
			numbers = append(numbers, plain(v.Decimal128()))
		case bson.TypeBinary:
			_, b := v.Binary()
			binaries = append(binaries, b)
		}
	}
	switch elements[0].Key() {
	case "strings":
		return &types.AttributeValueMemberSS{Value: strs}, err
	case "numbers":
		return &types.AttributeValueMemberNS{Value: numbers}, err
	default:
		return &types.AttributeValueMemberBS{Value: binaries}, err
	}
}

// plain is a number in the form that DynamoDB answers with.
func plain(d bson.Decimal128) string {
	n, exp, err := d.BigInt()
	if err != nil {
		return d.String()
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exp, -exp))), nil)
	if exp >= 0 {
		return n.Mul(n, power).String()
	}
	s := strings.TrimRight(new(big.Rat).SetFrac(n, power).FloatString(-exp), "0")
	return strings.TrimSuffix(s, ".")
}

package main

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Decimal is a Decimal128 in MongoDB, which has 34 digits, and a number in DynamoDB, which has 38. What does not fit is an
// error, and is never rounded. It has one form, that of DynamoDB, in plain digits: a Decimal128 of 1.50 becomes 1.5. (Who has
// to keep that apart stores a text.)
type Decimal string

// MarshalBSONValue implements bson.ValueMarshaler.
func (d Decimal) MarshalBSONValue() (typ byte, data []byte, err error) {
	n, err := bson.ParseDecimal128(string(d))
	if err != nil {
		return 0, nil, fmt.Errorf("%q is no Decimal128: %w", string(d), err)
	}
	t, data, err := bson.MarshalValue(n)
	return byte(t), data, err
}

// UnmarshalBSONValue implements bson.ValueUnmarshaler.
func (d *Decimal) UnmarshalBSONValue(typ byte, data []byte) error {
	n, ok := bson.RawValue{Type: bson.Type(typ), Value: data}.Decimal128OK()
	if !ok {
		return fmt.Errorf("a BSON %v is no Decimal128", bson.Type(typ))
	}
	digits, exp, err := n.BigInt()
	if err != nil {
		return fmt.Errorf("%v is no number: %w", n, err)
	}
	*d = plain(digits, exp)
	return nil
}

// plain is digits × 10^exp.
func plain(digits *big.Int, exp int) Decimal {
	if digits.Sign() == 0 {
		return "0"
	}
	s, sign := digits.String(), ""
	if s[0] == '-' {
		s, sign = s[1:], "-"
	}
	for ; exp < 0 && s[len(s)-1] == '0'; exp++ {
		s = s[:len(s)-1]
	}
	if exp >= 0 {
		return Decimal(sign + s + strings.Repeat("0", exp))
	}
	if missing := 1 - exp - len(s); missing > 0 {
		s = strings.Repeat("0", missing) + s
	}
	point := len(s) + exp
	return Decimal(sign + s[:point] + "." + s[point:])
}

// MarshalDynamoDBAttributeValue implements attributevalue.Marshaler. It takes nothing that the other place would not.
func (d Decimal) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	_, err := bson.ParseDecimal128(string(d))
	if err != nil {
		return nil, fmt.Errorf("%q is no Decimal128: %w", string(d), err)
	}
	return &types.AttributeValueMemberN{Value: string(d)}, nil
}

// UnmarshalDynamoDBAttributeValue implements attributevalue.Unmarshaler.
func (d *Decimal) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	n, ok := av.(*types.AttributeValueMemberN)
	if !ok {
		return fmt.Errorf("a %T is no number", av)
	}
	*d = Decimal(n.Value)
	return nil
}

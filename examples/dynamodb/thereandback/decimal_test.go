package main

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestDecimal(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Decimal{
		"0": "0", "-0": "0", "0E+3": "0", "1": "1", "-1.50": "-1.5", "1E+3": "1000", "1E-3": "0.001", "12.5": "12.5", "100": "100", "1.00E+2": "100",
		"7.201E-28": "0.0000000000000000000000000007201", "1234567890123456789012345678901234": "1234567890123456789012345678901234",
	} {
		n, err := bson.ParseDecimal128(in)
		if err != nil {
			t.Fatal(err)
		}
		typ, data, err := bson.MarshalValue(n)
		if err != nil {
			t.Fatal(err)
		}
		var got, again, there Decimal
		err = got.UnmarshalBSONValue(byte(typ), data)
		typ2, data, errBack := got.MarshalBSONValue()
		errAgain := again.UnmarshalBSONValue(typ2, data)
		av, errAV := got.MarshalDynamoDBAttributeValue()
		errThere := there.UnmarshalDynamoDBAttributeValue(av)
		if err := errors.Join(err, errBack, errAgain, errAV, errThere); err != nil || got != want || again != want || there != want {
			t.Errorf("%s is %s, again %s, there %s, want %s: %v", in, got, again, there, want, err)
		}
	}
}

func TestDecimalRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	for _, n := range []bson.Decimal128{bson.NewDecimal128(0x7c00000000000000, 0), bson.NewDecimal128(0x7800000000000000, 0)} {
		var d Decimal
		if typ, data, err := bson.MarshalValue(n); err != nil || d.UnmarshalBSONValue(byte(typ), data) == nil {
			t.Errorf("%v is %s, %v", n, d, err)
		}
	}
	d := Decimal("12345678901234567890123456789012345678")
	if _, _, err := d.MarshalBSONValue(); err == nil {
		t.Error("38 digits are a Decimal128")
	}
	if _, err := d.MarshalDynamoDBAttributeValue(); err == nil {
		t.Error("DynamoDB gets what MongoDB can not have")
	}
	if typ, data, err := bson.MarshalValue(1.5); err != nil || d.UnmarshalBSONValue(byte(typ), data) == nil {
		t.Error("a double is a Decimal128")
	}
	if d.UnmarshalDynamoDBAttributeValue(&types.AttributeValueMemberS{Value: "1"}) == nil {
		t.Error("a text is a number")
	}
}

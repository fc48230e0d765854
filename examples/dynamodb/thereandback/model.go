package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Place is a place in both databases: the tags say how each of them stores it.
type Place struct {
	Name    string `bson:"name" dynamodbav:"name"`
	Country string `bson:"country" dynamodbav:"country"`
	// Lat and Lng are decimal in both, and exact. A double of MongoDB would be a float64, which is exact in both as well.
	Lat Decimal `bson:"lat" dynamodbav:"lat"`
	Lng Decimal `bson:"lng" dynamodbav:"lng"`
	// Visits is an int32 in MongoDB, as it was. DynamoDB has one type of number.
	Visits int64 `bson:"visits,minsize" dynamodbav:"visits"`
	// Seen is a date in MongoDB, which has milliseconds: the service truncates what it writes. In DynamoDB it is a text (RFC
	// 3339).
	Seen time.Time `bson:"seen" dynamodbav:"seen"`
	// Photo is binary in both.
	Photo []byte `bson:"photo,omitempty" dynamodbav:"photo,omitempty"`
	// Tags are a set in DynamoDB, which sorts it; the service keeps it sorted.
	Tags []string `bson:"tags,omitempty" dynamodbav:"tags,stringset,omitempty"`
	// Rest are all other fields of a document, whatever their types.
	Rest Rest `bson:",inline" dynamodbav:"rest,omitempty"`
}

// Rest are fields that the service does not know. In DynamoDB they are one binary attribute with their BSON, so that nothing
// is lost of types that DynamoDB does not have.
type Rest map[string]bson.RawValue

// MarshalDynamoDBAttributeValue implements attributevalue.Marshaler. The fields are sorted: the same ones are the same bytes.
func (r Rest) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	doc := bson.D{}
	for _, name := range slices.Sorted(maps.Keys(r)) {
		doc = append(doc, bson.E{Key: name, Value: r[name]})
	}
	b, err := bson.Marshal(doc)
	return &types.AttributeValueMemberB{Value: b}, err
}

// UnmarshalDynamoDBAttributeValue implements attributevalue.Unmarshaler.
func (r *Rest) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	b, ok := av.(*types.AttributeValueMemberB)
	if !ok {
		return fmt.Errorf("a %T is no rest of a document", av)
	}
	return bson.Unmarshal(b.Value, (*map[string]bson.RawValue)(r))
}

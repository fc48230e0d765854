package main

import (
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// Places in DynamoDB: the shapes are those in MongoDB, with the partition key id for _id.

func encodeOldItem(p Place) (dynamostore.Item, error) { return attributevalue.MarshalMap(p.old()) }

func decodeOldItem(item dynamostore.Item) (Place, error) {
	var o oldPlace
	if err := attributevalue.UnmarshalMap(item, &o); err != nil {
		return Place{}, err
	}
	return o.place()
}

func encodeNewItem(p Place) (dynamostore.Item, error) {
	item, err := attributevalue.MarshalMap(p)
	if p.Admin == (Admin{}) {
		delete(item, "admin")
	}
	return item, err
}

func decodeNewItem(item dynamostore.Item) (p Place, err error) {
	return p, attributevalue.UnmarshalMap(item, &p)
}

package main

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

type item = dynamostore.Item

// Country is an item under its code.
type Country struct {
	Name  string   `dynamodbav:"name"`
	Motto string   `dynamodbav:"motto"`
	Tags  []string `dynamodbav:"tags,stringset,omitempty"`
}

// City is an item under its id, which begins with the code of its country.
type City struct {
	Name    string                `dynamodbav:"name"`
	Country string                `dynamodbav:"country"`
	Lat     attributevalue.Number `dynamodbav:"lat"` // exact: no float64
	Lng     attributevalue.Number `dynamodbav:"lng"`
}

const (
	partition = "COUNTRY#" // and the code of the country
	ofCountry = "COUNTRY"
	ofCity    = "CITY#" // and the id of the city
)

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// value is a string of an item; "" if it is none.
func value(m item, name string) string {
	if s, ok := m[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// countryItems is where countries are in the new table. The key of a record is its code in both tables.
func countryItems() *dynamostore.Options[string, Country] {
	return &dynamostore.Options[string, Country]{
		EncodeKey: func(code string) (item, error) {
			return item{"pk": text(partition + code), "sk": text(ofCountry)}, nil
		},
		DecodeKey: func(m item) (string, error) {
			code, ok := strings.CutPrefix(value(m, "pk"), partition)
			if !ok || value(m, "sk") != ofCountry {
				return "", fmt.Errorf("%w: %s %s is no country", dynamostore.ErrOtherKind, value(m, "pk"), value(m, "sk"))
			}
			return code, nil
		},
	}
}

// cityItems is where cities are in the new table: with their country.
func cityItems() *dynamostore.Options[string, City] {
	return &dynamostore.Options[string, City]{
		EncodeKey: func(id string) (item, error) {
			code, _, ok := strings.Cut(id, "-")
			if !ok {
				return nil, fmt.Errorf("the id %q does not begin with a country", id)
			}
			return item{"pk": text(partition + code), "sk": text(ofCity + id)}, nil
		},
		DecodeKey: func(m item) (string, error) {
			id, ok := strings.CutPrefix(value(m, "sk"), ofCity)
			if !ok {
				return "", fmt.Errorf("%w: %s %s is no city", dynamostore.ErrOtherKind, value(m, "pk"), value(m, "sk"))
			}
			return id, nil
		},
	}
}

package main

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// Place is a place as the service works with it. Its key is its number in the gazetteer.
type Place struct {
	Title     string
	Position  Position
	Divisions []string
	// Rest are all other attributes, so that they come along.
	Rest dynamostore.Item
}

// Position is in degrees, with as many digits as they have: numbers of DynamoDB are decimal, and exact to 38 digits.
type Position struct {
	Lat attributevalue.Number `dynamodbav:"lat"`
	Lng attributevalue.Number `dynamodbav:"lng"`
}

// oldPlace are the attributes of the old model that the service knows.
type oldPlace struct {
	Name   string                `dynamodbav:"name"`
	Lat    attributevalue.Number `dynamodbav:"lat"`
	Lng    attributevalue.Number `dynamodbav:"lng"`
	Admin1 string                `dynamodbav:"admin1,omitempty"`
	Admin2 string                `dynamodbav:"admin2,omitempty"`
}

// newPlace are those of the new model.
type newPlace struct {
	Title     string   `dynamodbav:"title"`
	Position  Position `dynamodbav:"position"`
	Divisions []string `dynamodbav:"divisions"`
}

// oldModel is the table as it was so far. Its key is a number, which is what an int64 is. It goes when the migration is over.
func oldModel() *dynamostore.Options[int64, Place] {
	return &dynamostore.Options[int64, Place]{
		Encode: func(p Place) (dynamostore.Item, error) {
			o := oldPlace{Name: p.Title, Lat: p.Position.Lat, Lng: p.Position.Lng}
			switch len(p.Divisions) {
			case 2:
				o.Admin2 = p.Divisions[1]
				fallthrough
			case 1:
				o.Admin1 = p.Divisions[0]
			case 0:
			default:
				return nil, fmt.Errorf("the old table has room for two divisions, not %d", len(p.Divisions))
			}
			return item(o, p.Rest)
		},
		Decode: func(m dynamostore.Item) (Place, error) {
			o, rest, err := known[oldPlace](m, "number", "name", "lat", "lng", "admin1", "admin2")
			p := Place{Title: o.Name, Position: Position{o.Lat, o.Lng}, Divisions: []string{}, Rest: rest}
			if o.Admin1 != "" || o.Admin2 != "" {
				p.Divisions = append(p.Divisions, o.Admin1)
			}
			if o.Admin2 != "" {
				p.Divisions = append(p.Divisions, o.Admin2)
			}
			return p, err
		},
	}
}

// newModel is the table of tomorrow, in which places of other gazetteers have room too. So its key is a string; the key of the
// service stays a number, and two functions map it.
func newModel() *dynamostore.Options[int64, Place] {
	return &dynamostore.Options[int64, Place]{
		EncodeKey: func(id int64) (dynamostore.Item, error) {
			return dynamostore.Item{"place": &types.AttributeValueMemberS{Value: newKey(id)}}, nil
		},
		DecodeKey: func(m dynamostore.Item) (int64, error) {
			digits, ok := strings.CutPrefix(placeOf(m), gazetteer)
			id, err := strconv.ParseInt(digits, 10, 64)
			if !ok || err != nil || newKey(id) != placeOf(m) {
				return 0, fmt.Errorf("%q is no place of the gazetteer", placeOf(m))
			}
			return id, nil
		},
		Encode: func(p Place) (dynamostore.Item, error) {
			return item(newPlace{p.Title, p.Position, p.Divisions}, p.Rest)
		},
		Decode: func(m dynamostore.Item) (Place, error) {
			n, rest, err := known[newPlace](m, "place", "title", "position", "divisions")
			return Place{n.Title, n.Position, n.Divisions, rest}, err
		},
	}
}

// gazetteer is what the new keys of these places begin with.
const gazetteer = "gazetteer:"

func newKey(id int64) string { return gazetteer + strconv.FormatInt(id, 10) }

// placeOf is the new key of an item; "" if it has none.
func placeOf(m dynamostore.Item) string {
	if s, ok := m["place"].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// known are the attributes that a struct maps, and the rest. The key is in neither.
func known[T any](m dynamostore.Item, names ...string) (v T, rest dynamostore.Item, err error) {
	mine := dynamostore.Item{}
	rest = maps.Clone(m)
	for _, name := range names {
		if av, ok := rest[name]; ok {
			mine[name] = av
			delete(rest, name)
		}
	}
	err = attributevalue.UnmarshalMap(mine, &v)
	return v, rest, err
}

// item is the inverse.
func item(v any, rest dynamostore.Item) (dynamostore.Item, error) {
	m, err := attributevalue.MarshalMap(v)
	if err != nil {
		return nil, err
	}
	for name, av := range rest {
		if _, there := m[name]; there {
			return nil, errors.New("the rest has an attribute of the model: " + name)
		}
		m[name] = av
	}
	return m, nil
}

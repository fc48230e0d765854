package main

import (
	"context"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/examples/internal/places"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

const items = 1500

// load stores items as a service left them that never knew the SDK, and returns them by key. There are attributes of types
// that JSON and floats would spoil.
func load(ctx context.Context, tables *example.Tables, table string) (map[int64]dynamostore.Item, error) {
	sample, err := places.Sample(items)
	if err != nil {
		return nil, err
	}
	before, all := map[int64]dynamostore.Item{}, []dynamostore.Item{}
	for i, p := range sample {
		id := int64(1_000_000 + 7*i)
		m, err := attributevalue.MarshalMap(oldPlace{
			Name: p.Name, Lat: attributevalue.Number(p.Lat), Lng: attributevalue.Number(p.Lng), Admin1: p.Admin1, Admin2: p.Admin2,
		})
		if err != nil {
			return nil, err
		}
		m["number"] = number(fmt.Sprint(id))
		m["country"] = text(p.Country)
		m["area"] = number(fmt.Sprintf("%d.%036d1", 1+i%9, i))                         // 38 digits
		m["tags"] = &types.AttributeValueMemberSS{Value: []string{p.Country, "place"}} // sorted, as the store returns it
		m["photo"] = &types.AttributeValueMemberB{Value: []byte{0, byte(i), 0xff}}
		m["mayor"] = &types.AttributeValueMemberNULL{Value: true}
		m["note"] = text("")
		before[id], all = m, append(all, m)
	}
	return before, tables.Load(ctx, table, all)
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

// decoded are the places as the service sees them.
func decoded(before map[int64]dynamostore.Item) (map[int64]Place, error) {
	m := make(map[int64]Place, len(before))
	decode := oldModel().Decode
	for id, item := range before {
		p, err := decode(item)
		if err != nil {
			return nil, err
		}
		m[id] = p
	}
	return m, nil
}

// requests are what the clients of the service write.
var requests = example.Requests[int64, Place]{
	New: func(n int64) (int64, Place) {
		return 2_000_000 + n, Place{
			Title: fmt.Sprint("Newtown ", n), Position: Position{attributevalue.Number(fmt.Sprintf("%d.25", n%90)), "0"},
			Divisions: []string{"ZZ"}, Rest: dynamostore.Item{"country": text("ZZ")},
		}
	},
	Edit: func(p *Place, n int64) {
		p.Title = fmt.Sprint("Newname ", n)
		p.Divisions = []string{[]string{"", "NN"}[n%2], "nn"}
	},
}

// remodelled is what becomes of an item: the new model beside all that was there.
func remodelled(id int64, before dynamostore.Item, p Place) dynamostore.Item {
	after := maps.Clone(before)
	if after == nil {
		after = dynamostore.Item{"country": text("ZZ")}
	}
	for _, name := range []string{"number", "name", "lat", "lng", "admin1", "admin2"} {
		delete(after, name)
	}
	divisions := []types.AttributeValue{}
	for _, d := range p.Divisions {
		divisions = append(divisions, text(d))
	}
	after["place"] = text(newKey(id))
	after["title"] = text(p.Title)
	after["position"] = &types.AttributeValueMemberM{Value: dynamostore.Item{"lat": number(string(p.Position.Lat)), "lng": number(string(p.Position.Lng))}}
	after["divisions"] = &types.AttributeValueMemberL{Value: divisions}
	return after
}

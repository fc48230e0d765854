package main

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/examples/internal/places"
)

const (
	// documents is how many cities there are at the beginning.
	documents = 1000
	// country is the one that the service shows.
	country = "US"
)

// load stores items as a service left them that never knew the SDK, and returns them as records.
func load(ctx context.Context, tables *example.Tables, to sources) (map[string]Country, map[string]City, error) {
	sample, err := places.Sample(documents)
	if err != nil {
		return nil, nil, err
	}
	countries, cities := map[string]Country{}, map[string]City{}
	for _, p := range sample {
		cities[p.ID] = City{p.Name, p.Country, attributevalue.Number(p.Lat), attributevalue.Number(p.Lng)}
		countries[p.Country] = Country{Name: p.Country, Motto: "The motto of " + p.Country, Tags: []string{"country", "place"}}
	}
	return countries, cities, errors.Join(store(ctx, tables, to.countries, "code", countries), store(ctx, tables, to.cities, "id", cities))
}

func store[V any](ctx context.Context, tables *example.Tables, table, key string, records map[string]V) error {
	var items []item
	for id, v := range records {
		m, err := attributevalue.MarshalMap(v)
		if err != nil {
			return err
		}
		m[key] = text(id)
		items = append(items, m)
	}
	return tables.Load(ctx, table, items)
}

// countryRequests and cityRequests are what the clients of the service write.
var countryRequests = example.Requests[string, Country]{
	New:  func(n int64) (string, Country) { return fmt.Sprint("Z", n), Country{Name: fmt.Sprint("Newland ", n)} },
	Edit: func(c *Country, n int64) { c.Motto = fmt.Sprint("Motto ", n) },
}

var cityRequests = example.Requests[string, City]{
	New: func(n int64) (string, City) {
		return fmt.Sprintf("%s-9%05d", country, n), City{Name: fmt.Sprint("Newtown ", n), Country: country, Lat: "0.5", Lng: "-100"}
	},
	Edit: func(c *City, n int64) { c.Name = fmt.Sprint("Newname ", n) },
}

// wanted are all items of the new table, by their keys.
func wanted(countries map[string]Country, cities map[string]City) map[string]item {
	want := make(map[string]item, len(countries)+len(cities))
	add := func(pk, sk string, attributes item) {
		all := item{"pk": text(pk), "sk": text(sk)}
		maps.Copy(all, attributes)
		want[pk+" "+sk] = all
	}
	for code, c := range countries {
		attributes := item{"name": text(c.Name), "motto": text(c.Motto)}
		if len(c.Tags) > 0 {
			attributes["tags"] = &types.AttributeValueMemberSS{Value: c.Tags}
		}
		add("COUNTRY#"+code, "COUNTRY", attributes)
	}
	for id, c := range cities {
		add("COUNTRY#"+c.Country, "CITY#"+id, item{
			"name": text(c.Name), "country": text(c.Country),
			"lat": &types.AttributeValueMemberN{Value: string(c.Lat)}, "lng": &types.AttributeValueMemberN{Value: string(c.Lng)},
		})
	}
	return want
}

package main

import (
	"context"
	"fmt"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/examples/internal/places"
)

const (
	documents = 1500
	// damaged is a document that somebody has once changed by hand.
	damaged = "AT-vienna"
)

// load stores documents as a service left them that never knew the SDK, and returns them by id.
func load(ctx context.Context, coll *mongo.Collection) (map[string]bson.D, error) {
	sample, err := places.Sample(documents)
	if err != nil {
		return nil, err
	}
	sample = append(sample, places.Place{ID: damaged, Name: "Wien", Country: "AT", Lat: "48,20849", Lng: "16.37208"})
	before, docs := map[string]bson.D{}, []bson.D{}
	for _, p := range sample {
		doc := bson.D{
			{Key: "_id", Value: p.ID},
			{Key: "lat", Value: p.Lat},
			{Key: "lng", Value: p.Lng},
			{Key: "name", Value: p.Name},
			{Key: "in", Value: bson.A{p.Country, p.Admin1, p.Admin2}},
		}
		before[p.ID], docs = doc, append(docs, doc)
	}
	_, err = coll.InsertMany(ctx, docs)
	return before, err
}

// positions are those that the clients of the service ask for.
func positions(before map[string]bson.D) (map[string]Place, error) {
	m := make(map[string]Place, len(before))
	for id, doc := range before {
		if id == damaged {
			continue
		}
		lat, err := strconv.ParseFloat(doc[1].Value.(string), 64)
		if err != nil {
			return nil, err
		}
		lng, err := strconv.ParseFloat(doc[2].Value.(string), 64)
		if err != nil {
			return nil, err
		}
		m[id] = at(lat, lng)
	}
	return m, nil
}

// requests are what the clients of the service write.
var requests = example.Requests[string, Place]{
	New:  func(n int64) (string, Place) { return fmt.Sprintf("ZZ-%05d", n), at(float64(n%90), .5) },
	Edit: func(p *Place, n int64) { p.Location.Coordinates = [2]float64{float64(n%180) + .25, -0.125} },
}

// located is what becomes of a document: location instead of lat and lng. One that a client has created has nothing else.
func located(before bson.D, coordinates [2]float64) bson.D {
	after := bson.D{{Key: "location", Value: bson.D{
		{Key: "type", Value: "Point"},
		{Key: "coordinates", Value: bson.A{coordinates[0], coordinates[1]}},
	}}}
	for _, field := range before {
		if field.Key != "lat" && field.Key != "lng" {
			after = append(after, field)
		}
	}
	return after
}

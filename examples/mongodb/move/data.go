package main

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/examples/internal/places"
)

const (
	documents = 1500
	// newtowns is the country of all places that clients create.
	newtowns = "ZZ"
)

// load stores documents as a service left them that never knew the SDK, and returns them by id. There are fields of types that
// no Go type of the service knows.
func load(ctx context.Context, coll *mongo.Collection) (map[string]bson.D, error) {
	sample, err := places.Sample(documents)
	if err != nil {
		return nil, err
	}
	before, docs := map[string]bson.D{}, []bson.D{}
	for i, p := range sample {
		lat, err := bson.ParseDecimal128(p.Lat)
		if err != nil {
			return nil, err
		}
		doc := bson.D{
			{Key: "_id", Value: p.ID},
			{Key: "country", Value: p.Country},
			{Key: "name", Value: p.Name},
			{Key: "position", Value: bson.D{{Key: "lat", Value: lat}, {Key: "lng", Value: p.Lng}}},
			{Key: "seen", Value: bson.NewDateTimeFromTime(time.Unix(int64(i), 0))},
			{Key: "visits", Value: int32(i)},
			{Key: "mayor", Value: nil},
		}
		before[p.ID], docs = doc, append(docs, doc)
	}
	_, err = coll.InsertMany(ctx, docs)
	return before, err
}

// decoded are the places as the service sees them.
func decoded(before map[string]bson.D) (map[string]Place, error) {
	m := make(map[string]Place, len(before))
	for id, doc := range before {
		b, err := bson.Marshal(doc[1:]) // without _id
		if err != nil {
			return nil, err
		}
		var p Place
		if err := bson.Unmarshal(b, &p); err != nil {
			return nil, err
		}
		m[id] = p
	}
	return m, nil
}

// requests are what the clients of the service write.
var requests = example.Requests[string, Place]{
	New: func(n int64) (string, Place) {
		return fmt.Sprintf("ZZ-%05d", n), Place{Name: fmt.Sprint("Newtown ", n), Country: newtowns}
	},
	Edit: func(p *Place, n int64) { p.Name = fmt.Sprint("Newname ", n) },
}

// moved is what becomes of a document: only what the clients wrote is different.
func moved(before bson.D, p Place) bson.D {
	after := bson.D{{Key: "name", Value: p.Name}, {Key: "country", Value: p.Country}}
	for _, field := range before {
		if field.Key != "name" && field.Key != "country" {
			after = append(after, field)
		}
	}
	return after
}

package main

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/examples/internal/places"
	"github.com/dualwrite/dualwrite/flags"
)

const (
	documents = 1500
	// country is the one whose places the service lists.
	country = "US"
)

// load stores documents as a service left them that never knew the SDK, and returns them by id.
func load(ctx context.Context, coll *mongo.Collection) (map[string]bson.D, error) {
	sample, err := places.Sample(documents)
	if err != nil {
		return nil, err
	}
	before, docs := map[string]bson.D{}, []bson.D{}
	for i, p := range sample {
		doc := bson.D{
			{Key: "_id", Value: p.ID},
			{Key: "name", Value: p.Name},
			{Key: "country", Value: p.Country},
			{Key: "position", Value: bson.D{{Key: "lat", Value: p.Lat}, {Key: "lng", Value: p.Lng}}},
			{Key: "visits", Value: int32(i)},
		}
		before[p.ID], docs = doc, append(docs, doc)
	}
	_, err = coll.InsertMany(ctx, docs)
	return before, err
}

func titles(before map[string]bson.D) map[string]Place {
	m := make(map[string]Place, len(before))
	for id, doc := range before {
		m[id] = Place{Title: doc[1].Value.(string)}
	}
	return m
}

// requests are what the clients of the service write.
var requests = example.Requests[string, Place]{
	New: func(n int64) (string, Place) {
		return fmt.Sprintf("ZZ-%05d", n), Place{Title: fmt.Sprint("Newtown ", n)}
	},
	Edit: func(p *Place, n int64) { p.Title = fmt.Sprint("Newname ", n) },
}

// renamed is what becomes of a document: title instead of name, and a visit in each phase if it is one of the country's. One
// that a client has created has only a title.
func renamed(before bson.D, title string) bson.D {
	after := bson.D{{Key: "title", Value: title}}
	for _, field := range before {
		switch field.Key {
		case "name":
			continue
		case "visits":
			if before[2].Value == country {
				field.Value = field.Value.(int32) + int32(len(flags.Phases()))
			}
		}
		after = append(after, field)
	}
	return after
}

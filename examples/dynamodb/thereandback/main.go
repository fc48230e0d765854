// Command thereandback moves a collection of MongoDB into a table of DynamoDB, while the service reads and writes it, and
// afterwards, in a second migration, back into another collection. In the end each document is what it was, byte for byte,
// but for what the service has written.
//
//	go run ./internal/servers/with mongodb,dynamodb -- go run ./examples/dynamodb/thereandback
package main

import (
	"context"
	"log"
	"os"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

func main() { os.Exit(example.OnBoth("thereandback", run)) }

func run(ctx context.Context, db *mongo.Database, tables *example.Tables, out *log.Logger) error {
	table, err := tables.Create(ctx, "places", "id:B") // 12 bytes, as an ObjectID has them
	if err != nil {
		return err
	}
	from, to := db.Collection("places"), db.Collection("places_again")
	before, err := load(ctx, from)
	if err != nil {
		return err
	}
	start, err := decoded(before)
	if err != nil {
		return err
	}
	old, err := mongostore.New[bson.ObjectID, Place](ctx, from, nil)
	if err != nil {
		return err
	}
	// Keys that are the same in both places have one canonical form. Each store has its own for an ObjectID: one of the two has
	// to take the other's.
	middle, err := dynamostore.New(ctx, tables.Client, table, &dynamostore.Options[bson.ObjectID, Place]{Keys: mongostore.Keys[bson.ObjectID]()})
	if err != nil {
		return err
	}
	out.Print("from MongoDB to DynamoDB")
	there, err := migrate(ctx, old, middle, start, requests(1e5), out)
	if err != nil {
		return err
	}
	items, err := itemsOf(before, there)
	if err != nil {
		return err
	}
	if err := example.CompareItems(ctx, tables.Client, table, idOf, items); err != nil {
		return err
	}
	out.Printf("  checked %d items: numbers, times, bytes, sets, and the rest of each document", len(items))

	again, err := mongostore.New[bson.ObjectID, Place](ctx, to, nil)
	if err != nil {
		return err
	}
	out.Print("from DynamoDB to MongoDB")
	back, err := migrate(ctx, middle, again, there, requests(1e6), out)
	if err != nil {
		return err
	}
	want := make(map[bson.ObjectID]bson.D, len(back))
	for id, p := range back {
		want[id] = returned(before[id], p)
	}
	if err := example.Compare(ctx, to, want); err != nil {
		return err
	}
	out.Printf("checked %d documents: back, every field byte for byte, none missing, none back from the dead", len(want))
	return nil
}

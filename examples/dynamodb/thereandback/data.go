package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/examples/internal/places"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

const documents = 1000

// load stores documents as a service left them that never knew the SDK, and returns them by id. There are fields of types that
// DynamoDB does not have, and that no Go type of the service knows.
func load(ctx context.Context, coll *mongo.Collection) (map[bson.ObjectID]bson.D, error) {
	sample, err := places.Sample(documents)
	if err != nil {
		return nil, err
	}
	before, docs := map[bson.ObjectID]bson.D{}, []bson.D{}
	for i, p := range sample {
		lat, errLat := bson.ParseDecimal128(p.Lat)
		lng, errLng := bson.ParseDecimal128(p.Lng)
		if err := errors.Join(errLat, errLng); err != nil {
			return nil, err
		}
		doc := bson.D{
			{Key: "_id", Value: objectID(int64(i))},
			{Key: "name", Value: p.Name},
			{Key: "country", Value: p.Country},
			{Key: "lat", Value: lat},
			{Key: "lng", Value: lng},
			{Key: "visits", Value: int32(i)},
			{Key: "seen", Value: bson.NewDateTimeFromTime(time.UnixMilli(int64(i) * 1_000_001))},
			{Key: "photo", Value: bson.Binary{Data: []byte{0, byte(i), 0xff}}},
			{Key: "tags", Value: bson.A{p.Country, "place"}},
			{Key: "owner", Value: objectID(int64(-i))},
			{Key: "uuid", Value: bson.Binary{Subtype: bson.TypeBinaryUUID, Data: make([]byte, 16)}},
			{Key: "changed", Value: bson.Timestamp{T: uint32(i), I: 1}},
			{Key: "matches", Value: bson.Regex{Pattern: "^" + p.Country, Options: "i"}},
			{Key: "mayor", Value: nil},
			{Key: "scores", Value: bson.A{int32(i), int64(i), 0.1, bson.D{{Key: "deep", Value: bson.A{}}}}},
		}
		before[objectID(int64(i))], docs = doc, append(docs, doc)
	}
	_, err = coll.InsertMany(ctx, docs)
	return before, err
}

func objectID(n int64) (id bson.ObjectID) {
	binary.BigEndian.PutUint64(id[:8], uint64(n)*0x9e3779b97f4a7c15) // spread
	binary.BigEndian.PutUint32(id[8:], uint32(n))
	return id
}

// decoded are the places as the service sees them.
func decoded(before map[bson.ObjectID]bson.D) (map[bson.ObjectID]Place, error) {
	m := make(map[bson.ObjectID]Place, len(before))
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

// requests are what the clients of the service write. The places that they create are numbered from first.
func requests(first int64) example.Requests[bson.ObjectID, Place] {
	return example.Requests[bson.ObjectID, Place]{
		New: func(n int64) (bson.ObjectID, Place) {
			return objectID(first + n), Place{Name: fmt.Sprint("Newtown ", n), Country: "ZZ", Lat: "0.5", Lng: "-100", Seen: time.UnixMilli(n).UTC()}
		},
		Edit: func(p *Place, n int64) {
			p.Visits = n
			p.Lat = Decimal(fmt.Sprintf("%d.%030d1", n%90, n))
			p.Seen = time.Now().UTC().Truncate(time.Millisecond)
			p.Tags = []string{fmt.Sprintf("visited %06d", n), fmt.Sprintf("visits %d", n/100)}
		},
	}
}

// restOf are the fields of a document that the service does not know.
func restOf(before bson.D) bson.D {
	if before == nil {
		return nil
	}
	return before[9:]
}

// itemsOf are the items that have to be in the table, by their ids.
func itemsOf(before map[bson.ObjectID]bson.D, there map[bson.ObjectID]Place) (map[string]dynamostore.Item, error) {
	items := make(map[string]dynamostore.Item, len(there))
	for id, p := range there {
		item := dynamostore.Item{
			"id":      &types.AttributeValueMemberB{Value: id[:]},
			"name":    &types.AttributeValueMemberS{Value: p.Name},
			"country": &types.AttributeValueMemberS{Value: p.Country},
			"lat":     &types.AttributeValueMemberN{Value: string(p.Lat)},
			"lng":     &types.AttributeValueMemberN{Value: string(p.Lng)},
			"visits":  &types.AttributeValueMemberN{Value: fmt.Sprint(p.Visits)},
			"seen":    &types.AttributeValueMemberS{Value: p.Seen.Format(time.RFC3339Nano)},
		}
		if len(p.Photo) > 0 {
			item["photo"] = &types.AttributeValueMemberB{Value: p.Photo}
		}
		if len(p.Tags) > 0 {
			item["tags"] = &types.AttributeValueMemberSS{Value: p.Tags}
		}
		if rest := slices.Clone(restOf(before[id])); len(rest) > 0 {
			slices.SortFunc(rest, func(a, b bson.E) int { return cmp.Compare(a.Key, b.Key) })
			b, err := bson.Marshal(rest)
			if err != nil {
				return nil, err
			}
			item["rest"] = &types.AttributeValueMemberB{Value: b}
		}
		items[string(id[:])] = item
	}
	return items, nil
}

// idOf is the id of an item.
func idOf(m dynamostore.Item) string {
	b, _ := m["id"].(*types.AttributeValueMemberB)
	return string(b.Value)
}

// returned is what becomes of a document: what the service has written, and the rest as it was.
func returned(before bson.D, p Place) bson.D {
	lat, _ := bson.ParseDecimal128(string(p.Lat)) // those that the service reads are some
	lng, _ := bson.ParseDecimal128(string(p.Lng))
	after := bson.D{
		{Key: "name", Value: p.Name}, {Key: "country", Value: p.Country}, {Key: "lat", Value: lat}, {Key: "lng", Value: lng},
		{Key: "visits", Value: int32(p.Visits)}, {Key: "seen", Value: bson.NewDateTimeFromTime(p.Seen)},
	}
	if len(p.Photo) > 0 {
		after = append(after, bson.E{Key: "photo", Value: p.Photo})
	}
	if len(p.Tags) > 0 {
		after = append(after, bson.E{Key: "tags", Value: p.Tags})
	}
	return append(after, restOf(before)...)
}

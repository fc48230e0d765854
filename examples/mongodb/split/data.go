package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/examples/internal/places"
)

const documents = 1500

// load stores documents as a service left them that never knew the SDK: a user in each of some places of the world, some
// without an address. It returns them by id, as documents and as users.
func load(ctx context.Context, coll *mongo.Collection) (map[bson.ObjectID]bson.D, map[bson.ObjectID]User, error) {
	sample, err := places.Sample(documents)
	if err != nil {
		return nil, nil, err
	}
	before, users, docs := map[bson.ObjectID]bson.D{}, map[bson.ObjectID]User{}, []bson.D{}
	for i, p := range sample {
		u := User{ID: objectID(int64(i)), Username: fmt.Sprint("user", i), Addresses: []Address{}}
		address := Address{Line1: fmt.Sprintf("%d Main Street", i%100+1), Line2: p.Name + ", " + p.Country}
		if i%7 == 0 {
			address = Address{}
		} else {
			u.Addresses = append(u.Addresses, address)
		}
		rest := bson.D{
			{Key: "since", Value: bson.NewDateTimeFromTime(time.Unix(int64(i)*1e5, 0))},
			{Key: "settings", Value: bson.D{{Key: "theme", Value: "dark"}, {Key: "font", Value: int32(i)}}},
		}
		doc := append(bson.D{
			{Key: "_id", Value: u.ID},
			{Key: "username", Value: u.Username},
			{Key: "address_line_1", Value: address.Line1},
			{Key: "address_line_2", Value: address.Line2},
		}, rest...)
		if u.Rest, err = raw(rest); err != nil {
			return nil, nil, err
		}
		before[u.ID], users[u.ID], docs = doc, u, append(docs, doc)
	}
	_, err = coll.InsertMany(ctx, docs)
	return before, users, err
}

func raw(fields bson.D) (m map[string]bson.RawValue, err error) {
	b, err := bson.Marshal(fields)
	if err == nil {
		err = bson.Unmarshal(b, &m)
	}
	return m, err
}

func objectID(n int64) (id bson.ObjectID) {
	binary.BigEndian.PutUint64(id[:8], uint64(n)*0x9e3779b97f4a7c15) // spread
	binary.BigEndian.PutUint32(id[8:], uint32(n))
	return id
}

// requests are what the clients of the service write.
var requests = example.Requests[bson.ObjectID, User]{
	New: func(n int64) (bson.ObjectID, User) {
		id := objectID(documents + n)
		return id, User{ID: id, Username: fmt.Sprint("newcomer", n), Addresses: []Address{}}
	},
	// Users move in with others, and now and then leave all their addresses.
	Edit: func(u *User, n int64) {
		if n%9 == 0 {
			u.Addresses = []Address{}
		} else {
			u.Addresses = append(slices.Clone(u.Addresses), Address{Line1: fmt.Sprint(n, " Second Street"), Line2: "Newtown"})
		}
	},
}

// listed is what becomes of a document: a list of addresses instead of one in two fields.
func listed(before bson.D, u User) bson.D {
	addresses := bson.A{}
	for _, a := range u.Addresses {
		addresses = append(addresses, bson.D{{Key: "line_1", Value: a.Line1}, {Key: "line_2", Value: a.Line2}})
	}
	after := bson.D{{Key: "username", Value: u.Username}, {Key: "addresses", Value: addresses}}
	for _, field := range before {
		switch field.Key {
		case "username", "address_line_1", "address_line_2":
		default:
			after = append(after, field)
		}
	}
	return after
}

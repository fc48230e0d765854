package mongostore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// The examples need a server, so they are not run as examples: TestExamples runs them, and knows what they print.

// db is a database of the service's own client.
var db *mongo.Database

// write is what a repository does for each write: it stamps it, and says what it may replace.
func write[K, V any](ctx context.Context, s stores.Store[K, V], key K, r stores.Record[V]) error {
	clock, err := stores.NewClock(nil)
	if err != nil {
		return err
	}
	if r.Version, err = clock.Next(); err != nil {
		return err
	}
	return s.Put(ctx, stores.Write[K, V]{Key: key, Record: r, If: stores.IfOlder(r.Version)})
}

// A struct with bson tags in a collection. The fields that it does not map survive each write.
func Example() {
	ctx := context.Background()
	coll := db.Collection("users")
	_, err := coll.InsertOne(ctx, bson.D{{Key: "_id", Value: "ada"}, {Key: "name", Value: "Ada"}, {Key: "theme", Value: "dark"}})
	if err != nil {
		log.Fatal(err)
	}

	type User struct {
		Name string `bson:"name"`
	}
	users, err := mongostore.New[string, User](ctx, coll, nil)
	if err != nil {
		log.Fatal(err)
	}
	before, err := users.Get(ctx, "ada")
	fmt.Println(before.Value, before.Version, err)
	err = write(ctx, users, "ada", stores.Record[User]{Value: User{Name: "Countess"}})
	if err != nil {
		log.Fatal(err)
	}
	doc, err := coll.FindOne(ctx, bson.D{{Key: "_id", Value: "ada"}}).Raw()
	fmt.Println(doc.Lookup("name"), doc.Lookup("theme"), doc.Lookup("_dw").Type, err)
	// It prints:
	// {Ada} unstamped <nil>
	// "Countess" "dark" embedded document <nil>
}

// Two views of the documents of one collection, to rename a field in place. Each has its own metadata, and the copier
// takes one for old and one for new, as it would take two collections.
func ExampleOptions_rename() {
	ctx := context.Background()
	coll := db.Collection("places")
	_, err := coll.InsertOne(ctx, bson.D{{Key: "_id", Value: int64(1)}, {Key: "name", Value: "Wien"}, {Key: "country", Value: "AT"}})
	if err != nil {
		log.Fatal(err)
	}

	type Place struct {
		Title string `bson:"title"`
	}
	renamed, err := mongostore.New(ctx, coll, &mongostore.Options[int64, Place]{Fields: []string{"title"}})
	if err != nil {
		log.Fatal(err)
	}
	old, err := mongostore.New(ctx, coll, &mongostore.Options[int64, Place]{
		Fields: []string{"name"},
		Meta:   "_dw_old",
		Encode: func(p Place) (bson.D, error) { return bson.D{{Key: "name", Value: p.Title}}, nil },
		Decode: func(doc bson.Raw) (p Place, err error) { return p, doc.Lookup("name").Unmarshal(&p.Title) },
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = renamed.Get(ctx, 1)
	fmt.Println("not in new yet:", errors.Is(err, stores.ErrNotFound))
	for entry, err := range old.Scan(ctx, "", nil) { // as a copy would
		if err != nil {
			log.Fatal(err)
		}
		err = renamed.Put(ctx, stores.Write[int64, Place]{Key: entry.Key, Record: entry.Record, If: stores.IfOlder(entry.Record.Version)})
		if err != nil {
			log.Fatal(err)
		}
	}
	doc, err := coll.FindOne(ctx, bson.D{}).Raw()
	fmt.Println(doc, err)
	// It prints:
	// not in new yet: true
	// {"_id": {"$numberLong":"1"},"name": "Wien","country": "AT","title": "Wien"} <nil>
}

// Decode and Encode map a document to a value that looks different.
func ExampleOptions_mapping() {
	ctx := context.Background()
	type Address struct {
		Line1 string `bson:"address_line_1"`
		Line2 string `bson:"address_line_2"`
	}
	type User struct{ Addresses []Address }
	users, err := mongostore.New(ctx, db.Collection("customers"), &mongostore.Options[bson.ObjectID, User]{
		Fields: []string{"address_line_1", "address_line_2"},
		Encode: func(u User) (bson.D, error) {
			if len(u.Addresses) != 1 {
				return nil, fmt.Errorf("there is room for one address, not for %d", len(u.Addresses))
			}
			a := u.Addresses[0]
			return bson.D{{Key: "address_line_1", Value: a.Line1}, {Key: "address_line_2", Value: a.Line2}}, nil
		},
		Decode: func(doc bson.Raw) (User, error) {
			var a Address
			err := bson.Unmarshal(doc, &a)
			return User{Addresses: []Address{a}}, err
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	id := bson.NewObjectID()
	err = write(ctx, users, id, stores.Record[User]{Value: User{}})
	fmt.Println("permanent:", errors.Is(err, stores.ErrPermanent))
	err = write(ctx, users, id, stores.Record[User]{Value: User{Addresses: []Address{{"1 Main Street", "Newtown"}}}})
	if err != nil {
		log.Fatal(err)
	}
	r, err := users.Get(ctx, id)
	fmt.Println(r.Value, err)
	// It prints:
	// permanent: true
	// {[{1 Main Street Newtown}]} <nil>
}

// Records that expire: from that moment on they read as deleted, whether the database has removed them or not.
func ExampleOptions_expiry() {
	ctx := context.Background()
	type Session struct {
		User    string    `bson:"user"`
		Expires time.Time `bson:"expires"`
	}
	sessions, err := mongostore.New(ctx, db.Collection("sessions"), &mongostore.Options[string, Session]{
		ExpiresAt: func(s Session) time.Time { return s.Expires },
	})
	if err != nil {
		log.Fatal(err)
	}
	for id, left := range map[string]time.Duration{"fresh": time.Hour, "stale": -time.Second} {
		err := write(ctx, sessions, id, stores.Record[Session]{Value: Session{User: "ada", Expires: time.Now().Add(left)}})
		if err != nil {
			log.Fatal(err)
		}
	}
	for _, id := range []string{"fresh", "stale"} {
		r, err := sessions.Get(ctx, id)
		fmt.Println(id, r.Live(), r.Value.User, err)
	}
	// It prints:
	// fresh true ada <nil>
	// stale false  <nil>
}

// A query of the application's own leaves out what was deleted: until the migration is finished it is still there.
func ExampleLive() {
	ctx := context.Background()
	coll := db.Collection("pets")
	type Pet struct {
		Name string `bson:"name"`
	}
	pets, err := mongostore.New[string, Pet](ctx, coll, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range []stores.Record[Pet]{{Value: Pet{"Rex"}}, {Meta: stores.Meta{Deleted: true}}} {
		if err := write(ctx, pets, fmt.Sprint("pet ", r.Deleted), r); err != nil {
			log.Fatal(err)
		}
	}
	all, err := coll.CountDocuments(ctx, bson.D{})
	fmt.Println(all, err)
	live, err := coll.CountDocuments(ctx, mongostore.Live())
	fmt.Println(live, err)
	// It prints:
	// 2 <nil>
	// 1 <nil>
}

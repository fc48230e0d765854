package crossstore

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/dualwrite/dualwritetest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/boltstore"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

type store = stores.Store[string, user]

// user is the record, in the new shape: with its address in a document of its own.
type user struct {
	Name    string   `bson:"name"`
	Visits  int64    `bson:"visits"`
	Address address  `bson:"address"`
	Tags    []string `bson:"tags,omitempty"`
}

type address struct {
	Street string `bson:"street"`
	City   string `bson:"city"`
}

// flat is the old shape, for which user has to be converted.
type flat struct {
	Username string   `bson:"username"`
	Count    int64    `bson:"count"`
	Line1    string   `bson:"line1"`
	Line2    string   `bson:"line2"`
	Labels   []string `bson:"labels,omitempty"`
}

var (
	oldFields = []string{"username", "count", "line1", "line2", "labels"}
	newFields = []string{"name", "visits", "address", "tags"}
)

func encodeFlat(u user) (d bson.D, err error) {
	raw, err := bson.Marshal(flat{u.Name, u.Visits, u.Address.Street, u.Address.City, u.Tags})
	if err == nil {
		err = bson.Unmarshal(raw, &d)
	}
	return d, err
}

func decodeFlat(raw bson.Raw) (user, error) {
	var f flat
	err := bson.Unmarshal(raw, &f)
	return user{f.Username, f.Count, address{f.Line1, f.Line2}, f.Labels}, err
}

func userKey(i int) string { return fmt.Sprintf("user-%04d", i) }

func userValue(i int) user {
	u := user{Name: fmt.Sprint("user ", i), Visits: int64(i), Address: address{Street: "Way", City: fmt.Sprint(i % 7)}}
	if i%3 == 0 {
		u.Tags = []string{"a", fmt.Sprint(i)}
	}
	return u
}

// collections gives each world its own database, and each subtest its own collections.
type collections struct {
	db   *mongo.Database
	next atomic.Int64
}

func (c *collections) collection() *mongo.Collection {
	return c.db.Collection(fmt.Sprint("c", c.next.Add(1)))
}

func open[V any](t *testing.T, coll *mongo.Collection, o *mongostore.Options[string, V]) stores.Store[string, V] {
	t.Helper()
	s, err := mongostore.New(t.Context(), coll, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bolt opens a file of its own.
func bolt[V any](t *testing.T) stores.Store[string, V] {
	t.Helper()
	db, err := boltstore.Open(filepath.Join(t.TempDir(), "records.bolt"), &boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := boltstore.View[string, V](db, "records", stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var flatWhole = &mongostore.Options[string, user]{Encode: encodeFlat, Decode: decodeFlat}

// mongoWorlds are the migrations that MongoDB is a place of. In the first two a pair of writes is one call: a transaction,
// and an update of one document.
var mongoWorlds = []struct {
	name string
	open func(t *testing.T, c *collections) (old, new store)
	o    *dualwrite.Options
	more bool // of the same code as others: not under -short
}{
	{name: "collection to collection", open: func(t *testing.T, c *collections) (old, new store) {
		return open(t, c.collection(), flatWhole), open[user](t, c.collection(), nil)
	}},
	{name: "in place", open: func(t *testing.T, c *collections) (old, new store) {
		coll := c.collection()
		return open(t, coll, &mongostore.Options[string, user]{Meta: "_old", Fields: oldFields, Encode: encodeFlat, Decode: decodeFlat}),
			open(t, coll, &mongostore.Options[string, user]{Meta: "_new", Fields: newFields})
	}},
	{name: "collection to collection, separate writes", open: func(t *testing.T, c *collections) (old, new store) {
		return open(t, c.collection(), flatWhole), open[user](t, c.collection(), nil)
	}, o: &dualwrite.Options{SeparateWrites: true}, more: true},
	{name: "bolt to MongoDB", open: func(t *testing.T, c *collections) (old, new store) {
		return bolt[user](t), open[user](t, c.collection(), nil)
	}},
	{name: "MongoDB to bolt", more: true, open: func(t *testing.T, c *collections) (old, new store) {
		return open(t, c.collection(), flatWhole), bolt[user](t)
	}},
}

func TestRepositoryOverMongoDB(t *testing.T) {
	for _, w := range mongoWorlds {
		if w.more && testing.Short() {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			c := &collections{db: mongotest.Database(t)}
			dualwritetest.Run(t, dualwritetest.Config[string, user]{
				Open: func(t *testing.T) (old, new store) { return w.open(t, c) },
				Key:  userKey, Value: func(_ string, i int) user { return userValue(i) }, Options: w.o,
			})
		})
	}
}

func TestExploreOverMongoDB(t *testing.T) {
	for _, w := range mongoWorlds {
		if w.o != nil {
			continue // the explorer separates writes by itself
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			c := &collections{db: mongotest.Database(t)}
			dualwritetest.Explore(t, dualwritetest.Config[string, user]{
				Open: func(t *testing.T) (old, new store) { return w.open(t, c) },
				Key:  userKey, Value: func(_ string, i int) user { return userValue(i) },
			}, &dualwritetest.ExploreOptions{Schedules: 600})
		})
	}
}

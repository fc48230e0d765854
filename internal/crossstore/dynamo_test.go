package crossstore

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/dualwrite/dualwritetest"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/boltstore"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// person is a record; the other place may have another shape of it.
type person struct {
	Name string `dynamodbav:"name"`
	Age  int    `dynamodbav:"age"`
}

func personOf(i int) person  { return person{fmt.Sprint("name ", i), i} }
func personKey(i int) string { return fmt.Sprintf("person-%d", i) }

func kit(open func(t *testing.T) (old, new stores.Store[string, person]), o *dualwrite.Options) dualwritetest.Config[string, person] {
	return dualwritetest.Config[string, person]{Open: open, Key: personKey, Value: personOf, Options: o}
}

// table opens a table of its own.
func table(t *testing.T, o *dynamostore.Options[string, person]) *dynamostore.Store[string, person] {
	t.Helper()
	client := dynamotest.Client(t)
	s, err := dynamostore.New(t.Context(), client, dynamotest.Table(t, client, "id:S"), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDynamoToDynamo: from table to table, each written by itself.
func TestDynamoToDynamo(t *testing.T) {
	t.Parallel()
	dualwritetest.Run(t, kit(func(t *testing.T) (old, new stores.Store[string, person]) {
		return table(t, nil), table(t, nil)
	}, nil))
}

// renamed is the new shape of a person: other attributes, of another type.
func renamed() *dynamostore.Options[string, person] {
	type shape struct {
		Full  string   `dynamodbav:"fullName"`
		Years []string `dynamodbav:"years"`
	}
	return &dynamostore.Options[string, person]{
		Attributes: []string{"fullName", "years"}, Meta: "_dw_new",
		Encode: func(p person) (dynamostore.Item, error) {
			return attributevalue.MarshalMap(shape{p.Name, []string{fmt.Sprint(p.Age)}})
		},
		Decode: func(m dynamostore.Item) (p person, err error) {
			var v shape
			if err := attributevalue.UnmarshalMap(m, &v); err != nil || len(v.Years) != 1 {
				return p, fmt.Errorf("years %v: %w", v.Years, err)
			}
			p.Name = v.Full
			_, err = fmt.Sscan(v.Years[0], &p.Age)
			return p, err
		},
	}
}

// TestDynamoInPlace: fields are renamed and retyped in the items where they are; both shapes are written in one request.
func TestDynamoInPlace(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]*dualwrite.Options{"pairs": nil, "separate": {SeparateWrites: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dualwritetest.Run(t, kit(func(t *testing.T) (old, new stores.Store[string, person]) {
				client := dynamotest.Client(t)
				name := dynamotest.Table(t, client, "id:S")
				before, err := dynamostore.New(t.Context(), client, name, &dynamostore.Options[string, person]{Attributes: []string{"name", "age"}})
				if err != nil {
					t.Fatal(err)
				}
				after, err := dynamostore.New(t.Context(), client, name, renamed())
				if err != nil {
					t.Fatal(err)
				}
				return before, after
			}, o))
		})
	}
}

// TestDynamoTransactions: two tables that are written by transactions.
func TestDynamoTransactions(t *testing.T) {
	t.Parallel()
	o := &dynamostore.Options[string, person]{TransactReads: true}
	dualwritetest.Run(t, kit(func(t *testing.T) (old, new stores.Store[string, person]) {
		client := dynamotest.Client(t)
		both := make([]stores.Store[string, person], 2)
		for i := range both {
			s, err := dynamostore.New(t.Context(), client, dynamotest.Table(t, client, "id:S"), o)
			if err != nil {
				t.Fatal(err)
			}
			both[i] = s
		}
		return both[0], both[1]
	}, nil))
}

// bolt opens a file of its own.
func bolt(t *testing.T) stores.Store[string, person] {
	t.Helper()
	db, err := boltstore.Open(filepath.Join(t.TempDir(), "people.bolt"), &boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := boltstore.View[string, person](db, "people", stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestBoltToDynamo and back: the same keys in two databases.
func TestBoltToDynamo(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) (old, new stores.Store[string, person]){
		"there": func(t *testing.T) (old, new stores.Store[string, person]) { return bolt(t), table(t, nil) },
		"back":  func(t *testing.T) (old, new stores.Store[string, person]) { return table(t, nil), bolt(t) },
	} {
		if name == "back" && testing.Short() {
			continue // of the same code
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dualwritetest.Run(t, kit(open, nil))
		})
	}
}

// TestMongoToDynamo and back: the same keys in two databases.
func TestMongoToDynamo(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T, c *collections) (old, new stores.Store[string, person]){
		"there": func(t *testing.T, c *collections) (old, new stores.Store[string, person]) {
			return people(t, c.collection()), table(t, nil)
		},
		"back": func(t *testing.T, c *collections) (old, new stores.Store[string, person]) {
			return table(t, nil), people(t, c.collection())
		},
	} {
		if name == "back" && testing.Short() {
			continue // of the same code
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &collections{db: mongotest.Database(t)}
			dualwritetest.Run(t, kit(func(t *testing.T) (old, new stores.Store[string, person]) { return open(t, c) }, nil))
		})
	}
}

func people(t *testing.T, coll *mongo.Collection) stores.Store[string, person] {
	t.Helper()
	s, err := mongostore.New[string, person](t.Context(), coll, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

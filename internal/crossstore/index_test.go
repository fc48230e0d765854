package crossstore

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// customer has an attribute that is the key of an index in the new place, and one that can be too deep for it.
type customer struct {
	Country string `bson:"country" dynamodbav:"country"`
	Tree    *tree  `bson:"tree" dynamodbav:"tree,omitempty"`
}

type tree struct {
	N    int   `bson:"n" dynamodbav:"n"`
	Next *tree `bson:"next" dynamodbav:"next,omitempty"`
}

func (c customer) String() string { return fmt.Sprintf("%.20s %v", c.Country, c.Tree) }

func treeOf(levels int) (t *tree) {
	for range levels {
		t = &tree{Next: t}
	}
	return t
}

// byCountry opens a table with an index by country.
func byCountry(t *testing.T) *dynamostore.Store[string, customer] {
	t.Helper()
	client := dynamotest.Client(t)
	schema, defs := dynamotest.Key("id:S")
	index, more := dynamotest.Index("by-country", "country:S")
	name := dynamotest.TableOf(t, client, &dynamodb.CreateTableInput{
		KeySchema: schema, AttributeDefinitions: append(defs, more...), GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{index},
	})
	s, err := dynamostore.New[string, customer](t.Context(), client, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func oldPlaces(t *testing.T) map[string]stores.Store[string, customer] {
	t.Helper()
	mem, err := memstore.New[string, customer](stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	mongo, err := mongostore.New[string, customer](t.Context(), mongotest.Collection(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]stores.Store[string, customer]{"memory": mem, "MongoDB": mongo}
}

// refusedByNew are values that old takes and the new table does not.
var refusedByNew = map[string]customer{
	"empty":    {},
	"too long": {Country: strings.Repeat("x", 2049)},
	"too deep": {Country: "de", Tree: treeOf(32)},
}

// TestWriteThatAnIndexRefusesLeavesTheRecordAsItWas: in read-new/write-both a client can send whatever the service lets
// through. It is told that this can not be stored, before anything is written; and nobody else notices.
func TestWriteThatAnIndexRefusesLeavesTheRecordAsItWas(t *testing.T) {
	t.Parallel()
	for name, old := range oldPlaces(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			new := byCountry(t)
			r, err := dualwrite.New[string, customer](old, new, flags.Static(flags.ReadNewWriteBoth), nil)
			if err != nil {
				t.Fatal(err)
			}
			for what, bad := range refusedByNew {
				good := customer{Country: "de"}
				if _, err := r.Put(t.Context(), what, good); err != nil {
					t.Fatal(err)
				}
				before, err := old.Get(t.Context(), what)
				if err != nil {
					t.Fatal(err)
				}
				refused := func(op string, err error) {
					t.Helper()
					if !errors.Is(err, dualwrite.ErrPermanent) || errors.Is(err, dualwrite.ErrIndeterminate) {
						t.Errorf("%s, %s: %v, want ErrPermanent", what, op, err)
					}
				}
				_, err = r.Put(t.Context(), what, bad)
				refused("put", err)
				_, err = r.Update(t.Context(), what, func(c *customer) error { *c = bad; return nil })
				refused("update", err)
				_, err = r.Create(t.Context(), what+", new", bad)
				refused("create", err)
				many, _ := r.PutMany(t.Context(), []dualwrite.Item[string, customer]{{Key: what, Value: bad}, {Key: "fine", Value: good}})
				refused("put many", many[0].Err)
				if many[1].Err != nil {
					t.Errorf("%s: the other one of put many: %v", what, many[1].Err)
				}

				if after, err := old.Get(t.Context(), what); err != nil || after.Meta != before.Meta {
					t.Errorf("%s: old has %v, want %v; %v", what, after.Meta, before.Meta, err)
				}
				if got, err := r.Get(t.Context(), what); err != nil || got.Country != "de" {
					t.Errorf("%s: read afterwards: %v, %v", what, got, err)
				}
				if _, err := r.Put(t.Context(), what, customer{Country: "fr"}); err != nil {
					t.Errorf("%s: a good write afterwards: %v", what, err)
				}
				if err := r.Delete(t.Context(), what); err != nil {
					t.Errorf("%s: a delete afterwards: %v", what, err)
				}
				if _, err := r.Get(t.Context(), what+", new"); !errors.Is(err, dualwrite.ErrNotFound) {
					t.Errorf("%s: what was not inserted: %v", what, err)
				}
			}
		})
	}
}

// TestCopyNamesWhatAnIndexRefuses, with the index and what is wrong, and copies the others.
func TestCopyNamesWhatAnIndexRefuses(t *testing.T) {
	t.Parallel()
	for name, old := range oldPlaces(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := maps.Clone(refusedByNew)
			all["good"], all["fine"] = customer{Country: "de"}, customer{Country: "fr", Tree: treeOf(31)}
			if _, err := stores.Import(t.Context(), old, maps.All(all)); err != nil {
				t.Fatal(err)
			}
			report, err := copier.Copy(t.Context(), old, byCountry(t), nil)
			if err != nil || report.Applied != 2 || len(report.Findings) != len(refusedByNew) {
				t.Fatalf("%+v, %v", report, err)
			}
			says := map[string]string{"empty": "is empty: it is the partition key of index by-country", "too long": "has 2049 bytes", "too deep": "more than 31 lists and maps"}
			for _, f := range report.Findings {
				if f.Kind != copier.KindRejected || says[string(f.Key)] == "" || !strings.Contains(f.Err.Error(), says[string(f.Key)]) {
					t.Errorf("%s %s: %v", f.Kind, f.Key, f.Err)
				}
			}
		})
	}
}

package crossstore

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/dualwrite/dualwrite/dualwrite/dualwritetest"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

type people = stores.Store[string, person]

// person is a record; the other place may have another shape of it.
type person struct {
	Name string `dynamodbav:"name"`
	Age  int    `dynamodbav:"age"`
}

func personOf(i int) person  { return person{fmt.Sprint("name ", i), i} }
func personKey(i int) string { return fmt.Sprintf("person-%d", i) }

// table opens a table of its own.
func table(t *testing.T) people {
	t.Helper()
	client := dynamotest.Client(t)
	s, err := dynamostore.New[string, person](t.Context(), client, dynamotest.Table(t, client, "id:S"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
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

// views are two shapes of the people in one table.
func views(t *testing.T) (old, new people) {
	t.Helper()
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
}

// transacted are two tables that are written by transactions.
func transacted(t *testing.T) (old, new people) {
	t.Helper()
	client := dynamotest.Client(t)
	both := make([]people, 2)
	for i := range both {
		s, err := dynamostore.New(t.Context(), client, dynamotest.Table(t, client, "id:S"), &dynamostore.Options[string, person]{TransactReads: true})
		if err != nil {
			t.Fatal(err)
		}
		both[i] = s
	}
	return both[0], both[1]
}

// dynamoWorlds are the migrations that DynamoDB is a place of. In the second and the third a pair of writes is one call: an
// update of one item, and a transaction. The explorer separates writes by itself.
var dynamoWorlds = []struct {
	name string
	open func(t *testing.T, c *collections) (old, new people)
	more bool // of the same code as others: not under -short
	kit  bool // nothing to explore that the others have not
}{
	{name: "table to table", open: func(t *testing.T, _ *collections) (old, new people) { return table(t), table(t) }},
	{name: "in place", open: func(t *testing.T, _ *collections) (old, new people) { return views(t) }},
	{name: "transactions", open: func(t *testing.T, _ *collections) (old, new people) { return transacted(t) }},
	{name: "bolt to DynamoDB", kit: true, open: func(t *testing.T, _ *collections) (old, new people) { return bolt[person](t), table(t) }},
	{name: "MongoDB to DynamoDB", kit: true, open: func(t *testing.T, c *collections) (old, new people) {
		return open[person](t, c.collection(), nil), table(t)
	}},
	{name: "DynamoDB to MongoDB", more: true, open: func(t *testing.T, c *collections) (old, new people) {
		return table(t), open[person](t, c.collection(), nil)
	}},
}

func TestRepositoryOverDynamoDB(t *testing.T) {
	for _, w := range dynamoWorlds {
		if w.more && testing.Short() {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			c := &collections{db: mongotest.Database(t)}
			dualwritetest.Run(t, dualwritetest.Config[string, person]{
				Open: func(t *testing.T) (old, new people) { return w.open(t, c) },
				Key:  personKey, Value: func(_ string, i int) person { return personOf(i) },
			})
		})
	}
}

func TestExploreOverDynamoDB(t *testing.T) {
	for _, w := range dynamoWorlds {
		if w.more || w.kit {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			c := &collections{db: mongotest.Database(t)}
			dualwritetest.Explore(t, dualwritetest.Config[string, person]{
				Open: func(t *testing.T) (old, new people) { return w.open(t, c) },
				Key:  personKey, Value: func(_ string, i int) person { return personOf(i) },
			}, &dualwritetest.ExploreOptions{Schedules: 300})
		})
	}
}

package dynamostore

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// refusesTo checks that New fails and that the error says all of what is wanted.
func refusesTo[K, V any](t *testing.T, client *dynamodb.Client, table string, o *Options[K, V], want ...string) {
	t.Helper()
	s, err := New(t.Context(), client, table, o)
	if err == nil {
		t.Fatalf("no error, want one with %q: %+v", want, s.own)
	}
	for _, w := range append(want, "dynamostore") {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %v\ndoes not say %q", err, w)
		}
	}
}

func TestNewSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	refusesTo[string, note](t, nil, "", &Options[string, note]{
		Encode: func(note) (Item, error) { return nil, nil }, DecodeKey: func(Item) (string, error) { return "", nil },
		Timeout: -1, Concurrency: -1, PageSize: -1, Attributes: []string{"a", "a", "", "_dw"}, Guard: "g",
	}, "a client is needed", "name of the table", "Encode and Decode", "EncodeKey and DecodeKey", "Timeout", "Concurrency", "PageSize",
		"names a twice", "names an empty one", "names _dw", "Guard g")
	client := newClient(t)
	refusesTo[string, note](t, client, "no-such-table", nil, `"no-such-table"`, "there is no such table")
	refusesTo(t, client, newTable(t, client, "id:S"), &Options[string, note]{Attributes: []string{}}, "Attributes is empty")
}

func TestKeysThatDoNotFitTheTable(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	simple, composite := newTable(t, client, "id:S"), newTable(t, client, "pk:S", "sk:N")
	refusesTo[int64, note](t, client, simple, nil, "partition key id (S)", "int64", "(N)")
	refusesTo[string, note](t, client, composite, nil, "partition key pk (S), sort key sk (N)", "string", "(S)")
	refusesTo[orderKey, note](t, client, simple, nil, "partition key id (S)", "pk (S), sk (N)")
	refusesTo[struct {
		A string `dynamodbav:"pk"`
		B string `dynamodbav:"sk"`
	}, note](t, client, composite, nil, "sort key sk (N)", "pk (S), sk (S)")
	refusesTo[float64, note](t, client, simple, nil, "float64", "EncodeKey", "Options.Keys")
	refusesTo[struct{ A []string }, note](t, client, simple, nil, "[]string")
	open[orderKey, note](t, client, composite, nil)

	// Functions are only known to be wrong when they are called.
	s := open(t, client, composite, &Options[string, note]{
		EncodeKey: func(k string) (Item, error) { return Item{"pk": avS(k), "sk": avS("x")}, nil },
		DecodeKey: func(m Item) (string, error) { return m["pk"].(*types.AttributeValueMemberS).Value, nil },
	})
	_, err := s.Get(t.Context(), "k")
	if o, _ := stores.OutcomeOf(err); o != stores.OutcomeRejected || !strings.Contains(err.Error(), "pk (S), sk (S)") {
		t.Errorf("error %v", err)
	}
}

func TestValuesThatDoNotFit(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	table := newTable(t, client, "id:S")
	type withAny struct {
		ID   string `dynamodbav:"id"`
		Deep []map[string]struct{ X any }
	}
	refusesTo[string, withAny](t, client, table, nil, "Deep", "interface")
	refusesTo[string, map[string]any](t, client, table, nil, "interface")
	refusesTo[string, struct{ F func() }](t, client, table, nil, "func")
	refusesTo[string, int](t, client, table, nil, "int is no item")
	refusesTo[string, struct{ ID string }](t, client, table, &Options[string, struct{ ID string }]{Meta: "ID"}, "maps ID")
	refusesTo[string, struct {
		ID string `dynamodbav:"id"`
	}](t, client, table, nil, "maps no attribute beside the key")
	refusesTo(t, client, table, &Options[string, note]{Attributes: []string{"n", "text"}}, "maps tags, which is not one of Attributes")
	refusesTo(t, client, table, &Options[string, note]{Attributes: []string{"n", "text", "tags", "id"}}, "names id", "primary key")
	refusesTo(t, client, table, &Options[string, note]{Meta: "id"}, "Meta id")
	refusesTo(t, client, table, &Options[string, note]{Guard: "text"}, "Guard", "integer")
	refusesTo(t, client, table, &Options[string, note]{Guard: "version"}, "does not map version")
}

func TestTimeToLiveHasToBeKnownToTheStore(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	table := newTable(t, client, "id:S")
	_, err := client.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: &table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("exp"), Enabled: aws.Bool(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	refusesTo[string, note](t, client, table, nil, "Time to Live on exp", "does not own")
	refusesTo[string, Item](t, client, table, nil, "Time to Live on exp", "set ExpiresAt")
	refusesTo(t, client, table, &Options[string, Item]{Attributes: []string{"a"}, ExpiresAt: func(Item) time.Time { return time.Time{} }}, "does not own")
	open(t, client, table, &Options[string, Item]{ExpiresAt: func(Item) time.Time { return time.Time{} }})
}

// TestFieldsAreThoseOfTheSDK compares what a struct is taken to map with what the SDK makes of a value.
func TestFieldsAreThoseOfTheSDK(t *testing.T) {
	t.Parallel()
	type Deep struct {
		A, Hidden string
		T         string `dynamodbav:"tagged"`
	}
	type Inner struct {
		Deep
		B, Hidden int
	}
	type Other struct{ B2, Twice string }
	type Third struct{ Twice string }
	type named struct{ C string }
	type all struct {
		Inner
		*Other
		Third
		Named  named `dynamodbav:"named,omitempty"`
		Hidden bool
		Skip   string `dynamodbav:"-"`
		tagged string
		Time   time.Time `dynamodbav:",unixtime"`
		Empty  []byte    `dynamodbav:",omitempty"`
	}
	v := all{Other: &Other{}, Empty: []byte{1}, tagged: "x"}
	want, err := attributevalue.MarshalMap(v)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCodec(&Options[string, all]{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, f := range c.fields {
		got[f.name] = true
	}
	for name := range want {
		if !got[name] {
			t.Errorf("%s is mapped by the SDK and is not owned", name)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("%v are owned and not mapped by the SDK, which maps %v", got, sortedNames(want))
	}
}

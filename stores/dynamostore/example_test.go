package dynamostore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/internal/servers"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// User is a record of the examples.
type User struct {
	ID   string `dynamodbav:"id"`
	Name string `dynamodbav:"name"`
}

// OrderKey is a composite key: its fields are the attributes of the table's key.
type OrderKey struct {
	Customer string `dynamodbav:"pk"`
	Number   int64  `dynamodbav:"sk"`
}

func Example() {
	withTable("users", []string{"id"}, func(ctx context.Context, client *dynamodb.Client) error {
		users, err := dynamostore.New[string, User](ctx, client, "users", nil)
		if err != nil {
			return err
		}
		clock, err := stores.NewClock(nil)
		if err != nil {
			return err
		}
		v, err := clock.Next()
		if err != nil {
			return err
		}
		create := stores.Write[string, User]{
			Key:    "7",
			Record: stores.Record[User]{Meta: stores.Meta{Version: v, Prev: stores.Absent}, Value: User{Name: "Ada"}},
			If:     stores.IfStamp(stores.Absent),
		}
		fmt.Println(users.Put(ctx, create))
		u, err := users.Get(ctx, "7")
		fmt.Println(u.Value, u.Version == v, err)
		return nil
	})
	// Prints:
	// <nil>
	// {7 Ada} true <nil>
}

// A partition key and a sort key, and the item itself as the value.
func ExampleNew_compositeKey() {
	withTable("orders", []string{"pk", "sk"}, func(ctx context.Context, client *dynamodb.Client) error {
		_, err := dynamostore.New[string, dynamostore.Item](ctx, client, "orders", nil)
		fmt.Println(err)
		orders, err := dynamostore.New[OrderKey, dynamostore.Item](ctx, client, "orders", nil)
		if err != nil {
			return err
		}
		b, err := orders.Keys().Append(nil, OrderKey{"ada", 12})
		fmt.Println(string(b), err)
		return nil
	})
	// Prints:
	// dynamostore: table "orders": the table has partition key pk (S), sort key sk (N), a key of type string is one attribute (S): use a key type that fits, or set EncodeKey and DecodeKey
	// ["ada",12] <nil>
}

// Two views of the same items: the attribute "name" becomes "fullName" in place, and both are written in one request.
func ExampleOptions_attributes() {
	withTable("people", []string{"id"}, func(ctx context.Context, client *dynamodb.Client) error {
		type before struct {
			Name string `dynamodbav:"name"`
		}
		old, err := dynamostore.New(ctx, client, "people", &dynamostore.Options[string, before]{Attributes: []string{"name"}})
		if err != nil {
			return err
		}
		renamed, err := dynamostore.New(ctx, client, "people", &dynamostore.Options[string, before]{
			Attributes: []string{"fullName"}, Meta: "_dw_new",
			Encode: func(p before) (dynamostore.Item, error) {
				return dynamostore.Item{"fullName": &types.AttributeValueMemberS{Value: p.Name}}, nil
			},
			Decode: func(m dynamostore.Item) (p before, err error) {
				name, ok := m["fullName"].(*types.AttributeValueMemberS)
				if !ok {
					return p, fmt.Errorf("no full name")
				}
				return before{name.Value}, nil
			},
		})
		if err != nil {
			return err
		}
		v := stores.Stamp{15: 1}.Version()
		w := stores.Write[string, before]{Key: "7", Record: stores.Record[before]{Meta: stores.Meta{Version: v}, Value: before{"Ada"}}, If: stores.IfOlder(v)}
		fmt.Println(stores.PutPair(ctx, old, w, renamed, w))
		p, err := renamed.Get(ctx, "7")
		fmt.Println(p.Value, err)
		return nil
	})
	// Prints:
	// <nil>
	// {Ada} <nil>
}

// TestExamples runs the examples where there is a server, and compares with what they say that they print. (With
// "Output:" they would fail where there is none.)
func TestExamples(t *testing.T) {
	servers.ForTest(t, servers.DynamoDB()) // for its verdict on a missing server
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, block := range regexp.MustCompile(`(?m)^\t// Prints:\n((\t// .*\n)+)`).FindAllStringSubmatch(string(source), -1) {
		want.WriteString(strings.ReplaceAll(block[1], "\t// ", ""))
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = file
	Example()
	ExampleNew_compositeKey()
	ExampleOptions_attributes()
	os.Stdout = stdout
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file.Name())
	if err != nil || string(got) != want.String() || len(got) == 0 {
		t.Errorf("%v: printed\n%swant\n%s", err, got, want.String())
	}
}

// withTable runs an example on a server of its own.
func withTable(name string, key []string, run func(context.Context, *dynamodb.Client) error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "dynamostore")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	server, err := servers.Start(ctx, servers.DynamoDB(), dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Stop() //nolint:errcheck // it ends with this process at the latest
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + server.Addr()),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "example", SecretAccessKey: "example"}, nil
		}),
	})
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i := range key {
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &key[i], KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: &key[i], AttributeType: []types.ScalarAttributeType{types.ScalarAttributeTypeS, types.ScalarAttributeTypeN}[i],
		})
	}
	if _, err := client.CreateTable(ctx, in); err != nil {
		fmt.Println(err)
		return
	}
	if err := run(ctx, client); err != nil {
		fmt.Println(err)
	}
}

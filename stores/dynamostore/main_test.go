package dynamostore

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/internal/servers"
	"github.com/dualwrite/dualwrite/stores"
)

// endpointVariable names another server to run the tests against: its URL, with credentials and region from the usual
// variables of AWS. Without it nothing but the server of these tests is ever asked.
const endpointVariable = "DUALWRITE_TEST_DYNAMODB_ENDPOINT"

// shared is the server that the tests of this package have in common, if it is installed.
var shared *servers.Process

// TestMain starts the server once: a table is a world of its own.
func TestMain(m *testing.M) {
	code, err := withServer(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withServer(run func() int) (code int, err error) {
	root, err := servers.Root()
	if err != nil {
		return 1, err
	}
	if os.Getenv(endpointVariable) != "" || os.Getenv(servers.SkipVariable) == "1" || !servers.DynamoDB().Installed(root) {
		return run(), nil
	}
	dir, err := os.MkdirTemp("", "dynamostore")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if shared, err = servers.Start(context.Background(), servers.DynamoDB(), dir); err != nil {
		return 1, err
	}
	code = run()
	return code, shared.Stop()
}

// endpoint is the URL of the server; the test skips, or fails in CI, if there is none.
func endpoint(tb testing.TB) string {
	tb.Helper()
	if url := os.Getenv(endpointVariable); url != "" {
		return url
	}
	if shared == nil {
		return "http://" + servers.ForTest(tb, servers.DynamoDB()).Addr()
	}
	return "http://" + shared.Addr()
}

// connections are shared by all clients of the tests, so that thousands of requests do not use up the ports.
var connections = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}}

func newClient(tb testing.TB, change ...func(*dynamodb.Options)) *dynamodb.Client {
	tb.Helper()
	return clientAt(endpoint(tb), change...)
}

func clientAt(url string, change ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       cmp.Or(os.Getenv("AWS_REGION"), "us-east-1"),
		BaseEndpoint: aws.String(url),
		HTTPClient:   connections,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			if os.Getenv(endpointVariable) == "" {
				return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
			}
			return aws.Credentials{
				AccessKeyID:     cmp.Or(os.Getenv("AWS_ACCESS_KEY_ID"), "test"),
				SecretAccessKey: cmp.Or(os.Getenv("AWS_SECRET_ACCESS_KEY"), "test"),
				SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
			}, nil
		}),
	}, change...)
}

// keyOf is the schema of a table's key, as "id:S" or "tenant:S", "order:N".
func keyOf(attrs ...string) (schema []types.KeySchemaElement, defs []types.AttributeDefinition) {
	for i, a := range attrs {
		name, kind := a[:len(a)-2], a[len(a)-1:]
		schema = append(schema, types.KeySchemaElement{AttributeName: &name, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
		defs = append(defs, types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeType(kind)})
	}
	return schema, defs
}

// newTable makes a table and removes it at the end.
func newTable(tb testing.TB, client *dynamodb.Client, key ...string) string {
	tb.Helper()
	name := "dualwrite-test-" + rand.Text()
	schema, defs := keyOf(key...)
	_, err := client.CreateTable(tb.Context(), &dynamodb.CreateTableInput{
		TableName: &name, KeySchema: schema, AttributeDefinitions: defs, BillingMode: types.BillingModePayPerRequest,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if _, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
			tb.Error(err)
		}
	})
	err = dynamodb.NewTableExistsWaiter(client).Wait(tb.Context(), &dynamodb.DescribeTableInput{TableName: &name}, time.Minute)
	if err != nil {
		tb.Fatal(err)
	}
	return name
}

func open[K, V any](tb testing.TB, client *dynamodb.Client, table string, o *Options[K, V]) *Store[K, V] {
	tb.Helper()
	s, err := New(tb.Context(), client, table, o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

type note struct {
	ID   string   `dynamodbav:"id"`
	N    int64    `dynamodbav:"n"`
	Text string   `dynamodbav:"text,omitempty"`
	Tags []string `dynamodbav:"tags,stringset,omitempty"`
}

type (
	write  = stores.Write[string, note]
	record = stores.Record[note]
)

// notes is a store of notes in a table of its own.
func notes(tb testing.TB, o *Options[string, note], change ...func(*dynamodb.Options)) *Store[string, note] {
	tb.Helper()
	client := newClient(tb, change...)
	return open(tb, client, newTable(tb, client, "id:S"), o)
}

// stamp makes a stamp that sorts by n.
func stamp(n int) stores.Version {
	s := stores.Stamp{5: 1, 15: 1}
	s[6], s[7] = byte(n>>8), byte(n)
	return s.Version()
}

func live(v, prev stores.Version, n int64) record {
	return record{Meta: stores.Meta{Version: v, Prev: prev}, Value: note{N: n}}
}

func mustPut[K, V any](tb testing.TB, s stores.Store[K, V], w stores.Write[K, V]) {
	tb.Helper()
	if err := s.Put(tb.Context(), w); err != nil {
		tb.Fatalf("put %v: %v", w.Key, err)
	}
}

// raw reads an item past the store.
func raw(tb testing.TB, client *dynamodb.Client, table string, key Item) Item {
	tb.Helper()
	out, err := client.GetItem(tb.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		tb.Fatal(err)
	}
	return out.Item
}

// plant writes an item past the store.
func plant(tb testing.TB, client *dynamodb.Client, table string, item Item) {
	tb.Helper()
	if _, err := client.PutItem(tb.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
		tb.Fatal(err)
	}
}

func avS(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func avN(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }
func avB(b string) types.AttributeValue { return &types.AttributeValueMemberB{Value: []byte(b)} }
func avM(m Item) types.AttributeValue   { return &types.AttributeValueMemberM{Value: m} }

// Package dynamotest is what tests over DynamoDB have in common: one server for all tests of a package, clients that can
// reach no other, and tables that go with their tests.
package dynamotest

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
)

// EndpointVariable names another server to run the tests against: its URL, with credentials and region from the usual
// variables of AWS. Without it nothing but the server of these tests is ever asked.
const EndpointVariable = "DUALWRITE_TEST_DYNAMODB_ENDPOINT"

// shared is the server that the tests of a package have in common, if it is installed.
var shared *servers.Process

// Main is for TestMain, with what runs the tests: it starts the server once, as a table is a world of its own, and returns the
// exit code.
func Main(run func() int) int {
	code, err := withServer(run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func withServer(run func() int) (code int, err error) {
	root, err := servers.Root()
	if err != nil {
		return 1, err
	}
	if os.Getenv(EndpointVariable) != "" || os.Getenv(servers.SkipVariable) == "1" || !servers.DynamoDB().Installed(root) {
		return run(), nil
	}
	dir, err := servers.Data()
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if shared, err = servers.Start(context.Background(), servers.DynamoDB(), dir); err != nil {
		return 1, err
	}
	code = run()
	return code, shared.Kill() // nobody needs its data
}

// Endpoint is the URL of the server; the test skips, or fails in CI, if there is none.
func Endpoint(tb testing.TB) string {
	tb.Helper()
	if url := os.Getenv(EndpointVariable); url != "" {
		return url
	}
	if shared == nil {
		return "http://" + servers.ForTest(tb, servers.DynamoDB()).Addr()
	}
	return "http://" + shared.Addr()
}

// Connections are shared by all clients of the tests, so that thousands of requests do not use up the ports.
var Connections = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}}

// Client makes a client of the server.
func Client(tb testing.TB, change ...func(*dynamodb.Options)) *dynamodb.Client {
	tb.Helper()
	return ClientAt(Endpoint(tb), change...)
}

// ClientAt makes a client of any server.
func ClientAt(url string, change ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       cmp.Or(os.Getenv("AWS_REGION"), "us-east-1"),
		BaseEndpoint: aws.String(url),
		HTTPClient:   Connections,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			if os.Getenv(EndpointVariable) == "" {
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

// Key is the schema of a table's key, as "id:S" or "tenant:S", "order:N".
func Key(attrs ...string) (schema []types.KeySchemaElement, defs []types.AttributeDefinition) {
	for i, a := range attrs {
		name, kind := a[:len(a)-2], a[len(a)-1:]
		schema = append(schema, types.KeySchemaElement{AttributeName: &name, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
		defs = append(defs, types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeType(kind)})
	}
	return schema, defs
}

// Table makes a table and removes it at the end of the test. Its key is as [Key] takes it.
func Table(tb testing.TB, client *dynamodb.Client, key ...string) string {
	tb.Helper()
	schema, defs := Key(key...)
	return TableOf(tb, client, &dynamodb.CreateTableInput{KeySchema: schema, AttributeDefinitions: defs})
}

// Index is an index of all attributes with a key as [Key] takes it. The table's definition needs the attributes too.
func Index(name string, key ...string) (index types.GlobalSecondaryIndex, defs []types.AttributeDefinition) {
	schema, defs := Key(key...)
	return types.GlobalSecondaryIndex{
		IndexName: &name, KeySchema: schema, Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
	}, defs
}

// TableOf makes any table, under a name of its own, and removes it at the end of the test.
func TableOf(tb testing.TB, client *dynamodb.Client, in *dynamodb.CreateTableInput) string {
	tb.Helper()
	name := "dualwrite-test-" + rand.Text()
	in.TableName, in.BillingMode = &name, types.BillingModePayPerRequest
	if _, err := client.CreateTable(tb.Context(), in); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if _, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
			tb.Error(err)
		}
	})
	Await(tb, client, name)
	return name
}

// Await returns when a table can be used that was just created.
func Await(tb testing.TB, client *dynamodb.Client, name string) {
	tb.Helper()
	err := dynamodb.NewTableExistsWaiter(client, pollOften).Wait(tb.Context(), &dynamodb.DescribeTableInput{TableName: &name}, time.Minute)
	if err != nil {
		tb.Fatal(err)
	}
}

// pollOften is for servers that make a table in less than the 20 s that the SDK waits before it asks again.
func pollOften(o *dynamodb.TableExistsWaiterOptions) {
	o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second
}

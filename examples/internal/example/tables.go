package example

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// connect makes a client of the DynamoDB at a URL. A service has a client of its own making.
func connect(endpoint string) (*dynamodb.Client, error) {
	if endpoint == "" {
		return nil, noServer(endpointVariable, "-endpoint", "dynamodb")
	}
	return dynamodb.New(dynamodb.Options{
		Region:       cmp.Or(os.Getenv("AWS_REGION"), "us-east-1"),
		BaseEndpoint: &endpoint,
		HTTPClient:   &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute}},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     cmp.Or(os.Getenv("AWS_ACCESS_KEY_ID"), "example"),
				SecretAccessKey: cmp.Or(os.Getenv("AWS_SECRET_ACCESS_KEY"), "example"),
				SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
			}, nil
		}),
	}), nil
}

// Tables makes tables for an example, all of whose names begin alike.
type Tables struct {
	Client *dynamodb.Client
	prefix string
}

// NewTables makes tables whose names begin with a prefix, and drops all that there are.
func NewTables(client *dynamodb.Client, prefix string) *Tables { return &Tables{client, prefix} }

// Create makes a table and returns its name. The key is its partition key and its sort key, if it has one, with their types:
// "pk:S", "sk:N".
func (t *Tables) Create(ctx context.Context, name string, key ...string) (string, error) {
	name = t.prefix + "_" + name
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i, k := range key {
		attr, kind, _ := strings.Cut(k, ":")
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{
			AttributeName: &attr, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i],
		})
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: &attr, AttributeType: types.ScalarAttributeType(kind),
		})
	}
	if _, err := t.Client.CreateTable(ctx, in); err != nil {
		return "", err
	}
	return name, dynamodb.NewTableExistsWaiter(t.Client, pollOften).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, time.Minute)
}

// A server of tests is faster than the waiters of the client expect.
func pollOften(o *dynamodb.TableExistsWaiterOptions)   { o.MinDelay = 50 * time.Millisecond }
func goneSoon(o *dynamodb.TableNotExistsWaiterOptions) { o.MinDelay = 50 * time.Millisecond }

// Drop drops the tables.
func (t *Tables) Drop(ctx context.Context) error {
	pages := dynamodb.NewListTablesPaginator(t.Client, &dynamodb.ListTablesInput{})
	var errs []error
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, name := range page.TableNames {
			if !strings.HasPrefix(name, t.prefix+"_") {
				continue
			}
			_, err := t.Client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
			if err == nil {
				err = dynamodb.NewTableNotExistsWaiter(t.Client, goneSoon).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, time.Minute)
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// maxBatch is how many items BatchWriteItem takes.
const maxBatch = 25

// Load stores items by the plain client, as a service left them that never knew the SDK.
func (t *Tables) Load(ctx context.Context, table string, items []map[string]types.AttributeValue) error {
	for len(items) > 0 {
		n := min(len(items), maxBatch)
		var batch []types.WriteRequest
		for _, item := range items[:n] {
			batch = append(batch, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
		}
		items = items[n:]
		for requests := map[string][]types.WriteRequest{table: batch}; len(requests) > 0; {
			out, err := t.Client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: requests})
			if err != nil {
				return fmt.Errorf("loading %s: %w", table, err)
			}
			requests = out.UnprocessedItems
		}
	}
	return nil
}

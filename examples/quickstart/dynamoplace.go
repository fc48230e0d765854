package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// dynamoPlace is a place in a table of DynamoDB: an item for each record, with the id as its partition key.
type dynamoPlace[V any] struct {
	target *target
	shape  *shape[V]
	items  *items[V]

	own    clients       // the checker's
	client *dynamoClient // of them
	pinger *dynamoClient
	// claimed says that this run may use the table, created that it has made it; one that was there, empty, is somebody's.
	claimed, created bool
}

const (
	// idAttribute is the partition key, a string.
	idAttribute = "id"
	// metaAttribute is where the SDK keeps the metadata of a record.
	metaAttribute = "_dw"
	// tableTimeout is how long a new table may take to become active.
	tableTimeout = time.Minute
)

func (p *dynamoPlace[V]) String() string { return p.target.shown }

func (p *dynamoPlace[V]) at(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%v: %w", p, err)
}

// claim creates the table, or takes one that is there and empty.
func (p *dynamoPlace[V]) claim(ctx context.Context) error {
	p.client = p.own.dynamoDB(p.target)
	there, err := p.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &p.target.table})
	var none *types.ResourceNotFoundException
	switch {
	case errors.As(err, &none):
		if err := p.create(ctx); err != nil {
			return refused(p.at(err))
		}
	case err != nil:
		return refused(p.at(err))
	case !keyedByID(there.Table):
		return refused(fmt.Errorf("%v has another key than a partition key %s of type S: name another table", p, idAttribute))
	}
	// The store says what else does not fit, such as a Time to Live.
	if _, err := p.store(ctx, &p.own); err != nil {
		return refused(err)
	}
	found, err := p.client.Scan(ctx, &dynamodb.ScanInput{TableName: &p.target.table, Limit: aws.Int32(1), ConsistentRead: aws.Bool(true)})
	switch {
	case err != nil:
		return refused(p.at(err))
	case len(found.Items) > 0:
		return refused(fmt.Errorf("%v holds items already: name another table, or delete it", p))
	}
	p.claimed = true
	return nil
}

func keyedByID(t *types.TableDescription) bool {
	if len(t.KeySchema) != 1 || aws.ToString(t.KeySchema[0].AttributeName) != idAttribute {
		return false
	}
	for _, d := range t.AttributeDefinitions {
		if aws.ToString(d.AttributeName) == idAttribute {
			return d.AttributeType == types.ScalarAttributeTypeS
		}
	}
	return false
}

// create makes the table, which is paid for by the request, and waits until it can be used.
func (p *dynamoPlace[V]) create(ctx context.Context) error {
	_, err := p.client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &p.target.table, BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String(idAttribute), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String(idAttribute), AttributeType: types.ScalarAttributeTypeS}},
	})
	if err != nil {
		return err
	}
	p.claimed, p.created = true, true
	return dynamodb.NewTableExistsWaiter(p.client).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &p.target.table}, tableTimeout)
}

// open makes the client that asks whether the server answers: once, as it would not tell of an outage otherwise.
func (p *dynamoPlace[V]) open(context.Context) error {
	p.pinger = newDynamoClient(p.target, unrepeated)
	return nil
}

func unrepeated(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// store is all that it takes to use a table: a client, and how the shape is mapped to the service's own type.
func (p *dynamoPlace[V]) store(ctx context.Context, own *clients) (stores.Store[string, V], error) {
	return dynamostore.New(ctx, own.dynamoDB(p.target).Client, p.target.table, &dynamostore.Options[string, V]{
		Meta: metaAttribute, Encode: p.items.encode, Decode: p.items.decode,
	})
}

// ping reads an item that need not be there. An answer that refuses it because of limits is one.
func (p *dynamoPlace[V]) ping(ctx context.Context) error {
	_, err := p.pinger.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &p.target.table, ProjectionExpression: aws.String(idAttribute),
		Key: dynamostore.Item{idAttribute: &types.AttributeValueMemberS{Value: "ping"}},
	})
	limits := retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}
	if limits.IsErrorThrottle(err) == aws.TrueTernary {
		return nil
	}
	return err
}

func (p *dynamoPlace[V]) leave(ctx context.Context, keep bool) (string, error) {
	defer func() { p.claimed = false }()
	switch {
	case !p.claimed:
		return "", nil
	case p.created && !keep:
		_, err := p.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &p.target.table})
		return "", p.at(err)
	default:
		return p.String(), nil
	}
}

func (p *dynamoPlace[V]) close() error {
	if p.pinger != nil {
		p.pinger.close()
	}
	return p.at(p.own.close(context.Background()))
}

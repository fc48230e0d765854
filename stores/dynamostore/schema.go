package dynamostore

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// table is what New learns about the table.
type table struct {
	name string
	id   string // unique among all tables of all times, if the server gives one
	arn  string
	key  keySchema
	// indexes are the keys of its secondary indexes.
	indexes []indexKey
	// ttl is the attribute by which DynamoDB removes items, or empty.
	ttl string
}

func describeTable(ctx context.Context, client *dynamodb.Client, name string) (t table, err error) {
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		var none *types.ResourceNotFoundException
		if errors.As(err, &none) {
			return t, fmt.Errorf("there is no such table in this account and region: create it, or look at the client's configuration: %w", err)
		}
		return t, fmt.Errorf("asking for its key (needs dynamodb:DescribeTable): %w", err)
	}
	desc := out.Table
	if desc.TableStatus != types.TableStatusActive && desc.TableStatus != types.TableStatusUpdating {
		return t, fmt.Errorf("it is %s: wait until it is active", desc.TableStatus)
	}
	t = table{name: name, id: aws.ToString(desc.TableId), arn: aws.ToString(desc.TableArn)}
	kinds := map[string]types.ScalarAttributeType{}
	for _, d := range desc.AttributeDefinitions {
		kinds[aws.ToString(d.AttributeName)] = d.AttributeType
	}
	for _, kind := range []types.KeyType{types.KeyTypeHash, types.KeyTypeRange} {
		for _, k := range desc.KeySchema {
			if k.KeyType == kind {
				t.key = append(t.key, keyAttribute{aws.ToString(k.AttributeName), kinds[aws.ToString(k.AttributeName)]})
			}
		}
	}
	if len(t.key) == 0 {
		return t, errors.New("the answer of DescribeTable has no key")
	}
	t.indexes = indexKeys(desc, kinds)
	t.ttl, err = describeTTL(ctx, client, name)
	return t, err
}

func describeTTL(ctx context.Context, client *dynamodb.Client, name string) (string, error) {
	out, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if rejection(err) == unknownOperation {
		return "", nil // such a server removes nothing
	}
	if err != nil {
		return "", fmt.Errorf("asking for its Time to Live (needs dynamodb:DescribeTimeToLive): %w", err)
	}
	d := out.TimeToLiveDescription
	if d == nil || d.TimeToLiveStatus != types.TimeToLiveStatusEnabled && d.TimeToLiveStatus != types.TimeToLiveStatusEnabling {
		return "", nil
	}
	return aws.ToString(d.AttributeName), nil
}

// checkTTL refuses a Time to Live that would remove records, or more than records, behind the SDK's back.
func (t table) checkTTL(expires bool, own ownership) error {
	switch {
	case t.ttl == "":
		return nil
	case !own.has(t.ttl):
		return fmt.Errorf("DynamoDB removes its items by Time to Live on %s, which this store does not own: a record would "+
			"vanish without a trace: map the attribute, or disable Time to Live for the time of the migration", t.ttl)
	case !expires:
		return fmt.Errorf("DynamoDB removes its items by Time to Live on %s: set ExpiresAt, so that what has expired reads as "+
			"deleted in both places, or disable Time to Live for the time of the migration", t.ttl)
	default:
		return nil
	}
}

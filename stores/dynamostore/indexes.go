package dynamostore

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The limits of a key in bytes, of a table or of an index.
const (
	maxPartitionKey = 2048
	maxSortKey      = 1024
)

// indexKey is an attribute that is a part of the key of a secondary index. DynamoDB refuses an item in which it has another
// type, is empty or too long. An item without it is not in the index.
type indexKey struct {
	keyAttribute
	index string
	role  string // "partition key" or "sort key"
	limit int
}

// indexKeys are the keys of all indexes of a table, but for those that are being deleted.
func indexKeys(desc *types.TableDescription, kinds map[string]types.ScalarAttributeType) (keys []indexKey) {
	add := func(index *string, schema []types.KeySchemaElement) {
		for _, k := range schema {
			name := aws.ToString(k.AttributeName)
			x := indexKey{keyAttribute{name, kinds[name]}, aws.ToString(index), "partition key", maxPartitionKey}
			if k.KeyType == types.KeyTypeRange {
				x.role, x.limit = "sort key", maxSortKey
			}
			keys = append(keys, x)
		}
	}
	for _, x := range desc.GlobalSecondaryIndexes {
		if x.IndexStatus != types.IndexStatusDeleting {
			add(x.IndexName, x.KeySchema)
		}
	}
	for _, x := range desc.LocalSecondaryIndexes {
		add(x.IndexName, x.KeySchema)
	}
	return keys
}

// violable are the keys of indexes that a store's write can violate: it writes the attribute, and the table's own key does not
// say the same already. What a view does not own is not changed by it.
func (t table) violable(own ownership) (keys []indexKey) {
	for _, x := range t.indexes {
		switch {
		case t.key.has(x.name):
			if x.limit < t.key.limit(x.name) {
				keys = append(keys, x)
			}
		case own.has(x.name):
			keys = append(keys, x)
		}
	}
	return keys
}

// checkMeta refuses metadata that would violate an index in each item.
func (t table) checkMeta(meta string) error {
	for _, x := range t.indexes {
		if x.name == meta {
			return fmt.Errorf("the Meta %s is the %s of index %s: choose another name", meta, x.role, x.index)
		}
	}
	return nil
}

// checkIndexes tells what of an item the indexes refuse.
func checkIndexes(keys []indexKey, item Item) error {
	for i := range keys {
		if err := keys[i].check(item); err != nil {
			return err
		}
	}
	return nil
}

func (x *indexKey) check(item Item) error {
	found, n := "", 1
	switch av := item[x.name].(type) {
	case nil: // it is not there
		return nil
	case *types.AttributeValueMemberS:
		found, n = "S", len(av.Value)
	case *types.AttributeValueMemberB:
		found, n = "B", len(av.Value)
	default:
		found = typeName(av)
	}
	switch {
	case found != string(x.kind):
		return x.refuses("is of type " + found)
	case n == 0:
		return x.refuses("is empty")
	case n > x.limit:
		return x.refuses(fmt.Sprintf("has %d bytes", n))
	default:
		return nil
	}
}

// refuses names the attribute, what it is, the index and what that wants.
func (x *indexKey) refuses(what string) error {
	wants := "a number (N)"
	if x.kind != types.ScalarAttributeTypeN {
		wants = fmt.Sprintf("of type %s and has 1 to %d bytes", x.kind, x.limit)
	}
	return fmt.Errorf("attribute %s %s: it is the %s of index %s, where it is %s; an item that is not to be in the index has no such attribute",
		x.name, what, x.role, x.index, wants)
}

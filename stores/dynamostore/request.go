package dynamostore

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// request is a change in DynamoDB's words: a PutItem if it replaces the item, else an UpdateItem.
type request struct {
	key    Item
	item   Item // of a PutItem
	set    []string
	remove []string
	cond   string
	e      *expression
}

// request makes the one write of a change. Two changes of one item, by two views, can share an expression.
func (s *Store[K, V]) request(e *expression, c *change) *request {
	r := &request{key: c.attrs, e: e}
	if c.replaces != nil {
		r.cond = s.unchanged(e, c.replaces)
	} else {
		r.cond = s.condition(e, c.cond)
	}
	r.cond = all(r.cond, s.guardCondition(e, c))
	// A delete of an item is one of all that is in it, also of what a struct does not map.
	if s.own.whole() || !s.own.view && c.meta.Deleted {
		r.item = s.item(c)
		return r
	}
	value := s.stored(c)
	if av, ok := value[s.opts.Meta]; ok {
		r.set = append(r.set, e.name(s.opts.Meta)+" = "+e.value(av))
	} else {
		r.remove = append(r.remove, e.name(s.opts.Meta))
	}
	for _, name := range s.own.names {
		if av, ok := value[name]; ok {
			r.set = append(r.set, e.name(name)+" = "+e.value(av))
		} else {
			r.remove = append(r.remove, e.name(name))
		}
	}
	return r
}

// item is the whole item of a change, as a PutItem or an insertion stores it.
func (s *Store[K, V]) item(c *change) Item {
	item := s.stored(c)
	maps.Copy(item, c.attrs)
	return item
}

// stored are the attributes of a change with the metadata, without the key.
func (s *Store[K, V]) stored(c *change) Item {
	m := make(Item, len(c.value)+len(c.attrs)+1)
	maps.Copy(m, c.value)
	if !c.meta.Version.IsUnstamped() {
		m[s.opts.Meta] = metaValue(c.meta)
	}
	if c.guard != nil {
		m[s.opts.Guard] = c.nextGuard()
	}
	return m
}

// join makes one update of two of the same item.
func (r *request) join(o *request) {
	r.set, r.remove = slices.Concat(r.set, o.set), slices.Concat(r.remove, o.remove)
	r.cond = all(r.cond, o.cond)
}

func (r *request) updateText() string {
	var parts []string
	if len(r.set) > 0 {
		parts = append(parts, "SET "+strings.Join(r.set, ", "))
	}
	if len(r.remove) > 0 {
		parts = append(parts, "REMOVE "+strings.Join(r.remove, ", "))
	}
	return strings.Join(parts, " ")
}

// place is what a request has to know of its store.
type place interface {
	tableName() *string
	measure() types.ReturnConsumedCapacity
}

func (s *Store[K, V]) tableName() *string { return &s.table.name }

func (r *request) put(p place) *dynamodb.PutItemInput {
	return &dynamodb.PutItemInput{
		TableName: p.tableName(), Item: r.item, ConditionExpression: &r.cond,
		ExpressionAttributeNames: nilIfEmpty(r.e.names), ExpressionAttributeValues: nilIfEmpty(r.e.values),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		ReturnConsumedCapacity:              p.measure(),
	}
}

func (r *request) updateItem(p place) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: p.tableName(), Key: r.key, UpdateExpression: aws.String(r.updateText()), ConditionExpression: &r.cond,
		ExpressionAttributeNames: nilIfEmpty(r.e.names), ExpressionAttributeValues: nilIfEmpty(r.e.values),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		ReturnConsumedCapacity:              p.measure(),
	}
}

// transact is the request as a part of a transaction.
func (r *request) transact(p place) types.TransactWriteItem {
	if r.item != nil {
		return types.TransactWriteItem{Put: &types.Put{
			TableName: p.tableName(), Item: r.item, ConditionExpression: &r.cond,
			ExpressionAttributeNames: nilIfEmpty(r.e.names), ExpressionAttributeValues: nilIfEmpty(r.e.values),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}}
	}
	return types.TransactWriteItem{Update: &types.Update{
		TableName: p.tableName(), Key: r.key, UpdateExpression: aws.String(r.updateText()), ConditionExpression: &r.cond,
		ExpressionAttributeNames: nilIfEmpty(r.e.names), ExpressionAttributeValues: nilIfEmpty(r.e.values),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

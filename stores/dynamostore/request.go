package dynamostore

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// request is a change in DynamoDB's words: a PutItem if it replaces the item, else an UpdateItem.
type request struct {
	key    Item
	item   Item   // of a PutItem
	set    []byte // the terms of an UpdateItem, separated by commas
	remove []byte
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
		r.item = c.item
		return r
	}
	r.change(s.opts.Meta, c.item)
	for _, name := range s.own.names {
		r.change(name, c.item)
	}
	return r
}

// change sets an attribute to what it is in the item, or removes it.
func (r *request) change(name string, item Item) {
	av, ok := item[name]
	if !ok {
		r.remove = append(term(r.remove), r.e.name(name)...)
		return
	}
	r.set = append(term(r.set), r.e.name(name)...)
	r.set = append(r.set, '=')
	r.set = append(r.set, r.e.value(av)...)
}

// term makes room for one more term of a list.
func term(list []byte) []byte {
	if len(list) > 0 {
		list = append(list, ',')
	}
	return list
}

// join makes one update of two of the same item.
func (r *request) join(o *request) {
	if len(o.set) > 0 {
		r.set = append(term(r.set), o.set...)
	}
	if len(o.remove) > 0 {
		r.remove = append(term(r.remove), o.remove...)
	}
	r.cond = all(r.cond, o.cond)
}

func (r *request) updateText() *string {
	var text string
	if len(r.set) > 0 {
		text = "SET " + string(r.set)
	}
	if len(r.remove) > 0 {
		text += " REMOVE " + string(r.remove)
	}
	return &text
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
		TableName: p.tableName(), Key: r.key, UpdateExpression: r.updateText(), ConditionExpression: &r.cond,
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
		TableName: p.tableName(), Key: r.key, UpdateExpression: r.updateText(), ConditionExpression: &r.cond,
		ExpressionAttributeNames: nilIfEmpty(r.e.names), ExpressionAttributeValues: nilIfEmpty(r.e.values),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

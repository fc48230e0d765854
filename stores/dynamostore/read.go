package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/dualwrite/dualwrite/stores"
)

// readTries bounds how often a read is repeated that the SDK has given up on: an answer that breaks off is no error that
// it repeats.
const readTries = 3

// read makes a call that changes nothing.
func (s *Store[K, V]) read(ctx context.Context, op string, send func(context.Context, *call) ([]types.ConsumedCapacity, error)) error {
	for try := 1; ; try++ {
		c := &call{op: op}
		bounded, cancel := s.bounded(ctx)
		consumed, err := send(bounded, c)
		late := bounded.Err() != nil
		cancel()
		s.report(c, false, consumed...)
		var answer smithy.APIError
		if err == nil || late || errors.As(err, &answer) || c.sent > 1 || try == readTries {
			return classifyRead(ctx, err)
		}
	}
}

// projection is the part of an item that the store reads, empty for all of it.
func (s *Store[K, V]) projection(e *expression) string {
	if s.own.whole() {
		return ""
	}
	return s.project(e, s.own.names)
}

// project names attributes, with the key, which tells an item without them from none, and the metadata.
func (s *Store[K, V]) project(e *expression, names []string) string {
	text := make([]string, 0, len(names)+3)
	for _, a := range s.table.key {
		text = append(text, e.name(a.name))
	}
	text = append(text, e.name(s.opts.Meta))
	for _, name := range names {
		text = append(text, e.name(name))
	}
	return strings.Join(text, ",")
}

func nilIfBlank(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// getItem reads one item; nil if there is none.
func (s *Store[K, V]) getItem(ctx context.Context, k itemKey) (item Item, err error) {
	if s.opts.TransactReads {
		items, err := s.transactGet(ctx, []itemKey{k})
		if err != nil {
			return nil, s.fail("read", k, err)
		}
		return items[0], nil
	}
	e := newExpression()
	in := &dynamodb.GetItemInput{
		TableName: &s.table.name, Key: k.attrs, ConsistentRead: aws.Bool(true),
		ProjectionExpression: nilIfBlank(s.projection(e)), ExpressionAttributeNames: nilIfEmpty(e.names),
		ReturnConsumedCapacity: s.measure(),
	}
	err = s.read(ctx, "GetItem", func(ctx context.Context, c *call) ([]types.ConsumedCapacity, error) {
		out, err := s.client.GetItem(ctx, in, c.options)
		if err != nil {
			return nil, err
		}
		item = out.Item
		return one(out.ConsumedCapacity), nil
	})
	if err != nil {
		return nil, s.fail("read", k, err)
	}
	return item, nil
}

// conflictTries bounds how often a read is repeated that met a transaction under way.
const conflictTries = 50

// transactGet reads up to 100 different items as they are between two transactions.
func (s *Store[K, V]) transactGet(ctx context.Context, keys []itemKey) (items []Item, err error) {
	in := &dynamodb.TransactGetItemsInput{ReturnConsumedCapacity: s.measure()}
	for _, k := range keys {
		e := newExpression()
		in.TransactItems = append(in.TransactItems, types.TransactGetItem{Get: &types.Get{
			TableName: &s.table.name, Key: k.attrs,
			ProjectionExpression: nilIfBlank(s.projection(e)), ExpressionAttributeNames: nilIfEmpty(e.names),
		}})
	}
	for try := 1; ; try++ {
		err = s.read(ctx, "TransactGetItems", func(ctx context.Context, c *call) ([]types.ConsumedCapacity, error) {
			out, err := s.client.TransactGetItems(ctx, in, c.options)
			if err != nil {
				return nil, err
			}
			items = make([]Item, len(out.Responses))
			for i, r := range out.Responses {
				items[i] = r.Item
			}
			return out.ConsumedCapacity, nil
		})
		if rejection(err) == unknownOperation {
			return nil, fmt.Errorf("the server has no transactions, unset Options.TransactReads: %w", err)
		}
		var cancelled *types.TransactionCanceledException
		if !errors.As(err, &cancelled) || try == conflictTries || !temporary(cancelled) {
			return items, err
		}
		if err := stores.Backoff(stores.DefaultBackoff).Wait(ctx, try); err != nil {
			return nil, err
		}
	}
}

// temporary tells a transaction that met another one, or limits, and nothing else.
func temporary(cancelled *types.TransactionCanceledException) bool {
	for _, r := range cancelled.CancellationReasons {
		if code := aws.ToString(r.Code); code != "None" && code != "" && !conflicts[code] && !throttles[code] {
			return false
		}
	}
	return true
}

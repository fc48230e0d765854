package dynamostore

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// Purge removes the SDK's traces, one request for each live record and up to two for a tombstone, Options.Concurrency at
// once. See stores.Purger. A target without a stamp is an error that Is stores.ErrPermanent. Of a view, an item of which
// nothing but the key is left stays; a live record without any of the view's attributes can not become unstamped, and is
// an error that Is stores.ErrPermanent.
func (s *Store[K, V]) Purge(ctx context.Context, targets []stores.PurgeTarget[K]) ([]error, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	errs := make([]error, len(targets))
	var jobs []*job
	for i, t := range targets {
		k, err := s.key(t.Key)
		if _, stamped := t.Version.Stamp(); err == nil && !stamped {
			err = stores.Permanent(s.fail("purge", k, fmt.Errorf("it names the record's stamp, not %v", t.Version)))
		}
		if errs[i] = err; err == nil {
			jobs = append(jobs, &job{change: &change{itemKey: k, cond: stores.IfStamp(t.Version)}, at: i})
		}
	}
	for _, round := range rounds(jobs) {
		inParallel(len(round), s.opts.Concurrency, func(i int) {
			err := ctx.Err()
			if err == nil {
				err = s.purge(ctx, round[i].change)
			}
			errs[round[i].at] = err
		})
	}
	return errs, nil
}

// purge takes a record for a live one, of which there are more, until the refusal says that it is a tombstone.
func (s *Store[K, V]) purge(ctx context.Context, c *change) error {
	send := s.unstamp
	for try := 1; ; try++ {
		doubt, err := send(ctx, c)
		refused := (*types.ConditionalCheckFailedException)(nil)
		switch {
		case errors.As(err, &refused):
			item, unread := s.shownOrStored(ctx, c.itemKey, refused.Item)
			m, damage := s.meta(item)
			switch {
			case unread != nil:
				return judge(c.meta, doubt, unread)
			case damage != nil:
				return stores.Permanent(s.damaged(c.itemKey, damage))
			case !c.cond.Holds(m.Version):
				m, _ = s.shown(item)
				return judge(c.meta, doubt, &stores.ConditionError{Stored: m})
			case s.own.view:
				return stores.Permanent(s.fail("purge", c.itemKey, errors.New("the record has none of the view's attributes: without metadata it would not be there")))
			case m.Deleted:
				send = s.removeItem
			}
			err = stores.Transient(s.fail("purge", c.itemKey, errors.New("refused although the version is right")))
		case err == nil:
			return nil
		case !conflicts[rejection(err)] || !errors.Is(err, stores.ErrTransient):
			return s.fail("purge", c.itemKey, err)
		}
		if doubt || try == sendTries {
			return judge(c.meta, doubt, err)
		}
		if err := stores.Backoff(stores.DefaultBackoff).Wait(ctx, try); err != nil {
			return stores.Transient(s.fail("purge", c.itemKey, err))
		}
	}
}

// unstamp removes the metadata: all that there is of a view's tombstone.
func (s *Store[K, V]) unstamp(ctx context.Context, c *change) (doubt bool, err error) {
	e := newExpression()
	meta := e.name(s.opts.Meta)
	isTombstone := meta + "." + e.name(metaDeleted)
	r := &request{key: c.attrs, e: e, remove: []byte(meta)}
	if s.own.view {
		r.cond = all(s.condition(e, c.cond), anyOf(exists(isTombstone), s.ownsOne(e)))
	} else {
		r.cond = all(s.condition(e, c.cond), notExists(isTombstone))
	}
	return s.sendUpdate(ctx, r)
}

// removeItem removes a tombstone with its item.
func (s *Store[K, V]) removeItem(ctx context.Context, c *change) (doubt bool, err error) {
	e := newExpression()
	cond := s.condition(e, c.cond)
	in := &dynamodb.DeleteItemInput{
		TableName: &s.table.name, Key: c.attrs, ConditionExpression: &cond,
		ExpressionAttributeNames: nilIfEmpty(e.names), ExpressionAttributeValues: nilIfEmpty(e.values),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		ReturnConsumedCapacity:              s.measure(),
	}
	return s.sendWrite(ctx, "DeleteItem", func(ctx context.Context, c *call) (*types.ConsumedCapacity, error) {
		out, err := s.client.DeleteItem(ctx, in, c.options)
		if err != nil {
			return nil, err
		}
		return out.ConsumedCapacity, nil
	})
}

package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// maxItem is the most that an item may have, names of attributes included.
const maxItem = 400 << 10

// change is a write that was checked and encoded.
type change struct {
	itemKey
	meta stores.Meta
	item Item // as it is stored: the key, the value's attributes and the metadata
	cond stores.Condition
	// guard is the greatest number known to be stored or given, which the write raises; nil if there is none to raise.
	guard *big.Int
	// replaces is what a record consists of that has expired and is there nevertheless.
	replaces Item
}

// encode checks a write and encodes it. The error Is stores.ErrPermanent.
func (s *Store[K, V]) encode(w *stores.Write[K, V]) (*change, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	k, err := s.key(w.Key)
	if err != nil {
		return nil, err
	}
	c := &change{itemKey: k, meta: w.Record.Meta, cond: w.If}
	var encoded Item
	if !w.Record.Deleted {
		if encoded, err = s.codec.encode(w.Record.Value); err != nil {
			return nil, stores.Permanent(s.fail("value", k, err))
		}
	}
	c.item = make(Item, len(k.attrs)+len(encoded)+1)
	maps.Copy(c.item, k.attrs)
	if !w.Record.Deleted {
		if err := s.addValue(c, encoded); err != nil {
			return nil, stores.Permanent(s.fail("value", k, err))
		}
	}
	if !c.meta.Version.IsUnstamped() {
		c.item[s.opts.Meta] = metaValue(c.meta)
	}
	size, err := itemSize(c.item, 0)
	if err == nil && size > maxItem {
		err = fmt.Errorf("the item would have %d bytes, DynamoDB takes at most %d", size, maxItem)
	}
	if err == nil {
		err = checkIndexes(s.indexes, c.item)
	}
	if err != nil {
		return nil, stores.Permanent(s.fail("value", k, err))
	}
	return c, nil
}

// addValue puts the store's attributes into c.
func (s *Store[K, V]) addValue(c *change, encoded Item) error {
	none := true
	for name, av := range encoded {
		switch {
		case s.table.key.has(name):
			if s.codec.isMap {
				return fmt.Errorf("it has %s, which is an attribute of the key: a map is stored without it", name)
			}
			if !isZero(av) && !sameScalar(av, c.attrs[name]) {
				return fmt.Errorf("its %s is another one than the key's", name)
			}
		case name == s.opts.Meta:
			return fmt.Errorf("it has %s, which is the metadata's: choose another Meta", name)
		case !s.own.has(name):
			return fmt.Errorf("it has %s, which is not one of Attributes", name)
		case av == nil:
			return fmt.Errorf("its %s is nil", name)
		default:
			c.item[name], none = av, false
		}
	}
	if s.own.view && c.meta.Version.IsUnstamped() && none {
		return errors.New("it has none of the view's attributes: without metadata such a record would not be there")
	}
	return s.encodeGuard(c)
}

// isZero tells the value of a key attribute that a struct maps and nobody has set.
func isZero(av types.AttributeValue) bool {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return av.Value == ""
	case *types.AttributeValueMemberN:
		return tidyNumber(av.Value) == "0"
	case *types.AttributeValueMemberB:
		return strings.Trim(string(av.Value), "\x00") == ""
	case *types.AttributeValueMemberNULL:
		return true
	default:
		return false
	}
}

func sameScalar(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && tidyNumber(a.Value) == tidyNumber(b.Value)
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		return ok && string(a.Value) == string(b.Value)
	default:
		return false
	}
}

// Put carries out one conditional write, in one request. See stores.Store.
func (s *Store[K, V]) Put(ctx context.Context, w stores.Write[K, V]) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := s.encode(&w)
	if err != nil {
		return err
	}
	return s.put(ctx, c)
}

// put sends a change until it is decided. It is sent again only if it certainly had no effect.
func (s *Store[K, V]) put(ctx context.Context, c *change) error {
	for try := 1; ; try++ {
		doubt, err := s.send(ctx, c)
		again := false
		if refused := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &refused) {
			again, err = s.refusedBy(ctx, c, refused.Item)
		} else if err != nil {
			again = conflicts[rejection(err)] && errors.Is(err, stores.ErrTransient)
			err = s.fail("write", c.itemKey, err)
		}
		if !again || doubt || try == sendTries {
			return judge(c.meta, doubt, err)
		}
		if waited := stores.Backoff(stores.DefaultBackoff).Wait(ctx, try); waited != nil {
			return stores.Transient(s.fail("write", c.itemKey, waited))
		}
	}
}

// send makes one call for a change.
func (s *Store[K, V]) send(ctx context.Context, c *change) (doubt bool, err error) {
	r := s.request(newExpression(), c)
	if r.item == nil {
		return s.sendUpdate(ctx, r)
	}
	return s.sendWrite(ctx, "PutItem", func(ctx context.Context, c *call) (*types.ConsumedCapacity, error) {
		out, err := s.client.PutItem(ctx, r.put(s), c.options)
		if err != nil {
			return nil, err
		}
		return out.ConsumedCapacity, nil
	})
}

func (s *Store[K, V]) sendUpdate(ctx context.Context, r *request) (doubt bool, err error) {
	return s.sendWrite(ctx, "UpdateItem", func(ctx context.Context, c *call) (*types.ConsumedCapacity, error) {
		out, err := s.client.UpdateItem(ctx, r.updateItem(s), c.options)
		if err != nil {
			return nil, err
		}
		return out.ConsumedCapacity, nil
	})
}

// sendWrite makes one call that writes one item. A ConditionalCheckFailedException is returned as it is, any other error
// says what the call left behind. There is doubt if an earlier request of the call may have had an effect.
func (s *Store[K, V]) sendWrite(ctx context.Context, op string, send func(context.Context, *call) (*types.ConsumedCapacity, error)) (doubt bool, err error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	c := &call{op: op}
	consumed, err := send(ctx, c)
	var refused *types.ConditionalCheckFailedException
	isRefused := errors.As(err, &refused)
	if isRefused && s.opts.OnUsage != nil {
		consumed = refusedUnits(refused.Item)
	}
	s.report(c, true, one(consumed)...)
	if isRefused {
		return c.doubt, refused
	}
	return c.doubt, c.classify(err)
}

// refusedBy is refused with the item that the refusal has shown.
func (s *Store[K, V]) refusedBy(ctx context.Context, c *change, shown Item) (again bool, err error) {
	item, err := s.shownOrStored(ctx, c.itemKey, shown)
	if err != nil {
		return false, err
	}
	return s.refused(c, item)
}

// shownOrStored is the item that a refusal has shown. Where it has shown none, nothing is stored, or the server does not show
// what is: then a read tells, which comes after the refusal. The error Is stores.ErrTransient.
func (s *Store[K, V]) shownOrStored(ctx context.Context, k itemKey, shown Item) (Item, error) {
	if shown != nil {
		return shown, nil
	}
	item, err := s.getItem(ctx, k)
	switch {
	case errors.Is(err, stores.ErrPermanent): // the read, which says nothing about the write
		return nil, stores.Transient(fmt.Errorf("the write was refused, and what is stored can not be read: %s", err.Error()))
	case err != nil:
		return nil, stores.Transient(fmt.Errorf("the write was refused, and what is stored could not be read: %w", err))
	}
	return item, nil
}

// refused decides what follows from the item that a change was refused by; nil is none. If that satisfies the condition
// the change is adapted, to be sent again; err is for the case that it is not.
func (s *Store[K, V]) refused(c *change, item Item) (again bool, err error) {
	stored, err := s.shown(item)
	if err != nil {
		return false, stores.Permanent(s.damaged(c.itemKey, err))
	}
	c.replaces = nil
	if !c.cond.Holds(stored.Version) {
		return false, &stores.ConditionError{Stored: stored}
	}
	if stored.Version.IsAbsent() && item != nil {
		c.replaces = item // a view's item without the view's attributes, too: there is nothing to compare then
	}
	if c.guard != nil {
		there := s.storedGuard(item)
		if c.comparesGuard() && there.Cmp(c.guard) != 0 {
			return false, &stores.ConditionError{Stored: stored}
		}
		if there.Cmp(c.guard) > 0 {
			c.guard = there
			c.item[s.opts.Guard] = c.nextGuard()
		}
	}
	return true, stores.Transient(s.fail("write", c.itemKey, errors.New("other writers were faster each time")))
}

// Check tells without I/O whether a write could be stored. See stores.Checker. It knows the keys of the indexes that the table had
// when the store was opened. What else is in the item of a view is not known to it.
func (s *Store[K, V]) Check(w stores.Write[K, V]) error {
	_, err := s.encode(&w)
	return err
}

// RoundTrip returns v as it would come back. See stores.RoundTripper. The guard comes back as 0. A value that can not be
// stored is an error that Is stores.ErrPermanent.
func (s *Store[K, V]) RoundTrip(key K, v V) (V, error) {
	k, err := s.key(key)
	if err != nil {
		return v, err
	}
	encoded, err := s.codec.encode(v)
	c := &change{itemKey: k, item: maps.Clone(k.attrs)}
	if err == nil {
		err = s.addValue(c, cloneItem(encoded))
	}
	if err == nil {
		_, err = itemSize(c.item, 0)
	}
	if err != nil {
		return v, stores.Permanent(s.fail("value", k, err))
	}
	if s.opts.Guard != "" {
		c.item[s.opts.Guard] = &types.AttributeValueMemberN{Value: "0"}
	}
	return s.decode(c.item)
}

package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// What DynamoDB takes in one call.
const (
	getChunk = 100
	// A transaction that meets one conflict is repeated as a whole: smaller ones meet fewer.
	transactGetChunk = 25
)

// inParallel runs do for each i below n, at most limit at once, and returns when all have ended.
func inParallel(n, limit int, do func(i int)) {
	if n == 1 || limit == 1 {
		for i := range n {
			do(i)
		}
		return
	}
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(n, limit) {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// GetMany reads many keys, a hundred in one request, strongly consistent. See stores.BatchReader. Keys that DynamoDB left
// out are asked for again; those that it leaves out too often have an error that Is stores.ErrTransient.
func (s *Store[K, V]) GetMany(ctx context.Context, keys []K) ([]stores.Result[V], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	res := make([]stores.Result[V], len(keys))
	at := map[string][]int{} // by canonical key: DynamoDB refuses a key that is asked for twice
	var unique []itemKey
	for i, key := range keys {
		k, err := s.key(key)
		if err != nil {
			res[i].Err = err
			continue
		}
		if at[string(k.canonical)] == nil {
			unique = append(unique, k)
		}
		at[string(k.canonical)] = append(at[string(k.canonical)], i)
	}
	items, errs := s.getItems(ctx, unique, nil)
	for i, k := range unique {
		for n, j := range at[string(k.canonical)] {
			item := items[i]
			switch {
			case errs[i] != nil:
				res[j].Err = s.fail("read", k, errs[i])
				continue
			case item != nil && n < len(at[string(k.canonical)])-1:
				item = cloneItem(item) // each result is the caller's own
			}
			res[j].Record, res[j].Err = s.record(k, item)
		}
	}
	return res, nil
}

// getItems reads different items, or only the attributes named, the key and the metadata of them.
func (s *Store[K, V]) getItems(ctx context.Context, keys []itemKey, names []string) ([]Item, []error) {
	items, errs := make([]Item, len(keys)), make([]error, len(keys))
	size := getChunk
	get := func(from, to int) { s.getChunk(ctx, keys[from:to], names, items[from:to], errs[from:to]) }
	if s.opts.TransactReads && names == nil {
		size = transactGetChunk
		get = func(from, to int) { s.transactChunk(ctx, keys[from:to], items[from:to], errs[from:to]) }
	}
	inParallel((len(keys)+size-1)/size, s.opts.Concurrency, func(i int) { get(i*size, min((i+1)*size, len(keys))) })
	return items, errs
}

func (s *Store[K, V]) transactChunk(ctx context.Context, keys []itemKey, items []Item, errs []error) {
	got, err := s.transactGet(ctx, keys)
	if len(keys) > 1 && errors.Is(err, stores.ErrPermanent) { // more than 4 MB together
		for i := range keys {
			s.transactChunk(ctx, keys[i:i+1], items[i:i+1], errs[i:i+1])
		}
		return
	}
	if err == nil && len(got) != len(keys) {
		err = fmt.Errorf("%d answers for %d keys", len(got), len(keys))
	}
	for i := range keys {
		if errs[i] = err; err == nil {
			items[i] = got[i]
		}
	}
}

// getChunk reads up to a hundred items.
func (s *Store[K, V]) getChunk(ctx context.Context, keys []itemKey, names []string, items []Item, errs []error) {
	e := newExpression()
	ask := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	if names != nil {
		ask.ProjectionExpression = nilIfBlank(s.project(e, names))
	} else {
		ask.ProjectionExpression = nilIfBlank(s.projection(e))
	}
	ask.ExpressionAttributeNames = nilIfEmpty(e.names)
	open := make(map[string]int, len(keys)) // index by the text of the key
	for i, k := range keys {
		open[s.keyText(k.attrs)] = i
		ask.Keys = append(ask.Keys, k.attrs)
	}
	for idle := 0; len(ask.Keys) > 0; {
		got, left, err := s.batchGet(ctx, ask)
		if err != nil {
			s.failKeys(ask.Keys, open, errs, err)
			return
		}
		for _, item := range got {
			text := s.keyText(item)
			if i, ok := open[text]; ok {
				items[i] = item
				delete(open, text)
			}
		}
		if idle++; len(got) > 0 {
			idle = 0
		}
		ask.Keys = left
		if len(left) == 0 {
			return
		}
		if idle == sendTries {
			s.failKeys(left, open, errs, stores.Transient(errors.New("DynamoDB leaves the key out of each answer: it is throttled")))
			return
		}
		if err := stores.Backoff(stores.DefaultBackoff).Wait(ctx, idle+1); err != nil {
			s.failKeys(left, open, errs, err)
			return
		}
	}
}

// failKeys gives an error to keys that were not answered. The others that are open were: there is no such item.
func (s *Store[K, V]) failKeys(left []Item, open map[string]int, errs []error, err error) {
	for _, k := range left {
		if i, ok := open[s.keyText(k)]; ok {
			errs[i] = err
		}
	}
}

// keyText tells the keys of a batch apart, however their numbers are written.
func (s *Store[K, V]) keyText(item Item) string {
	k := make(Item, len(s.table.key))
	for _, a := range s.table.key {
		k[a.name] = tidy(clone(item[a.name]))
	}
	return string(s.showKey(k))
}

func (s *Store[K, V]) batchGet(ctx context.Context, ask types.KeysAndAttributes) (got []Item, left []Item, err error) {
	err = s.read(ctx, "BatchGetItem", func(ctx context.Context, c *call) ([]types.ConsumedCapacity, error) {
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{s.table.name: ask}, ReturnConsumedCapacity: s.measure(),
		}, c.options)
		if err != nil {
			return nil, err
		}
		got, left = out.Responses[s.table.name], out.UnprocessedKeys[s.table.name].Keys
		return out.ConsumedCapacity, nil
	})
	return got, left, err
}

package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// The records of a table, written and read past the SDK.

const (
	// putBatch is how many items DynamoDB takes in one request.
	putBatch = 25
	// putBatches is how many such requests are under way at once.
	putBatches = 8
	// putTries is how often what DynamoDB has left out is sent again.
	putTries = 20
)

// fill puts the items as any service does.
func (p *dynamoPlace[V]) fill(ctx context.Context, records []record, progress func(done int)) error {
	for done := 0; done < len(records); {
		part := records[done:min(done+importBatch, len(records))]
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(putBatches)
		for from := 0; from < len(part); from += putBatch {
			g.Go(func() error { return p.put(ctx, part[from:min(from+putBatch, len(part))]) })
		}
		if err := g.Wait(); err != nil {
			return p.at(err)
		}
		done += len(part)
		progress(done)
	}
	return nil
}

// put writes one batch. DynamoDB may leave out some of it, and says which.
func (p *dynamoPlace[V]) put(ctx context.Context, records []record) error {
	left := make([]types.WriteRequest, len(records))
	for i := range records {
		item, err := p.item(&records[i])
		if err != nil {
			return fmt.Errorf("%q: %w", records[i].id, err)
		}
		left[i].PutRequest = &types.PutRequest{Item: item}
	}
	for try := 1; ; try++ {
		out, err := p.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{p.target.table: left}})
		if err != nil {
			return err
		}
		if left = out.UnprocessedItems[p.target.table]; len(left) == 0 {
			return nil
		}
		if try == putTries {
			return fmt.Errorf("%d items were left out %d times", len(left), putTries)
		}
		if err := stores.Backoff(stores.DefaultBackoff).Wait(ctx, try); err != nil {
			return err
		}
	}
}

func (p *dynamoPlace[V]) item(r *record) (dynamostore.Item, error) {
	v, err := p.shape.decodeOld(r.line)
	if err != nil {
		return nil, err
	}
	return p.items.encode(v)
}

// snapshotPage is how many items one request of a snapshot reads: on a small server a ping waits behind it.
const snapshotPage = 1000

// snapshot has the contents as text already: an item in memory is many times as large.
func (p *dynamoPlace[V]) snapshot(ctx context.Context) (map[string][]byte, error) {
	records := map[string][]byte{}
	pages := dynamodb.NewScanPaginator(p.client, &dynamodb.ScanInput{
		TableName: &p.target.table, ConsistentRead: aws.Bool(true), Limit: aws.Int32(snapshotPage),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, p.at(err)
		}
		for _, item := range page.Items {
			if isTombstone(item) {
				continue
			}
			id, ok := item[idAttribute].(*types.AttributeValueMemberS)
			if !ok {
				return nil, p.at(fmt.Errorf("an item has no %s that is a string: %v", idAttribute, item))
			}
			records[id.Value] = p.contentOf(item)
		}
	}
	return records, nil
}

// isTombstone is what everybody has to know of the SDK who reads a table directly: such an item is no record. (And that
// the metadata is no content.)
func isTombstone(item dynamostore.Item) bool {
	meta, ok := item[metaAttribute].(*types.AttributeValueMemberM)
	if !ok {
		return false
	}
	deleted, ok := meta.Value["d"].(*types.AttributeValueMemberBOOL)
	return ok && deleted.Value
}

func (p *dynamoPlace[V]) contentOf(item dynamostore.Item) []byte {
	delete(item, metaAttribute)
	v, err := p.items.decode(item)
	if err == nil {
		var text string
		if text, err = p.shape.text(v); err == nil {
			return []byte(text)
		}
	}
	return fmt.Appendf(nil, "unreadable: %v (%v)", item, err)
}

func (p *dynamoPlace[V]) text(_ *record, b []byte) (string, error) { return string(b), nil }

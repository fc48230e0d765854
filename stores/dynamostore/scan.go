package dynamostore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

// Scan yields the records of a segment in the order of DynamoDB's hash of the partition key, strongly consistent, a page
// of a request at a time. See stores.Store.
func (s *Store[K, V]) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[K, V], error] {
	return s.scanAs(ctx, seg, after, false)
}

// scanAs is a scan that notes what V does not hold, or not.
func (s *Store[K, V]) scanAs(ctx context.Context, seg stores.Segment, after []byte, noting bool) iter.Seq2[stores.Entry[K, V], error] {
	after = bytes.Clone(after)
	return func(yield func(stores.Entry[K, V], error) bool) {
		in, err := s.scanInput(seg, after, noting)
		if err != nil {
			yield(stores.Entry[K, V]{}, err)
			return
		}
		var lost typeshape.Lost
		counts := stores.ExpiryCountsOf(ctx)
		record := func(k itemKey, item Item) (stores.Record[V], error) { return s.countedRecord(counts, k, item) }
		if noting {
			record = func(k itemKey, item Item) (stores.Record[V], error) { return s.noted(&lost, counts, k, item) }
		}
		for more := true; more; {
			items, next, err := s.scanPage(ctx, in)
			if err != nil {
				yield(stores.Entry[K, V]{}, err)
				return
			}
			for _, item := range items {
				if err := ctx.Err(); err != nil {
					yield(stores.Entry[K, V]{}, err)
					return
				}
				entry, there, err := s.entry(item, record)
				entry.Lost = lost.Take()
				if there && !yield(entry, err) {
					return
				}
			}
			if more = len(next) > 0; more && s.table.key.sameKey(next, in.ExclusiveStartKey) {
				yield(stores.Entry[K, V]{}, stores.Transient(fmt.Errorf("dynamostore: table %s: scan: the server does not get beyond %s", s.table.name, s.showKey(next))))
				return
			}
			in.ExclusiveStartKey = next
		}
		if err := s.sameTableStill(ctx); err != nil {
			yield(stores.Entry[K, V]{}, err)
		}
	}
}

// sameTableStill finds out at the end of a scan that it would have gone from one table into another one of the same name.
func (s *Store[K, V]) sameTableStill(ctx context.Context) error {
	if s.table.id == "" {
		return nil // the server does not tell tables apart
	}
	var id string
	err := s.read(ctx, "DescribeTable", func(ctx context.Context, c *call) ([]types.ConsumedCapacity, error) {
		out, err := s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.table.name}, c.options)
		if err == nil {
			id = aws.ToString(out.Table.TableId)
		}
		return nil, err
	})
	switch {
	case err != nil:
		return fmt.Errorf("dynamostore: table %s: scan: asking whether it is the same table as before: %w", s.table.name, err)
	case id != s.table.id:
		return stores.Permanent(fmt.Errorf("dynamostore: table %s: scan: the table was deleted and created again since the store was opened: the scan has not "+
			"seen all of one table; find out who does that, open the store again and begin a new pass", s.table.name))
	}
	return nil
}

func (s *Store[K, V]) scanInput(seg stores.Segment, after []byte, noting bool) (*dynamodb.ScanInput, error) {
	in := &dynamodb.ScanInput{TableName: &s.table.name, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: s.measure()}
	if !noting || !s.notesOthers() { // a projection costs as many units as the whole item, and hides what V does not map
		e := newExpression()
		in.ProjectionExpression, in.ExpressionAttributeNames = nilIfBlank(s.projection(e)), nilIfEmpty(e.names)
	}
	if s.opts.PageSize > 0 {
		in.Limit = aws.Int32(int32(s.opts.PageSize))
	}
	i, n, err := parseSegment(seg)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		in.Segment, in.TotalSegments = &i, &n
	}
	if after == nil {
		return in, nil
	}
	if in.ExclusiveStartKey, err = s.position(after); err != nil {
		return nil, stores.Permanent(fmt.Errorf("dynamostore: table %s: scan after %s: %w", s.table.name, stores.FormatKey(after), err))
	}
	return in, nil
}

func (s *Store[K, V]) scanPage(ctx context.Context, in *dynamodb.ScanInput) (items []Item, next Item, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	err = s.read(ctx, "Scan", func(ctx context.Context, c *call) ([]types.ConsumedCapacity, error) {
		out, err := s.client.Scan(ctx, in, c.options)
		if err != nil {
			return nil, err
		}
		items, next = out.Items, out.LastEvaluatedKey
		return one(out.ConsumedCapacity), nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("dynamostore: table %s: scan: %w", s.table.name, err)
	}
	return items, next, nil
}

// entry makes an entry of an item; there is none in an item that is no record.
func (s *Store[K, V]) entry(item Item, recordOf func(itemKey, Item) (stores.Record[V], error)) (e stores.Entry[K, V], there bool, err error) {
	key, k, err := s.parseKey(item)
	if errors.Is(err, ErrOtherKind) {
		return e, false, nil
	}
	if err != nil {
		err = fmt.Errorf("its key %s: %w", s.showKey(k.attrs), err)
		return e, true, &stores.RecordError{Key: s.foreignKey(k.attrs), Foreign: true, Err: fmt.Errorf("dynamostore: table %s: %w", s.table.name, err)}
	}
	record, err := recordOf(k, item)
	if record, err = stores.OrAbsent(record, err); err != nil {
		return e, true, err
	}
	return stores.Entry[K, V]{Key: key, Record: record}, !record.Version.IsAbsent(), nil
}

// A segment is one of n parts of DynamoDB's hash of the partition key: "1:i/n", where 1 is the version of this form.
// It means the same keys for ever, whatever is written later.
const (
	segmentPrefix = "1:"
	maxSegments   = 1_000_000
)

// parseSegment is the inverse; n is 0 for the whole table. The error Is stores.ErrPermanent.
func parseSegment(seg stores.Segment) (i, n int32, err error) {
	if seg == "" {
		return 0, 0, nil
	}
	rest, ok := strings.CutPrefix(string(seg), segmentPrefix)
	part, of, two := strings.Cut(rest, "/")
	a, errA := strconv.ParseInt(part, 10, 32)
	b, errB := strconv.ParseInt(of, 10, 32)
	if !ok || !two || errA != nil || errB != nil || a < 0 || a >= b || b > maxSegments {
		return 0, 0, stores.Permanent(fmt.Errorf("dynamostore: %q is no segment of this store", string(seg)))
	}
	return int32(a), int32(b), nil
}

// Segments divides the table into n parts by the hash of the partition key, without asking DynamoDB. See
// stores.Segmenter. All items of one partition key are in one part.
func (s *Store[K, V]) Segments(ctx context.Context, n int) ([]stores.Segment, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if n < 1 {
		return nil, stores.Permanent(fmt.Errorf("dynamostore: a table is divided into at least one segment, not %d", n))
	}
	n = min(n, maxSegments)
	segs := make([]stores.Segment, n)
	for i := range segs {
		segs[i] = stores.Segment(fmt.Sprintf("%s%d/%d", segmentPrefix, i, n))
	}
	return segs, nil
}

// ApproxCount is how many items the table had some hours ago, as DynamoDB tells: records of other views and tombstones
// included. See stores.Counter.
func (s *Store[K, V]) ApproxCount(ctx context.Context) (n int64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	err = s.read(ctx, "DescribeTable", func(ctx context.Context, c *call) ([]types.ConsumedCapacity, error) {
		out, err := s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.table.name}, c.options)
		if err == nil {
			n = aws.ToInt64(out.Table.ItemCount)
		}
		return nil, err
	})
	if err != nil {
		return 0, fmt.Errorf("dynamostore: table %s: count: %w", s.table.name, err)
	}
	return n, nil
}

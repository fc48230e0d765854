package crossstore

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"golang.org/x/sync/errgroup"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// spot is a place without its key, for either database.
type spot struct {
	Name     string    `bson:"name" dynamodbav:"name"`
	Country  string    `bson:"country" dynamodbav:"country"`
	Location []float64 `bson:"location" dynamodbav:"location"`
	Level1   string    `bson:"level1" dynamodbav:"level1"`
	Level2   string    `bson:"level2" dynamodbav:"level2"`
	Note     string    `bson:"note" dynamodbav:"note"`
}

// meter counts the requests of a client by operation.
type meter struct {
	mu       sync.Mutex
	requests map[string]int
	read     float64
	write    float64
}

func (m *meter) Do(req *http.Request) (*http.Response, error) {
	op := req.Header.Get("X-Amz-Target")
	m.mu.Lock()
	m.requests[op[strings.LastIndexByte(op, '.')+1:]]++
	m.mu.Unlock()
	return dynamotest.Connections.Do(req)
}

func (m *meter) used(u dynamostore.Usage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read += u.Read
	m.write += u.Write
}

// report reports what 1,000 items took, and begins anew.
func (m *meter) report(b *testing.B) {
	m.mu.Lock()
	defer m.mu.Unlock()
	thousands := float64(*documents) * float64(b.N) / 1000
	sum := 0
	for _, op := range slices.Sorted(maps.Keys(m.requests)) {
		sum += m.requests[op]
		b.Logf("%-24s %7.1f requests for 1,000 items", op, float64(m.requests[op])/thousands)
	}
	b.ReportMetric(float64(sum)/thousands, "requests/1000")
	if m.read+m.write > 0 {
		b.ReportMetric(m.read/thousands, "read-units/1000")
		b.ReportMetric(m.write/thousands, "write-units/1000")
	}
	m.requests, m.read, m.write = map[string]int{}, 0, 0
}

// BenchmarkCopyDynamoDB copies a collection of MongoDB to a table and back, beside loops over the SDKs alone, which write
// with each kind of request that there is. One operation is all of the documents; docs/s is what to compare.
func BenchmarkCopyDynamoDB(b *testing.B) {
	db := mongotest.Database(b)
	from := db.Collection("spots", options.Collection().SetWriteConcern(writeconcern.Majority()))
	loadSpots(b, from, *documents)
	m := &meter{requests: map[string]int{}}
	client := dynamotest.Client(b, func(o *dynamodb.Options) { o.HTTPClient = m })
	run := func(name string, do func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			m.requests = map[string]int{}
			measure(b, func() { do(b) })
			m.report(b)
		})
	}
	for name, send := range bareWrites(client) {
		run("SDK alone "+name, func(b *testing.B) {
			spotsToItems(b, from, send(dynamotest.Table(b, client, "id:S")))
		})
	}
	table := dynamotest.Table(b, client, "id:S")
	there, items := openSpots(b, from), openItems(b, client, table, m)
	run("copy", func(b *testing.B) { copySpots(b, there, items, int64(*documents)) })
	run("copy again", func(b *testing.B) { copySpots(b, there, items, 0) })
	run("verify", func(b *testing.B) {
		r, err := copier.Verify(b.Context(), there, items, &copier.VerifyOptions[spot]{PassOptions: fourWorkers})
		if err != nil || !r.Clean() || r.Same != int64(*documents) {
			b.Fatalf("%+v %v", r, err)
		}
	})
	run("back SDKs alone", func(b *testing.B) { itemsToSpots(b, client, table, db.Collection("back-alone")) })
	run("back", func(b *testing.B) { copySpots(b, items, openSpots(b, db.Collection("back")), int64(*documents)) })
}

func loadSpots(b *testing.B, to *mongo.Collection, n int) {
	b.Helper()
	docs := make([]any, 0, 10_000)
	for i := range n {
		p := newPlace(i)
		docs = append(docs, bson.D{
			{Key: "_id", Value: p.ID}, {Key: "name", Value: p.Name}, {Key: "country", Value: p.Country}, {Key: "location", Value: p.Location},
			{Key: "level1", Value: "09"}, {Key: "level2", Value: "900"}, {Key: "note", Value: p.Note},
		})
		if len(docs) == cap(docs) || i == n-1 {
			if _, err := to.InsertMany(b.Context(), docs); err != nil {
				b.Fatal(err)
			}
			docs = docs[:0]
		}
	}
}

func openSpots(b *testing.B, coll *mongo.Collection) stores.Store[string, spot] {
	b.Helper()
	s, err := mongostore.New[string, spot](b.Context(), coll, nil)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func openItems(b *testing.B, client *dynamodb.Client, table string, m *meter) stores.Store[string, spot] {
	b.Helper()
	s, err := dynamostore.New(b.Context(), client, table, &dynamostore.Options[string, spot]{OnUsage: m.used})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func copySpots(b *testing.B, from, to stores.Store[string, spot], applied int64) {
	r, err := copier.Copy(b.Context(), from, to, &copier.CopyOptions[spot]{PassOptions: fourWorkers})
	if err != nil || r.Applied != applied || r.Applied+r.AlreadyThere != int64(*documents) {
		b.Fatalf("%+v %v", r, err)
	}
}

// fourWorkers, on any machine: over a network they wait most of the time.
var fourWorkers = copier.PassOptions{Workers: 4}

// atOnce is how many requests the loops have under way: as many as the copier, with its 4 workers.
const atOnce = 32

type item = map[string]types.AttributeValue

// writer sends some items in one request, at most size.
type writer struct {
	size int
	send func(ctx context.Context, items []item) error
}

// spotsToItems is what somebody writes who wants it done: find, and a request for each so many.
func spotsToItems(b *testing.B, from *mongo.Collection, w writer) {
	cursor, err := from.Find(b.Context(), bson.D{}, options.Find().SetBatchSize(batch))
	if err != nil {
		b.Fatal(err)
	}
	g, ctx := errgroup.WithContext(b.Context())
	g.SetLimit(atOnce)
	var items []item
	flush := func() {
		if part := items; len(part) > 0 {
			g.Go(func() error { return w.send(ctx, part) })
		}
		items = nil
	}
	for cursor.Next(ctx) {
		var p spot
		if err := cursor.Decode(&p); err != nil {
			b.Fatal(err)
		}
		it, err := attributevalue.MarshalMap(p)
		if err != nil {
			b.Fatal(err)
		}
		it["id"] = &types.AttributeValueMemberS{Value: cursor.Current.Lookup("_id").StringValue()}
		if items = append(items, it); len(items) == w.size {
			flush()
		}
	}
	flush()
	if err := g.Wait(); err != nil || cursor.Err() != nil {
		b.Fatal(err, cursor.Err())
	}
}

// bareWrites are the kinds of requests, by name. None looks for older records, and only one of them for any.
func bareWrites(client *dynamodb.Client) map[string]func(table string) writer {
	return map[string]func(string) writer{
		"BatchWriteItem": func(table string) writer {
			return writer{25, func(ctx context.Context, items []item) error {
				var puts []types.WriteRequest
				for _, it := range items {
					puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
				}
				out, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: puts}})
				if err == nil && len(out.UnprocessedItems) > 0 {
					err = fmt.Errorf("%d are unprocessed", len(out.UnprocessedItems))
				}
				return err
			}}
		},
		"INSERT": func(table string) writer {
			text := aws.String(`INSERT INTO "` + table + `" VALUE {'id':?,'name':?,'country':?,'location':?,'level1':?,'level2':?,'note':?}`)
			return writer{25, func(ctx context.Context, items []item) error {
				var all []types.BatchStatementRequest
				for _, it := range items {
					all = append(all, types.BatchStatementRequest{Statement: text, Parameters: []types.AttributeValue{
						it["id"], it["name"], it["country"], it["location"], it["level1"], it["level2"], it["note"],
					}})
				}
				out, err := client.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: all})
				if err != nil {
					return err
				}
				for _, r := range out.Responses {
					if r.Error != nil {
						return fmt.Errorf("%s: %s", r.Error.Code, aws.ToString(r.Error.Message))
					}
				}
				return nil
			}}
		},
		"TransactWriteItems": func(table string) writer {
			return writer{100, func(ctx context.Context, items []item) error {
				var puts []types.TransactWriteItem
				for _, it := range items {
					puts = append(puts, types.TransactWriteItem{Put: &types.Put{
						TableName: &table, Item: it, ConditionExpression: aws.String("attribute_not_exists(id)"),
					}})
				}
				_, err := client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: puts})
				return err
			}}
		},
		"PutItem": func(table string) writer {
			return writer{1, func(ctx context.Context, items []item) error {
				_, err := client.PutItem(ctx, &dynamodb.PutItemInput{
					TableName: &table, Item: items[0], ConditionExpression: aws.String("attribute_not_exists(id)"),
				})
				return err
			}}
		},
	}
}

// itemsToSpots is the way back: a scan, and unordered inserts.
func itemsToSpots(b *testing.B, client *dynamodb.Client, table string, to *mongo.Collection) {
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for part := range slices.Chunk(page.Items, batch) {
			docs := make([]any, len(part))
			for i, it := range part {
				var p struct {
					ID   string `bson:"_id" dynamodbav:"id"`
					spot `bson:",inline"`
				}
				if err := attributevalue.UnmarshalMap(it, &p); err != nil {
					b.Fatal(err)
				}
				docs[i] = p
			}
			if _, err := to.InsertMany(b.Context(), docs, options.InsertMany().SetOrdered(false)); err != nil {
				b.Fatal(err)
			}
		}
	}
}

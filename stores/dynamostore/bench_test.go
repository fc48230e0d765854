//go:build unix

package dynamostore

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/stores"
)

// instant answers at once that all went well: what is left is what the client does.
type instant struct{}

var instantAnswers = map[string]map[string]any{
	"BatchExecuteStatement": {"Responses": make([]struct{}, insertChunk)},
}

func (instant) Do(req *http.Request) (*http.Response, error) {
	op := req.Header.Get("X-Amz-Target")
	out := instantAnswers[op[strings.LastIndexByte(op, '.')+1:]]
	if out == nil {
		out = map[string]any{}
	}
	return dynamotest.Answer(http.StatusOK, out), nil
}

// cpu is the time that this process has computed.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perItem reports what one record took.
func perItem(b *testing.B, items int, began time.Duration) {
	b.Helper()
	b.ReportMetric(float64(cpu(b)-began)/float64(items)/1000, "cpu-µs/item")
	b.ReportMetric(float64(items)/b.Elapsed().Seconds(), "items/s")
}

// putter is one of the ways to write one record, and by the SDK alone.
type putter struct {
	name       string
	ours, bare func(i int) error
}

// putters are a struct, of which others may have attributes in the item (UpdateItem), and a whole item (PutItem).
func putters(b testing.TB, s *Store[string, note], items *Store[string, Item]) []putter {
	b.Helper()
	return []putter{
		{"UpdateItem of a struct", func(i int) error {
			w := write{Key: fmt.Sprint("s", i), Record: live(stamp(5), stores.Absent, int64(i)), If: stores.IfOlder(stamp(5))}
			w.Record.Value.Text = smallText
			return s.Put(b.Context(), w)
		}, func(i int) error {
			in, err := bareUpdate(s.table.name, fmt.Sprint("b", i), note{N: int64(i), Text: smallText})
			if err == nil {
				_, err = s.client.UpdateItem(b.Context(), in)
			}
			return err
		}},
		{"PutItem of an item", func(i int) error {
			return items.Put(b.Context(), stores.Write[string, Item]{
				Key: fmt.Sprint("i", i), Record: stores.Record[Item]{Meta: stores.Meta{Version: stamp(5), Prev: stores.Absent}, Value: smallItem(i)}, If: stores.IfOlder(stamp(5)),
			})
		}, func(i int) error {
			_, err := s.client.PutItem(b.Context(), barePut(s.table.name, fmt.Sprint("c", i), i))
			return err
		}},
	}
}

// BenchmarkPut compares one conditional write of a record with the SDK's own call, over a client that is answered at once
// and over the server. The two take turns, and the ratios are of the SDK's time to the store's: 1 is as fast, 0.9 is
// what is promised.
func BenchmarkPut(b *testing.B) {
	for _, over := range []string{"instant", "server"} {
		s := notes(b, nil)
		items := open[string, Item](b, s.client, s.table.name, nil)
		if over == "instant" {
			s.client = newClient(b, func(o *dynamodb.Options) { o.HTTPClient = instant{} })
			items.client = s.client
		}
		for _, p := range putters(b, s, items) {
			b.Run(over+"/"+p.name, func(b *testing.B) { takeTurns(b, p.ours, p.bare) })
		}
	}
}

// takeTurns runs two ways to do the same b.N times each, a few at a time so that what else the machine does meets both.
func takeTurns(b *testing.B, ours, bare func(i int) error) {
	b.Helper()
	const turn = 50
	run := int(time.Now().UnixNano()%1_000_000) * 1_000_000 // keys of this run
	var wall, computed [2]time.Duration
	for at := 0; at < b.N; at += turn {
		for way, do := range []func(int) error{ours, bare} {
			began, cpuBefore := time.Now(), cpu(b)
			for i := at; i < min(at+turn, b.N); i++ {
				if err := do(run + i); err != nil {
					b.Fatal(err)
				}
			}
			wall[way] += time.Since(began)
			computed[way] += cpu(b) - cpuBefore
		}
	}
	b.ReportMetric(0, "ns/op") // of both ways together
	b.ReportMetric(float64(wall[1])/float64(wall[0]), "sdk/store-time")
	b.ReportMetric(float64(computed[1])/float64(computed[0]), "sdk/store-cpu")
	b.ReportMetric(float64(wall[0].Microseconds())/float64(b.N), "store-µs")
	b.ReportMetric(float64(computed[0].Microseconds())/float64(b.N), "store-cpu-µs")
}

const smallText = "some text that a small record has"

func smallItem(i int) Item {
	return Item{"n": avN(fmt.Sprint(i)), "text": avS(smallText)}
}

// barePut is what somebody writes by hand who stores a record with a version, if it is newer.
func barePut(table, id string, i int) *dynamodb.PutItemInput {
	item := smallItem(i)
	item["id"] = avS(id)
	item[defaultMeta] = metaValue(stores.Meta{Version: stamp(5), Prev: stores.Absent})
	return &dynamodb.PutItemInput{
		TableName: &table, Item: item, ConditionExpression: aws.String("attribute_not_exists(#m) OR #m.#s < :t"),
		ExpressionAttributeNames:            map[string]string{"#m": defaultMeta, "#s": metaStamp},
		ExpressionAttributeValues:           Item{":t": stampValue(stamp(5))},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// bareUpdate is the same for somebody who leaves alone what else is in the item.
func bareUpdate(table, id string, n note) (*dynamodb.UpdateItemInput, error) {
	m, err := attributevalue.MarshalMap(n)
	return &dynamodb.UpdateItemInput{
		TableName: &table, Key: Item{"id": avS(id)}, UpdateExpression: aws.String("SET #m = :m, #n = :n, #x = :x REMOVE #y"),
		ConditionExpression:      aws.String("attribute_not_exists(#m) OR #m.#s < :t"),
		ExpressionAttributeNames: map[string]string{"#m": defaultMeta, "#s": metaStamp, "#n": "n", "#x": "text", "#y": "tags"},
		ExpressionAttributeValues: Item{
			":m": metaValue(stores.Meta{Version: stamp(5), Prev: stores.Absent}), ":n": m["n"], ":x": m["text"], ":t": stampValue(stamp(5)),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, err
}

// BenchmarkCopyCPU is what the client computes for an item that is copied into an empty table, and for one conditional
// PutItem. An op is 1,000 items.
func BenchmarkCopyCPU(b *testing.B) {
	s := notes(b, nil)
	s.client = newClient(b, func(o *dynamodb.Options) { o.HTTPClient = instant{} })
	writes := copyOf(1000, 5)
	b.Run("store", func(b *testing.B) {
		began := cpu(b)
		for b.Loop() {
			errs, err := s.PutMany(b.Context(), writes)
			if err := errors.Join(append(errs, err)...); err != nil {
				b.Fatal(err)
			}
		}
		perItem(b, b.N*len(writes), began)
	})
	b.Run("conditional PutItem", func(b *testing.B) {
		began := cpu(b)
		for b.Loop() {
			for i, w := range writes {
				if _, err := s.client.PutItem(b.Context(), barePut(s.table.name, w.Key, i)); err != nil {
					b.Fatal(err)
				}
			}
		}
		perItem(b, b.N*len(writes), began)
	})
}

const copied = 20_000

// BenchmarkCopy copies small items into an empty table, as a copy does and by bare loops of the SDK. An op is a table.
func BenchmarkCopy(b *testing.B) {
	const workers = defaultConcurrency
	client := newClient(b)
	chunked := func(size int, send func(table string, ids []int) error) func(table string) error {
		return func(table string) error {
			errs := make([]error, (copied+size-1)/size)
			inParallel(len(errs), workers, func(c int) {
				var ids []int
				for i := c * size; i < min((c+1)*size, copied); i++ {
					ids = append(ids, i)
				}
				errs[c] = send(table, ids)
			})
			return errors.Join(errs...)
		}
	}
	for _, way := range []struct {
		name string
		run  func(table string) error
	}{
		{"store", func(table string) error {
			s := open[string, note](b, client, table, nil)
			errs, err := s.PutMany(b.Context(), copyOf(copied, 5))
			return errors.Join(append(errs, err)...)
		}},
		{"BatchExecuteStatement", chunked(25, func(table string, ids []int) error { return bareInsert(b, client, table, ids) })},
		{"BatchWriteItem", chunked(25, func(table string, ids []int) error {
			in := map[string][]types.WriteRequest{}
			for _, i := range ids {
				in[table] = append(in[table], types.WriteRequest{PutRequest: &types.PutRequest{Item: barePut(table, fmt.Sprint("k", i), i).Item}})
			}
			_, err := client.BatchWriteItem(b.Context(), &dynamodb.BatchWriteItemInput{RequestItems: in})
			return err
		})},
		{"TransactWriteItems", chunked(100, func(table string, ids []int) error {
			var in []types.TransactWriteItem
			for _, i := range ids {
				p := barePut(table, fmt.Sprint("k", i), i)
				in = append(in, types.TransactWriteItem{Put: &types.Put{
					TableName: p.TableName, Item: p.Item, ConditionExpression: p.ConditionExpression,
					ExpressionAttributeNames: p.ExpressionAttributeNames, ExpressionAttributeValues: p.ExpressionAttributeValues,
				}})
			}
			_, err := client.TransactWriteItems(b.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: in})
			return err
		})},
		{"PutItem", chunked(1, func(table string, ids []int) error {
			_, err := client.PutItem(b.Context(), barePut(table, fmt.Sprint("k", ids[0]), ids[0]))
			return err
		})},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			began := cpu(b)
			for b.Loop() {
				b.StopTimer()
				table := newTable(b, client, "id:S")
				b.StartTimer()
				if err := way.run(table); err != nil {
					b.Fatal(err)
				}
			}
			perItem(b, b.N*copied, began)
		})
	}
}

func bareInsert(b *testing.B, client *dynamodb.Client, table string, ids []int) error {
	b.Helper()
	var in []types.BatchStatementRequest
	for _, i := range ids {
		item := barePut(table, fmt.Sprint("k", i), i).Item
		text, _ := insertText(table, item)
		in = append(in, types.BatchStatementRequest{Statement: &text, Parameters: parameters(item)})
	}
	out, err := client.BatchExecuteStatement(b.Context(), &dynamodb.BatchExecuteStatementInput{Statements: in})
	if err != nil {
		return err
	}
	for _, r := range out.Responses {
		if r.Error != nil {
			return errors.New(aws.ToString(r.Error.Message))
		}
	}
	return nil
}

// BenchmarkRead is a whole table by scans of 1 and 4 segments, and by keys.
func BenchmarkRead(b *testing.B) {
	s := notes(b, nil)
	writes := copyOf(copied, 5)
	errs, err := s.PutMany(b.Context(), writes)
	if err := errors.Join(append(errs, err)...); err != nil {
		b.Fatal(err)
	}
	keys := make([]string, len(writes))
	for i := range writes {
		keys[i] = writes[i].Key
	}
	for _, n := range []int{1, 4} {
		b.Run(fmt.Sprint("scan of ", n, " segments"), func(b *testing.B) {
			b.ReportAllocs()
			began := cpu(b)
			for b.Loop() {
				segs, err := s.Segments(b.Context(), n)
				if err != nil {
					b.Fatal(err)
				}
				var wg sync.WaitGroup
				for _, seg := range segs {
					wg.Go(func() {
						for _, err := range s.Scan(b.Context(), seg, nil) {
							if err != nil {
								b.Error(err)
							}
						}
					})
				}
				wg.Wait()
			}
			perItem(b, b.N*copied, began)
		})
	}
	b.Run("get many", func(b *testing.B) {
		b.ReportAllocs()
		began := cpu(b)
		for b.Loop() {
			res, err := s.GetMany(b.Context(), keys)
			if err != nil || len(res) != copied {
				b.Fatal(len(res), err)
			}
		}
		perItem(b, b.N*copied, began)
	})
}

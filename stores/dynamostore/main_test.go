package dynamostore

import (
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/stores"
)

const endpointVariable = dynamotest.EndpointVariable

func TestMain(m *testing.M) { os.Exit(dynamotest.Main(m.Run)) }

var connections = dynamotest.Connections

func newClient(tb testing.TB, change ...func(*dynamodb.Options)) *dynamodb.Client {
	tb.Helper()
	return dynamotest.Client(tb, change...)
}

func newTable(tb testing.TB, client *dynamodb.Client, key ...string) string {
	tb.Helper()
	return dynamotest.Table(tb, client, key...)
}

func open[K, V any](tb testing.TB, client *dynamodb.Client, table string, o *Options[K, V]) *Store[K, V] {
	tb.Helper()
	s, err := New(tb.Context(), client, table, o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

type note struct {
	ID   string   `dynamodbav:"id"`
	N    int64    `dynamodbav:"n"`
	Text string   `dynamodbav:"text,omitempty"`
	Tags []string `dynamodbav:"tags,stringset,omitempty"`
}

type (
	write  = stores.Write[string, note]
	record = stores.Record[note]
)

// notes is a store of notes in a table of its own.
func notes(tb testing.TB, o *Options[string, note], change ...func(*dynamodb.Options)) *Store[string, note] {
	tb.Helper()
	client := newClient(tb, change...)
	return open(tb, client, newTable(tb, client, "id:S"), o)
}

// stamp makes a stamp that sorts by n.
func stamp(n int) stores.Version {
	s := stores.Stamp{5: 1, 15: 1}
	s[6], s[7] = byte(n>>8), byte(n)
	return s.Version()
}

func live(v, prev stores.Version, n int64) record {
	return record{Meta: stores.Meta{Version: v, Prev: prev}, Value: note{N: n}}
}

func mustPut[K, V any](tb testing.TB, s stores.Store[K, V], w stores.Write[K, V]) {
	tb.Helper()
	if err := s.Put(tb.Context(), w); err != nil {
		tb.Fatalf("put %v: %v", w.Key, err)
	}
}

// raw reads an item past the store.
func raw(tb testing.TB, client *dynamodb.Client, table string, key Item) Item {
	tb.Helper()
	out, err := client.GetItem(tb.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		tb.Fatal(err)
	}
	return out.Item
}

// plant writes an item past the store.
func plant(tb testing.TB, client *dynamodb.Client, table string, item Item) {
	tb.Helper()
	if _, err := client.PutItem(tb.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
		tb.Fatal(err)
	}
}

func avS(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func avN(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }
func avB(b string) types.AttributeValue { return &types.AttributeValueMemberB{Value: []byte(b)} }
func avM(m Item) types.AttributeValue   { return &types.AttributeValueMemberM{Value: m} }

package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/servers"
	"github.com/dualwrite/dualwrite/stores"
)

// The server itself, without the store: what the store relies on and could not show if the server got it wrong.

func TestOracleCompareAndSetAddsUp(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	table := newTable(t, client, "id:S")
	plant(t, client, table, Item{"id": avS("k"), "n": avN("0")})
	const writers = 32
	rounds := contended()
	if testing.Short() {
		rounds = 20
	}
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			have := "0"
			for done, lost := 0, 0; done < rounds; {
				n, _ := strconv.Atoi(have)
				_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{
					TableName: &table, Item: Item{"id": avS("k"), "n": avN(strconv.Itoa(n + 1))}, ConditionExpression: aws.String("n = :n"),
					ExpressionAttributeValues:           Item{":n": avN(have)},
					ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
				})
				var refused *types.ConditionalCheckFailedException
				switch {
				case err == nil:
					have, lost = strconv.Itoa(n+1), 0
					done++
				case errors.As(err, &refused) && refused.Item != nil && refused.Item["n"].(*types.AttributeValueMemberN).Value != have:
					have = refused.Item["n"].(*types.AttributeValueMemberN).Value
					lost++
					if err := stores.Backoff(stores.DefaultBackoff).Wait(t.Context(), lost); err != nil {
						t.Error(err)
						return
					}
				default:
					t.Errorf("refused %v by %v", err, refused)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := raw(t, client, table, key("k"))["n"].(*types.AttributeValueMemberN).Value; got != strconv.Itoa(writers*rounds) {
		t.Errorf("the sum is %s, want %d", got, writers*rounds)
	}
}

func TestOracleTransactionsAreAllOrNothing(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	table := newTable(t, client, "id:S")
	put := func(id, n string, cond *string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{
			TableName: &table, Item: Item{"id": avS(id), "n": avN(n)}, ConditionExpression: cond,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}}
	}
	plant(t, client, table, Item{"id": avS("there"), "n": avN("7")})
	_, err := client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{put("a", "1", nil), put("there", "8", aws.String("attribute_not_exists(id)"))},
	})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || cancelled.CancellationReasons[1].Item["n"].(*types.AttributeValueMemberN).Value != "7" {
		t.Errorf("%v", err)
	}
	if raw(t, client, table, key("a")) != nil {
		t.Error("a half of a refused transaction is stored")
	}
	// Readers of both never see one without the other.
	var wg sync.WaitGroup
	var over atomic.Bool
	for range 4 {
		wg.Go(func() {
			for !over.Load() {
				out, err := client.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
					{Get: &types.Get{TableName: &table, Key: key("x")}}, {Get: &types.Get{TableName: &table, Key: key("y")}},
				}})
				if err == nil && fmt.Sprint(numberOf(out.Responses[0].Item)) != fmt.Sprint(numberOf(out.Responses[1].Item)) {
					t.Errorf("read %v and %v", out.Responses[0].Item, out.Responses[1].Item)
					return
				}
			}
		})
	}
	for i := range 200 {
		n := strconv.Itoa(i)
		if _, err := client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			TransactItems: []types.TransactWriteItem{put("x", n, nil), put("y", n, nil)},
		}); err != nil {
			t.Error(err)
		}
	}
	over.Store(true)
	wg.Wait()
}

func numberOf(item Item) string {
	if n, ok := item["n"].(*types.AttributeValueMemberN); ok {
		return n.Value
	}
	return "none"
}

// TestAcknowledgedWritesSurviveAKill: the server is killed under writers, and comes back with all that the store has
// acknowledged.
func TestAcknowledgedWritesSurviveAKill(t *testing.T) {
	t.Parallel()
	servers.ForTest(t, servers.DynamoDB()) // for its verdict on a missing server
	dir := t.TempDir()
	var table string
	const writers = 8
	last := make([]int64, writers) // of each, the last number that was acknowledged
	for round := range 3 {
		p, err := servers.Start(t.Context(), servers.DynamoDB(), dir)
		if err != nil {
			t.Fatal(err)
		}
		client := dynamotest.ClientAt("http://" + p.Addr())
		if table == "" {
			schema, defs := dynamotest.Key("id:S")
			table = "kept"
			if _, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: &table, KeySchema: schema, AttributeDefinitions: defs, BillingMode: types.BillingModePayPerRequest}); err != nil {
				t.Fatal(err)
			}
		}
		s := open[string, note](t, client, table, nil)
		for i := range writers {
			r, err := stores.OrAbsent(s.Get(t.Context(), fmt.Sprint("w", i)))
			if err != nil || r.Value.N < last[i] {
				t.Errorf("round %d: writer %d had %d acknowledged, stored is %+v (%v)", round, i, last[i], r, err)
			}
			last[i] = max(last[i], r.Value.N)
		}
		writeUntilKilled(t, p, s, last)
	}
}

// writeUntilKilled lets each writer count up in its record until the server is gone.
func writeUntilKilled(t *testing.T, p *servers.Process, s *Store[string, note], last []int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var acknowledged atomic.Int64
	enough := make(chan struct{})
	for i := range last {
		wg.Go(func() {
			for n := last[i] + 1; ctx.Err() == nil; n++ {
				w := write{Key: fmt.Sprint("w", i), Record: live(stamp(int(n)), stores.Unknown, n), If: stores.IfOlder(stamp(int(n)))}
				if err := s.Put(ctx, w); err != nil {
					return
				}
				last[i] = n
				if acknowledged.Add(1) == 1000 {
					close(enough)
				}
			}
		})
	}
	<-enough
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
	cancel()
	wg.Wait()
}

package dynamostore

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

type account struct {
	Balance int64 `dynamodbav:"balance"`
	Rev     int64 `dynamodbav:"rev"`
}

type accountWrite = stores.Write[string, account]

func accounts(t *testing.T, o Options[string, account]) *Store[string, account] {
	t.Helper()
	o.Guard = "rev"
	client := newClient(t)
	return open(t, client, newTable(t, client, "id:S"), &o)
}

func accountAt(v, prev stores.Version, balance, rev int64) stores.Record[account] {
	return stores.Record[account]{Meta: stores.Meta{Version: v, Prev: prev}, Value: account{balance, rev}}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options[string, account]{
		"struct": {}, "view": {Attributes: []string{"balance", "rev"}},
		"whole item": {
			Encode: marshal[account], Decode: unmarshal[account],
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := accounts(t, o)
			rev := func(want int64) {
				t.Helper()
				if r, err := s.Get(t.Context(), "k"); err != nil || r.Value.Rev != want {
					t.Errorf("%+v, %v; want rev %d", r, err, want)
				}
			}
			plant(t, s.client, s.table.name, Item{"id": avS("k"), "balance": avN("10"), "rev": avN("4")})
			mustPut(t, s, accountWrite{Key: "k", Record: accountAt(stamp(1), stores.Unstamped, 11, 4), If: stores.IfStamp(stores.Unstamped)})
			rev(5)
			// Somebody outside raises the number and leaves the metadata as it is.
			item := raw(t, s.client, s.table.name, key("k"))
			item["balance"], item["rev"] = avN("20"), avN("6")
			plant(t, s.client, s.table.name, item)
			err := s.Put(t.Context(), accountWrite{Key: "k", Record: accountAt(stamp(2), stamp(1), 12, 5), If: stores.IfStamp(stamp(1))})
			if o, m := stores.OutcomeOf(err); o != stores.OutcomeRefused || m.Version != stamp(1) {
				t.Errorf("the application's lock did not hold: %v", err)
			}
			rev(6)
			// A blind write raises the greater of both, the stored and the given.
			mustPut(t, s, accountWrite{Key: "k", Record: accountAt(stamp(3), stores.Unknown, 13, 1), If: stores.IfOlder(stamp(3))})
			rev(7)
			mustPut(t, s, accountWrite{Key: "k", Record: accountAt(stamp(4), stamp(3), 14, 100), If: stores.IfAtMost(stamp(3), stores.Unknown)})
			rev(101)
			// A delete compares nothing and leaves nothing.
			mustPut(t, s, accountWrite{Key: "k", Record: stores.Record[account]{Meta: stores.Meta{Version: stamp(5), Deleted: true}}, If: stores.IfStamp(stamp(4))})
			mustPut(t, s, accountWrite{Key: "k", Record: accountAt(stamp(6), stamp(5), 1, 0), If: stores.IfStamp(stamp(5))})
			rev(1)
			errs, err := s.PutMany(t.Context(), []accountWrite{
				{Key: "a", Record: accountAt(stamp(1), stores.Absent, 1, 8), If: stores.IfStamp(stores.Absent)},
				{Key: "b", Record: accountAt(stamp(1), stores.Absent, 1, 8), If: stores.IfStamp(stores.Absent)},
			})
			if err := errors.Join(append(errs, err)...); err != nil {
				t.Fatal(err)
			}
			if r, err := s.Get(t.Context(), "a"); err != nil || r.Value.Rev != 9 {
				t.Errorf("%+v, %v", r, err)
			}
			if v, err := s.RoundTrip("a", account{5, 77}); err != nil || v != (account{5, 0}) {
				t.Errorf("%+v, %v", v, err)
			}
		})
	}
}

// TestGuardBesideWritersOutside: neither the SDK's writers nor those outside lose an update to the other ones.
func TestGuardBesideWritersOutside(t *testing.T) {
	t.Parallel()
	s := accounts(t, Options[string, account]{})
	plant(t, s.client, s.table.name, Item{"id": avS("k"), "balance": avN("0"), "rev": avN("0")})
	const writers, rounds = 4, 25
	var wg sync.WaitGroup
	for i := range 2 * writers {
		add := addOutside
		if i%2 == 0 {
			add = addThroughSDK
		}
		wg.Go(func() {
			for range rounds {
				if err := add(t.Context(), s); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if r, err := s.Get(t.Context(), "k"); err != nil || r.Value != (account{2 * writers * rounds, 2 * writers * rounds}) {
		t.Errorf("%+v, %v", r, err)
	}
}

func addOutside(ctx context.Context, s *Store[string, account]) error {
	for {
		out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table.name, Key: key("k"), ConsistentRead: aws.Bool(true)})
		if err != nil {
			return err
		}
		a, err := unmarshal[account](out.Item)
		if err != nil {
			return err
		}
		next, err := marshal(account{a.Balance + 1, a.Rev + 1})
		if err != nil {
			return err
		}
		_, err = s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &s.table.name, Key: key("k"), UpdateExpression: aws.String("SET balance = :b, rev = :r"), ConditionExpression: aws.String("rev = :o"),
			ExpressionAttributeValues: Item{":b": next["balance"], ":r": next["rev"], ":o": out.Item["rev"]},
		})
		if refused := (*types.ConditionalCheckFailedException)(nil); !errors.As(err, &refused) {
			return err
		}
	}
}

func addThroughSDK(ctx context.Context, s *Store[string, account]) error {
	clock, err := stores.NewClock(nil)
	if err != nil {
		return err
	}
	for {
		r, err := s.Get(ctx, "k")
		if err != nil {
			return err
		}
		v, err := clock.Next(r.Version)
		if err != nil {
			return err
		}
		r.Value.Balance++
		err = s.Put(ctx, accountWrite{Key: "k", Record: stores.Record[account]{Meta: stores.Meta{Version: v, Prev: r.Version}, Value: r.Value}, If: stores.IfStamp(r.Version)})
		switch o, m := stores.OutcomeOf(err); {
		case o == stores.OutcomeApplied || m.Shows(v):
			return nil
		case o != stores.OutcomeRefused:
			return err
		}
	}
}

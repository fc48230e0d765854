package crossstore

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/hostile"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// TestItemsArriveExactly: from table to table, with V = Item, by a copy, and by the writes of a service in both phases that
// write to both. What is stored is compared past the SDK.
func TestItemsArriveExactly(t *testing.T) {
	t.Parallel()
	client := dynamotest.Client(t)
	tables := []string{dynamotest.Table(t, client, "id:S"), dynamotest.Table(t, client, "id:S")}
	all := hostile.Items()
	plant := func(table, key string, item dynamostore.Item) {
		full := dynamostore.Item{"id": avS(key)}
		for name, av := range item {
			full[name] = av
		}
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: full}); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	for key, item := range all {
		plant(tables[0], "copied "+key, item)
	}
	planted := allItems(t, client, tables[0])
	for key, item := range all { // by what live writes are compared
		plant(tables[1], key, item)
	}
	want := allItems(t, client, tables[1])
	for key := range all {
		if _, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &tables[1], Key: dynamostore.Item{"id": avS(key)}}); err != nil {
			t.Fatal(err)
		}
	}
	places := make([]*dynamostore.Store[string, dynamostore.Item], 2)
	for i, table := range tables {
		s, err := dynamostore.New[string, dynamostore.Item](t.Context(), client, table, nil)
		if err != nil {
			t.Fatal(err)
		}
		places[i] = s
	}
	phases := []flags.Phase{flags.ReadOldWriteBoth, flags.ReadNewWriteBoth}
	for _, phase := range phases {
		r, err := dualwrite.New[string, dynamostore.Item](places[0], places[1], flags.Static(phase), nil)
		if err != nil {
			t.Fatal(err)
		}
		for key, item := range all {
			key = fmt.Sprint(phase, " ", key)
			if _, err := r.Put(t.Context(), key, dynamostore.Item{"before": avN(1)}); err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			if _, err := r.Put(t.Context(), key, item); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
		if phase == flags.ReadOldWriteBoth {
			copied, verified, err := copier.CopyAndVerify[string, dynamostore.Item](t.Context(), places[0], places[1], nil)
			if err != nil || !copied.Clean() || !verified.Clean() || copied.Changed != 0 {
				t.Errorf("%+v\n%+v\n%v", copied, verified, err)
			}
		}
	}
	for i, table := range tables {
		got := allItems(t, client, table)
		if n := len(all) * (1 + len(phases)); len(got) != n {
			t.Errorf("place %d has %d items, want %d", i, len(got), n)
		}
		same := func(key string, is, was dynamostore.Item) {
			for _, name := range []string{"id", "_dw"} {
				delete(is, name)
				delete(was, name)
			}
			if !sameItem(is, was) {
				t.Errorf("place %d, %s:\n was %v\n  is %v", i, key, show(was), show(is))
			}
		}
		for key := range all {
			same(key, got["copied "+key], planted["copied "+key])
			for _, phase := range phases {
				same(fmt.Sprint(phase, " ", key), got[fmt.Sprint(phase, " ", key)], want[key])
			}
		}
	}
}

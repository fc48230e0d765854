package crossstore

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// awkwardItems have a value of each type, each empty value that there is, numbers at the limits, and names that are syntax
// elsewhere.
func awkwardItems() map[string]dynamostore.Item {
	null, yes, no := &types.AttributeValueMemberNULL{Value: true}, &types.AttributeValueMemberBOOL{Value: true}, &types.AttributeValueMemberBOOL{}
	list := func(all ...types.AttributeValue) types.AttributeValue {
		return &types.AttributeValueMemberL{Value: append([]types.AttributeValue{}, all...)}
	}
	strs := func(all ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: all} }
	nums := func(all ...string) types.AttributeValue { return &types.AttributeValueMemberNS{Value: all} }
	bytes := func(all ...[]byte) types.AttributeValue { return &types.AttributeValueMemberBS{Value: all} }
	digits := "12345678901234567890123456789012345678"
	deep := avM("m", avN(1))
	for range 15 {
		deep = avM("m", list(deep))
	}
	items := map[string]dynamostore.Item{
		"integers":     {"38": avN(digits), "negative": avN("-" + digits), "zero": avN(0), "minus zero": avN("-0"), "zeros": avN("1" + strings.Repeat("0", 37))},
		"fractions":    {"38": avN("0." + digits), "both": avN(digits[:19] + "." + digits[19:]), "trailing": avN("1.50"), "exponent": avN("1.5E+10")},
		"ends":         {"most": avN("9." + strings.Repeat("9", 37) + "E125"), "least": avN("-9." + strings.Repeat("9", 37) + "E125"), "small": avN("1E-130"), "minus": avN("-1E-130")},
		"empty":        {"list": list(), "map": avM(), "text": avS(""), "binary": avB([]byte{}), "nested": avM("list", list(list(), avM(), avS(""), avB([]byte{})))},
		"sets":         {"text": strs("b", "a", ""), "numbers": nums("2", "-1", "10", "0.5", digits), "binary": bytes([]byte{255, 0}, []byte{}, []byte("x"))},
		"one of a set": {"text": strs("a"), "numbers": nums("0"), "binary": bytes([]byte{0})},
		"scalars":      {"null": null, "yes": yes, "no": no, "text": avS("a\x00b \u2028 😀 ünï"), "binary": avB([]byte{0, 255, 128, 10})},
		"nested":       {"all": list(null, yes, no, avN(digits), avS(""), strs("x", "y"), nums("1"), bytes([]byte{1}), avM("a", list(null)))},
		"deep":         {"deep": deep},
		"large":        {"text": avS(strings.Repeat("ü", 100<<10)), "binary": avB(make([]byte, 100<<10))},
		"only a key":   {},
	}
	for _, name := range []string{"a.b", "#x", ":y", "with space", " ", "it's", `"quoted"`, "back\\slash", "a[0]", "select", "size", "ünï 日本", "$x", "a#b:c.d e", "\n", strings.Repeat("n", 255)} {
		items["name "+name[:min(len(name), 20)]] = dynamostore.Item{name: avS("top"), "nested": avM(name, avM(name, list(avN(digits))))}
	}
	return items
}

// TestItemsArriveExactly: from table to table, with V = Item, by a copy, and by the writes of a service in both phases that
// write to both. What is stored is compared past the SDK.
func TestItemsArriveExactly(t *testing.T) {
	t.Parallel()
	client := dynamotest.Client(t)
	tables := []string{dynamotest.Table(t, client, "id:S"), dynamotest.Table(t, client, "id:S")}
	all := awkwardItems()
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

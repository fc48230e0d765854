package crossstore

import (
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/mongostore"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// TestWhatIsTakenAsAnotherValueIsNamed: a field that decodes, and not as it is stored, is named by a copy; one that V holds is
// not. Through a wrapper too.
func TestWhatIsTakenAsAnotherValueIsNamed(t *testing.T) {
	t.Parallel()
	coll, client := mongotest.Collection(t), dynamotest.Client(t)
	table := dynamotest.Table(t, client, "id:S")
	for name, v := range map[string]any{
		"float": int64(1<<53 + 1), "flag": -1.5, "sub": bson.D{{Key: "x", Value: 1}}, "int64": true, "time": int64(1), "bytes": "text", "text": nil, "theirs": 1,
		"uint64": 1.0, "set": nil, "subs": bson.A{bson.D{{Key: "name", Value: "a"}, {Key: "size", Value: nil}}},
	} {
		if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: name}, {Key: name, Value: v}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, av := range map[string]types.AttributeValue{
		"float": avN("1234567890.1234567890123456789012345678"), "single": avN("16777217"), "time": avM("a", avS("b")), "when": avN(1), "text": avN("1.5"), "number": avS("12"),
		"list": &types.AttributeValueMemberNS{Value: []string{"1"}}, "oid": &types.AttributeValueMemberL{}, "sub": avM("x", avN(1)), "flag": &types.AttributeValueMemberNULL{Value: true},
		"theirs": avN(1), "uint64": avN("1E2"), "set": &types.AttributeValueMemberSS{Value: []string{"b", "a"}}, "subs": &types.AttributeValueMemberL{Value: []types.AttributeValue{avM("name", avS("a"), "size", avN(1))}},
	} {
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: dynamostore.Item{"id": avS(name), name: av}}); err != nil {
			t.Fatal(err)
		}
	}
	documents, err := mongostore.New[string, rich](t.Context(), coll, nil)
	if err != nil {
		t.Fatal(err)
	}
	items, err := dynamostore.New[string, rich](t.Context(), client, table, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from stores.Store[string, rich]
		want []string
	}{
		{documents, []string{"bytes", "flag", "float", "int64", "sub.x", "text", "theirs", "time"}},
		{items, []string{"flag", "float", "list", "number", "oid", "single", "sub.x", "text", "theirs", "time", "when"}},
	} {
		to, err := memstore.New[string, rich](stores.StringKeys[string](), nil)
		if err != nil {
			t.Fatal(err)
		}
		from := storefault.New(c.from, nil)
		verified, err := copier.Verify(t.Context(), from, to, nil)
		if err != nil || len(verified.Unmapped) > 0 {
			t.Errorf("%T: verify looked for what V does not hold: %v, %v", c.from, verified.Unmapped, err)
		}
		copied, err := copier.Copy(t.Context(), from, to, nil)
		if err != nil || copied.Clean() {
			t.Fatal(copied.Reasons(), err)
		}
		if accepted, err := copier.Copy(t.Context(), from, to, &copier.CopyOptions[rich]{AcceptLoss: c.want}); err != nil || !accepted.Clean() {
			t.Error(accepted.Reasons(), err)
		}
		if diff := cmp.Diff(c.want, slices.Sorted(maps.Keys(copied.Unmapped))); diff != "" {
			t.Errorf("%T: %s", c.from, diff)
		}
	}
}

package dynamostore

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dualwrite/dualwrite/stores"
)

// TestLiveLeavesTombstonesOut of the application's own scans, and nothing else: not items from before the SDK, intents, or
// what the application filters for itself.
func TestLiveLeavesTombstonesOut(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	table := newTable(t, client, "id:S")
	for _, meta := range []string{"", "a.b"} {
		s := open(t, client, table, &Options[string, note]{Meta: meta})
		own, names := Live()
		if meta != "" {
			own, names = s.Live()
		}
		plant(t, client, table, Item{"id": avS("before"), "n": avN("1"), "text": avS("x")})
		for key, m := range map[string]stores.Meta{
			"live": {}, "intent": {Intent: true, Prev: stores.Absent}, "gone": {Deleted: true}, "going": {Deleted: true, Intent: true},
		} {
			m.Version = stamp(1)
			w := write{Key: key, Record: record{Meta: m, Value: note{N: 2, Text: "x"}}, If: stores.IfOlder(stamp(1))}
			if meta != "" {
				plant(t, client, table, Item{"id": avS(key)}) // without what the other store has left
			}
			mustPut(t, s, w)
		}
		plant(t, client, table, Item{"id": avS("other"), "n": avN("1"), "text": avS("y")})
		names["#text"] = "text"
		out, err := client.Scan(t.Context(), &dynamodb.ScanInput{
			TableName: &table, ConsistentRead: aws.Bool(true), FilterExpression: aws.String("(#text = :x OR #text = :z) AND " + own),
			ExpressionAttributeNames: names, ExpressionAttributeValues: Item{":x": avS("x"), ":z": avS("z")},
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, item := range out.Items {
			got = append(got, string(s.showKey(item)))
		}
		slices.Sort(got)
		if want := []string{`["before"]`, `["intent"]`, `["live"]`}; !slices.Equal(got, want) {
			t.Errorf("Meta %q: %v, want %v", meta, got, want)
		}
	}
}

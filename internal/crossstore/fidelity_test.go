package crossstore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// named are the keys that the reports of copies name, with what they say, and whether anything was said of fields that were
// left behind.
type named map[string]string

// copyAlong copies from place to place, as a migration there and back does, and returns what the reports name.
func copyAlong[V any](t *testing.T, places ...stores.Store[string, V]) named {
	t.Helper()
	said := named{}
	for i, to := range places[1:] {
		o := &copier.CopyOptions[V]{PassOptions: copier.PassOptions{KeepFindings: 1 << 20, MaxRejected: -1}}
		copied, err := copier.Copy(t.Context(), places[i], to, o)
		if err != nil {
			t.Fatal(err)
		}
		verified, err := copier.Verify(t.Context(), places[i], to, &copier.VerifyOptions[V]{PassOptions: o.PassOptions, Grace: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		missing := named{}
		for _, f := range verified.Findings {
			missing[string(f.Key)] = f.String()
		}
		for _, f := range copied.Findings {
			if f.Err == nil {
				t.Errorf("a finding without a reason: %v", f)
			}
			said[string(f.Key)] = f.String()
			if missing[string(f.Key)] == "" {
				t.Errorf("the copy finds %v, verify nothing", f)
			}
			delete(missing, string(f.Key))
		}
		for _, key := range copied.ChangedKeys {
			said[string(key)] = "changed"
			delete(missing, string(key))
		}
		for _, f := range missing {
			t.Errorf("verify finds %v, which the copy did not", f)
		}
		if copied.Changed != int64(len(copied.ChangedKeys)) {
			t.Errorf("%d were changed, %d are named", copied.Changed, len(copied.ChangedKeys))
		}
	}
	return said
}

// TestDocumentsArriveOrAreNamed: a random document of MongoDB, of any shape, comes back from DynamoDB byte for byte, or a
// copy says that it does not.
func TestDocumentsArriveOrAreNamed(t *testing.T) {
	t.Parallel()
	r, n := random{rand.New(rand.NewPCG(seed(t), 1))}, howMany(t, 400)
	db, client := mongotest.Database(t), dynamotest.Client(t)
	from, to := db.Collection("from"), db.Collection("to")
	before := map[string]bson.Raw{}
	for i := range n {
		key := fmt.Sprint("k", i)
		doc, err := bson.Marshal(append(bson.D{{Key: "_id", Value: key}}, r.document(0)...))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := from.InsertOne(t.Context(), bson.Raw(doc)); err != nil {
			t.Fatalf("%v: %v", bson.Raw(doc), err)
		}
		before[key] = doc
	}
	before = allDocuments(t, from) // as the server has stored them
	raw := func(coll *mongo.Collection) stores.Store[string, bson.Raw] {
		s, err := mongostore.New[string, bson.Raw](t.Context(), coll, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	middle, err := dynamostore.New(t.Context(), client, dynamotest.Table(t, client, "id:S"), &dynamostore.Options[string, bson.Raw]{Encode: itemOf, Decode: documentOf})
	if err != nil {
		t.Fatal(err)
	}
	said := copyAlong[bson.Raw](t, raw(from), middle, raw(to))
	judge(t, before, allDocuments(t, to), said, func(a, b bson.Raw) bool { return bytes.Equal(a, b) })
}

func allDocuments(t *testing.T, coll *mongo.Collection) map[string]bson.Raw {
	t.Helper()
	cursor, err := coll.Find(t.Context(), bson.D{}, options.Find().SetBatchSize(500))
	if err != nil {
		t.Fatal(err)
	}
	var docs []bson.Raw
	if err := cursor.All(t.Context(), &docs); err != nil {
		t.Fatal(err)
	}
	all := map[string]bson.Raw{}
	for _, doc := range docs {
		all[doc.Lookup("_id").StringValue()] = doc
	}
	return all
}

// judge compares what is there in the end with what was there in the beginning.
func judge[T any](t *testing.T, before, after map[string]T, said named, same func(a, b T) bool) {
	t.Helper()
	equal, why := 0, map[string]int{}
	for key, a := range before {
		b, there := after[key]
		is := there && same(a, b)
		switch text := said[key]; {
		case is && text == "":
			equal++
		case is:
			t.Errorf("%s arrived as it was, and is named: %s: %v", key, text, a)
		case text == "":
			t.Errorf("%s: there %v, and nobody says so:\n was %v\n  is %v", key, there, show(a), show(b))
		default:
			why[text[:min(len(text), 8)]]++
		}
	}
	t.Logf("%d equal, %v", equal, why)
	for key := range after {
		if _, there := before[key]; !there {
			t.Errorf("%s came from nowhere", key)
		}
	}
	if len(before) >= 300 && (equal < len(before)/10 || len(why) < 2) {
		t.Errorf("the records were too easy or too hard: %d equal, %v", equal, why)
	}
}

func show(v any) string {
	if raw, ok := v.(bson.Raw); ok {
		return raw.String()
	}
	if item, ok := v.(dynamostore.Item); ok {
		d, _ := fieldsOfItem(item)
		return fmt.Sprint(d)
	}
	return fmt.Sprint(v)
}

// TestItemsArriveOrAreNamed: the same for a random item of DynamoDB, by way of MongoDB.
func TestItemsArriveOrAreNamed(t *testing.T) {
	t.Parallel()
	r, n := random{rand.New(rand.NewPCG(seed(t), 2))}, howMany(t, 400)
	client := dynamotest.Client(t)
	from, to := dynamotest.Table(t, client, "id:S"), dynamotest.Table(t, client, "id:S")
	for i := range n {
		item := r.item(0)
		item["id"] = avS(fmt.Sprint("k", i))
		if i == 0 { // few items have this name, and MongoDB has a use of its own for it
			item["_id"] = avS("lost on the way")
		}
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &from, Item: item}); err != nil {
			t.Fatalf("%v: %v", show(item), err)
		}
	}
	open := func(table string) stores.Store[string, dynamostore.Item] {
		s, err := dynamostore.New[string, dynamostore.Item](t.Context(), client, table, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	middle, err := mongostore.New(t.Context(), mongotest.Collection(t), &mongostore.Options[string, dynamostore.Item]{
		Encode: fieldsOfItem,
		Decode: func(doc bson.Raw) (dynamostore.Item, error) {
			m, err := itemOfFields(doc)
			delete(m, "_id")
			return m, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	said := copyAlong[dynamostore.Item](t, open(from), middle, open(to))
	judge(t, allItems(t, client, from), allItems(t, client, to), said, sameItem)
}

func allItems(t *testing.T, client *dynamodb.Client, table string) map[string]dynamostore.Item {
	t.Helper()
	all := map[string]dynamostore.Item{}
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			all[item["id"].(*types.AttributeValueMemberS).Value] = item
		}
	}
	return all
}

// sameItem compares two items as DynamoDB has stored them: numbers in one form, sets in any order.
func sameItem(a, b dynamostore.Item) bool {
	return reflect.DeepEqual(sorted(&types.AttributeValueMemberM{Value: a}), sorted(&types.AttributeValueMemberM{Value: b}))
}

func sorted(av types.AttributeValue) types.AttributeValue {
	switch av := av.(type) {
	case *types.AttributeValueMemberSS:
		return &types.AttributeValueMemberSS{Value: slices.Sorted(slices.Values(av.Value))}
	case *types.AttributeValueMemberNS:
		return &types.AttributeValueMemberNS{Value: slices.Sorted(slices.Values(av.Value))}
	case *types.AttributeValueMemberBS:
		return &types.AttributeValueMemberBS{Value: slices.SortedFunc(slices.Values(av.Value), bytes.Compare)}
	case *types.AttributeValueMemberL:
		all := make([]types.AttributeValue, len(av.Value))
		for i := range all {
			all[i] = sorted(av.Value[i])
		}
		return &types.AttributeValueMemberL{Value: all}
	case *types.AttributeValueMemberM:
		all := dynamostore.Item{}
		for name := range av.Value {
			all[name] = sorted(av.Value[name])
		}
		return &types.AttributeValueMemberM{Value: all}
	default:
		return av
	}
}

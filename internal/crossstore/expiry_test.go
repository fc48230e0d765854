package crossstore

import (
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// visit is a value with its expiry in seconds, 0 or none for never.
type visit struct {
	User string `bson:"user" dynamodbav:"user"`
	TTL  int64  `bson:"ttl,omitempty" dynamodbav:"ttl,omitempty"`
}

func (v visit) expires() time.Time { return time.Unix(v.TTL, 0) }

// TestCopyOfRecordsThatExpire: what never expires arrives, what has expired is counted, from each database to each; and verify
// says the same.
func TestCopyOfRecordsThatExpire(t *testing.T) {
	t.Parallel()
	client := dynamotest.Client(t)
	table := func() (stores.Store[string, visit], func(id string, ttl int64)) {
		name := dynamotest.Table(t, client, "id:S")
		s, err := dynamostore.New(t.Context(), client, name, &dynamostore.Options[string, visit]{ExpiresAt: visit.expires})
		if err != nil {
			t.Fatal(err)
		}
		return s, func(id string, ttl int64) {
			item := dynamostore.Item{"id": &types.AttributeValueMemberS{Value: id}, "user": &types.AttributeValueMemberS{Value: "u"}}
			if ttl != 0 || id == "zero" {
				item["ttl"] = &types.AttributeValueMemberN{Value: fmt.Sprint(ttl)}
			}
			if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &name, Item: item}); err != nil {
				t.Fatal(err)
			}
		}
	}
	collection := func() (stores.Store[string, visit], func(id string, ttl int64)) {
		coll := mongotest.Collection(t)
		s, err := mongostore.New(t.Context(), coll, &mongostore.Options[string, visit]{ExpiresAt: visit.expires})
		if err != nil {
			t.Fatal(err)
		}
		return s, func(id string, ttl int64) {
			doc := bson.D{{Key: "_id", Value: id}, {Key: "user", Value: "u"}}
			if ttl != 0 || id == "zero" {
				doc = append(doc, bson.E{Key: "ttl", Value: ttl})
			}
			if _, err := coll.InsertOne(t.Context(), doc); err != nil {
				t.Fatal(err)
			}
		}
	}
	places := map[string]func() (stores.Store[string, visit], func(id string, ttl int64)){"DynamoDB": table, "MongoDB": collection}
	for from, openOld := range places {
		for to, openNew := range places {
			old, plant := openOld()
			neu, _ := openNew()
			for id, ttl := range map[string]int64{"none": 0, "zero": 0, "later": time.Now().Unix() + 10_000, "dead": time.Now().Unix() - 10} {
				plant(id, ttl)
			}
			r, err := copier.Copy(t.Context(), old, neu, nil)
			if err != nil || r.Read != 3 || r.Applied != 3 || r.Expired != 1 || !r.Clean() {
				t.Errorf("%s to %s: read %d, written %d, expired %d: %v, %v", from, to, r.Read, r.Applied, r.Expired, r.Reasons(), err)
			}
			r, err = copier.Verify(t.Context(), old, neu, nil)
			if err != nil || r.Same != 3 || r.Expired != 1 || !r.Clean() {
				t.Errorf("verify %s to %s: same %d, expired %d: %v, %v", from, to, r.Same, r.Expired, r.Reasons(), err)
			}
		}
	}
}

package crossstore

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/boltstore"
	"github.com/dualwrite/dualwrite/stores/dynamostore"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// member holds its own key, as most records do in Go.
type member struct {
	ID   string    `bson:"_id" dynamodbav:"id"`
	Name string    `bson:"name" dynamodbav:"name"`
	At   time.Time `bson:"at" dynamodbav:"at"`
}

// Two ways to write functions: with the id, or without it, as it is the key anyway.
func memberDocuments(withID bool) *mongostore.Options[string, member] {
	return &mongostore.Options[string, member]{
		Encode: func(m member) (bson.D, error) {
			d := bson.D{{Key: "n", Value: m.Name}, {Key: "t", Value: m.At}}
			if withID {
				d = append(d, bson.E{Key: "_id", Value: m.ID})
			}
			return d, nil
		},
		Decode: func(raw bson.Raw) (m member, err error) {
			var doc struct {
				ID string    `bson:"_id"`
				N  string    `bson:"n"`
				T  time.Time `bson:"t"`
			}
			err = bson.Unmarshal(raw, &doc)
			return member{doc.ID, doc.N, doc.T}, err
		},
	}
}

func memberItems(withID bool) *dynamostore.Options[string, member] {
	text := func(item dynamostore.Item, name string) string {
		s, _ := item[name].(*types.AttributeValueMemberS)
		if s == nil {
			return ""
		}
		return s.Value
	}
	return &dynamostore.Options[string, member]{
		Encode: func(m member) (dynamostore.Item, error) {
			item := dynamostore.Item{"n": avS(m.Name), "t": avS(m.At.Format(time.RFC3339Nano))}
			if withID {
				item["id"] = avS(m.ID)
			}
			return item, nil
		},
		Decode: func(item dynamostore.Item) (m member, err error) {
			m.ID, m.Name = text(item, "id"), text(item, "n")
			m.At, err = time.Parse(time.RFC3339Nano, text(item, "t"))
			return m, err
		},
	}
}

// places of members: a collection, a table and a bucket.
type memberPlaces struct {
	coll *mongo.Collection
	docs stores.Store[string, member]
	tab  stores.Store[string, member]
	bolt stores.Store[string, member]
}

func openMembers(t *testing.T, mo *mongostore.Options[string, member], do *dynamostore.Options[string, member]) (p memberPlaces) {
	t.Helper()
	client := dynamotest.Client(t)
	p.coll = mongotest.Collection(t)
	var err error
	if p.docs, err = mongostore.New(t.Context(), p.coll, mo); err != nil {
		t.Fatal(err)
	}
	if p.tab, err = dynamostore.New(t.Context(), client, dynamotest.Table(t, client, "id:S"), do); err != nil {
		t.Fatal(err)
	}
	db, err := boltstore.Open(t.TempDir()+"/members.bolt", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if p.bolt, err = boltstore.View[string, member](db, "members", stores.StringKeys[string](), nil); err != nil {
		t.Fatal(err)
	}
	return p
}

// A value that holds its own id is the same in both places, however the id gets there and back, and a round trip gives what a read
// gives.
func TestValuesThatHoldTheirID(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		docs  *mongostore.Options[string, member]
		items *dynamostore.Options[string, member]
	}{
		"tags":             {},
		"encoded":          {memberDocuments(true), memberItems(true)},
		"left out":         {memberDocuments(false), memberItems(false)},
		"left out of new":  {memberDocuments(true), memberItems(false)},
		"left out of old":  {memberDocuments(false), memberItems(true)},
		"tags, left out":   {nil, memberItems(false)},
		"left out, tagged": {memberDocuments(false), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openMembers(t, c.docs, c.items)
			for i := range 10 {
				key := fmt.Sprint("m", i)
				m := member{ID: key, Name: fmt.Sprint("name ", i), At: time.UnixMilli(int64(i)).UTC()}
				w := stores.Write[string, member]{Key: key, Record: stores.Record[member]{Meta: stores.Meta{Version: stores.Unstamped}, Value: m}, If: stores.IfOlder(stores.Unstamped)}
				if err := p.docs.Put(t.Context(), w); err != nil {
					t.Fatal(err)
				}
			}
			for _, way := range [][2]stores.Store[string, member]{{p.docs, p.tab}, {p.tab, p.bolt}} {
				copied, verified, err := copier.CopyAndVerify(t.Context(), way[0], way[1], nil)
				if err != nil || !copied.Clean() || !verified.Clean() || copied.Applied != 10 || copied.Changed+verified.Changed != 0 {
					t.Fatalf("%T to %T: %q, %q, %v", way[0], way[1], copied.Reasons(), verified.Reasons(), err)
				}
				r, err := way[1].Get(t.Context(), "m3")
				if err != nil || r.Value.ID != "m3" {
					t.Errorf("%T: %+v, %v", way[1], r, err)
				}
				bare := member{Name: "bare"}
				if back, err := stores.RoundTrip(way[0], "m4", bare); err != nil || back.ID != "m4" {
					t.Errorf("%T gives back %+v, %v", way[0], back, err)
				}
			}
		})
	}
}

// phaseOf is a flag that does not change.
type phaseOf flags.Phase

func (p phaseOf) Phase(context.Context) (flags.Phase, error) { return flags.Phase(p), nil }

// A time with nanoseconds, which one place has no room for, is told by the verify pass and not taken for equal; neither is what the
// copy left behind, nor what it would change.
func TestWhatBothPlacesDoNotHoldAlikeIsTold(t *testing.T) {
	t.Parallel()
	p := openMembers(t, nil, nil)
	if _, err := p.coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "u1"}, {Key: "name", Value: "x"}, {Key: "legacy_crm", Value: 1}, {Key: "at", Value: bson.DateTime(1)}}); err != nil {
		t.Fatal(err)
	}
	r, err := dualwrite.New(p.docs, p.tab, phaseOf(flags.ReadOldWriteBoth), nil)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 561210431, time.UTC)
	if _, err := r.Put(t.Context(), "u2", member{ID: "u2", Name: "y", At: at}); err != nil {
		t.Fatal(err)
	}
	copied, verified, err := copier.CopyAndVerify(t.Context(), p.docs, p.tab, nil)
	if err != nil || copied.Clean() || verified.Clean() {
		t.Fatal(copied, verified, err)
	}
	why := strings.Join(verified.Reasons(), "\n")
	for _, want := range []string{`legacy_crm of 1 records`, `"u1"`, `At of 1 records`, `"u2"`, "05.561Z in old", "05.561210431Z in new"} {
		if !strings.Contains(why, want) {
			t.Errorf("%q does not tell of %s", why, want)
		}
	}
	accept := &copier.CopyAndVerifyOptions[member]{AcceptLoss: []string{"legacy_crm", "At"}}
	if _, verified, err := copier.CopyAndVerify(t.Context(), p.docs, p.tab, accept); err != nil || !verified.Clean() || verified.Changed != 1 {
		t.Errorf("%q, %v", verified.Reasons(), err)
	}
	// The way back: what the table has, the collection rounds.
	other := openMembers(t, nil, nil)
	back, err := copier.Copy(t.Context(), p.tab, other.docs, nil)
	if e := back.ChangedFields["At"]; err != nil || back.Clean() || e.Records != 1 || !strings.Contains(e.Examples[0].Before, "431") || strings.Contains(e.Examples[0].After, "431") {
		t.Errorf("%q, %+v, %v", back.Reasons(), e, err)
	}
}

// Two copies over one collection, one after the other and at once, report what each has met.
func TestWhatCopiesReportIsTheirOwn(t *testing.T) {
	t.Parallel()
	p, q := openMembers(t, nil, nil), openMembers(t, nil, nil)
	client := dynamotest.Client(t)
	table := dynamotest.Table(t, client, "id:S")
	items, err := dynamostore.New[string, member](t.Context(), client, table, nil)
	if err != nil {
		t.Fatal(err)
	}
	add := func(key, field string) {
		t.Helper()
		if _, err := p.coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: key}, {Key: field, Value: 1}}); err != nil {
			t.Fatal(err)
		}
		item := dynamostore.Item{"id": avS(key), field: avS("x")}
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	add("u1", "gone")
	add("u2", "legacy_crm")
	for _, from := range []stores.Store[string, member]{p.docs, items} {
		first, err := copier.Copy(t.Context(), from, q.bolt, nil)
		if err != nil || len(first.Unmapped) != 2 || first.Unmapped["gone"].Records != 1 {
			t.Fatalf("%T: %+v, %v", from, first.Unmapped, err)
		}
	}
	if _, err := p.coll.DeleteOne(t.Context(), bson.D{{Key: "_id", Value: "u1"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: dynamostore.Item{"id": avS("u1")}}); err != nil {
		t.Fatal(err)
	}
	for _, from := range []stores.Store[string, member]{p.docs, items} {
		again, err := copier.Copy(t.Context(), from, q.bolt, nil)
		if l := again.Unmapped["legacy_crm"]; err != nil || len(again.Unmapped) != 1 || l.Records != 1 || string(l.Examples[0].Key) == "" || !strings.Contains(l.Examples[0].Shown, "u2") {
			t.Errorf("%T: %+v, %v", from, again.Unmapped, err)
		}
	}
}
